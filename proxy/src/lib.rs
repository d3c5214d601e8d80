//! Rulegate: a JSON:API, OpenAPI, admin app and metrics in front of a database, with the rules kept in every write.
//!
//! The only crate that knows HTTP, JSON:API, pingora, clocks and configuration.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod error;
pub mod exchange;
pub mod jsonapi;
pub mod observe;
mod outbound;
pub mod pipeline;
pub mod plan;
pub mod route;
pub mod run;
pub mod server;
pub mod state;
pub mod suggest;

pub use error::{Error, ErrorCode, Errors, Result};
