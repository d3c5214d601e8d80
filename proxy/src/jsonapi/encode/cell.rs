//! A cell as a JSON value: a number where a double can hold whatever its column may hold, else a string.
//!
//! A cell that contradicts its column's type (SQLite allows it) is shown as text.

use dialects::{Cell, IntKind, ValueType};

use super::text::text;
use crate::jsonapi::json;
use crate::state::Numbers;

/// The greatest whole number up to which a double holds every one.
const DOUBLE_MAX: u64 = (1 << 53) - 1;

/// The most digits of which a double keeps every one.
const DOUBLE_DIGITS: u32 = 15;

/// Writes a cell of a column of this type.
pub fn cell(out: &mut Vec<u8>, ty: ValueType, numbers: Numbers, cell: &Cell<'_>) {
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::Text(t) if ty == ValueType::Set => set(out, t),
        Cell::Text(t) => json::string(out, t),
        Cell::Array(elements) => array(out, ty, numbers, elements),
        Cell::Json(j) => {
            if ty != ValueType::Json || !json::embedded(out, j) {
                json::string(out, j);
            }
        }
        _ if bare(ty, numbers, cell) => text(out, ty, cell),
        Cell::Bytes(_) => {
            let mut plain = Vec::new();
            text(&mut plain, ty, cell);
            json::string(out, &String::from_utf8_lossy(&plain));
        }
        _ => {
            out.push(b'"');
            text(out, ty, cell);
            out.push(b'"');
        }
    }
}

/// Whether it stands without quotes.
/// The elements one by one; rows of a further dimension are arrays of the same type.
fn array(out: &mut Vec<u8>, ty: ValueType, numbers: Numbers, elements: &[Cell<'_>]) {
    let ValueType::Array(of) = ty else { return out.extend_from_slice(b"null") };
    out.push(b'[');
    for element in elements {
        json::comma(out);
        cell(out, if matches!(element, Cell::Array(_)) { ty } else { *of }, numbers, element);
    }
    out.push(b']');
}

/// Words joined by commas, as an array.
fn set(out: &mut Vec<u8>, words: &str) {
    out.push(b'[');
    for word in words.split(',').filter(|word| !word.is_empty()) {
        json::comma(out);
        json::string(out, word);
    }
    out.push(b']');
}

fn bare(ty: ValueType, numbers: Numbers, cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Bool(_) => ty == ValueType::Bool,
        Cell::Int(n) => numeric(ty) && small(ty, numbers, Some(*n)),
        Cell::Decimal(digits) => numeric(ty) && is_number(digits) && small(ty, numbers, None),
        Cell::Float(f) => matches!(ty, ValueType::Float { .. }) && f.is_finite() && small(ty, numbers, None),
        _ => false,
    }
}

fn numeric(ty: ValueType) -> bool {
    matches!(ty, ValueType::Int(_) | ValueType::Decimal { .. } | ValueType::Float { .. })
}

/// Whether a number of this column is shown as a JSON number.
pub(in crate::jsonapi) fn small(ty: ValueType, numbers: Numbers, number: Option<i64>) -> bool {
    match (numbers, ty) {
        (Numbers::Number, _) => true,
        (Numbers::String, _) => false,
        (Numbers::Safe, ValueType::Int(IntKind::I64 | IntKind::U64)) => false,
        (Numbers::Safe, ValueType::Int(IntKind::Dynamic)) => {
            number.is_some_and(|n| n.unsigned_abs() <= DOUBLE_MAX)
        }
        (Numbers::Safe, ValueType::Decimal { precision, .. }) => {
            precision.is_some_and(|p| p <= DOUBLE_DIGITS)
        }
        (Numbers::Safe, _) => true,
    }
}

fn is_number(digits: &str) -> bool {
    digits.bytes().any(|b| b.is_ascii_digit()) && !digits.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialects::Value;

    const MONEY: ValueType = ValueType::Decimal { precision: Some(12), scale: Some(2) };
    const WIDE: ValueType = ValueType::Decimal { precision: Some(30), scale: Some(2) };
    const FREE: ValueType = ValueType::Decimal { precision: None, scale: None };

    fn check(ty: ValueType, value: Value, expect: &str) {
        let mut out = Vec::new();
        cell(&mut out, ty, Numbers::Safe, &value.cell());
        assert_eq!(String::from_utf8(out).unwrap(), expect, "{ty:?} {value:?}");
    }

    fn decimal(digits: &str) -> Value {
        Value::Decimal(digits.parse().unwrap())
    }

    #[test]
    fn numbers_are_numbers_where_a_double_holds_every_value_of_the_column() {
        check(ValueType::Int(IntKind::I32), Value::Int(-7), "-7");
        check(ValueType::Int(IntKind::I64), Value::Int(7), "\"7\"");
        check(ValueType::Int(IntKind::U64), decimal("18446744073709551615"), "\"18446744073709551615\"");
        check(ValueType::Int(IntKind::Dynamic), Value::Int(9_007_199_254_740_991), "9007199254740991");
        check(ValueType::Int(IntKind::Dynamic), Value::Int(-9_007_199_254_740_992), "\"-9007199254740992\"");
        check(MONEY, decimal("15"), "15.00");
        check(MONEY, Value::Int(15), "15.00");
        check(MONEY, decimal("-0.5"), "-0.50");
        check(WIDE, decimal("15.1"), "\"15.10\"");
        check(FREE, decimal("1.500"), "\"1.500\"");
        check(ValueType::Float { bits: 64 }, Value::Float(0.1), "0.1");
        check(ValueType::Float { bits: 32 }, Value::Float(f64::from(0.1_f32)), "0.1");
        check(ValueType::Float { bits: 64 }, Value::Float(f64::NAN), "\"NaN\"");
        check(ValueType::Float { bits: 64 }, Value::Float(f64::NEG_INFINITY), "\"-Infinity\"");
    }

    #[test]
    fn times_are_iso_without_trailing_zeros() {
        let at = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap();
        check(ValueType::Date, Value::Date(at("0987-01-02 00:00:00").date()), "\"0987-01-02\"");
        check(ValueType::Timestamp, Value::Timestamp(at("2024-02-29 01:02:03")), "\"2024-02-29T01:02:03\"");
        let tz = Value::TimestampTz(at("2024-02-29 01:02:03.045600"));
        check(ValueType::TimestampTz, tz, "\"2024-02-29T01:02:03.0456Z\"");
        check(ValueType::Time, Value::Time(at("2024-02-29 23:59:59.5").time()), "\"23:59:59.5\"");
    }

    #[test]
    fn other_values_keep_their_form() {
        check(ValueType::Bool, Value::Bool(true), "true");
        check(ValueType::Text { length: None }, Value::text("a\"b"), "\"a\\\"b\"");
        check(ValueType::Bytes, Value::Bytes(vec![0, 255]), "\"AP8=\"");
        check(ValueType::Json, Value::Json("{ \"a\": 1.10 }".into()), "{\"a\":1.10}");
        check(ValueType::Bool, Value::Null, "null");
    }

    #[test]
    fn arrays_and_sets_are_arrays() {
        let [one, null, big] = [Value::Int(1), Value::Null, Value::Int(i64::MAX)];
        let ints = ValueType::Int(IntKind::I32).array();
        check(ints, Value::Array(vec![one.clone(), null.clone()]), "[1,null]");
        check(ints, Value::Array(vec![]), "[]");
        check(ValueType::Int(IntKind::I64).array(), Value::Array(vec![big]), "[\"9223372036854775807\"]");
        let nested =
            Value::Array(vec![Value::Array(vec![one.clone(), one]), Value::Array(vec![null.clone(), null])]);
        check(ints, nested, "[[1,1],[null,null]]");
        check(ValueType::Json.array(), Value::Array(vec![Value::Json("[1, {}]".into())]), "[[1,{}]]");
        check(ValueType::Set, Value::text("red,dark green"), "[\"red\",\"dark green\"]");
        check(ValueType::Set, Value::text(""), "[]");
    }

    #[test]
    fn a_cell_that_contradicts_its_type_is_text() {
        check(ValueType::Int(IntKind::I32), Value::text("many"), "\"many\"");
        check(ValueType::Int(IntKind::I32), Value::Float(1.5), "\"1.5\"");
        check(ValueType::Bool, Value::Int(5), "\"5\"");
        check(ValueType::Date, Value::Int(5), "\"5\"");
        check(ValueType::Json, Value::Json("{".into()), "\"{\"");
        check(ValueType::Text { length: None }, Value::Bytes(b"a\nb".to_vec()), "\"a\\nb\"");
        check(MONEY, Value::text("NaN"), "\"NaN\"");
    }
}
