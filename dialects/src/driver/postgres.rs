//! PostgreSQL: a few shared connections on which autocommit statements are pipelined, and exclusive ones for transactions.

mod cancel;
mod connect;
mod connection;
mod decode;
mod encode;
mod error;
mod listen;
mod pulse;
mod stream;
mod transaction;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use connect::{Connector, Purpose};
use connection::{Connection, Failed};
pub(super) use decode::decode;
pub use listen::Listener;

use super::lease::{self, Leases, Lent};
use super::stream::Sink;
use super::{Options, PoolStatus, Rows, Script};
use crate::render::Statement;
use crate::{Error, Kind, Result};

/// The connections to one server.
pub(super) struct Pool {
    connector: Connector,
    shared: Vec<Shared>,
    next: AtomicUsize,
    exclusive: Arc<Leases<Connection>>,
    /// The server has refused a write because it takes none.
    demoted: AtomicBool,
    /// When all connections were given up because of that.
    given_up: Mutex<Option<Instant>>,
}

/// A shared connection, made when it is first needed and again when it was lost.
type Shared = tokio::sync::Mutex<Option<Arc<Connection>>>;

/// How often all connections are given up at most.
const GIVE_UP: Duration = Duration::from_secs(5);

/// Most shared connections: more only compete (see the measurements of the design).
const SHARED_MAX: usize = 4;

impl Pool {
    pub(super) fn open(url: &str, options: Options) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            exclusive: Leases::new(&options),
            connector: Connector::new(url, options)?,
            shared: (0..SHARED_MAX.min(cores + 1)).map(|_| Shared::default()).collect(),
            next: AtomicUsize::new(0),
            demoted: AtomicBool::new(false),
            given_up: Mutex::default(),
        })
    }

    /// Sends all statements before any answer is read.
    pub(super) async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        let patience = self.connector.options.acquire_timeout;
        let connection =
            tokio::time::timeout(patience, self.shared()).await.map_err(|_| connect::late())??;
        let running = async {
            match connection.run(&statements).await {
                Err(failed) if connection::is_stale(&failed.error) && repeatable(&statements) => {
                    connection.forget_statements();
                    connection.run(&statements).await
                }
                answer => answer,
            }
        };
        match connection.pulse.feel(running).await {
            Some(answer) => answer.map_err(|failed| translate(&failed, &statements)),
            None if statements.iter().all(Statement::is_read) => Err(silent(Kind::Unavailable)),
            None => Err(silent(Kind::CommitUnknown)),
        }
    }

    pub(super) async fn transact<S: Script>(&self, script: S) -> Result<S::Output> {
        let lease = self.exclusive.lease(self.connector.connect(Purpose::Exclusive)).await?;
        let output = transaction::transact(lease, script, &self.demoted).await;
        if self.demoted.swap(false, Ordering::Relaxed) {
            self.give_up("it refused a write");
        }
        output
    }

    /// Asks whether writes have been turned off since: a session that is open would go on.
    pub(super) async fn look_for_fence(&self) -> Result<()> {
        if let Some(mut lease) = self.exclusive.lease_idle() {
            let fenced = lease.connection()?.is_fenced().await;
            if fenced {
                self.give_up("default_transaction_read_only is on");
            }
            // It goes back to none but to those of its own age.
            lease.give_back();
        }
        Ok(())
    }

    /// Connects anew, to wherever the URL leads by then: the primary may be another one. Now and then, since one that is read-only for ever goes
    /// on refusing.
    fn give_up(&self, reason: &str) {
        let mut last = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < GIVE_UP) {
            return;
        }
        *last = Some(Instant::now());
        tracing::warn!(reason, "PostgreSQL takes no writes: connecting anew");
        self.exclusive.forget();
        self.forget_shared();
    }

    pub(super) async fn stream(&self, statement: Statement, sink: Sink) -> Result<()> {
        let lease = self.exclusive.lease(self.connector.connect(Purpose::Exclusive)).await?;
        tokio::spawn(stream::stream(lease, statement, sink));
        Ok(())
    }

    pub(super) async fn execute_script(&self, sql: &str) -> Result<()> {
        let connection = self.connector.connect(Purpose::Shared).await?;
        connection.execute_script(sql).await.map_err(|error| error::translate(&error))
    }

    /// Not behind a pooler in transaction mode, which hands each statement to another session.
    pub(super) async fn listen(&self, channel: &'static str) -> Result<Option<Listener>> {
        match self.connector.options.cached_statements {
            true => Listener::connect(&self.connector, channel).await.map(Some),
            false => Ok(None),
        }
    }

    pub(super) fn status(&self) -> PoolStatus {
        self.exclusive.status()
    }

    pub(super) fn close(&self) {
        self.exclusive.close();
        self.forget_shared();
    }

    /// What runs on them is finished.
    fn forget_shared(&self) {
        for slot in &self.shared {
            if let Ok(mut slot) = slot.try_lock() {
                *slot = None;
            }
        }
    }

    /// The next shared connection in turn, connected again if it was lost.
    async fn shared(&self) -> Result<Arc<Connection>> {
        if self.exclusive.is_closed() {
            return Err(lease::closed());
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.shared.len().max(1);
        let mut slot = self.shared.get(turn).ok_or_else(lease::closed)?.lock().await;
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

/// A server that says nothing any more.
fn silent(kind: Kind) -> Error {
    Error::new(kind, "the server did not answer in time")
}

/// Whether running all of them again does no harm: only reads, or a single statement (a stale one never began).
fn repeatable(statements: &[Statement]) -> bool {
    statements.len() == 1 || statements.iter().all(Statement::is_read)
}

/// What an error of autocommit statements means: a write that was under way when the connection went may have happened.
fn translate(error: &Failed, statements: &[Statement]) -> Error {
    let translated = error::translate(&error.error);
    let unknown = error.sent && error::is_lost(&error.error) && !statements.iter().all(Statement::is_read);
    if unknown { Error { kind: Kind::CommitUnknown, ..translated } } else { translated }
}
