//! The three dialects and what each can do.

use std::fmt;

/// A family of databases that speak alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL and what speaks its protocol.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite, embedded.
    Sqlite,
}

impl Dialect {
    /// Whether INSERT, UPDATE and DELETE can answer with the rows they wrote. (MariaDB knows it for INSERT and
    /// DELETE, MySQL not at all: it is not used there.)
    pub fn returning(self) -> bool {
        !matches!(self, Self::Mysql)
    }

    /// Whether several statements travel in one flush.
    pub fn pipelines(self) -> bool {
        matches!(self, Self::Postgres)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Sqlite => "sqlite",
        })
    }
}
