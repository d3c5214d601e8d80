//! Parameters: those that all types share, and those that name a type's members.

use introspect::TableId;
use serde_json::{Map, Value as Json, json};

use super::granted::Granted;
use super::{component, reference};
use crate::jsonapi::shape::{self, Shape};
use crate::state::Snapshot;

/// A page of a collection.
const PAGE: &[&str] =
    &["page.number", "page.size", "page.offset", "page.limit", "page.after", "page.before", "page.total"];

/// Filters that are not by one attribute.
const FILTERS: &[&str] = &["filter", "filter.where", "filter.search"];

/// What is told of the resources in place of themselves.
const AGGREGATES: &[&str] = &["aggregate-of", "group-by"];

/// The same for all types.
pub(super) fn shared(snapshot: &Snapshot) -> Map<String, Json> {
    let api = &snapshot.api;
    let count = |least: u64| json!({"type": "integer", "minimum": least});
    // No default is declared: forms would send it, and of two parameters that mean the same only one may come.
    let size = json!({"type": "integer", "minimum": 1, "maximum": api.page_size_max});
    let about_size = format!("Resources on a page, {} unless asked.", api.page_size);
    let text = json!({"type": "string"});
    let shared = [
        (
            "filter",
            query(
                "filter",
                "A filter as JSON: `and`, `or`, `not`, and leaves of `name`, `op`, `val`.",
                text.clone(),
            ),
        ),
        (
            "filter.where",
            query(
                "filter[where]",
                "A condition in the language of rules: `status = 'new' and total > 100`.",
                text.clone(),
            ),
        ),
        ("filter.search", query("filter[search]", "Words, each in some searchable attribute.", text.clone())),
        ("page.number", query("page[number]", "The page, from 1.", count(1))),
        ("page.size", query("page[size]", &about_size, size.clone())),
        ("page.offset", query("page[offset]", "Resources before the page.", count(0))),
        ("page.limit", query("page[limit]", "The same as `page[size]`.", size)),
        (
            "page.after",
            query("page[after]", "The page after a cursor: they come in `links.next`.", text.clone()),
        ),
        ("page.before", query("page[before]", "The page before a cursor.", text.clone())),
        (
            "page.total",
            query(
                "page[total]",
                "Whether to count, which costs far more than the page; or to ask the database roughly.",
                json!({"type": "string", "enum": ["true", "false", "estimate"]}),
            ),
        ),
        (
            "aggregate-of",
            list(
                "aggregateOf",
                "What is told of the resources in place of themselves, in `meta.aggregates`: `count(*)`, `count(path)`, \
                 `count(distinct path)`, `sum(path)`, `avg(path)`, `min(path)`, `max(path)`.",
                &json!({"type": "string", "pattern": r"^(count|sum|avg|min|max)\(.+\)$"}),
            ),
        ),
        (
            "group-by",
            list(
                "groupBy",
                "Attributes, or paths through relationships to one: aggregates are told for each of their values.",
                &text,
            ),
        ),
        (
            "if-match",
            header("If-Match", "The ETag of the resource as it was read: 412 when it has changed.", &text),
        ),
        ("if-none-match", header("If-None-Match", "An ETag: 304 when nothing has changed.", &text)),
        (
            "trace",
            header(
                "Rulegate-Trace",
                "`1`: `meta.trace` tells which rules fired, and why.",
                &json!({"const": "1"}),
            ),
        ),
        (
            "id",
            json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}}),
        ),
    ];
    shared.into_iter().map(|(name, parameter)| (name.to_owned(), parameter)).collect()
}

/// What names members of a type: filters by its attributes, its sort order, what is included, what is shown.
pub(super) fn of(snapshot: &Snapshot, id: TableId) -> Vec<(String, Json)> {
    if !Granted::of(snapshot, id).reads() {
        return Vec::new();
    }
    let (schema, table) = (&snapshot.schema, &snapshot.schema[id]);
    let shape = Shape::full(schema, &snapshot.api, id);
    let attributes: Vec<&str> = shape.attributes.iter().map(|column| table[*column].name.as_str()).collect();
    let relationships: Vec<&str> = shape.relationships.iter().map(|id| table[*id].name.as_str()).collect();
    let named = |part: &str| component(&table.name, part);
    let mut parameters: Vec<(String, Json)> = filtered(snapshot, id)
        .into_iter()
        .map(|name| {
            (
                named(&filter(&name)),
                query(&filter_name(&name), "Equal to; `a,b` any of.", json!({"type": "string"})),
            )
        })
        .collect();
    parameters.push((
        named("sort"),
        list("sort", "Attributes or paths to them, `-` descends.", &json!({"type": "string"})),
    ));
    let members: Vec<&str> = attributes.iter().chain(&relationships).copied().collect();
    let fields = json!({"type": "string", "enum": members});
    parameters.push((
        named("fields"),
        list(&format!("fields[{}]", table.name), "What is shown of this type.", &fields),
    ));
    if !relationships.is_empty() {
        let about = format!("Relationships, or paths of them ({}).", relationships.join(", "));
        parameters.push((named("include"), list("include", &about, &json!({"type": "string"}))));
    }
    parameters
}

/// What a read of one resource takes.
pub(super) fn of_one(snapshot: &Snapshot, id: TableId) -> Vec<Json> {
    let table = &snapshot.schema[id];
    let included = !shape::relationships(&snapshot.schema, id).is_empty();
    let parts = ["fields"].into_iter().chain(included.then_some("include"));
    parts.map(|part| reference("parameters", &component(&table.name, part))).collect()
}

/// What a read of a collection takes.
pub(super) fn of_many(snapshot: &Snapshot, id: TableId) -> Vec<Json> {
    let mut parameters = of_one(snapshot, id);
    parameters.extend(of_linkage(snapshot, id));
    parameters
}

/// What a read of identifiers takes: which, in which order, which page.
pub(super) fn of_linkage(snapshot: &Snapshot, id: TableId) -> Vec<Json> {
    let table = &snapshot.schema[id];
    let of_type = |part: &str| reference("parameters", &component(&table.name, part));
    let filters = filtered(snapshot, id).into_iter().map(|name| of_type(&filter(&name)));
    let shared = PAGE.iter().chain(FILTERS).chain(AGGREGATES).map(|name| reference("parameters", name));
    let mut parameters = Vec::new();
    parameters.push(of_type("sort"));
    parameters.extend(shared.chain(filters));
    parameters
}

/// The names that a filter takes without a path: the id, attributes, relationships.
fn filtered(snapshot: &Snapshot, id: TableId) -> Vec<String> {
    let (schema, table) = (&snapshot.schema, &snapshot.schema[id]);
    let shape = Shape::full(schema, &snapshot.api, id);
    let attributes = shape.attributes.iter().map(|column| table[*column].name.clone());
    let related = shape.relationships.iter().map(|id| table[*id].name.clone());
    std::iter::once("id".to_owned()).chain(attributes).chain(related).collect()
}

/// A filter's parameter. Attributes that are called like other filters are reached by their operator.
fn filter_name(name: &str) -> String {
    match name {
        "search" | "where" => format!("filter[{name}][eq]"),
        _ => format!("filter[{name}]"),
    }
}

/// The part of a filter's component.
fn filter(name: &str) -> String {
    component("filter", &component(name, ""))
}

fn query(name: &str, about: &str, schema: Json) -> Json {
    json!({"name": name, "in": "query", "description": about, "schema": schema})
}

/// Values joined by commas.
fn list(name: &str, about: &str, items: &Json) -> Json {
    json!({
        "name": name, "in": "query", "description": about, "style": "form", "explode": false,
        "schema": {"type": "array", "items": items},
    })
}

fn header(name: &str, about: &str, schema: &Json) -> Json {
    json!({"name": name, "in": "header", "description": about, "schema": schema})
}
