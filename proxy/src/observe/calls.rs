//! What is told of the calls of the database that one request makes.

use std::sync::Arc;

use dialects::{Pool, Watcher};

use super::Spans;

/// A handle on the database for one request: its calls are told to its trace, where there is one.
pub fn watched(pool: &Arc<Pool>, spans: Option<&Arc<Spans>>) -> Arc<Pool> {
    let Some(spans) = spans.filter(|spans| spans.sampled()) else { return pool.clone() };
    let (spans, dialect) = (spans.clone(), pool.dialect());
    Arc::new(pool.watched_by(Watcher::new(move |call| spans.call(dialect, call))))
}
