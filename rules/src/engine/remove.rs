//! Removals: what foreign keys do to the rows below, so that their rules fire too, and what forbids them.

use dialects::Value;
use introspect::schema::Action;
use introspect::{ColumnId, RelationshipId, TableId};

use super::attempt::{Attempt, Found};
use super::facts::Referrer;
use super::rows::{ChildList, Finder, Hold};
use crate::change::{Reason, RowId};

impl Attempt<'_> {
    /// Removes a row and carries out what the foreign keys that refer to it declare.
    pub(super) fn remove(&mut self, id: &RowId) {
        self.touch(id);
        let Some(touched) = self.touched.get_mut(id) else { return };
        if touched.after.take().is_none() {
            return;
        }
        let facts = self.engine.facts;
        for referrer in facts.referrers(id.table) {
            match referrer.on_delete {
                Action::Cascade if facts.removal_matters(referrer.child) => {
                    self.remove_children(id, referrer)
                }
                Action::SetNull if facts.matters(referrer.child, &referrer.columns) => {
                    self.set_children(id, referrer, |_| Some(Value::Null))
                }
                Action::SetDefault if facts.matters(referrer.child, &referrer.columns) => {
                    self.default_children(id, referrer)
                }
                _ => {}
            }
        }
    }

    fn remove_children(&mut self, id: &RowId, referrer: &Referrer) {
        for child in self.children(id, referrer.child, referrer.relationship).unwrap_or_default() {
            let hold = self.hold_to_remove(child.table);
            if self.hold(&child, hold) {
                self.remove(&child);
            }
        }
    }

    fn default_children(&mut self, id: &RowId, referrer: &Referrer) {
        let known: Vec<(ColumnId, Option<Value>)> =
            referrer.columns.iter().map(|c| (*c, self.database_default(referrer.child, *c))).collect();
        if known.iter().all(|(_, value)| value.is_some()) {
            self.set_children(id, referrer, |c| {
                known.iter().find(|(k, _)| *k == c).and_then(|(_, v)| v.clone())
            });
        }
    }

    fn set_children(&mut self, id: &RowId, referrer: &Referrer, value: impl Fn(ColumnId) -> Option<Value>) {
        for child in self.children(id, referrer.child, referrer.relationship).unwrap_or_default() {
            let hold = self.hold_to_set(child.table, &referrer.columns);
            if self.hold(&child, hold) {
                for column in &referrer.columns {
                    self.put(&child, *column, value(*column).unwrap_or(Value::Null));
                }
            }
        }
    }

    /// Holds a row of which the key is known; `false`: not known yet, or vanished meanwhile.
    pub(super) fn hold(&mut self, id: &RowId, hold: Hold) -> bool {
        match id.key() {
            None => true,
            Some(key) => {
                let finder = Finder::by_key(self.engine.schema, id.table, key.clone());
                matches!(self.row(finder, hold), Found::Row(_))
            }
        }
    }

    /// Refuses to remove rows that others still refer to. (The database would refuse too; SQLite without saying who.)
    pub(super) fn check_references(&mut self) {
        let removed: Vec<RowId> = self
            .touched
            .iter()
            .filter(|(_, t)| t.before.is_some() && t.after.is_none())
            .map(|(id, _)| id.clone())
            .collect();
        let facts = self.engine.facts;
        for id in &removed {
            for referrer in facts.referrers(id.table).iter().filter(|r| r.refuses()) {
                self.check_referrer(id, referrer.child, referrer.relationship);
            }
        }
    }

    fn check_referrer(&mut self, id: &RowId, child: TableId, relationship: RelationshipId) {
        let there = &self.engine.schema[child][relationship];
        let Some(values) = self.image_before(id).and_then(|image| image.values(&there.target_columns)) else {
            return;
        };
        let leaving =
            self.touched.iter().filter(|(id, t)| id.table == child && t.changed_any(&there.columns)).count();
        let list =
            ChildList { table: child, columns: there.columns.clone(), values, limit: Some(leaving + 1) };
        let Some(children) = self.list(list) else { return };
        let stays = |child: &RowId| self.touched.get(child).is_none_or(|t| !t.changed_any(&there.columns));
        if children.iter().any(stays) {
            self.violate(id.clone(), Reason::StillReferenced { by: child, relationship });
        }
    }

    /// Every row that a foreign key was set to must exist; MySQL locks it, so it takes its place in the lock order.
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
            let hold = Hold::row(super::RowLock::Referenced);
            if self.parent(&id, relationship, hold) == Some(Found::Absent) {
                self.violate(id, Reason::RelatedNotFound { relationship });
            }
        }
    }
}
