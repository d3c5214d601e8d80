//! The document that answers a read (JSON:API 1.1, "Document Structure"): links, data, included, meta.

use std::collections::BTreeMap;

use introspect::{RelationshipId, TableId};
use serde_json::{Map, Value as Json};

use super::graph::{Graph, Level, Place};
use super::resource::{Linkage, ResourceWriter, to_one};
use super::{begin, begin_with, document_meta};
use crate::jsonapi::etag::{ETag, etag};
use crate::jsonapi::query::Pair;
use crate::jsonapi::shape::linkage_columns;
use crate::jsonapi::{json, links, media};
use crate::plan::page::{self, Between, Page, Seen, with_query};
use crate::plan::read::{ReadPlan, Scope};
use crate::route::Endpoint;
use crate::state::Snapshot;

/// A writer for each type.
type Writers<'a> = BTreeMap<TableId, ResourceWriter<'a>>;

/// What a read has come to.
pub struct ReadAnswer<'a> {
    /// The set that the request sees.
    pub snapshot: &'a Snapshot,
    /// What was addressed.
    pub endpoint: &'a Endpoint,
    /// The parameters, as they came.
    pub pairs: &'a [Pair],
    /// What was planned.
    pub plan: &'a ReadPlan,
    /// What was found.
    pub graph: &'a Graph<'a>,
    /// What the page has shown.
    pub seen: Option<Seen>,
    /// Further members of the document's `meta`.
    pub meta: Map<String, Json>,
}

impl ReadAnswer<'_> {
    /// Its document.
    pub fn document(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4096);
        let writers = self.writers();
        begin_with(&mut out, self.between().map(|between| between.profile));
        links(&mut out, self.snapshot, (self.endpoint, self.pairs), self.page());
        out.extend_from_slice(br#","data":"#);
        self.data(&mut out, &writers);
        self.included(&mut out, &writers);
        document_meta(&mut out, &self.document_meta());
        out.push(b'}');
        out
    }

    /// The ETag of a single resource shown whole: elsewhere there is none.
    pub fn etag(&self) -> Option<ETag> {
        let single = matches!(self.plan.scope, Scope::Row(_)) && !self.plan.partial;
        let level = self.graph.primary().filter(|level| single && level.len == 1)?;
        Some(etag(self.snapshot, level.table, &|column| level.cell(0, column)))
    }

    fn document_meta(&self) -> Map<String, Json> {
        let of_page = self.page().map(|(page, seen)| page.meta(seen)).unwrap_or_default();
        self.meta.clone().into_iter().chain(of_page).collect()
    }

    fn page(&self) -> Option<(&Page, &Seen)> {
        self.plan.page.as_ref().zip(self.seen.as_ref())
    }

    /// What its page lies between, where it is one of the Cursor Pagination profile.
    pub fn between(&self) -> Option<&Between> {
        self.plan.page.as_ref()?.between()
    }

    /// A writer for every type in the answer.
    fn writers(&self) -> Writers<'_> {
        self.plan
            .shapes
            .iter()
            .map(|(table, shape)| (*table, ResourceWriter::new(self.snapshot, shape)))
            .collect()
    }

    fn data(&self, out: &mut Vec<u8>, writers: &Writers<'_>) {
        let Some(level) = self.graph.primary() else { return out.extend_from_slice(b"null") };
        match &self.plan.scope {
            Scope::Linkage(_, relationship) => self.linkage(out, level, *relationship),
            _ if self.plan.page.is_none() && level.len == 0 => out.extend_from_slice(b"null"),
            _ if self.plan.page.is_none() => self.datum(out, writers, level, 0),
            _ => {
                out.push(b'[');
                for row in 0..level.len {
                    json::comma(out);
                    self.datum(out, writers, level, row);
                }
                out.push(b']');
            }
        }
    }

    /// One item of the primary data.
    fn datum(&self, out: &mut Vec<u8>, writers: &Writers<'_>, level: &Level, row: usize) {
        let cursor = self.between().and_then(|between| level.cursor(row, between));
        match writers.get(&level.table) {
            Some(writer) if self.plan.identifiers => {
                writer.identifier(out, &|column| level.cell(row, column), cursor.as_deref());
            }
            _ => self.resource(out, writers, level, Place { level: 0, row }, cursor.as_deref()),
        }
    }

    fn resource(
        &self,
        out: &mut Vec<u8>,
        writers: &Writers<'_>,
        level: &Level,
        place: Place,
        cursor: Option<&str>,
    ) {
        let Some(writer) = writers.get(&level.table) else { return };
        let linkage: &Linkage<'_> = &|relationship, out| self.graph.linkage(out, place, relationship);
        writer.write(out, &|column| level.cell(place.row, column), linkage, cursor);
    }

    /// The linkage of a to-one relationship of the one row.
    fn linkage(&self, out: &mut Vec<u8>, level: &Level, relationship: RelationshipId) {
        let schema = &self.snapshot.schema;
        let of = &schema[level.table][relationship];
        match linkage_columns(schema, of) {
            Some(own) => {
                to_one(out, &schema[of.target], own.iter().map(|column| level.cell(0, *column)).collect())
            }
            None => _ = self.graph.linkage(out, Place { level: 0, row: 0 }, relationship),
        }
    }

    fn included(&self, out: &mut Vec<u8>, writers: &Writers<'_>) {
        if !self.pairs.iter().any(|pair| pair.base == "include") {
            return;
        }
        out.extend_from_slice(br#","included":["#);
        let primary = self.graph.primary().filter(|_| self.plan.primary_included);
        let rows = primary.into_iter().flat_map(|level| (0..level.len).map(move |row| (level, row)));
        let primary = rows.map(|(level, row)| (level, Place { level: 0, row }));
        for (level, place) in primary.chain(self.graph.included()) {
            json::comma(out);
            self.resource(out, writers, level, place, None);
        }
        out.push(b']');
    }
}

/// Writes the document's links: itself, what it is about, the pages around it.
pub(super) fn links(
    out: &mut Vec<u8>,
    snapshot: &Snapshot,
    (endpoint, pairs): (&Endpoint, &[Pair]),
    page: Option<(&Page, &Seen)>,
) {
    let api = &snapshot.api;
    let path = links::of(api, endpoint);
    out.extend_from_slice(br#","links":{"self":"#);
    let between = page.and_then(|(page, _)| page.between());
    own_link(out, &with_query(&path, pairs.iter().map(|pair| pair.raw.clone())), between);
    if let Endpoint::Linkage { ty, id, relationship } = endpoint {
        out.extend_from_slice(br#","related":"#);
        json::string(out, &links::related(api, ty, id, relationship));
    }
    if let Some((page, seen)) = page {
        page::links(out, &path, pairs, page, seen);
    }
    out.push(b'}');
}

/// The link that leads here. Where a profile is applied it says so, since who follows it asks for the same ("Top Level").
fn own_link(out: &mut Vec<u8>, link: &str, between: Option<&Between>) {
    let Some(between) = between else { return json::string(out, link) };
    out.extend_from_slice(br#"{"href":"#);
    json::string(out, link);
    out.extend_from_slice(br#","type":"#);
    json::string(out, &media::with_profile(between.profile));
    out.push(b'}');
}

/// The document of `/api/`: every type and its URL.
pub fn index(snapshot: &Snapshot) -> Vec<u8> {
    let api = &snapshot.api;
    let mut out = Vec::with_capacity(1024);
    begin(&mut out);
    out.extend_from_slice(br#","links":{"self":"#);
    json::string(&mut out, &links::of(api, &Endpoint::Index));
    out.extend_from_slice(br#","describedby":"#);
    json::string(&mut out, &format!("{}/openapi.json", api.public_url.trim_end_matches('/')));
    out.push(b'}');
    let served = snapshot.schema.iter().filter(|(_, table)| table.is_resource() && !table.hidden);
    let urls = served.map(|(_, table)| (table.name.clone(), links::collection(api, &table.name).into()));
    let resources = Map::from_iter(urls);
    document_meta(&mut out, &Map::from_iter([("resources".to_owned(), resources.into())]));
    out.push(b'}');
    out
}
