//! SQLite's cells, which have a type of their own each, read as their column declares. A cell that contradicts its
//! column is shown as text.

use std::borrow::Cow;

use bigdecimal::BigDecimal;
use rusqlite::types::Value as SqliteValue;

use crate::driver::text;
use crate::value::Cell;
use crate::{Value, ValueType};

/// The cells of an answer, row after row.
#[derive(Debug)]
pub(in crate::driver) struct Table {
    width: usize,
    cells: Vec<SqliteValue>,
}

impl Table {
    pub(super) fn new(width: usize) -> Self {
        Self { width, cells: Vec::new() }
    }

    pub(super) fn push(&mut self, cell: SqliteValue) {
        self.cells.push(cell);
    }

    pub(in crate::driver) fn len(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }

    pub(in crate::driver) fn truncate(&mut self, len: usize) {
        self.cells.truncate(len.saturating_mul(self.width));
    }

    pub(in crate::driver) fn reverse(&mut self) {
        // Backwards cell by cell, then each row forwards again.
        self.cells.reverse();
        self.cells.chunks_mut(self.width.max(1)).for_each(<[_]>::reverse);
    }

    pub(in crate::driver) fn append(&mut self, other: Self) {
        self.cells.extend(other.cells);
    }

    pub(in crate::driver) fn cell(&self, row: usize, column: usize) -> Option<&SqliteValue> {
        let inside = column < self.width;
        inside.then(|| self.cells.get(row * self.width + column)).flatten()
    }
}

/// A cell in its own type.
pub(in crate::driver) fn stored(value: &SqliteValue) -> Value {
    match value {
        SqliteValue::Null => Value::Null,
        SqliteValue::Integer(number) => Value::Int(*number),
        SqliteValue::Real(float) => Value::Float(*float),
        SqliteValue::Text(text) => Value::Text(text.clone()),
        SqliteValue::Blob(bytes) => Value::Bytes(bytes.clone()),
    }
}

/// A cell as its column declares it.
pub(in crate::driver) fn decode(value: &SqliteValue, ty: ValueType) -> Cell<'_> {
    match value {
        SqliteValue::Null => Cell::Null,
        SqliteValue::Integer(number) => integer(*number, ty),
        SqliteValue::Real(float) => real(*float, ty),
        SqliteValue::Text(text) => textual(text, ty),
        SqliteValue::Blob(bytes) if ty == ValueType::Bytes => Cell::Bytes(Cow::Borrowed(bytes)),
        SqliteValue::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => textual(text, ty),
            Err(_) => Cell::Bytes(Cow::Borrowed(bytes)),
        },
    }
}

fn integer(number: i64, ty: ValueType) -> Cell<'static> {
    match (ty, number) {
        (ValueType::Int(_), _) => Cell::Int(number),
        (ValueType::Bool, 0 | 1) => Cell::Bool(number == 1),
        (ValueType::Decimal { scale, .. }, _) => Cell::Decimal(Cow::Owned(padded(number.into(), scale))),
        (ValueType::Float { .. }, _) => Cell::Float(number as f64),
        // A document that is nothing but a number is kept as one.
        (ValueType::Json, _) => Cell::Json(Cow::Owned(number.to_string())),
        _ => Cell::Text(Cow::Owned(number.to_string())),
    }
}

fn real(float: f64, ty: ValueType) -> Cell<'static> {
    match ty {
        ValueType::Float { .. } => Cell::Float(float),
        ValueType::Json if float.is_finite() => Cell::Json(Cow::Owned(float.to_string())),
        ValueType::Decimal { scale, .. } => match decimal(float) {
            Some(decimal) => Cell::Decimal(Cow::Owned(padded(decimal, scale))),
            None => Cell::Text(Cow::Owned(float.to_string())),
        },
        // Sums of whole numbers become REAL when they pass 64 bits.
        ValueType::Int(_) if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => {
            Cell::Int(float as i64)
        }
        _ => Cell::Text(Cow::Owned(float.to_string())),
    }
}

/// The decimal that a double stands for: what it says in 15 digits, which is exact for every decimal of so many.
pub(super) fn decimal(float: f64) -> Option<BigDecimal> {
    float
        .is_finite()
        .then(|| format!("{float:.14e}").parse::<BigDecimal>().ok())?
        .map(|decimal| decimal.normalized())
}

/// Plain digits, with zeros up to the declared scale. Digits beyond it are shown: they are in the database.
fn padded(decimal: BigDecimal, scale: Option<u32>) -> String {
    let scale = i64::from(scale.unwrap_or(0));
    let (_, digits) = decimal.as_bigint_and_exponent();
    decimal.with_scale(digits.max(scale)).to_plain_string()
}

fn textual(text: &str, ty: ValueType) -> Cell<'_> {
    let read = match ty {
        ValueType::Int(_) => text.parse().ok().map(Cell::Int),
        ValueType::Decimal { scale, .. } => {
            text.parse().ok().map(|decimal| Cell::Decimal(Cow::Owned(padded(decimal, scale))))
        }
        ValueType::Float { .. } => text.parse().ok().map(Cell::Float),
        ValueType::Date => date(text).map(Cell::Date),
        ValueType::Time => text::time(text).map(Cell::Time),
        ValueType::Timestamp => text::timestamp(text).map(Cell::Timestamp),
        ValueType::TimestampTz => text::timestamp(text).map(Cell::TimestampTz),
        ValueType::Json => Some(Cell::Json(Cow::Borrowed(text))),
        ValueType::Bytes => Some(Cell::Bytes(Cow::Borrowed(text.as_bytes()))),
        _ => None,
    };
    read.unwrap_or(Cell::Text(Cow::Borrowed(text)))
}

/// A date, also one that was stored with midnight behind it.
pub(super) fn date(text: &str) -> Option<chrono::NaiveDate> {
    text::date(text).or_else(|| {
        text::timestamp(text).filter(|stamp| stamp.time() == chrono::NaiveTime::MIN).map(|stamp| stamp.date())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: SqliteValue, ty: ValueType, expect: &str) {
        assert_eq!(format!("{:?}", decode(&value, ty)), expect);
    }

    #[test]
    fn decimals_are_read_from_every_storage_class() {
        let money = ValueType::Decimal { precision: Some(12), scale: Some(2) };
        check(SqliteValue::Integer(7), money, "Decimal(\"7.00\")");
        check(SqliteValue::Real(0.1 * 3.0), money, "Decimal(\"0.30\")");
        check(SqliteValue::Real(1.999), money, "Decimal(\"1.999\")");
        check(SqliteValue::Real(-1234567.5), money, "Decimal(\"-1234567.50\")");
        check(SqliteValue::Text("12.5".into()), money, "Decimal(\"12.50\")");
        check(
            SqliteValue::Real(1e20),
            ValueType::Decimal { precision: None, scale: None },
            "Decimal(\"100000000000000000000\")",
        );
        check(SqliteValue::Text("dear".into()), money, "Text(\"dear\")");
    }

    #[test]
    fn a_cell_that_contradicts_its_column_is_text() {
        check(SqliteValue::Integer(2), ValueType::Bool, "Text(\"2\")");
        check(SqliteValue::Text("soon".into()), ValueType::Date, "Text(\"soon\")");
        check(SqliteValue::Text("2016-07-04 00:00:00".into()), ValueType::Date, "Date(2016-07-04)");
        check(
            SqliteValue::Text("2016-07-04 10:00:00".into()),
            ValueType::Date,
            "Text(\"2016-07-04 10:00:00\")",
        );
        check(SqliteValue::Real(1.5), ValueType::Int(crate::IntKind::Dynamic), "Text(\"1.5\")");
    }
}
