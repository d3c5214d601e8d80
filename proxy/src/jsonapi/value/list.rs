//! Arrays of any depth, and sets of words.

use dialects::{Dialect, Value, ValueType};
use introspect::Column;
use serde_json::Value as Json;

use super::{Misfit, expected, from_json};

pub(super) const ARRAY: &str = "an array";

/// The most dimensions that PostgreSQL keeps.
const DIMENSIONS_MAX: usize = 6;

/// An array of the column, element by element.
pub(super) fn array(
    dialect: Dialect,
    column: &Column,
    element: ValueType,
    json: &Json,
) -> Result<Value, Misfit> {
    let Json::Array(items) = json else { return Err(expected(ARRAY)) };
    let of = Column { ty: element, ..column.clone() };
    let value = elements(dialect, &of, items)?;
    match lengths(&value) {
        Some(lengths) if lengths.len() <= DIMENSIONS_MAX => Ok(value),
        _ => Err(expected("an array whose inner arrays are equally long, none of them empty")),
    }
}

/// An inner array is a further dimension, unless the elements themselves are JSON.
fn elements(dialect: Dialect, of: &Column, items: &[Json]) -> Result<Value, Misfit> {
    let element = |item: &Json| match item {
        Json::Array(inner) if of.ty != ValueType::Json => elements(dialect, of, inner),
        item => from_json(dialect, of, item).map_err(|misfit| format!("{misfit} as each element")),
    };
    items.iter().map(element).collect::<Result<_, _>>().map(Value::Array)
}

/// How long it is in each dimension; nothing where that differs.
fn lengths(value: &Value) -> Option<Vec<usize>> {
    let Value::Array(elements) = value else { return Some(Vec::new()) };
    let mut inner = elements.iter().map(lengths);
    let Some(first) = inner.next() else { return Some(vec![0]) };
    let first = first.filter(|lengths| lengths.first() != Some(&0))?;
    inner.all(|lengths| lengths.as_ref() == Some(&first)).then(|| [vec![elements.len()], first].concat())
}

/// A set, as an array of its words.
pub(super) fn set(column: &Column, json: &Json) -> Result<Value, Misfit> {
    let Json::Array(items) = json else { return Err(misfit(column)) };
    let words: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
    chosen(column, &words.ok_or_else(|| misfit(column))?)
}

/// A set, as its words joined by commas, or as a document has it.
pub(super) fn words(column: &Column, text: &str) -> Result<Value, Misfit> {
    let joined: Vec<&str> = text.split(',').filter(|_| !text.is_empty()).collect();
    let array = || set(column, &serde_json::from_str(text).unwrap_or_default());
    chosen(column, &joined).or_else(|_| array())
}

/// Words in the order of their declaration, each once.
fn chosen(column: &Column, words: &[&str]) -> Result<Value, Misfit> {
    let known = &column.enum_values;
    if !words.iter().all(|word| known.iter().any(|known| known == word)) {
        return Err(misfit(column));
    }
    let chosen: Vec<&str> = known.iter().map(String::as_str).filter(|word| words.contains(word)).collect();
    Ok(Value::Text(chosen.join(",")))
}

fn misfit(column: &Column) -> Misfit {
    expected(&format!("an array of words out of {}", column.enum_values.join(", ")))
}
