//! What the actor is not granted, and how all else is told without what is kept from the actor.

use introspect::{ColumnId, TableId};
use rules::change::{Action, RowId};
use rules::policy::Unset;

use super::{Refusal, member};
use crate::jsonapi::shape;
use crate::plan::restrict::shown_name;
use crate::plan::write::required;
use crate::{Error, ErrorCode};

impl Refusal<'_> {
    /// What the actor may not do to a row that they may see.
    pub(super) fn forbidden(&self, id: &RowId, operation: usize, after: bool) -> Error {
        let ty = &self.schema()[id.table].name;
        let operation = self.plan.operations.get(operation);
        let detail = match operation.map(|operation| &operation.action) {
            Some(Action::Insert(_)) => {
                format!("You may not add this `{ty}`: as it would be, it is beyond what is granted.")
            }
            Some(Action::Delete) => format!("You may not remove this `{ty}`."),
            _ if after => {
                format!("You may not change this `{ty}` so: as it would be, it is beyond what is granted.")
            }
            _ => format!("You may not change this `{ty}`."),
        };
        let place = self.named_at(id).or_else(|| operation.map(|operation| operation.whole()));
        let error = Error::new(ErrorCode::Forbidden, detail);
        match place {
            Some(place) => error.at(place),
            None => error,
        }
    }

    pub(super) fn locked(&self, id: &RowId, operation: usize, column: ColumnId) -> Error {
        let name = member(self.schema(), id.table, column);
        let detail = format!("You may not change `{name}` of this `{}`.", self.schema()[id.table].name);
        let operation = self.plan.operations.get(operation);
        let given = operation
            .and_then(|operation| Some(format!("{}{}", operation.place, operation.pointers.get(&column)?)));
        let place =
            given.or_else(|| self.named_at(id)).or_else(|| operation.map(|operation| operation.whole()));
        Error::new(ErrorCode::ReadOnly, detail).at(place.unwrap_or_default()).about(&name)
    }

    /// A column that nobody gives a value, or whose preset does not fit.
    pub(super) fn unset(&self, id: &RowId, operation: usize, column: ColumnId, why: &Unset) -> Error {
        let table = &self.schema()[id.table];
        let whole = self.plan.operations.get(operation).map(|operation| operation.whole());
        let error = match why {
            Unset::Missing => required(self.snapshot, table, column),
            Unset::Unfit(why) => {
                let name = shown_name(self.schema(), id.table, column);
                let detail = format!("What is preset for {name} does not fit: {why}.");
                Error::new(ErrorCode::InvalidValue, detail)
            }
        };
        error.at(whole.unwrap_or_default())
    }

    /// Whether an attribute, or the relationship that clients know it as, may be named to the actor.
    pub(super) fn is_shown(&self, table: TableId, column: ColumnId) -> bool {
        let of = &self.schema()[table];
        let leads = of.relationships.iter().find(|r| r.to_one() && r.columns.contains(&column));
        let through = leads.is_none_or(|there| shape::shown(self.schema(), there));
        !of.hidden && !of[column].hidden && through
    }

    /// Whether values of the row may be told: it is one that the request names, or all rows of its table may be read.
    pub(super) fn tells(&self, table: TableId) -> bool {
        let named = self.id.is_some_and(|id| {
            self.plan.operations.iter().any(|operation| operation.id == *id) || self.named_at(id).is_some()
        });
        named || self.snapshot.authority.reads_all(table)
    }

    /// Says which attribute an error is about, where it may be named.
    pub(super) fn about(&self, error: Error, table: TableId, column: ColumnId) -> Error {
        match self.is_shown(table, column) {
            true => error.about(&member(self.schema(), table, column)),
            false => error,
        }
    }

    pub(super) fn overflow(&self, table: TableId, column: ColumnId, why: &str) -> String {
        match self.is_shown(table, column) && self.tells(table) {
            true => {
                let (of, name) = (&self.schema()[table].name, member(self.schema(), table, column));
                format!("The derived value of `{of}.{name}` does not fit: {why}.")
            }
            false => "A derived value does not fit.".into(),
        }
    }

    /// A rule by its name, which is that of what it derives.
    pub(super) fn uncomputable(&self, table: TableId, rule: &str, why: &str) -> String {
        let derives = self.snapshot.rules.derivations.iter().find(|derivation| derivation.name == rule);
        let shown = derives.map_or(!self.schema()[table].hidden, |d| self.is_shown(d.table, d.column));
        match shown && self.tells(table) {
            true => format!("`{rule}` cannot be computed: {why}."),
            false => "A rule cannot be computed for this change.".into(),
        }
    }
}
