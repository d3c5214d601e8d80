//! The SQL tree: only what this product emits, the same for every dialect.
//!
//! Strategy differences between databases (no RETURNING, no pipelining) are settled by whoever builds the tree;
//! spelling differences (quotes, placeholders, casts, collations) are the renderers' alone. Client values are
//! parameters, always; the only text that is taken verbatim comes from the database's own catalogue.

mod expr;
mod name;
mod select;
mod write;

pub use expr::{BinaryOp, CastType, Expr, Function};
pub use name::{Alias, SqlType, TableName};
pub use select::{Item, Join, JoinKind, Lock, Order, Select, Source};
pub use write::{Advisory, Delete, Insert, TypedColumn, Update};

/// One thing to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Read rows.
    Select(Select),
    /// Add rows.
    Insert(Insert),
    /// Change rows, each by its key.
    Update(Update),
    /// Remove rows, each by its key.
    Delete(Delete),
    /// Take advisory locks (PostgreSQL alone).
    Advisory(Advisory),
    /// Ask for the plan of a SELECT instead of its rows: one cell of JSON, in the server's own form. (SQLite has none.)
    Explain(Select),
}
