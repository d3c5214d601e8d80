//! Aggregates, adjusted by what their touched children gave before and give now; never by reading all children.
//!
//! Sums and counts move by the difference; how the others move is in `extreme`.

use std::collections::BTreeMap;

use dialects::{Decimal, Value};

use super::attempt::{Attempt, Found, Touched};
use super::rows::Finder;
use super::scope::{At, RowScope};
use crate::change::{Image, Reason, RowId};
use crate::expr::eval::{self, EvalError};
use crate::rule::{Aggregate, AggregateFunction, Derivation};

/// What a row gives to an aggregate: to which parent, and what.
pub(super) type Contribution = Option<(Finder, Value)>;

impl Attempt<'_> {
    pub(super) fn aggregate(&mut self, derivation: &Derivation, aggregate: &Aggregate) {
        for id in self.touched_in(derivation.table) {
            if self.touched.get(&id).is_some_and(Touched::is_new) {
                self.settle(derivation, &id, aggregate.function.of_none());
            }
        }
        self.aggregate_anew(derivation, aggregate);
        match aggregate.function {
            AggregateFunction::Sum(_) | AggregateFunction::Count => self.total(derivation, aggregate),
            AggregateFunction::Min(_) | AggregateFunction::Max(_) | AggregateFunction::Exists => {
                self.extremes(derivation, aggregate);
            }
        }
    }

    fn total(&mut self, derivation: &Derivation, aggregate: &Aggregate) {
        for (parent, difference) in self.differences(derivation, aggregate) {
            if difference != 0 {
                self.adjust(derivation, parent, difference);
            }
        }
    }

    /// By how much each parent moves, summed over all touched children.
    fn differences(&mut self, derivation: &Derivation, aggregate: &Aggregate) -> BTreeMap<Finder, Decimal> {
        let mut differences: BTreeMap<Finder, Decimal> = BTreeMap::new();
        for id in self.touched_in(aggregate.child) {
            let Some((before, after)) = self.contributions(derivation, aggregate, &id) else { continue };
            for (contribution, sign) in [(before, -1), (after, 1)] {
                let Some((parent, value)) = contribution else { continue };
                match amount(&value) {
                    Ok(amount) => *differences.entry(parent).or_default() += amount * sign,
                    Err(error) => self.uncomputable(&derivation.name, &id, &error),
                }
            }
        }
        differences
    }

    /// What a row gave and gives. `None`: it cannot be told (yet); an error is noted.
    pub(super) fn contributions(
        &mut self,
        derivation: &Derivation,
        aggregate: &Aggregate,
        id: &RowId,
    ) -> Option<(Contribution, Contribution)> {
        let touched = self.touched.get(id)?;
        let before = touched.before.as_ref().map(|image| self.contribution(aggregate, id, image));
        let after = touched.after.as_ref().map(|image| self.contribution(aggregate, id, image));
        match (before.transpose(), after.transpose()) {
            (Ok(before), Ok(after)) => Some((before.flatten(), after.flatten())),
            (Err(error), _) | (_, Err(error)) => {
                self.foresee(derivation, aggregate, id);
                self.uncomputable(&derivation.name, id, &error);
                None
            }
        }
    }

    fn contribution(
        &self,
        aggregate: &Aggregate,
        id: &RowId,
        image: &Image,
    ) -> Result<Contribution, EvalError> {
        let Some(parent) = self.parent_finder(id.table, image, aggregate.parent) else { return Ok(None) };
        if let Some(filter) = &aggregate.filter {
            let scope = RowScope { attempt: self, id, image, at: At::After };
            if eval::truth(filter, &scope)? != Some(true) {
                return Ok(None);
            }
        }
        Ok(Some((parent, self.given(aggregate, image)?)))
    }

    /// What a child that counts gives.
    fn given(&self, aggregate: &Aggregate, image: &Image) -> Result<Value, EvalError> {
        let Some(column) = aggregate.column() else {
            return Ok(match aggregate.function {
                AggregateFunction::Exists => Value::Bool(true),
                _ => Value::Int(1),
            });
        };
        match image.value(column) {
            Some(Value::Drawn(_)) => Err(EvalError::Drawn),
            Some(value) => Ok(value.clone()),
            None => {
                let table = &self.engine.schema[aggregate.child];
                Err(EvalError::Missing(format!("{}.{}", table.name, table[column].name)))
            }
        }
    }

    /// Asks for the parents of a row of which it cannot be told yet what it gives: they will most likely move, and a lock
    /// that is asked for too weakly now would have to be made firmer later, which deadlocks.
    fn foresee(&mut self, derivation: &Derivation, aggregate: &Aggregate, id: &RowId) {
        let Some(Touched { before, after }) = self.touched.get(id).cloned() else { return };
        let hold = self.hold_to_set(derivation.table, &[derivation.column]);
        for image in before.iter().chain(&after) {
            self.parent_of(id.table, image, aggregate.parent, hold);
        }
    }

    fn adjust(&mut self, derivation: &Derivation, parent: Finder, difference: Decimal) {
        let hold = self.hold_to_set(derivation.table, &[derivation.column]);
        let Found::Row(id) = self.row(parent, hold) else { return };
        let Some(held) = self.image(&id).and_then(|image| image.value(derivation.column)) else { return };
        let before = match held {
            Value::Null => Some(Decimal::from(0)),
            value => value.decimal(),
        };
        match before {
            Some(before) => self.settle(derivation, &id, Value::Decimal(before + difference)),
            None => {
                let reason = Reason::Uncomputable {
                    rule: derivation.name.clone(),
                    why: "the stored value is not a number".into(),
                };
                self.violate(id, reason);
            }
        }
    }
}

/// What a value adds to a sum: null adds nothing.
fn amount(value: &Value) -> Result<Decimal, EvalError> {
    match value {
        Value::Null => Ok(Decimal::from(0)),
        value => value.decimal().ok_or(EvalError::NotANumber("another value")),
    }
}
