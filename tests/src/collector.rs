//! A collector of traces: a small HTTP server that reads OTLP with the messages that OpenTelemetry publishes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::server::PATIENCE;

/// It runs as long as the test's runtime.
#[derive(Clone)]
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<watch::Sender<Vec<Seen>>>,
    heads: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<&'static str>>,
}

/// A span that has arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// As it was sent.
    pub span: Span,
    /// What is said of whoever sent it.
    pub resource: BTreeMap<String, String>,
}

impl Collector {
    /// Listens.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::new(watch::Sender::default()),
            heads: Arc::default(),
            answer: Arc::new(Mutex::new("200 OK")),
        };
        let serving = own.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.one(stream).await });
            }
        });
        own
    }

    /// What it answers from now on, and keeps nothing of unless it is 200.
    pub fn answers(&self, status: &'static str) {
        *self.answer.lock().unwrap() = status;
    }

    /// The heads of all requests.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// All spans, as soon as there are so many.
    pub async fn spans(&self, count: usize) -> Vec<Seen> {
        let mut seen = self.seen.subscribe();
        let enough = seen.wait_for(|seen| seen.len() >= count);
        match tokio::time::timeout(PATIENCE, enough).await {
            Ok(seen) => seen.unwrap().clone(),
            Err(_) => panic!("{count} spans are missing in {:#?}", self.seen.borrow()),
        }
    }

    async fn one(&self, mut stream: TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length: usize =
            head.to_lowercase().split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
        while bytes.len() < end + length {
            stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
        }
        let answer = *self.answer.lock().unwrap();
        self.heads.lock().unwrap().push(head);
        if answer.starts_with("200") {
            let request = ExportTraceServiceRequest::decode(&bytes[end..]).unwrap();
            self.seen.send_modify(|seen| seen.extend(spans(request)));
        }
        stream.write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.ok()
    }
}

impl Seen {
    /// An attribute, as text.
    pub fn attribute(&self, name: &str) -> Option<String> {
        texts(&self.span.attributes).remove(name)
    }

    /// The names of its attributes, sorted.
    pub fn attributes(&self) -> Vec<String> {
        texts(&self.span.attributes).into_keys().collect()
    }
}

fn spans(request: ExportTraceServiceRequest) -> Vec<Seen> {
    let of_resource = request.resource_spans.into_iter().flat_map(|spans| {
        let resource = texts(&spans.resource.unwrap().attributes);
        let all = spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
        all.map(move |span| Seen { span, resource: resource.clone() })
    });
    of_resource.collect()
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    }
}
