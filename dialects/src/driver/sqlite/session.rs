//! One connection to SQLite and what runs on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};

use super::decode::Table;
use super::error::{translate, translate_commit};
use super::functions;
use crate::driver::address::SqlitePlace;
use crate::driver::rows::{Data, Rows};
use crate::driver::stream::{Measure, Sink};
use crate::driver::{Options, Script, Step, script_went_on};
use crate::render::{Param, Statement};
use crate::{Decimal, Error, Kind, Result, Value};

/// A connection and the deadline of what runs on it.
pub(super) struct Session {
    connection: Connection,
    deadline: Arc<Deadline>,
    statement_timeout: Duration,
}

/// When the running statement must stop, in milliseconds after `start`; 0: never.
struct Deadline {
    start: Instant,
    at_ms: AtomicU64,
}

/// How many of SQLite's instructions run between two looks at the clock.
const OPS_BETWEEN_CHECKS: i32 = 10_000;
/// How many prepared statements a connection keeps.
const STATEMENTS_KEPT: usize = 256;

impl Session {
    pub(super) fn open(place: &SqlitePlace, read_only: bool, options: &Options) -> Result<Self> {
        let connection = connect(place)?;
        let deadline = Arc::new(Deadline { start: Instant::now(), at_ms: AtomicU64::new(0) });
        set_up(&connection, place, read_only, options).map_err(|error| translate(&error))?;
        let mut session = Self { connection, deadline, statement_timeout: options.statement_timeout };
        session.watch_deadline()?;
        Ok(session)
    }

    fn watch_deadline(&mut self) -> Result<()> {
        let watched = Arc::clone(&self.deadline);
        self.stop_when(move || watched.passed())
    }

    /// Has the running statement stop when this is true.
    fn stop_when(&mut self, stop: impl FnMut() -> bool + Send + 'static) -> Result<()> {
        let set = self.connection.progress_handler(OPS_BETWEEN_CHECKS, Some(stop));
        set.map_err(|error| translate(&error))
    }

    /// Runs one statement to its end.
    pub(super) fn run(&mut self, statement: Statement) -> Result<Rows> {
        self.deadline.set(self.statement_timeout);
        let commits = self.connection.is_autocommit() && !statement.is_read();
        let meaning = if commits { translate_commit } else { translate };
        let rows = self.rows(statement).map_err(|error| meaning(&error));
        self.deadline.clear();
        rows
    }

    fn rows(&self, statement: Statement) -> rusqlite::Result<Rows> {
        let mut prepared = self.connection.prepare_cached(&statement.text)?;
        let writes = !prepared.readonly();
        let width = prepared.column_count();
        let mut table = Table::new(width);
        let mut rows = prepared.query(params_from_iter(statement.params.iter().map(Bound)))?;
        while let Some(row) = rows.next()? {
            for index in 0..width {
                table.push(owned(row.get_ref(index)?));
            }
        }
        drop(rows);
        let affected = if writes { self.connection.changes() } else { table.len() as u64 };
        let last_insert_id = u64::try_from(self.connection.last_insert_rowid()).ok().filter(|_| writes);
        Ok(Rows { columns: statement.columns, data: Data::Sqlite(table), affected, last_insert_id })
    }

    /// Hands on the rows of a statement as they come, until nobody takes them.
    pub(super) fn stream(&mut self, statement: &Statement, sink: Sink) {
        let outcome = self.stop_when(sink.watch()).and_then(|()| {
            let outcome = self.hand_on(statement, &sink).map_err(|error| translate(&error));
            self.watch_deadline().and(outcome)
        });
        sink.end_blocking(outcome);
    }

    fn hand_on(&self, statement: &Statement, sink: &Sink) -> rusqlite::Result<()> {
        let mut prepared = self.connection.prepare(&statement.text)?;
        let width = prepared.column_count();
        let (mut batch, mut measure) = (Table::new(width), Measure::default());
        let mut rows = prepared.query(params_from_iter(statement.params.iter().map(Bound)))?;
        while let Some(row) = rows.next()? {
            let mut bytes = 0;
            for index in 0..width {
                let cell = row.get_ref(index)?;
                bytes += size(cell);
                batch.push(owned(cell));
            }
            if measure.add(bytes) {
                let full = std::mem::replace(&mut batch, Table::new(width));
                if !sink.send_blocking(Data::Sqlite(full)) {
                    return Ok(());
                }
            }
        }
        sink.send_blocking(Data::Sqlite(batch));
        Ok(())
    }

    pub(super) fn execute_batch(&mut self, sql: &str) -> Result<()> {
        let result = self.connection.execute_batch(sql).map_err(|error| translate(&error));
        self.connection.flush_prepared_statement_cache();
        result
    }

    /// Runs a whole transaction. `abandoned` tells whether nobody waits for it any more: it is then rolled back.
    pub(super) fn transact<S: Script>(
        &mut self,
        mut script: S,
        abandoned: &dyn Fn() -> bool,
    ) -> Result<S::Output> {
        let mut answer = Ok(Vec::new());
        let mut open = true;
        loop {
            let step = script.next(answer);
            if abandoned() {
                return Err(Error::new(Kind::Unavailable, "nobody waits for the transaction any more"));
            }
            answer = match step {
                Step::Done(output) => return Ok(output),
                _ if !open => return Err(script_went_on()),
                Step::Run(statements) => self.step(statements, false),
                Step::Commit(statements) => {
                    open = false;
                    self.step(statements, true)
                }
            };
            if answer.is_err() {
                open = false;
                self.tidy();
            }
        }
    }

    fn step(&mut self, statements: Vec<Statement>, commit: bool) -> Result<Vec<Rows>> {
        if self.connection.is_autocommit() {
            self.control("begin immediate").map_err(|error| translate(&error))?;
        }
        let rows = statements.into_iter().map(|statement| self.run(statement)).collect::<Result<Vec<_>>>()?;
        if commit {
            self.control("commit").map_err(|error| translate_commit(&error))?;
        }
        Ok(rows)
    }

    fn control(&self, text: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(text)?.execute([]).map(drop)
    }

    /// Rolls back whatever a job left open.
    pub(super) fn tidy(&mut self) {
        self.deadline.clear();
        if !self.connection.is_autocommit()
            && let Err(error) = self.control("rollback")
        {
            tracing::error!(%error, "SQLite could not roll back");
        }
    }
}

impl Deadline {
    fn set(&self, after: Duration) {
        let at = self.start.elapsed() + after;
        self.at_ms.store(u64::try_from(at.as_millis()).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }

    fn clear(&self) {
        self.at_ms.store(0, Ordering::Relaxed);
    }

    fn passed(&self) -> bool {
        let at_ms = self.at_ms.load(Ordering::Relaxed);
        at_ms > 0 && self.start.elapsed().as_millis() >= u128::from(at_ms)
    }
}

fn size(cell: ValueRef<'_>) -> usize {
    match cell {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        _ => size_of::<SqliteValue>(),
    }
}

/// A cell of its own. Text that is no UTF-8 stays bytes.
fn owned(cell: ValueRef<'_>) -> SqliteValue {
    match cell {
        ValueRef::Null => SqliteValue::Null,
        ValueRef::Integer(number) => SqliteValue::Integer(number),
        ValueRef::Real(float) => SqliteValue::Real(float),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => SqliteValue::Text(text.to_owned()),
            Err(_) => SqliteValue::Blob(text.to_vec()),
        },
        ValueRef::Blob(bytes) => SqliteValue::Blob(bytes.to_vec()),
    }
}

fn connect(place: &SqlitePlace) -> Result<Connection> {
    let SqlitePlace::File { path, create, read_only } = place else {
        return Connection::open_in_memory().map_err(|error| translate(&error));
    };
    if !create && !path.exists() {
        let advice = "it is not created unless the URL ends in ?mode=rwc";
        return Err(Error::new(Kind::Unavailable, format!("there is no file {}: {advice}", path.display())));
    }
    let mode = match (read_only, create) {
        (true, _) => OpenFlags::SQLITE_OPEN_READ_ONLY,
        (false, true) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        (false, false) => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = connection.map_err(|error| translate(&error))?;
    // SQLite opens what it may not write without a word.
    if !read_only && connection.is_readonly("main").map_err(|error| translate(&error))? {
        let advice = "to serve it for reading, have the URL end in ?mode=ro";
        return Err(Error::new(Kind::ReadOnly, format!("{} can only be read: {advice}", path.display())));
    }
    Ok(connection)
}

fn set_up(
    connection: &Connection,
    place: &SqlitePlace,
    read_only: bool,
    options: &Options,
) -> rusqlite::Result<()> {
    connection.busy_timeout(options.lock_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    if matches!(place, SqlitePlace::File { read_only: false, .. }) {
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
    }
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "query_only", read_only)?;
    functions::register(connection)
}

/// A parameter as SQLite takes it.
struct Bound<'a>(&'a Param);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Param::One(value) => bound(value),
            // Only PostgreSQL's statements have arrays.
            Param::Many(_) => ToSqlOutput::Owned(SqliteValue::Null),
        })
    }
}

fn bound(value: &Value) -> ToSqlOutput<'_> {
    let owned = match value {
        Value::Text(text) | Value::Json(text) => {
            return ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()));
        }
        Value::Bytes(bytes) => return ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        // Only PostgreSQL has arrays.
        Value::Null | Value::Array(_) => SqliteValue::Null,
        Value::Bool(truth) => SqliteValue::Integer(i64::from(*truth)),
        Value::Int(number) => SqliteValue::Integer(*number),
        Value::Decimal(decimal) => number(decimal),
        Value::Float(float) => SqliteValue::Real(*float),
        Value::Date(date) => SqliteValue::Text(date.to_string()),
        Value::Time(time) => SqliteValue::Text(time.format("%H:%M:%S%.f").to_string()),
        Value::Timestamp(time) | Value::TimestampTz(time) => {
            SqliteValue::Text(time.format("%Y-%m-%d %H:%M:%S%.f").to_string())
        }
        // Never sent; if it were, no key would take it.
        Value::Drawn(drawn) => SqliteValue::Text(format!("{drawn:?}")),
    };
    ToSqlOutput::Owned(owned)
}

/// A decimal as SQLite keeps it: whole numbers as such, others as the nearest double while 15 digits say it exactly,
/// else as text.
pub(super) fn number(decimal: &Decimal) -> SqliteValue {
    use bigdecimal::ToPrimitive;
    let plain = decimal.normalized();
    match (plain.is_integer(), plain.to_i64(), plain.digits() <= 15, plain.to_f64()) {
        (true, Some(whole), _, _) => SqliteValue::Integer(whole),
        (_, _, true, Some(float)) => SqliteValue::Real(float),
        _ => SqliteValue::Text(decimal.to_plain_string()),
    }
}
