//! One write from end to end: build, restrict, run, encode.

use std::sync::Arc;

use chrono::Utc;
use http::header::LOCATION;
use introspect::TableId;
use serde_json::{Map, Value as Json};

use super::answer::{Answering, Form, Terms};
use crate::exchange::Response;
use crate::jsonapi::query::{self, ReadRequest};
use crate::plan::read as plan;
use crate::plan::restrict;
use crate::plan::write::{self, Verb, WritePlan, WriteRequest};
use crate::route::Endpoint;
use crate::run::receipts::{self, Keyed, Receipt};
use crate::run::write::{self as run, Context, Once, virtuals};
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
    let ty = snapshot.schema[table].name.clone();
    write::writable(&snapshot.schema[table])?;
    restrict::may(snapshot, table, verb)?;
    // What is wrong with the parameters is told before anything is written.
    if !asked.pairs.is_empty() {
        plan::build(snapshot, &Endpoint::Collection { ty: ty.clone() }, asked)?;
    }
    let plan = write::build(snapshot, table, verb, request)?;
    // Members that are asked for by name are shown in any case.
    let minimal = Terms { minimal: terms.minimal && asked.pairs.is_empty(), ..terms.clone() };
    let answering = Answering::new(context, Form::Resource(verb), &minimal, &plan);
    let plain = asked.pairs.is_empty() && !snapshot.schema[table].has_virtual();
    let whole = verb == Verb::Delete || (plain && !answering.depends_on_rows_above());
    let once = carry_out(context, plan, terms, &answering, whole).await;
    let once = once.map_err(|errors| if verb == Verb::Delete { errors.without_pointers() } else { errors });
    let receipt = match once? {
        Once::Written(written) => Receipt { response: answering.response(&written), whole },
        Once::Before(receipt) => receipt,
    };
    match receipt.whole {
        true => Ok(receipt.response),
        false => {
            let shown = shown(context, ty, asked, receipt.response).await;
            Ok(kept(context, terms, shown).await)
        }
    }
}

/// The row that was written as a read with `include` and `fields` shows it. One that is gone again by now is shown as it was written.
async fn shown(context: Context<'_>, ty: String, asked: &ReadRequest, plain: Response) -> Response {
    let document: Json = serde_json::from_slice(&plain.body).unwrap_or_default();
    let id = document.pointer("/data/id").and_then(Json::as_str).map(str::to_owned);
    let Some(id) = id else { return plain };
    let meta = document.get("meta").and_then(Json::as_object).cloned().unwrap_or_default();
    match super::read::written(context, &Endpoint::Resource { ty, id }, asked, meta).await {
        Err(_) => plain,
        Ok(mut shown) => {
            shown.status = plain.status;
            shown.headers.extend(plain.headers.get(LOCATION).map(|location| (LOCATION, location.clone())));
            shown
        }
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
    let answering = Answering::new(context, Form::Operations, terms, &plan);
    let above = answering.depends_on_rows_above();
    let whole = !answering.shows_virtuals() && !above;
    match carry_out(context, plan, terms, &answering, whole).await? {
        Once::Before(Receipt { response, whole: true }) => Ok(response),
        Once::Before(Receipt { response, .. }) => {
            let response = with_virtuals(context, response).await;
            Ok(kept(context, terms, response).await)
        }
        Once::Written(mut written) => {
            virtuals::add(context, answering.shown(&mut written)).await;
            let mut response = answering.response(&written);
            if above {
                response = with_virtuals(context, response).await;
            }
            Ok(if whole { response } else { kept(context, terms, response).await })
        }
    }
}

/// Writes, or finds that it was written before under the same key. `whole`: the answer needs nothing that is read after the commit.
pub(super) async fn carry_out(
    context: Context<'_>,
    plan: WritePlan,
    terms: &Terms,
    answering: &Answering,
    whole: bool,
) -> Result<Once> {
    let now = Utc::now().naive_utc();
    let restricted = restrict::write(plan, context.snapshot, context.who(), now)?;
    let job = run::request(&restricted, now, context.snapshot);
    let once = match terms.key.clone() {
        None => run::run(context, restricted, job).await.map(Once::Written),
        Some(key) => {
            let by_then = answering.clone();
            let keyed = Keyed { key, answer: Arc::new(move |written| by_then.response(written)), whole };
            let once = run::run_once(context, restricted, job, keyed).await;
            receipts::sweep(context.pool);
            once
        }
    };
    match once {
        Err(errors) => Err(as_read(context, errors).await),
        once => once,
    }
}

/// The answer as it is told, which is kept for those who send the request again. The write stands, whether or not it can be kept.
async fn kept(context: Context<'_>, terms: &Terms, response: Response) -> Response {
    match &terms.key {
        None => response,
        Some(key) => receipts::finish(context.pool, key, &response).await.ok().flatten().unwrap_or(response),
    }
}

/// Results whose rows are read again, where they have virtual attributes, or rows above decide who may see them.
async fn with_virtuals(context: Context<'_>, response: Response) -> Response {
    let Ok(mut document) = serde_json::from_slice::<Json>(&response.body) else { return response };
    let results = document.get_mut("atomic:results").and_then(Json::as_array_mut);
    for resource in results.into_iter().flatten().filter_map(|result| result.get_mut("data")) {
        reread(context, resource).await;
    }
    Response { body: document.to_string().into(), ..response }
}

/// The resource that a conflict shows, with what only a read knows: its virtual attributes.
async fn as_read(context: Context<'_>, mut errors: Errors) -> Errors {
    for resource in errors.iter_mut().filter_map(|error| error.meta.get_mut("resource")) {
        reread(context, resource).await;
    }
    errors
}

/// A resource as it is read, where it has virtual attributes.
async fn reread(context: Context<'_>, resource: &mut Json) {
    let schema = &context.snapshot.schema;
    let member = |name: &str| resource.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (ty, id) = (member("type"), member("id"));
    let changes = |table: TableId| schema[table].has_virtual() || context.who().reads_above(table);
    if !schema.find(&ty).is_some_and(changes) {
        return;
    }
    let endpoint = Endpoint::Resource { ty, id };
    let read = super::read::written(context, &endpoint, &ReadRequest::default(), Map::new()).await;
    let document: Option<Json> = read.ok().and_then(|read| serde_json::from_slice(&read.body).ok());
    if let Some(data) = document.and_then(|mut document| Some(document.get_mut("data")?.take())) {
        *resource = data;
    }
}
