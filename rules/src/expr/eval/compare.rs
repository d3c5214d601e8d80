//! Comparison as SQL does it: numbers by value, texts by code point, times with their like; with null: null.

use std::cmp::Ordering;

use bigdecimal::ToPrimitive;
use dialects::Value;

use super::number::decimal;
use super::text::kind;
use super::{BinaryOp, EvalError};

/// The truth of a comparison; `None`: null.
pub(super) fn compare(op: BinaryOp, a: &Value, b: &Value) -> Result<Option<bool>, EvalError> {
    Ok(order(a, b)?.map(|ordering| match op {
        BinaryOp::Ne => ordering.is_ne(),
        BinaryOp::Lt => ordering.is_lt(),
        BinaryOp::Le => ordering.is_le(),
        BinaryOp::Gt => ordering.is_gt(),
        BinaryOp::Ge => ordering.is_ge(),
        _ => ordering.is_eq(),
    }))
}

/// `is distinct from`: nulls are alike, and differ from all else.
pub(super) fn distinct(a: &Value, b: &Value) -> Result<bool, EvalError> {
    match order(a, b) {
        Ok(Some(ordering)) => Ok(ordering.is_ne()),
        Ok(None) => Ok(a.is_null() != b.is_null()),
        Err(EvalError::NotComparable { .. }) if same_kind(a, b) => Ok(a != b),
        Err(error) => Err(error),
    }
}

/// Which is greater; `None` when either is null.
pub(crate) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, EvalError> {
    Ok(Some(match (a, b) {
        (Value::Null, _) | (_, Value::Null) => return Ok(None),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Int(_) | Value::Decimal(_), Value::Int(_) | Value::Decimal(_)) => {
            decimal(a)?.cmp(&decimal(b)?)
        }
        (Value::Float(_), Value::Float(_) | Value::Int(_) | Value::Decimal(_))
        | (Value::Int(_) | Value::Decimal(_), Value::Float(_)) => floats(a, b)?,
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) | (Value::TimestampTz(a), Value::TimestampTz(b)) => {
            a.cmp(b)
        }
        _ => return Err(EvalError::NotComparable { left: kind(a), right: kind(b) }),
    }))
}

/// As the databases do: the exact side becomes binary too.
fn floats(a: &Value, b: &Value) -> Result<Ordering, EvalError> {
    binary(a)?.partial_cmp(&binary(b)?).ok_or(EvalError::NotANumber("NaN"))
}

fn binary(value: &Value) -> Result<f64, EvalError> {
    match value {
        Value::Float(f) => Ok(*f),
        other => decimal(other)?.to_f64().ok_or(EvalError::TooLarge),
    }
}

/// JSON, bytes and arrays have no order, but a change of them can be told.
fn same_kind(a: &Value, b: &Value) -> bool {
    matches!(
        (a, b),
        (Value::Bytes(_), Value::Bytes(_))
            | (Value::Json(_), Value::Json(_))
            | (Value::Array(_), Value::Array(_))
    )
}
