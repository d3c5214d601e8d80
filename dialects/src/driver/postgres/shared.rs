//! The connections that many requests share: what each sends is answered in the order of sending.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::connect::{Connector, Purpose};
use super::connection::Connection;
use crate::Result;
use crate::driver::lease::{self, Lent as _};

/// Most of them: more only compete (see the measurements of the design).
const SHARED_MAX: usize = 4;

/// A few connections, each made when it is first needed and again when it was lost.
pub(super) struct Shared {
    slots: Vec<Slot>,
    next: AtomicUsize,
}

type Slot = tokio::sync::Mutex<Option<Arc<Connection>>>;

impl Shared {
    /// As many as there is use for, of all that there may be: never more than a quarter, but one.
    pub(super) fn new(connections_max: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let most = SHARED_MAX.min(cores + 1).min(connections_max / 4).max(1);
        Self { slots: (0..most).map(|_| Slot::default()).collect(), next: AtomicUsize::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The next in turn of those that are not held up, or else the next in turn, connected again if it was lost.
    pub(super) async fn connection(&self, connector: &Connector) -> Result<Arc<Connection>> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len().max(1);
        let (before, from) = self.slots.split_at_checked(turn).ok_or_else(lease::closed)?;
        let mut turns = from.iter().chain(before);
        let slot = turns.clone().find(|slot| !is_held_up(slot)).or_else(|| turns.next());
        let mut slot = slot.ok_or_else(lease::closed)?.lock().await;
        match slot.as_ref() {
            Some(connection) if !connection.is_closed() => Ok(Arc::clone(connection)),
            _ => {
                let connection = Arc::new(connector.connect(Purpose::Shared).await?);
                *slot = Some(Arc::clone(&connection));
                Ok(connection)
            }
        }
    }

    /// What runs on them is finished.
    pub(super) fn forget(&self) {
        for slot in &self.slots {
            if let Ok(mut slot) = slot.try_lock() {
                *slot = None;
            }
        }
    }
}

/// One that is being made is not.
fn is_held_up(slot: &Slot) -> bool {
    slot.try_lock().is_ok_and(|slot| slot.as_ref().is_some_and(|connection| connection.pulse.is_held_up()))
}
