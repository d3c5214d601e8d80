//! The first place where two documents differ: two pages of JSON side by side help nobody.

use serde_json::Value as Json;

/// A JSON pointer and both values. `at` is where the documents themselves stand.
pub fn difference(at: &str, expected: &Json, found: &Json) -> Option<String> {
    match (expected, found) {
        (Json::Object(a), Json::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().zip(b.values()).find_map(|((name, a), b)| difference(&format!("{at}/{name}"), a, b))
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(n, (a, b))| difference(&format!("{at}/{n}"), a, b))
        }
        (a, b) => (a != b).then(|| format!("{at}: {b}\n  expected {a}")),
    }
}
