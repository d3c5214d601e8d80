//! What a transaction is asked to do, and what it comes to: rows before and after.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDateTime;
use dialects::Value;
use introspect::{ColumnId, RelationshipId, Schema, TableId};

use crate::policy::{Actor, Guard, Unset};

/// The values of a row's key, in key order, as stored in that row.
pub type Key = Vec<Value>;

/// A row of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// Its table.
    pub table: TableId,
    /// Which row.
    pub row: RowRef,
}

/// Which row of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowRef {
    /// One that the database holds.
    Existing(Key),
    /// One that this transaction adds because a foreign key or a relationship names it: the n-th.
    Created(u32),
    /// One that the request adds, by a number that no other of them has, whatever its table.
    New(u32),
}

/// A row's values by column; `None`: not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image(Vec<Option<Value>>);

/// One transaction as asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do. Only the net change counts, not the order, but where two set one attribute (the last wins).
    pub operations: Vec<Operation>,
    /// `now()`, in UTC.
    pub now: NaiveDateTime,
    /// Who asks.
    pub actor: Actor,
    /// What they may do with the rows that the operations name; `None`: everything.
    pub guard: Option<Guard>,
    /// Most rows it may touch.
    pub rows_max: usize,
}

impl Request {
    /// With the next choice of what allows these operations; `None`: there is none for any of them.
    pub(crate) fn otherwise(&self, denied: &BTreeSet<usize>) -> Option<Self> {
        let mut guard = self.guard.clone()?;
        let mut operations = self.operations.clone();
        let mut turned = false;
        for index in denied {
            let (Some(allowed), Some(operation)) =
                (guard.operations.get_mut(*index), operations.get_mut(*index))
            else {
                continue;
            };
            if allowed.turn() {
                turned = true;
                if let Action::Insert(values) | Action::Update(values) = &mut operation.action {
                    *values = allowed.values();
                }
            }
        }
        turned.then(|| Self { operations, guard: Some(guard), actor: self.actor.clone(), ..*self })
    }
}

/// One thing to do to one row.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The row.
    pub id: RowId,
    /// What to do to it.
    pub action: Action,
}

/// What to do to a row.
#[derive(Clone, Debug)]
pub enum Action {
    /// Add it, with these values.
    Insert(BTreeMap<ColumnId, Value>),
    /// Set these values.
    Update(BTreeMap<ColumnId, Value>),
    /// Remove it.
    Delete,
    /// Change which rows one of its to-many relationships leads to.
    Relate(Relating),
}

/// A change of a to-many relationship. What is there already, or gone already, is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relating {
    /// The relationship.
    pub relationship: RelationshipId,
    /// What happens to the rows.
    pub how: Membership,
    /// The rows at the other end.
    pub rows: Vec<RowId>,
    /// Whether rows may come that are not there.
    pub comes: bool,
    /// Whether rows that are there may leave.
    pub leaves: bool,
}

/// What a change of a to-many relationship does with the rows that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// They come, all others leave.
    Replace,
    /// They come.
    Add,
    /// They leave.
    Remove,
}

/// A row as it was and as it will be.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The row.
    pub id: RowId,
    /// As first locked; `None`: it is new.
    pub before: Option<Image>,
    /// As it will be; `None`: it goes.
    pub after: Option<Image>,
    /// The columns to write (of a new row: those that have a value from the request or a rule).
    pub columns: Vec<ColumnId>,
}

/// What a rule, or the shape of the data, does not allow.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The row it is about.
    pub id: RowId,
    /// What is wrong.
    pub reason: Reason,
}

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// The row does not exist.
    NotFound,
    /// The actor may not do to the row what an operation does.
    Forbidden {
        /// Its index in [`Request::operations`].
        operation: usize,
        /// The row is the actor's to change, but not to what it would be; or not to be added so.
        after: bool,
    },
    /// The actor may not write a column.
    Locked {
        /// The index of the operation in [`Request::operations`].
        operation: usize,
        /// The column.
        column: ColumnId,
    },
    /// What allows the operation leaves a column without a value.
    Unset {
        /// The index of the operation in [`Request::operations`].
        operation: usize,
        /// The column.
        column: ColumnId,
        /// Why.
        why: Unset,
    },
    /// A row that a foreign key names does not exist.
    RelatedNotFound {
        /// The to-one relationship of the row.
        relationship: RelationshipId,
    },
    /// The row cannot come to a to-many relationship, or not leave it.
    Unmovable {
        /// The relationship of the row that leads back; a row that cannot leave is the join table's, where there is one.
        relationship: RelationshipId,
        /// It cannot leave.
        leaving: bool,
    },
    /// A row that a foreign key names, and that a rule would add, is removed by the same request.
    RelatedRemoved {
        /// The to-one relationship of the row.
        relationship: RelationshipId,
    },
    /// Other rows still refer to the row.
    StillReferenced {
        /// Their table.
        by: TableId,
        /// Their to-one relationship.
        relationship: RelationshipId,
    },
    /// A constraint is false.
    Constraint {
        /// Its index in [`crate::RuleSet::constraints`].
        constraint: usize,
        /// Its message, with the row's values.
        message: String,
    },
    /// A column moved where no declared edge leads.
    Transition {
        /// Its index in [`crate::RuleSet::transitions`].
        transition: usize,
        /// The state before; `None`: the row is new.
        from: Option<Value>,
        /// The state after.
        to: Value,
    },
    /// The request sets a column that a step moves in the same transaction.
    Stepped {
        /// The column.
        column: ColumnId,
    },
    /// A derived value does not fit its column.
    Overflow {
        /// The column.
        column: ColumnId,
        /// Why.
        why: String,
    },
    /// A rule has no value (division by zero and the like).
    Uncomputable {
        /// The rule, as declared.
        rule: String,
        /// Why.
        why: String,
    },
    /// An operation speaks of a row that another operation of the request removes.
    Removed {
        /// Its index in [`Request::operations`].
        operation: usize,
    },
    /// New rows refer to each other in a circle, or one to itself by a key that is still to be drawn: none can be written first.
    Circle {
        /// The foreign key column of the row.
        column: ColumnId,
    },
    /// More rows are touched than one transaction may.
    TooManyRows {
        /// The limit.
        rows_max: usize,
    },
}

impl RowId {
    /// A row that the database holds.
    pub fn existing(table: TableId, key: Key) -> Self {
        Self { table, row: RowRef::Existing(key) }
    }

    /// The n-th row that the transaction adds.
    pub fn new(table: TableId, n: u32) -> Self {
        Self { table, row: RowRef::New(n) }
    }

    /// Its key, when the database holds it.
    pub fn key(&self) -> Option<&Key> {
        match &self.row {
            RowRef::Existing(key) => Some(key),
            RowRef::Created(_) | RowRef::New(_) => None,
        }
    }
}

impl Image {
    /// A row of which nothing is loaded.
    pub fn empty(columns: usize) -> Self {
        Self(vec![None; columns])
    }

    /// A row of which everything is loaded, in the order of the columns.
    pub fn full(values: Vec<Value>) -> Self {
        Self(values.into_iter().map(Some).collect())
    }

    /// A column's value, where loaded.
    pub fn value(&self, column: ColumnId) -> Option<&Value> {
        self.0.get(column.0 as usize).and_then(Option::as_ref)
    }

    /// Sets a column.
    pub fn set(&mut self, column: ColumnId, value: Value) {
        if let Some(slot) = self.0.get_mut(column.0 as usize) {
            *slot = Some(value);
        }
    }

    /// The values of some columns, where all are loaded.
    pub fn values(&self, columns: &[ColumnId]) -> Option<Vec<Value>> {
        columns.iter().map(|c| self.value(*c).cloned()).collect()
    }

    /// Whether all of some columns are loaded.
    pub fn has(&self, columns: &[ColumnId]) -> bool {
        columns.iter().all(|c| self.value(*c).is_some())
    }

    /// Its key, where loaded.
    pub fn key(&self, schema: &Schema, table: TableId) -> Option<Key> {
        self.values(&schema[table].key)
    }

    /// All columns; not loaded ones as `None`.
    pub fn columns(&self) -> impl Iterator<Item = (ColumnId, Option<&Value>)> {
        (0..).map(ColumnId).zip(self.0.iter().map(Option::as_ref))
    }
}

impl Change {
    /// A column as it will be.
    pub fn value(&self, column: ColumnId) -> Option<&Value> {
        self.after.as_ref().and_then(|image| image.value(column))
    }
}
