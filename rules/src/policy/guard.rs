//! What an actor may do with the rows that one request names.

use std::collections::BTreeSet;
use std::sync::Arc;

use introspect::ColumnId;

use super::{Authority, Grants};

/// What an actor may do with the rows that one request names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guard {
    /// What the actor's roles may do with each table.
    pub authority: Arc<Authority>,
    /// What allows each operation, in their order.
    pub operations: Vec<Allowed>,
}

/// What allows an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allowed {
    /// What allows it to happen to its row. To a row that the same request adds more than once may be done what its addition allows.
    pub grants: Grants,
    /// The columns that the client itself sets.
    pub given: BTreeSet<ColumnId>,
}
