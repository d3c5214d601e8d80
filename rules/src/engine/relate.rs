//! To-many relationships: a change of the rows at the other end becomes changes of their foreign keys, or rows of the join table that come and go.
//!
//! The row itself is held first, so that all who change the same relationship do so in turn. A row that is there already needs no lock and is
//! not touched; nor is one that is to leave and is not there.

use dialects::Value;
use dialects::value::Drawn;
use indexmap::IndexSet;
use introspect::schema::RelationshipKind;
use introspect::{ColumnId, RelationshipId, TableId};

use super::attempt::{Attempt, Found, Touched};
use super::rows::{ChildList, Finder, Hold, RowLock};
use crate::change::{Image, Membership, Reason, Relating, RowId, RowRef};
use crate::policy::Allowed;

/// The end of the relationship at which the rows with the foreign key are.
struct End<'r> {
    index: usize,
    relating: &'r Relating,
    /// Their table: the children's, or the join table.
    table: TableId,
    /// Their to-one relationship that leads back.
    back: RelationshipId,
    /// The relationship of the rows that are named, seen from them.
    inverse: RelationshipId,
    columns: Vec<ColumnId>,
    /// What they hold while they are there.
    values: Vec<Value>,
}

impl<'a> Attempt<'a> {
    pub(super) fn relate(&mut self, index: usize, id: &RowId, relating: &Relating) {
        let hold = self.hold_to_set(id.table, &[]);
        match self.target(index, id, hold) {
            Some(found) if !self.is_what_was_named(id, &found) => return,
            None if self.is_known(id) => return,
            _ => {}
        }
        let relationship = &self.engine.schema[id.table][relating.relationship];
        let Some(values) = self.reference(id, &relationship.columns) else { return };
        let end = |table: TableId, back: RelationshipId| {
            let columns = self.engine.schema[table][back].columns.clone();
            End { index, relating, table, back, inverse: relationship.inverse, columns, values }
        };
        match relationship.kind {
            RelationshipKind::ManyToMany { through, near, far } => {
                self.relate_through(&end(through, near), far);
            }
            _ => self.relate_children(&end(relationship.target, relationship.inverse)),
        }
    }

    fn relate_children(&mut self, end: &End<'_>) {
        let rows = &self.named_rows(end);
        let there = self.there(end);
        match end.relating.how {
            Membership::Remove => rows.iter().for_each(|row| self.leave(end, row)),
            Membership::Add | Membership::Replace => {
                there.iter().filter(|row| !rows.contains(row)).for_each(|row| self.leave(end, row));
                rows.iter().filter(|row| !there.contains(*row)).for_each(|row| self.come(end, row));
            }
        }
    }

    fn relate_through(&mut self, end: &End<'_>, far: RelationshipId) {
        let mut there = self.there(end);
        for row in &self.named_rows(end) {
            let Some(pair) = self.pair(end, far, row) else { continue };
            let stored = RowId::existing(end.table, pair.values.clone());
            match end.relating.how {
                Membership::Remove => {
                    if let Found::Row(joined) = self.row(pair, Hold::PLAIN)
                        && self.ties(&joined)
                    {
                        self.part(end, &joined);
                    }
                }
                _ if there.shift_remove(&stored) => self.paired.push((end.index, stored)),
                _ => {
                    if let Some(joined) = self.couple(end, row, pair) {
                        there.shift_remove(&joined);
                    }
                }
            }
        }
        for joined in &there {
            if self.is_shown_through(joined, far) {
                self.part(end, joined);
            }
        }
    }

    /// Whether the actor may see what a row of the join table ties, and the row that it leads to; `false` while that is not known.
    fn is_shown_through(&mut self, joined: &RowId, far: RelationshipId) -> bool {
        if self.request.guard.is_none() {
            return true;
        }
        if !self.hold(joined, Hold::PLAIN) || !self.ties(joined) {
            return false;
        }
        match self.parent(joined, far, Hold::PLAIN) {
            None | Some(Found::Absent) => true,
            Some(Found::Unknown) => false,
            Some(Found::Row(row)) => self.is_shown(&row) == Some(true),
        }
    }

    /// The rows that the request names, less those that the actor may not see: they are refused as if they did not exist, whether or not they
    /// are there already.
    fn named_rows(&mut self, end: &End<'_>) -> Vec<RowId> {
        let mut rows = Vec::new();
        for row in &end.relating.rows {
            match self.is_shown(row) {
                Some(false) if end.relating.how != Membership::Remove => {
                    self.violate(row.clone(), Reason::NotFound);
                }
                Some(true) => rows.push(row.clone()),
                _ => {}
            }
        }
        rows
    }

    /// The rows that are there now, where all of them matter: those that the database lists and that this request has not moved away, and those
    /// that it has brought.
    fn there(&mut self, end: &End<'_>) -> IndexSet<RowId> {
        let mut there = IndexSet::new();
        if end.relating.how != Membership::Replace {
            return there;
        }
        if !end.values.iter().any(|value| matches!(value, Value::Drawn(_))) {
            let (table, columns, values) = (end.table, end.columns.clone(), end.values.clone());
            let listed = self.list(ChildList { table, columns, values }).unwrap_or_default();
            self.crowded |= listed.len() > self.request.rows_max;
            there.extend(listed.into_iter().filter(|id| !self.touched.contains_key(id)));
        }
        let brought = self.touched.iter().filter(|(id, touched)| {
            let image = touched.after.as_ref().filter(|_| id.table == end.table);
            image.and_then(|image| image.values(&end.columns)).as_ref() == Some(&end.values)
        });
        there.extend(brought.map(|(id, _)| id.clone()));
        there
    }

    // ---- rows with the foreign key

    fn come(&mut self, end: &End<'_>, row: &RowId) {
        let firm = self.hold_to_set(end.table, &self.set_with(end, &end.columns));
        let hold = if self.is_there(end, row) { Hold::PLAIN } else { firm };
        if self.member(end, row, hold) != Found::Row(row.clone()) || self.is_there(end, row) {
            return;
        }
        if !end.relating.comes || end.values.contains(&Value::Null) {
            return self.cannot_come(end, row);
        }
        self.related.push((end.index, row.clone()));
        for (column, value) in end.columns.iter().zip(&end.values) {
            self.put(row, *column, value.clone());
        }
        self.preset(end, row);
    }

    /// Columns that are set, and those that are set in the client's place with them.
    fn set_with(&self, end: &End<'_>, columns: &[ColumnId]) -> Vec<ColumnId> {
        let presets = self.presets(end).map(|(column, _)| *column);
        columns.iter().copied().chain(presets).collect()
    }

    /// What is set in the client's place where a row comes or leaves that is there already: it is changed.
    fn preset(&mut self, end: &End<'_>, row: &RowId) {
        if self.touched.get(row).is_some_and(Touched::is_new) {
            return;
        }
        for (column, value) in self.presets(end) {
            self.put(row, *column, value.clone());
        }
    }

    fn presets(&self, end: &End<'_>) -> impl Iterator<Item = (&'a ColumnId, &'a Value)> + use<'a> {
        let allowed = self.request.guard.as_ref().and_then(|guard| guard.operations.get(end.index));
        allowed.into_iter().flat_map(Allowed::presets)
    }

    /// A row that the actor may not see stays where it is.
    fn leave(&mut self, end: &End<'_>, row: &RowId) {
        if self.is_shown(row) != Some(true) {
            return;
        }
        let released = self.engine.schema[end.table].released(&end.columns);
        let firm = self.hold_to_set(end.table, &self.set_with(end, &released));
        let hold = if self.is_there(end, row) || self.image(row).is_none() { firm } else { Hold::PLAIN };
        if !self.hold(row, hold) || !self.is_there(end, row) {
            return;
        }
        if !end.relating.leaves {
            return self.cannot_leave(end, row);
        }
        self.related.push((end.index, row.clone()));
        for column in released {
            self.put(row, column, Value::Null);
        }
        self.preset(end, row);
    }

    /// Whether a row, as far as it is known, is there.
    fn is_there(&self, end: &End<'_>, row: &RowId) -> bool {
        self.image(row).and_then(|image| image.values(&end.columns)).as_ref() == Some(&end.values)
    }

    // ---- rows of the join table

    /// What names the row of the join table for a row at the far end; `None`: not known yet.
    fn pair(&mut self, end: &End<'_>, far: RelationshipId, row: &RowId) -> Option<Finder> {
        let schema = self.engine.schema;
        let far = &schema[end.table][far];
        let far_values = self.reference(row, &far.target_columns)?;
        let pairs = || end.columns.iter().zip(&end.values).chain(far.columns.iter().zip(&far_values));
        let value = |key: &ColumnId| pairs().find(|(column, _)| *column == key).map(|(_, v)| v.clone());
        let key = schema[end.table].key.iter().map(value).collect::<Option<Vec<Value>>>()?;
        Some(Finder::by_key(schema, end.table, key))
    }

    /// The row of the join table, which comes where it is not there. `None`: not known yet, or it cannot come.
    fn couple(&mut self, end: &End<'_>, row: &RowId, pair: Finder) -> Option<RowId> {
        let member = self.member(end, row, Hold::row(RowLock::Referenced));
        match self.row(pair.clone(), Hold::PLAIN) {
            Found::Row(joined) => {
                self.restore(&joined, &pair);
                self.paired.push((end.index, joined.clone()));
                Some(joined)
            }
            Found::Unknown => None,
            Found::Absent => {
                if !end.relating.comes || pair.values.contains(&Value::Null) {
                    self.cannot_come(end, row);
                } else if member != Found::Absent {
                    self.missing.insert(pair.sorted());
                }
                None
            }
        }
    }

    /// Brings back a row of the join table that an operation before has removed.
    fn restore(&mut self, joined: &RowId, pair: &Finder) {
        let Some(touched) = self.touched.get_mut(joined).filter(|touched| touched.after.is_none()) else {
            return;
        };
        touched.after = touched.before.clone();
        if touched.after.is_none() {
            let mut image = Image::empty(self.engine.schema[joined.table].columns.len());
            pair.columns.iter().zip(&pair.values).for_each(|(c, value)| image.set(*c, value.clone()));
            touched.after = Some(image);
        }
        self.removed.retain(|id| id != joined);
    }

    fn part(&mut self, end: &End<'_>, joined: &RowId) {
        if !end.relating.leaves {
            return self.cannot_leave(end, joined);
        }
        let hold = self.hold_to_remove(end.table);
        if self.hold(joined, hold) {
            self.paired.push((end.index, joined.clone()));
            self.remove(joined);
        }
    }

    fn cannot_come(&mut self, end: &End<'_>, row: &RowId) {
        self.violate(row.clone(), Reason::Unmovable { relationship: end.inverse, leaving: false });
    }

    fn cannot_leave(&mut self, end: &End<'_>, row: &RowId) {
        self.violate(row.clone(), Reason::Unmovable { relationship: end.back, leaving: true });
    }

    // ---- looking

    /// A row that is to be at the other end. One that does not exist, or that the request removes, is refused.
    fn member(&mut self, end: &End<'_>, row: &RowId, hold: Hold) -> Found {
        let found = match &row.row {
            RowRef::Existing(key) => {
                self.row(Finder::by_key(self.engine.schema, row.table, key.clone()), hold)
            }
            _ => Found::Row(row.clone()),
        };
        match found {
            Found::Unknown => Found::Unknown,
            Found::Row(id) if id == *row && self.image(row).is_some() => Found::Row(id),
            Found::Row(id) if id == *row => {
                self.violate(id, Reason::Removed { operation: end.index });
                Found::Absent
            }
            // A row of another spelling is none that the request names.
            Found::Absent | Found::Row(_) => {
                self.violate(row.clone(), Reason::NotFound);
                Found::Absent
            }
        }
    }

    fn is_known(&self, id: &RowId) -> bool {
        let finder = id.key().map(|key| Finder::by_key(self.engine.schema, id.table, key.clone()));
        finder.is_none_or(|finder| self.rows.find(&finder).is_some())
    }

    /// What a foreign key to some columns of a row holds: of a new row it may still have to be drawn. `None`: not known yet.
    fn reference(&mut self, id: &RowId, columns: &[ColumnId]) -> Option<Vec<Value>> {
        let known: Option<Vec<Value>> = columns.iter().map(|column| self.referred(id, *column)).collect();
        if let (None, Some(key)) = (&known, id.key()) {
            self.row(Finder::by_key(self.engine.schema, id.table, key.clone()), Hold::PLAIN);
        }
        known
    }

    fn referred(&self, id: &RowId, column: ColumnId) -> Option<Value> {
        let image = self.image(id).or_else(|| self.image_before(id));
        let of_key = |key: &Vec<Value>| {
            let place = self.engine.schema[id.table].key.iter().position(|c| *c == column)?;
            key.get(place).cloned()
        };
        match (image.and_then(|image| image.value(column)), &id.row) {
            (Some(value), _) => Some(value.clone()),
            (None, RowRef::Existing(key)) => of_key(key),
            (None, RowRef::New(row)) => Some(Value::Drawn(Drawn { row: *row, column: column.0 })),
            (None, RowRef::Created(_)) => None,
        }
    }
}
