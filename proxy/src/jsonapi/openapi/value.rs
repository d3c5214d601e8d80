//! A column → the JSON Schema of its values in documents, and a value that fits.

use dialects::{AddressKind, IntKind, ValueType};
use introspect::Column;
use serde_json::{Map, Value as Json, json};

use crate::jsonapi::encode::cell::small;
use crate::state::Numbers;

/// What stands in a document for a value of the column. `read_only`: clients do not set it.
pub(super) fn of(column: &Column, numbers: Numbers, read_only: bool) -> Json {
    let mut schema = plain(column, numbers);
    if column.nullable && !schema.is_empty() {
        nullable(&mut schema);
    }
    if let Some(label) = &column.label {
        schema.insert("title".into(), label.as_str().into());
    }
    if let Some(comment) = &column.comment {
        schema.insert("description".into(), comment.as_str().into());
    }
    if read_only {
        schema.insert("readOnly".into(), true.into());
    }
    schema.into()
}

/// A value of the column, for examples.
pub(super) fn example(column: &Column, numbers: Numbers) -> Json {
    let number = |number: Json| match number_form(column.ty, numbers) {
        Form::Text => number.to_string().into(),
        Form::Number | Form::Either => number,
    };
    match column.ty {
        ValueType::Bool => true.into(),
        ValueType::Int(_) => number(1.into()),
        ValueType::Decimal { .. } => number(json!(1.5)),
        ValueType::Float { .. } => number(json!(1.5)),
        ValueType::Text { .. } => "text".into(),
        ValueType::Uuid => "123e4567-e89b-12d3-a456-426614174000".into(),
        ValueType::Date => "2024-02-29".into(),
        ValueType::Time => "12:30:00".into(),
        ValueType::Timestamp => "2024-02-29T12:30:00".into(),
        ValueType::TimestampTz => "2024-02-29T12:30:00Z".into(),
        ValueType::Json => json!({"any": "JSON"}),
        ValueType::Bytes => "AAEC".into(),
        ValueType::Enum => column.enum_values.first().cloned().into(),
        ValueType::Set => column.enum_values.iter().take(1).cloned().collect(),
        ValueType::TimeTz => "12:30:00+02:00".into(),
        ValueType::Interval => "P1DT2H".into(),
        ValueType::Bits { length, .. } => "0".repeat(length.unwrap_or(4) as usize).into(),
        ValueType::Address(kind) => address_example(kind).into(),
        ValueType::Array(element) => json!([example(&element_of(column, *element), numbers)]),
        ValueType::Other => Json::Null,
    }
}

/// The column as if it held one element of its arrays.
fn element_of(column: &Column, element: ValueType) -> Column {
    Column { ty: element, ..column.clone() }
}

fn address_example(kind: AddressKind) -> &'static str {
    match kind {
        AddressKind::Inet | AddressKind::V4 => "10.0.0.1",
        AddressKind::Cidr => "10.0.0.0/8",
        AddressKind::V6 => "2001:db8::1",
        AddressKind::Mac => "08:00:2b:01:02:03",
        AddressKind::Mac64 => "08:00:2b:01:02:03:04:05",
    }
}

fn plain(column: &Column, numbers: Numbers) -> Map<String, Json> {
    let schema = match column.ty {
        ValueType::Bool => json!({"type": "boolean"}),
        ValueType::Int(kind) => integer(kind, numbers),
        ValueType::Decimal { precision, scale } => decimal(column.ty, precision, scale, numbers),
        ValueType::Float { bits } => float(bits, numbers),
        ValueType::Text { length: Some(length) } => json!({"type": "string", "maxLength": length}),
        ValueType::Text { length: None } | ValueType::Other => json!({"type": "string"}),
        ValueType::Uuid => json!({"type": "string", "format": "uuid"}),
        ValueType::Date => json!({"type": "string", "format": "date"}),
        ValueType::Time => json!({"type": "string", "pattern": r"^-?\d{2,3}:\d\d:\d\d(\.\d+)?$"}),
        ValueType::TimeTz => {
            json!({"type": "string", "pattern": r"^\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d(:\d\d)?)$"})
        }
        ValueType::Interval => json!({"type": "string", "format": "duration"}),
        ValueType::Bits { length, varying } => bits(length, varying),
        ValueType::Address(AddressKind::V4) => json!({"type": "string", "format": "ipv4"}),
        ValueType::Address(AddressKind::V6) => json!({"type": "string", "format": "ipv6"}),
        ValueType::Address(_) => json!({"type": "string"}),
        ValueType::Set => {
            json!({"type": "array", "items": {"type": "string", "enum": column.enum_values}, "uniqueItems": true})
        }
        ValueType::Array(element) => array(&element_of(column, *element), numbers),
        ValueType::Timestamp => {
            json!({"type": "string", "pattern": r"^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$|^-?infinity$"})
        }
        ValueType::TimestampTz => json!({"type": "string", "format": "date-time"}),
        ValueType::Json => json!({}),
        ValueType::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        ValueType::Enum => json!({"type": "string", "enum": column.enum_values}),
    };
    match schema {
        Json::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// How numbers of a type are written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Number,
    Text,
    /// As their size asks.
    Either,
}

fn number_form(ty: ValueType, numbers: Numbers) -> Form {
    match (small(ty, numbers, Some(0)), small(ty, numbers, Some(i64::MAX))) {
        (true, true) => Form::Number,
        (false, false) => Form::Text,
        _ => Form::Either,
    }
}

/// Inner arrays are further dimensions.
fn array(element: &Column, numbers: Numbers) -> Json {
    let mut items = plain(element, numbers);
    nullable(&mut items);
    json!({"type": "array", "items": {"anyOf": [items, {"type": "array"}]}})
}

fn bits(length: Option<u32>, varying: bool) -> Json {
    match length {
        None => json!({"type": "string", "pattern": "^[01]*$"}),
        Some(most) if varying => json!({"type": "string", "pattern": "^[01]*$", "maxLength": most}),
        Some(all) => json!({"type": "string", "pattern": "^[01]*$", "minLength": all, "maxLength": all}),
    }
}

fn integer(kind: IntKind, numbers: Numbers) -> Json {
    let digits = r"^-?\d+$";
    match number_form(ValueType::Int(kind), numbers) {
        Form::Text => json!({"type": "string", "pattern": digits}),
        Form::Either => json!({"type": ["integer", "string"], "pattern": digits}),
        Form::Number => {
            let (least, most) = kind.range();
            let least = if kind == IntKind::Year { 0 } else { least };
            let bound = |bound: i128| u64::try_from(bound).map_or_else(|_| json!(bound as i64), Json::from);
            json!({"type": "integer", "minimum": bound(least), "maximum": bound(most)})
        }
    }
}

fn decimal(ty: ValueType, precision: Option<u32>, scale: Option<u32>, numbers: Numbers) -> Json {
    let digits = r"^(-?\d+(\.\d+)?|NaN|-?Infinity)$";
    match (number_form(ty, numbers), precision) {
        (Form::Number, Some(precision)) => {
            let whole = precision.saturating_sub(scale.unwrap_or(0));
            let bound = 10_u64.saturating_pow(whole);
            json!({"type": "number", "exclusiveMinimum": -i128::from(bound) as i64, "exclusiveMaximum": bound})
        }
        (Form::Number, None) => json!({"type": ["number", "string"]}),
        _ => json!({"type": "string", "pattern": digits}),
    }
}

/// NaN and the infinities are words.
fn float(bits: u8, numbers: Numbers) -> Json {
    let format = if bits == 32 { "float" } else { "double" };
    match number_form(ValueType::Float { bits }, numbers) {
        Form::Text => json!({"type": "string", "format": format}),
        _ => json!({"type": ["number", "string"], "format": format}),
    }
}

fn nullable(schema: &mut Map<String, Json>) {
    match schema.get_mut("type") {
        Some(Json::Array(types)) => types.push("null".into()),
        Some(ty) => *ty = json!([ty, "null"]),
        None => {}
    }
    if let Some(Json::Array(words)) = schema.get_mut("enum") {
        words.push(Json::Null);
    }
}
