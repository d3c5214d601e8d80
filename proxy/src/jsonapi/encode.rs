//! Writes documents straight from cells to bytes: one buffer, no JSON tree in between.
//!
//! A row's cells come from a closure, so that rows of the database and rows that a write has made in memory take the same way:
//!
//! ```text
//! {"type":"orders","id":"7","attributes":{…},"relationships":{…},"links":{"self":"/api/orders/7"},"meta":{"etag":"…"}}
//! ```

pub mod aggregates;
pub mod cell;
pub mod document;
pub mod export;
pub mod graph;
pub mod resource;
pub mod text;
pub mod trace;

use dialects::{Cell, Value};
use introspect::{ColumnId, TableId};
use serde_json::{Map, Value as Json};

use super::etag::{self, ETag};
use super::shape::Shape;
use super::{id, json, links, media};
use crate::state::Snapshot;
use resource::ResourceWriter;

/// Starts a document: whoever calls writes the other members, each after a comma, and the closing brace.
pub fn begin(out: &mut Vec<u8>) {
    begin_with(out, None);
}

/// Likewise a document to which a profile may be applied.
pub fn begin_with(out: &mut Vec<u8>, profile: Option<&str>) {
    out.extend_from_slice(br#"{"jsonapi":{"version":"1.1""#);
    if let Some(profile) = profile {
        out.extend_from_slice(br#","profile":["#);
        json::string(out, profile);
        out.push(b']');
    }
    out.push(b'}');
}

/// The document of one row, given in full width by [`ColumnId`], as a write or a read of a single resource answers it. `meta` is the
/// document's (`ignored`, …); left out when empty.
pub fn single_document(
    snapshot: &Snapshot,
    table: TableId,
    values: &[Value],
    meta: &Map<String, Json>,
) -> Vec<u8> {
    document(snapshot, &written_shape(snapshot, table, values), values, meta)
}

/// Likewise, of a row of which nothing may be told but that it is there.
pub fn bare_document(
    snapshot: &Snapshot,
    table: TableId,
    values: &[Value],
    meta: &Map<String, Json>,
) -> Vec<u8> {
    document(snapshot, &Shape::identifier(table), values, meta)
}

fn document(snapshot: &Snapshot, shape: &Shape, values: &[Value], meta: &Map<String, Json>) -> Vec<u8> {
    let cells = |column: ColumnId| values.get(column.0 as usize).map_or(Cell::Null, Value::cell);
    let table = shape.table;
    let mut out = Vec::with_capacity(1024);
    begin(&mut out);
    out.extend_from_slice(br#","links":{"self":"#);
    json::string(&mut out, &self_link(snapshot, table, values));
    out.extend_from_slice(br#"},"data":"#);
    ResourceWriter::new(snapshot, shape).write(&mut out, &cells, &|_, _| false, None);
    document_meta(&mut out, meta);
    out.push(b'}');
    out
}

/// All of a row that was written. Virtual attributes that it came without are left out rather than shown as null.
fn written_shape(snapshot: &Snapshot, table: TableId, values: &[Value]) -> Shape {
    let mut shape = Shape::full(&snapshot.schema, &snapshot.api, table);
    shape.attributes.retain(|column| (column.0 as usize) < values.len());
    shape
}

/// A document that has nothing but `meta`.
pub fn meta_document(meta: &Map<String, Json>) -> Vec<u8> {
    let mut out = Vec::new();
    begin(&mut out);
    document_meta(&mut out, meta);
    out.push(b'}');
    out
}

/// What one operation of several came to.
#[derive(Clone, Debug)]
pub struct OperationResult {
    /// The table of its row.
    pub table: TableId,
    /// The row as committed, in full width; `None`: it is gone.
    pub values: Option<Vec<Value>>,
    /// Nothing of the row may be told but that it is there.
    pub bare: bool,
    /// The result's `meta`; left out when empty.
    pub meta: Map<String, Json>,
}

impl OperationResult {
    /// Whether it tells nothing.
    pub fn is_empty(&self) -> bool {
        self.values.is_none() && self.meta.is_empty()
    }
}

/// The document of the results of several operations, in their order. `meta` is the document's.
pub fn results_document(
    snapshot: &Snapshot,
    results: &[OperationResult],
    meta: &Map<String, Json>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024 * results.len());
    out.extend_from_slice(br#"{"jsonapi":{"version":"1.1","ext":["#);
    json::string(&mut out, media::ATOMIC);
    out.extend_from_slice(br#"]},"atomic:results":["#);
    for result in results {
        json::comma(&mut out);
        out.push(b'{');
        if let Some(values) = &result.values {
            let cells = |column: ColumnId| values.get(column.0 as usize).map_or(Cell::Null, Value::cell);
            let shape = match result.bare {
                true => Shape::identifier(result.table),
                false => written_shape(snapshot, result.table, values),
            };
            json::name(&mut out, "data");
            ResourceWriter::new(snapshot, &shape).write(&mut out, &cells, &|_, _| false, None);
        }
        result_meta(&mut out, &result.meta);
        out.push(b'}');
    }
    out.push(b']');
    document_meta(&mut out, meta);
    out.push(b'}');
    out
}

/// `"meta":{…}`, unless it is empty.
fn result_meta(out: &mut Vec<u8>, meta: &Map<String, Json>) {
    if !meta.is_empty() {
        json::comma(out);
        json::name(out, "meta");
        out.extend_from_slice(Json::Object(meta.clone()).to_string().as_bytes());
    }
}

/// The path of one row, given in full width: its `links.self`, and the `Location` of its creation.
pub fn self_link(snapshot: &Snapshot, table: TableId, values: &[Value]) -> String {
    let id = id::of_row(&snapshot.schema, table, values);
    links::resource(&snapshot.api, &snapshot.schema[table].name, &id)
}

/// The ETag of one row, given in full width.
pub fn etag_of(snapshot: &Snapshot, table: TableId, values: &[Value]) -> ETag {
    etag::etag(snapshot, table, &|column| values.get(column.0 as usize).map_or(Cell::Null, Value::cell))
}

/// `,"meta":{…}`, unless it is empty.
pub fn document_meta(out: &mut Vec<u8>, meta: &Map<String, Json>) {
    if meta.is_empty() {
        return;
    }
    out.extend_from_slice(br#","meta":{"#);
    for (name, value) in meta {
        json::comma(out);
        json::name(out, name);
        out.extend_from_slice(value.to_string().as_bytes());
    }
    out.push(b'}');
}
