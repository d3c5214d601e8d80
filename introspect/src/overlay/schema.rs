//! The JSON Schema of model files, by which editors complete and check them.

/// The schema, as JSON.
pub const JSON_SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::overlay::{COLUMN_KEYS, KEYS, RELATIONSHIP_KEYS, TABLE_KEYS};

    /// The names that stand before an opening brace within `"properties"`, which each have lines of their own.
    fn properties() -> BTreeSet<&'static str> {
        let lines =
            JSON_SCHEMA.lines().map(str::trim).filter(|line| line.ends_with('{') || line.contains("{ "));
        lines.filter_map(|line| line.strip_prefix('"')?.split_once("\": {").map(|(name, _)| name)).collect()
    }

    #[test]
    fn the_schema_has_the_keys_that_the_reader_knows_and_no_others() {
        let own = [
            "properties",
            "definitions",
            "items",
            "additionalProperties",
            "text",
            "table",
            "column",
            "relationship",
        ];
        let known = KEYS.iter().chain(&TABLE_KEYS).chain(&COLUMN_KEYS).chain(&RELATIONSHIP_KEYS).copied();
        let found: BTreeSet<&str> = properties().into_iter().filter(|name| !own.contains(name)).collect();
        assert_eq!(found, known.collect());
    }
}
