//! One transaction over an exclusive connection, told by a script.
//!
//! BEGIN travels with the first statements, COMMIT with the last, each answer is looked at: a COMMIT in a transaction
//! that failed before answers ROLLBACK without an error, so that any error before it decides.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::connection::{self, Connection, Prepared};
use super::error::{is_lost, is_read_only, translate};
use crate::driver::lease::{Lease, Lent};
use crate::driver::{Rows, Script, Step, script_went_on};
use crate::render::Statement;
use crate::{Error, Kind, Result};

/// Where the transaction is on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NotBegun,
    Open,
    /// Committed or rolled back; the connection is clean.
    Over,
    /// Nobody knows: the connection must not be used again.
    Unknown,
}

type Answers = std::result::Result<Vec<Rows>, (tokio_postgres::Error, Origin)>;

/// Which statement failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Statement,
    Commit,
}

/// Runs a script to its end.
/// `demoted` is told when the server takes no writes any more.
pub(super) async fn transact<S: Script>(
    mut lease: Lease<Connection>,
    mut script: S,
    demoted: &AtomicBool,
) -> Result<S::Output> {
    let mut transaction = Transaction { connection: lease.connection()?, state: State::NotBegun, demoted };
    let mut answer = Ok(Vec::new());
    let outcome = loop {
        answer = match script.next(answer) {
            Step::Done(output) => break Ok(output),
            Step::Run(_) | Step::Commit(_) if transaction.is_over() => break Err(script_went_on()),
            Step::Run(statements) => transaction.step_in_time(&statements, false).await,
            Step::Commit(statements) => transaction.step_in_time(&statements, true).await,
        };
    };
    if transaction.leave().await {
        lease.give_back();
    }
    outcome
}

struct Transaction<'a> {
    connection: &'a Connection,
    state: State,
    demoted: &'a AtomicBool,
}

impl Transaction<'_> {
    fn is_over(&self) -> bool {
        matches!(self.state, State::Over | State::Unknown)
    }

    /// A step, as long as the server answers.
    async fn step_in_time(&mut self, statements: &[Statement], commit: bool) -> Result<Vec<Rows>> {
        let connection = self.connection;
        match connection.pulse.feel(self.step(statements, commit)).await {
            Some(answer) => answer,
            None => {
                self.state = State::Unknown;
                Err(super::silent(if commit { Kind::CommitUnknown } else { Kind::Unavailable }))
            }
        }
    }

    async fn step(&mut self, statements: &[Statement], commit: bool) -> Result<Vec<Rows>> {
        let prepared = match self.connection.prepare(statements).await {
            Ok(prepared) => prepared,
            Err(error) => return Err(self.fail(error, None).await),
        };
        if let Some(error) = statements.iter().zip(&prepared).find_map(unsendable) {
            self.state = self.roll_back().await;
            return Err(error);
        }
        let begin = self.state == State::NotBegun;
        self.state = if commit { State::Unknown } else { State::Open };
        // Over a connection that is closed by now nothing is sent any more, COMMIT neither.
        let sent = !self.connection.is_closed();
        let answers = self.flush(statements, prepared, begin, commit).await;
        match sort(answers, begin, commit) {
            Ok(rows) => {
                self.state = if commit { State::Over } else { State::Open };
                Ok(rows)
            }
            Err((error, origin)) => Err(self.fail(error, (commit && sent).then_some(origin)).await),
        }
    }

    /// Sends everything before any answer is read: each is sent when it is first polled, and they are polled in order.
    async fn flush(
        &self,
        statements: &[Statement],
        prepared: Vec<Option<Prepared>>,
        begin: bool,
        commit: bool,
    ) -> Vec<std::result::Result<Rows, tokio_postgres::Error>> {
        let begin = begin.then(|| self.connection.control(self.connection.begin()));
        let commit = commit.then(|| self.connection.control("commit"));
        let pairs = statements.iter().zip(prepared);
        let between = pairs.map(|(statement, prepared)| self.connection.send(statement, prepared).boxed());
        join_all(begin.into_iter().chain(between).chain(commit)).await
    }

    /// Says what an error means and brings the connection into order. `origin`: what failed, when a COMMIT was sent too.
    async fn fail(&mut self, error: tokio_postgres::Error, origin: Option<Origin>) -> Error {
        if connection::is_stale(&error) {
            self.connection.forget_statements();
        }
        if is_read_only(&error) {
            self.demoted.store(true, Ordering::Relaxed);
        }
        let translated = translate(&error);
        let lost = is_lost(&error);
        let unknown =
            lost && (origin == Some(Origin::Commit) || (origin.is_some() && error.as_db_error().is_none()));
        self.state = match (lost, origin) {
            (true, _) => State::Unknown,
            // COMMIT ends a failed transaction as well.
            (false, Some(_)) => State::Over,
            (false, None) => self.roll_back().await,
        };
        if unknown { Error { kind: Kind::CommitUnknown, ..translated } } else { translated }
    }

    async fn roll_back(&self) -> State {
        match self.state {
            State::NotBegun | State::Over => State::Over,
            State::Open | State::Unknown => match self.connection.control("rollback").await {
                Ok(_) => State::Over,
                Err(_) => State::Unknown,
            },
        }
    }

    /// Rolls back what is open. Whether the connection is clean then.
    async fn leave(&mut self) -> bool {
        if self.state != State::Unknown {
            self.state = self.roll_back().await;
        }
        self.state == State::Over
    }
}

/// What would fail here rather than on the server. The COMMIT behind it would then commit the others without it.
fn unsendable((statement, prepared): (&Statement, &Option<Prepared>)) -> Option<Error> {
    let expected = prepared.as_ref().map_or(statement.params.len(), |prepared| prepared.params().len());
    let whole = expected == statement.params.len() && !statement.text.contains('\0');
    (!whole).then(|| {
        Error::new(Kind::Other, format!("a statement takes {expected} parameters: {}", statement.text))
    })
}

/// The statements' rows, without BEGIN's and COMMIT's; or the first error.
fn sort(
    answers: Vec<std::result::Result<Rows, tokio_postgres::Error>>,
    begin: bool,
    commit: bool,
) -> Answers {
    let last = answers.len().saturating_sub(1);
    let mut rows = Vec::with_capacity(answers.len());
    for (index, answer) in answers.into_iter().enumerate() {
        let (is_begin, is_commit) = (begin && index == 0, commit && index == last);
        let origin = if is_commit { Origin::Commit } else { Origin::Statement };
        let answer = answer.map_err(|error| (error, origin))?;
        if !is_begin && !is_commit {
            rows.push(answer);
        }
    }
    Ok(rows)
}
