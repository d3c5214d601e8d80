//! The calls of the database that one request makes: told to its trace, to the log where they are slow, and summed up for the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dialects::{Pool, Watcher};

use super::{Spans, log};

/// The calls of one request.
pub struct Calls {
    started: Instant,
    /// In microseconds; nothing: nobody wants to know.
    spent: Option<Arc<AtomicU64>>,
    watcher: Option<Watcher>,
}

/// Who wants to know of them.
#[derive(Clone, Copy)]
pub struct Interest<'a> {
    /// Its trace.
    pub spans: Option<&'a Arc<Spans>>,
    /// The log, of those that take so long.
    pub slow: Option<Duration>,
    /// The client, of their sum.
    pub timing: bool,
}

impl Calls {
    /// Of a request with this id.
    pub fn of(pool: &Pool, request_id: &str, interest: Interest<'_>) -> Self {
        let spent: Option<Arc<AtomicU64>> = interest.timing.then(Arc::default);
        let (trace, slow, dialect) = (interest.spans.map(|spans| spans.id()), interest.slow, pool.dialect());
        let spans = interest.spans.filter(|spans| spans.sampled()).cloned();
        let wanted = spans.is_some() || slow.is_some() || spent.is_some();
        let (id, sum) = (request_id.to_owned(), spent.clone());
        let watcher = wanted.then(|| {
            Watcher::new(move |call| {
                if let Some(sum) = &sum {
                    sum.fetch_add(call.elapsed.as_micros() as u64, Ordering::Relaxed);
                }
                if let Some(spans) = &spans {
                    spans.call(dialect, call);
                }
                // Rows that are streamed come as fast as the client takes them.
                if slow.is_some_and(|slow| call.elapsed >= slow) && !call.streamed {
                    log::slow(&id, trace, call);
                }
            })
        });
        Self { started: Instant::now(), spent, watcher }
    }

    /// A handle on the database whose calls are these.
    pub fn watched(&self, pool: &Arc<Pool>) -> Arc<Pool> {
        match &self.watcher {
            Some(watcher) => Arc::new(pool.watched_by(watcher.clone())),
            None => pool.clone(),
        }
    }

    /// How long the request has taken so far, for the client (`Server-Timing`), if that is told.
    pub fn timing(&self) -> Option<String> {
        let spent = self.spent.as_ref()?.load(Ordering::Relaxed) as f64 / 1000.0;
        let total = self.started.elapsed().as_secs_f64() * 1000.0;
        Some(format!("db;dur={spent:.1}, total;dur={total:.1}"))
    }
}
