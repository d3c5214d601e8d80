//! What a write has written → its answer. Pure: the answer to a request that may be repeated is made before the commit, and kept with it.

use std::sync::Arc;

use http::StatusCode;
use http::header::{ETAG, LOCATION};
use http::{HeaderMap, HeaderName};
use introspect::TableId;
use rules::change::RowId;
use rules::policy::{Actor, Authority};
use serde_json::{Map, Value as Json};

use super::{once, trace};
use crate::Result;
use crate::exchange::{Request, Response};
use crate::jsonapi::encode::OperationResult;
use crate::jsonapi::encode::trace::NewIds;
use crate::jsonapi::media::{JSON_API, JSON_API_ATOMIC};
use crate::jsonapi::{encode, id};
use crate::plan::restrict::Who;
use crate::plan::write::{PlannedOperation, Shows, Verb, WritePlan};
use crate::run::receipts::Key;
use crate::run::write::{Context, Watch, Written, WrittenRow, virtuals};
use crate::state::Snapshot;

/// `Prefer` (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What the headers ask of a write and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// No document that tells the client nothing new (`Prefer: return=minimal`).
    pub minimal: bool,
    /// It is to be done once under this key (`Idempotency-Key`).
    pub key: Option<Key>,
}

impl Terms {
    /// As the headers of a request say.
    pub fn of(request: &Request, actor: &Actor, authority: &Authority) -> Result<Self> {
        let key = once::key(request, actor, authority)?;
        Ok(Self { minimal: prefers_minimal(&request.headers), key })
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One resource.
    Resource(Verb),
    /// Linkage of a relationship.
    Relationship,
    /// Several operations.
    Operations,
}

/// How a write is answered: all that is known of it before it runs.
#[derive(Clone)]
pub(super) struct Answering {
    snapshot: Arc<Snapshot>,
    watch: Watch,
    form: Form,
    minimal: bool,
    parts: Vec<Part>,
    who: Who,
}

/// One operation.
#[derive(Clone)]
struct Part {
    row: RowId,
    shows: Shows,
    ignored: Vec<String>,
}

impl Answering {
    pub(super) fn new(context: Context<'_>, form: Form, terms: &Terms, plan: &WritePlan) -> Self {
        let part = |operation: &PlannedOperation| Part {
            row: operation.id.clone(),
            shows: operation.shows,
            ignored: operation.ignored.clone(),
        };
        Self {
            snapshot: context.snapshot.clone(),
            watch: context.watch.clone(),
            form,
            minimal: terms.minimal,
            parts: plan.operations.iter().map(part).collect(),
            who: context.who(),
        }
    }

    /// The answer.
    pub(super) fn response(&self, written: &[Written]) -> Response {
        let told = trace::told(&self.snapshot, &self.watch, &self.new_ids(written));
        let trace: Map<String, Json> = told.map(|told| ("trace".to_owned(), told)).into_iter().collect();
        match self.form {
            Form::Operations => self.results(written, trace),
            Form::Relationship => short(trace),
            Form::Resource(verb) => {
                let ignored = self.parts.first().map(ignored).unwrap_or_default();
                self.resource(verb, written, ignored.into_iter().chain(trace).collect())
            }
        }
    }

    /// Whether rows above decide what of the results may be seen: those are read again, after the commit.
    pub(super) fn depends_on_rows_above(&self) -> bool {
        self.parts.iter().any(|part| part.shows == Shows::Resource && self.who.reads_above(part.row.table))
    }

    /// Whether whoever asks may see a row as it is now. Where that cannot be told from the row alone, they may not.
    fn sees(&self, table: TableId, row: &WrittenRow) -> bool {
        self.who.sees(table, &row.values)
    }

    /// Whether the results of several operations show what is read after the commit.
    pub(super) fn shows_virtuals(&self) -> bool {
        let shows =
            |part: &Part| part.shows == Shows::Resource && self.snapshot.schema[part.row.table].has_virtual();
        self.form == Form::Operations && self.parts.iter().any(shows)
    }

    /// The rows that the results of several operations show.
    pub(super) fn shown<'a>(&'a self, written: &'a mut [Written]) -> impl Iterator<Item = virtuals::Row<'a>> {
        let shown = |(part, written): (&Part, &'a mut Written)| match (part.shows, written) {
            (Shows::Resource, Written::Row(row)) if !self.is_minimal(row) => {
                Some((part.row.table, &mut row.values))
            }
            _ => None,
        };
        self.parts.iter().zip(written).filter_map(shown)
    }

    /// The ids of the rows that were created.
    fn new_ids(&self, written: &[Written]) -> NewIds {
        let id = |(part, written): (&Part, &Written)| match (part.row.key(), written) {
            (None, Written::Row(row)) => {
                Some((part.row.clone(), id::of_row(&self.snapshot.schema, part.row.table, &row.values)))
            }
            _ => None,
        };
        self.parts.iter().zip(written).filter_map(id).collect()
    }

    fn resource(&self, verb: Verb, written: &[Written], meta: Map<String, Json>) -> Response {
        let snapshot = &self.snapshot;
        match (self.parts.first(), written.first()) {
            (Some(part), Some(Written::Row(row))) => {
                let table = part.row.table;
                let response = match (self.is_minimal(row) && meta.is_empty(), self.sees(table, row)) {
                    (true, true) => minimal(snapshot, table, row),
                    (true, false) => Response::empty(StatusCode::NO_CONTENT),
                    (false, true) => document(snapshot, table, row, &meta),
                    (false, false) => bare(snapshot, table, row, &meta),
                };
                created(snapshot, table, verb, row, response)
            }
            _ => short(meta),
        }
    }

    /// Whether the client wants no document, and would learn nothing from it.
    fn is_minimal(&self, row: &WrittenRow) -> bool {
        self.minimal && row.as_sent
    }

    fn results(&self, written: &[Written], meta: Map<String, Json>) -> Response {
        let results: Vec<OperationResult> =
            self.parts.iter().zip(written).filter_map(|(part, written)| self.result(part, written)).collect();
        if meta.is_empty() && results.iter().all(OperationResult::is_empty) {
            return Response::empty(StatusCode::NO_CONTENT);
        }
        Response::new(
            StatusCode::OK,
            JSON_API_ATOMIC,
            encode::results_document(&self.snapshot, &results, &meta),
        )
    }

    fn result(&self, part: &Part, written: &Written) -> Option<OperationResult> {
        let (values, bare) = match (part.shows, written) {
            (Shows::Part, _) => return None,
            (Shows::Resource, Written::Row(row)) if !self.is_minimal(row) => {
                (Some(row.values.clone()), !self.sees(part.row.table, row))
            }
            _ => (None, false),
        };
        Some(OperationResult { table: part.row.table, values, bare, meta: ignored(part) })
    }
}

/// Whether the client prefers answers that hold nothing but what it does not know (RFC 7240, section 4.2).
fn prefers_minimal(headers: &HeaderMap) -> bool {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(','));
    let name = |part: &str| part.split(';').next().unwrap_or_default().replace(['"', ' ', '\t'], "");
    // The first one that names it counts.
    let first = preferences
        .find_map(|part| name(part).to_ascii_lowercase().strip_prefix("return=").map(str::to_owned));
    first.as_deref() == Some("minimal")
}

/// Nothing to show but `meta`.
fn short(meta: Map<String, Json>) -> Response {
    match meta.is_empty() {
        true => Response::empty(StatusCode::NO_CONTENT),
        false => Response::new(StatusCode::OK, JSON_API, encode::meta_document(&meta)),
    }
}

fn minimal(snapshot: &Snapshot, table: TableId, row: &WrittenRow) -> Response {
    let etag = encode::etag_of(snapshot, table, &row.values).quoted();
    let response = Response::empty(StatusCode::NO_CONTENT).header(ETAG, &etag);
    response.header(PREFERENCE_APPLIED, "return=minimal")
}

fn document(snapshot: &Snapshot, table: TableId, row: &WrittenRow, meta: &Map<String, Json>) -> Response {
    let body = encode::single_document(snapshot, table, &row.values, meta);
    let etag = encode::etag_of(snapshot, table, &row.values).quoted();
    Response::new(StatusCode::OK, JSON_API, body).header(ETAG, &etag)
}

/// Of a row that whoever wrote it may not see.
fn bare(snapshot: &Snapshot, table: TableId, row: &WrittenRow, meta: &Map<String, Json>) -> Response {
    Response::new(StatusCode::OK, JSON_API, encode::bare_document(snapshot, table, &row.values, meta))
}

/// A creation says so, and where the new resource is.
fn created(
    snapshot: &Snapshot,
    table: TableId,
    verb: Verb,
    row: &WrittenRow,
    mut response: Response,
) -> Response {
    if verb != Verb::Create {
        return response;
    }
    if response.status == StatusCode::OK {
        response.status = StatusCode::CREATED;
    }
    response.header(LOCATION, &encode::self_link(snapshot, table, &row.values))
}

/// The derived attributes that were sent and left out.
fn ignored(part: &Part) -> Map<String, Json> {
    let ignored = (!part.ignored.is_empty()).then(|| part.ignored.clone().into());
    ignored.map(|names: Json| ("ignored".to_owned(), names)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_preference_that_names_the_answer_counts() {
        for (values, expect) in [
            (&["return=minimal"][..], true),
            (&["respond-async, Return=\"minimal\"; x=y"], true),
            (&["wait=5", "return = minimal"], true),
            (&["return=representation, return=minimal"], false),
            (&["minimal"], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(PREFER, HeaderValue::from_static(value));
            }
            assert_eq!(prefers_minimal(&headers), expect, "{values:?}");
        }
    }
}
