//! Rows of an export, a batch at a time: comma-separated values (RFC 4180), or a resource object a line.
//!
//! ```text
//! id,notes,amount_total,customer
//! 7,"ring ""twice""",146.00,1
//! 8,,0.00,1                          no notes
//! 9,"",0.00,1                        notes that are empty
//! ```
//!
//! Values are those of documents, digit by digit; nothing is added to keep a spreadsheet from reading a formula.

use dialects::{Cell, Rows, ValueType};
use introspect::{ColumnId, Relationship, RelationshipId, Schema};

use super::cell::cell;
use super::resource::{ResourceWriter, to_one};
use super::text::text;
use crate::jsonapi::id;
use crate::jsonapi::layout::Layout;
use crate::jsonapi::media::Form;
use crate::jsonapi::shape::{Shape, linkage_columns};
use crate::state::{Numbers, Snapshot};

/// What the rows of an export are written with.
#[derive(Clone, Debug)]
pub struct Writer {
    /// The form.
    pub form: Form,
    /// What is shown of each row.
    pub shape: Shape,
    /// Where it stands.
    pub layout: Layout,
}

impl Writer {
    /// What stands before the rows.
    pub fn head(&self, schema: &Schema) -> Vec<u8> {
        let mut out = Vec::new();
        if self.form == Form::Csv {
            let table = &schema[self.shape.table];
            let attributes = self.shape.attributes.iter().map(|column| table[*column].name.as_str());
            let relationships = self.shape.relationships.iter().map(|id| table[*id].name.as_str());
            out.extend_from_slice(b"id");
            for name in attributes.chain(relationships) {
                out.push(b',');
                field(&mut out, name.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// The rows.
    pub fn rows(&self, snapshot: &Snapshot, rows: &Rows) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 * 1024);
        match self.form {
            Form::Csv => self.csv(&mut out, snapshot, rows),
            _ => self.ndjson(&mut out, snapshot, rows),
        }
        out
    }

    fn ndjson(&self, out: &mut Vec<u8>, snapshot: &Snapshot, rows: &Rows) {
        let (writer, schema) = (ResourceWriter::new(snapshot, &self.shape), &snapshot.schema);
        for row in 0..rows.len() {
            let cells = |column| self.layout.cell(rows, row, column);
            let linkage = |relationship, out: &mut Vec<u8>| match self.layout.linkage(rows, row, relationship)
            {
                Some(key) => {
                    to_one(out, &schema[schema[self.shape.table][relationship].target], key);
                    true
                }
                None => false,
            };
            writer.write(out, &cells, &linkage, None);
            out.push(b'\n');
        }
    }

    fn csv(&self, out: &mut Vec<u8>, snapshot: &Snapshot, rows: &Rows) {
        let (schema, numbers) = (&snapshot.schema, snapshot.api.numbers);
        let table = &schema[self.shape.table];
        let of = |id: &RelationshipId| (*id, &table[*id], linkage_columns(schema, &table[*id]));
        let relationships: Vec<(RelationshipId, &Relationship, Option<Vec<ColumnId>>)> =
            self.shape.relationships.iter().map(of).collect();
        for row in 0..rows.len() {
            let cells = |column| self.layout.cell(rows, row, column);
            field(out, id::of_cells(table, &cells).as_bytes());
            for column in &self.shape.attributes {
                out.push(b',');
                value(out, table[*column].ty, numbers, &cells(*column));
            }
            for (id, relationship, own) in &relationships {
                out.push(b',');
                let key = match own {
                    Some(own) => own.iter().map(|column| cells(*column)).collect(),
                    None => self.layout.linkage(rows, row, *id).unwrap_or_default(),
                };
                related(out, schema, relationship, key);
            }
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// The id of what a relationship to one leads to; nothing where that is nothing.
fn related(out: &mut Vec<u8>, schema: &Schema, relationship: &Relationship, key: Vec<Cell<'_>>) {
    if !key.is_empty() && !key.iter().any(|cell| matches!(cell, Cell::Null)) {
        let mut id = Vec::new();
        id::write(&mut id, &schema[relationship.target], &mut key.into_iter());
        field(out, &id);
    }
}

/// A value; nothing where there is none. What JSON has a structure for is JSON.
fn value(out: &mut Vec<u8>, ty: ValueType, numbers: Numbers, of: &Cell<'_>) {
    let mut plain = Vec::new();
    match (ty, of) {
        (_, Cell::Null) => return,
        (ValueType::Json | ValueType::Set | ValueType::Array(_), _) => cell(&mut plain, ty, numbers, of),
        _ => text(&mut plain, ty, of),
    }
    field(out, &plain);
}

/// A field that has a value: in quotes where it could be taken for something else.
fn field(out: &mut Vec<u8>, text: &[u8]) {
    let special = |byte: &u8| matches!(byte, b'"' | b',' | b'\r' | b'\n');
    let blank = |byte: Option<&u8>| byte.is_none_or(|byte| byte.is_ascii_whitespace());
    if !blank(text.first()) && !blank(text.last()) && !text.iter().any(special) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialects::{IntKind, Value};

    #[track_caller]
    fn check(ty: ValueType, given: Value, expect: &str) {
        let mut out = Vec::new();
        value(&mut out, ty, Numbers::Safe, &given.cell());
        assert_eq!(String::from_utf8(out).unwrap(), expect, "{ty:?} {given:?}");
    }

    #[test]
    fn texts_are_quoted_where_they_could_be_taken_for_something_else() {
        for (given, expect) in [
            ("plain", "plain"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("say \"tea\"", "\"say \"\"tea\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" padded", "\" padded\""),
            ("padded\t", "\"padded\t\""),
            ("=1+1", "=1+1"),
            ("Zürich 🍵", "Zürich 🍵"),
        ] {
            check(ValueType::Text { length: None }, Value::text(given), expect);
        }
        check(ValueType::Text { length: None }, Value::Null, "");
    }

    #[test]
    fn values_are_those_of_documents_without_their_quotes() {
        let money = ValueType::Decimal { precision: Some(30), scale: Some(2) };
        check(money, Value::Decimal("1234567890123456789.5".parse().unwrap()), "1234567890123456789.50");
        check(ValueType::Int(IntKind::I64), Value::Int(i64::MAX), "9223372036854775807");
        check(ValueType::Bool, Value::Bool(true), "true");
        check(ValueType::Bytes, Value::Bytes(vec![0, 255]), "AP8=");
        check(ValueType::Json, Value::Json("{ \"a\": [1.10, null] }".into()), "\"{\"\"a\"\":[1.10,null]}\"");
        check(ValueType::Json, Value::Json("null".into()), "null");
        let ints = ValueType::Int(IntKind::I32).array();
        check(ints, Value::Array(vec![Value::Int(1), Value::Null]), "\"[1,null]\"");
        check(ints, Value::Array(vec![]), "[]");
        check(ValueType::Set, Value::text("red,green"), "\"[\"\"red\"\",\"\"green\"\"]\"");
    }
}
