//! Removals: what foreign keys do to the rows below, so that their rules fire too, and what forbids them.

use std::collections::BTreeSet;

use dialects::Value;
use introspect::schema::Action;
use introspect::{ColumnId, RelationshipId, TableId};

use super::attempt::{Attempt, Found, Touched};
use super::facts::Referrer;
use super::rows::{ChildList, Extreme, Finder, Hold, Of, ReadersLock, RowLock};
use crate::change::{Key, Reason, RowId};

impl Attempt<'_> {
    /// Removes a row. What that does to others waits until the whole request is applied: a row that it moves away stays.
    pub(super) fn remove(&mut self, id: &RowId) {
        self.touch(id);
        let Some(touched) = self.touched.get_mut(id) else { return };
        let Some(image) = touched.after.take() else { return };
        if touched.is_new() {
            self.passed.push((id.table, image));
        }
        self.removed.push(id.clone());
    }

    /// Of a row that is not known yet, what its key alone tells: the rows that will go with it.
    pub(super) fn foresee_children(&mut self, id: &RowId) {
        let Some(key) = id.key() else { return };
        if self.rows.find(&Finder::by_key(self.engine.schema, id.table, key.clone())).is_some() {
            return;
        }
        for referrer in self.engine.facts.referrers(id.table) {
            let there = &self.engine.schema[referrer.child][referrer.relationship];
            let by_key = there.target_columns == self.engine.schema[id.table].key;
            if by_key && !referrer.refuses() && self.carries(referrer) {
                let (table, columns) = (referrer.child, referrer.columns.clone());
                self.list(ChildList { table, columns, values: key.clone() });
            }
        }
    }

    /// Carries out what the foreign keys that refer to the removed rows declare, and so on downwards.
    pub(super) fn carry_removals(&mut self) {
        let mut next = 0;
        while let Some(id) = self.removed.get(next).cloned()
            && next <= self.request.rows_max
        {
            for referrer in self.engine.facts.referrers(id.table) {
                self.carry_removal(&id, referrer);
            }
            next += 1;
        }
    }

    fn carry_removal(&mut self, id: &RowId, referrer: &Referrer) {
        if !self.carries(referrer) {
            return;
        }
        match referrer.on_delete {
            Action::Cascade => self.remove_children(id, referrer),
            Action::SetNull => self.set_children(id, referrer, |_| Some(Value::Null)),
            Action::SetDefault => self.default_children(id, referrer),
            Action::NoAction | Action::Restrict => {}
        }
    }

    /// Whether the engine does to the children what the foreign key declares. Else the database does: no rule looks, and no other
    /// operation can meet them. (A default may be the very row that goes.)
    fn carries(&self, referrer: &Referrer) -> bool {
        let facts = self.engine.facts;
        let matters = match referrer.on_delete {
            Action::Cascade => facts.carries_removals(referrer.child),
            Action::SetDefault => true,
            _ => facts.matters(referrer.child, &referrer.set),
        };
        matters || self.request.operations.len() > 1
    }

    fn remove_children(&mut self, id: &RowId, referrer: &Referrer) {
        for child in self.children_left(id, referrer.child, referrer.relationship) {
            let hold = self.hold_to_remove(child.table);
            if self.hold(&child, hold) {
                self.remove(&child);
            }
        }
    }

    fn default_children(&mut self, id: &RowId, referrer: &Referrer) {
        let child = RowId::existing(referrer.child, Vec::new());
        let known: Vec<(ColumnId, Option<Value>)> =
            referrer.set.iter().map(|c| (*c, self.database_default(&child, *c))).collect();
        if known.iter().all(|(_, value)| value.is_some()) {
            self.set_children(id, referrer, |c| {
                known.iter().find(|(k, _)| *k == c).and_then(|(_, v)| v.clone())
            });
        }
    }

    fn set_children(&mut self, id: &RowId, referrer: &Referrer, value: impl Fn(ColumnId) -> Option<Value>) {
        for child in self.children_left(id, referrer.child, referrer.relationship) {
            let hold = self.hold_to_set(child.table, &referrer.set);
            if self.hold(&child, hold) {
                for column in &referrer.set {
                    self.put(&child, *column, value(*column).unwrap_or(Value::Null));
                }
            }
        }
    }

    /// Refuses to remove rows that others still refer to. (The database would refuse too; SQLite without saying who.)
    pub(super) fn check_references(&mut self) {
        let tables: BTreeSet<TableId> = self.removed.iter().map(|id| id.table).collect();
        let facts = self.engine.facts;
        for table in tables {
            for referrer in facts.referrers(table).iter().filter(|r| r.may_refuse()) {
                self.check_referrer(table, referrer);
            }
        }
    }

    fn check_referrer(&mut self, table: TableId, referrer: &Referrer) {
        let (by, relationship) = (referrer.child, referrer.relationship);
        let except = self.leaving(referrer);
        let removed: Vec<RowId> = self.removed.iter().filter(|id| id.table == table).cloned().collect();
        for id in removed {
            let Some(key) = id.key().cloned() else { continue };
            let of = Of::Referrers(by, relationship);
            let stay = self.extreme_left(Extreme { table, of, key, except: except.clone() });
            if stay == Some(Value::Bool(true)) {
                self.violate(id, Reason::StillReferenced { by, relationship });
            }
        }
    }

    /// The rows that go or leave their parents.
    fn leaving(&self, referrer: &Referrer) -> Vec<Key> {
        let leaves = |(id, touched): &(&RowId, &Touched)| {
            id.table == referrer.child && touched.changed_any(&referrer.columns)
        };
        let mut leaving: Vec<Key> =
            self.touched.iter().filter(leaves).filter_map(|(id, _)| id.key().cloned()).collect();
        leaving.sort();
        leaving
    }

    /// Every row that a foreign key was set to must exist, or be added; MySQL locks it, so it takes its place in the lock order. Where the
    /// model file alone declares the foreign key, nobody else keeps the row from being removed meanwhile: it is held as one that a rule reads.
    pub(super) fn look_for_related(&mut self) {
        let mut wanted: Vec<(RowId, RelationshipId)> = Vec::new();
        for (id, touched) in &self.touched {
            let table = &self.engine.schema[id.table];
            let set = table
                .relationships()
                .filter(|(_, r)| r.to_one() && touched.after.is_some() && touched.changed_any(&r.columns));
            wanted.extend(set.map(|(relationship, _)| (id.clone(), relationship)));
        }
        for (id, relationship) in wanted {
            let table = &self.engine.schema[id.table];
            let readers = match table.enforces(&table[relationship]) {
                true => ReadersLock::None,
                false => ReadersLock::Read,
            };
            let hold = Hold { row: RowLock::Referenced, readers };
            let missing = match self.parent(&id, relationship, hold) {
                None | Some(Found::Unknown) => false,
                Some(Found::Absent) => true,
                Some(Found::Row(parent)) => self.image(&parent).is_none(),
            };
            if missing {
                self.create_or_refuse(id, relationship);
            }
        }
    }
}
