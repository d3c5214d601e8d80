//! One write from end to end: build, restrict, run, encode.

use chrono::Utc;
use dialects::Value;
use http::StatusCode;
use http::header::{ETAG, LOCATION};
use introspect::TableId;
use rules::change::RowId;
use serde_json::{Map, Value as Json};

use super::trace;
use crate::exchange::Response;
use crate::jsonapi::encode::OperationResult;
use crate::jsonapi::encode::trace::NewIds;
use crate::jsonapi::media::{JSON_API, JSON_API_ATOMIC};
use crate::jsonapi::query::{self, ReadRequest};
use crate::jsonapi::{encode, id};
use crate::plan::read as plan;
use crate::plan::restrict::{self, Policy};
use crate::plan::write::{self, PlannedOperation, Shows, Verb, WritePlan, WriteRequest};
use crate::route::Endpoint;
use crate::run::write::{self as run, Context, Written};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};

/// The parameters that a write takes: how its answer is to look.
pub fn shape(query: &str) -> Result<ReadRequest> {
    let asked = query::parse(query)?;
    match asked.pairs.iter().find(|pair| pair.base != "include" && pair.base != "fields") {
        None => Ok(asked),
        Some(pair) => {
            let detail = format!("A write takes `include` and `fields`, not {:?}.", pair.name);
            Err(Error::new(ErrorCode::UnknownParameter, detail).parameter(&pair.name).into())
        }
    }
}

/// Answers a POST, PATCH or DELETE of one resource.
pub async fn answer(
    context: Context<'_>,
    table: TableId,
    verb: Verb,
    asked: &ReadRequest,
    request: WriteRequest<'_>,
) -> Result<Response> {
    let snapshot = context.snapshot;
    let ty = || snapshot.schema[table].name.clone();
    writable(snapshot, table)?;
    // What is wrong with the parameters is told before anything is written.
    if !asked.pairs.is_empty() {
        plan::build(snapshot, &Endpoint::Collection { ty: ty() }, asked)?;
    }
    let plan = write::build(snapshot, table, verb, request)?;
    let rows = plan.rows();
    let mut meta = plan.operations.first().map(ignored).unwrap_or_default();
    let written = carry_out(context, plan).await?;
    if let Some(told) = trace::told(context, &new_ids(snapshot, &rows, &written)) {
        meta.insert("trace".into(), told);
    }
    match written.into_iter().next().unwrap_or(Written::Gone) {
        Written::Gone if meta.is_empty() => Ok(Response::empty(StatusCode::NO_CONTENT)),
        Written::Gone => Ok(Response::new(StatusCode::OK, JSON_API, encode::meta_document(&meta))),
        Written::Row(values) if asked.pairs.is_empty() && !snapshot.schema[table].has_virtual() => {
            Ok(created(snapshot, table, verb, &values, document(snapshot, table, &values, &meta)))
        }
        Written::Row(values) => {
            let id = id::of_row(&snapshot.schema, table, &values);
            let endpoint = Endpoint::Resource { ty: ty(), id };
            // The write stands; a row that is gone again by now is shown as it was written.
            let shown = super::read::written(context, &endpoint, asked, meta.clone()).await;
            let response = shown.unwrap_or_else(|_| document(snapshot, table, &values, &meta));
            Ok(created(snapshot, table, verb, &values, response))
        }
    }
}

/// The ids of the rows that were created.
fn new_ids(snapshot: &Snapshot, rows: &[RowId], written: &[Written]) -> NewIds {
    let id = |(row, written): (&RowId, &Written)| match (row.key(), written) {
        (None, Written::Row(values)) => Some((row.clone(), id::of_row(&snapshot.schema, row.table, values))),
        _ => None,
    };
    rows.iter().zip(written).filter_map(id).collect()
}

/// Answers a POST of several operations.
pub async fn answer_operations(context: Context<'_>, query: &str, body: &[u8]) -> Result<Response> {
    let snapshot = context.snapshot;
    if let Some(pair) = query::parse(query)?.pairs.first() {
        let detail = "Operations take no parameters.";
        return Err(Error::new(ErrorCode::UnknownParameter, detail).parameter(&pair.name).into());
    }
    let plan = write::operations(snapshot, body)?;
    let rows: Vec<RowId> = plan.operations.iter().map(|operation| operation.id.clone()).collect();
    let shown: Vec<Shown> =
        plan.operations.iter().map(|operation| (operation.shows, ignored(operation))).collect();
    let written = carry_out(context, plan).await?;
    let told = trace::told(context, &new_ids(snapshot, &rows, &written));
    let meta: Map<String, Json> = told.map(|told| ("trace".to_owned(), told)).into_iter().collect();
    let results: Vec<OperationResult> = rows
        .iter()
        .zip(written)
        .zip(shown)
        .filter_map(|((row, written), shown)| result(row, written, shown))
        .collect();
    match meta.is_empty() && results.iter().all(OperationResult::is_empty) {
        true => Ok(Response::empty(StatusCode::NO_CONTENT)),
        false => {
            let document = encode::results_document(snapshot, &results, &meta);
            Ok(Response::new(StatusCode::OK, JSON_API_ATOMIC, document))
        }
    }
}

/// What the result of an operation shows, and its `meta`.
type Shown = (Shows, Map<String, Json>);

fn result(row: &RowId, written: Written, (shows, meta): Shown) -> Option<OperationResult> {
    let values = match (shows, written) {
        (Shows::Part, _) => return None,
        (Shows::Resource, Written::Row(values)) => Some(values),
        (Shows::Nothing, _) | (_, Written::Gone) => None,
    };
    Some(OperationResult { table: row.table, values, meta })
}

pub(super) async fn carry_out(context: Context<'_>, plan: WritePlan) -> Result<Vec<Written>> {
    let job = run::request(&plan, Utc::now().naive_utc(), context.snapshot);
    let restricted = restrict::write(plan, &Policy::Open)?;
    run::run(context, restricted, job).await
}

/// The derived attributes that were sent and left out.
fn ignored(operation: &PlannedOperation) -> Map<String, Json> {
    let ignored = (!operation.ignored.is_empty()).then(|| operation.ignored.clone().into());
    ignored.map(|names: Json| ("ignored".to_owned(), names)).into_iter().collect()
}

pub(super) fn writable(snapshot: &Snapshot, table: TableId) -> Result<()> {
    let table = &snapshot.schema[table];
    match table.view {
        false => Ok(()),
        true => {
            let detail = format!("`{}` is a view: it can be read, not written.", table.name);
            Err(Error::new(ErrorCode::MethodNotAllowed, detail)
                .with_meta("allow", "GET, HEAD, OPTIONS")
                .into())
        }
    }
}

fn document(snapshot: &Snapshot, table: TableId, values: &[Value], meta: &Map<String, Json>) -> Response {
    let body = encode::single_document(snapshot, table, values, meta);
    let etag = encode::etag_of(snapshot, table, values).quoted();
    Response::new(StatusCode::OK, JSON_API, body).header(ETAG, &etag)
}

/// A creation says so, and where the new resource is.
fn created(
    snapshot: &Snapshot,
    table: TableId,
    verb: Verb,
    values: &[Value],
    mut response: Response,
) -> Response {
    if verb != Verb::Create {
        return response;
    }
    response.status = StatusCode::CREATED;
    response.header(LOCATION, &encode::self_link(snapshot, table, values))
}
