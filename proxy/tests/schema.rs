//! The JSON Schemas of a project's files allow what is documented and read, and refuse what is not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use introspect::Overlay;
use serde_json::Value as Json;

#[path = "schema/validate.rs"]
mod validate;
use validate::wrong;

fn check(text: &str) -> Vec<String> {
    check_against(rules::JSON_SCHEMA, text)
}

fn check_against(schema: &str, text: &str) -> Vec<String> {
    let schema: Json = serde_json::from_str(schema).unwrap();
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

/// Model files, and whether both the reader and the schema take them.
const MODELS: &[(&str, bool)] = &[
    ("", true),
    ("names: camelCase", true),
    ("names: snake_case", false),
    ("tables:", true),
    ("tables: {orders: }", true),
    ("tables: [orders]", false),
    ("tabels: {}", false),
    (
        "tables: {orders: {name: purchases, hidden: true, key: [id], triggers: trusted, columns: {}, relationships: {}}}",
        true,
    ),
    ("tables: {orders: {name: [x]}}", false),
    ("tables: {orders: {hidden: maybe}}", false),
    ("tables: {orders: {key: id}}", false),
    ("tables: {orders: {triggers: ignored}}", false),
    ("tables: {orders: {colums: {}}}", false),
    ("tables: {orders: {columns: {a: {name: b, label: B, searchable: false, hidden: true}, c: }}}", true),
    ("tables: {orders: {columns: {a: {name: 7}}}}", true),
    ("tables: {orders: {columns: {a: {searchable: 1}}}}", false),
    ("tables: {orders: {columns: {a: {lable: x}}}}", false),
    ("tables: {orders: {columns: {a: b}}}", false),
    ("tables: {orders: {relationships: {a: {name: b}}}}", true),
    ("tables: {orders: {relationships: {a: {to: b, columns: [c]}}}}", true),
    ("tables: {orders: {relationships: {a: {to: b, columns: [c, d], to_columns: [e, f]}}}}", true),
    ("tables: {orders: {relationships: {a: {}}}}", false),
    ("tables: {orders: {relationships: {a: {to: b}}}}", false),
    ("tables: {orders: {relationships: {a: {to: b, columns: []}}}}", false),
    ("tables: {orders: {relationships: {a: {name: b, columns: [c]}}}}", false),
    ("tables: {orders: {relationships: {a: {name: b, to: c, columns: [d]}}}}", false),
];

#[test]
fn a_model_file_is_taken_by_its_reader_exactly_where_its_schema_allows_it() {
    for (text, fine) in MODELS {
        let found =
            check_against(introspect::overlay::JSON_SCHEMA, if text.is_empty() { "null" } else { text });
        assert_eq!(
            (Overlay::parse("model.yaml", text).is_ok(), found.is_empty()),
            (*fine, *fine),
            "{text}: {found:?}"
        );
    }
}

/// Access files, and whether both the reader and the schema take them.
const ACCESS: &[(&str, bool)] = &[
    ("", true),
    ("access:", true),
    ("access: [{role: a, resource: '*', read: true}]", true),
    ("access: [{role: [a, b], resource: '*', all: id = 1}]", true),
    ("access: [{every_role_but: [], resource: '*', delete: false}]", true),
    (
        "access: [{role: a, resource: '*', all: 1 = 2, attributes: {hidden: [], read_only: [x]}, set: {x: 1}, set_on_update: {}}]",
        true,
    ),
    ("acces: []", false),
    ("access: {}", false),
    ("access: [a]", false),
    ("access: [{role: a, resource: '*'}]", false),
    ("access: [{resource: '*', read: true}]", false),
    ("access: [{role: a, read: true}]", false),
    ("access: [{role: a, every_role_but: b, resource: '*', read: id = 1}]", false),
    ("access: [{role: a, resource: '*', every_resource_with: id, read: true}]", false),
    ("access: [{role: [], resource: '*', read: true}]", false),
    ("access: [{role: a, resource: [], read: true}]", false),
    ("access: [{role: a, resource: '*', read: [true]}]", false),
    ("access: [{role: a, resource: '*', raed: true}]", false),
    ("access: [{role: a, resource: '*', read: true, attributes: {hiden: [x]}}]", false),
    ("access: [{role: a, resource: '*', read: true, attributes: {hidden: x}}]", false),
    ("access: [{role: a, resource: '*', create: true, set: [x]}]", false),
];

#[test]
fn the_schema_of_access_files_takes_what_the_reader_takes() {
    let nothing = introspect::Schema::new(dialects::Dialect::Sqlite, Vec::new());
    for (text, fine) in ACCESS {
        let found = check_against(rules::policy::JSON_SCHEMA, if text.is_empty() { "null" } else { text });
        let files = [("access/a.yaml".to_owned(), (*text).to_owned())];
        let read = rules::policy::check(&nothing, &rules::RuleSet::empty(&nothing), &files);
        assert_eq!((read.is_ok(), found.is_empty()), (*fine, *fine), "{text}: {found:?} {read:?}");
    }
}

#[test]
fn the_documented_files_are_allowed_by_their_schemas() {
    let page = std::fs::read_to_string(folder("docs/configuration.md")).unwrap();
    let blocks: Vec<&str> =
        page.split("```yaml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    let of = |start: &str| blocks.iter().find(|block| block.starts_with(start)).unwrap();
    assert_eq!(check_against(introspect::overlay::JSON_SCHEMA, of("tables:")), Vec::<String>::new());
    assert_eq!(check_against(proxy::config::JSON_SCHEMA, of("database:")), Vec::<String>::new());
    let page = std::fs::read_to_string(folder("docs/access.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0));
    for block in blocks {
        assert_eq!(check_against(rules::policy::JSON_SCHEMA, block), Vec::<String>::new(), "{block}");
    }
}

#[test]
fn the_command_prints_them() {
    let schemas = [
        ("rules", rules::JSON_SCHEMA),
        ("access", rules::policy::JSON_SCHEMA),
        ("model", introspect::overlay::JSON_SCHEMA),
        ("config", proxy::config::JSON_SCHEMA),
    ];
    for (of, schema) in schemas {
        let output = Command::new(env!("CARGO_BIN_EXE_rulegate")).args(["schema", of]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), schema);
    }
}
