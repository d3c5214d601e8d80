//! What is remembered of one request while it is passed on.

use std::net::SocketAddr;

use tokio::sync::OwnedSemaphorePermit;

/// One request on its way.
pub(crate) struct Passage {
    /// Where the application may be.
    pub(super) addresses: Vec<SocketAddr>,
    /// How many of them did not answer.
    missed: usize,
    /// Whether it asks for a WebSocket.
    pub(super) upgrades: bool,
    /// Whether what became of it has been told.
    pub(crate) told: bool,
    _place: OwnedSemaphorePermit,
}

impl Passage {
    pub(crate) fn new(place: OwnedSemaphorePermit, upgrades: bool) -> Self {
        Self { addresses: Vec::new(), missed: 0, upgrades, told: false, _place: place }
    }

    /// The next one to try.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.addresses.get(self.missed).copied()
    }

    /// Notes that it did not answer; whether there is another one.
    pub(crate) fn missed(&mut self) -> bool {
        self.missed += 1;
        self.address().is_some()
    }
}
