//! One request from end to end: the whole program at a glance.
//!
//! ```text
//! read : parse -> build -> restrict -> lower, render, run -> encode
//! write: parse -> build -> restrict -> discover, lock, attempt* -> lower, render, run -> encode
//! ```

mod aggregate;
pub mod answer;
mod docs;
mod errors;
mod export;
mod once;
pub mod read;
mod relationship;
mod trace;
pub mod write;

use std::sync::Arc;

use dialects::Pool;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, IF_MATCH, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use introspect::TableId;
use rules::policy::Actor;

use crate::error::Source;
use crate::exchange::{Request, Response};
use crate::jsonapi::media::{Extension, Form, JSON_API_ATOMIC};
use crate::jsonapi::{error_object, media};
use crate::observe::{self, Calls, Interest, Metrics, Spans};
use crate::plan::names;
use crate::plan::write::{Verb, WriteRequest};
use crate::route::{self, Endpoint, Page};
use crate::run::write::{Context, Watch};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};
use answer::Terms;

/// The header under which the server hands a request's id on.
const REQUEST_ID: &str = "x-request-id";

/// How long the parts of an answer took. <https://www.w3.org/TR/server-timing/>
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// An answer, and what is observed about it.
#[derive(Debug)]
pub struct Answer {
    /// What goes to the client. To a HEAD it is the answer of the GET; the server sends no body then.
    pub response: Response,
    /// The type addressed, where there is such a type: a name of the schema, never the client's text.
    pub resource: Option<String>,
    /// What was asked: a word of a closed list.
    pub operation: &'static str,
    /// Why it was refused.
    pub errors: Option<Errors>,
}

/// Answers a request of an actor.
pub async fn answer(
    pool: &Arc<Pool>,
    snapshot: &Arc<Snapshot>,
    metrics: &Metrics,
    actor: &Arc<Actor>,
    spans: Option<&Arc<Spans>>,
    request: Request,
) -> Answer {
    let snapshot = &snapshot.view(actor);
    let id = request_id(&request.headers);
    let interest =
        Interest { spans, slow: snapshot.limits.slow_statement, timing: snapshot.api.server_timing };
    let calls = Calls::of(pool, &id, interest);
    let pool = &calls.watched(&reader(pool, &request));
    let spans = spans.map(|spans| &**spans);
    let context = Context { pool, snapshot, metrics, watch: &Watch::default(), spans, actor };
    let endpoint = route::endpoint(&snapshot.api.prefix, &request.path);
    let operation = match &endpoint {
        Ok(Endpoint::Operations) => "operations",
        _ => operation(&request.method),
    };
    let resource = endpoint.as_ref().ok().and_then(|endpoint| resource(snapshot, endpoint));
    let extension = endpoint.as_ref().map_or(Extension::None, Endpoint::extension);
    let served = match endpoint {
        Ok(endpoint) => serve(context, &endpoint, &request).await,
        Err(errors) => Err(errors),
    };
    let exports = served.as_ref().is_ok_and(|response| response.rest.is_some());
    let operation = if exports { "export" } else { operation };
    let (response, errors) = match served {
        Ok(response) => (response, None),
        Err(errors) => (refusal(&errors, &id, extension), Some(errors)),
    };
    let response = match calls.timing() {
        Some(timing) => response.header(SERVER_TIMING, &timing),
        None => response,
    };
    Answer { response: response.header(VARY, varying(snapshot)), resource, operation, errors }
}

/// Where a request is answered from: what only reads from a replica, where there are any, unless the client wants to see what has just been
/// written (`Cache-Control: no-cache`).
fn reader(pool: &Arc<Pool>, request: &Request) -> Arc<Pool> {
    let values = request.headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(str::trim);
    let fresh = directives.any(|directive| directive.eq_ignore_ascii_case("no-cache"));
    match pool.replicas() {
        (1.., _) if request.method.is_safe() && !fresh => Arc::new(pool.reading()),
        _ => pool.clone(),
    }
}

/// What an answer depends on besides the URL. (That no cache but the client's own keeps it, the server says of every answer.)
fn varying(snapshot: &Snapshot) -> &'static str {
    if snapshot.is_guarded() { "Accept, Authorization" } else { "Accept" }
}

/// Errors about operations point into a document of the extension, and so their own says that it is one.
fn refusal(errors: &Errors, id: &str, extension: Extension) -> Response {
    let response = error_object::response(errors, id);
    let in_it = |error: &Error| matches!(&error.source, Source::Pointer(pointer) if pointer.starts_with("/atomic:operations"));
    match extension == Extension::Atomic && errors.iter().any(in_it) {
        true => response.header(CONTENT_TYPE, JSON_API_ATOMIC),
        false => response,
    }
}

async fn serve(context: Context<'_>, endpoint: &Endpoint, request: &Request) -> Result<Response> {
    route::check_method(endpoint, &request.method)?;
    if request.method == Method::OPTIONS {
        return options(context.snapshot, endpoint);
    }
    if let Endpoint::Page(page) = endpoint {
        return self::page(context.snapshot, page, request);
    }
    match request.method {
        Method::GET | Method::HEAD => {
            let form = form(context.snapshot, endpoint, request)?;
            read::answer(context, endpoint, request, form).await
        }
        _ => {
            media::accept(&request.headers, endpoint.extension())?;
            watched(context, endpoint, request).await
        }
    }
}

/// The form in which a read is wanted: only collections come in others than documents.
fn form(snapshot: &Snapshot, endpoint: &Endpoint, request: &Request) -> Result<Form> {
    let collection = match endpoint {
        Endpoint::Collection { .. } => true,
        Endpoint::Related { ty, relationship, .. } => {
            let table = names::table(&snapshot.schema, ty);
            !table.is_ok_and(|(table, _)| to_one(snapshot, table, relationship))
        }
        _ => false,
    };
    match collection {
        true => media::form(&request.headers),
        false => media::accept(&request.headers, endpoint.extension()).map(|()| Form::Document),
    }
}

/// What can be asked of something that is there.
fn options(snapshot: &Snapshot, endpoint: &Endpoint) -> Result<Response> {
    let Some(ty) = endpoint.ty() else {
        return Ok(Response::empty(StatusCode::NO_CONTENT).header(ALLOW, endpoint.allow()));
    };
    let (table, of) = names::table(&snapshot.schema, ty)?;
    let allow = match endpoint {
        _ if of.view => "GET, HEAD, OPTIONS",
        Endpoint::Linkage { relationship, .. } if to_one(snapshot, table, relationship) => {
            "GET, HEAD, OPTIONS, PATCH"
        }
        _ => endpoint.allow(),
    };
    let granted = allow.split(", ").filter(|method| is_granted(snapshot, endpoint, table, method));
    let allow = granted.collect::<Vec<_>>().join(", ");
    Ok(Response::empty(StatusCode::NO_CONTENT).header(ALLOW, &allow))
}

/// Whether a method can come to anything but 403.
fn is_granted(snapshot: &Snapshot, endpoint: &Endpoint, table: TableId, method: &str) -> bool {
    let Some(allowed) = snapshot.authority.table(table) else { return true };
    let grants = match (method, endpoint) {
        ("OPTIONS", _) => return true,
        ("GET" | "HEAD", _) => &allowed.read,
        (_, Endpoint::Linkage { .. }) | ("PATCH", _) => &allowed.update,
        ("POST", _) => &allowed.create,
        _ => &allowed.delete,
    };
    !grants.is_nothing()
}

fn to_one(snapshot: &Snapshot, table: TableId, relationship: &str) -> bool {
    names::relationship(&snapshot.schema, table, relationship).is_ok_and(|(_, found)| found.to_one())
}

/// What is not JSON:API, and so is not negotiated as if it were.
fn page(snapshot: &Snapshot, page: &Page, request: &Request) -> Result<Response> {
    match page {
        // A relative reference: whatever path the client sees us under.
        Page::Home | Page::DocsFolder => Ok(docs::page_is_at("docs/")),
        Page::Docs(name) => docs::file(name),
        Page::OpenApi => Ok(docs::openapi(snapshot, request)),
        Page::Errors => Ok(errors::page()),
    }
}

/// A write, and why it came to what it came to for whoever wants to know.
async fn watched(context: Context<'_>, endpoint: &Endpoint, request: &Request) -> Result<Response> {
    let watch = trace::watch(context.snapshot, &request.headers, context.actor)?;
    let context = Context { watch: &watch, ..context };
    let answered = write(context, endpoint, request).await;
    if let Some(trace) = watch.trace() {
        observe::explain(&request_id(&request.headers), &context.snapshot.schema, &trace);
    }
    answered.map_err(|errors| trace::refused(context, errors))
}

/// Dispatches a write by its method and what it addresses.
async fn write(context: Context<'_>, endpoint: &Endpoint, request: &Request) -> Result<Response> {
    let if_match = header(&request.headers, IF_MATCH)?;
    let terms = &Terms::of(request, context.actor, &context.snapshot.authority)?;
    let (verb, ty, id) = match (&request.method, endpoint) {
        (_, Endpoint::Operations) => {
            media::content_type(&request.headers, Extension::Atomic)?;
            if if_match.is_some() {
                let detail = "Operations take no If-Match: send `meta.etag` with each.";
                return Err(Error::new(ErrorCode::MalformedRequest, detail).header("If-Match").into());
            }
            return write::answer_operations(context, &request.query, &request.body, terms).await;
        }
        (&Method::POST, Endpoint::Collection { ty }) => (Verb::Create, ty, ""),
        (&Method::PATCH, Endpoint::Resource { ty, id }) => (Verb::Update, ty, id.as_str()),
        (&Method::DELETE, Endpoint::Resource { ty, id }) => (Verb::Delete, ty, id.as_str()),
        (method, Endpoint::Linkage { ty, id, relationship }) => {
            content_type(request)?;
            let of_relationship = WriteRequest { id, body: &request.body, if_match };
            let named = (ty.as_str(), relationship.as_str());
            return relationship::answer(context, named, method, &request.query, of_relationship, terms)
                .await;
        }
        _ => return Err(Error::new(ErrorCode::NotFound, "There is nothing to write here.").into()),
    };
    content_type(request)?;
    let asked = write::shape(&request.query)?;
    let (table, _) = names::table(&context.snapshot.schema, ty)?;
    let request = WriteRequest { id, body: &request.body, if_match };
    write::answer(context, table, verb, &asked, request, terms).await
}

/// Of a request without a body it is ignored.
fn content_type(request: &Request) -> Result<()> {
    match request.body.is_empty() {
        true => Ok(()),
        false => media::content_type(&request.headers, Extension::None),
    }
}

/// A header that decides what happens: one that cannot be read is refused, not passed over.
fn header(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>> {
    let mut values = headers.get_all(&name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => {
            let detail = format!("The header {name} must stand once, in ASCII.");
            Err(Error::new(ErrorCode::MalformedRequest, detail).header(name.as_str()).into())
        }
    }
}

fn resource(snapshot: &Snapshot, endpoint: &Endpoint) -> Option<String> {
    let table = snapshot.schema.find(endpoint.ty()?)?;
    Some(snapshot.schema[table].name.clone())
}

fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    given.map_or_else(|| format!("{:016x}", fastrand::u64(..)), str::to_owned)
}

fn operation(method: &Method) -> &'static str {
    match *method {
        Method::GET | Method::HEAD => "read",
        Method::POST => "create",
        Method::PATCH => "update",
        Method::DELETE => "delete",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
