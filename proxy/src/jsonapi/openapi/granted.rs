//! What whoever asks may do with a type, as far as a document can say it: which rows, it cannot.

use introspect::{ColumnId, Relationship, RelationshipId, TableId};
use rules::policy::{Grant, Grants, TableAuthority};

use crate::plan::write::{is_read_only, required_columns};
use crate::state::Snapshot;

/// What may be done with a type.
#[derive(Clone, Copy)]
pub(super) struct Granted<'a> {
    snapshot: &'a Snapshot,
    table: TableId,
    /// Nothing: everything.
    allowed: Option<&'a TableAuthority>,
}

/// What changes a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is made.
    Create,
    /// It is changed, or one of its relationships is.
    Update,
    /// It is removed.
    Delete,
}

impl<'a> Granted<'a> {
    /// What may be done with a table.
    pub(super) fn of(snapshot: &'a Snapshot, table: TableId) -> Self {
        Self { snapshot, table, allowed: snapshot.authority.table(table) }
    }

    /// Whether some of its rows may be read.
    pub(super) fn reads(&self) -> bool {
        self.allowed.is_none_or(|allowed| !allowed.read.is_nothing())
    }

    /// Whether some may be changed so.
    pub(super) fn allows(&self, change: Change) -> bool {
        let view = self.snapshot.schema[self.table].view;
        !view && self.grants(change).is_none_or(|grants| !grants.is_nothing())
    }

    /// Whether anything of some row may be changed.
    pub(super) fn writes(&self) -> bool {
        [Change::Create, Change::Update, Change::Delete].into_iter().any(|change| self.allows(change))
    }

    /// Whether clients never set an attribute.
    pub(super) fn is_read_only(&self, column: ColumnId) -> bool {
        is_read_only(self.snapshot, self.table, column)
            || [Change::Create, Change::Update].into_iter().all(|change| self.locks(change, column))
    }

    /// Whether no grant of a change lets a column be set.
    pub(super) fn locks(&self, change: Change, column: ColumnId) -> bool {
        self.every(change, |grant| grant.locked.contains(&column))
    }

    /// Whether no grant of a change lets a relationship be set.
    pub(super) fn locks_relationship(&self, change: Change, id: RelationshipId, of: &Relationship) -> bool {
        match of.to_one() {
            true => of.columns.iter().any(|column| self.locks(change, *column)),
            false => self.every(change, |grant| grant.locked_relationships.contains(&id)),
        }
    }

    /// The columns that a client has to give a new row: none that is set in its place whatever the grant.
    pub(super) fn required(&self) -> Vec<ColumnId> {
        let preset = |column: ColumnId| {
            self.every(Change::Create, |grant| grant.presets.iter().any(|(preset, _)| *preset == column))
        };
        let required = required_columns(self.snapshot, self.table).into_iter();
        required.filter(|column| !preset(*column)).collect()
    }

    fn every(&self, change: Change, holds: impl Fn(&Grant) -> bool) -> bool {
        self.grants(change).is_some_and(|grants| grants.any.iter().all(holds))
    }

    fn grants(&self, change: Change) -> Option<&'a Grants> {
        self.allowed.map(|allowed| match change {
            Change::Create => &allowed.create,
            Change::Update => &allowed.update,
            Change::Delete => &allowed.delete,
        })
    }
}
