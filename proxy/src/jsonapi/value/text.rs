//! Texts, words, UUIDs and bytes, no longer than their column keeps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dialects::{Dialect, Value};
use introspect::Column;

use super::{Misfit, expected};

/// Text. Spaces at the end of a `char(n)` mean nothing, and are not kept.
pub(super) fn plain(
    dialect: Dialect,
    column: &Column,
    length: Option<u32>,
    text: &str,
) -> Result<Value, Misfit> {
    if dialect == Dialect::Postgres && text.contains('\0') {
        return Err(expected("text without NUL characters"));
    }
    let padded = dialect != Dialect::Sqlite && declared(column) == "char";
    let text = if padded { text.trim_end_matches(' ') } else { text };
    if becomes_another_number(dialect, column, text) {
        return Err(expected("text that SQLite does not take for a number: declare the column as TEXT"));
    }
    let bytes_max = byte_length(dialect, column);
    match (length, bytes_max) {
        (Some(most), _) if text.chars().count() > most as usize => {
            Err(expected(&format!("text of at most {most} characters")))
        }
        (None, Some(most)) if text.len() > most => {
            Err(expected(&format!("text of at most {most} bytes in UTF-8")))
        }
        _ => Ok(Value::text(text)),
    }
}

/// Whether SQLite makes another text of this one: a column that is declared neither as text nor as bytes, such as `STRING` or `JSON`, keeps what
/// looks like a number as a number (<https://sqlite.org/datatype3.html>, section 3.1).
pub(super) fn becomes_another_number(dialect: Dialect, column: &Column, text: &str) -> bool {
    let declared = column.sql_type.text.to_ascii_uppercase();
    let is_text = ["CHAR", "CLOB", "TEXT", "BLOB"].iter().any(|word| declared.contains(word));
    if dialect != Dialect::Sqlite || is_text {
        return false;
    }
    let looks_like_one =
        text.trim().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.trim().parse::<f64>() {
        Ok(number) if looks_like_one => {
            text.parse::<i64>().map_or_else(|_| number.to_string(), |whole| whole.to_string()) != text
        }
        _ => false,
    }
}

/// A UUID, in lower case. SQLite keeps them as text, in the case that they came in.
pub(super) fn uuid(dialect: Dialect, text: &str) -> Result<Value, Misfit> {
    let hyphen = |n: usize| matches!(n, 8 | 13 | 18 | 23);
    let fits = |(n, byte): (usize, u8)| if hyphen(n) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    match text.len() == 36 && text.bytes().enumerate().all(fits) {
        true if dialect == Dialect::Sqlite => Ok(Value::text(text)),
        true => Ok(Value::Text(text.to_ascii_lowercase())),
        false => Err(expected("a UUID such as 123e4567-e89b-12d3-a456-426614174000")),
    }
}

/// One of the column's words.
pub(super) fn word(column: &Column, text: &str) -> Result<Value, Misfit> {
    match column.enum_values.iter().any(|word| word == text) {
        true => Ok(Value::text(text)),
        false => Err(expected(&format!("one of {}", column.enum_values.join(", ")))),
    }
}

/// Bytes. A `binary(n)` is filled up with zeros, as the database does.
pub(super) fn bytes(dialect: Dialect, column: &Column, text: &str) -> Result<Value, Misfit> {
    let mut bytes = STANDARD.decode(text).map_err(|_| expected("bytes in base64, with padding"))?;
    match byte_length(dialect, column) {
        Some(most) if bytes.len() > most => Err(expected(&format!("at most {most} bytes in base64"))),
        Some(most) if declared(column) == "binary" => {
            bytes.resize(most, 0);
            Ok(Value::Bytes(bytes))
        }
        _ => Ok(Value::Bytes(bytes)),
    }
}

/// The name of a column's type; `char` for all its names.
fn declared(column: &Column) -> &str {
    match column.sql_type.text.split(['(', '[']).next().unwrap_or_default() {
        "character" | "bpchar" => "char",
        name => name,
    }
}

/// How many bytes MySQL keeps of a column that counts in bytes.
fn byte_length(dialect: Dialect, column: &Column) -> Option<usize> {
    match declared(column) {
        _ if dialect != Dialect::Mysql => None,
        "tinyblob" | "tinytext" => Some(0xff),
        "blob" | "text" => Some(0xffff),
        "mediumblob" | "mediumtext" => Some(0xff_ffff),
        "binary" | "varbinary" => column.sql_type.text.split(['(', ')']).nth(1)?.parse().ok(),
        _ => None,
    }
}
