//! Ids: a row's key as one string, and back.
//!
//! A single-column key verbatim in canonical form; a composite one as its parts in key order joined by `~`, where bytes outside
//! `A-Za-z0-9_-` are `.HH`: `8~17`, `Smith.20.26.20Co~2`. What is not canonical (`01` for an integer) names nothing.

use dialects::{Cell, Dialect, Value, ValueType};
use introspect::{Column, Schema, Table, TableId};

use super::encode::resource::Cells;
use super::encode::text::text;
use super::value;

/// The id of a row given in full width, by [`ColumnId`].
pub fn of_row(schema: &Schema, table: TableId, values: &[Value]) -> String {
    of_cells(&schema[table], &|column| values.get(column.0 as usize).map_or(Cell::Null, Value::cell))
}

/// The id of a row whose cells can be asked for.
pub fn of_cells(table: &Table, cells: &Cells<'_>) -> String {
    let mut out = Vec::new();
    write(&mut out, table, &mut table.key.iter().map(|column| cells(*column)));
    String::from_utf8(out).unwrap_or_default()
}

/// The id of a key, its values in key order.
pub fn format(table: &Table, key: &[Value]) -> String {
    let mut out = Vec::new();
    write(&mut out, table, &mut key.iter().map(Value::cell));
    String::from_utf8(out).unwrap_or_default()
}

/// Writes the id of a key's cells, in key order: plain text, not yet escaped for JSON or for a URL.
pub fn write(out: &mut Vec<u8>, table: &Table, key: &mut dyn Iterator<Item = Cell<'_>>) {
    let composite = table.key.len() > 1;
    for (n, (column, cell)) in table.key.iter().zip(key).enumerate() {
        if n > 0 {
            out.push(b'~');
        }
        match composite {
            true => part(out, table[*column].ty, &cell),
            false => text(out, table[*column].ty, &cell),
        }
    }
}

/// The key that an id names, in key order; nothing when it is not the canonical id of any key.
pub fn parse(dialect: Dialect, table: &Table, id: &str) -> Option<Vec<Value>> {
    let parts = match table.key.len() {
        1 => vec![id.to_owned()],
        _ => id.split('~').map(unescape).collect::<Option<Vec<_>>>()?,
    };
    if parts.len() != table.key.len() {
        return None;
    }
    let values: Option<Vec<Value>> = table
        .key
        .iter()
        .zip(&parts)
        .map(|(column, part)| key_value(dialect, &table[*column], part))
        .collect();
    values.filter(|key| format(table, key) == id)
}

fn key_value(dialect: Dialect, column: &Column, part: &str) -> Option<Value> {
    match column.ty {
        ValueType::Other => Some(Value::text(part)),
        _ => value::from_text(dialect, column, part).ok(),
    }
}

/// A part of a composite id: only unreserved characters.
fn part(out: &mut Vec<u8>, ty: ValueType, cell: &Cell<'_>) {
    let mut plain = Vec::new();
    text(&mut plain, ty, cell);
    for byte in plain {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => out.push(byte),
            _ => out.extend_from_slice(format!(".{byte:02X}").as_bytes()),
        }
    }
}

fn unescape(part: &str) -> Option<String> {
    let mut pieces = part.split('.');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(piece.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
