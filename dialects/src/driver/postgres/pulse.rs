//! Whether a server still answers on a connection. It bounds each statement itself, so that one which says nothing for longer than a statement may take
//! says nothing at all: it is stalled, or the network is gone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much longer than a statement may take its answer may be under way.
const MARGIN: Duration = Duration::from_millis(500);

/// When it was last heard.
pub(super) struct Pulse {
    heard: Mutex<Option<Instant>>,
    patience: Duration,
}

impl Pulse {
    pub(super) fn new(statement_timeout: Duration) -> Self {
        Self { heard: Mutex::new(Some(Instant::now())), patience: statement_timeout + MARGIN }
    }

    /// The answer to what has been sent; nothing where the server is silent, on this connection and to all who share it. From then on it is lost.
    pub(super) async fn feel<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let (mut answer, sent) = (std::pin::pin!(answer), Instant::now());
        loop {
            let silent = self.heard()?.max(sent) + self.patience;
            if let Ok(answer) = tokio::time::timeout_at(silent, &mut answer).await {
                self.hear();
                return Some(answer);
            }
            if self.heard()?.max(sent) + self.patience <= silent {
                *self.lock() = None;
                return None;
            }
        }
    }

    /// Whether it was found silent.
    pub(super) fn is_lost(&self) -> bool {
        self.heard().is_none()
    }

    fn hear(&self) {
        if let Some(heard) = self.lock().as_mut() {
            *heard = Instant::now();
        }
    }

    fn heard(&self) -> Option<Instant> {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn who_is_silent_to_all_is_lost_and_who_answers_others_is_waited_for() {
        let pulse = Pulse::new(Duration::ZERO);
        let slow = tokio::time::sleep(MARGIN * 3);
        let others = async {
            for _ in 0..8 {
                tokio::time::sleep(MARGIN / 2).await;
                pulse.feel(ready(())).await.unwrap();
            }
        };
        let (slow, ()) = tokio::join!(pulse.feel(slow), others);
        assert!(slow.is_some() && !pulse.is_lost());
        let begun = Instant::now();
        assert_eq!(pulse.feel(pending::<()>()).await, None);
        assert!(begun.elapsed() >= MARGIN);
        assert!(pulse.is_lost() && pulse.feel(ready(())).await.is_none());
    }
}
