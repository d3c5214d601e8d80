//! What happened, told once: the pipeline and the server emit facts, `log` and `metrics` decide what becomes of them.
//!
//! Metrics carry no label from user input: a resource is named only when it is a type of the schema.

mod calls;
mod context;
mod log;
mod metrics;
mod otlp;
mod repeats;
mod spans;
mod sql;
mod tracer;

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderValue;
use introspect::Schema;
use rules::Trace;
use rules::policy::Actor;

pub use calls::{Calls, Interest};
pub use context::TraceId;
pub use log::{LogFormat, is_json, start as start_log};
pub use metrics::{Described, Metrics, Outcome, RetryReason, Running};
pub use repeats::Repeats;
pub use spans::{Part, Spans};
pub use tracer::{Tracer, TracerSettings};

use crate::pipeline::Answer;
use crate::{ErrorCode, Errors};
use repeats::Kind;

/// One request that has been answered.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// The id shown in `X-Request-Id` and in error objects.
    pub request_id: &'a str,
    /// The trace that it is part of, where there are traces.
    pub trace: Option<TraceId>,
    /// The method, as sent.
    pub method: &'a str,
    /// The path without the query: a query may hold what must not be logged.
    pub path: &'a str,
    /// The type that was addressed, when the schema knows it.
    pub resource: Option<&'a str>,
    /// What was done: a word of a closed list.
    pub operation: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// From the first byte of the request's body to the answer's last.
    pub elapsed: Duration,
    /// Why it was refused.
    pub errors: Option<&'a Errors>,
    /// Why it ended before its end.
    pub cut: Option<&'a Cut>,
    /// Who was refused what, where somebody was denied something.
    pub denied: Option<Denied<'a>>,
}

/// Who was denied what: for the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Denied<'a> {
    /// The address that the connection came from.
    pub client: Option<IpAddr>,
    /// Who asked, where that was found out.
    pub actor: Option<&'a Actor>,
    /// The kind of path: one of a closed list.
    pub endpoint: &'static str,
    /// The type that was addressed, when the schema knows it.
    pub resource: Option<&'a str>,
}

/// An answer that ended before its end.
#[derive(Clone, Debug)]
pub struct Cut {
    /// Who ended it.
    pub by: CutBy,
    /// How, for the log.
    pub words: String,
}

/// Who ended an answer before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutBy {
    /// The client: it is gone, or takes nothing.
    Client,
    /// The database.
    Database,
    /// The server, which stops.
    Server,
    /// The application behind.
    Upstream,
}

impl CutBy {
    fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Database => "database",
            Self::Server => "server",
            Self::Upstream => "upstream",
        }
    }
}

impl<'a> Observation<'a> {
    /// Of what was no request.
    pub fn refused(answer: &'a Answer, request_id: &'a HeaderValue, elapsed: Duration) -> Self {
        Self {
            request_id: request_id.to_str().unwrap_or_default(),
            trace: None,
            method: "-",
            path: "-",
            resource: None,
            operation: answer.operation,
            status: answer.response.status.as_u16(),
            elapsed,
            errors: answer.errors.as_ref(),
            cut: None,
            denied: None,
        }
    }
}

/// Whether errors say that somebody may not do what he wants: not known, not allowed, or too often. A row that a policy hides is not among them:
/// it is as if it were not there, for the log too.
pub fn denies(errors: &Errors) -> bool {
    errors.iter().any(|error| matches!(error.code.status(), 401 | 403 | 429))
}

/// Whether the log wants to hear why writes come to what they come to.
pub fn explains() -> bool {
    log::explains()
}

/// Logs what a write did, step by step.
pub fn explain(request_id: &str, schema: &Schema, trace: &Trace) {
    log::explain(request_id, schema, trace);
}

/// Logs and counts an answered request. Of lines that repeat only the first are written.
pub fn observe(metrics: &Metrics, repeats: &Repeats, observation: &Observation<'_>) {
    metrics.request(observation);
    let code = observation.errors.and_then(|errors| errors.iter().next()).map(|error| error.code);
    let kind = Kind { audit: false, status: observation.status, code: code.map_or("-", ErrorCode::code) };
    // Each of these is worth a look.
    let repeats_itself = observation.status >= 500 && code != Some(ErrorCode::CommitUnknown);
    if !repeats_itself || repeats.admits(kind) {
        log::request(observation);
    }
    if let Some(denied) = &observation.denied {
        let is_known = denied.actor.is_some_and(|actor| actor.id.is_some());
        let repeats_itself = !is_known || matches!(observation.status, 401 | 429);
        if !repeats_itself || repeats.admits(Kind { audit: true, ..kind }) {
            log::audit(observation, denied);
        }
    }
}
