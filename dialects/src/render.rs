//! SQL tree → text with placeholders and parameters.

use crate::sql::Query;
use crate::{Dialect, Value, ValueType};

/// One statement, ready for a driver. The text depends on the shape of the tree alone, never on values, so that it
/// can be prepared once.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// SQL with the dialect's placeholders.
    pub text: String,
    /// What they stand for, in order.
    pub params: Vec<Param>,
    /// How the columns of the answer are decoded, in order; empty: no rows are expected.
    pub columns: Vec<ValueType>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// One value.
    One(Value),
    /// An array of values (PostgreSQL's `= any($1)` and `unnest($1)`).
    Many(Vec<Value>),
}

/// Spells a query in a dialect. Some queries need several statements (SQLite updates row by row; a MySQL insert of
/// rows is one): they are run in order, and their answers are concatenated.
pub fn render(dialect: Dialect, query: &Query) -> Vec<Statement> {
    let _ = (dialect, query);
    Vec::new()
}
