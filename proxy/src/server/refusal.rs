//! Errors that arise outside of the pipeline, as the same JSON:API documents.

use http::header::VARY;
use http::{HeaderMap, HeaderValue};

use super::gateway::REQUEST_ID;
use crate::Errors;
use crate::jsonapi::error_object;
use crate::pipeline::Answer;

/// The answer that refuses a request.
pub(super) fn answer(errors: Errors, id: &HeaderValue) -> Answer {
    let response = error_object::response(&errors, id.to_str().unwrap_or_default());
    Answer {
        response: response.header(VARY, "Accept"),
        resource: None,
        operation: "refused",
        errors: Some(errors),
    }
}

/// Likewise, for a request that was received: its id is in its headers.
pub(crate) fn refuse(errors: Errors, headers: &HeaderMap) -> Answer {
    let id = headers.get(REQUEST_ID).cloned().unwrap_or(HeaderValue::from_static("-"));
    answer(errors, &id)
}
