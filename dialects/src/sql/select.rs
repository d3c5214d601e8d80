//! SELECT.

use super::{Alias, Expr, TableName};
use crate::ValueType;

/// A SELECT statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Select {
    /// What is read, and how each cell is decoded.
    pub items: Vec<Item>,
    /// Where its rows come from first; `None`: no FROM at all.
    pub from: Option<(Source, Alias)>,
    /// The tables joined to it, in order.
    pub joins: Vec<Join>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY.
    pub group_by: Vec<Expr>,
    /// HAVING.
    pub having: Option<Expr>,
    /// ORDER BY.
    pub order: Vec<Order>,
    /// LIMIT, in rows.
    pub limit: Option<u64>,
    /// OFFSET, in rows.
    pub offset: Option<u64>,
    /// The lock taken on the rows of the first table.
    pub lock: Option<Lock>,
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A table.
    Table(TableName),
    /// A SELECT, whose items are the columns `c0`, `c1`, …
    Select(Box<Select>),
}

impl From<TableName> for Source {
    fn from(table: TableName) -> Self {
        Self::Table(table)
    }
}

impl Source {
    /// The name of the n-th item of a SELECT that rows come from.
    pub fn column(n: usize) -> String {
        format!("c{n}")
    }
}

/// One thing in a select list (or in RETURNING, where alias 0 is the written table).
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What is read.
    pub expr: Expr,
    /// How it is decoded. `Other` is read as text: the renderer casts it.
    pub ty: ValueType,
}

/// A joined table.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// How it is joined.
    pub kind: JoinKind,
    /// The table.
    pub table: TableName,
    /// Its alias.
    pub alias: Alias,
    /// The condition.
    pub on: Expr,
}

/// How a table is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum JoinKind {
    Inner,
    Left,
}

/// One sort term. Nulls come last when ascending and first when descending, on every database.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// What is sorted by.
    pub expr: Expr,
    /// From the greatest down.
    pub descending: bool,
    /// Whether it can be null (else the databases agree without help).
    pub nullable: bool,
}

/// Row locks, weakest first. SQLite has none and needs none: its writer is alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lock {
    /// PostgreSQL `FOR SHARE`, MySQL `LOCK IN SHARE MODE`.
    Share,
    /// PostgreSQL `FOR NO KEY UPDATE`, MySQL `FOR UPDATE`.
    NoKeyUpdate,
    /// `FOR UPDATE`.
    Update,
}
