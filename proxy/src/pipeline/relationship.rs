//! One write to a relationship at its own URL: build, restrict, run (JSON:API 1.1, "Updating Relationships").

use http::Method;
use introspect::{Relationship, RelationshipId, TableId};
use rules::change::Membership;

use super::answer::{Answering, Form, Terms};
use super::write;
use crate::exchange::Response;
use crate::jsonapi::query;
use crate::plan::write::{self as plan, Verb, WriteRequest};
use crate::plan::{names, restrict};
use crate::run::write::{Context, Once};
use crate::{Error, ErrorCode, Result};

/// Answers a PATCH (replace), POST (add) or DELETE (take away). Nothing is changed but what was sent, so there is nothing to show.
pub(super) async fn answer(
    context: Context<'_>,
    (ty, name): (&str, &str),
    method: &Method,
    query: &str,
    request: WriteRequest<'_>,
    terms: &Terms,
) -> Result<Response> {
    let snapshot = context.snapshot;
    if let Some(pair) = query::parse(query)?.pairs.first() {
        let detail = "A write to a relationship takes no parameters.";
        return Err(Error::new(ErrorCode::UnknownParameter, detail).parameter(&pair.name).into());
    }
    let (table, of) = names::table(&snapshot.schema, ty)?;
    plan::writable(of)?;
    restrict::may(snapshot, table, Verb::Update)?;
    let (relationship, there) = found(context, table, name)?;
    let how = how(method, there)?;
    let plan = plan::linkage(snapshot, table, relationship, how, request)?;
    let answering = Answering::new(context, Form::Relationship, terms, &plan);
    match write::carry_out(context, plan, terms, &answering, true).await? {
        Once::Written(written) => Ok(answering.response(&written)),
        Once::Before(receipt) => Ok(receipt.response),
    }
}

fn found<'a>(context: Context<'a>, table: TableId, name: &str) -> Result<(RelationshipId, &'a Relationship)> {
    let found = names::relationship(&context.snapshot.schema, table, name);
    found.map_err(|detail| Error::new(ErrorCode::NotFound, detail).into())
}

fn how(method: &Method, there: &Relationship) -> Result<Membership> {
    match *method {
        Method::POST if !there.to_one() => Ok(Membership::Add),
        Method::DELETE if !there.to_one() => Ok(Membership::Remove),
        Method::PATCH => Ok(Membership::Replace),
        _ => {
            let detail = format!("`{}` leads to one resource: PATCH replaces it.", there.name);
            let error = Error::new(ErrorCode::MethodNotAllowed, detail);
            Err(error.with_meta("allow", "GET, HEAD, OPTIONS, PATCH").into())
        }
    }
}
