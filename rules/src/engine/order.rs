//! The order of writes: rows are added parents first, then changed, then removed children first. Each row once.

mod freed;
pub(super) mod level;

use dialects::Value;
use dialects::value::Drawn;
use indexmap::IndexMap;
use introspect::{ColumnId, TableId};

use super::Engine;
use super::attempt::Touched;
use super::circle::Levels;
use crate::change::{Change, RowId, RowRef};

pub(super) fn changes(
    engine: &Engine<'_>,
    touched: IndexMap<RowId, Touched>,
    levels: &Levels,
) -> Vec<Change> {
    let mut changes: Vec<Change> =
        touched.into_iter().filter_map(|(id, touched)| change(engine, id, touched)).collect();
    changes.sort_by_cached_key(|change| position(engine, change, levels.get(&change.id).copied()));
    freed::first(engine, changes)
}

/// Added, changed, removed; then by table (parents first, when removing children first); then by key, rows that others may be adding too
/// before those of the request. A new row that refers to one of its own table stands a level behind it.
fn position(engine: &Engine<'_>, change: &Change, level: Option<u32>) -> (u8, u32, i64, RowId) {
    let rank = |table: TableId| i64::from(engine.facts.parents_first(table));
    let (kind, level, rank) = match (&change.before, &change.after) {
        (None, _) => (0, level.unwrap_or(0), rank(change.id.table)),
        (Some(_), Some(_)) => (1, 0, rank(change.id.table)),
        (Some(_), None) => (2, 0, -rank(change.id.table)),
    };
    (kind, level, rank, change.id.clone())
}

/// What is written of a touched row; `None`: nothing (it comes and goes, or nothing differs).
fn change(engine: &Engine<'_>, id: RowId, touched: Touched) -> Option<Change> {
    let columns: Vec<ColumnId> = match (&touched.before, &touched.after) {
        (None, None) => return None,
        (Some(_), None) => Vec::new(),
        (None, Some(after)) => {
            let given = |(column, value): (ColumnId, Option<&Value>)| {
                value.filter(|value| !is_own(&id, column, value)).map(|_| column)
            };
            after
                .columns()
                .filter_map(given)
                .filter(|c| engine.schema[id.table][*c].generated.is_none())
                .collect()
        }
        (Some(_), Some(after)) => {
            let differs: Vec<ColumnId> =
                after.columns().map(|(column, _)| column).filter(|column| touched.changed(*column)).collect();
            if differs.is_empty() {
                return None;
            }
            differs
        }
    };
    Some(Change { id, before: touched.before, after: touched.after, columns })
}

/// Whether the database is to draw the value: the row's own placeholder stands there.
fn is_own(id: &RowId, column: ColumnId, value: &Value) -> bool {
    matches!((&id.row, value), (RowRef::New(n), Value::Drawn(drawn)) if *drawn == Drawn { row: *n, column: column.0 })
}
