//! What the documentation says is so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "shared/folder.rs"]
mod folder;
#[path = "book/links.rs"]
mod links;
#[path = "book/page.rs"]
mod page;
#[path = "book/reference.rs"]
mod reference;
#[path = "book/runbook.rs"]
mod runbook;
#[path = "book/tutorials.rs"]
mod tutorials;

use std::path::PathBuf;

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// Its text.
fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
