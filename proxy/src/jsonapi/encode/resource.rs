//! One resource object (JSON:API 1.1, "Resource Objects") from the cells of one row.
//!
//! To-one linkage follows from the row's own foreign key; everything else that is known of a relationship's `data` comes from a closure,
//! and where nothing is known there is no `data` at all.

use dialects::Cell;
use introspect::{ColumnId, Relationship, RelationshipId, Table};

use super::cell::cell;
use crate::jsonapi::etag::Covered;
use crate::jsonapi::shape::{Shape, linkage_columns};
use crate::jsonapi::{id, json, links};
use crate::state::Snapshot;

/// Gives the cells of a row.
pub type Cells<'a> = dyn Fn(ColumnId) -> Cell<'a> + 'a;

/// Writes the `data` value of a relationship and answers true; or writes nothing, and answers false, where it is not loaded.
pub type Linkage<'a> = dyn Fn(RelationshipId, &mut Vec<u8>) -> bool + 'a;

/// What is the same for all resources of a type in one answer.
pub struct ResourceWriter<'a> {
    snapshot: &'a Snapshot,
    table: &'a Table,
    shape: &'a Shape,
    /// `/api/orders/`.
    path: String,
    members: Vec<Member<'a>>,
    covered: Option<Covered>,
}

/// A relationship that is shown.
struct Member<'a> {
    id: RelationshipId,
    relationship: &'a Relationship,
    segment: String,
    /// The columns of the target's id in this row.
    own: Option<Vec<ColumnId>>,
}

impl<'a> ResourceWriter<'a> {
    /// A writer for resources of a shape.
    pub fn new(snapshot: &'a Snapshot, shape: &'a Shape) -> Self {
        let table = &snapshot.schema[shape.table];
        let path = format!("{}/", links::collection(&snapshot.api, &table.name));
        let members = shape.relationships.iter().map(|id| Member::new(snapshot, table, *id)).collect();
        let covered = (!shape.sparse).then(|| Covered::of(snapshot, shape.table));
        Self { snapshot, table, shape, path, members, covered }
    }

    /// Writes a resource object. `cursor`: the one that falls on it, where it is paginated by cursors.
    pub fn write(&self, out: &mut Vec<u8>, cells: &Cells<'_>, linkage: &Linkage<'_>, cursor: Option<&str>) {
        let id = id::of_cells(self.table, cells);
        let path = format!("{}{}", self.path, links::segment(&id));
        self.open(out, &id);
        self.attributes(out, cells);
        self.relationships(out, &path, cells, linkage);
        out.extend_from_slice(br#","links":{"self":""#);
        json::escaped(out, &path);
        out.extend_from_slice(b"\"}");
        let etag = self.covered.as_ref().map(|covered| covered.etag(self.snapshot, cells).quoted());
        meta(out, etag.as_deref(), cursor);
        out.push(b'}');
    }

    /// Writes a resource identifier object.
    pub fn identifier(&self, out: &mut Vec<u8>, cells: &Cells<'_>, cursor: Option<&str>) {
        self.open(out, &id::of_cells(self.table, cells));
        meta(out, None, cursor);
        out.push(b'}');
    }

    fn open(&self, out: &mut Vec<u8>, id: &str) {
        identifier_open(out, &self.table.name, id);
    }

    fn attributes(&self, out: &mut Vec<u8>, cells: &Cells<'_>) {
        if self.shape.attributes.is_empty() {
            return;
        }
        out.extend_from_slice(br#","attributes":{"#);
        for column in &self.shape.attributes {
            let shown = &self.table[*column];
            json::comma(out);
            json::name(out, &shown.name);
            cell(out, shown.ty, self.snapshot.api.numbers, &cells(*column));
        }
        out.push(b'}');
    }

    fn relationships(&self, out: &mut Vec<u8>, path: &str, cells: &Cells<'_>, linkage: &Linkage<'_>) {
        if self.members.is_empty() {
            return;
        }
        out.extend_from_slice(br#","relationships":{"#);
        for member in &self.members {
            json::comma(out);
            json::name(out, &member.relationship.name);
            out.push(b'{');
            self.data(out, member, cells, linkage);
            member.links(out, path);
            out.push(b'}');
        }
        out.push(b'}');
    }

    /// `"data":…,` where it is known.
    fn data(&self, out: &mut Vec<u8>, member: &Member<'_>, cells: &Cells<'_>, linkage: &Linkage<'_>) {
        let start = out.len();
        out.extend_from_slice(br#""data":"#);
        let known = match &member.own {
            Some(own) if member.relationship.to_one() => {
                let target = &self.snapshot.schema[member.relationship.target];
                to_one(out, target, own.iter().map(|column| cells(*column)).collect());
                true
            }
            _ => linkage(member.id, out),
        };
        match known {
            true => out.push(b','),
            false => out.truncate(start),
        }
    }
}

/// `,"meta":{"etag":…,"page":{"cursor":…}}`, as far as there is something to tell.
fn meta(out: &mut Vec<u8>, etag: Option<&str>, cursor: Option<&str>) {
    if etag.is_none() && cursor.is_none() {
        return;
    }
    out.extend_from_slice(br#","meta":{"#);
    if let Some(etag) = etag {
        json::name(out, "etag");
        json::string(out, etag);
    }
    if let Some(cursor) = cursor {
        json::comma(out);
        out.extend_from_slice(br#""page":{"cursor":"#);
        json::string(out, cursor);
        out.push(b'}');
    }
    out.push(b'}');
}

impl<'a> Member<'a> {
    fn new(snapshot: &'a Snapshot, table: &'a Table, id: RelationshipId) -> Self {
        let relationship = &table[id];
        let own = linkage_columns(&snapshot.schema, relationship);
        Self { id, relationship, segment: links::segment(&relationship.name), own }
    }

    fn links(&self, out: &mut Vec<u8>, path: &str) {
        out.extend_from_slice(br#""links":{"self":""#);
        json::escaped(out, path);
        out.extend_from_slice(b"/relationships/");
        out.extend_from_slice(self.segment.as_bytes());
        out.extend_from_slice(br#"","related":""#);
        json::escaped(out, path);
        out.push(b'/');
        out.extend_from_slice(self.segment.as_bytes());
        out.extend_from_slice(b"\"}");
    }
}

/// The linkage of a to-one relationship from the cells of its target's key, in key order: `null` where one of them is null.
pub fn to_one(out: &mut Vec<u8>, target: &Table, key: Vec<Cell<'_>>) {
    if key.iter().any(|cell| matches!(cell, Cell::Null)) {
        out.extend_from_slice(b"null");
        return;
    }
    let mut id = Vec::with_capacity(16);
    id::write(&mut id, target, &mut key.into_iter());
    identifier_open(out, &target.name, &String::from_utf8_lossy(&id));
    out.push(b'}');
}

/// `{"type":"…","id":"…"`.
pub(super) fn identifier_open(out: &mut Vec<u8>, ty: &str, id: &str) {
    out.extend_from_slice(br#"{"type":"#);
    json::string(out, ty);
    out.extend_from_slice(br#","id":"#);
    json::string(out, id);
}
