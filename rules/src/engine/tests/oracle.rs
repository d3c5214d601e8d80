//! What the rules mean, computed from whole tables: no steps, no pruning, no identity map.

use chrono::NaiveDateTime;
use dialects::{Decimal, Value};
use introspect::TableId;

use super::database::{At, Database};
use crate::change::Image;
use crate::expr::eval::{self, EvalError, Scope};
use crate::expr::{Event, Place};
use crate::policy::Actor;
use crate::rule::{Aggregate, AggregateFunction, Derivation, DerivationKind, RuleSet};

/// Why a value cannot be.
pub(super) type Bad = String;

/// A stored row as expressions see it.
struct Stored<'a> {
    database: &'a Database,
    table: TableId,
    image: &'a Image,
    actor: Actor,
}

impl<'a> Stored<'a> {
    fn new(database: &'a Database, table: TableId, image: &'a Image) -> Self {
        Self { database, table, image, actor: Actor::anonymous() }
    }
}

impl Scope for Stored<'_> {
    fn column(&self, place: &Place) -> Result<Value, EvalError> {
        let (mut table, mut image) = (self.table, self.image);
        for relationship in &place.path {
            let there = &self.database.schema[table][*relationship];
            let values = image.values(&there.columns).unwrap();
            let Some(above) = self.database.find(there.target, &there.target_columns, &values) else {
                return Ok(Value::Null);
            };
            (table, image) = (there.target, above);
        }
        Ok(image.value(place.column).unwrap().clone())
    }

    fn old(&self, _: introspect::ColumnId) -> Result<Value, EvalError> {
        panic!("stored formulas have no old values")
    }

    fn event(&self) -> Event {
        Event::Updating
    }

    fn now(&self) -> NaiveDateTime {
        NaiveDateTime::default()
    }

    fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// Every derived column that is not what its rule says, every constraint that is false.
pub(super) fn wrong(rules: &RuleSet, database: &Database) -> Vec<String> {
    let mut wrong = Vec::new();
    for derivation in &rules.derivations {
        for (at, image) in database.table(derivation.table) {
            let stored = image.value(derivation.column).unwrap();
            match value(database, derivation, image) {
                Some(Ok(expect)) if expect == *stored => {}
                Some(other) => {
                    wrong.push(format!("{} of {:?}: {stored:?} not {other:?}", derivation.name, at.1))
                }
                None => {}
            }
        }
    }
    wrong.extend(broken(rules, database));
    wrong
}

/// Every constraint that is false of a row.
pub(super) fn broken(rules: &RuleSet, database: &Database) -> Vec<String> {
    let mut broken = Vec::new();
    for constraint in &rules.constraints {
        for (at, image) in database.table(constraint.table) {
            let row = Stored::new(database, constraint.table, image);
            let applies = constraint.when.as_ref().is_none_or(|e| eval::truth(e, &row) == Ok(Some(true)));
            if applies && !matches!(eval::truth(&constraint.check, &row), Ok(Some(true) | None)) {
                broken.push(format!("{} of {:?}", constraint.name, at.1));
            }
        }
    }
    broken
}

/// What an aggregate or a formula comes to; `None`: it depends on more than the rows as they stand.
pub(super) fn value(
    database: &Database,
    derivation: &Derivation,
    image: &Image,
) -> Option<Result<Value, Bad>> {
    let computed = match &derivation.kind {
        DerivationKind::Aggregate(aggregate) => aggregated(database, aggregate, derivation.table, image),
        DerivationKind::Formula(expr) => expression(database, expr, derivation.table, image),
        DerivationKind::Copy { .. } | DerivationKind::Default(_) => return None,
    };
    Some(computed.and_then(|value| fitted(database, derivation, value)))
}

pub(super) fn fitted(database: &Database, derivation: &Derivation, value: Value) -> Result<Value, Bad> {
    let column = &database.schema[derivation.table][derivation.column];
    eval::fit(value, column).map_err(|error| error.to_string())
}

pub(super) fn expression(
    database: &Database,
    expr: &crate::Expr,
    table: TableId,
    image: &Image,
) -> Result<Value, Bad> {
    eval::eval(expr, &Stored::new(database, table, image)).map_err(|error| error.to_string())
}

fn aggregated(
    database: &Database,
    aggregate: &Aggregate,
    table: TableId,
    image: &Image,
) -> Result<Value, Bad> {
    let there = &database.schema[table][aggregate.relationship];
    let values = image.values(&there.columns).unwrap();
    let mut total = Decimal::from(0);
    for (at, child) in database.matching(there.target, &there.target_columns, &values) {
        if counts(database, aggregate, at, child)? {
            total += match (aggregate.function, aggregate.column) {
                (AggregateFunction::Sum, Some(c)) => child.value(c).unwrap().decimal().unwrap_or_default(),
                _ => Decimal::from(1),
            };
        }
    }
    Ok(Value::Decimal(total))
}

fn counts(database: &Database, aggregate: &Aggregate, at: &At, child: &Image) -> Result<bool, Bad> {
    let Some(filter) = &aggregate.filter else { return Ok(true) };
    let row = Stored::new(database, at.0, child);
    eval::truth(filter, &row).map(|truth| truth == Some(true)).map_err(|error| error.to_string())
}
