//! Conditions of which the truth is known before any row is seen.

use chrono::NaiveDateTime;
use dialects::Value;
use introspect::{ColumnId, TableId};

use super::null::Nulls;
use crate::expr::eval::{self, EvalError, Scope};
use crate::expr::{Event, Expr, Place};
use crate::policy::Actor;

/// True, false or null, where that is certain.
pub(super) fn truth(nulls: &Nulls<'_>, table: TableId, expr: &Expr) -> Option<Option<bool>> {
    match expr {
        Expr::IsNull(inner, is_null) if !matches!(**inner, Expr::Literal(_)) => {
            nulls.null(table, inner).is_none().then_some(Some(!is_null))
        }
        // What equals null, or is less than it, is nobody's knowledge.
        Expr::Binary(_, a, b) if [a, b].into_iter().any(|side| **side == Expr::Literal(Value::Null)) => {
            Some(None)
        }
        Expr::Not(inner) => truth(nulls, table, inner).map(|known| known.map(|truth| !truth)),
        Expr::And(parts) => all(nulls, table, parts, false),
        Expr::Or(parts) => all(nulls, table, parts, true),
        expr => constant(expr),
    }
}

/// `and` is decided by one false part, `or` by one true; else all must be known.
fn all(nulls: &Nulls<'_>, table: TableId, parts: &[Expr], decides: bool) -> Option<Option<bool>> {
    let known: Vec<Option<Option<bool>>> = parts.iter().map(|part| truth(nulls, table, part)).collect();
    if known.contains(&Some(Some(decides))) {
        return Some(Some(decides));
    }
    let known: Vec<Option<bool>> = known.into_iter().collect::<Option<_>>()?;
    Some(if known.contains(&None) { None } else { Some(!decides) })
}

/// What reads nothing is what it is.
fn constant(expr: &Expr) -> Option<Option<bool>> {
    let mut reads = false;
    expr.walk(&mut |expr| {
        reads |= matches!(
            expr,
            Expr::Column(_)
                | Expr::Old(_)
                | Expr::Changed(_)
                | Expr::Event(_)
                | Expr::Now
                | Expr::Today
                | Expr::Actor(_)
                | Expr::InClaim(..)
        );
    });
    if reads {
        return None;
    }
    eval::truth(expr, &Nothing(Actor::anonymous())).ok()
}

/// A row without columns.
struct Nothing(Actor);

impl Scope for Nothing {
    fn column(&self, _: &Place) -> Result<Value, EvalError> {
        Ok(Value::Null)
    }

    fn old(&self, _: ColumnId) -> Result<Value, EvalError> {
        Ok(Value::Null)
    }

    fn event(&self) -> Event {
        Event::Updating
    }

    fn now(&self) -> NaiveDateTime {
        NaiveDateTime::default()
    }

    fn actor(&self) -> &Actor {
        &self.0
    }
}
