//! Texts: how values are written, joined, replaced and matched.

use chrono::{NaiveDateTime, NaiveTime};
use dialects::{Value, pieces};

use super::{EvalError, TEXT_MAX};

/// A value as people and `cast(… as text)` see it: plain digits, ISO dates; null as the word.
pub fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Decimal(d) if super::number::too_large(d) => d.to_scientific_notation(),
        Value::Decimal(d) => d.to_plain_string(),
        Value::Float(f) => f.to_string(),
        Value::Text(t) | Value::Json(t) => t.clone(),
        Value::Bytes(b) => b.iter().map(|byte| format!("{byte:02x}")).collect(),
        Value::Date(d) => d.to_string(),
        Value::Time(t) => show_time(*t),
        Value::Timestamp(t) => show_timestamp(*t),
        Value::TimestampTz(t) => format!("{}Z", show_timestamp(*t)),
        Value::Array(elements) => format!("[{}]", elements.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Drawn(d) => format!("#{}", d.row),
    }
}

/// The kind of a value, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Int(_) | Value::Decimal(_) => "a number",
        Value::Float(_) => "a floating point number",
        Value::Text(_) => "a text",
        Value::Bytes(_) => "bytes",
        Value::Date(_) => "a date",
        Value::Time(_) => "a time",
        Value::Timestamp(_) => "a timestamp",
        Value::TimestampTz(_) => "an instant",
        Value::Json(_) => "JSON",
        Value::Array(_) => "an array",
        Value::Drawn(_) => "a value that is still to be drawn",
    }
}

/// The characters of a text.
pub(super) fn chars(value: &Value) -> Result<&str, EvalError> {
    match value {
        Value::Text(t) => Ok(t),
        other => Err(EvalError::NotAText(kind(other))),
    }
}

/// All of them in a row; nulls count as empty.
pub(super) fn concat(values: &[Value]) -> Result<Value, EvalError> {
    let mut all = String::new();
    for value in values.iter().filter(|v| !v.is_null()) {
        all.push_str(&show(value));
        check_length(all.len())?;
    }
    Ok(Value::Text(all))
}

/// Every `from` in the text becomes `to`; an empty `from` changes nothing.
pub(super) fn replace(text: &str, from: &str, to: &str) -> Result<Value, EvalError> {
    if from.is_empty() {
        return Ok(Value::Text(text.into()));
    }
    let grown = text.matches(from).count().saturating_mul(to.len());
    check_length(text.len().saturating_add(grown))?;
    Ok(Value::Text(text.replace(from, to)))
}

/// `text like pattern`; `None` when either is null.
pub(super) fn like(text: &Value, pattern: &Value, insensitive: bool) -> Result<Option<bool>, EvalError> {
    if text.is_null() || pattern.is_null() {
        return Ok(None);
    }
    let (text, pattern) = (chars(text)?, chars(pattern)?);
    if !insensitive {
        return Ok(Some(pieces::like(text, pattern)));
    }
    Ok(Some(pieces::like(&text.to_lowercase(), &pattern.to_lowercase())))
}

fn check_length(bytes: usize) -> Result<(), EvalError> {
    if bytes > TEXT_MAX { Err(EvalError::TooLong) } else { Ok(()) }
}

fn show_time(time: NaiveTime) -> String {
    fraction_trimmed(time.format("%H:%M:%S%.6f").to_string())
}

fn show_timestamp(at: NaiveDateTime) -> String {
    fraction_trimmed(at.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

fn fraction_trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
