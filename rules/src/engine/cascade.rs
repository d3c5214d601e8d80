//! Downwards: which rows a rule must look at, because of their own change or of one above them.

use introspect::{ColumnId, RelationshipId, TableId};

use super::attempt::Attempt;
use crate::change::RowId;
use crate::expr::Place;

impl Attempt<'_> {
    /// The rows of a table of which an input changed: new ones, those with a changed column of their own, and those below a row whose
    /// changed column the places lead to. Each once.
    pub(super) fn affected(&mut self, table: TableId, places: &[Place]) -> Vec<RowId> {
        let own = self.own_inputs(table, places);
        let mut ids: Vec<RowId> = self.touched_in(table);
        ids.retain(|id| {
            self.touched.get(id).is_some_and(|t| t.after.is_some() && (t.is_new() || t.changed_any(&own)))
        });
        for place in places.iter().filter(|place| !place.path.is_empty()) {
            for below in self.below_changes(table, place) {
                if !ids.contains(&below) {
                    ids.push(below);
                }
            }
        }
        ids
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
    fn below_changes(&mut self, table: TableId, place: &Place) -> Vec<RowId> {
        let schema = self.engine.schema;
        let mut tables = vec![table];
        for relationship in &place.path {
            if let Some(last) = tables.last() {
                tables.push(schema[*last][*relationship].target);
            }
        }
        let mut below = Vec::new();
        for (hops, there) in tables.iter().enumerate().skip(1) {
            let inputs = match place.path.get(hops) {
                None => vec![place.column],
                Some(next) => schema[*there][*next].columns.clone(),
            };
            for id in self.changed_in(*there, &inputs) {
                below.extend(self.descend(id, &tables, &place.path, hops));
            }
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

    /// From a row `hops` relationships up, back down to the rows at the start of the path.
    fn descend(&mut self, id: RowId, tables: &[TableId], path: &[RelationshipId], hops: usize) -> Vec<RowId> {
        let mut level = vec![id];
        for hop in (0..hops).rev() {
            let (Some(table), Some(relationship)) = (tables.get(hop), path.get(hop)) else { break };
            level = level
                .iter()
                .flat_map(|parent| self.children(parent, *table, *relationship).unwrap_or_default())
                .collect();
        }
        level
    }
}
