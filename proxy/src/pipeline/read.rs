//! One read from end to end: parse, build, restrict, run, encode.

use std::time::Instant;

use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value as Json};

use super::{aggregate, export};
use crate::exchange::{Request, Response};
use crate::jsonapi::encode::document::{ReadAnswer, index as index_document};
use crate::jsonapi::etag::{self, ETag};
use crate::jsonapi::media::Form;
use crate::jsonapi::{media, query};
use crate::plan::read as plan;
use crate::plan::restrict;
use crate::route::Endpoint;
use crate::run;
use crate::run::write::Context;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Answers a GET or a HEAD in this form.
pub(super) async fn answer(
    context: Context<'_>,
    endpoint: &Endpoint,
    request: &Request,
    form: Form,
) -> Result<Response> {
    let snapshot = context.snapshot;
    let asked = query::parse(&request.query)?;
    let asked = query::ReadRequest { profile: media::cursor_pagination(&request.headers)?, form, ..asked };
    if form != Form::Document {
        return export::answer(context, endpoint, &asked, request.method != Method::HEAD).await;
    }
    if *endpoint == Endpoint::Index {
        return index(snapshot, &asked);
    }
    if let Some(terms) = &asked.aggregate_of {
        return aggregate::answer(context, endpoint, terms, &asked).await;
    }
    let plan = plan::build(snapshot, endpoint, &asked)?;
    run(context, endpoint, &asked, plan, Map::new(), |answer| respond(answer, &request.headers)).await
}

/// The row that a write has made, as a read with the write's own `include` and `fields` shows it.
pub(super) async fn written(
    context: Context<'_>,
    endpoint: &Endpoint,
    asked: &query::ReadRequest,
    meta: Map<String, Json>,
) -> Result<Response> {
    let plan = plan::build(context.snapshot, endpoint, asked)?;
    run(context, endpoint, asked, plan, meta, |answer| respond(answer, &HeaderMap::new())).await
}

async fn run(
    context: Context<'_>,
    endpoint: &Endpoint,
    asked: &query::ReadRequest,
    plan: plan::ReadPlan,
    meta: Map<String, Json>,
    respond: impl FnOnce(&ReadAnswer<'_>) -> Response,
) -> Result<Response> {
    let snapshot = context.snapshot;
    let plan = restrict::read(snapshot, plan, context.who())?;
    let started = Instant::now();
    let found = run::read::read(context.pool, snapshot, &plan).await;
    context.metrics.query("read", started.elapsed());
    let found = found?.ok_or_else(|| missing(endpoint))?;
    let (plan, graph) = (plan.plan(), &found.graph);
    Ok(respond(&ReadAnswer { snapshot, endpoint, pairs: &asked.pairs, plan, graph, seen: found.seen, meta }))
}

/// The document; or word that the client has it already.
fn respond(answer: &ReadAnswer<'_>, headers: &HeaderMap) -> Response {
    let document = || document(answer);
    match answer.etag() {
        None => document(),
        Some(etag) if is_fresh(&etag, headers) => {
            Response::empty(StatusCode::NOT_MODIFIED).header(ETAG, &etag.quoted())
        }
        Some(etag) => document().header(ETAG, &etag.quoted()),
    }
}

fn document(answer: &ReadAnswer<'_>) -> Response {
    let response = Response::new(StatusCode::OK, media::JSON_API, answer.document());
    match answer.between() {
        Some(between) => response.header(CONTENT_TYPE, &media::with_profile(between.profile)),
        None => response,
    }
}

/// Whether the client has it already.
pub(super) fn is_fresh(etag: &ETag, headers: &HeaderMap) -> bool {
    let mut conditions = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    conditions.any(|value| etag.same(&etag::precondition(value)))
}

fn index(snapshot: &Snapshot, asked: &query::ReadRequest) -> Result<Response> {
    match asked.pairs.first() {
        None => Ok(Response::new(StatusCode::OK, media::JSON_API, index_document(snapshot))),
        Some(pair) => {
            let detail = "The list of resources takes no parameters.";
            Err(Error::new(ErrorCode::UnknownParameter, detail).parameter(&pair.name).into())
        }
    }
}

pub(super) fn missing(endpoint: &Endpoint) -> Errors {
    match endpoint {
        Endpoint::Resource { ty, id }
        | Endpoint::Related { ty, id, .. }
        | Endpoint::Linkage { ty, id, .. } => plan::no_such(ty, id).into(),
        _ => Error::new(ErrorCode::NotFound, "There is nothing here.").into(),
    }
}
