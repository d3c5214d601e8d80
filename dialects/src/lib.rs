//! How each database speaks: values, the SQL tree, renderers and drivers.
//!
//! This crate turns a [`sql::Query`] into a [`Statement`] and a [`Statement`] into [`Rows`], on PostgreSQL,
//! MySQL/MariaDB and SQLite. It knows no schema, policy, HTTP or JSON:API.

pub mod calendar;
pub mod dialect;
pub mod driver;
pub mod error;
pub mod exact;
pub mod letters;
pub mod pieces;
pub mod render;
pub mod sql;
pub mod value;
pub mod written;

pub use dialect::Dialect;
pub use driver::{
    Call, Listener, Options, Pool, RowStream, Rows, Script, Step, TlsMode, TlsOptions, Watcher,
};
pub use error::{Error, Kind, Result};
pub use render::{Param, Statement};
pub use value::{AddressKind, Cell, Decimal, IntKind, Value, ValueType};
