//! Rows that go → DELETEs that the database allows, and what must let go of them before.
//!
//! Whether a row is still referred to is judged at the end of each statement, by MySQL row by row, and so by SQLite where the foreign key
//! restricts. There the rows of one table go in rounds, first those that none refers to. Who refers to a row that goes earlier, as rows in a
//! circle do, lets go first: the foreign key becomes null, where it can.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use dialects::sql::{Delete, Query, Update};
use dialects::{Dialect, Value};
use introspect::schema::Action;
use introspect::{ColumnId, ForeignKey, Schema, Table, TableId};
use rules::change::{Change, Key};

use super::lookup::typed;

/// What names a row: its table, columns of it and their values.
type Name<'a> = (TableId, &'a [ColumnId], Key);

/// The statements for removals, each with the table that it writes.
pub(super) fn removals(schema: &Schema, changes: &[Change]) -> Vec<(TableId, Query)> {
    let of_table = changes.chunk_by(|a, b| a.id.table == b.id.table);
    let rounds: Vec<Vec<&Change>> = of_table.flat_map(|group| rounds(schema, group)).collect();
    let delete = |round: &Vec<&Change>| {
        let table = round.first()?.id.table;
        Some((table, delete(&schema[table], round)))
    };
    releases(schema, &rounds).into_iter().chain(rounds.iter().filter_map(delete)).collect()
}

/// The rows of one table, in the statements in which they go. Where they refer to each other in a circle, the rest goes at once.
fn rounds<'a>(schema: &Schema, group: &'a [Change]) -> Vec<Vec<&'a Change>> {
    let Some(table) = group.first().map(|change| change.id.table) else { return Vec::new() };
    let own = |key: &&ForeignKey| key.target == table && by_row(schema.dialect, key);
    let keys: Vec<&ForeignKey> = refusing(&schema[table]).filter(own).collect();
    let (mut rounds, mut rest) = (Vec::new(), group.iter().collect::<Vec<_>>());
    while !rest.is_empty() {
        let referred: HashSet<(usize, Key)> = rest.iter().flat_map(|change| others(&keys, change)).collect();
        let is_referred = |change: &&Change| names(&keys, change).any(|name| referred.contains(&name));
        let (held, free): (Vec<&Change>, Vec<&Change>) = rest.into_iter().partition(is_referred);
        let (round, left) = if free.is_empty() { (held, free) } else { (free, held) };
        rounds.push(round);
        rest = left;
    }
    rounds
}

/// By what foreign keys name a row.
fn names<'a>(keys: &'a [&ForeignKey], change: &'a Change) -> impl Iterator<Item = (usize, Key)> + 'a {
    keys.iter().enumerate().filter_map(|(n, key)| Some((n, values(change, &key.target_columns)?)))
}

/// The other rows that its foreign keys name.
fn others<'a>(keys: &'a [&ForeignKey], change: &'a Change) -> impl Iterator<Item = (usize, Key)> + 'a {
    let named = |(n, key): (usize, &&ForeignKey)| Some((n, values(change, &key.columns)?));
    keys.iter().enumerate().filter_map(named).filter(|name| names(keys, change).all(|own| own != *name))
}

/// What sets foreign keys to null that would forbid a removal.
fn releases(schema: &Schema, rounds: &[Vec<&Change>]) -> Vec<(TableId, Query)> {
    let places = places(schema, rounds);
    let mut released: BTreeMap<(TableId, ColumnId), BTreeSet<Key>> = BTreeMap::new();
    for (n, change) in placed(rounds) {
        let table = &schema[change.id.table];
        for key in refusing(table) {
            let named = values(change, &key.columns)
                .map(|values| (key.target, key.target_columns.as_slice(), values));
            let place = named.and_then(|name| places.get(&name));
            let forbids =
                place.is_some_and(|place| *place < n || (*place == n && by_row(schema.dialect, key)));
            if let (true, Some(column), Some(own)) = (forbids, nullable(table, key), change.id.key()) {
                released.entry((change.id.table, column)).or_default().insert(own.clone());
            }
        }
    }
    released
        .into_iter()
        .map(|((table, column), rows)| (table, release(&schema[table], column, rows)))
        .collect()
}

/// In which round each row goes, by all that foreign keys name it by.
fn places<'a>(schema: &'a Schema, rounds: &[Vec<&Change>]) -> HashMap<Name<'a>, usize> {
    let tables: BTreeSet<TableId> = placed(rounds).map(|(_, change)| change.id.table).collect();
    let named_by: BTreeSet<(TableId, &[ColumnId])> = tables
        .iter()
        .flat_map(|table| refusing(&schema[*table]).map(|key| (key.target, key.target_columns.as_slice())))
        .collect();
    let mut places = HashMap::new();
    for (n, change) in placed(rounds) {
        for (table, columns) in named_by.iter().filter(|(table, _)| *table == change.id.table) {
            places.extend(values(change, columns).map(|values| ((*table, *columns, values), n)));
        }
    }
    places
}

fn placed<'a>(rounds: &'a [Vec<&'a Change>]) -> impl Iterator<Item = (usize, &'a Change)> {
    rounds.iter().enumerate().flat_map(|(n, round)| round.iter().map(move |change| (n, *change)))
}

/// The foreign keys by which the database may refuse a removal at once.
fn refusing(table: &Table) -> impl Iterator<Item = &ForeignKey> {
    table.foreign_keys.iter().filter(|key| match key.on_delete {
        Action::NoAction => key.enforced && !key.deferred,
        Action::Restrict => key.enforced,
        Action::Cascade | Action::SetNull | Action::SetDefault => false,
    })
}

/// Whether a foreign key is judged for each row that goes, rather than for all of a statement.
fn by_row(dialect: Dialect, key: &ForeignKey) -> bool {
    match dialect {
        Dialect::Postgres => false,
        Dialect::Mysql => true,
        Dialect::Sqlite => key.on_delete == Action::Restrict,
    }
}

/// A foreign key names nothing where one of its columns is null.
fn nullable(table: &Table, key: &ForeignKey) -> Option<ColumnId> {
    key.columns.iter().copied().find(|column| table[*column].nullable && !table.key.contains(column))
}

/// As the database holds them; none where one is null or not known.
fn values(change: &Change, columns: &[ColumnId]) -> Option<Key> {
    change.before.as_ref()?.values(columns).filter(|values| !values.iter().any(Value::is_null))
}

fn release(table: &Table, column: ColumnId, rows: BTreeSet<Key>) -> Query {
    Query::Update(Update {
        table: table.db.clone(),
        key: typed(table, &table.key),
        set: typed(table, &[column]),
        rows: rows.into_iter().map(|key| (key, vec![Value::Null])).collect(),
        guard: None,
        returning: Vec::new(),
    })
}

fn delete(table: &Table, round: &[&Change]) -> Query {
    Query::Delete(Delete {
        table: table.db.clone(),
        key: typed(table, &table.key),
        rows: round.iter().filter_map(|change| change.id.key().cloned()).collect(),
        guard: None,
        returning: Vec::new(),
    })
}
