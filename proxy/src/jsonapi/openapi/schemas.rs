//! Schemas: what all documents share, and the resources of each type.
//!
//! Shared ones are `jsonapi.` and a word that is no part of a type: a table called `jsonapi` stays apart from them.

use introspect::{ColumnId, Relationship, Table, TableId};
use serde_json::{Map, Value as Json, json};

use super::granted::{Change, Granted};
use super::{component, object, reference, schema, value};
use crate::ErrorCode;
use crate::jsonapi::shape::{self, Shape};
use crate::plan::write::{is_read_only, takes_client_ids};
use crate::state::Snapshot;

/// What is the same for all types.
pub(super) fn shared() -> Map<String, Json> {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
    let schemas = [
        (
            "jsonapi.errors",
            json!({"type": "object", "required": ["errors"], "properties": {
                "jsonapi": reference("schemas", "jsonapi.version"),
                "errors": {"type": "array", "minItems": 1, "items": reference("schemas", "jsonapi.error")},
                "meta": {"type": "object"},
            }}),
        ),
        (
            "jsonapi.error",
            json!({"type": "object", "required": ["status", "code", "title"], "properties": {
                "id": {"type": "string", "description": "Finds the entry in the log."},
                "status": {"type": "string"},
                "code": {"type": "string", "examples": codes.get(..3), "description": "A stable word: see /docs/errors."},
                "title": {"type": "string"},
                "detail": {"type": "string"},
                "source": {"type": "object", "properties": {
                    "pointer": {"type": "string"}, "parameter": {"type": "string"}, "header": {"type": "string"},
                }},
                "links": reference("schemas", "jsonapi.links"),
                "meta": {"type": "object"},
            }}),
        ),
        ("jsonapi.version", json!({"type": "object", "properties": {"version": {"const": "1.1"}}})),
        (
            "jsonapi.links",
            json!({"type": "object", "additionalProperties": {"type": ["string", "object", "null"]}}),
        ),
        (
            "jsonapi.resource",
            json!({"type": "object", "required": ["type", "id"], "properties": {
                "type": {"type": "string"}, "id": {"type": "string"}, "attributes": {"type": "object"},
                "relationships": {"type": "object"}, "links": reference("schemas", "jsonapi.links"), "meta": {"type": "object"},
            }}),
        ),
        (
            "jsonapi.index",
            json!({"type": "object", "required": ["jsonapi", "links", "meta"], "properties": {
                "jsonapi": reference("schemas", "jsonapi.version"),
                "links": reference("schemas", "jsonapi.links"),
                "meta": {"type": "object", "properties": {
                    "resources": {"type": "object", "additionalProperties": {"type": "string"}},
                }},
            }}),
        ),
        ("jsonapi.aggregates", aggregates()),
        ("jsonapi.operations", operations()),
        (
            "jsonapi.results",
            json!({"type": "object", "properties": {
                "jsonapi": reference("schemas", "jsonapi.version"),
                "atomic:results": {"type": "array", "items": {"type": "object", "properties": {
                    "data": {"anyOf": [reference("schemas", "jsonapi.resource"), {"type": "array"}, {"type": "null"}]},
                    "meta": {"type": "object"},
                }}},
                "meta": {"type": "object"},
            }}),
        ),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// The document that tells aggregates: without `data`.
fn aggregates() -> Json {
    let group = json!({"type": "object", "required": ["group"], "properties": {
        "group": {"type": "object", "description": "The value of each path of `groupBy`."},
    }, "additionalProperties": {"type": ["number", "string", "null"], "description": "One for each aggregate, by its name."}});
    json!({"type": "object", "required": ["jsonapi", "meta"], "properties": {
        "jsonapi": reference("schemas", "jsonapi.version"),
        "links": reference("schemas", "jsonapi.links"),
        "meta": {"type": "object", "required": ["aggregates"], "properties": {
            "aggregates": {"type": "array", "items": group},
        }},
    }})
}

/// The document of several operations.
fn operations() -> Json {
    let named = json!({"type": "object", "required": ["type"], "properties": {
        "type": {"type": "string"}, "id": {"type": "string"}, "lid": {"type": "string"}, "relationship": {"type": "string"},
    }});
    json!({"type": "object", "required": ["atomic:operations"], "properties": {
        "atomic:operations": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["op"], "properties": {
            "op": {"enum": ["add", "update", "remove"]},
            "ref": named,
            "href": {"type": "string"},
            "data": {"type": ["object", "array", "null"]},
            "meta": {"type": "object"},
        }}},
    }})
}

/// The schemas of a type.
pub(super) fn of(snapshot: &Snapshot, id: TableId) -> Vec<(String, Json)> {
    let table = &snapshot.schema[id];
    let mut schemas = vec![
        ("", resource(snapshot, id)),
        ("attributes", attributes(snapshot, id)),
        ("identifier", identifier(table)),
        ("toOne", linkage(&json!({"anyOf": [schema(table, "identifier"), {"type": "null"}]}))),
        ("toMany", linkage(&json!({"type": "array", "items": schema(table, "identifier")}))),
        ("document", document(&schema(table, ""))),
        ("related", document(&json!({"anyOf": [schema(table, ""), {"type": "null"}]}))),
        ("collection", document(&json!({"type": "array", "items": schema(table, "")}))),
    ];
    let granted = Granted::of(snapshot, id);
    for (part, change) in [("create", Change::Create), ("update", Change::Update)] {
        if granted.allows(change) {
            schemas.push((part, write(snapshot, id, change)));
        }
    }
    schemas.into_iter().map(|(part, schema)| (component(&table.name, part), schema)).collect()
}

fn resource(snapshot: &Snapshot, id: TableId) -> Json {
    let table = &snapshot.schema[id];
    let shape = Shape::full(&snapshot.schema, &snapshot.api, id);
    json!({"type": "object", "required": ["type", "id"], "properties": {
        "type": {"const": table.name},
        "id": {"type": "string"},
        "attributes": schema(table, "attributes"),
        "relationships": relationships(snapshot, table, &shape),
        "links": reference("schemas", "jsonapi.links"),
        "meta": {"type": "object", "properties": {"etag": {"type": "string"}}},
    }})
}

fn attributes(snapshot: &Snapshot, id: TableId) -> Json {
    let (table, granted) = (&snapshot.schema[id], Granted::of(snapshot, id));
    let shown = shape::attributes(&snapshot.schema, &snapshot.api, id).into_iter().map(|column| {
        let read_only = granted.is_read_only(column);
        (table[column].name.clone(), value::of(&table[column], snapshot.api.numbers, read_only))
    });
    json!({"type": "object", "properties": shown.collect::<Map<_, _>>()})
}

fn relationships(snapshot: &Snapshot, table: &Table, shape: &Shape) -> Json {
    let members = shape.relationships.iter().map(|id| {
        let relationship = &table[*id];
        (relationship.name.clone(), schema(&snapshot.schema[relationship.target], arity(relationship)))
    });
    json!({"type": "object", "properties": members.collect::<Map<_, _>>()})
}

/// The part that is called like the number of resources at the other end.
pub(super) fn arity(relationship: &Relationship) -> &'static str {
    if relationship.to_one() { "toOne" } else { "toMany" }
}

fn identifier(table: &Table) -> Json {
    json!({"type": "object", "required": ["type", "id"], "properties": {
        "type": {"const": table.name}, "id": {"type": "string"}, "meta": {"type": "object"},
    }})
}

/// A relationship object, which is also the document at its own URL.
fn linkage(data: &Json) -> Json {
    json!({"type": "object", "properties": {
        "data": data, "links": reference("schemas", "jsonapi.links"), "meta": {"type": "object"},
    }})
}

fn document(data: &Json) -> Json {
    json!({"type": "object", "required": ["jsonapi", "data"], "properties": {
        "jsonapi": reference("schemas", "jsonapi.version"),
        "links": reference("schemas", "jsonapi.links"),
        "data": data,
        "included": {"type": "array", "items": reference("schemas", "jsonapi.resource")},
        "meta": {"type": "object"},
    }})
}

/// What is sent to make or to change a resource, with an example that is complete.
fn write(snapshot: &Snapshot, id: TableId, change: Change) -> Json {
    let (table, granted) = (&snapshot.schema[id], Granted::of(snapshot, id));
    let new = change == Change::Create;
    let required = if new { granted.required() } else { Vec::new() };
    let settable = || {
        let shown = table.relationships().filter(|(_, r)| shape::shown(&snapshot.schema, r));
        shown.filter(|(id, r)| !granted.locks_relationship(change, *id, r)).map(|(_, r)| r)
    };
    let to_one = settable().filter(|r| r.to_one());
    let related = settable().map(|relationship| {
        let target = &snapshot.schema[relationship.target];
        (relationship.name.clone(), schema(target, arity(relationship)))
    });
    let needed: Vec<&str> = to_one
        .filter(|relationship| relationship.columns.iter().any(|column| required.contains(column)))
        .map(|relationship| relationship.name.as_str())
        .collect();
    let shown = shape::attributes(&snapshot.schema, &snapshot.api, id);
    let names: Vec<&str> = required
        .iter()
        .filter(|column| shown.contains(column) && !table.in_foreign_key(**column))
        .map(|column| table[*column].name.as_str())
        .collect();
    let client_id = new && takes_client_ids(snapshot, table);
    let members = object([
        ("type", Some(json!({"const": table.name}))),
        ("id", (!new || client_id).then(|| json!({"type": "string"}))),
        ("attributes", Some(demanding(schema(table, "attributes"), &names))),
        (
            "relationships",
            Some(demanding(json!({"type": "object", "properties": related.collect::<Map<_, _>>()}), &needed)),
        ),
        ("meta", Some(json!({"type": "object"}))),
    ]);
    let mut musts = vec!["type"];
    musts.extend((!new || client_id && required.iter().any(|column| table.key == [*column])).then_some("id"));
    musts.extend((!names.is_empty()).then_some("attributes"));
    musts.extend((!needed.is_empty()).then_some("relationships"));
    json!({"type": "object", "required": ["data"], "properties": {
        "data": {"type": "object", "required": musts, "properties": members},
    }, "examples": [example(snapshot, id, change, &required)]})
}

/// An object of which some members must be there.
fn demanding(schema: Json, required: &[&str]) -> Json {
    match required {
        [] => schema,
        _ => json!({"allOf": [schema, {"required": required}]}),
    }
}

/// A document that could be sent: what is required, and a few attributes more.
fn example(snapshot: &Snapshot, id: TableId, change: Change, required: &[ColumnId]) -> Json {
    let (table, granted, new) = (&snapshot.schema[id], Granted::of(snapshot, id), change == Change::Create);
    let writable = |column: &ColumnId| {
        !is_read_only(snapshot, id, *column) && !granted.locks(change, *column) && !table.key.contains(column)
    };
    let own = |column: &ColumnId| !table.in_foreign_key(*column);
    let shown = shape::attributes(&snapshot.schema, &snapshot.api, id);
    let attributes: Map<String, Json> = shown
        .iter()
        .filter(|column| own(column) && (required.contains(column) || writable(column)))
        .map(|column| (table[*column].name.clone(), value::example(&table[*column], snapshot.api.numbers)))
        .collect();
    let demanded = |r: &&Relationship| {
        r.to_one()
            && shape::shown(&snapshot.schema, r)
            && r.columns.iter().any(|column| required.contains(column))
    };
    let related: Map<String, Json> = table
        .relationships
        .iter()
        .filter(demanded)
        .map(|r| (r.name.clone(), json!({"data": {"type": snapshot.schema[r.target].name, "id": "1"}})))
        .collect();
    let keyed = new && required.iter().any(|column| table.key == [*column]);
    json!({"data": object([
        ("type", Some(table.name.as_str().into())),
        ("id", (!new || keyed).then(|| "1".into())),
        ("attributes", (!attributes.is_empty()).then(|| attributes.into())),
        ("relationships", (!related.is_empty()).then(|| related.into())),
    ])})
}
