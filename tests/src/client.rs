//! A thin client that calls the pipeline in process, and keeps what was said.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dialects::Pool;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proxy::exchange::Request;
use proxy::jsonapi::media::JSON_API_ATOMIC;
use proxy::observe::Metrics;
use proxy::state::Snapshot;
use rules::policy::Actor;
use serde_json::{Value as Json, json};

use crate::conformant::Exchange;

/// Sends requests and keeps the answers.
pub struct Client {
    pool: Arc<Pool>,
    snapshot: Arc<Snapshot>,
    metrics: Metrics,
    actor: Arc<Actor>,
    transcript: Mutex<Vec<Json>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked: method and target.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// A client of a snapshot.
    pub fn new(pool: Arc<Pool>, snapshot: Arc<Snapshot>) -> Self {
        Self::acting_as(pool, snapshot, Actor::anonymous())
    }

    /// A client of somebody.
    pub fn acting_as(pool: Arc<Pool>, snapshot: Arc<Snapshot>, actor: Actor) -> Self {
        let metrics = Metrics::new().unwrap();
        Self { pool, snapshot, metrics, actor: Arc::new(actor), transcript: Mutex::new(Vec::new()) }
    }

    /// The schema and rules that answer.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// What has been counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// GET.
    pub async fn get(&self, target: &str) -> Answer {
        self.send(request(Method::GET, target)).await
    }

    /// GET with a header.
    pub async fn get_with(&self, target: &str, name: &str, value: &str) -> Answer {
        self.send(with_header(request(Method::GET, target), name, value)).await
    }

    /// POST of a document.
    pub async fn post(&self, target: &str, document: impl Into<Json>) -> Answer {
        self.send(with_body(request(Method::POST, target), &document.into())).await
    }

    /// POST of several operations.
    pub async fn operations(&self, operations: Vec<Json>) -> Answer {
        self.send(operations_request(operations)).await
    }

    /// PATCH with a document.
    pub async fn patch(&self, target: &str, document: impl Into<Json>) -> Answer {
        self.send(with_body(request(Method::PATCH, target), &document.into())).await
    }

    /// PATCH with a document and `If-Match`.
    pub async fn patch_if(&self, target: &str, etag: &str, document: impl Into<Json>) -> Answer {
        let request = with_body(request(Method::PATCH, target), &document.into());
        self.send(with_header(request, "if-match", etag)).await
    }

    /// DELETE.
    pub async fn delete(&self, target: &str) -> Answer {
        self.send(request(Method::DELETE, target)).await
    }

    /// A write to a relationship at its own URL: PATCH, POST or DELETE of linkage.
    pub async fn relate(&self, method: Method, target: &str, linkage: Json) -> Answer {
        self.send(with_body(request(method, target), &json!({"data": linkage}))).await
    }

    /// DELETE with `If-Match`.
    pub async fn delete_if(&self, target: &str, etag: &str) -> Answer {
        self.send(with_header(request(Method::DELETE, target), "if-match", etag)).await
    }

    /// Any request.
    pub async fn send(&self, request: Request) -> Answer {
        let answer = self.quietly(request).await;
        let kept = json!([answer.asked, answer.status, comparable(&answer)]);
        self.transcript.lock().unwrap().push(kept);
        answer
    }

    /// Any request, without keeping what was answered.
    pub async fn quietly(&self, request: Request) -> Answer {
        let asked = format!("{} {}?{}", request.method, request.path, request.query);
        let (query, sent) = (request.query.clone(), request.body.clone());
        let answer =
            proxy::pipeline::answer(&self.pool, &self.snapshot, &self.metrics, &self.actor, None, request);
        let response = answer.await.response;
        let answer = Answer {
            asked,
            status: response.status.as_u16(),
            headers: response.headers,
            body: response.body,
        };
        answer.assert_conformant(&query, &sent);
        answer
    }

    /// All of an export, as text.
    pub async fn exported(&self, request: Request) -> String {
        let answer =
            proxy::pipeline::answer(&self.pool, &self.snapshot, &self.metrics, &self.actor, None, request);
        let response = answer.await.response;
        let mut bytes = response.body.to_vec();
        if let Some(mut rest) = response.rest {
            while let Some(more) = rest.next().await.unwrap() {
                bytes.extend(more);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Everything said so far, without what is never the same twice.
    pub fn transcript(&self) -> Vec<Json> {
        self.transcript.lock().unwrap().clone()
    }
}

impl Answer {
    fn assert_conformant(&self, query: &str, sent: &[u8]) {
        let header = |name: &str| Some(self.headers.get(name)?.to_str().unwrap().to_owned());
        let (asked, status, body) = (self.asked.as_str(), self.status, &self.body[..]);
        Exchange { asked, query, sent, status, header: &header, body }.assert_conformant();
    }

    /// The body as JSON.
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error} in {:?}", self.asked, self.body))
    }

    /// The document, when the status is the expected one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}: {}", self.asked, String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Json::Null } else { self.json() }
    }

    /// The first error, when status and code are the expected ones.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Json {
        let error = self.expect(status)["errors"][0].clone();
        assert_eq!(error["code"], code, "{}: {error}", self.asked);
        assert_eq!(error["status"], status.to_string(), "{}: {error}", self.asked);
        error
    }

    /// The id of the resource in the document.
    #[track_caller]
    pub fn id(&self) -> String {
        self.json()["data"]["id"].as_str().expect("an id").to_owned()
    }

    /// The ETag header.
    #[track_caller]
    pub fn etag(&self) -> String {
        self.headers["etag"].to_str().unwrap().to_owned()
    }
}

/// A request without body; `target` is the path, and the query after `?`.
pub fn request(method: Method, target: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

/// The request with one header more.
pub fn with_header(mut request: Request, name: &str, value: &str) -> Request {
    let name: HeaderName = name.parse().unwrap();
    request.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    request
}

/// Several operations as one request.
pub fn operations_request(operations: Vec<Json>) -> Request {
    let document = json!({"atomic:operations": operations});
    let request = with_body(request(Method::POST, "/api/operations"), &document);
    with_header(request, "content-type", JSON_API_ATOMIC)
}

/// The request with a JSON:API document.
pub fn with_body(mut request: Request, document: &Json) -> Request {
    request.body = document.to_string().into();
    with_header(request, "content-type", "application/vnd.api+json")
}

/// The answer's document without the ids of errors, which are random, and without the ranges of whole numbers and times, which are the column's:
/// SQLite's INTEGER has 64 bits, the others' 32; a TIME of MySQL may be longer than a day.
fn comparable(answer: &Answer) -> Json {
    if answer.body.is_empty() {
        return Json::Null;
    }
    let mut document = answer.json();
    if let Some(errors) = document.get_mut("errors").and_then(Json::as_array_mut) {
        for error in errors {
            error.as_object_mut().unwrap().remove("id");
            without_range(&mut error["detail"]);
            if let Some(message) = error.get_mut("meta").and_then(|meta| meta.get_mut("message")) {
                without_range(message);
            }
        }
    }
    document
}

fn without_range(sentence: &mut Json) {
    for kind in ["a whole number ", "a time "] {
        let text = sentence.as_str().and_then(|text| text.split_once(kind));
        if let Some((before, _)) = text {
            *sentence = format!("{before}{kind}").into();
        }
    }
}
