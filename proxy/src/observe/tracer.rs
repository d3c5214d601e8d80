//! Spans → a collector, in batches, behind a bounded queue: no request waits for it, and what has no room is dropped and counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, StatusCode};
use prometheus::IntCounterVec;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use url::Url;

use super::context::TraceId;
use super::otlp::{self, Resource};
use super::spans::{Span, Spans};
use crate::outbound::Outbound;

/// The `tracing` part of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct TracerSettings {
    /// Where a collector takes traces by OTLP over HTTP.
    pub endpoint: Url,
    /// Headers that it wants, such as a key. (Marked as sensitive, they are not printed.)
    pub headers: HeaderMap,
    /// How many of the traces that begin here are recorded: 1 all, 0 none.
    pub ratio: f64,
    /// What the collector calls this service.
    pub service: String,
}

/// Takes spans.
pub struct Tracer {
    ratio: f64,
    counted: IntCounterVec,
    /// Nothing: it has been closed.
    queue: Mutex<Option<Sender<Span>>>,
    exporting: Mutex<Option<JoinHandle<()>>>,
    closing: Arc<Notify>,
}

/// Sends them.
struct Exporter {
    collector: Outbound,
    headers: HeaderMap,
    service: String,
    instance: String,
    counted: IntCounterVec,
    spans: Receiver<Span>,
    closing: Arc<Notify>,
}

/// What came of a batch.
enum Sent {
    Taken,
    /// It will never be.
    Refused(String),
    /// Not now.
    Later(String),
}

/// Most spans that wait.
const WAITING_MAX: usize = 4096;

/// Most spans of a batch.
const BATCH_MAX: usize = 512;

/// How long a batch waits to be filled.
const GATHER: Duration = Duration::from_secs(1);

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before a batch is sent again, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long what is left may take at the end.
const LAST: Duration = Duration::from_secs(3);

/// Longest answer that is read.
const ANSWER_MAX: usize = 64 * 1024;

impl Tracer {
    /// Begins to send. `counted`: by `outcome`. Errors: words about what is wrong with the endpoint.
    pub fn start(settings: TracerSettings, counted: IntCounterVec) -> Result<Arc<Self>, String> {
        let (sender, spans) = channel(WAITING_MAX);
        let closing = Arc::<Notify>::default();
        let exporter = Exporter {
            collector: Outbound::new(settings.endpoint)?,
            headers: settings.headers,
            service: settings.service,
            instance: format!("{:016x}", fastrand::u64(..)),
            counted: counted.clone(),
            spans,
            closing: closing.clone(),
        };
        let exporting = tokio::spawn(exporter.run());
        Ok(Arc::new(Self {
            ratio: settings.ratio,
            counted,
            queue: Mutex::new(Some(sender)),
            exporting: Mutex::new(Some(exporting)),
            closing,
        }))
    }

    /// The spans of a request that has these headers.
    pub fn begin(self: &Arc<Self>, headers: &HeaderMap) -> Arc<Spans> {
        Arc::new(Spans::begin(self, headers))
    }

    /// Whether a trace that begins here is recorded.
    pub(super) fn samples(&self, trace: TraceId) -> bool {
        trace.is_below(self.ratio)
    }

    pub(super) fn tell(&self, span: Span) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queued = queue.as_ref().is_some_and(|queue| queue.try_send(span).is_ok());
        if !queued {
            self.counted.with_label_values(&["dropped"]).inc();
        }
    }

    /// Sends what is left. What the collector does not take by then is dropped.
    pub async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.closing.notify_one();
        let exporting = self.exporting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut exporting) = exporting
            && tokio::time::timeout(LAST, &mut exporting).await.is_err()
        {
            exporting.abort();
            tracing::warn!("the last traces could not be sent");
        }
    }
}

impl Exporter {
    async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            self.deliver(batch).await;
        }
    }

    /// The next spans; nothing behind the last.
    async fn gather(&mut self) -> Option<Vec<Span>> {
        let mut batch = vec![self.spans.recv().await?];
        let more = async {
            while batch.len() < BATCH_MAX {
                let room = BATCH_MAX - batch.len();
                if self.spans.recv_many(&mut batch, room).await == 0 {
                    break;
                }
            }
        };
        // What has been gathered by then is a batch too.
        let _ = tokio::time::timeout(GATHER, more).await;
        Some(batch)
    }

    /// Sends a batch until it is taken or refused; once the queue is closed, only once more.
    async fn deliver(&self, batch: Vec<Span>) {
        let resource = Resource { service: &self.service, instance: &self.instance };
        let body = Bytes::from(otlp::encode(&resource, &batch));
        let count = |outcome| self.counted.with_label_values(&[outcome]).inc_by(batch.len() as u64);
        let mut wait = BACKOFF.0;
        loop {
            match self.send(body.clone()).await {
                Sent::Taken => return count("exported"),
                Sent::Refused(words) => {
                    tracing::warn!(
                        words,
                        spans = batch.len(),
                        "the collector refuses traces: they are dropped"
                    );
                    return count("dropped");
                }
                Sent::Later(words) if self.spans.is_closed() => {
                    tracing::warn!(words, spans = batch.len(), "the last traces could not be sent");
                    return count("dropped");
                }
                Sent::Later(words) => {
                    let retry_ms = wait.as_millis() as u64;
                    tracing::warn!(words, retry_ms, "the collector does not take traces");
                }
            }
            // The end is not waited for.
            let _ = tokio::time::timeout(wait, self.closing.notified()).await;
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>
    async fn send(&self, body: Bytes) -> Sent {
        let request =
            Request::post(self.collector.target()).header(CONTENT_TYPE, "application/x-protobuf").body(body);
        let mut request = match request {
            Ok(request) => request,
            Err(error) => return Sent::Refused(error.to_string()),
        };
        request.headers_mut().extend(self.headers.clone());
        match self.collector.ask(request, TIMEOUT, ANSWER_MAX).await {
            Ok((status, _)) if status.is_success() => Sent::Taken,
            Ok((status, _)) => match status {
                StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => Sent::Later(format!("the answer is {status}")),
                _ => Sent::Refused(format!("the answer is {status}")),
            },
            Err(words) => Sent::Later(words),
        }
    }
}
