//! Exclusive connections: at most so many, one borrower each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect::{Connector, Purpose};
use super::connection::Connection;
use crate::driver::PoolStatus;
use crate::{Error, Kind, Result};

/// The exclusive connections of a pool.
pub(super) struct Exclusive {
    connector: Arc<Connector>,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// A borrowed connection. It goes back only when it is given back clean; dropped, it is closed.
pub(super) struct Lease {
    connection: Option<Connection>,
    home: Arc<Exclusive>,
    _place: OwnedSemaphorePermit,
}

impl Exclusive {
    pub(super) fn new(connector: Arc<Connector>) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(connector.options.connections_max));
        Arc::new(Self { connector, places, idle: Mutex::default() })
    }

    /// Borrows a connection, making one where none is idle.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let place = self.place().await?;
        let connection = match self.idle_connection() {
            Some(connection) => connection,
            None => self.connector.connect(Purpose::Exclusive).await?,
        };
        Ok(Lease { connection: Some(connection), home: Arc::clone(self), _place: place })
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let patience = self.connector.options.acquire_timeout;
        match tokio::time::timeout(patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(Error::new(Kind::Unavailable, "the pool is closed")),
            Err(_) => Err(Error::new(Kind::Exhausted, "all connections are taken")),
        }
    }

    fn idle_connection(&self) -> Option<Connection> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find(|connection| !connection.is_closed())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> PoolStatus {
        let connections_max = self.connector.options.connections_max;
        let busy = connections_max.saturating_sub(self.places.available_permits());
        PoolStatus { connections_max, idle: self.idle().len(), busy }
    }

    pub(super) fn close(&self) {
        self.places.close();
        self.idle().clear();
    }
}

impl Lease {
    /// The connection, until it is given back.
    pub(super) fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| Error::new(Kind::Unavailable, "the connection was given back"))
    }

    /// Gives the connection back, with no transaction open on it.
    pub(super) fn give_back(mut self) {
        if let Some(connection) = self.connection.take()
            && !connection.is_closed()
            && !self.home.places.is_closed()
        {
            self.home.idle().push(connection);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.cancel();
        }
    }
}
