//! Errors that arise outside of the pipeline, as the same JSON:API documents.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value as Json, json};

use super::gateway::REQUEST_ID;
use crate::app::Answer;
use crate::error::Source;
use crate::exchange::Response;
use crate::{Error, Errors};

/// How long to wait after a 503, in seconds.
const RETRY_AFTER_S: &str = "2";

/// The answer that refuses a request.
pub(super) fn answer(errors: Errors, id: &HeaderValue) -> Answer {
    let response = response(&errors, id);
    Answer { response, resource: None, operation: "refused", errors: Some(errors) }
}

/// Likewise, for a request that was received: its id is in its headers.
pub(crate) fn refuse(errors: Errors, headers: &HeaderMap) -> Answer {
    let id = headers.get(REQUEST_ID).cloned().unwrap_or(HeaderValue::from_static("-"));
    answer(errors, &id)
}

fn response(errors: &Errors, id: &HeaderValue) -> Response {
    let status = StatusCode::from_u16(errors.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let objects: Vec<Json> = errors.iter().map(|error| object(error, id)).collect();
    let document = json!({"jsonapi": {"version": "1.1"}, "errors": objects});
    let response = Response::new(status, "application/vnd.api+json", document.to_string());
    match status {
        StatusCode::SERVICE_UNAVAILABLE => response.header(RETRY_AFTER, RETRY_AFTER_S),
        _ => response,
    }
}

fn object(error: &Error, id: &HeaderValue) -> Json {
    let mut object = Map::new();
    object.insert("id".into(), id.to_str().unwrap_or_default().into());
    object.insert("status".into(), error.code.status().to_string().into());
    object.insert("code".into(), error.code.code().into());
    object.insert("title".into(), error.code.title().into());
    object.insert("detail".into(), error.detail.clone().into());
    match &error.source {
        Source::None => None,
        Source::Pointer(pointer) => object.insert("source".into(), json!({"pointer": pointer})),
        Source::Parameter(name) => object.insert("source".into(), json!({"parameter": name})),
        Source::Header(name) => object.insert("source".into(), json!({"header": name})),
    };
    if !error.meta.is_empty() {
        object.insert("meta".into(), error.meta.clone().into());
    }
    object.into()
}
