//! The JSON Schema of JSON:API 1.1 (json-api/json-api, pull request 1603; not part of this repository), where it is there: a second
//! opinion on what `document` says.
//!
//! It is looked for where the sample databases are, see [`crate::chinook`]. Two things that the specification allows are taken out of its sight:
//! members of extensions, and letters beyond ASCII in names.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value as Json, json};

use crate::chinook::sample_data;

static SCHEMA: OnceLock<Option<Validator>> = OnceLock::new();

/// Checks a document of an answer.
pub(super) fn check(document: &Json, problems: &mut Vec<String>) {
    let Some(schema) = SCHEMA.get_or_init(load) else { return };
    for document in parts(document) {
        let errors = schema.iter_errors(&document);
        problems.extend(
            errors.take(3).map(|error| format!("the schema says: {} {error}", error.instance_path())),
        );
    }
}

fn load() -> Option<Validator> {
    let path = sample_data().join("jsonapi/schemas/1.1-pr1603/schema.json");
    let text = std::fs::read_to_string(path).ok()?;
    let schema = serde_json::from_str(&text).unwrap();
    Some(jsonschema::draft202012::new(&schema).unwrap())
}

/// The document; of results, each as a document of its own.
fn parts(document: &Json) -> Vec<Json> {
    let results = document.get("atomic:results").and_then(Json::as_array);
    let data = |result: &Json| result.get("data").map(|data| json!({"data": in_ascii(data)}));
    match results {
        None => vec![in_ascii(document)],
        Some(results) => results.iter().filter_map(data).collect(),
    }
}

/// With other letters for those that the schema does not know.
fn in_ascii(document: &Json) -> Json {
    if document.to_string().is_ascii() {
        return document.clone();
    }
    match document {
        Json::String(text) => spelled(text).into(),
        Json::Array(items) => items.iter().map(in_ascii).collect(),
        Json::Object(members) => {
            members.iter().map(|(name, value)| (spelled(name), in_ascii(value))).collect()
        }
        value => value.clone(),
    }
}

fn spelled(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("u{:x}", u32::from(c)) }).collect()
}
