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
    /// What allows it to happen to its row, as it is. To a row that the same request adds more than once may be done what its addition allows.
    pub grants: Grants,
    /// What the client itself sets.
    pub given: BTreeMap<ColumnId, Value>,
    /// What allows the row as it will be, by what is set in the client's place: the first choice counts, or else the next. None, where none sets anything: `grants`. Of a
    /// relationship: what allows the rows at its other end that come or leave.
    pub choices: VecDeque<Choice>,
}

/// Grants that set the same in the client's place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The grants.
    pub grants: Grants,
    /// What they set.
    pub presets: BTreeMap<ColumnId, Value>,
    /// A column that would not have a value so, and why not.
    pub unset: Option<(ColumnId, Unset)>,
}

/// Why a column has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unset {
    /// It is required, and nobody gives it.
    Missing,
    /// What is preset does not fit.
    Unfit(String),
}

impl Allowed {
    /// All that is set: what the choice sets, and what the client sets beside that.
    pub fn values(&self) -> BTreeMap<ColumnId, Value> {
        let mut values = self.given.clone();
        values.extend(self.presets().map(|(column, value)| (*column, value.clone())));
        values
    }

    /// What the choice sets in the client's place.
    pub fn presets(&self) -> impl Iterator<Item = (&ColumnId, &Value)> {
        self.choices.front().into_iter().flat_map(|choice| &choice.presets)
    }

    /// What allows the row as it will be.
    pub fn chosen(&self) -> &Grants {
        self.choices.front().map_or(&self.grants, |choice| &choice.grants)
    }

    /// A column that the choice leaves without a value, and why.
    pub fn unset(&self) -> Option<&(ColumnId, Unset)> {
        self.choices.front().and_then(|choice| choice.unset.as_ref())
    }

    /// Whether the client itself says what a column is.
    pub(crate) fn gives(&self, column: ColumnId) -> bool {
        self.given.contains_key(&column) && !self.presets().any(|(preset, _)| *preset == column)
    }

    /// On to the next choice, if there is one.
    pub(crate) fn turn(&mut self) -> bool {
        let more = self.choices.len() > 1;
        if more {
            self.choices.pop_front();
        }
        more
    }
}
