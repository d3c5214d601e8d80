//! Error documents (JSON:API 1.1, "Error Objects").
//!
//! Every error carries the request's id, under which the log keeps the words that are not for the client.

use http::StatusCode;
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Map, Value as Json, json};

use super::media::JSON_API;
use crate::error::Source;
use crate::exchange::Response;
use crate::{Error, ErrorCode, Errors};

/// Where the catalogue of codes is documented.
const ABOUT: &str = "/docs/errors#";

/// How long to wait before a repetition, in seconds.
const RETRY_AFTER_S: &str = "2";

/// The answer that tells errors.
pub fn response(errors: &Errors, request_id: &str) -> Response {
    let status = StatusCode::from_u16(errors.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let several = errors.iter().nth(1).is_some();
    let id = |n: usize| if several { format!("{request_id}-{}", n + 1) } else { request_id.to_owned() };
    let objects: Vec<Json> = errors.iter().enumerate().map(|(n, error)| object(error, &id(n))).collect();
    let mut document = Map::new();
    document.insert("jsonapi".into(), json!({"version": "1.1"}));
    document.insert("errors".into(), objects.into());
    if !errors.meta.is_empty() {
        document.insert("meta".into(), errors.meta.clone().into());
    }
    let mut response = Response::new(status, JSON_API, Json::Object(document).to_string());
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response = response.header(RETRY_AFTER, RETRY_AFTER_S);
    }
    for allow in errors.iter().filter_map(|error| error.meta.get("allow")?.as_str()) {
        response = response.header(ALLOW, allow);
    }
    if let Some(error) = errors.iter().find(|error| error.code.status() == 401) {
        response = response.header(WWW_AUTHENTICATE, &challenge(error));
    }
    response
}

/// How to show who one is (RFC 6750, section 3). To whom has shown nothing, no error is told.
fn challenge(error: &Error) -> String {
    match error.code {
        ErrorCode::InvalidToken => {
            let detail = &error.detail;
            format!("Bearer realm=\"rulegate\", error=\"invalid_token\", error_description=\"{detail}\"")
        }
        _ => "Bearer realm=\"rulegate\"".into(),
    }
}

fn object(error: &Error, id: &str) -> Json {
    let code = error.code;
    let mut object = Map::new();
    object.insert("id".into(), id.into());
    object.insert("links".into(), links(error));
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

fn links(error: &Error) -> Json {
    let about = format!("{ABOUT}{}", error.code.code());
    match error.ty {
        Some(ty) => json!({"about": about, "type": ty}),
        None => json!({"about": about}),
    }
}

fn source(source: &Source) -> Option<Json> {
    match source {
        Source::None => None,
        Source::Pointer(pointer) => Some(json!({"pointer": pointer})),
        Source::Parameter(name) => Some(json!({"parameter": name})),
        Source::Header(name) => Some(json!({"header": name})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_databases_words_stay_in_the_log() {
        let error = Error::new(ErrorCode::Unavailable, "The database cannot be reached.")
            .logged("host db.internal refused");
        let response = response(&error.into(), "r1");
        let body = String::from_utf8(response.body.to_vec()).unwrap();
        assert_eq!(response.status, 503);
        assert_eq!(response.headers[RETRY_AFTER], "2");
        assert!(!body.contains("db.internal") && body.contains("\"r1\""));
    }

    #[test]
    fn an_error_names_its_code_its_place_and_what_machines_need() {
        let error =
            Error::new(ErrorCode::InvalidValue, "x").at("/data/attributes/age").with_meta("attribute", "age");
        let response = response(&error.into(), "r1");
        let document: Json = serde_json::from_slice(&response.body).unwrap();
        let expect = json!({"id": "r1", "links": {"about": "/docs/errors#invalid-value"}, "status": "422",
            "code": "invalid-value", "title": "The value does not fit", "detail": "x",
            "source": {"pointer": "/data/attributes/age"}, "meta": {"attribute": "age"}});
        assert_eq!(document["errors"][0], expect);
    }
}
