//! The least, the greatest, and whether there is one: decided from the parent's locked value where that tells enough.
//!
//! Who comes, or moves towards the extreme, is compared with what the parent holds. Only where somebody leaves who held the extreme (of
//! `exists`: who counted), and nobody who is touched takes the place, the database is asked, for the children that this transaction leaves
//! alone; those that it touches count by their images. Every change of what a child gives locks the parent, also one that leaves the extreme
//! as it is: else the answer could be one that another transaction is about to change.
//!
//! With children of 10, 9 and 8: a new 7 needs nothing, a new 12 makes 12, without the 9 it stays 10, without the 10 the rest is asked for.
//!
//! A stored null means that no child counts. Where it was never verified, what comes first stands until somebody leaves.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use dialects::Value;
use indexmap::IndexMap;

use super::attempt::{Attempt, Found};
use super::rows::{Extreme, Finder, Of};
use crate::change::{Key, RowId};
use crate::expr::eval::{self, EvalError};
use crate::rule::{Aggregate, AggregateFunction, Derivation};

/// What the touched children of one parent gave it, and what they give it now, without the nulls.
#[derive(Default)]
struct Moves {
    gone: Vec<Value>,
    here: Vec<Value>,
    /// Who gave, as far as the database knows them.
    givers: Vec<Key>,
}

/// How values rank: the extreme ranks highest.
#[derive(Clone, Copy)]
struct Ranking(AggregateFunction);

impl Attempt<'_> {
    pub(super) fn extremes(&mut self, derivation: &Derivation, aggregate: &Aggregate) {
        let by_finder = self.moves(derivation, aggregate);
        for (parent, moves) in self.by_parent(derivation, by_finder) {
            match self.extreme(derivation, aggregate.function, &parent, moves) {
                Ok(Some(value)) => self.settle(derivation, &parent, value),
                Ok(None) => {}
                Err(error) => self.uncomputable(&derivation.name, &parent, &error),
            }
        }
    }

    /// What moves, by what names the parent.
    fn moves(&mut self, derivation: &Derivation, aggregate: &Aggregate) -> BTreeMap<Finder, Moves> {
        let mut moves: BTreeMap<Finder, Moves> = BTreeMap::new();
        for id in self.touched_in(aggregate.child) {
            let Some((before, after)) = self.contributions(derivation, aggregate, &id) else { continue };
            if before == after {
                continue;
            }
            if let Some((parent, value)) = before.filter(|(_, value)| !value.is_null()) {
                let moves = moves.entry(parent).or_default();
                moves.gone.push(value);
                moves.givers.extend(id.key().cloned());
            }
            if let Some((parent, value)) = after.filter(|(_, value)| !value.is_null()) {
                moves.entry(parent).or_default().here.push(value);
            }
        }
        moves
    }

    /// Likewise by the parent itself, locked: a collation may let several names mean one row.
    fn by_parent(
        &mut self,
        derivation: &Derivation,
        by_finder: BTreeMap<Finder, Moves>,
    ) -> IndexMap<RowId, Moves> {
        let hold = self.hold_to_set(derivation.table, &[derivation.column]);
        let mut by_parent: IndexMap<RowId, Moves> = IndexMap::new();
        for (finder, moves) in by_finder {
            let Found::Row(parent) = self.row(finder, hold) else { continue };
            let all = by_parent.entry(parent).or_default();
            all.gone.extend(moves.gone);
            all.here.extend(moves.here);
            all.givers.extend(moves.givers);
        }
        by_parent
    }

    /// What the parent comes to hold. `None`: it is gone, or that is not known yet.
    fn extreme(
        &mut self,
        derivation: &Derivation,
        function: AggregateFunction,
        parent: &RowId,
        moves: Moves,
    ) -> Result<Option<Value>, EvalError> {
        let Some(held) = self.image(parent).and_then(|image| image.value(derivation.column)) else {
            return Ok(None);
        };
        let ranking = Ranking(function);
        let held = ranking.or_null(held.clone());
        let (gone, here) = (ranking.highest(moves.gone)?, ranking.highest(moves.here)?);
        let stays = gone.is_null() || ranking.order(&held, &gone)? == Some(Ordering::Greater);
        let replaced = ranking.order(&here, &held)?.is_some_and(Ordering::is_ge);
        let rest = match stays || replaced {
            true => Some(held),
            false => self.rest(derivation, parent, moves.givers),
        };
        let Some(rest) = rest else { return Ok(None) };
        let value = ranking.higher(ranking.or_null(rest), here)?;
        Ok(Some(if value.is_null() { function.of_none() } else { value }))
    }

    /// The extreme of those that are not touched. `None`: not known yet.
    fn rest(&mut self, derivation: &Derivation, parent: &RowId, mut givers: Vec<Key>) -> Option<Value> {
        let Some(key) = parent.key().cloned() else { return Some(Value::Null) };
        givers.sort();
        let Derivation { table, column, .. } = *derivation;
        self.extreme_left(Extreme { table, of: Of::Rule(column), key, except: givers })
    }
}

impl Ranking {
    /// Which of two ranks higher; `None` when either is null.
    fn order(self, a: &Value, b: &Value) -> Result<Option<Ordering>, EvalError> {
        let order = eval::order(a, b)?;
        Ok(match self.0 {
            AggregateFunction::Min(_) => order.map(Ordering::reverse),
            _ => order,
        })
    }

    /// The one that ranks higher; null ranks below all else.
    fn higher(self, a: Value, b: Value) -> Result<Value, EvalError> {
        Ok(match self.order(&a, &b)? {
            Some(Ordering::Less) => b,
            Some(_) => a,
            None if a.is_null() => b,
            None => a,
        })
    }

    fn highest(self, values: Vec<Value>) -> Result<Value, EvalError> {
        values.into_iter().try_fold(Value::Null, |highest, value| self.higher(highest, value))
    }

    /// What no child gives is as good as null.
    fn or_null(self, value: Value) -> Value {
        if value == self.0.of_none() { Value::Null } else { value }
    }
}
