//! PostgreSQL: a few shared connections on which autocommit statements are pipelined, and exclusive ones for transactions.

mod cancel;
mod connect;
mod connection;
mod decode;
mod encode;
mod error;
mod listen;
mod pulse;
mod shared;
mod stream;
mod transaction;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use connect::{Connector, Purpose};
use connection::{Connection, Failed};
pub(super) use decode::decode;
pub use listen::Listener;
use pulse::Felt;
use shared::Shared;
use tokio::sync::Semaphore;

use super::lease::{self, Leases};
use super::stream::Sink;
use super::{Options, PoolStatus, Rows, Script};
use crate::render::Statement;
use crate::{Error, Kind, Result};

/// The connections to one server.
pub(super) struct Pool {
    connector: Connector,
    shared: Shared,
    exclusive: Arc<Leases<Connection>>,
    /// The places of reads that would be held up on a shared one: never more than half of the exclusive ones, but one.
    apart: Semaphore,
    /// The server has refused a write because it takes none.
    demoted: AtomicBool,
    /// When all connections were given up because of that.
    given_up: Mutex<Option<Instant>>,
}

/// How often all connections are given up at most.
const GIVE_UP: Duration = Duration::from_secs(5);

impl Pool {
    pub(super) fn open(url: &str, options: Options) -> Result<Self> {
        let shared = Shared::new(options.connections_max);
        let exclusive_max = options.connections_max.saturating_sub(shared.len()).max(1);
        Ok(Self {
            exclusive: Leases::new(&Options { connections_max: exclusive_max, ..options.clone() }),
            apart: Semaphore::new((exclusive_max / 2).max(1)),
            connector: Connector::new(url, options)?,
            shared,
            demoted: AtomicBool::new(false),
            given_up: Mutex::default(),
        })
    }

    /// Sends all statements before any answer is read.
    pub(super) async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        let connection = self.shared().await?;
        let felt = match statements.iter().all(Statement::is_read) {
            true => promptly(&connection, &statements).await,
            // What may have been done is not done again.
            false => patiently(&connection, &statements).await,
        };
        match felt {
            Felt::HeldUp => self.run_apart(&statements).await,
            felt => settled(felt, &statements),
        }
    }

    /// Reads of a request, on a connection of its own.
    async fn run_apart(&self, statements: &[Statement]) -> Result<Vec<Rows>> {
        let place = tokio::time::timeout(self.connector.options.acquire_timeout, self.apart.acquire()).await;
        let _place = place.map_err(|_| lease::taken())?.map_err(|_| lease::closed())?;
        let mut lease = self.exclusive.lease(self.connector.connect(Purpose::Exclusive)).await?;
        let connection = lease.connection()?;
        let felt = patiently(connection, statements).await;
        lease.give_back();
        settled(felt, statements)
    }

    /// Asks for a sign of life. A server with which all connections are busy gives it on a new one.
    pub(super) async fn ping(&self) -> Result<()> {
        self.look_for_fence().await?;
        let ping = [Statement { text: "select 1".to_owned(), params: Vec::new(), columns: Vec::new() }];
        let shared = self.shared().await?;
        let felt = promptly(&shared, &ping).await;
        if !matches!(felt, Felt::HeldUp) {
            return settled(felt, &ping).map(drop);
        }
        match self.connector.connect(Purpose::Shared).await {
            // It has no room for another, and says so.
            Err(error) if error.kind == Kind::Exhausted => Ok(()),
            fresh => fresh.map(drop),
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
    async fn look_for_fence(&self) -> Result<()> {
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
        self.shared.forget();
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

    /// With the one that listens.
    pub(super) fn connections_max(&self) -> usize {
        self.shared.len() + self.exclusive.status().connections_max + 1
    }

    pub(super) fn close(&self) {
        self.exclusive.close();
        self.shared.forget();
    }

    /// A shared connection, in time.
    async fn shared(&self) -> Result<Arc<Connection>> {
        if self.exclusive.is_closed() {
            return Err(lease::closed());
        }
        let patience = self.connector.options.acquire_timeout;
        let connection = tokio::time::timeout(patience, self.shared.connection(&self.connector));
        connection.await.map_err(|_| connect::late())?
    }
}

/// What autocommit statements answer.
type Attempt = std::result::Result<Vec<Rows>, Failed>;

/// Runs autocommit statements, unless others are in the way.
async fn promptly(connection: &Connection, statements: &[Statement]) -> Felt<Attempt> {
    match connection.pulse.is_held_up() {
        true => Felt::HeldUp,
        false => connection.pulse.feel_promptly(attempt(connection, statements)).await,
    }
}

/// Runs them when those before them have ended.
async fn patiently(connection: &Connection, statements: &[Statement]) -> Felt<Attempt> {
    connection.pulse.feel(attempt(connection, statements)).await.map_or(Felt::Lost, Felt::Answer)
}

/// Runs autocommit statements, once more where they were prepared for other tables.
async fn attempt(connection: &Connection, statements: &[Statement]) -> Attempt {
    match connection.run(statements).await {
        Err(failed) if connection::is_stale(&failed.error) && repeatable(statements) => {
            connection.forget_statements();
            connection.run(statements).await
        }
        answer => answer,
    }
}

/// What came of autocommit statements.
fn settled(felt: Felt<Attempt>, statements: &[Statement]) -> Result<Vec<Rows>> {
    match felt {
        Felt::Answer(answer) => answer.map_err(|failed| translate(&failed, statements)),
        _ if statements.iter().all(Statement::is_read) => Err(silent(Kind::Unavailable)),
        _ => Err(silent(Kind::CommitUnknown)),
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
