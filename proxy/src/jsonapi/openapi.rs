//! Snapshot → OpenAPI 3.1 document of what is served: every type's paths, parameters, schemas and answers.
//!
//! Names of components are a type's name (what a component may not contain as `.HH`) and a word after a dot, such as `orders.create`:
//! no type has a dot in its name. Sizes grow with columns and relationships alone, since all that types share stands once.
//!
//! It tells whoever asks what they may do, and no more: the snapshot is the one that they see.

mod granted;
mod parameters;
mod paths;
mod responses;
mod schemas;
mod value;

use introspect::{Table, TableId};
use serde_json::{Map, Value as Json, json};

use super::{id, json as text, links};
use crate::state::Snapshot;

/// What a person reads first; the grammar that no schema can say.
const ABOUT: &str = "\
[JSON:API 1.1](https://jsonapi.org/format/1.1/) over the tables of a database.

- **Filters.** `filter[attribute]=value` is equal to, `a,b` any of. `filter[attribute][operator]=value` takes `eq ne gt gte lt lte like \
ilike contains starts ends in nin between null`. Paths go through relationships: `filter[customer.region]=Coast`; \
through many, there is such a resource: `filter[items.quantity][gt]=9`.
- **Sorting.** `sort=-order_date,customer.name`; nulls last ascending, first descending.
- **Aggregates.** `aggregateOf=count(*),sum(total)&groupBy=customer.region` tells these of each group, in `meta.aggregates`, instead of the \
resources.
- **Errors** are JSON:API error documents; `code` is a stable word, listed with its meaning under [/docs/errors](/docs/errors).
- **Derived attributes** (read-only here) follow from rules: they are left out of a write and named in `meta.ignored`.
";

/// The security scheme.
const BEARER: &str = "bearer";

/// The document, as JSON text. It is written part by part: as one tree, that of a large database would take a multiple of its memory.
pub fn document(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 * 1024);
    let tables = || served(snapshot).map(|(id, _)| id);
    let tags: Vec<Json> = served(snapshot).map(|(_, table)| tag(table)).collect();
    let info = json!({"title": "Rulegate", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT});
    out.push(b'{');
    member(&mut out, "openapi", &"3.1.0".into());
    member(&mut out, "info", &info);
    member(&mut out, "servers", &json!([{"url": links::base(&snapshot.api)}]));
    member(&mut out, "tags", &tags.into());
    if snapshot.is_guarded() {
        member(&mut out, "security", &json!([{BEARER: []}]));
    }
    section(&mut out, "paths", paths::shared(snapshot), tables().map(|id| paths::of(snapshot, id)));
    open(&mut out, "components");
    section(&mut out, "schemas", schemas::shared(), tables().map(|id| schemas::of(snapshot, id)));
    let parameters = tables().map(|id| parameters::of(snapshot, id));
    section(&mut out, "parameters", parameters::shared(snapshot), parameters);
    member(&mut out, "headers", &responses::headers());
    member(&mut out, "responses", &responses::refusals().into());
    if snapshot.is_guarded() {
        let token = json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"});
        member(&mut out, "securitySchemes", &json!({BEARER: token}));
    }
    out.extend_from_slice(b"}}");
    out
}

/// An object of what is shared, then of what each table adds.
fn section(
    out: &mut Vec<u8>,
    name: &str,
    shared: Map<String, Json>,
    of_tables: impl Iterator<Item = Vec<(String, Json)>>,
) {
    open(out, name);
    for (name, value) in shared.into_iter().chain(of_tables.flatten()) {
        member(out, &name, &value);
    }
    out.push(b'}');
}

fn open(out: &mut Vec<u8>, name: &str) {
    text::comma(out);
    text::name(out, name);
    out.push(b'{');
}

fn member(out: &mut Vec<u8>, name: &str, value: &Json) {
    text::comma(out);
    text::name(out, name);
    out.extend_from_slice(value.to_string().as_bytes());
}

/// The tables that are resource types.
fn served(snapshot: &Snapshot) -> impl Iterator<Item = (TableId, &Table)> {
    snapshot.schema.iter().filter(|(_, table)| table.is_resource() && !table.hidden)
}

fn tag(table: &Table) -> Json {
    match &table.comment {
        Some(comment) => json!({"name": table.name, "description": comment}),
        None => json!({"name": table.name}),
    }
}

/// `{"$ref": "#/components/schemas/orders.create"}`.
fn reference(kind: &str, name: &str) -> Json {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

/// The reference to a schema of a type: `part` is a word after the dot, or nothing for the resource itself.
fn schema(table: &Table, part: &str) -> Json {
    reference("schemas", &component(&table.name, part))
}

/// The name of a component: only letters, digits, `_`, `-` and dots may stand in it.
fn component(name: &str, part: &str) -> String {
    let mut out = id::unreserved(name.as_bytes());
    if !part.is_empty() {
        out.push('.');
        out.push_str(part);
    }
    out
}

/// An object that grows by what is there: absent members are left out.
fn object<const N: usize>(members: [(&str, Option<Json>); N]) -> Json {
    let present = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Json::Object(present.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests;
