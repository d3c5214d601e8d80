//! The JSON Schema of access files, by which editors complete and check them.

/// The schema, as JSON.
pub const JSON_SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file::{ATTRIBUTE_KEYS, ENTRY_KEYS, KEYS};

    #[test]
    fn the_schema_has_the_keys_that_are_read_and_no_others() {
        let keys: Vec<&str> = [KEYS, ENTRY_KEYS, ATTRIBUTE_KEYS].concat();
        for key in &keys {
            assert!(JSON_SCHEMA.contains(&format!("\"{key}\": {{")), "{key} in schema.json");
        }
    }
}
