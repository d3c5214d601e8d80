//! A derived column computed anew from what it is derived from, whatever is stored: how data that was written behind the rules is mended.
//!
//! The rows are locked as for any write of the column, and only then is it looked what their inputs come to: an aggregate is read whole, in a
//! statement after the lock. What moves is carried on as any change is: sums above by the difference, formulas here and below. Nothing is
//! refused by a constraint: the value is wrong as it stands, whatever else is.
//!
//! Where derivations are mended in the order of [`crate::RuleSet::derivations`], each after all that it reads, everything is right in the end:
//! what one mends leaves those after it as wrong, by the same difference, as they were.

use super::attempt::{Attempt, Found};
use super::rows::{Extreme, Finder, Of};
use crate::change::{Key, Request, RowId};
use crate::policy::Actor;
use crate::rule::{Aggregate, Derivation};

/// Rows of which one derived column is computed anew.
#[derive(Clone, Debug)]
pub struct Mend {
    /// The rule: its index in [`crate::RuleSet::derivations`]. Formulas and aggregates can be computed anew; nothing else is.
    pub derivation: usize,
    /// The rows. Those that are gone are left out.
    pub keys: Vec<Key>,
    pub(super) request: Request,
}

impl Mend {
    /// `now` is in UTC; no more than `rows_max` rows are touched.
    pub fn new(derivation: usize, keys: Vec<Key>, now: chrono::NaiveDateTime, rows_max: usize) -> Self {
        let request =
            Request { operations: Vec::new(), now, actor: Actor::anonymous(), guard: None, rows_max };
        Self { derivation, keys, request }
    }
}

impl Attempt<'_> {
    /// Looks for the rows, held so that the column can be set.
    pub(super) fn take_up(&mut self) {
        let Some((mend, derivation)) = self.mending() else { return };
        let hold = self.hold_to_set(derivation.table, &[derivation.column]);
        for key in &mend.keys {
            let finder = Finder::by_key(self.engine.schema, derivation.table, key.clone());
            if let Found::Row(id) = self.row(finder, hold) {
                self.touch(&id);
            }
        }
    }

    /// The rows of which this derivation is computed anew, as far as they are known.
    pub(super) fn mended(&self, derivation: &Derivation) -> Vec<RowId> {
        let Some((mend, mended)) = self.mending() else { return Vec::new() };
        if !std::ptr::eq(mended, derivation) {
            return Vec::new();
        }
        let rows = mend.keys.iter().map(|key| RowId::existing(derivation.table, key.clone()));
        rows.filter(|id| self.touched.contains_key(id)).collect()
    }

    /// An aggregate over all children, as the database has them.
    pub(super) fn aggregate_anew(&mut self, derivation: &Derivation, aggregate: &Aggregate) {
        let Derivation { table, column, .. } = *derivation;
        for id in self.mended(derivation) {
            let Some(key) = id.key().cloned() else { continue };
            let whole = self.extreme_left(Extreme { table, of: Of::Rule(column), key, except: Vec::new() });
            if let Some(value) = whole {
                let none = value.is_null();
                self.settle(derivation, &id, if none { aggregate.function.of_none() } else { value });
            }
        }
    }
}
