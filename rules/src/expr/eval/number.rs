//! Exact arithmetic: 64-bit integers that turn into decimals where they overflow, decimals of bounded size.
//!
//! Floats are no operands: binary fractions would make results depend on the order of steps.

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, Zero};
use dialects::Value;

use super::text::kind;
use super::{DIGITS_MAX, EvalError};

/// Digits after the point of a quotient.
const QUOTIENT_SCALE: i64 = 20;

pub(super) fn add(a: &Value, b: &Value) -> Result<Value, EvalError> {
    exact(a, b, i64::checked_add, |a, b| a + b)
}

pub(super) fn sub(a: &Value, b: &Value) -> Result<Value, EvalError> {
    exact(a, b, i64::checked_sub, |a, b| a - b)
}

pub(super) fn mul(a: &Value, b: &Value) -> Result<Value, EvalError> {
    exact(a, b, i64::checked_mul, |a, b| a * b)
}

/// To 20 digits after the point, half away from zero; zeros at the end are dropped.
pub(super) fn div(a: &Value, b: &Value) -> Result<Value, EvalError> {
    let (a, b) = (decimal(a)?, decimal(b)?);
    if b.is_zero() {
        return Err(EvalError::DivisionByZero);
    }
    let ((a, a_scale), (b, b_scale)) = (a.into_bigint_and_scale(), b.into_bigint_and_scale());
    let shift = QUOTIENT_SCALE + b_scale - a_scale;
    let quotient = if shift >= 0 {
        divide_rounded(&(a * ten_to(shift)), &b)
    } else {
        divide_rounded(&a, &(b * ten_to(-shift)))
    };
    bounded(tidy(&BigDecimal::new(quotient, QUOTIENT_SCALE)))
}

/// With the sign of the dividend.
pub(super) fn rem(a: &Value, b: &Value) -> Result<Value, EvalError> {
    let (a, b) = (decimal(a)?, decimal(b)?);
    if b.is_zero() {
        return Err(EvalError::DivisionByZero);
    }
    let scale = a.fractional_digit_count().max(b.fractional_digit_count());
    let (a, _) = a.with_scale(scale).into_bigint_and_scale();
    let (b, _) = b.with_scale(scale).into_bigint_and_scale();
    bounded(BigDecimal::new(a % b, scale))
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
pub(super) fn round(value: &Value, digits: i64, mode: RoundingMode) -> Result<Value, EvalError> {
    let most = i64::try_from(DIGITS_MAX).unwrap_or(i64::MAX);
    let digits = digits.clamp(-most, most);
    match value {
        Value::Int(n) if digits >= 0 => Ok(Value::Int(*n)),
        other => bounded(plain(decimal(other)?.with_scale_round(digits, mode))),
    }
}

/// A small whole number, such as a count of digits or characters.
pub(super) fn whole(value: &Value) -> Result<i64, EvalError> {
    match value {
        Value::Int(n) => Ok(*n),
        other => {
            let number = decimal(other)?;
            i64::try_from(number.with_scale_round(0, RoundingMode::HalfUp).into_bigint_and_scale().0)
                .map_err(|_| EvalError::TooLarge)
        }
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
    if number.fractional_digit_count() < 0 { number.with_scale(0) } else { number }
}

fn bounded(number: BigDecimal) -> Result<Value, EvalError> {
    if too_large(&number) { Err(EvalError::TooLarge) } else { Ok(Value::Decimal(number)) }
}

fn exact(
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

/// The quotient half away from zero; the divisor is not zero.
fn divide_rounded(a: &BigInt, b: &BigInt) -> BigInt {
    let (quotient, remainder) = (a / b, a % b);
    if remainder.magnitude() * 2u32 < *b.magnitude() {
        return quotient;
    }
    if (a.sign() == Sign::Minus) == (b.sign() == Sign::Minus) { quotient + 1 } else { quotient - 1 }
}

/// INVARIANT: operands are bounded, so the exponent is at most a few thousand.
fn ten_to(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(0))
}
