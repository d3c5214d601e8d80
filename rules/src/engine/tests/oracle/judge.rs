//! Constraints, judged on whole tables: those that always hold, and after a request all that are made or left false by it.

use introspect::ColumnId;

use super::{Stored, differs};
use crate::change::Image;
use crate::engine::tests::database::{At, Database};
use crate::expr::eval;
use crate::expr::{Expr, Place};
use crate::rule::{Constraint, Operations, RuleSet};

/// Every constraint that is false of a row, though nothing but the rows as they stand decides it.
pub(super) fn broken(rules: &RuleSet, database: &Database) -> Vec<String> {
    let mut broken = Vec::new();
    for constraint in rules.constraints.iter().filter(|constraint| always_holds(constraint)) {
        for (at, image) in database.table(constraint.table) {
            let row = Stored::new(database, constraint.table, image);
            broken.extend(judged(constraint, &row).then(|| told(constraint, at)));
        }
    }
    broken
}

/// Every constraint that a request makes false, or leaves false after one of its inputs has changed.
pub(super) fn refused(rules: &RuleSet, before: &Database, after: &Database) -> Vec<String> {
    let mut refused = Vec::new();
    for constraint in &rules.constraints {
        let watched = constraint.operations;
        for (at, image) in after.table(constraint.table) {
            let was = before.rows.get(at);
            let due = match was {
                None => watched.insert,
                Some(was) => watched.update && moved(constraint, before, after, at, was, image),
            };
            let row = Stored { before: was, ..Stored::new(after, at.0, image) };
            refused.extend((due && judged(constraint, &row)).then(|| told(constraint, at)));
        }
        for (at, was) in before.table(constraint.table).filter(|(at, _)| !after.rows.contains_key(*at)) {
            let row = Stored { before: Some(was), gone: true, ..Stored::new(after, at.0, was) };
            refused.extend((watched.delete && judged(constraint, &row)).then(|| told(constraint, at)));
        }
    }
    refused
}

fn told(constraint: &Constraint, at: &At) -> String {
    format!("{} of {:?}", constraint.name, at.1)
}

/// Whether it applies and is false, or has no value.
fn judged(constraint: &Constraint, row: &Stored<'_>) -> bool {
    let applies = constraint.when.as_ref().is_none_or(|when| eval::truth(when, row) == Ok(Some(true)));
    applies && !matches!(eval::truth(&constraint.check, row), Ok(Some(true) | None))
}

/// Whether every change that could make it false is refused.
fn always_holds(constraint: &Constraint) -> bool {
    let mut about_change = false;
    constraint.conditions().for_each(|expr| {
        expr.walk(&mut |e| about_change |= matches!(e, Expr::Old(_) | Expr::Changed(_) | Expr::Event(_)));
    });
    let Operations { insert, update, .. } = constraint.operations;
    insert && update && constraint.recheck && !about_change
}

/// Whether an input of it changed; without one of the row as it will be, whether anything of the row did.
fn moved(
    constraint: &Constraint,
    before: &Database,
    after: &Database,
    at: &At,
    was: &Image,
    is: &Image,
) -> bool {
    let mut of_row = false;
    constraint.conditions().for_each(|expr| {
        expr.walk(&mut |e| of_row |= matches!(e, Expr::Column(_) | Expr::Changed(_)));
    });
    let own = |column: ColumnId| was.value(column) != is.value(column);
    let places: Vec<Place> = constraint.conditions().flat_map(Expr::places).collect();
    let place_moved = |place: &Place| match (place.path.first(), constraint.recheck) {
        (None, _) => own(place.column),
        (Some(_), true) => differs(before, after, at, place),
        (Some(first), false) => after.schema[at.0][*first].columns.iter().any(|column| own(*column)),
    };
    let anything = || after.schema[at.0].columns().any(|(column, _)| own(column));
    places.iter().any(place_moved) || (!of_row && anything())
}
