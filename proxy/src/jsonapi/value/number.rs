//! Numbers: exact, within the column's range, never rounded.

use dialects::value::Decimal;
use dialects::{Dialect, IntKind, Value};

use super::{Misfit, expected};

/// The most digits that a number without declared precision may have, and the greatest exponent it may be written with.
const DIGITS_MAX: usize = 1000;

/// A whole number; `5.0` and `5e2` are whole too.
pub(super) fn integer(kind: IntKind, text: &str) -> Result<Value, Misfit> {
    let (least, most) = kind.range();
    let or_none = if kind == IntKind::Year { ", or 0" } else { "" };
    let misfit = || expected(&format!("a whole number from {least} to {most}{or_none}"));
    let exact = parse(text).ok_or_else(misfit)?;
    if !exact.is_integer() {
        return Err(misfit());
    }
    let exact = exact.with_scale(0);
    let number: i128 = exact.to_plain_string().parse().map_err(|_| misfit())?;
    let no_year = kind == IntKind::Year && number == 0;
    if !no_year && (number < least || number > most) {
        return Err(misfit());
    }
    Ok(i64::try_from(number).map_or(Value::Decimal(exact), Value::Int))
}

/// A decimal at the column's scale.
pub(super) fn decimal(
    dialect: Dialect,
    precision: Option<u32>,
    scale: Option<u32>,
    text: &str,
) -> Result<Value, Misfit> {
    let exact = parse(text).ok_or_else(|| expected("a number"))?;
    let short = exact.normalized();
    if let Some(most) = scale
        && short.fractional_digit_count() > i64::from(most)
    {
        return Err(expected(&format!("a number with at most {most} digits after the point")));
    }
    if let Some(most) = precision
        && whole_digits(&short) > i64::from(most) - i64::from(scale.unwrap_or(0))
    {
        let before = most.saturating_sub(scale.unwrap_or(0));
        return Err(expected(&format!("a number with at most {before} digits before the point")));
    }
    if dialect == Dialect::Sqlite && !kept_by_sqlite(&short) {
        return Err(expected("a number of at most 15 digits, for SQLite keeps no more"));
    }
    Ok(Value::Decimal(match scale {
        Some(scale) => exact.with_scale(scale.into()),
        None => exact,
    }))
}

/// A binary float. PostgreSQL keeps NaN and the infinities, SQLite these alone, MySQL neither.
pub(super) fn float(dialect: Dialect, bits: u8, text: &str) -> Result<Value, Misfit> {
    match (dialect, text) {
        (Dialect::Postgres, "NaN") => return Ok(Value::Float(f64::NAN)),
        (Dialect::Postgres | Dialect::Sqlite, "Infinity") => return Ok(Value::Float(f64::INFINITY)),
        (Dialect::Postgres | Dialect::Sqlite, "-Infinity") => return Ok(Value::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    let misfit = || expected(&format!("a number that {bits}-bit floating point can hold"));
    if !well_formed(text) {
        return Err(misfit());
    }
    let number: f64 = text.parse().map_err(|_| misfit())?;
    match number.is_finite() && (bits != 32 || (number as f32).is_finite()) {
        true => Ok(Value::Float(number)),
        false => Err(misfit()),
    }
}

/// Of numbers that are not whole, SQLite keeps what a double says exactly.
fn kept_by_sqlite(number: &Decimal) -> bool {
    number.digits() <= 15
        || number.is_integer() && number.with_scale(0).to_plain_string().parse::<i64>().is_ok()
}

/// Digits before the point; none for numbers below one.
fn whole_digits(number: &Decimal) -> i64 {
    let (digits, exponent) = number.as_bigint_and_exponent();
    let digits = digits.magnitude().to_string();
    if digits == "0" { 0 } else { (digits.len() as i64 - exponent).max(0) }
}

/// An exact number, where its digits and its exponent are bounded.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    if !well_formed(text) || text.len() > DIGITS_MAX {
        return None;
    }
    let exponent = text.split_once(['e', 'E']).map_or(Ok(0), |(_, exponent)| exponent.parse::<i32>()).ok()?;
    if exponent.unsigned_abs() as usize > DIGITS_MAX {
        return None;
    }
    text.parse().ok()
}

/// Whether it is a number as JSON writes them (leading zeros are taken too).
fn well_formed(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)))
}
