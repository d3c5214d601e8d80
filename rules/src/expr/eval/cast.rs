//! Conversions between the types of the language: what `cast` says, and constants read as what they are compared with.

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use dialects::Value;

use super::number::{decimal, tidy, too_large};
use super::text::{kind, show};
use super::{DIGITS_MAX, EvalError, TEXT_MAX};
use crate::expr::{Type, noun};

/// Longest text that is looked at as a number, date or truth value.
const SCALAR_MAX: usize = 1_100;

/// `cast(value as type)`; null stays null.
pub(crate) fn cast(value: Value, to: Type) -> Result<Value, EvalError> {
    let from = kind(&value);
    let done = match to {
        _ if value.is_null() => Some(Value::Null),
        Type::Null => Some(value),
        Type::Bool => boolean(&value),
        Type::Integer => integer(&value)?,
        Type::Decimal(scale) => rounded(&value, scale)?,
        Type::Float => float(&value)?,
        Type::Text => textual(value)?,
        Type::Date => date(&value),
        Type::Time => time(&value),
        Type::Timestamp => instant(&value).map(Value::Timestamp),
        Type::TimestampTz => instant(&value).map(Value::TimestampTz),
        Type::Bytes | Type::Json | Type::Other => None,
    };
    done.ok_or(EvalError::BadCast { from, to: name(to) })
}

/// A constant text read as the type of what it stands beside, as SQL does with `'2024-05-01'`.
pub(crate) fn literal_as(text: &str, to: Type) -> Result<Value, EvalError> {
    cast(Value::text(text), to)
}

fn name(ty: Type) -> &'static str {
    match ty {
        Type::Integer => "an integer",
        Type::Decimal(_) => "a decimal",
        other => noun(other),
    }
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(b) => Some(Value::Bool(*b)),
        Value::Int(n) => Some(Value::Bool(*n != 0)),
        Value::Decimal(d) => Some(Value::Bool(!d.is_zero())),
        Value::Text(t) if t.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Value::Text(t) if t.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Half away from zero; null where it does not fit 64 bits.
fn integer(value: &Value) -> Result<Option<Value>, EvalError> {
    Ok(exact(value)?
        .and_then(|number| number.with_scale_round(0, RoundingMode::HalfUp).to_i64())
        .map(Value::Int))
}

fn rounded(value: &Value, scale: Option<u32>) -> Result<Option<Value>, EvalError> {
    if scale.is_some_and(|scale| u64::from(scale) > DIGITS_MAX) {
        return Err(EvalError::TooLarge);
    }
    Ok(exact(value)?.map(|number| match scale {
        Some(scale) => Value::Decimal(number.with_scale_round(i64::from(scale), RoundingMode::HalfUp)),
        None => Value::Decimal(tidy(&number)),
    }))
}

/// The exact number that a value is or says.
fn exact(value: &Value) -> Result<Option<BigDecimal>, EvalError> {
    match value {
        Value::Int(_) | Value::Decimal(_) => decimal(value).map(Some),
        Value::Bool(b) => Ok(Some(BigDecimal::from(i32::from(*b)))),
        Value::Text(t) => number(t.trim()),
        _ => Ok(None),
    }
}

/// Digits with a sign, a point and an exponent, where they are a number of bounded size.
fn number(text: &str) -> Result<Option<BigDecimal>, EvalError> {
    let plausible = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
    if text.len() > SCALAR_MAX || !plausible {
        return Ok(None);
    }
    match text.parse::<BigDecimal>() {
        Ok(number) if too_large(&number) => Err(EvalError::TooLarge),
        Ok(number) => Ok(Some(number)),
        Err(_) => Ok(None),
    }
}

fn float(value: &Value) -> Result<Option<Value>, EvalError> {
    if let Value::Float(f) = value {
        return Ok(Some(Value::Float(*f)));
    }
    Ok(exact(value)?.and_then(|number| number.to_f64()).filter(|f| f.is_finite()).map(Value::Float))
}

fn textual(value: Value) -> Result<Option<Value>, EvalError> {
    match value {
        Value::Bytes(_) => Ok(None),
        Value::Text(t) if t.len() > TEXT_MAX => Err(EvalError::TooLong),
        Value::Text(t) => Ok(Some(Value::Text(t))),
        other => Ok(Some(Value::Text(show(&other)))),
    }
}

fn date(value: &Value) -> Option<Value> {
    match value {
        Value::Date(d) => Some(Value::Date(*d)),
        Value::Timestamp(t) | Value::TimestampTz(t) => Some(Value::Date(t.date())),
        Value::Text(t) => NaiveDate::parse_from_str(short(t)?, "%Y-%m-%d").ok().map(Value::Date),
        _ => None,
    }
}

fn time(value: &Value) -> Option<Value> {
    match value {
        Value::Time(t) => Some(Value::Time(*t)),
        Value::Timestamp(t) | Value::TimestampTz(t) => Some(Value::Time(t.time())),
        Value::Text(t) => {
            let text = short(t)?;
            let parsed = NaiveTime::parse_from_str(text, "%H:%M:%S%.f");
            parsed.or_else(|_| NaiveTime::parse_from_str(text, "%H:%M")).ok().map(Value::Time)
        }
        _ => None,
    }
}

/// Without an offset: UTC.
fn instant(value: &Value) -> Option<NaiveDateTime> {
    match value {
        Value::Timestamp(t) | Value::TimestampTz(t) => Some(*t),
        Value::Date(d) => d.and_hms_opt(0, 0, 0),
        Value::Text(t) => parse_instant(short(t)?),
        _ => None,
    }
}

fn parse_instant(text: &str) -> Option<NaiveDateTime> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.naive_utc());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
}

fn short(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|t| t.len() <= SCALAR_MAX)
}
