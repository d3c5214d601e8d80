//! Constraints, judged after the chain has settled, on every row whose inputs changed. All violations are reported together.

use dialects::Value;

use super::attempt::{Attempt, Touched};
use super::derive::READ;
use super::rows::Hold;
use super::scope::{At, RowScope};
use crate::change::{Image, Reason, RowId};
use crate::expr::eval::{self, EvalError};
use crate::expr::{Expr, Place};
use crate::rule::{Constraint, Piece};

impl Attempt<'_> {
    pub(super) fn check(&mut self) {
        let rules = self.engine.rules;
        for (index, constraint) in rules.constraints.iter().enumerate() {
            let places = self.inputs(constraint);
            let rows = self.judged_rows(constraint, &places);
            for (id, image) in &rows {
                if self.ready_above(id.table, image, &places, READ, At::After) {
                    self.judge(index, constraint, id, image);
                }
            }
            self.explain_checks(index, constraint, &rows);
        }
    }

    /// What makes a constraint be judged: all that its check and its condition read.
    pub(super) fn inputs(&self, constraint: &Constraint) -> Vec<Place> {
        let mut places: Vec<Place> = constraint.conditions().flat_map(Expr::places).collect();
        if constraint.is_about_change() {
            places
                .extend(self.engine.schema[constraint.table].stored().map(|(column, _)| Place::own(column)));
        }
        places.sort();
        places.dedup();
        places
    }

    /// The rows a constraint is judged on, as it sees them.
    fn judged_rows(&mut self, constraint: &Constraint, places: &[Place]) -> Vec<(RowId, Image)> {
        let mut ids = match constraint.recheck {
            true => self.affected(constraint.table, places),
            false => self.affected_itself(constraint.table, places),
        };
        let operations = constraint.operations;
        ids.retain(|id| match self.touched.get(id) {
            Some(touched) if touched.is_new() => operations.insert,
            _ => operations.update,
        });
        ids.retain(|id| self.touched.contains_key(id) || self.hold(id, Hold::PLAIN));
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
        match broken(constraint, &RowScope { attempt: self, id, image, at: At::After }) {
            Ok(false) => {}
            Ok(true) => self.refuse(index, constraint, id, image),
            Err(error) => self.uncomputable(&constraint.name, id, &error),
        }
    }

    /// The rows above that only the message speaks of are looked for when it is needed, and not held.
    fn refuse(&mut self, index: usize, constraint: &Constraint, id: &RowId, image: &Image) {
        if !self.ready_above(id.table, image, &shown(constraint), Hold::PLAIN, At::After) {
            return;
        }
        let kept = self.kept_from_the_actor(constraint, id, image);
        let scope = RowScope { attempt: self, id, image, at: At::After };
        let pieces: Result<Vec<String>, EvalError> =
            constraint.message.iter().map(|piece| piece_text(piece, &scope, &kept)).collect();
        match pieces.map(|pieces| pieces.concat()) {
            Ok(message) => self.violate(id.clone(), Reason::Constraint { constraint: index, message }),
            Err(error) => self.uncomputable(&constraint.name, id, &error),
        }
    }
}

impl Attempt<'_> {
    /// What the message speaks of that the actor may not see.
    fn kept_from_the_actor(&mut self, constraint: &Constraint, id: &RowId, image: &Image) -> Vec<Place> {
        if self.request.guard.is_none() {
            return Vec::new();
        }
        let places = shown(constraint);
        match self.is_shown(id) {
            Some(true) => places.into_iter().filter(|place| !self.shows(id, image, place)).collect(),
            _ => places,
        }
    }
}

/// Whether a constraint applies and is false.
fn broken(constraint: &Constraint, scope: &RowScope<'_, '_>) -> Result<bool, EvalError> {
    if let Some(when) = &constraint.when
        && eval::truth(when, scope)? != Some(true)
    {
        return Ok(false);
    }
    Ok(eval::truth(&constraint.check, scope)? == Some(false))
}

/// What is kept is told in a word.
fn piece_text(piece: &Piece, scope: &RowScope<'_, '_>, kept: &[Place]) -> Result<String, EvalError> {
    match piece {
        Piece::Text(text) => Ok(text.clone()),
        Piece::Value(expr) if expr.places().iter().any(|place| kept.contains(place)) => Ok("hidden".into()),
        Piece::Value(expr) => match eval::eval(expr, scope) {
            Ok(Value::Null) => Ok("nothing".into()),
            Ok(value) => Ok(eval::show(&value)),
            Err(EvalError::Drawn) => Ok("new".into()),
            Err(error) => Err(error),
        },
    }
}

/// What its message reads.
fn shown(constraint: &Constraint) -> Vec<Place> {
    let mut places = Vec::new();
    for piece in &constraint.message {
        if let Piece::Value(expr) = piece {
            places.extend(expr.places());
        }
    }
    places
}
