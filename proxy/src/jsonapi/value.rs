//! What a client writes → a typed [`Value`] of a column: text from the query string or an id, JSON from a document.
//!
//! Strict both ways: nothing is rounded, cut, guessed or swapped for something near. What does not fit is answered with a sentence
//! that says what was expected (`expected a whole number from 0 to 255`).

mod list;
mod number;
mod text;
mod time;
mod written;

pub(crate) use number::parse as exact;

use dialects::{Dialect, Value, ValueType};
use introspect::Column;
use serde_json::Value as Json;

/// What was expected instead, as a sentence without its full stop.
pub type Misfit = String;

/// The value that a text of the query string stands for.
pub fn from_text(dialect: Dialect, column: &Column, text: &str) -> Result<Value, Misfit> {
    match column.ty {
        ValueType::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(expected("true or false")),
        },
        ValueType::Int(kind) => number::integer(kind, text),
        ValueType::Decimal { precision, scale } => number::decimal(dialect, precision, scale, text),
        ValueType::Float { bits } => number::float(dialect, bits, text),
        ValueType::Json => match serde_json::from_str::<Json>(text) {
            Ok(json) => document(dialect, column, &json),
            Err(_) => Err(expected("a JSON document")),
        },
        ValueType::Array(_) => match serde_json::from_str::<Json>(text) {
            Ok(json) => from_json(dialect, column, &json),
            Err(_) => Err(expected(list::ARRAY)),
        },
        _ => textual(dialect, column, text),
    }
}

/// Whether the text is a day such as `2024-02-29`.
pub fn is_date(text: &str) -> bool {
    time::day(text).is_some()
}

/// The value that a JSON value of a document stands for. `null` is null, whether or not the column takes one.
pub fn from_json(dialect: Dialect, column: &Column, json: &Json) -> Result<Value, Misfit> {
    match (json, column.ty) {
        (Json::Null, _) => Ok(Value::Null),
        (_, ValueType::Json) => document(dialect, column, json),
        (_, ValueType::Array(element)) => list::array(dialect, column, *element, json),
        (_, ValueType::Set) => list::set(column, json),
        (Json::Bool(b), ValueType::Bool) => Ok(Value::Bool(*b)),
        (Json::Number(n), ValueType::Int(_) | ValueType::Decimal { .. } | ValueType::Float { .. }) => {
            from_text(dialect, column, &n.to_string())
        }
        (Json::String(_), ValueType::Bool) => Err(expected("true or false")),
        (Json::String(text), _) => from_text(dialect, column, text),
        _ => Err(expected(&form(column.ty))),
    }
}

/// The types that are written as text alone.
fn textual(dialect: Dialect, column: &Column, given: &str) -> Result<Value, Misfit> {
    match column.ty {
        ValueType::Text { length } => text::plain(dialect, column, length, given),
        ValueType::Uuid => text::uuid(dialect, given),
        ValueType::Enum => text::word(column, given),
        ValueType::Set => list::words(column, given),
        ValueType::Date => time::date(dialect, given),
        ValueType::Time => time::time(dialect, column, given),
        ValueType::TimeTz => written::time_tz(dialect, column, given),
        ValueType::Timestamp => time::timestamp(dialect, column, given),
        ValueType::TimestampTz => time::instant(dialect, column, given),
        ValueType::Interval => written::interval(given),
        ValueType::Bits { length, varying } => written::bits(length, varying, given),
        ValueType::Address(kind) => written::address(kind, given),
        ValueType::Bytes => text::bytes(dialect, column, given),
        // What cannot be written may still be sent back as it is.
        _ => Ok(Value::text(given)),
    }
}

/// A JSON document.
fn document(dialect: Dialect, column: &Column, json: &Json) -> Result<Value, Misfit> {
    // Strings of `jsonb` are texts of PostgreSQL, which hold no NUL, not even an escaped one.
    if dialect == Dialect::Postgres && column.sql_type.text.starts_with("jsonb") && holds_nul(json) {
        return Err(expected("a JSON document without NUL characters"));
    }
    let text = json.to_string();
    match json.is_number() && text::becomes_another_number(dialect, column, &text) {
        true => Err(expected("a JSON document; alone, a number of at most 15 digits")),
        false => Ok(Value::Json(text)),
    }
}

fn holds_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(holds_nul),
        Json::Object(members) => members.iter().any(|(name, item)| name.contains('\0') || holds_nul(item)),
        _ => false,
    }
}

/// What a column takes, in words.
fn form(ty: ValueType) -> String {
    match ty {
        ValueType::Bool => "true or false",
        ValueType::Int(_) => "a whole number",
        ValueType::Decimal { .. } | ValueType::Float { .. } => "a number",
        ValueType::Uuid => "a UUID",
        ValueType::Date => time::DATE,
        ValueType::Time => time::TIME,
        ValueType::Timestamp => time::TIMESTAMP,
        ValueType::TimestampTz => time::INSTANT,
        ValueType::TimeTz => written::TIME_TZ,
        ValueType::Interval => written::INTERVAL,
        ValueType::Bits { .. } => written::BITS,
        ValueType::Address(kind) => written::address_form(kind),
        ValueType::Bytes => "bytes in base64",
        ValueType::Json => "a JSON document",
        ValueType::Array(_) => list::ARRAY,
        ValueType::Text { .. } | ValueType::Enum | ValueType::Set | ValueType::Other => "text",
    }
    .into()
}

fn expected(what: &str) -> Misfit {
    format!("expected {what}")
}

#[cfg(test)]
mod tests;
