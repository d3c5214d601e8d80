//! How many requests are being served, so that a stop can wait for them: pingora does not. What takes longer than it waits is cut.

use std::sync::Arc;

use tokio::sync::watch;

/// The count, shared.
#[derive(Clone, Debug)]
pub(super) struct Traffic(Arc<State>);

#[derive(Debug)]
struct State {
    count: watch::Sender<usize>,
    cut: watch::Sender<bool>,
}

/// One request; dropped when its answer is on its way.
#[derive(Debug)]
pub(super) struct InFlight(Traffic);

impl Default for Traffic {
    fn default() -> Self {
        Self(Arc::new(State { count: watch::Sender::new(0), cut: watch::Sender::new(false) }))
    }
}

impl Traffic {
    /// One more.
    pub(super) fn enter(&self) -> InFlight {
        self.0.count.send_modify(|count| *count += 1);
        InFlight(self.clone())
    }

    /// How many there are.
    pub(super) fn running(&self) -> usize {
        *self.0.count.borrow()
    }

    /// Waits until there is none.
    pub(super) async fn idle(&self) {
        // An error is impossible: the sender is ours.
        let _ = self.0.count.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Has the answers end that are made while they are sent.
    pub(super) fn cut(&self) {
        self.0.cut.send_replace(true);
    }

    /// Waits until they must end.
    pub(super) async fn is_cut(&self) {
        let _ = self.0.cut.subscribe().wait_for(|cut| *cut).await;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.count.send_modify(|count| *count = count.saturating_sub(1));
    }
}
