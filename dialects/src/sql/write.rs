//! INSERT, UPDATE, DELETE and advisory locks.

use super::{Expr, Item, SqlType, TableName};
use crate::Value;

/// A column and its type, as a parameter for it needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TypedColumn {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub ty: SqlType,
}

/// Rows to add. Columns that are not listed take the database's default; no columns at all: a row of defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// Where.
    pub table: TableName,
    /// Which columns every row gives.
    pub columns: Vec<TypedColumn>,
    /// The values, one list a row, in the order of `columns`. Never empty.
    pub rows: Vec<Vec<Value>>,
    /// What to answer (PostgreSQL and SQLite; empty on MySQL, where [`crate::Rows::last_insert_id`] tells the generated key).
    pub returning: Vec<Item>,
}

/// Rows to change, each by its key: `key` and `set` name the columns, each row gives key values, then new values.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Where. Alias 0 in `guard` and `returning`.
    pub table: TableName,
    /// The key's columns.
    pub key: Vec<TypedColumn>,
    /// The columns that change.
    pub set: Vec<TypedColumn>,
    /// A row each: (key values, new values). Never empty.
    pub rows: Vec<(Vec<Value>, Vec<Value>)>,
    /// A further condition (a policy, in the simple case).
    pub guard: Option<Expr>,
    /// What to answer (PostgreSQL and SQLite).
    pub returning: Vec<Item>,
}

/// Rows to remove, each by its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// Where. Alias 0 in `guard`.
    pub table: TableName,
    /// The key's columns.
    pub key: Vec<TypedColumn>,
    /// The keys. Never empty.
    pub rows: Vec<Vec<Value>>,
    /// A further condition.
    pub guard: Option<Expr>,
    /// What to answer (PostgreSQL and SQLite).
    pub returning: Vec<Item>,
}

/// Transaction-level advisory locks, taken in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advisory {
    /// The lock numbers, and whether each is taken exclusively rather than shared.
    pub locks: Vec<(i64, bool)>,
}
