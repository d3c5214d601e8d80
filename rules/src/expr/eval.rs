//! [`Expr`] + the values of a row -> [`Value`], as SQL would compute it, with exact numbers.
//!
//! Null follows SQL's three-valued logic. Nothing here panics or grows without bound: numbers have at most
//! [`DIGITS_MAX`] digits, texts [`TEXT_MAX`] bytes, expressions [`DEPTH_MAX`] levels; beyond that is an error. A row's values
//! come through a [`Scope`], so that evaluation knows nothing of rows, parents and who fetched them.
//!
//! `eval("quantity * unit_price")` over `{quantity: 3, unit_price: 2.50}` is `7.50`.

mod actor;
mod call;
mod cast;
mod compare;
mod number;
mod text;

use chrono::NaiveDateTime;
use dialects::Value;
use introspect::ColumnId;
use thiserror::Error;

use super::{BinaryOp, Event, Expr, Place};
use crate::policy::Actor;
use cast::cast;

pub use super::fit::{FitError, accept, fit};
pub use actor::{claimed, told};
pub use text::show;

pub(crate) use cast::literal_as;
pub(crate) use compare::order;
pub(crate) use number::{negate, too_large};

/// Most digits of a number, before and after the point together.
pub const DIGITS_MAX: u64 = 1_000;
/// Most bytes of a text that an expression makes.
pub const TEXT_MAX: usize = 1 << 20;
/// Most levels of an expression.
pub const DEPTH_MAX: usize = 128;

/// Where an expression's columns come from.
pub trait Scope {
    /// A column of the row, or of a row above it.
    fn column(&self, place: &Place) -> Result<Value, EvalError>;
    /// A column of the row as it was when the transaction locked it; null on insert.
    fn old(&self, column: ColumnId) -> Result<Value, EvalError>;
    /// What happens to the row.
    fn event(&self) -> Event;
    /// The instant of the transaction, in UTC.
    fn now(&self) -> NaiveDateTime;
    /// Who asks.
    fn actor(&self) -> &Actor;
}

/// Why an expression has no value. The texts can be shown to clients: they name kinds, never values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum EvalError {
    #[error("a division by zero")]
    DivisionByZero,
    #[error("a number with more than {DIGITS_MAX} digits")]
    TooLarge,
    #[error("a text of more than {TEXT_MAX} bytes")]
    TooLong,
    #[error("an expression of more than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("a number is needed, not {0}")]
    NotANumber(&'static str),
    #[error("a text is needed, not {0}")]
    NotAText(&'static str),
    #[error("true or false is needed, not {0}")]
    NotATruth(&'static str),
    #[error("{left} cannot be compared with {right}")]
    NotComparable { left: &'static str, right: &'static str },
    #[error("{from} cannot be read as {to}")]
    BadCast { from: &'static str, to: &'static str },
    #[error("a date outside of the years 1 to 9999")]
    OutOfCalendar,
    #[error("{0}")]
    BadArgument(&'static str),
    #[error("{0} is not known")]
    Missing(String),
    #[error("a value is needed that the database draws only when it writes the row")]
    Drawn,
}

/// The value of an expression.
pub fn eval(expr: &Expr, scope: &dyn Scope) -> Result<Value, EvalError> {
    Evaluator { scope }.value(expr, 0)
}

/// The truth of a condition; `None`: null.
pub fn truth(expr: &Expr, scope: &dyn Scope) -> Result<Option<bool>, EvalError> {
    Evaluator { scope }.truth(expr, 0)
}

struct Evaluator<'a> {
    scope: &'a dyn Scope,
}

impl Evaluator<'_> {
    fn value(&self, expr: &Expr, depth: usize) -> Result<Value, EvalError> {
        if depth > DEPTH_MAX {
            return Err(EvalError::TooDeep);
        }
        let below = depth + 1;
        match expr {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Column(place) => drawn(self.scope.column(place)?),
            Expr::Old(column) => self.scope.old(*column),
            Expr::Now => Ok(Value::TimestampTz(self.scope.now())),
            Expr::Today => Ok(Value::Date(self.scope.now().date())),
            Expr::Actor(term) => Ok(told(self.scope.actor(), term)),
            Expr::Negate(e) => number::negate(&self.value(e, below)?),
            Expr::Cast(e, to) => cast(self.value(e, below)?, *to),
            Expr::Case(arms, otherwise) => self.case(arms, otherwise.as_deref(), below),
            Expr::Call(function, arguments) => self.call(*function, arguments, below),
            Expr::Binary(op, a, b) => self.binary(*op, a, b, below),
            Expr::Changed(_)
            | Expr::Event(_)
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::IsNull(..)
            | Expr::Distinct(..)
            | Expr::In(..)
            | Expr::InClaim(..)
            | Expr::Like { .. } => Ok(self.logic(expr, below)?.map_or(Value::Null, Value::Bool)),
        }
    }

    fn truth(&self, expr: &Expr, depth: usize) -> Result<Option<bool>, EvalError> {
        match self.value(expr, depth)? {
            Value::Null => Ok(None),
            Value::Bool(b) => Ok(Some(b)),
            other => Err(EvalError::NotATruth(text::kind(&other))),
        }
    }

    /// The forms whose value is true, false or null.
    fn logic(&self, expr: &Expr, depth: usize) -> Result<Option<bool>, EvalError> {
        match expr {
            Expr::Not(e) => Ok(self.truth(e, depth)?.map(|b| !b)),
            Expr::And(es) => self.until(es, false, depth),
            Expr::Or(es) => self.until(es, true, depth),
            Expr::IsNull(e, wanted) => Ok(Some(self.is_null(e, depth)? == *wanted)),
            Expr::Distinct(a, b, wanted) => {
                let distinct = compare::distinct(&self.value(a, depth)?, &self.value(b, depth)?)?;
                Ok(Some(distinct == *wanted))
            }
            Expr::In(e, list) => self.contained(e, list, depth),
            Expr::InClaim(e, name, ty) => match claimed(self.scope.actor(), name, *ty) {
                None => Ok(None),
                Some(values) => among(&self.value(e, depth)?, values.into_iter().map(Ok)),
            },
            Expr::Like { text: subject, pattern, insensitive } => {
                text::like(&self.value(subject, depth)?, &self.value(pattern, depth)?, *insensitive)
            }
            Expr::Changed(columns) => self.changed(columns).map(Some),
            Expr::Event(event) => Ok(Some(self.scope.event() == *event)),
            other => self.truth(other, depth),
        }
    }

    /// What the database will draw is no null, whatever it will be.
    fn is_null(&self, expr: &Expr, depth: usize) -> Result<bool, EvalError> {
        match expr {
            Expr::Column(place) => Ok(self.scope.column(place)?.is_null()),
            other => Ok(self.value(other, depth)?.is_null()),
        }
    }

    /// `and` stops at the first false, `or` at the first true; a null on the way makes the rest at best null.
    fn until(&self, terms: &[Expr], stop: bool, depth: usize) -> Result<Option<bool>, EvalError> {
        let mut answer = Some(!stop);
        for term in terms {
            match self.truth(term, depth)? {
                Some(b) if b == stop => return Ok(Some(stop)),
                Some(_) => {}
                None => answer = None,
            }
        }
        Ok(answer)
    }

    fn contained(&self, expr: &Expr, list: &[Expr], depth: usize) -> Result<Option<bool>, EvalError> {
        let value = self.value(expr, depth)?;
        among(&value, list.iter().map(|candidate| self.value(candidate, depth)))
    }

    fn changed(&self, columns: &[ColumnId]) -> Result<bool, EvalError> {
        for column in columns {
            let (now, before) = (self.scope.column(&Place::own(*column))?, self.scope.old(*column)?);
            if matches!(now, Value::Drawn(_)) || compare::distinct(&now, &before)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn case(
        &self,
        arms: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        depth: usize,
    ) -> Result<Value, EvalError> {
        for (condition, value) in arms {
            if self.truth(condition, depth)? == Some(true) {
                return self.value(value, depth);
            }
        }
        otherwise.map_or(Ok(Value::Null), |e| self.value(e, depth))
    }

    fn binary(&self, op: BinaryOp, a: &Expr, b: &Expr, depth: usize) -> Result<Value, EvalError> {
        let (a, b) = (self.value(a, depth)?, self.value(b, depth)?);
        if a.is_null() || b.is_null() {
            return Ok(Value::Null);
        }
        match op {
            BinaryOp::Add => number::add(&a, &b),
            BinaryOp::Sub => number::sub(&a, &b),
            BinaryOp::Mul => number::mul(&a, &b),
            BinaryOp::Div => number::div(&a, &b),
            BinaryOp::Rem => number::rem(&a, &b),
            BinaryOp::Concat => text::concat(&[a, b]),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                Ok(compare::compare(op, &a, &b)?.map_or(Value::Null, Value::Bool))
            }
        }
    }
}

/// Whether a value is one of several; where it is none that is known, a null among them makes it null.
fn among(
    value: &Value,
    candidates: impl Iterator<Item = Result<Value, EvalError>>,
) -> Result<Option<bool>, EvalError> {
    let mut answer = Some(false);
    for candidate in candidates {
        match compare::compare(BinaryOp::Eq, value, &candidate?)? {
            Some(true) => return Ok(Some(true)),
            Some(false) => {}
            None => answer = None,
        }
    }
    Ok(answer)
}

/// A column's value, when there is one by now.
fn drawn(value: Value) -> Result<Value, EvalError> {
    match value {
        Value::Drawn(_) => Err(EvalError::Drawn),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests;
