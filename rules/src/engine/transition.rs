//! Transitions, judged after the chain has settled: where a column came from, net over the transaction, and where it went.

use dialects::Value;

use super::attempt::Attempt;
use crate::change::{Reason, RowId};
use crate::expr::eval::EvalError;
use crate::rule::Transition;

impl Attempt<'_> {
    pub(super) fn check_transitions(&mut self) {
        let rules = self.engine.rules;
        for (index, transition) in rules.transitions.iter().enumerate() {
            for id in self.touched_in(transition.table) {
                self.check_transition(index, transition, &id);
            }
            self.explain_transition(index, transition);
        }
    }

    fn check_transition(&mut self, index: usize, transition: &Transition, id: &RowId) {
        let Some(touched) = self.touched.get(id) else { return };
        let column = transition.column;
        let Some(after) = &touched.after else { return };
        let from: Option<Value> = touched.before.as_ref().and_then(|image| image.value(column)).cloned();
        match after.value(column).cloned() {
            None => {
                let table = &self.engine.schema[id.table];
                let missing = EvalError::Missing(format!("{}.{}", table.name, table[column].name));
                self.uncomputable(&transition.name, id, &missing);
            }
            Some(to) if transition.allows(from.as_ref(), &to) => {}
            Some(to) => self.violate(id.clone(), Reason::Transition { transition: index, from, to }),
        }
    }
}
