//! The JSON Schema of rule files, by which editors complete and check them.

/// The schema, as JSON.
pub const JSON_SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{CONSTRAINT_KEYS, EXPRESSION_KEYS, KEYS, Problems, read};

    /// Whether the reader refuses a key as one of a later version.
    fn later(text: &str) -> bool {
        let files = [("a.yaml".to_owned(), text.to_owned())];
        let mut problems = Problems::new(&files);
        read(&mut problems);
        problems.sorted().iter().any(|problem| problem.message.contains("not known to this version"))
    }

    #[test]
    fn the_schema_has_the_keys_that_this_version_reads_and_no_others() {
        let keys = KEYS.iter().map(|key| (key, format!("{key}: {{}}")));
        let of_expressions =
            EXPRESSION_KEYS.iter().map(|key| (key, format!("derive: {{a.b: {{{key}: x}}}}")));
        let of_checks = CONSTRAINT_KEYS.iter().map(|key| (key, format!("constrain: {{a: [{{{key}: x}}]}}")));
        for (key, text) in keys.chain(of_expressions).chain(of_checks) {
            assert_eq!(
                JSON_SCHEMA.contains(&format!("\"{key}\": {{")),
                !later(&text),
                "{key} in schema.json"
            );
        }
    }
}
