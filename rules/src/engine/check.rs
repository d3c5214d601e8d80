//! Constraints, judged after the chain has settled, on every row whose inputs changed. All violations are reported together.

use dialects::Value;

use super::attempt::{Attempt, Touched};
use super::scope::RowScope;
use crate::change::{Image, Reason, RowId};
use crate::expr::eval::{self, EvalError};
use crate::expr::{Expr, Place};
use crate::rule::{Constraint, Piece};

impl Attempt<'_> {
    pub(super) fn check(&mut self) {
        let rules = self.engine.rules;
        for (index, constraint) in rules.constraints.iter().enumerate() {
            let places = inputs(constraint);
            for (id, image) in self.to_check(constraint, &places) {
                if self.ready_above(id.table, &image, &readings(constraint, &places)) {
                    self.judge(index, constraint, &id, &image);
                }
            }
        }
    }

    /// The rows a constraint is judged on, as it sees them.
    fn to_check(&mut self, constraint: &Constraint, places: &[Place]) -> Vec<(RowId, Image)> {
        let own: Vec<Place> = places.iter().filter(|place| place.path.is_empty()).cloned().collect();
        let mut ids = self.affected(constraint.table, if constraint.recheck { places } else { &own });
        let operations = constraint.operations;
        ids.retain(|id| match self.touched.get(id) {
            Some(touched) if touched.is_new() => operations.insert,
            _ => operations.update,
        });
        let mut rows: Vec<(RowId, Image)> =
            ids.into_iter().filter_map(|id| self.image(&id).cloned().map(|image| (id, image))).collect();
        if operations.delete {
            rows.extend(self.removed(constraint));
        }
        rows
    }

    fn removed(&self, constraint: &Constraint) -> Vec<(RowId, Image)> {
        let gone = |(id, touched): (&RowId, &Touched)| match (&touched.before, &touched.after) {
            (Some(before), None) if id.table == constraint.table => Some((id.clone(), before.clone())),
            _ => None,
        };
        self.touched.iter().filter_map(gone).collect()
    }

    fn judge(&mut self, index: usize, constraint: &Constraint, id: &RowId, image: &Image) {
        let scope = RowScope { attempt: self, id, image };
        match judge(constraint, &scope) {
            Ok(None) => {}
            Ok(Some(message)) => self.violate(id.clone(), Reason::Constraint { constraint: index, message }),
            Err(error) => self.uncomputable(&constraint.name, id, &error),
        }
    }
}

/// The message of a constraint that is false.
fn judge(constraint: &Constraint, scope: &RowScope<'_, '_>) -> Result<Option<String>, EvalError> {
    if let Some(when) = &constraint.when {
        if eval::truth(when, scope)? != Some(true) {
            return Ok(None);
        }
    }
    if eval::truth(&constraint.check, scope)? != Some(false) {
        return Ok(None);
    }
    let pieces: Result<Vec<String>, EvalError> =
        constraint.message.iter().map(|piece| piece_text(piece, scope)).collect();
    Ok(Some(pieces?.concat()))
}

fn piece_text(piece: &Piece, scope: &RowScope<'_, '_>) -> Result<String, EvalError> {
    match piece {
        Piece::Text(text) => Ok(text.clone()),
        Piece::Value(expr) => Ok(match eval::eval(expr, scope)? {
            Value::Null => "nothing".into(),
            value => eval::show(&value),
        }),
    }
}

/// What makes a constraint be judged: all that its check and its condition read.
fn inputs(constraint: &Constraint) -> Vec<Place> {
    let mut places = constraint.check.places();
    places.extend(constraint.when.iter().flat_map(Expr::places));
    places.sort();
    places.dedup();
    places
}

/// What it reads when it is judged: its message too.
fn readings(constraint: &Constraint, inputs: &[Place]) -> Vec<Place> {
    let mut places = inputs.to_vec();
    for piece in &constraint.message {
        if let Piece::Value(expr) = piece {
            places.extend(expr.places());
        }
    }
    places
}
