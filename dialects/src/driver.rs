//! Drivers: run statements on a live database.
//!
//! [`Pool`] runs short autocommit statements ([`Pool::run`]) and whole transactions ([`Pool::transact`]). It is a closed enum
//! over the three drivers: there is no driver trait.

mod address;
mod lease;
mod mysql;
mod postgres;
mod replicas;
mod rows;
mod sqlite;
mod stream;
mod text;
mod tls;
mod watch;

use std::sync::Arc;
use std::time::Duration;

pub use postgres::Listener;
use replicas::{Reader, Replicas};
pub use rows::Rows;
pub use stream::RowStream;
pub use tls::{TlsMode, TlsOptions};
use tokio::sync::Semaphore;
use watch::Watched;
pub use watch::{Call, Watcher};

use crate::render::Statement;
use crate::{Dialect, Error, Kind, Result};

/// How to connect and how much to allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most connections; PostgreSQL has at least two, and one more that listens.
    pub connections_max: usize,
    /// Most of them that streams take at once: never more than half of them, but one.
    pub streams_max: usize,
    /// How long to wait for a free one.
    pub acquire_timeout: Duration,
    /// The longest a statement may run.
    pub statement_timeout: Duration,
    /// The longest a statement may wait for a lock; below `statement_timeout`, or waiting counts as taking too long.
    pub lock_timeout: Duration,
    /// Whether statements are prepared by name and kept. Not behind a pooler in transaction mode: there they stay unnamed, and
    /// PostgreSQL's sessions are not set up either (a pooler refuses that), so that time-outs are the role's.
    pub cached_statements: bool,
    /// Shown as `application_name`.
    pub application_name: String,
    /// How connections are protected, where the URL does not say.
    pub tls: TlsOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: 16,
            streams_max: 4,
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(3),
            cached_statements: true,
            application_name: "rulegate".into(),
            tls: TlsOptions::default(),
        }
    }
}

/// Connections to one database. A clone is another handle on the same ones.
#[derive(Clone)]
pub struct Pool {
    driver: Arc<Driver>,
    streams: Arc<Streams>,
    replicas: Arc<Replicas>,
    /// Where reads go before the primary.
    reader: Option<Reader>,
    watcher: Option<Watcher>,
}

/// The places of streams.
struct Streams {
    places: Arc<Semaphore>,
    most: usize,
}

/// How long a pool that is closed waits for streams that nobody reads any more.
const LAST_STREAMS: Duration = Duration::from_secs(2);

/// How long a pool that is closed waits for SQLite's threads.
const LAST_STATEMENTS: Duration = Duration::from_secs(2);

enum Driver {
    Postgres(Box<postgres::Pool>),
    Mysql(mysql::Pool),
    Sqlite(Box<sqlite::Pool>),
}

/// How busy a pool is, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Most that one request has to itself (SQLite: threads). The few that PostgreSQL's reads share are not counted.
    pub connections_max: usize,
    /// Open and free.
    pub idle: usize,
    /// In use.
    pub busy: usize,
}

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
    /// database is away (SQLite: the file is opened now, and must exist unless the URL ends in `?mode=rwc`).
    pub fn open(url: &str, options: Options) -> Result<Self> {
        let streams = Arc::new(Streams::new(&options));
        let driver = Arc::new(Driver::open(url, options)?);
        Ok(Self { driver, streams, replicas: Arc::default(), reader: None, watcher: None })
    }

    /// With replicas, which are connected to like the primary. Errors: which of them cannot be used, and why.
    pub fn with_replicas(
        self,
        urls: &[&str],
        options: &Options,
    ) -> std::result::Result<Self, (usize, Error)> {
        Ok(Self { replicas: Arc::new(Replicas::open(self.dialect(), urls, options)?), ..self })
    }

    /// A handle for what only reads: it asks one replica, and from the first time that this cannot answer on the primary. Without replicas it is
    /// the same.
    pub fn reading(&self) -> Self {
        Self { reader: self.replicas.reader(), ..self.clone() }
    }

    /// How many replicas are asked (not those that were away a moment ago), and how many there are.
    pub fn replicas(&self) -> (usize, usize) {
        self.replicas.status()
    }

    /// A handle whose every call is told.
    pub fn watched_by(&self, watcher: Watcher) -> Self {
        Self { watcher: Some(watcher), ..self.clone() }
    }

    /// A handle of which nobody is told.
    pub fn unwatched(&self) -> Self {
        Self { watcher: None, ..self.clone() }
    }

    /// The dialect spoken.
    pub fn dialect(&self) -> Dialect {
        self.driver.dialect()
    }

    /// Runs statements outside of a transaction, each on its own: small bounded reads and single-statement writes. PostgreSQL: pipelined on a
    /// connection shared with others. The first error is the answer.
    pub async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        let begun = self.watcher.as_ref().map(|watcher| watcher.begin(&statements));
        // In a box: what waits for it would else hold the state of every driver in its own.
        let answer = Box::pin(self.answer(statements)).await;
        if let Some(begun) = begun {
            begun.end(answer.as_ref().err(), false);
        }
        answer
    }

    async fn answer(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        if let Some(reader) = &self.reader
            && let Some(answer) = reader.run(&statements).await
        {
            return answer;
        }
        self.driver.run(statements).await
    }

    /// Runs a transaction on an exclusive connection (SQLite: in the writer thread). An error of the pool itself is
    /// an `Err`; whatever the statements answer goes through the script.
    pub async fn transact<S: Script>(&self, script: S) -> Result<S::Output> {
        match &self.watcher {
            None => self.driver.transact(script).await,
            Some(watcher) => self.driver.transact(Watched::new(script, watcher.clone())).await,
        }
    }

    /// Runs a statement that reads, on a connection of its own (SQLite: a thread), and gives its rows as they are taken. No time-out cuts
    /// it. Errors: there are as many streams already, or no connection; what the statement itself comes to is told by the stream.
    pub async fn stream(&self, statement: Statement) -> Result<RowStream> {
        let watched = self.watcher.as_ref().map(|watcher| watcher.begin(std::slice::from_ref(&statement)));
        let read = match &self.reader {
            Some(reader) => Box::pin(reader.stream(&self.streams, &statement)).await,
            None => None,
        };
        let mut stream = match read {
            Some(stream) => stream?,
            None => self.streams.open(&self.driver, statement).await?,
        };
        stream.watched = watched;
        Ok(stream)
    }

    /// Runs SQL text of several statements, without parameters or answers: for loading a demonstration or a test, never for a
    /// client's text. On PostgreSQL an error undoes all of it, elsewhere what came before it stays.
    pub async fn execute_script(&self, sql: &str) -> Result<()> {
        match &*self.driver {
            Driver::Postgres(pool) => pool.execute_script(sql).await,
            Driver::Mysql(pool) => pool.execute_script(sql).await,
            Driver::Sqlite(pool) => pool.execute_script(sql).await,
        }
    }

    /// Hears what anybody notifies on a channel of the database, on a connection of its own; `None` where there is no such thing:
    /// it is PostgreSQL's, and does not reach through a pooler in transaction mode.
    pub async fn listen(&self, channel: &'static str) -> Result<Option<Listener>> {
        match &*self.driver {
            Driver::Postgres(pool) => pool.listen(channel).await,
            Driver::Mysql(_) | Driver::Sqlite(_) => Ok(None),
        }
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        if let Driver::Postgres(pool) = &*self.driver {
            return pool.ping().await;
        }
        let text = "select 1".to_owned();
        self.run(vec![Statement { text, params: Vec::new(), columns: Vec::new() }]).await.map(drop)
    }

    /// How busy the pool is.
    pub fn status(&self) -> PoolStatus {
        match &*self.driver {
            Driver::Postgres(pool) => pool.status(),
            Driver::Mysql(pool) => pool.status(),
            Driver::Sqlite(pool) => pool.status(),
        }
    }

    /// How many connections there may be at once: to the primary and its replicas, and the one that listens.
    pub fn connections_max(&self) -> usize {
        self.driver.connections_max() + self.replicas.connections_max()
    }

    /// Closes what is idle, and refuses whatever comes later. What is under way is finished; streams that nobody reads any more are
    /// stopped before it returns.
    pub async fn close(&self) {
        self.streams.close().await;
        self.driver.close();
        self.replicas.close();
        if let Driver::Sqlite(pool) = &*self.driver {
            // What takes longer is left to the file's next reader.
            let _ = tokio::time::timeout(LAST_STATEMENTS, pool.closed()).await;
        }
    }
}

impl Driver {
    fn open(url: &str, options: Options) -> Result<Self> {
        Ok(match address::dialect(url)? {
            Dialect::Postgres => Self::Postgres(Box::new(postgres::Pool::open(url, options)?)),
            Dialect::Sqlite if options.tls != TlsOptions::default() => {
                return Err(address::invalid("TLS is set up towards a database that is a file"));
            }
            Dialect::Sqlite => Self::Sqlite(Box::new(sqlite::Pool::open(url, options)?)),
            Dialect::Mysql => Self::Mysql(mysql::Pool::open(url, options)?),
        })
    }

    fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Mysql(_) => Dialect::Mysql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    fn connections_max(&self) -> usize {
        match self {
            Self::Postgres(pool) => pool.connections_max(),
            Self::Mysql(pool) => pool.status().connections_max,
            Self::Sqlite(pool) => pool.status().connections_max,
        }
    }

    fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close(),
            Self::Mysql(pool) => pool.close(),
            Self::Sqlite(pool) => pool.close(),
        }
    }

    async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        match self {
            Self::Postgres(pool) => pool.run(statements).await,
            Self::Mysql(pool) => pool.run(statements).await,
            Self::Sqlite(pool) => pool.run(statements).await,
        }
    }

    async fn transact<S: Script>(&self, script: S) -> Result<S::Output> {
        match self {
            Self::Postgres(pool) => pool.transact(script).await,
            Self::Mysql(pool) => pool.transact(script).await,
            Self::Sqlite(pool) => pool.transact(script).await,
        }
    }
}

impl Streams {
    fn new(options: &Options) -> Self {
        let most = options.streams_max.min(options.connections_max / 2).max(1);
        Self { places: Arc::new(Semaphore::new(most)), most }
    }

    async fn open(&self, driver: &Driver, statement: Statement) -> Result<RowStream> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Error::new(Kind::Exhausted, "as many streams are open as may be"))?;
        let waiting = match driver {
            Driver::Sqlite(pool) => pool.waiting(),
            _ => stream::WAITING,
        };
        let (sink, stream) = stream::stream(&statement.columns, waiting, place);
        match driver {
            Driver::Postgres(pool) => pool.stream(statement, sink).await?,
            Driver::Mysql(pool) => pool.stream(statement, sink).await?,
            Driver::Sqlite(pool) => pool.stream(statement, sink).await?,
        }
        Ok(stream)
    }

    async fn close(&self) {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        // Those that are still read go on.
        let _ = tokio::time::timeout(LAST_STREAMS, self.places.acquire_many(all)).await;
        self.places.close();
    }
}

/// The answer to a script that asks for more after an error or its commit.
fn script_went_on() -> Error {
    Error::new(Kind::Other, "a transaction went on after it had failed")
}
