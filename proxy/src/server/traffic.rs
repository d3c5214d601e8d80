//! How many requests are being served, so that a stop can wait for them: pingora does not.

use std::sync::Arc;

use tokio::sync::watch;

/// The count, shared.
#[derive(Clone, Debug)]
pub(super) struct Traffic(Arc<watch::Sender<usize>>);

/// One request; dropped when its answer is on its way.
#[derive(Debug)]
pub(super) struct InFlight(Traffic);

impl Default for Traffic {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Traffic {
    /// One more.
    pub(super) fn enter(&self) -> InFlight {
        self.0.send_modify(|count| *count += 1);
        InFlight(self.clone())
    }

    /// How many there are.
    pub(super) fn running(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until there is none.
    pub(super) async fn idle(&self) {
        // An error is impossible: the sender is ours.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
