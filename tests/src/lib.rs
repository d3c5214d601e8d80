//! The test harness: databases of its own, a client that needs no network, fixtures, an oracle for derived columns, and load.
//!
//! A case is written once and runs on PostgreSQL, MariaDB and SQLite. Whatever it was answered is kept, and must be the same on
//! all three: see [`on_every_database`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

pub mod application;
pub mod asking;
pub mod chinook;
pub mod client;
pub mod collector;
pub mod conformant;
pub mod database;
pub mod depot;
pub mod difference;
pub mod document;
pub mod feature;
pub mod guarded;
pub mod issuer;
pub mod life;
pub mod load;
pub mod log;
pub mod oracle;
pub mod pooler;
pub mod private;
pub mod server;
pub mod service;
pub mod shelves;
pub mod shop;
pub mod wide;
pub mod wire;
pub mod world;

pub use client::{Answer, Client};
pub use database::Database;
pub use document::Document;
pub use guarded::Guarded;
pub use service::{Service, on_every_database};
pub use wire::Wire;
