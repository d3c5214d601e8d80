//! Drivers: run statements on a live database.
//!
//! [`Pool`] runs short autocommit statements; [`Session`] is one exclusive connection with a transaction. Both are
//! closed enums over the three drivers: there is no driver trait.

use std::time::Duration;

use crate::render::Statement;
use crate::value::Cell;
use crate::{Dialect, Result, Value};

/// How to connect and how much to allow.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most exclusive connections.
    pub connections_max: usize,
    /// How long to wait for a free one.
    pub acquire_timeout: Duration,
    /// The longest a statement may run.
    pub statement_timeout: Duration,
    /// The longest a statement may wait for a lock.
    pub lock_timeout: Duration,
    /// Whether statements are prepared by name and kept (not behind a pooler in transaction mode).
    pub cached_statements: bool,
    /// Shown as `application_name`.
    pub application_name: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: 16,
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(3),
            cached_statements: true,
            application_name: "rulegate".into(),
        }
    }
}

/// Connections to one database.
pub struct Pool {}

/// The rows of one answer.
pub struct Rows {}

/// A transaction as a machine without I/O: it is told what its last statements answered and says what comes next. The same
/// machine runs over an asynchronous connection (PostgreSQL, MySQL) and as one closure in SQLite's writer thread.
pub trait Script: Send + 'static {
    /// What the transaction comes to.
    type Output: Send + 'static;

    /// First called with `Ok` of nothing; then with the answers (one [`Rows`] a statement) to the step before, or with the first
    /// error among them, after which only [`Step::Done`] makes sense.
    fn next(&mut self, answer: Result<Vec<Rows>>) -> Step<Self::Output>;
}

/// What a [`Script`] wants next.
pub enum Step<T> {
    /// Run these inside the transaction. PostgreSQL: one flush, in which BEGIN travels when it is the first. MySQL: one
    /// by one, each answer read before the next is sent. SQLite: one by one under BEGIN IMMEDIATE.
    Run(Vec<Statement>),
    /// Run these, then commit (PostgreSQL: in the same flush). `next` is told the answers when the COMMIT has succeeded; the first
    /// error of all (the COMMIT's included) otherwise, the transaction then being rolled back.
    Commit(Vec<Statement>),
    /// The end. Whatever was not committed is rolled back.
    Done(T),
}

impl Pool {
    /// Opens the pool. The URL decides the dialect; nothing is connected yet, so that a server can start while its
    /// database is away (SQLite: the file is opened now).
    pub fn open(url: &str, options: Options) -> Result<Self> {
        let _ = (url, options);
        Ok(Self {})
    }

    /// The dialect spoken.
    pub fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    /// Runs statements outside of a transaction, each on its own: small bounded reads and single-statement writes. PostgreSQL: pipelined on a
    /// connection shared with others. The first error is the answer.
    pub async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        let _ = statements;
        Ok(Vec::new())
    }

    /// Runs a transaction on an exclusive connection (SQLite: in the writer thread). An error of the pool itself is
    /// an `Err`; whatever the statements answer goes through the script.
    pub async fn transact<S: Script>(&self, script: S) -> Result<S::Output> {
        let _ = script;
        Err(crate::Error::new(crate::Kind::Unavailable, "not connected"))
    }
}

impl Rows {
    /// How many rows.
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A cell, decoded as the statement's column type says. Out of range or undecodable: text, never a panic.
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let _ = (row, column);
        Cell::Null
    }

    /// A whole row, owned.
    pub fn values(&self, row: usize) -> Vec<Value> {
        let _ = row;
        Vec::new()
    }
}
