//! The reader: compares totals with their rows while others write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::oracle;
use crate::service::Service;

/// How often it compares, where that is fast: it is not to take all of a small machine.
const PACE: Duration = Duration::from_millis(20);

/// Compares until the end: how often, and what differed.
pub(super) async fn poll(service: Arc<Service>, end: Instant) -> (u64, Vec<String>) {
    let (mut polls, mut torn) = (0, Vec::new());
    let mut pace = tokio::time::interval(PACE);
    while Instant::now() < end {
        pace.tick().await;
        torn.extend(oracle::differences(&service.database).await);
        polls += 1;
    }
    (polls, torn)
}
