//! As much of JSON Schema as the schemas of a project's files use.

use serde_json::Value as Json;

/// The keywords of JSON Schema that the schema uses; any other would be passed over here.
const KEYWORDS: &[&str] = &[
    "$schema",
    "$ref",
    "title",
    "description",
    "default",
    "type",
    "properties",
    "additionalProperties",
    "required",
    "items",
    "enum",
    "anyOf",
    "allOf",
    "oneOf",
    "uniqueItems",
    "minItems",
    "minimum",
    "maximum",
    "definitions",
];

/// Where a value is not what the schema says.
pub(crate) fn wrong(root: &Json, schema: &Json, value: &Json, at: &str) -> Vec<String> {
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
    for branch in schema["allOf"].as_array().into_iter().flatten() {
        found.extend(wrong(root, branch, value, at));
    }
    if let Some(branches) = schema["oneOf"].as_array() {
        let fitting = branches.iter().filter(|branch| wrong(root, branch, value, at).is_empty()).count();
        if fitting != 1 {
            found.push(format!("{at}: is {fitting} of {branches:?}, not one"));
        }
    }
    if let (Some(items), Json::Bool(true)) = (value.as_array(), &schema["uniqueItems"])
        && items.iter().enumerate().any(|(n, item)| items[..n].contains(item))
    {
        found.push(format!("{at}: holds something twice"));
    }
    if !schema["type"].is_null() && !is_of(&types(&schema["type"]), kind(value)) {
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
    if value.as_i64().is_some_and(|number| schema["minimum"].as_i64().is_some_and(|least| number < least)) {
        found.push(format!("{at}: {value} is too little"));
    }
    if value.as_f64().is_some_and(|number| schema["maximum"].as_f64().is_some_and(|most| number > most)) {
        found.push(format!("{at}: {value} is too much"));
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

fn is_of(types: &[&str], kind: &str) -> bool {
    types.contains(&kind) || kind == "integer" && types.contains(&"number")
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}
