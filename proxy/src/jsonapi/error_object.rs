//! Error documents (JSON:API 1.1, "Error Objects").
//!
//! Every error gets a random `id`, which goes to the log with the words that are not for the client.

use http::StatusCode;
use http::header::{ALLOW, RETRY_AFTER};
use serde_json::{Map, Value as Json, json};

use super::media::JSON_API;
use crate::error::Source;
use crate::exchange::Response;
use crate::{Error, Errors};

/// Where the catalogue of codes is documented.
const ABOUT: &str = "/docs/errors#";

/// What the log learns about an error that a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The `id` in the error object.
    pub id: String,
    /// The stable code.
    pub code: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// What happened, with the words that the client does not see.
    pub words: String,
}

/// The answer that tells errors, and what goes to the log about them.
pub fn response(errors: &Errors) -> (Response, Vec<Logged>) {
    let status = StatusCode::from_u16(errors.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let ids: Vec<String> = errors.iter().map(|_| format!("{:016x}", fastrand::u64(..))).collect();
    let objects: Vec<Json> = errors.iter().zip(&ids).map(|(error, id)| object(error, id)).collect();
    let document = json!({"jsonapi": {"version": "1.1"}, "errors": objects});
    let mut response = Response::new(status, JSON_API, document.to_string());
    if let Some(seconds) = retry_after(status) {
        response = response.header(RETRY_AFTER, seconds);
    }
    for error in errors.iter() {
        if let Some(allow) = error.meta.get("allow").and_then(Json::as_str) {
            response = response.header(ALLOW, allow);
        }
    }
    (response, errors.iter().zip(ids).map(|(error, id)| logged(error, id)).collect())
}

fn object(error: &Error, id: &str) -> Json {
    let code = error.code;
    let mut object = Map::new();
    object.insert("id".into(), id.into());
    object.insert("links".into(), json!({"about": format!("{ABOUT}{}", code.code())}));
    object.insert("status".into(), code.status().to_string().into());
    object.insert("code".into(), code.code().into());
    object.insert("title".into(), code.title().into());
    object.insert("detail".into(), error.detail.as_str().into());
    if let Some(source) = source(&error.source) {
        object.insert("source".into(), source);
    }
    if !error.meta.is_empty() {
        object.insert("meta".into(), Json::Object(error.meta.clone()));
    }
    Json::Object(object)
}

fn source(source: &Source) -> Option<Json> {
    match source {
        Source::None => None,
        Source::Pointer(pointer) => Some(json!({"pointer": pointer})),
        Source::Parameter(name) => Some(json!({"parameter": name})),
        Source::Header(name) => Some(json!({"header": name})),
    }
}

fn retry_after(status: StatusCode) -> Option<&'static str> {
    matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS).then_some("1")
}

fn logged(error: &Error, id: String) -> Logged {
    Logged { id, code: error.code.code(), status: error.code.status(), words: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn the_databases_words_stay_in_the_log() {
        let error = Error::new(ErrorCode::Unavailable, "The database cannot be reached.")
            .logged("host db.internal refused");
        let (response, logged) = response(&error.into());
        let body = String::from_utf8(response.body.to_vec()).unwrap();
        assert_eq!(response.status, 503);
        assert_eq!(response.headers[RETRY_AFTER], "1");
        assert!(!body.contains("db.internal") && logged[0].words.contains("db.internal"));
        assert!(body.contains(&logged[0].id));
    }

    #[test]
    fn an_error_names_its_code_its_place_and_what_machines_need() {
        let error =
            Error::new(ErrorCode::InvalidValue, "x").at("/data/attributes/age").with_meta("attribute", "age");
        let (response, logged) = response(&error.into());
        let document: Json = serde_json::from_slice(&response.body).unwrap();
        let expect = json!({"id": logged[0].id, "links": {"about": "/docs/errors#invalid-value"}, "status": "422",
            "code": "invalid-value", "title": "The value does not fit", "detail": "x",
            "source": {"pointer": "/data/attributes/age"}, "meta": {"attribute": "age"}});
        assert_eq!(document["errors"][0], expect);
    }
}
