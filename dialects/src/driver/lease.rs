//! Exclusive connections: at most so many, one borrower each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Options, PoolStatus};
use crate::{Error, Kind, Result};

/// What can be lent.
pub(super) trait Lent {
    /// Whether it is lost.
    fn is_closed(&self) -> bool;

    /// It is about to be closed, perhaps in the middle of a statement that nobody waits for any more.
    fn abandon(&self);
}

/// The exclusive connections of a pool.
pub(super) struct Leases<C> {
    places: Arc<Semaphore>,
    idle: Mutex<Vec<C>>,
    connections_max: usize,
    patience: Duration,
    /// Connections that are older are not lent again.
    generation: AtomicU64,
}

/// A borrowed connection. It goes back only when it is given back clean; dropped, it is closed.
pub(super) struct Lease<C: Lent> {
    connection: Option<C>,
    home: Arc<Leases<C>>,
    generation: u64,
    _place: OwnedSemaphorePermit,
}

impl<C: Lent> Leases<C> {
    pub(super) fn new(options: &Options) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(options.connections_max)),
            idle: Mutex::default(),
            connections_max: options.connections_max,
            patience: options.acquire_timeout,
            generation: AtomicU64::new(0),
        })
    }

    /// Borrows a connection, making one where none is idle.
    pub(super) async fn lease(
        self: &Arc<Self>,
        connect: impl Future<Output = Result<C>>,
    ) -> Result<Lease<C>> {
        let place = self.place().await?;
        let generation = self.generation.load(Ordering::Relaxed);
        let connection = match self.idle_connection() {
            Some(connection) => connection,
            None => connect.await?,
        };
        Ok(Lease { connection: Some(connection), home: Arc::clone(self), generation, _place: place })
    }

    /// Borrows the connection that would be lent next, where one is idle.
    pub(super) fn lease_idle(self: &Arc<Self>) -> Option<Lease<C>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let generation = self.generation.load(Ordering::Relaxed);
        let connection = Some(self.idle_connection()?);
        Some(Lease { connection, home: Arc::clone(self), generation, _place: place })
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        match tokio::time::timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(closed()),
            Err(_) => Err(taken()),
        }
    }

    fn idle_connection(&self) -> Option<C> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find(|connection| !connection.is_closed())
    }

    /// Closes what is idle.
    pub(super) fn forget_idle(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> PoolStatus {
        let busy = self.connections_max.saturating_sub(self.places.available_permits());
        PoolStatus { connections_max: self.connections_max, idle: self.idle().len(), busy }
    }

    /// None that is open now is lent again.
    pub(super) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.idle().clear();
    }

    pub(super) fn close(&self) {
        self.places.close();
        self.forget_idle();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.places.is_closed()
    }
}

impl<C: Lent> Lease<C> {
    /// The connection, until it is given back.
    pub(super) fn connection(&mut self) -> Result<&mut C> {
        self.connection.as_mut().ok_or_else(closed)
    }

    /// Gives the connection back, with no transaction open on it.
    pub(super) fn give_back(mut self) {
        if let Some(connection) = self.connection.take()
            && !connection.is_closed()
            && !self.home.is_closed()
            && self.home.generation.load(Ordering::Relaxed) == self.generation
        {
            self.home.idle().push(connection);
        }
    }

    /// Closes the connection, on which nothing runs any more.
    pub(super) fn discard(mut self) {
        self.connection = None;
    }
}

impl<C: Lent> Drop for Lease<C> {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.abandon();
        }
    }
}

/// What a closed pool answers.
pub(super) fn closed() -> Error {
    Error::new(Kind::Unavailable, "the pool is closed")
}

/// What a pool answers whose connections are all lent for as long as one waits.
pub(super) fn taken() -> Error {
    Error::new(Kind::Exhausted, "all connections are taken")
}
