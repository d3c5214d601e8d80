//! What the engine came to → INSERTs, UPDATEs and DELETEs, set-based: one statement for all rows of a table that are written alike.

use std::collections::BTreeSet;

use dialects::sql::{Insert, Item, Query, Update};
use dialects::{Dialect, Value};
use introspect::{ColumnId, Schema, Table, TableId};
use rules::change::{Change, RowId, RowRef};

use super::lookup::{items, typed};
use super::removal;

/// One query of a write.
#[derive(Clone, Debug)]
pub struct Write {
    /// The query.
    pub query: Query,
    /// Its answer holds the rows that it writes, in full width.
    pub answers: bool,
    /// It adds rows because foreign keys name them: others may be adding the same.
    pub creates: bool,
    /// The table written.
    pub table: TableId,
    /// The rows that it adds, in the order of its answer.
    pub added: Vec<RowId>,
}

/// Lowers changes in their order. The statements that write `wanted` rows answer with them where the dialect can.
pub fn changes(schema: &Schema, changes: &[Change], wanted: &BTreeSet<RowId>) -> Vec<Write> {
    let runs = changes.chunk_by(|a, b| is_removal(a) == is_removal(b));
    let lower = |run: &[Change]| match run.first().is_some_and(is_removal) {
        true => removals(schema, run),
        false => additions(schema, run, wanted),
    };
    runs.flat_map(lower).collect()
}

fn removals(schema: &Schema, run: &[Change]) -> Vec<Write> {
    let write = |(table, query)| Write { query, answers: false, creates: false, table, added: Vec::new() };
    removal::removals(schema, run).into_iter().map(write).collect()
}

/// New rows and changed ones.
fn additions(schema: &Schema, run: &[Change], wanted: &BTreeSet<RowId>) -> Vec<Write> {
    let mut writes = Vec::new();
    for group in groups(run) {
        let Some(first) = group.first() else { continue };
        let table_id = first.id.table;
        let table = &schema[table_id];
        let creates = created(first);
        let answers = schema.dialect.returning() && group.iter().any(|change| wanted.contains(&change.id));
        let returning = if answers { all(table) } else { Vec::new() };
        let write = |query, added| Write { query, answers, creates, table: table_id, added };
        match is_new(first) {
            // The order of what SQLite returns is its own; a statement costs it next to nothing.
            true if answers && schema.dialect == Dialect::Sqlite => {
                writes.extend(group.chunks(1).map(|one| write(insert(table, one, &returning), ids(one))));
            }
            true => writes.push(write(insert(table, group, &returning), ids(group))),
            false => {
                writes.extend(
                    updates(table, group, &returning).into_iter().map(|query| write(query, Vec::new())),
                );
            }
        }
    }
    writes
}

fn ids(group: &[Change]) -> Vec<RowId> {
    group.iter().map(|change| change.id.clone()).collect()
}

/// All columns of a table.
pub fn all(table: &Table) -> Vec<Item> {
    let columns: Vec<ColumnId> = table.stored().map(|(id, _)| id).collect();
    items(table, &columns)
}

fn is_new(change: &Change) -> bool {
    change.before.is_none()
}

fn is_removal(change: &Change) -> bool {
    change.after.is_none()
}

/// Neighbours that are written alike, unless one needs what is drawn for another.
fn groups(changes: &[Change]) -> Vec<&[Change]> {
    let mut groups = Vec::new();
    for mut rest in changes.chunk_by(alike) {
        while let Some(at) = (1..rest.len()).find(|at| needs(rest, *at)) {
            let (group, others) = rest.split_at(at);
            groups.push(group);
            rest = others;
        }
        groups.push(rest);
    }
    groups
}

/// Whether a change refers to a new row that stands before it.
fn needs(changes: &[Change], at: usize) -> bool {
    let (before, rest) = changes.split_at(at);
    let drawn = |value: &Value| match value {
        Value::Drawn(drawn) => Some(drawn.row),
        _ => None,
    };
    let of_change = rest.first().into_iter();
    let mut rows =
        of_change.flat_map(|c| c.columns.iter().filter_map(|column| c.value(*column).and_then(drawn)));
    rows.any(|row| before.iter().any(|change| change.id.row == RowRef::New(row)))
}

fn alike(a: &Change, b: &Change) -> bool {
    let inserted_alike = !is_new(a) || a.columns == b.columns;
    a.id.table == b.id.table && is_new(a) == is_new(b) && created(a) == created(b) && inserted_alike
}

fn created(change: &Change) -> bool {
    matches!(change.id.row, RowRef::Created(_))
}

fn insert(table: &Table, group: &[Change], returning: &[Item]) -> Query {
    let columns = group.first().map(|change| change.columns.as_slice()).unwrap_or_default();
    Query::Insert(Insert {
        table: table.db.clone(),
        columns: typed(table, columns),
        rows: group.iter().map(|change| after(change, columns)).collect(),
        returning: returning.to_vec(),
    })
}

/// One statement for all rows: each sets every column that any of them changes, to the value it has under its lock. Where that is not
/// loaded, one statement for each set of columns.
fn updates(table: &Table, group: &[Change], returning: &[Item]) -> Vec<Query> {
    let mut union: Vec<ColumnId> = group.iter().flat_map(|change| change.columns.iter().copied()).collect();
    union.sort();
    union.dedup();
    if group.iter().all(|change| change.after.as_ref().is_some_and(|image| image.has(&union))) {
        return vec![Query::Update(update(table, group, &union, returning))];
    }
    let mut by_columns: Vec<&Change> = group.iter().collect();
    by_columns.sort_by(|a, b| a.columns.cmp(&b.columns));
    let alike = by_columns.chunk_by(|a, b| a.columns == b.columns);
    alike
        .filter_map(|rows| {
            let rows: Vec<Change> = rows.iter().map(|change| (*change).clone()).collect();
            let columns = rows.first()?.columns.clone();
            Some(Query::Update(update(table, &rows, &columns, returning)))
        })
        .collect()
}

fn update(table: &Table, group: &[Change], columns: &[ColumnId], returning: &[Item]) -> Update {
    Update {
        table: table.db.clone(),
        key: typed(table, &table.key),
        set: typed(table, columns),
        rows: group.iter().map(|change| (key(change), after(change, columns))).collect(),
        guard: None,
        returning: returning.to_vec(),
    }
}

fn key(change: &Change) -> Vec<Value> {
    change.id.key().cloned().unwrap_or_default()
}

fn after(change: &Change, columns: &[ColumnId]) -> Vec<Value> {
    columns.iter().map(|c| change.value(*c).cloned().unwrap_or(Value::Null)).collect()
}
