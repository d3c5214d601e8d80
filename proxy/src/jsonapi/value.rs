//! What a client writes → a typed [`Value`] of a column: text from the query string or an id, JSON from a document.
//!
//! Strict both ways: nothing is rounded, cut, guessed or swapped for something near. What does not fit is answered with a sentence
//! that says what was expected (`expected a whole number from 0 to 255`).

mod number;
mod time;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
        ValueType::Decimal { precision, scale } => number::decimal(precision, scale, text),
        ValueType::Float { bits } => number::float(dialect, bits, text),
        ValueType::Json => match serde_json::from_str::<Json>(text) {
            Ok(json) => Ok(Value::Json(json.to_string())),
            Err(_) => Err(expected("a JSON document")),
        },
        _ => textual(dialect, column, text),
    }
}

/// Whether the text is a day such as `2024-02-29`.
pub fn is_date(text: &str) -> bool {
    time::date(text).is_some()
}

/// The value that a JSON value of a document stands for. `null` is null, whether or not the column takes one.
pub fn from_json(dialect: Dialect, column: &Column, json: &Json) -> Result<Value, Misfit> {
    match (json, column.ty) {
        (Json::Null, _) => Ok(Value::Null),
        (_, ValueType::Json) => Ok(Value::Json(json.to_string())),
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
fn textual(dialect: Dialect, column: &Column, text: &str) -> Result<Value, Misfit> {
    match column.ty {
        ValueType::Text { length } => plain(dialect, length, text),
        ValueType::Uuid => uuid(text),
        ValueType::Enum => word(column, text),
        ValueType::Date => time::date(text).map(Value::Date).ok_or_else(|| expected(time::DATE)),
        ValueType::Time => time::time(text, time::digits(dialect, column)).map(Value::Time),
        ValueType::Timestamp => time::timestamp(text, time::digits(dialect, column)).map(Value::Timestamp),
        ValueType::TimestampTz => time::instant(text, time::digits(dialect, column)).map(Value::TimestampTz),
        ValueType::Bytes => match STANDARD.decode(text) {
            Ok(bytes) => Ok(Value::Bytes(bytes)),
            Err(_) => Err(expected("bytes in base64, with padding")),
        },
        _ => Err("a column of this type cannot be written".into()),
    }
}

fn plain(dialect: Dialect, length: Option<u32>, text: &str) -> Result<Value, Misfit> {
    if dialect == Dialect::Postgres && text.contains('\0') {
        return Err(expected("text without NUL characters"));
    }
    match length {
        Some(most) if text.chars().count() > most as usize => {
            Err(expected(&format!("text of at most {most} characters")))
        }
        _ => Ok(Value::text(text)),
    }
}

fn uuid(text: &str) -> Result<Value, Misfit> {
    let hyphen = |n: usize| matches!(n, 8 | 13 | 18 | 23);
    let fits = |(n, byte): (usize, u8)| if hyphen(n) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    match text.len() == 36 && text.bytes().enumerate().all(fits) {
        true => Ok(Value::Text(text.to_ascii_lowercase())),
        false => Err(expected("a UUID such as 123e4567-e89b-12d3-a456-426614174000")),
    }
}

fn word(column: &Column, text: &str) -> Result<Value, Misfit> {
    match column.enum_values.iter().any(|word| word == text) {
        true => Ok(Value::text(text)),
        false => Err(expected(&format!("one of {}", column.enum_values.join(", ")))),
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
        ValueType::Bytes => "bytes in base64",
        ValueType::Json => "a JSON document",
        ValueType::Text { .. } | ValueType::Enum | ValueType::Other => "text",
    }
    .into()
}

fn expected(what: &str) -> Misfit {
    format!("expected {what}")
}

#[cfg(test)]
mod tests;
