//! Stamps: set when a row comes, and when the request changes something of it that no rule sets.

use super::attempt::{Attempt, Touched};
use crate::change::RowId;
use crate::expr::Expr;
use crate::rule::{Derivation, Operations};

impl Attempt<'_> {
    /// Notes the rows that the request itself changes, before rules move anything: what foreign keys carry along is its doing too.
    pub(super) fn note_moved(&mut self) {
        let facts = self.engine.facts;
        let moved = |(id, touched): &(&RowId, &Touched)| {
            !touched.is_new() && touched.after.is_some() && touched.changed_any(facts.watched(id.table))
        };
        self.moved = self.touched.iter().filter(moved).map(|(id, _)| id.clone()).collect();
    }

    pub(super) fn stamp(&mut self, derivation: &Derivation, expr: &Expr, operations: Operations) {
        for id in self.touched_in(derivation.table) {
            if self.is_due(&id, operations) {
                self.compute(derivation, expr, &id);
            }
        }
    }

    /// Whether a row is to be stamped.
    pub(super) fn is_due(&self, id: &RowId, operations: Operations) -> bool {
        match self.touched.get(id).filter(|touched| touched.after.is_some()) {
            None => false,
            Some(touched) if touched.is_new() => operations.insert,
            Some(_) => operations.update && self.moved.contains(id),
        }
    }
}
