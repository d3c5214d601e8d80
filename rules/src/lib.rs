//! Everything declarative about rows: expressions, rules, policies, and the engine that keeps the rules.
//!
//! No I/O, no async, no HTTP, no SQL text. Rule files become declarations with spans (`file`), declarations and a schema become a
//! [`RuleSet`] (`compile`), and the engine turns a request and the rows it touches into changes (`engine`).

pub mod change;
pub mod compile;
pub mod engine;
pub mod expr;
mod file;
#[cfg(any(test, feature = "oracle"))]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test takes what it needs, and stops at the first surprise"
)]
pub(crate) mod fixture;
pub mod graph;
pub mod policy;
pub mod problem;
pub mod rule;
pub mod trace;

pub use compile::{Checked, check, compile, with_virtuals};
pub use engine::{Engine, Facts};
pub use expr::Expr;
pub use file::JSON_SCHEMA;
pub use rule::RuleSet;
pub use trace::Trace;
