//! The JSON Schema of rule files allows what is documented and served, and refuses what is not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// The keywords of JSON Schema that the schema uses; any other would be passed over here.
const KEYWORDS: &[&str] = &[
    "$schema",
    "$ref",
    "title",
    "description",
    "type",
    "properties",
    "additionalProperties",
    "required",
    "items",
    "enum",
    "anyOf",
    "minItems",
    "definitions",
];

/// Where a value is not what the schema says.
fn wrong(root: &Json, schema: &Json, value: &Json, at: &str) -> Vec<String> {
    let Some(keywords) = schema.as_object() else {
        return if *schema == Json::Bool(true) { Vec::new() } else { vec![format!("{at}: not allowed")] };
    };
    for keyword in keywords.keys() {
        assert!(KEYWORDS.contains(&keyword.as_str()), "the test does not know `{keyword}`");
    }
    let mut found = Vec::new();
    if let Some(path) = schema["$ref"].as_str() {
        found.extend(wrong(root, root.pointer(path.trim_start_matches('#')).unwrap(), value, at));
    }
    if let Some(branches) = schema["anyOf"].as_array() {
        let all: Vec<Vec<String>> = branches.iter().map(|branch| wrong(root, branch, value, at)).collect();
        if all.iter().all(|branch| !branch.is_empty()) {
            found.extend(all.concat());
        }
    }
    if !schema["type"].is_null() && !types(&schema["type"]).contains(&kind(value)) {
        found.push(format!("{at}: is {}, not {}", kind(value), schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is not one of {}", schema["enum"]));
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !members.contains_key(name.as_str().unwrap()) {
                found.push(format!("{at}: {name} is missing"));
            }
        }
        for (name, member) in members {
            let rule = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
            found.extend(
                rule.map(|rule| wrong(root, rule, member, &format!("{at}/{name}"))).unwrap_or_default(),
            );
        }
    }
    if let Some(items) = value.as_array() {
        if schema["minItems"].as_u64().is_some_and(|least| (items.len() as u64) < least) {
            found.push(format!("{at}: too short"));
        }
        for (n, item) in items.iter().enumerate() {
            let rule = schema.get("items");
            found.extend(rule.map(|rule| wrong(root, rule, item, &format!("{at}/{n}"))).unwrap_or_default());
        }
    }
    found
}

fn types(of: &Json) -> Vec<&str> {
    of.as_array()
        .map_or_else(|| vec![of.as_str().unwrap()], |all| all.iter().map(|t| t.as_str().unwrap()).collect())
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn check(text: &str) -> Vec<String> {
    let schema: Json = serde_json::from_str(rules::JSON_SCHEMA).unwrap();
    let value: Json = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    wrong(&schema, &schema, &value, "")
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The rule files of the tests and of the demo, and every example of the documentation.
fn samples() -> Vec<(String, String)> {
    let mut samples = Vec::new();
    for (path, extension) in [("tests/fixtures", "yaml"), ("docs", "md"), (".", "md")] {
        for entry in folder(path).read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == extension) {
                let text = std::fs::read_to_string(&path).unwrap();
                let texts = if extension == "md" { examples(&text) } else { vec![text] };
                samples.extend(texts.into_iter().map(|text| (path.display().to_string(), text)));
            }
        }
    }
    samples
}

/// The blocks of YAML in a page that are rules.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let is_rules = |text: &&str| {
        let first = text.lines().find(|line| !line.starts_with('#')).unwrap_or_default();
        ["derive:", "default:", "stamp:", "constrain:", "transition:"].contains(&first)
    };
    blocks.map(|(block, _)| block).filter(is_rules).map(str::to_owned).collect()
}

#[test]
fn every_rule_file_and_every_documented_example_is_allowed() {
    let samples = samples();
    assert!(samples.len() > 5, "{}", samples.len());
    for (path, text) in samples {
        assert_eq!(check(&text), Vec::<String>::new(), "{path}:\n{text}");
    }
}

#[test]
fn what_is_wrong_is_found() {
    for (text, expect) in [
        ("deriv: {}", "/deriv: not allowed"),
        ("derive: {a.b: [1]}", "/derive/a.b: is array"),
        ("derive: {a.b: {as: 1, operations: [insert]}}", "/derive/a.b/operations: not allowed"),
        ("stamp: {a.b: {as: 1, operations: [delete]}}", "\"delete\" is not one of"),
        ("constrain: {a: [{check: x > 1}]}", "/constrain/a/0: \"message\" is missing"),
        ("constrain: {a: [{check: x > 1, message: m, recheck: maybe}]}", "/constrain/a/0/recheck: is string"),
        ("transition: {a.b: {new: paid}}", "/transition/a.b/new: is string"),
    ] {
        let found = check(text).join("\n");
        assert!(found.contains(expect), "{text}: {found}");
    }
}

#[test]
fn the_command_prints_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_rulegate")).args(["schema", "rules"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), rules::JSON_SCHEMA);
}
