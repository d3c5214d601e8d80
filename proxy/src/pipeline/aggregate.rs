//! Aggregates from end to end: parse, build, restrict, run, encode, as of a read.

use std::time::Instant;

use http::StatusCode;

use super::read::missing;
use crate::Result;
use crate::exchange::Response;
use crate::jsonapi::encode::aggregates::AggregateAnswer;
use crate::jsonapi::media;
use crate::jsonapi::query::{AggregateTerm, Parameter, ReadRequest};
use crate::plan::aggregate as plan;
use crate::plan::restrict;
use crate::route::Endpoint;
use crate::run::aggregate as run;
use crate::run::write::Context;

/// Answers a GET or a HEAD that asks for aggregates.
pub(super) async fn answer(
    context: Context<'_>,
    endpoint: &Endpoint,
    terms: &Parameter<Vec<AggregateTerm>>,
    asked: &ReadRequest,
) -> Result<Response> {
    let snapshot = context.snapshot;
    let plan = plan::build(snapshot, endpoint, terms, asked)?;
    let plan = restrict::aggregate(snapshot, plan, context.who())?;
    let started = Instant::now();
    let found = run::aggregate(context.pool, snapshot, &plan).await;
    context.metrics.query("read", started.elapsed());
    let run::Found { rows, seen } = found?.ok_or_else(|| missing(endpoint))?;
    let (plan, rows) = (plan.plan(), &rows);
    let answer = AggregateAnswer { snapshot, endpoint, pairs: &asked.pairs, plan, rows, seen };
    Ok(Response::new(StatusCode::OK, media::JSON_API, answer.document()))
}
