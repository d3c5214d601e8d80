//! Whether an answer is what a page shows, where `…` stands for what the page leaves out.

use serde_json::Value as Json;

const ANY: &str = "…";

/// Line by line.
pub(super) fn text(shown: &str, actual: &str) -> bool {
    let lines =
        |text: &str| text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    all(&lines(shown), &lines(actual))
}

fn all(shown: &[String], actual: &[String]) -> bool {
    match (shown, actual) {
        ([], actual) => actual.is_empty(),
        ([first, rest @ ..], actual) if first.trim() == ANY => {
            (0..=actual.len()).any(|skipped| all(rest, &actual[skipped..]))
        }
        ([first, rest @ ..], [line, more @ ..]) => one(first, line) && all(rest, more),
        (_, []) => false,
    }
}

fn one(shown: &str, actual: &str) -> bool {
    match shown.split_once(ANY) {
        None => shown == actual,
        Some((start, rest)) => actual.strip_prefix(start).is_some_and(|left| {
            left.char_indices().map(|(at, _)| at).chain([left.len()]).any(|at| one(rest, &left[at..]))
        }),
    }
}

/// Value by value.
pub(super) fn json(shown: &str, actual: &str) -> bool {
    let shown: Json = serde_json::from_str(shown).unwrap_or_else(|error| panic!("{error} in {shown}"));
    serde_json::from_str(actual).is_ok_and(|actual| value(&shown, &actual))
}

fn value(shown: &Json, actual: &Json) -> bool {
    match (shown, actual) {
        (Json::String(text), _) if text == ANY => true,
        (Json::String(shown), Json::String(actual)) => one(shown, actual),
        (Json::Array(shown), Json::Array(actual)) => elements(shown, actual),
        (Json::Object(shown), Json::Object(actual)) => {
            let open = shown.contains_key(ANY);
            (open || shown.len() == actual.len())
                && shown
                    .iter()
                    .filter(|(name, _)| *name != ANY)
                    .all(|(name, inner)| actual.get(name).is_some_and(|found| value(inner, found)))
        }
        _ => shown == actual,
    }
}

fn elements(shown: &[Json], actual: &[Json]) -> bool {
    match shown.split_last() {
        Some((Json::String(last), start)) if last == ANY => {
            actual.get(..start.len()).is_some_and(|begin| elements(start, begin))
        }
        _ => {
            shown.len() == actual.len() && shown.iter().zip(actual).all(|(shown, found)| value(shown, found))
        }
    }
}

#[test]
fn an_answer_fits_what_is_shown_and_nothing_else_does() {
    for (shown, actual, fits) in [
        ("a\nb\n", "a\nb", true),
        ("a\n", "a\nb\n", false),
        ("a\n…\nd\n", "a\nb\nc\nd\n", true),
        ("a\n…\n", "b\n", false),
        ("id …, done", "id 7, done", true),
        ("id …, done", "id 7, gone", false),
    ] {
        assert_eq!(text(shown, actual), fits, "{shown:?} {actual:?}");
    }
    for (shown, actual, fits) in [
        (r#"{"a": 1}"#, r#"{"a":1}"#, true),
        (r#"{"a": 1}"#, r#"{"a":2}"#, false),
        (r#"{"a": 1}"#, r#"{"a":1,"b":2}"#, false),
        (r#"{"a": 1, "…": "…"}"#, r#"{"a":1,"b":2}"#, true),
        (r#"{"a": "…"}"#, r#"{"a":[2]}"#, true),
        (r#"{"a": "…"}"#, r#"{"b":[2]}"#, false),
        (r#"[1, "…"]"#, "[1,2,3]", true),
        (r#"[1, "…"]"#, "[2]", false),
        ("[1]", "[1,2]", false),
        ("1.50", "1.5", false),
    ] {
        assert_eq!(json(shown, actual), fits, "{shown:?} {actual:?}");
    }
}
