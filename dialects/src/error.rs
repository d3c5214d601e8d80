//! What can go wrong between this process and a database, by kind.
//!
//! The kind decides what happens next (refuse, retry, give up); the text is for the log alone and never reaches a client.

use std::fmt;

/// A failed statement, connection or set-up.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Error {
    /// What kind of failure this is.
    pub kind: Kind,
    /// The violated constraint, where the database names it. For a unique index of SQLite: `table.column, table.column`.
    pub constraint: Option<String>,
    /// The table concerned, where the database names it.
    pub table: Option<String>,
    /// The column concerned, where the database names it.
    pub column: Option<String>,
    /// The database's own words, for the log.
    pub detail: String,
}

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A unique or primary key is taken.
    Unique,
    /// A foreign key points nowhere; or a row is still referenced, where the database does not tell the two apart.
    ForeignKey,
    /// A row is still referenced: `constraint` and `table` are those of the rows that refer to it.
    Referenced,
    /// A required column got null.
    NotNull,
    /// A CHECK or domain constraint failed.
    Check,
    /// The value does not fit its column (range, length, encoding, syntax).
    Data,
    /// Deadlock, serialization failure, lock time-out, busy: the same request may succeed when repeated.
    Conflict,
    /// The statement took too long.
    Timeout,
    /// The database takes no writes: it is a replica, or its file is only to be read.
    ReadOnly,
    /// The role that is connected may not do it.
    Privilege,
    /// There is no room for what was to be written.
    Full,
    /// No connection, or it was lost before anything was committed.
    Unavailable,
    /// The connection was lost while COMMIT was under way, or the disk failed (SQLite): the outcome is unknown.
    CommitUnknown,
    /// All connections are taken and none came back in time.
    Exhausted,
    /// Anything else.
    Other,
}

/// The result of whatever talks to a database.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of a kind, with the words for the log.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, constraint: None, table: None, column: None, detail: detail.into() }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique => "unique violation",
            Self::ForeignKey => "foreign key violation",
            Self::Referenced => "still referenced",
            Self::NotNull => "not-null violation",
            Self::Check => "check violation",
            Self::Data => "value does not fit",
            Self::Conflict => "conflict",
            Self::Timeout => "time-out",
            Self::ReadOnly => "no writes are taken",
            Self::Privilege => "privilege missing",
            Self::Full => "storage full",
            Self::Unavailable => "database unavailable",
            Self::CommitUnknown => "commit outcome unknown",
            Self::Exhausted => "no free connection",
            Self::Other => "database error",
        })
    }
}
