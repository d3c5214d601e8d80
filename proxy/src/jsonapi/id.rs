//! Ids: a row's key as one string, and back.
//!
//! A single-column key verbatim in canonical form; a composite one as its parts in key order joined by `~`, where bytes outside
//! `A-Za-z0-9_-` are `.HH`: `8~17`, `Smith.20.26.20Co~2`. What is not canonical (`01` for an integer) names nothing.

use dialects::{Cell, Dialect, Value, ValueType};
use introspect::{Column, Schema, Table, TableId};

use super::encode::resource::Cells;
use super::encode::text::text;
use super::value;

/// The id of a row given in full width, by [`introspect::ColumnId`].
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
    out.extend_from_slice(unreserved(&plain).as_bytes());
}

/// A text in unreserved characters: all bytes but `A-Za-z0-9_-` are `.HH`.
pub(super) fn unreserved(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => out.push(char::from(*byte)),
            _ => out.push_str(&format!(".{byte:02X}")),
        }
    }
    out
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

#[cfg(test)]
mod tests {
    use dialects::IntKind;
    use dialects::sql::{SqlType, TableName};
    use introspect::schema::ColumnDefault;

    use super::*;
    use introspect::ColumnId;

    const INT: ValueType = ValueType::Int(IntKind::I32);
    const TEXT: ValueType = ValueType::Text { length: None };

    fn table(key: &[ValueType]) -> Table {
        let column = |(n, ty): (usize, &ValueType)| Column {
            name: format!("c{n}"),
            db_name: format!("c{n}"),
            ty: *ty,
            sql_type: SqlType::scalar("x"),
            enum_values: Vec::new(),
            loose: false,
            nullable: false,
            default: ColumnDefault::None,
            renewed: false,
            generated: None,
            comment: None,
            hidden: false,
            label: None,
            searchable: None,
            is_virtual: false,
        };
        Table {
            name: "t".into(),
            db: TableName { schema: None, name: "t".into() },
            view: false,
            comment: None,
            columns: key.iter().enumerate().map(column).collect(),
            key: (0..key.len() as u32).map(ColumnId).collect(),
            rowid_key: false,
            uniques: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            relationships: Vec::new(),
            triggers: false,
            triggers_trusted: false,
            join_table: false,
            hidden: false,
            denied: false,
        }
    }

    #[test]
    fn an_id_and_a_key_are_two_forms_of_one_thing() {
        let check = |types: &[ValueType], key: Vec<Value>, id: &str| {
            let table = table(types);
            assert_eq!(format(&table, &key), id);
            assert_eq!(parse(Dialect::Postgres, &table, id), Some(key), "{id}");
        };
        check(&[INT], vec![Value::Int(-7)], "-7");
        check(&[TEXT], vec![Value::text("a/b ~.41")], "a/b ~.41");
        check(&[TEXT], vec![Value::text("")], "");
        check(&[INT, INT], vec![Value::Int(8), Value::Int(17)], "8~17");
        check(&[TEXT, INT], vec![Value::text("Smith & Co"), Value::Int(2)], "Smith.20.26.20Co~2");
        check(&[TEXT, TEXT], vec![Value::text("ü~"), Value::text("")], ".C3.BC.7E~");
        check(&[ValueType::Bytes], vec![Value::Bytes(vec![0, 255])], "AP8=");
    }

    #[test]
    fn what_is_not_canonical_names_nothing() {
        for (types, id) in [
            (&[INT][..], "01"),
            (&[INT], "+1"),
            (&[INT], "1.0"),
            (&[INT], "2147483648"),
            (&[INT], ""),
            (&[ValueType::Uuid], "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
            (&[INT, INT], "1"),
            (&[INT, INT], "1~2~3"),
            (&[INT, INT], "1~02"),
            (&[TEXT, INT], "a b~1"),
            (&[TEXT, INT], ".c3.bc~1"),
            (&[TEXT, INT], ".C3~1"),
            (&[TEXT, INT], ".41~1"),
            (&[TEXT, INT], "a.~1"),
            (&[TEXT, INT], "a.ü~1"),
        ] {
            assert_eq!(parse(Dialect::Postgres, &table(types), id), None, "{id}");
        }
    }
}
