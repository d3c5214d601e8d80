//! Exact arithmetic: 64-bit integers that turn into decimals where they overflow, decimals of bounded size.
//!
//! Floats are no operands: binary fractions would make results depend on the order of steps.

use bigdecimal::{BigDecimal, RoundingMode};
use dialects::{Value, exact};

use super::text::kind;
use super::{DIGITS_MAX, EvalError};

pub(super) fn add(a: &Value, b: &Value) -> Result<Value, EvalError> {
    calculate(a, b, i64::checked_add, |a, b| a + b)
}

pub(super) fn sub(a: &Value, b: &Value) -> Result<Value, EvalError> {
    calculate(a, b, i64::checked_sub, |a, b| a - b)
}

pub(super) fn mul(a: &Value, b: &Value) -> Result<Value, EvalError> {
    calculate(a, b, i64::checked_mul, |a, b| a * b)
}

/// To 20 digits after the point, half away from zero; zeros at the end are dropped.
pub(super) fn div(a: &Value, b: &Value) -> Result<Value, EvalError> {
    let quotient = exact::quotient(&decimal(a)?, &decimal(b)?).ok_or(EvalError::DivisionByZero)?;
    bounded(tidy(&quotient))
}

/// With the sign of the dividend.
pub(super) fn rem(a: &Value, b: &Value) -> Result<Value, EvalError> {
    bounded(exact::remainder(&decimal(a)?, &decimal(b)?).ok_or(EvalError::DivisionByZero)?)
}

/// Unary minus; null stays null.
pub(crate) fn negate(value: &Value) -> Result<Value, EvalError> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Int(n) if *n != i64::MIN => Ok(Value::Int(-n)),
        other => Ok(Value::Decimal(-decimal(other)?)),
    }
}

pub(super) fn abs(value: &Value) -> Result<Value, EvalError> {
    match value {
        Value::Int(n) if *n != i64::MIN => Ok(Value::Int(n.abs())),
        other => Ok(Value::Decimal(decimal(other)?.abs())),
    }
}

/// Rounds to so many digits after the point; negative: to tens, hundreds, …
pub(super) fn round(value: &Value, digits: i128, mode: RoundingMode) -> Result<Value, EvalError> {
    match value {
        Value::Int(n) if digits >= 0 => Ok(Value::Int(*n)),
        other => bounded(plain(exact::round(&decimal(other)?, digits, mode))),
    }
}

/// A count of digits, characters or days, or a position: what is beyond 128 bits is as far as they go.
pub(super) fn whole(value: &Value) -> Result<i128, EvalError> {
    match value {
        Value::Int(n) => Ok((*n).into()),
        other => Ok(exact::saturated(&decimal(other)?)),
    }
}

/// The number as a decimal, when it is an exact one of a size that can be worked with.
pub(super) fn decimal(value: &Value) -> Result<BigDecimal, EvalError> {
    match value {
        Value::Decimal(d) if too_large(d) => Err(EvalError::TooLarge),
        _ => value.decimal().ok_or_else(|| EvalError::NotANumber(kind(value))),
    }
}

/// Whether a number has so many digits, or such an exponent, that working with it could take for ever.
pub(crate) fn too_large(number: &BigDecimal) -> bool {
    number.fractional_digit_count().unsigned_abs() > DIGITS_MAX || number.digits() > DIGITS_MAX
}

/// Zeros after the point dropped, and never an exponent.
pub(super) fn tidy(number: &BigDecimal) -> BigDecimal {
    plain(number.normalized())
}

fn plain(number: BigDecimal) -> BigDecimal {
    number.with_scale(number.fractional_digit_count().max(0))
}

fn bounded(number: BigDecimal) -> Result<Value, EvalError> {
    if too_large(&number) { Err(EvalError::TooLarge) } else { Ok(Value::Decimal(number)) }
}

fn calculate(
    a: &Value,
    b: &Value,
    whole: fn(i64, i64) -> Option<i64>,
    decimals: fn(BigDecimal, BigDecimal) -> BigDecimal,
) -> Result<Value, EvalError> {
    if let (Value::Int(a), Value::Int(b)) = (a, b)
        && let Some(n) = whole(*a, *b)
    {
        return Ok(Value::Int(n));
    }
    bounded(decimals(decimal(a)?, decimal(b)?))
}
