//! What an actor may do with the rows that one request names.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use dialects::Value;
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
    /// What the client itself sets.
    pub given: BTreeMap<ColumnId, Value>,
    /// Where these grants do not allow it, the next that may.
    pub otherwise: VecDeque<Choice>,
}

/// Grants that set the same in the client's place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The grants.
    pub grants: Grants,
    /// What they set.
    pub presets: BTreeMap<ColumnId, Value>,
}

impl Allowed {
    /// The next choice, with all that is to be set then; `None`: there is none left.
    pub(crate) fn turn(&mut self) -> Option<BTreeMap<ColumnId, Value>> {
        let Choice { grants, presets } = self.otherwise.pop_front()?;
        self.grants = grants;
        let given = self.given.iter().filter(|(column, _)| !presets.contains_key(column));
        Some(given.map(|(column, value)| (*column, value.clone())).chain(presets.clone()).collect())
    }
}
