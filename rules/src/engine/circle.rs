//! New rows that refer to each other, and the order in which that lets them come.
//!
//! Each stands after those it refers to. What has no order is refused: two employees of whom each is the other's boss do not come in one
//! request, whether the database draws their keys or the client gives them.

use std::collections::HashMap;

use dialects::Value;

use super::attempt::Attempt;
use super::order::level::{Before, Reference, circling, levels, references};
use crate::change::{Image, Reason, RowId};

/// How far behind others a new row is written, where the order of the tables does not tell.
pub(super) type Levels = HashMap<RowId, u32>;

impl Attempt<'_> {
    /// The order of the new rows; refuses those that have none.
    pub(super) fn order_new_rows(&mut self) -> Levels {
        let references = self.references_of_new_rows();
        let order: Vec<Before> = references.iter().map(|reference| self.comes_before(reference)).collect();
        let ids: Vec<RowId> = self.new_rows().map(|(id, _)| id.clone()).collect();
        let circle = circling(&ids, &order);
        let turns = |r: &&Reference<'_>| circle.contains(&&r.from) && circle.contains(&&r.to);
        let blamed = references.iter().find(turns).map(|r| (r.from.clone(), r.key.columns.first().copied()));
        if let Some((id, Some(column))) = blamed {
            self.violate(id, Reason::Circle { column });
        }
        levels(&ids, &order)
    }

    fn new_rows(&self) -> impl Iterator<Item = (&RowId, &Image)> {
        let new = self.touched.iter().filter(|(_, touched)| touched.is_new());
        new.filter_map(|(id, touched)| Some((id, touched.after.as_ref()?)))
    }

    /// Those that the database looks at when a row is written. A row may refer to itself by a key that is known: then it is there.
    fn references_of_new_rows(&self) -> Vec<Reference<'_>> {
        let rows: Vec<(&RowId, &Image)> = self.new_rows().collect();
        let mut references = references(self.engine.schema, &rows);
        references
            .retain(|r| self.refers_by_drawn(r) || (r.from != r.to && r.key.enforced && !r.key.deferred));
        references
    }

    /// Whether a foreign key holds what is still to be drawn.
    fn refers_by_drawn(&self, reference: &Reference<'_>) -> bool {
        let values = self.image(&reference.from).and_then(|image| image.values(&reference.key.columns));
        values.is_some_and(|values| values.iter().any(|value| matches!(value, Value::Drawn(_))))
    }

    fn comes_before(&self, reference: &Reference<'_>) -> Before {
        let rank = |id: &RowId| self.engine.facts.parents_first(id.table);
        let behind = rank(&reference.to) >= rank(&reference.from);
        Before { first: reference.to.clone(), then: reference.from.clone(), levels: u32::from(behind) }
    }
}
