//! What can go wrong on the way from a database to its schema.

use crate::problem::{self, Problem};

/// A failed introspection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer the catalogue queries.
    #[error("reading the database's catalogue failed: {0}; check the URL and that the role may connect")]
    Catalog(#[from] dialects::Error),
    /// The model file does not fit the database.
    #[error("{}", problem::list(.0))]
    Problems(Vec<Problem>),
}
