//! Downwards: which rows a rule must look at, because of their own change or of one above them.

use indexmap::IndexSet;
use introspect::{ColumnId, RelationshipId, TableId};

use super::attempt::Attempt;
use crate::change::RowId;
use crate::expr::Place;

impl Attempt<'_> {
    /// The rows of a table of which an input changed: new ones, those with a changed column of their own, and those below a row whose
    /// changed column the places lead to. Each once.
    pub(super) fn affected(&mut self, table: TableId, places: &[Place]) -> IndexSet<RowId> {
        let mut ids = self.affected_itself(table, places);
        for place in places.iter().filter(|place| !place.path.is_empty()) {
            ids.extend(self.below_changes(table, place));
        }
        ids
    }

    /// The rows of a table that are new or of which a column of their own changed that the places read.
    pub(super) fn affected_itself(&self, table: TableId, places: &[Place]) -> IndexSet<RowId> {
        let own = self.own_inputs(table, places);
        let moved = |id: &RowId| {
            self.touched.get(id).is_some_and(|t| t.after.is_some() && (t.is_new() || t.changed_any(&own)))
        };
        self.touched_in(table).into_iter().filter(moved).collect()
    }

    /// A row's own columns that the places read: theirs, and the foreign keys they start with.
    pub(super) fn own_inputs(&self, table: TableId, places: &[Place]) -> Vec<ColumnId> {
        let schema = self.engine.schema;
        let mut columns = Vec::new();
        for place in places {
            match place.path.first() {
                None => columns.push(place.column),
                Some(relationship) => columns.extend(&schema[table][*relationship].columns),
            }
        }
        columns
    }

    /// The rows of a table below rows that changed along a place's path.
    fn below_changes(&mut self, table: TableId, place: &Place) -> IndexSet<RowId> {
        let schema = self.engine.schema;
        let mut tables = vec![table];
        for relationship in &place.path {
            if let Some(last) = tables.last() {
                tables.push(schema[*last][*relationship].target);
            }
        }
        let mut below = IndexSet::new();
        for (hops, there) in tables.iter().enumerate().skip(1) {
            let inputs = match place.path.get(hops) {
                None => vec![place.column],
                Some(next) => schema[*there][*next].columns.clone(),
            };
            let changed = self.changed_in(*there, &inputs);
            below.extend(self.descend(changed, &tables, &place.path, hops));
        }
        below
    }

    /// Rows of a table that were there before, are there now, and differ in one of the columns.
    fn changed_in(&self, table: TableId, columns: &[ColumnId]) -> Vec<RowId> {
        let differs = |id: &RowId| {
            self.touched
                .get(id)
                .is_some_and(|t| t.before.is_some() && t.after.is_some() && t.changed_any(columns))
        };
        self.touched_in(table).into_iter().filter(differs).collect()
    }

    /// From rows `hops` relationships up, back down to the rows at the start of the path.
    fn descend(
        &mut self,
        changed: Vec<RowId>,
        tables: &[TableId],
        path: &[RelationshipId],
        hops: usize,
    ) -> Vec<RowId> {
        let mut level = changed;
        for hop in (0..hops).rev() {
            let (Some(table), Some(relationship)) = (tables.get(hop), path.get(hop)) else { break };
            level = self.children(&level, *table, *relationship).into_iter().collect();
        }
        level
    }
}
