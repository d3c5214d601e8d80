//! `filter[search]=smith boston` → each word stands in some searchable attribute, whatever its case.
//!
//! Searchable is what `model.yaml` says; where it says nothing, the texts of at most 255 characters, or, where a table has none
//! of these, its texts without a declared length. Foreign keys and what is computed are not.

use dialects::ValueType;
use introspect::{Column, ColumnId, Table, TableId};
use rules::expr::Place;

use super::compare::{like, literally};
use super::{Filter, Resolved};
use crate::state::Snapshot;

/// The longest text that is searched without being asked for, in characters.
const SHORT_MAX: u32 = 255;

/// Resolves a search; each word is a term.
pub(super) fn build(snapshot: &Snapshot, table: TableId, text: &str, terms: &mut usize) -> Resolved {
    let table = &snapshot.schema[table];
    let columns = searched(table);
    let words: Vec<&str> = text.split_whitespace().collect();
    *terms += words.len();
    if columns.is_empty() {
        return Err(format!(
            "{} has no attribute to search: `searchable` in model.yaml says which.",
            table.name
        ));
    }
    if words.is_empty() || text.contains('\0') {
        return Err("A search needs words, without NUL characters.".into());
    }
    let found = |word: &str, column: &ColumnId| {
        Filter::Compared(like(&Place::own(*column), format!("%{}%", literally(word)), true))
    };
    let anywhere = |word: &str| Filter::Any(columns.iter().map(|column| found(word, column)).collect());
    Ok(Filter::All(words.into_iter().map(anywhere).collect()))
}

fn searched(table: &Table) -> Vec<ColumnId> {
    let texts = |default: &dyn Fn(ValueType) -> bool| -> Vec<ColumnId> {
        let searchable = |id: ColumnId, column: &Column| match column.searchable {
            Some(said) => said,
            None => default(column.ty) && !table.in_foreign_key(id),
        };
        let shown = table.stored().filter(|(_, column)| !column.hidden && column.ty.is_textual());
        shown.filter(|(id, column)| searchable(*id, column)).map(|(id, _)| id).collect()
    };
    let short = texts(&|ty| matches!(ty, ValueType::Text { length: Some(most) } if most <= SHORT_MAX));
    match short.is_empty() {
        true => texts(&|ty| ty == ValueType::Text { length: None }),
        false => short,
    }
}
