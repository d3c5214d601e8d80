//! One write from end to end: build, restrict, run, encode.

use chrono::Utc;
use http::StatusCode;
use http::header::{ETAG, LOCATION};
use introspect::TableId;
use serde_json::Map;

use crate::exchange::Response;
use crate::jsonapi::encode;
use crate::jsonapi::media::JSON_API;
use crate::plan::restrict::{self, Policy};
use crate::plan::write::{self, Verb, WriteRequest};
use crate::run::write::{self as run, Context, Written};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};

/// Answers a POST, PATCH or DELETE of one resource.
pub async fn answer(
    context: Context<'_>,
    table: TableId,
    verb: Verb,
    request: WriteRequest<'_>,
) -> Result<Response> {
    writable(context.snapshot, table)?;
    let plan = write::build(context.snapshot, table, verb, request)?;
    let ignored = plan.ignored.clone();
    let asked = run::request(&plan, Utc::now().naive_utc(), context.snapshot);
    let restricted = restrict::write(plan, &Policy::Open)?;
    match run::run(context, restricted, asked).await? {
        Written::Gone => Ok(Response::empty(StatusCode::NO_CONTENT)),
        Written::Row(values) => Ok(document(context.snapshot, table, verb, &values, ignored)),
    }
}

fn writable(snapshot: &Snapshot, table: TableId) -> Result<()> {
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

fn document(
    snapshot: &Snapshot,
    table: TableId,
    verb: Verb,
    values: &[dialects::Value],
    ignored: Vec<String>,
) -> Response {
    let mut meta = Map::new();
    if !ignored.is_empty() {
        meta.insert("ignored".into(), ignored.into());
    }
    let status = if verb == Verb::Create { StatusCode::CREATED } else { StatusCode::OK };
    let body = encode::single_document(snapshot, table, values, &meta);
    let etag = encode::etag_of(snapshot, table, values).quoted();
    let response = Response::new(status, JSON_API, body).header(ETAG, &etag);
    match verb {
        Verb::Create => response.header(LOCATION, &encode::self_link(snapshot, table, values)),
        _ => response,
    }
}
