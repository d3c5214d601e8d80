//! One connection: statements one by one, and a transaction around them.

use std::time::{Duration, Instant};

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::encode;
use super::error::{is_lost, translate};
use crate::driver::lease::Lent;
use crate::driver::rows::{Data, Rows};
use crate::driver::stream::{Measure, Sink};
use crate::render::Statement;
use crate::{Error, Kind, Result};

/// A connection.
pub(super) struct Connection {
    conn: Conn,
    open: bool,
    /// It was lost, or left in the middle of something: not to be used again.
    broken: bool,
    /// The longest to wait for an answer. (MySQL itself bounds only reads.)
    patience: Duration,
    /// When it last answered.
    used: Instant,
}

/// What bounds a statement that is read as slowly as its reader likes: the reader alone. The first comment is run by MariaDB alone, the
/// second by MySQL alone.
const UNBOUNDED: &str = "set session net_write_timeout = 86400 /*M! , max_statement_time = 0 */ /*!80000 , max_execution_time = 0 */";

/// How long a connection may rest before it is asked whether it still lives.
const REST_MAX: Duration = Duration::from_secs(1);

impl Connection {
    pub(super) fn new(conn: Conn, patience: Duration) -> Self {
        Self { conn, open: false, broken: false, patience, used: Instant::now() }
    }

    /// Statements one by one; the first error ends it.
    pub(super) async fn run_all(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        let mut answers = Vec::with_capacity(statements.len());
        for statement in statements {
            answers.push(self.run(statement).await?);
        }
        Ok(answers)
    }

    async fn run(&mut self, statement: Statement) -> Result<Rows> {
        let harmless = self.open || statement.is_read();
        let work = tokio::time::timeout(self.patience, answer(&mut self.conn, statement));
        self.broken = true;
        let answer = work.await;
        match self.note(answer) {
            // It may have been carried out and committed before the connection went.
            Err(error) if self.broken && !harmless => Err(Error { kind: Kind::CommitUnknown, ..error }),
            answer => answer,
        }
    }

    /// Whether it answers, where it has rested for so long that the server may have closed it.
    pub(super) async fn is_awake(&mut self, patience: Duration) -> bool {
        if self.used.elapsed() < REST_MAX {
            return true;
        }
        let answer = tokio::time::timeout(patience, self.conn.ping()).await;
        matches!(answer, Ok(Ok(())))
    }

    /// START TRANSACTION, COMMIT, ROLLBACK.
    async fn control(&mut self, text: &str) -> Result<()> {
        let work = tokio::time::timeout(self.patience, self.conn.query_drop(text));
        self.broken = true;
        let answer = work.await;
        self.note(answer)
    }

    /// INVARIANT: `broken` from sending until the answer has been read, so that a dropped future leaves it so.
    fn note<T>(
        &mut self,
        answer: std::result::Result<mysql_async::Result<T>, tokio::time::error::Elapsed>,
    ) -> Result<T> {
        match answer {
            Ok(Ok(answer)) => {
                self.broken = false;
                self.used = Instant::now();
                Ok(answer)
            }
            Ok(Err(error)) => {
                self.broken = is_lost(&error);
                Err(translate(&error))
            }
            Err(_) => Err(Error::new(Kind::Timeout, "the server did not answer in time")),
        }
    }

    /// One step of a transaction; whatever fails, the transaction is rolled back.
    pub(super) async fn step(&mut self, statements: Vec<Statement>, commit: bool) -> Result<Vec<Rows>> {
        let answer = self.attempt(statements, commit).await;
        if answer.is_err() {
            self.leave().await;
        }
        answer
    }

    async fn attempt(&mut self, statements: Vec<Statement>, commit: bool) -> Result<Vec<Rows>> {
        if !self.open {
            self.control("start transaction").await?;
            self.open = true;
        }
        let rows = self.run_all(statements).await?;
        if commit {
            self.commit().await?;
        }
        Ok(rows)
    }

    async fn commit(&mut self) -> Result<()> {
        match self.control("commit").await {
            Ok(()) => {
                self.open = false;
                Ok(())
            }
            Err(error) if self.broken => Err(Error { kind: Kind::CommitUnknown, ..error }),
            Err(error) => Err(error),
        }
    }

    /// Rolls back what is open. Whether the connection is clean then.
    pub(super) async fn leave(&mut self) -> bool {
        if self.open && !self.broken && self.control("rollback").await.is_ok() {
            self.open = false;
        }
        !self.open && !self.broken
    }

    /// What the server calls it.
    pub(super) fn id(&self) -> u32 {
        self.conn.id()
    }

    /// Hands on the rows of a statement as they come, until nobody takes them. The connection is of no use afterwards.
    pub(super) async fn stream(&mut self, statement: Statement, sink: &Sink) -> Result<()> {
        self.broken = true;
        hand_on(&mut self.conn, statement, sink).await.map_err(|error| translate(&error))
    }

    pub(super) async fn execute_script(&mut self, sql: &str) -> Result<()> {
        self.conn.query_drop(sql).await.map_err(|error| translate(&error))
    }
}

async fn answer(conn: &mut Conn, statement: Statement) -> mysql_async::Result<Rows> {
    let params = encode::params(&statement.params);
    let mut result = conn.exec_iter(statement.text.as_str(), params).await?;
    let mut rows = Vec::new();
    while let Some(row) = result.next().await? {
        rows.push(row);
    }
    let (affected, last_insert_id) = (result.affected_rows(), result.last_insert_id());
    result.drop_result().await?;
    let affected = if rows.is_empty() { affected } else { rows.len() as u64 };
    Ok(Rows { columns: statement.columns, data: Data::Mysql(rows), affected, last_insert_id })
}

async fn hand_on(conn: &mut Conn, statement: Statement, sink: &Sink) -> mysql_async::Result<()> {
    conn.query_drop(UNBOUNDED).await?;
    let params = encode::params(&statement.params);
    let mut result = conn.exec_iter(statement.text.as_str(), params).await?;
    let (mut batch, mut measure) = (Vec::new(), Measure::default());
    while let Some(row) = result.next().await? {
        let full = measure.add(bytes(&row));
        batch.push(row);
        if full {
            sink.send(Data::Mysql(std::mem::take(&mut batch))).await;
        }
    }
    sink.send(Data::Mysql(batch)).await;
    result.drop_result().await
}

/// What is in a row.
fn bytes(row: &mysql_async::Row) -> usize {
    let cell = |at| match row.as_ref(at) {
        Some(mysql_async::Value::Bytes(bytes)) => bytes.len(),
        _ => size_of::<mysql_async::Value>(),
    };
    (0..row.len()).map(cell).sum()
}

impl Lent for Connection {
    fn is_closed(&self) -> bool {
        self.broken || self.open || self.conn.is_disconnected()
    }

    /// Nothing: the connection is closed when it is dropped, and its time-outs bound what still runs.
    fn abandon(&self) {}
}
