//! The drivers, and what the renderers write, against real databases.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod drivers {
    pub mod database;
    pub mod expressions;
    pub mod failures;
    pub mod held_up;
    pub mod rendered;
    pub mod statements;
    pub mod streams;
    pub mod transactions;
    pub mod values;
}
