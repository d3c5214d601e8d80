//! Steps: a column moved once, from the row before the transaction to the row after it, when something that the formula reads changed.

use dialects::Value;

use super::attempt::{Attempt, Touched};
use crate::change::{Reason, RowId};
use crate::expr::Expr;
use crate::rule::Derivation;

impl Attempt<'_> {
    pub(super) fn step(&mut self, derivation: &Derivation, expr: &Expr) {
        let inputs = expr.places_beside_old(derivation.column);
        for id in self.affected(derivation.table, &inputs) {
            if !self.touched.get(&id).is_some_and(Touched::is_new) {
                self.take_step(derivation, expr, &id);
            }
        }
    }

    /// What the request sets must be what the step comes to: one of the two would be lost.
    fn take_step(&mut self, derivation: &Derivation, expr: &Expr, id: &RowId) {
        let given = self.set_by_request(derivation, id);
        self.compute(derivation, expr, id);
        let Some(given) = given else { return };
        if self.image(id).and_then(|image| image.value(derivation.column)) != Some(&given) {
            self.violate(id.clone(), Reason::Stepped { column: derivation.column });
        }
    }

    /// The value that the request sets, where it is not the one that the row has.
    fn set_by_request(&self, derivation: &Derivation, id: &RowId) -> Option<Value> {
        let touched = self.touched.get(id).filter(|touched| touched.changed(derivation.column))?;
        touched.after.as_ref()?.value(derivation.column).cloned()
    }
}
