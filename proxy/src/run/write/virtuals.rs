//! The virtual attributes of rows that were written: the database computes them when the rows are read again.

use std::collections::{BTreeMap, HashMap};

use dialects::Value;
use dialects::render::render;
use dialects::sql::Query;
use introspect::TableId;
use rules::change::Key;

use super::{Context, stage};
use crate::plan::lower::lookup;

/// A row in full width, of a table.
pub type Row<'a> = (TableId, &'a mut Vec<Value>);

/// Adds them behind the other columns of each row, by one statement a table. The write stands: a row that is gone again by now stays without.
pub async fn add<'a>(context: Context<'_>, rows: impl Iterator<Item = Row<'a>>) {
    let schema = &context.snapshot.schema;
    let mut by_table: BTreeMap<TableId, Vec<&mut Vec<Value>>> = BTreeMap::new();
    for (table, row) in rows.filter(|(table, _)| schema[*table].has_virtual()) {
        by_table.entry(table).or_default().push(row);
    }
    for (table, rows) in by_table {
        let keys = rows.iter().map(|row| stage::key(context.snapshot, table, row)).collect();
        let found = computed(context, table, keys).await;
        for row in rows {
            row.extend(found.get(&stage::key(context.snapshot, table, row)).into_iter().flatten().cloned());
        }
    }
}

/// By the keys of their rows.
async fn computed(context: Context<'_>, table: TableId, keys: Vec<Key>) -> HashMap<Key, Vec<Value>> {
    let snapshot = context.snapshot;
    let select = Query::Select(lookup::virtuals(snapshot, &context.who(), table, keys));
    let answers = context.pool.run(render(snapshot.schema.dialect, &select)).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "what was written is told without its virtual attributes");
        Vec::new()
    });
    let rows = answers.iter().flat_map(|rows| (0..rows.len()).map(move |n| rows.values(n)));
    let width = snapshot.schema[table].key.len();
    rows.map(|mut row| {
        let values = row.split_off(width.min(row.len()));
        (row, values)
    })
    .collect()
}
