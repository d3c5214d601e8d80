//! Lines that repeat: the first few of a kind in a while are written, the rest are counted and told in one. Else whoever is refused, or asks while the
//! database is away, could fill the disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::log;

/// How many lines of a kind are written in a while.
const WRITTEN: u64 = 10;

/// How long a while is.
const WHILE: Duration = Duration::from_secs(10);

/// What lines have in common. Both parts are words of closed lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    /// Whether it is a line of the audit log.
    pub(super) audit: bool,
    /// The status of the answer.
    pub(super) status: u16,
    /// Why.
    pub(super) code: &'static str,
}

/// How many there were, of each kind that has begun to repeat.
#[derive(Clone, Debug, Default)]
pub struct Repeats(Arc<Mutex<HashMap<Kind, u64>>>);

impl Repeats {
    /// Whether one more is written.
    pub(super) fn admits(&self, kind: Kind) -> bool {
        let count = self.count(kind);
        if count == 1 {
            let all = self.clone();
            tokio::spawn(async move { all.end(kind).await });
        }
        count <= WRITTEN
    }

    fn count(&self, kind: Kind) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(kind).or_default();
        *count += 1;
        *count
    }

    /// Ends the while that a first line has begun.
    async fn end(&self, kind: Kind) {
        tokio::time::sleep(WHILE).await;
        let count = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&kind);
        let more = count.unwrap_or_default().saturating_sub(WRITTEN);
        if more > 0 {
            log::more(kind, more, WHILE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_each_kind_the_first_ones_of_a_while_are_written() {
        let repeats = Repeats::default();
        let denied = Kind { audit: true, status: 401, code: "unauthorized" };
        let limited = Kind { status: 429, ..denied };
        let written = |kind| (0..25).filter(|_| repeats.admits(kind)).count();
        assert_eq!((written(denied), written(limited), written(denied)), (10, 10, 0));
        tokio::time::sleep(WHILE + Duration::from_secs(1)).await;
        assert_eq!((written(denied), written(limited)), (10, 10));
    }
}
