//! What a trace tells of one request: a span for it, and below it spans for its parts and for every call of the database.
//!
//! Names and attributes are those of OpenTelemetry's conventions for HTTP servers and for databases. None holds what a client has sent
//! or a row holds: no path with its ids, no query, no parameter. <https://opentelemetry.io/docs/specs/semconv/>

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use dialects::{Call, Dialect};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Observation;
use super::context::{Context, SpanId, TraceId};
use super::sql;
use super::tracer::Tracer;

/// Something that has taken some time.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) trace: TraceId,
    pub(super) id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) state: Option<String>,
    pub(super) kind: Kind,
    pub(super) name: Cow<'static, str>,
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
    pub(super) attributes: Vec<Attribute>,
    pub(super) failed: bool,
}

/// Whose work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ours.
    Internal,
    /// Ours, for a client.
    Server,
    /// Another server's, for us.
    Client,
}

/// A name and what is said under it.
pub(super) type Attribute = (&'static str, Said);

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text(Cow<'static, str>),
    Int(i64),
}

/// The spans of one request.
pub struct Spans {
    tracer: Arc<Tracer>,
    /// With the request's own span.
    context: Context,
    parent: Option<SpanId>,
    started: (Instant, SystemTime),
    /// The span that what happens next is a part of.
    above: Mutex<SpanId>,
}

/// A part of a request, which ends when this is dropped.
#[derive(Debug)]
pub struct Part<'a> {
    spans: &'a Spans,
    name: &'static str,
    id: SpanId,
    above: SpanId,
    started: Instant,
    attributes: Vec<Attribute>,
}

impl Spans {
    pub(super) fn begin(tracer: &Arc<Tracer>, headers: &HeaderMap) -> Self {
        let before = Context::of(headers);
        let parent = before.as_ref().map(|context| context.span);
        let span = SpanId::random();
        let context = match before {
            Some(context) => Context { span, ..context },
            None => {
                let trace = TraceId::random();
                Context { trace, span, sampled: tracer.samples(trace), state: None }
            }
        };
        let started = (Instant::now(), SystemTime::now());
        Self { tracer: tracer.clone(), context, parent, started, above: Mutex::new(span) }
    }

    /// Its name, for the log.
    pub fn id(&self) -> TraceId {
        self.context.trace
    }

    /// Whether they are recorded.
    pub(super) fn sampled(&self) -> bool {
        self.context.sampled
    }

    /// Headers that make what another server does for the request a part of it; those without a value are not to be sent.
    pub fn headers(&self) -> [(HeaderName, Option<HeaderValue>); 2] {
        self.context.headers()
    }

    /// Tells the whole request. `route`: the kind of path, in words of the product alone.
    pub fn end(&self, seen: &Observation<'_>, route: Option<String>, is_tls: bool, version: &'static str) {
        if !self.context.sampled {
            return;
        }
        let method = method(seen.method);
        let mut attributes: Vec<Attribute> = vec![
            ("http.request.method", method.into()),
            ("http.response.status_code", Said::Int(seen.status.into())),
            ("url.scheme", if is_tls { "https" } else { "http" }.into()),
            ("network.protocol.version", version.into()),
            ("rulegate.operation", seen.operation.into()),
            ("rulegate.request_id", seen.request_id.to_owned().into()),
        ];
        // `_OTHER` is no name for a method.
        let verb = if method == "_OTHER" { "HTTP" } else { method };
        let name = route.as_ref().map_or(Cow::Borrowed(verb), |route| format!("{verb} {route}").into());
        attributes.extend(route.map(|route| ("http.route", route.into())));
        attributes.extend(seen.resource.map(|name| ("rulegate.resource", name.to_owned().into())));
        let failed = seen.status >= 500 || seen.cut.is_some();
        if failed {
            let code = seen.errors.and_then(|errors| errors.iter().next()).map(|error| error.code.code());
            let cut = seen.cut.map(|cut| cut.by.word());
            let error =
                code.or(cut).map_or_else(|| seen.status.to_string().into(), Cow::<'static, str>::Borrowed);
            attributes.push(("error.type", Said::Text(error)));
        }
        let (begun, now) = (self.started.1, Instant::now());
        self.tell(Span {
            id: self.context.span,
            parent: self.parent,
            kind: Kind::Server,
            name,
            start: begun,
            end: self.time(now),
            attributes,
            failed,
            ..self.empty()
        });
    }

    /// Begins a part: what happens until it ends is told as parts of it.
    pub fn part(&self, name: &'static str) -> Part<'_> {
        let id = SpanId::random();
        let above = std::mem::replace(&mut *self.above(), id);
        Part { spans: self, name, id, above, started: Instant::now(), attributes: Vec::new() }
    }

    /// Tells a call of the database.
    pub(super) fn call(&self, dialect: Dialect, call: &Call<'_>) {
        if call.texts.is_empty() {
            return;
        }
        let what = sql::Summary::of(call.texts);
        let system = match dialect {
            Dialect::Postgres => "postgresql",
            Dialect::Mysql => "mysql",
            Dialect::Sqlite => "sqlite",
        };
        let mut attributes: Vec<Attribute> = vec![
            ("db.system.name", system.into()),
            ("db.operation.name", what.operation.clone().into()),
            ("db.query.summary", what.words.clone().into()),
            ("db.query.text", sql::text(call.texts).into()),
        ];
        attributes.extend(what.table.map(|table| ("db.collection.name", table.into())));
        if call.texts.len() > 1 {
            let count = i64::try_from(call.texts.len()).unwrap_or(i64::MAX);
            attributes.push(("db.operation.batch.size", Said::Int(count)));
        }
        attributes.extend(call.error.map(|error| ("error.type", error.kind.to_string().into())));
        self.tell(Span {
            parent: Some(*self.above()),
            kind: Kind::Client,
            name: what.words.into(),
            start: self.time(call.started),
            end: self.time(call.started + call.elapsed),
            attributes,
            failed: call.error.is_some(),
            ..self.empty()
        });
    }

    fn tell(&self, span: Span) {
        self.tracer.tell(span);
    }

    fn empty(&self) -> Span {
        Span {
            trace: self.context.trace,
            id: SpanId::random(),
            parent: None,
            state: self.context.state.clone(),
            kind: Kind::Internal,
            name: Cow::Borrowed(""),
            start: self.started.1,
            end: self.started.1,
            attributes: Vec::new(),
            failed: false,
        }
    }

    /// By the clock on the wall, which may jump: all times of a request are told from its beginning.
    fn time(&self, at: Instant) -> SystemTime {
        self.started.1 + at.saturating_duration_since(self.started.0)
    }

    fn above(&self) -> std::sync::MutexGuard<'_, SpanId> {
        self.above.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part<'_> {
    /// Says something about it: in words of the product alone.
    pub fn say(&mut self, name: &'static str, said: &'static str) {
        self.attributes.push((name, said.into()));
    }

    /// Counts something about it.
    pub fn count(&mut self, name: &'static str, count: u64) {
        self.attributes.push((name, Said::Int(i64::try_from(count).unwrap_or(i64::MAX))));
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        *self.spans.above() = self.above;
        if !self.spans.context.sampled {
            return;
        }
        self.spans.tell(Span {
            id: self.id,
            parent: Some(self.above),
            name: Cow::Borrowed(self.name),
            start: self.spans.time(self.started),
            end: self.spans.time(Instant::now()),
            attributes: std::mem::take(&mut self.attributes),
            ..self.spans.empty()
        });
    }
}

/// A method of the closed list of the conventions; others are what a client makes up.
fn method(sent: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "CONNECT", "TRACE"];
    known.into_iter().find(|method| *method == sent).unwrap_or("_OTHER")
}

impl From<&'static str> for Said {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").field("context", &self.context).finish_non_exhaustive()
    }
}
