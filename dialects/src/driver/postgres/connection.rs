//! One connection and its prepared statements.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use futures_util::future::{BoxFuture, join_all, try_join_all};
use futures_util::{FutureExt, TryStreamExt};
use indexmap::IndexMap;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, RowStream, SimpleQueryMessage};

use super::cancel::Stop;
use super::encode::Encoded;
use super::pulse::Pulse;
use crate::driver::Options;
use crate::driver::lease::Lent;
use crate::driver::rows::{Data, Rows};
use crate::render::Statement;

/// A statement that the server knows by name.
pub(super) type Prepared = tokio_postgres::Statement;

/// A connection.
pub(super) struct Connection {
    client: Client,
    stop: Stop,
    /// By text, the longest unused first; `None` where statements stay unnamed.
    statements: Option<Mutex<IndexMap<String, Prepared>>>,
    /// Whether the server still answers on it.
    pub(super) pulse: Pulse,
    /// Whether the server would take writes by itself, when this was made.
    takes_writes: bool,
}

/// Why autocommit statements failed.
pub(super) struct Failed {
    pub(super) error: Error,
    /// Whether they were sent at all, rather than only prepared, or meant for a connection that was closed already.
    pub(super) sent: bool,
}

/// How many prepared statements a connection keeps.
const STATEMENTS_KEPT: usize = 512;

impl Connection {
    pub(super) fn new(client: Client, stop: Stop, options: &Options, takes_writes: bool) -> Self {
        let statements = options.cached_statements.then(Mutex::default);
        Self { client, stop, statements, pulse: Pulse::new(options.statement_timeout), takes_writes }
    }

    /// What a transaction begins with. Where writes are turned off, it does not insist.
    pub(super) fn begin(&self) -> &'static str {
        match self.takes_writes {
            true => "begin isolation level read committed read write",
            false => "begin isolation level read committed",
        }
    }

    /// Whether writes have been turned off since it was made. One that does not answer will be found out by whoever uses it.
    pub(super) async fn is_fenced(&self) -> bool {
        self.takes_writes && self.statements.is_some() && matches!(seal(&self.client).await, Ok(false))
    }

    /// Runs statements, each on its own, in one flush; the first error is the answer.
    pub(super) async fn run(&self, statements: &[Statement]) -> Result<Vec<Rows>, Failed> {
        let prepared = self.prepare(statements).await.map_err(|error| Failed { error, sent: false })?;
        let sent = !self.client.is_closed();
        let sending =
            statements.iter().zip(prepared).map(|(statement, prepared)| self.send(statement, prepared));
        let answers = join_all(sending).await.into_iter().collect::<Result<_, _>>();
        answers.map_err(|error| Failed { error, sent })
    }

    /// Prepares what is not prepared yet, all at once. `None` each where statements stay unnamed.
    pub(super) async fn prepare(&self, statements: &[Statement]) -> Result<Vec<Option<Prepared>>, Error> {
        try_join_all(statements.iter().map(|statement| self.prepare_one(&statement.text))).await
    }

    async fn prepare_one(&self, text: &str) -> Result<Option<Prepared>, Error> {
        let Some(kept) = &self.statements else { return Ok(None) };
        if let Some(prepared) = touch(&mut lock(kept), text) {
            return Ok(Some(prepared));
        }
        let prepared = self.client.prepare(text).await?;
        keep(&mut lock(kept), text, &prepared);
        Ok(Some(prepared))
    }

    /// Forgets all prepared statements: the tables behind them have changed.
    pub(super) fn forget_statements(&self) {
        if let Some(kept) = &self.statements {
            lock(kept).clear();
        }
    }

    /// One statement. Sent when first polled, in the order of polling.
    pub(super) async fn send(
        &self,
        statement: &Statement,
        prepared: Option<Prepared>,
    ) -> Result<Rows, Error> {
        let params = statement.params.iter().map(Encoded);
        let stream = match prepared {
            Some(prepared) => self.client.query_raw(&prepared, params).await?,
            None => {
                let untyped = params.map(|param| (param, Type::UNKNOWN));
                self.client.query_typed_raw(&statement.text, untyped).await?
            }
        };
        let mut stream = pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await? {
            rows.push(row);
        }
        let affected = stream.rows_affected().unwrap_or(0);
        Ok(Rows {
            columns: statement.columns.clone(),
            data: Data::Postgres(rows),
            affected,
            last_insert_id: None,
        })
    }

    /// The rows of one statement as they come, in a transaction of its own that no time-out ends. Prepared for this once: an unnamed
    /// statement whose types the driver has yet to ask for would wait for itself.
    pub(super) async fn stream(&self, statement: &Statement) -> Result<RowStream, Error> {
        let begin = "begin isolation level read committed read only; set local statement_timeout = 0";
        self.client.batch_execute(begin).await?;
        let prepared = self.client.prepare(&statement.text).await?;
        self.client.query_raw(&prepared, statement.params.iter().map(Encoded)).await
    }

    /// Has the server stop what it is doing for this connection.
    pub(super) async fn cancel(&self) {
        self.stop.clone().run().await;
    }

    /// BEGIN, COMMIT or ROLLBACK, sent when first polled.
    pub(super) fn control<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Rows, Error>> {
        async move { self.client.batch_execute(text).await.map(|()| Rows::default()) }.boxed()
    }

    pub(super) async fn execute_script(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }
}

impl Lent for Connection {
    fn is_closed(&self) -> bool {
        self.client.is_closed() || self.pulse.is_lost()
    }

    /// Has the server stop what it is doing for this connection, without waiting for that.
    fn abandon(&self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(self.stop.clone().run());
        }
    }
}

/// Makes whatever is outside of a transaction read-only. Whether the server would take writes by itself: not so where somebody has turned them off
/// for it, for the database or for the role. (After the start, because a URL may ask for a server that takes some.)
pub(super) async fn seal(client: &Client) -> Result<bool, Error> {
    let text = "reset default_transaction_read_only; show default_transaction_read_only; \
        set default_transaction_read_only = on";
    let answers = client.simple_query(text).await?;
    let shown = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(shown != Some("on"))
}

/// Whether the error says that a prepared statement no longer fits its tables.
pub(super) fn is_stale(error: &Error) -> bool {
    let Some(error) = error.as_db_error() else { return false };
    match error.code().code() {
        "26000" => true,
        "0A000" => error.message().contains("cached plan must not change result type"),
        _ => false,
    }
}

fn lock(kept: &Mutex<IndexMap<String, Prepared>>) -> std::sync::MutexGuard<'_, IndexMap<String, Prepared>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A kept statement, moved to the young end: only once the cache fills, and only from its older half, because moving costs.
fn touch(kept: &mut IndexMap<String, Prepared>, text: &str) -> Option<Prepared> {
    let (index, _, prepared) = kept.get_full(text)?;
    let prepared = prepared.clone();
    if kept.len() >= STATEMENTS_KEPT / 2 && index < kept.len() / 2 {
        kept.move_index(index, kept.len() - 1);
    }
    Some(prepared)
}

fn keep(kept: &mut IndexMap<String, Prepared>, text: &str, prepared: &Prepared) {
    if kept.len() >= STATEMENTS_KEPT {
        kept.shift_remove_index(0);
    }
    kept.insert(text.to_owned(), prepared.clone());
}
