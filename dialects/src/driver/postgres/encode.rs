//! Parameters, all as text: one form that every type reads, so that a value its type cannot hold is the server's error and
//! never a surprise here.

use std::error::Error;
use std::fmt::Write;

use bytes::BytesMut;
use chrono::{Datelike, NaiveDate};
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use crate::Value;
use crate::render::Param;

/// A parameter on its way to the server.
#[derive(Debug)]
pub(super) struct Encoded<'a>(pub(super) &'a Param);

impl ToSql for Encoded<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let text = match self.0 {
            Param::One(Value::Null) => return Ok(IsNull::Yes),
            Param::One(value) => text(value),
            Param::Many(values) => list(values),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A value as PostgreSQL's input functions read it. Null is none.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => if *truth { "t" } else { "f" }.to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(decimal) => decimal.to_plain_string(),
        Value::Float(float) => float.to_string(),
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Bytes(bytes) => hex(bytes),
        Value::Date(day) => dated(*day, ""),
        Value::Time(time) => time.to_string(),
        Value::Timestamp(stamp) => dated(stamp.date(), &format!(" {}", stamp.time())),
        Value::TimestampTz(stamp) => dated(stamp.date(), &format!(" {}+00", stamp.time())),
        Value::Array(elements) => array(elements),
        // Never sent; if it were, no key would take it.
        Value::Drawn(drawn) => format!("{drawn:?}"),
    }
}

/// Years before the first are counted backwards: the year 0 is `0001 BC`.
fn dated(day: NaiveDate, time: &str) -> String {
    let (year, era) = if day.year() > 0 { (day.year(), "") } else { (1 - day.year(), " BC") };
    format!("{year:04}-{:02}-{:02}{time}{era}", day.month(), day.day())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// An array of any depth: `{{"1","2"},{"3",NULL}}`.
fn array(elements: &[Value]) -> String {
    match elements.iter().any(|element| matches!(element, Value::Array(_))) {
        true => {
            let inner = |element: &Value| match element {
                Value::Array(elements) => array(elements),
                other => list(std::slice::from_ref(other)),
            };
            format!("{{{}}}", elements.iter().map(inner).collect::<Vec<_>>().join(","))
        }
        false => list(elements),
    }
}

/// `{"a","b",NULL}`
fn list(values: &[Value]) -> String {
    let mut out = "{".to_owned();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match value.is_null() {
            true => out.push_str("NULL"),
            false => quoted(&mut out, &text(value)),
        }
    }
    out.push('}');
    out
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_server_reads_them() {
        let day = |year| NaiveDate::from_ymd_opt(year, 2, 3).unwrap();
        for (value, expect) in [
            (Value::Decimal("1E+3".parse().unwrap()), "1000"),
            (Value::Float(f64::NEG_INFINITY), "-inf"),
            (Value::Bytes(vec![0, 255]), "\\x00ff"),
            (Value::Date(day(2024)), "2024-02-03"),
            (Value::Date(day(12024)), "12024-02-03"),
            (Value::Timestamp(day(0).and_hms_opt(1, 2, 3).unwrap()), "0001-02-03 01:02:03 BC"),
        ] {
            assert_eq!(text(&value), expect);
        }
    }

    #[test]
    fn array_elements_are_quoted() {
        let values =
            [Value::text("a\"b\\c"), Value::Null, Value::text("null"), Value::text(""), Value::Int(1)];
        assert_eq!(list(&values), r#"{"a\"b\\c",NULL,"null","","1"}"#);
        let nested = [Value::Array(vec![Value::Int(1), Value::Null]), Value::Array(vec![Value::Int(2); 2])];
        assert_eq!(array(&nested), r#"{{"1",NULL},{"2","2"}}"#);
        assert_eq!(list(&[Value::Array(nested.to_vec())]), r#"{"{{\"1\",NULL},{\"2\",\"2\"}}"}"#);
    }
}
