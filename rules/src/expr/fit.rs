//! A value and the column it is meant for: what the column can keep, and why not.
//!
//! [`fit`] is for values that rules derive: numbers rounded half away from zero to what the column declares, of a second what it does not
//! keep cut off. [`accept`] is for values that
//! clients send: never rounded. Null always fits: whether a column may be null is judged on the whole row, by the database.

use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};
use chrono::{SubsecRound, Timelike};
use dialects::{Dialect, IntKind, Value, ValueType};
use introspect::Column;
use thiserror::Error;

use super::eval::too_large;

/// Digits of a second that databases keep at most.
const MICROSECONDS: u32 = 6;

/// Why a value does not fit a column. The texts complete "amount …" and can be shown to clients.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum FitError {
    #[error("must be {expected}")]
    WrongType { expected: &'static str },
    #[error("must lie between {least} and {greatest}")]
    OutOfRange { least: i128, greatest: i128 },
    #[error("has more than {digits} digits before the point")]
    TooManyDigits { digits: u32 },
    #[error("has more than {scale} digits after the point")]
    TooFine { scale: u32 },
    #[error("must be a whole number")]
    NotWhole,
    #[error("is too large a number")]
    TooLarge,
    #[error("must be a finite number")]
    NotFinite,
    #[error("is longer than {length} characters")]
    TooLong { length: u32 },
    #[error("must be one of: {}", .words.join(", "))]
    NotAWord { words: Vec<String> },
    #[error("is of a type that cannot be written")]
    NotWritable,
}

/// What becomes of digits that the column does not keep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Excess {
    Round,
    Refuse,
}

/// A derived value as the column keeps it: a number rounded half away from zero to its scale, a moment without what is finer.
pub fn fit(value: Value, column: &Column, dialect: Dialect) -> Result<Value, FitError> {
    let digits = column.second_digits(dialect).unwrap_or(MICROSECONDS).min(MICROSECONDS) as u16;
    Ok(match into_column(value, column, Excess::Round)? {
        Value::Time(t) => Value::Time(t.trunc_subsecs(digits)),
        Value::Timestamp(t) => Value::Timestamp(t.trunc_subsecs(digits)),
        Value::TimestampTz(t) => Value::TimestampTz(t.trunc_subsecs(digits)),
        value => value,
    })
}

/// A client's value as the column keeps it; more digits than it keeps are an error.
pub fn accept(value: Value, column: &Column) -> Result<Value, FitError> {
    into_column(value, column, Excess::Refuse)
}

fn into_column(value: Value, column: &Column, excess: Excess) -> Result<Value, FitError> {
    match (column.ty, value) {
        (_, Value::Null) => Ok(Value::Null),
        (ValueType::Int(kind), value) => whole(&value, kind, excess),
        (ValueType::Decimal { precision, scale }, value) => decimal(&value, precision, scale, excess),
        (ValueType::Float { bits }, value) => float(&value, bits),
        (ValueType::Text { length }, Value::Text(t)) => text(t, length),
        (ValueType::Enum, Value::Text(t)) => word(t, &column.enum_values),
        (ValueType::Uuid, Value::Text(t)) => uuid(&t),
        (ValueType::Bool, value @ Value::Bool(_))
        | (ValueType::Date, value @ Value::Date(_))
        | (ValueType::Json, value @ Value::Json(_))
        | (ValueType::Bytes, value @ Value::Bytes(_)) => Ok(value),
        (ValueType::Time, Value::Time(t)) => Ok(Value::Time(microseconds(t))),
        (ValueType::Timestamp, Value::Timestamp(t) | Value::TimestampTz(t)) => {
            Ok(Value::Timestamp(microseconds(t)))
        }
        (ValueType::TimestampTz, Value::Timestamp(t) | Value::TimestampTz(t)) => {
            Ok(Value::TimestampTz(microseconds(t)))
        }
        (
            ValueType::Set
            | ValueType::TimeTz
            | ValueType::Interval
            | ValueType::Bits { .. }
            | ValueType::Address(_)
            | ValueType::Array(_)
            | ValueType::Other,
            _,
        ) => Err(FitError::NotWritable),
        (ty, _) => Err(FitError::WrongType { expected: expected(ty) }),
    }
}

fn expected(ty: ValueType) -> &'static str {
    match ty {
        ValueType::Bool => "true or false",
        ValueType::Int(_) => "a whole number",
        ValueType::Decimal { .. } | ValueType::Float { .. } => "a number",
        ValueType::Text { .. } => "a text",
        ValueType::Uuid => "a UUID",
        ValueType::Date => "a date (YYYY-MM-DD)",
        ValueType::Time => "a time (HH:MM:SS)",
        ValueType::Timestamp | ValueType::TimestampTz => "a date and time (ISO 8601)",
        ValueType::Json => "JSON",
        ValueType::Bytes => "bytes (base64)",
        ValueType::Enum => "one of the declared words",
        _ => "left alone",
    }
}

fn number(value: &Value, ty: ValueType) -> Result<BigDecimal, FitError> {
    let number = value.decimal().ok_or(FitError::WrongType { expected: expected(ty) })?;
    if too_large(&number) { Err(FitError::TooLarge) } else { Ok(number) }
}

fn whole(value: &Value, kind: IntKind, excess: Excess) -> Result<Value, FitError> {
    let number = number(value, ValueType::Int(kind))?;
    let rounded = number.with_scale_round(0, RoundingMode::HalfUp);
    if excess == Excess::Refuse && rounded != number {
        return Err(FitError::NotWhole);
    }
    let (least, greatest) = kind.range();
    if !rounded.to_i128().is_some_and(|n| (least..=greatest).contains(&n)) {
        return Err(FitError::OutOfRange { least, greatest });
    }
    Ok(rounded.to_i64().map_or(Value::Decimal(rounded), Value::Int))
}

fn decimal(
    value: &Value,
    precision: Option<u32>,
    scale: Option<u32>,
    excess: Excess,
) -> Result<Value, FitError> {
    let number = number(value, ValueType::Decimal { precision, scale })?;
    let Some(scale) = scale.or(precision.map(|_| 0)) else { return Ok(Value::Decimal(number)) };
    let rounded = number.with_scale_round(i64::from(scale), RoundingMode::HalfUp);
    if excess == Excess::Refuse && rounded != number {
        return Err(FitError::TooFine { scale });
    }
    match precision {
        Some(precision) if !within(&rounded, precision) => {
            Err(FitError::TooManyDigits { digits: precision.saturating_sub(scale) })
        }
        _ => Ok(Value::Decimal(rounded)),
    }
}

/// Whether a number, already at its column's scale, has no more digits in all than the column keeps.
fn within(number: &BigDecimal, precision: u32) -> bool {
    let (digits, _) = number.as_bigint_and_scale();
    *digits.magnitude() < bigdecimal::num_bigint::BigUint::from(10u32).pow(precision)
}

fn float(value: &Value, bits: u8) -> Result<Value, FitError> {
    let float = match value {
        Value::Float(f) => *f,
        other => number(other, ValueType::Float { bits })?.to_f64().unwrap_or(f64::INFINITY),
    };
    let finite = if bits == 32 { (float as f32).is_finite() } else { float.is_finite() };
    if finite { Ok(Value::Float(float)) } else { Err(FitError::NotFinite) }
}

/// No database keeps more of a second; clocks do.
fn microseconds<T: Timelike + Copy>(time: T) -> T {
    time.with_nanosecond(time.nanosecond() / 1_000 * 1_000).unwrap_or(time)
}

fn text(text: String, length: Option<u32>) -> Result<Value, FitError> {
    match length {
        Some(length) if text.chars().count() > length as usize => Err(FitError::TooLong { length }),
        _ => Ok(Value::Text(text)),
    }
}

fn word(text: String, words: &[String]) -> Result<Value, FitError> {
    // A catalogue that lists no words leaves the judgement to the database.
    if words.is_empty() || words.contains(&text) {
        return Ok(Value::Text(text));
    }
    Err(FitError::NotAWord { words: words.to_vec() })
}

/// Lower case with hyphens, as identities are compared.
fn uuid(text: &str) -> Result<Value, FitError> {
    let digits: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let hyphens: Vec<usize> = text.char_indices().filter(|(_, c)| *c == '-').map(|(at, _)| at).collect();
    let hexadecimal = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !hexadecimal || !(hyphens.is_empty() || hyphens == [8, 13, 18, 23]) {
        return Err(FitError::WrongType { expected: expected(ValueType::Uuid) });
    }
    let mut canonical = digits;
    for at in [8, 13, 18, 23] {
        canonical.insert(at, '-');
    }
    Ok(Value::Text(canonical))
}

#[cfg(test)]
mod tests {
    use dialects::sql::SqlType;

    use super::*;
    use crate::expr::eval::show;
    use crate::fixture::{INT, MONEY, column};

    fn shown(result: Result<Value, FitError>) -> String {
        result.map_or_else(|e| format!("error: {e}"), |v| show(&v))
    }

    fn dec(text: &str) -> Value {
        Value::Decimal(text.parse().unwrap())
    }

    #[test]
    fn of_a_second_stays_what_the_column_keeps() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        let at = day.and_hms_nano_opt(23, 59, 59, 987_654_321).unwrap();
        for (dialect, declared, expected) in [
            (Dialect::Postgres, "timestamp without time zone", "2026-12-31 23:59:59.987654"),
            (Dialect::Postgres, "timestamp(0) without time zone", "2026-12-31 23:59:59"),
            (Dialect::Mysql, "datetime", "2026-12-31 23:59:59"),
            (Dialect::Mysql, "datetime(3)", "2026-12-31 23:59:59.987"),
            (Dialect::Sqlite, "datetime", "2026-12-31 23:59:59.987654"),
        ] {
            let of = |ty| Column { sql_type: SqlType::scalar(declared), ..column("c", ty) };
            let fitted = |value, ty| shown(fit(value, &of(ty), dialect));
            assert_eq!(fitted(Value::Timestamp(at), ValueType::Timestamp), expected, "{declared}");
            assert_eq!(fitted(Value::Timestamp(at), ValueType::TimestampTz), format!("{expected}Z"));
            assert_eq!(fitted(Value::Time(at.time()), ValueType::Time), &expected[11..]);
        }
    }

    #[test]
    fn a_value_of_another_type_is_told_what_is_expected() {
        for (ty, expected) in [
            (ValueType::Bool, "true or false"),
            (INT, "a whole number"),
            (MONEY, "a number"),
            (ValueType::Float { bits: 64 }, "a number"),
            (ValueType::Text { length: None }, "a text"),
            (ValueType::Uuid, "a UUID"),
            (ValueType::Date, "a date (YYYY-MM-DD)"),
            (ValueType::Time, "a time (HH:MM:SS)"),
            (ValueType::Timestamp, "a date and time (ISO 8601)"),
            (ValueType::TimestampTz, "a date and time (ISO 8601)"),
            (ValueType::Json, "JSON"),
            (ValueType::Bytes, "bytes (base64)"),
            (ValueType::Enum, "one of the declared words"),
        ] {
            let other = if ty == ValueType::Bytes { Value::Bool(true) } else { Value::Bytes(vec![1]) };
            assert_eq!(shown(accept(other, &column("c", ty))), format!("error: must be {expected}"));
        }
    }

    #[test]
    fn derived_values_are_rounded_and_client_values_are_not() {
        let text = ValueType::Text { length: Some(3) };
        let tiny = ValueType::Int(IntKind::I8);
        for (ty, value, derived, client) in [
            (MONEY, dec("1.005"), "1.01", "error: has more than 2 digits after the point"),
            (MONEY, dec("-1.005"), "-1.01", "error: has more than 2 digits after the point"),
            (MONEY, dec("1.500"), "1.50", "1.50"),
            (MONEY, Value::Int(7), "7.00", "7.00"),
            (
                MONEY,
                dec("9999999999.995"),
                "error: has more than 10 digits before the point",
                "error: has more than 2 digits after the point",
            ),
            (MONEY, dec("9999999999.99"), "9999999999.99", "9999999999.99"),
            (MONEY, Value::Null, "null", "null"),
            (MONEY, Value::text("1"), "error: must be a number", "error: must be a number"),
            (MONEY, dec("1e5000"), "error: is too large a number", "error: is too large a number"),
            (INT, dec("2.5"), "3", "error: must be a whole number"),
            (INT, dec("5.00"), "5", "5"),
            (
                tiny,
                Value::Int(128),
                "error: must lie between -128 and 127",
                "error: must lie between -128 and 127",
            ),
            (text, Value::text("äöü"), "äöü", "äöü"),
            (
                text,
                Value::text("abcd"),
                "error: is longer than 3 characters",
                "error: is longer than 3 characters",
            ),
            (
                ValueType::Uuid,
                Value::text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ),
            (ValueType::Bool, Value::Int(1), "error: must be true or false", "error: must be true or false"),
        ] {
            let column = column("c", ty);
            assert_eq!(
                shown(fit(value.clone(), &column, Dialect::Postgres)),
                derived,
                "fit {value:?} into {ty:?}"
            );
            assert_eq!(shown(accept(value.clone(), &column)), client, "accept {value:?} into {ty:?}");
        }
    }
}
