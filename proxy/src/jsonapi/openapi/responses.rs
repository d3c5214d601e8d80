//! Answers: those that refuse, shared by all operations, and those of each kind of operation.

use serde_json::{Map, Value as Json, json};

use super::reference;
use crate::ErrorCode;
use crate::jsonapi::media::{Form, JSON_API};

/// What any request may be refused with.
const ANY: &[u16] = &[400, 404, 406, 414, 431, 500, 501, 503, 504];

/// What a write may be refused with besides.
const WRITES: &[u16] = &[403, 409, 412, 413, 415, 422, 428];

/// What any request may be refused with where it matters who asks.
pub(super) const GUARDED: &[u16] = &[401, 403];

/// Headers of answers.
pub(super) fn headers() -> Json {
    json!({
        "ETag": {"description": "The version of the resource, for If-Match and If-None-Match.", "schema": {"type": "string"}},
        "Location": {"description": "Where the new resource is.", "schema": {"type": "string"}},
        "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}},
    })
}

/// One answer for each status from 400 up, with the codes that it comes with.
pub(super) fn refusals() -> Map<String, Json> {
    let mut statuses: Vec<u16> = ErrorCode::ALL.iter().map(|code| code.status()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses.into_iter().map(|status| (status.to_string(), refusal(status))).collect()
}

fn refusal(status: u16) -> Json {
    let codes = ErrorCode::ALL.iter().filter(|code| code.status() == status);
    let told: Vec<String> = codes.map(|code| format!("`{}`: {}", code.code(), code.title())).collect();
    let example = ErrorCode::ALL.iter().find(|code| code.status() == status).map(|code| {
        json!({"errors": [{
            "id": "9f0c2a61d1f34c17", "status": status.to_string(), "code": code.code(), "title": code.title(),
            "detail": code.help(), "links": {"about": format!("/docs/errors#{}", code.code())},
        }]})
    });
    let mut answer = json!({
        "description": told.join("; "),
        "content": {JSON_API: {"schema": reference("schemas", "jsonapi.errors"), "example": example}},
    });
    if matches!(status, 429 | 503)
        && let Some(answer) = answer.as_object_mut()
    {
        answer.insert("headers".into(), json!({"Retry-After": reference("headers", "Retry-After")}));
    }
    answer
}

/// A read answers with a document of this schema.
pub(super) fn read(schema: &Json, versioned: bool) -> Json {
    let mut answers = with_refusals(ANY);
    answers.insert("200".into(), document("What is there.", schema, versioned));
    if versioned {
        answers.insert("304".into(), json!({"description": "Nothing has changed since If-None-Match."}));
    }
    answers.into()
}

/// A read of many answers with a document of this schema, or with what is told of them.
pub(super) fn read_many(schema: &Json) -> Json {
    read(&json!({"anyOf": [schema, reference("schemas", "jsonapi.aggregates")]}), false)
}

/// Likewise a read of a collection, or with all of it in another form.
pub(super) fn collection(schema: &Json) -> Json {
    let mut answers = read_many(schema);
    if let Some(content) = answers.pointer_mut("/200/content").and_then(Json::as_object_mut) {
        for (form, what) in [
            (Form::Csv, "All of the collection: a header line and a line of values for each resource."),
            (Form::Ndjson, "All of the collection: a resource object a line."),
        ] {
            content.insert(form.name().into(), json!({"schema": {"type": "string", "description": what}}));
        }
    }
    answers
}

/// A write answers with one of these.
pub(super) fn write(answered: Vec<(&str, Json)>) -> Json {
    let mut answers = with_refusals(ANY);
    answers.extend(with_refusals(WRITES));
    answers.extend(answered.into_iter().map(|(status, answer)| (status.to_owned(), answer)));
    answers.into()
}

/// An answer with a document.
pub(super) fn document(description: &str, schema: &Json, versioned: bool) -> Json {
    let mut answer = json!({"description": description, "content": {JSON_API: {"schema": schema}}});
    if versioned && let Some(answer) = answer.as_object_mut() {
        answer.insert("headers".into(), json!({"ETag": reference("headers", "ETag")}));
    }
    answer
}

/// An answer without a document.
pub(super) fn empty(description: &str) -> Json {
    json!({"description": description})
}

/// Refusals, by their statuses.
pub(super) fn with_refusals(statuses: &[u16]) -> Map<String, Json> {
    statuses.iter().map(|status| (status.to_string(), reference("responses", &status.to_string()))).collect()
}
