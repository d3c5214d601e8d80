//! Who is who in a document: each resource once, and none included that nothing leads to ("Compound Documents").

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

/// Type and id.
type Name<'a> = (&'a str, &'a str);

/// Checks the document of a query.
pub(super) fn check(document: &Json, query: &str, problems: &mut Vec<String>) {
    let primary = items(document.get("data"));
    let included = items(document.get("included"));
    let is_resource = |item: &&&Json| item.get("links").is_some();
    let mut resources: HashMap<Name<'_>, &Json> = HashMap::new();
    for resource in primary.iter().filter(is_resource).chain(&included) {
        let Some(name) = name(resource) else { continue };
        if resources.insert(name, resource).is_some() {
            problems.push(format!("{name:?} stands there twice"));
        }
    }
    let identifiers: HashSet<Name<'_>> = primary.iter().filter_map(|item| name(item)).collect();
    if identifiers.len() != primary.len() {
        problems.push("a resource is primary data twice".into());
    }
    // Fields that are left out may hold the linkage.
    if !query.contains("fields") {
        let reached = reached(identifiers, &resources);
        let mut lost = included.iter().filter_map(|item| name(item)).filter(|name| !reached.contains(name));
        problems.extend(lost.next().map(|name| format!("nothing leads to {name:?}")));
    }
}

/// All that a chain of relationships from the primary data names.
fn reached<'a>(primary: HashSet<Name<'a>>, resources: &HashMap<Name<'a>, &'a Json>) -> HashSet<Name<'a>> {
    let mut reached = primary.clone();
    let mut open: Vec<Name<'a>> = primary.into_iter().collect();
    while let Some(next) = open.pop() {
        let Some(resource) = resources.get(&next) else { continue };
        let relationships = resource.get("relationships").and_then(Json::as_object);
        for relationship in relationships.into_iter().flat_map(|members| members.values()) {
            for name in items(relationship.get("data")).into_iter().filter_map(name) {
                if reached.insert(name) {
                    open.push(name);
                }
            }
        }
    }
    reached
}

fn items(data: Option<&Json>) -> Vec<&Json> {
    match data {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

fn name(item: &Json) -> Option<Name<'_>> {
    item.get("type").and_then(Json::as_str).zip(item.get("id").and_then(Json::as_str))
}
