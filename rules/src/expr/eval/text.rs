//! Texts: how values are written, patterns, and pieces counted in characters.

use chrono::{NaiveDateTime, NaiveTime};
use dialects::Value;

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

/// From the `from`-th character on, `count` of them; the window may begin before the text does.
pub(super) fn substring(text: &str, from: i64, count: Option<i64>) -> Value {
    let end = count.map_or(i64::MAX, |count| from.saturating_add(count));
    let start = from.max(1);
    let skip = usize::try_from(start - 1).unwrap_or(usize::MAX);
    let take = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
    Value::Text(text.chars().skip(skip).take(take).collect())
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
        return Ok(Some(matches(text, pattern)));
    }
    Ok(Some(matches(&text.to_lowercase(), &pattern.to_lowercase())))
}

enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    Char(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '%' => Piece::Any,
            '_' => Piece::One,
            // At the end it has nothing to escape, and stands for itself.
            '\\' => Piece::Char(chars.next().unwrap_or('\\')),
            c => Piece::Char(c),
        });
    }
    pieces
}

/// Goes back only to the last `%`, so the time is at most the product of the lengths.
fn matches(text: &str, pattern: &str) -> bool {
    let pieces = pieces(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut piece) = (0, 0);
    let mut last_any: Option<(usize, usize)> = None;
    while let Some(c) = text.get(at) {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                last_any = Some((at, piece));
                piece += 1;
                continue;
            }
            Some(Piece::One) => {}
            Some(Piece::Char(wanted)) if wanted == c => {}
            _ => {
                let Some((start, any)) = last_any else { return false };
                last_any = Some((start + 1, any));
                (at, piece) = (start + 1, any + 1);
                continue;
            }
        }
        (at, piece) = (at + 1, piece + 1);
    }
    pieces.iter().skip(piece).all(|p| matches!(p, Piece::Any))
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
