//! PostgreSQL: a few shared connections on which autocommit statements are pipelined, and exclusive ones for transactions.

mod connect;
mod connection;
mod decode;
mod encode;
mod error;
mod exclusive;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use connect::{Connector, Purpose};
use connection::Connection;
pub(super) use decode::decode;
use exclusive::Exclusive;

use super::{Options, PoolStatus, Rows, Script};
use crate::render::Statement;
use crate::{Error, Kind, Result};

/// The connections to one server.
pub(super) struct Pool {
    connector: Arc<Connector>,
    shared: Vec<Shared>,
    next: AtomicUsize,
    exclusive: Arc<Exclusive>,
    closed: AtomicBool,
}

/// A shared connection, made when it is first needed and again when it was lost.
type Shared = tokio::sync::Mutex<Option<Arc<Connection>>>;

/// Most shared connections: more only compete (see the measurements of the design).
const SHARED_MAX: usize = 4;

impl Pool {
    pub(super) fn open(url: &str, options: Options) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let connector = Arc::new(Connector::new(url, options)?);
        Ok(Self {
            exclusive: Exclusive::new(Arc::clone(&connector)),
            connector,
            shared: (0..SHARED_MAX.min(cores + 1)).map(|_| Shared::default()).collect(),
            next: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// Sends all statements before any answer is read.
    pub(super) async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        let connection = self.shared().await?;
        match connection.run(&statements).await {
            Err(error) if connection::is_stale(&error) && repeatable(&statements) => {
                connection.forget_statements();
                connection.run(&statements).await.map_err(|error| error::translate(&error))
            }
            answer => answer.map_err(|error| error::translate(&error)),
        }
    }

    pub(super) async fn transact<S: Script>(&self, script: S) -> Result<S::Output> {
        transaction::transact(self.exclusive.lease().await?, script).await
    }

    pub(super) async fn execute_script(&self, sql: &str) -> Result<()> {
        let connection = self.connector.connect(Purpose::Shared).await?;
        connection.execute_script(sql).await.map_err(|error| error::translate(&error))
    }

    pub(super) fn status(&self) -> PoolStatus {
        self.exclusive.status()
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.exclusive.close();
        for slot in &self.shared {
            if let Ok(mut slot) = slot.try_lock() {
                *slot = None;
            }
        }
    }

    /// The next shared connection in turn, connected again if it was lost.
    async fn shared(&self) -> Result<Arc<Connection>> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::new(Kind::Unavailable, "the pool is closed"));
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.shared.len().max(1);
        let Some(slot) = self.shared.get(turn) else {
            return Err(Error::new(Kind::Unavailable, "the pool has no connections"));
        };
        let mut slot = slot.lock().await;
        match slot.as_ref() {
            Some(connection) if !connection.is_closed() => Ok(Arc::clone(connection)),
            _ => {
                let connection = Arc::new(self.connector.connect(Purpose::Shared).await?);
                *slot = Some(Arc::clone(&connection));
                Ok(connection)
            }
        }
    }
}

/// Whether running all of them again does no harm: only reads, or a single statement (a stale one never began).
fn repeatable(statements: &[Statement]) -> bool {
    statements.len() == 1 || statements.iter().all(|statement| statement.text.starts_with("select "))
}
