//! SQLSTATE → kind. <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use std::error::Error as _;

use tokio_postgres::error::{DbError, Severity};

use crate::{Error, Kind};

/// An error of a statement in our words.
pub(super) fn translate(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(database) => from_database(database),
        None => Error::new(transport_kind(error), words(error)),
    }
}

/// An error of connecting: whatever it is, there is no connection.
pub(super) fn translate_connect(error: &tokio_postgres::Error) -> Error {
    let translated = translate(error);
    let kind = if translated.kind == Kind::Exhausted { Kind::Exhausted } else { Kind::Unavailable };
    Error { kind, ..translated }
}

/// Whether the connection is gone: what was under way may or may not have happened.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(database) => is_last(database) || database.code().code().starts_with("57P"),
        None => transport_kind(error) == Kind::Unavailable,
    }
}

/// Whether the server takes no writes: a standby, or one that somebody has made read-only.
pub(super) fn is_read_only(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| error.code().code() == "25006" || is_recovering(error))
}

/// What a standby says to a transaction that wants to write; in the language of the server, so that the place in its code tells.
fn is_recovering(error: &DbError) -> bool {
    let checks =
        error.routine() == Some("call_bool_check_hook") || error.message().contains("during recovery");
    error.code().code() == "0A000" && checks
}

/// Whether the server ends the connection with it, or itself: a disk that is full while COMMIT is written is a panic, after which the
/// transaction may be found committed.
fn is_last(error: &DbError) -> bool {
    matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

fn transport_kind(error: &tokio_postgres::Error) -> Kind {
    let io = error.source().is_some_and(|source| source.is::<std::io::Error>());
    if error.is_closed() || io { Kind::Unavailable } else { Kind::Other }
}

fn words(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn from_database(error: &DbError) -> Error {
    let owned = |name: Option<&str>| name.map(str::to_owned);
    Error {
        kind: kind(error),
        constraint: owned(error.constraint()),
        table: owned(error.table()),
        column: owned(error.column()),
        detail: format!("SQLSTATE {}: {}", error.code().code(), error.message()),
    }
}

fn kind(error: &DbError) -> Kind {
    let code = error.code().code();
    match code {
        "23505" | "23P01" => Kind::Unique,
        // The same code both ways; where the server speaks another language, it cannot be told which.
        "23503" if error.message().starts_with("update or delete") => Kind::Referenced,
        "23503" => Kind::ForeignKey,
        "23001" => Kind::Referenced,
        "23502" => Kind::NotNull,
        // The last is what a trigger or function raises by its own decision.
        "23514" | "44000" | "P0001" => Kind::Check,
        "40001" | "40P01" | "55P03" => Kind::Conflict,
        "57014" => Kind::Timeout,
        "53300" => Kind::Exhausted,
        "25006" => Kind::ReadOnly,
        "0A000" if is_recovering(error) => Kind::ReadOnly,
        "42501" => Kind::Privilege,
        "53100" => Kind::Full,
        // The tables changed under a prepared statement: prepared anew, the same request works.
        "26000" => Kind::Conflict,
        "0A000" if error.message().contains("cached plan") => Kind::Conflict,
        _ => match code.get(..2) {
            Some("22") => Kind::Data,
            Some("08" | "53" | "58") => Kind::Unavailable,
            Some("57") => Kind::Unavailable,
            _ if is_last(error) => Kind::Unavailable,
            _ => Kind::Other,
        },
    }
}
