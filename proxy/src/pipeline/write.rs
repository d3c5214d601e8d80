//! One write from end to end: build, restrict, run, encode.

use chrono::Utc;
use introspect::TableId;
use serde_json::{Map, Value as Json};

use super::answer::{self, Answering, Form, Terms};
use crate::exchange::Response;
use crate::jsonapi::id;
use crate::jsonapi::query::{self, ReadRequest};
use crate::plan::read as plan;
use crate::plan::restrict::{self, Policy};
use crate::plan::write::{self, Verb, WritePlan, WriteRequest};
use crate::route::Endpoint;
use crate::run::write::{self as run, Context, Written, virtuals};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

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
    terms: &Terms,
) -> Result<Response> {
    let snapshot = context.snapshot;
    let ty = || snapshot.schema[table].name.clone();
    writable(snapshot, table)?;
    // What is wrong with the parameters is told before anything is written.
    if !asked.pairs.is_empty() {
        plan::build(snapshot, &Endpoint::Collection { ty: ty() }, asked)?;
    }
    let plan = write::build(snapshot, table, verb, request)?;
    let answering = Answering::new(Form::Resource(verb), terms, &plan);
    let written = carry_out(context, plan).await?;
    let response = answering.response(context, &written);
    match written.first() {
        // Members that are asked for by name are shown in any case.
        Some(Written::Row(row)) if !asked.pairs.is_empty() || snapshot.schema[table].has_virtual() => {
            let id = id::of_row(&snapshot.schema, table, &row.values);
            let (endpoint, meta) = (Endpoint::Resource { ty: ty(), id }, answering.meta(context, &written));
            // The write stands; a row that is gone again by now is shown as it was written.
            let shown = super::read::written(context, &endpoint, asked, meta).await;
            Ok(shown.map_or(response, |shown| answer::created(snapshot, table, verb, row, shown)))
        }
        _ => Ok(response),
    }
}

/// Answers a POST of several operations.
pub async fn answer_operations(
    context: Context<'_>,
    query: &str,
    body: &[u8],
    terms: &Terms,
) -> Result<Response> {
    if let Some(pair) = query::parse(query)?.pairs.first() {
        let detail = "Operations take no parameters.";
        return Err(Error::new(ErrorCode::UnknownParameter, detail).parameter(&pair.name).into());
    }
    let plan = write::operations(context.snapshot, body)?;
    let answering = Answering::new(Form::Operations, terms, &plan);
    let mut written = carry_out(context, plan).await?;
    virtuals::add(context, answering.shown(&mut written)).await;
    Ok(answering.response(context, &written))
}

pub(super) async fn carry_out(context: Context<'_>, plan: WritePlan) -> Result<Vec<Written>> {
    let job = run::request(&plan, Utc::now().naive_utc(), context.snapshot);
    let restricted = restrict::write(plan, &Policy::Open)?;
    match run::run(context, restricted, job).await {
        Err(errors) => Err(as_read(context, errors).await),
        written => written,
    }
}

/// The resource that a conflict shows, with what only a read knows: its virtual attributes.
async fn as_read(context: Context<'_>, mut errors: Errors) -> Errors {
    let schema = &context.snapshot.schema;
    for resource in errors.iter_mut().filter_map(|error| error.meta.get_mut("resource")) {
        let member = |name: &str| resource.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (ty, id) = (member("type"), member("id"));
        if !schema.find(&ty).is_some_and(|table| schema[table].has_virtual()) {
            continue;
        }
        let endpoint = Endpoint::Resource { ty, id };
        let read = super::read::written(context, &endpoint, &ReadRequest::default(), Map::new()).await;
        let document: Option<Json> = read.ok().and_then(|read| serde_json::from_slice(&read.body).ok());
        if let Some(data) = document.and_then(|mut document| Some(document.get_mut("data")?.take())) {
            *resource = data;
        }
    }
    errors
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
