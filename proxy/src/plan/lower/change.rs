//! What the engine came to → INSERTs, UPDATEs and DELETEs, set-based: one statement for all rows of a table that are written alike.

use dialects::Value;
use dialects::sql::{Delete, Insert, Item, Query, Update};
use introspect::{ColumnId, Schema, Table, TableId};
use rules::change::{Change, RowId, RowRef};

use super::lookup::{items, typed};

/// One query of a write.
#[derive(Clone, Debug)]
pub struct Write {
    /// The query.
    pub query: Query,
    /// Its answer holds the row that the request is about, in full width.
    pub answers: bool,
    /// It adds rows because foreign keys name them: others may be adding the same.
    pub creates: bool,
    /// The table written.
    pub table: TableId,
}

/// What is done to a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Insert,
    Update,
    Delete,
}

/// Lowers changes in their order. The statement that writes `target` answers with its row where the dialect can.
pub fn changes(schema: &Schema, changes: &[Change], target: &RowId) -> Vec<Write> {
    let mut writes = Vec::new();
    for group in changes.chunk_by(alike) {
        let Some(first) = group.first() else { continue };
        let table_id = first.id.table;
        let table = &schema[table_id];
        let creates = created(first);
        let answers = schema.dialect.returning() && group.iter().any(|change| change.id == *target);
        let returning = if answers { all(table) } else { Vec::new() };
        let queries = match kind(first) {
            Kind::Insert => vec![Query::Insert(insert(table, group, &first.columns, returning))],
            Kind::Delete => vec![Query::Delete(delete(table, group))],
            Kind::Update => updates(table, group, &returning),
        };
        writes.extend(queries.into_iter().map(|query| Write { query, answers, creates, table: table_id }));
    }
    writes
}

/// All columns of a table.
pub fn all(table: &Table) -> Vec<Item> {
    let columns: Vec<ColumnId> = table.columns().map(|(id, _)| id).collect();
    items(table, &columns)
}

fn kind(change: &Change) -> Kind {
    match (&change.before, &change.after) {
        (None, _) => Kind::Insert,
        (Some(_), Some(_)) => Kind::Update,
        (Some(_), None) => Kind::Delete,
    }
}

fn alike(a: &Change, b: &Change) -> bool {
    let inserted_alike = kind(a) != Kind::Insert || a.columns == b.columns;
    a.id.table == b.id.table && kind(a) == kind(b) && created(a) == created(b) && inserted_alike
}

fn created(change: &Change) -> bool {
    matches!(change.id.row, RowRef::Created(_))
}

fn insert(table: &Table, group: &[Change], columns: &[ColumnId], returning: Vec<Item>) -> Insert {
    Insert {
        table: table.db.clone(),
        columns: typed(table, columns),
        rows: group.iter().map(|change| after(change, columns)).collect(),
        returning,
    }
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

fn delete(table: &Table, group: &[Change]) -> Delete {
    Delete {
        table: table.db.clone(),
        key: typed(table, &table.key),
        rows: group.iter().map(key).collect(),
        guard: None,
        returning: Vec::new(),
    }
}

fn key(change: &Change) -> Vec<Value> {
    change.id.key().cloned().unwrap_or_default()
}

fn after(change: &Change, columns: &[ColumnId]) -> Vec<Value> {
    columns.iter().map(|c| change.value(*c).cloned().unwrap_or(Value::Null)).collect()
}
