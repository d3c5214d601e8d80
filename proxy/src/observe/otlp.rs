//! Spans in OTLP, the protocol of OpenTelemetry: its messages as far as they are sent, and a batch of spans as one of them.
//! <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>

use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use super::spans::{Attribute, Kind, Said, Span};

/// What spans are told of, and by whom.
pub(super) struct Resource<'a> {
    /// `service.name`.
    pub(super) service: &'a str,
    /// `service.instance.id`.
    pub(super) instance: &'a str,
}

/// `ExportTraceServiceRequest`.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Attributes>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

/// `Resource`.
#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<WireSpan>,
}

/// `InstrumentationScope`.
#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

/// `Span`.
#[derive(Clone, PartialEq, Message)]
struct WireSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start: u64,
    #[prost(fixed64, tag = "8")]
    end: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "OneValue", tags = "1, 3")]
    value: Option<OneValue>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum OneValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Int(i64),
}

/// `STATUS_CODE_ERROR`.
const ERROR: i32 = 2;

/// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`, and that it is.
const REMOTE: u32 = 0x300;
const LOCAL: u32 = 0x100;

/// A batch as the body of a request.
pub(super) fn encode(resource: &Resource<'_>, spans: &[Span]) -> Vec<u8> {
    let attributes = [
        ("service.name", Said::from(resource.service.to_owned())),
        ("service.instance.id", resource.instance.to_owned().into()),
        ("service.version", env!("CARGO_PKG_VERSION").into()),
        ("telemetry.sdk.name", "rulegate".into()),
        ("telemetry.sdk.language", "rust".into()),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION").into()),
    ];
    let scope = Scope { name: "rulegate".into(), version: env!("CARGO_PKG_VERSION").into() };
    let spans = spans.iter().map(WireSpan::from).collect();
    let resources = vec![ResourceSpans {
        resource: Some(Attributes { attributes: attributes.iter().map(KeyValue::from).collect() }),
        scopes: vec![ScopeSpans { scope: Some(scope), spans }],
    }];
    Request { resources }.encode_to_vec()
}

impl From<&Span> for WireSpan {
    fn from(span: &Span) -> Self {
        Self {
            trace_id: span.trace.0.to_vec(),
            span_id: span.id.0.to_vec(),
            trace_state: span.state.clone().unwrap_or_default(),
            parent_span_id: span.parent.map(|parent| parent.0.to_vec()).unwrap_or_default(),
            name: span.name.clone().into_owned(),
            kind: match span.kind {
                Kind::Internal => 1,
                Kind::Server => 2,
                Kind::Client => 3,
            },
            start: nanoseconds(span.start),
            end: nanoseconds(span.end),
            attributes: span.attributes.iter().map(KeyValue::from).collect(),
            status: span.failed.then_some(Status { code: ERROR }),
            flags: 1 | if span.kind == Kind::Server { REMOTE } else { LOCAL },
        }
    }
}

impl From<&Attribute> for KeyValue {
    fn from((key, said): &Attribute) -> Self {
        let value = match said {
            Said::Text(text) => OneValue::Text(text.clone().into_owned()),
            Said::Int(number) => OneValue::Int(*number),
        };
        Self { key: (*key).to_owned(), value: Some(AnyValue { value: Some(value) }) }
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
