//! Which rows of a set refer to each other, and how far behind others each must be written for it.
//!
//! The order of the tables tells most of it. What it does not tell (rows of one table, tables that refer to each other) is a level: an
//! employee stands a level behind her new boss. Rows that turn in a circle have none.

use std::collections::{BTreeSet, HashMap};

use dialects::Value;
use introspect::{ColumnId, ForeignKey, Schema, TableId};

use crate::change::{Image, RowId};

/// A row that refers to another one of the set, or to itself.
pub(in crate::engine) struct Reference<'a> {
    pub(in crate::engine) from: RowId,
    pub(in crate::engine) to: RowId,
    pub(in crate::engine) key: &'a ForeignKey,
}

/// One row that must be written before another, and how many levels that takes.
pub(in crate::engine) struct Before {
    pub(in crate::engine) first: RowId,
    pub(in crate::engine) then: RowId,
    pub(in crate::engine) levels: u32,
}

/// What names a row: a table, columns of it and their values.
type Name<'a> = (TableId, &'a [ColumnId], Vec<Value>);

/// Every foreign key by which one of the rows refers to one of them.
pub(in crate::engine) fn references<'a>(schema: &'a Schema, rows: &[(&RowId, &Image)]) -> Vec<Reference<'a>> {
    let tables: BTreeSet<TableId> = rows.iter().map(|(id, _)| id.table).collect();
    let keys = |table: TableId| schema[table].foreign_keys.iter().filter(|key| tables.contains(&key.target));
    let names: BTreeSet<(TableId, &[ColumnId])> =
        tables.iter().flat_map(|t| keys(*t)).map(|key| (key.target, key.target_columns.as_slice())).collect();
    let mut named: HashMap<Name<'a>, &RowId> = HashMap::new();
    for (target, columns) in names {
        let there = rows.iter().filter(|(id, _)| id.table == target);
        named.extend(there.filter_map(|(id, image)| Some(((target, columns, image.values(columns)?), *id))));
    }
    let of_row = |(id, image): &(&RowId, &Image)| {
        let references = keys(id.table).filter_map(|key| {
            let to = *named.get(&(key.target, &key.target_columns, image.values(&key.columns)?))?;
            Some(Reference { from: (*id).clone(), to: to.clone(), key })
        });
        references.collect::<Vec<_>>()
    };
    rows.iter().flat_map(of_row).collect()
}

/// The level of each row. Those that stand in a circle, or behind one, have none.
pub(in crate::engine) fn levels(rows: &[RowId], order: &[Before]) -> HashMap<RowId, u32> {
    let mut waits: HashMap<&RowId, usize> = HashMap::new();
    let mut followers: HashMap<&RowId, Vec<&Before>> = HashMap::new();
    for before in order {
        *waits.entry(&before.then).or_default() += 1;
        followers.entry(&before.first).or_default().push(before);
    }
    let mut ready: Vec<&RowId> = rows.iter().filter(|id| !waits.contains_key(id)).collect();
    let mut reached: HashMap<RowId, u32> = ready.iter().map(|id| ((*id).clone(), 0)).collect();
    while let Some(id) = ready.pop() {
        let level = reached.get(id).copied().unwrap_or(0);
        for before in followers.remove(id).into_iter().flatten() {
            let at = reached.entry(before.then.clone()).or_default();
            *at = (*at).max(level + before.levels);
            if let Some(left) = waits.get_mut(&before.then) {
                *left -= 1;
                if *left == 0 {
                    waits.remove(&before.then);
                    ready.push(&before.then);
                }
            }
        }
    }
    reached.retain(|id, _| !waits.contains_key(id));
    reached
}

/// The rows that turn in circles, and those between them.
pub(in crate::engine) fn circling<'a>(rows: &'a [RowId], order: &[Before]) -> Vec<&'a RowId> {
    let reversed = |b: &Before| Before { first: b.then.clone(), then: b.first.clone(), levels: b.levels };
    let forth = levels(rows, order);
    let back = levels(rows, &order.iter().map(reversed).collect::<Vec<_>>());
    rows.iter().filter(|id| !forth.contains_key(id) && !back.contains_key(id)).collect()
}
