//! Random requests over the rows at hand: one to six operations, with null and dangling foreign keys now and then, and with new rows that
//! others of the request refer to, change or remove again.

use std::collections::BTreeMap;

use dialects::Value;
use dialects::value::Drawn;
use introspect::{ColumnId, RelationshipId, TableId};

use super::dice::Dice;
use super::world::{CLIENT, STATE, STEPPED, is_client};
use crate::change::{Action, Membership, Operation, Relating, Request, RowId, RowRef};
use crate::engine::tests::database::Database;
use crate::policy::Actor;

pub(in crate::engine::tests) fn random(dice: &mut Dice, database: &Database) -> Request {
    let count = if dice.chance(50) { 1 } else { 1 + dice.roll(6) };
    let mut operations = Vec::new();
    for n in 0..count {
        let next = operation(dice, database, n as u32, &operations);
        operations.push(next);
    }
    Request { operations, now: Default::default(), actor: Actor::anonymous(), guard: None, rows_max: 1000 }
}

fn operation(dice: &mut Dice, database: &Database, n: u32, before: &[Operation]) -> Operation {
    let new: Vec<&RowId> = before.iter().map(|o| &o.id).filter(|id| id.key().is_none()).collect();
    if !new.is_empty() && dice.chance(15) {
        let id = (*dice.pick(&new)).clone();
        let action = if dice.chance(20) {
            Action::Delete
        } else {
            Action::Update(values(dice, database, id.table, 40, before))
        };
        return Operation { id, action };
    }
    if dice.chance(10)
        && let Some(relating) = relating(dice, database, before)
    {
        return relating;
    }
    let table = TableId(dice.roll(database.schema.tables.len()) as u32);
    let insert = dice.chance(if database.rows.len() < 15 { 60 } else { 20 });
    if insert || database.table(table).next().is_none() {
        let values = values(dice, database, table, INSERT, before);
        return Operation { id: RowId::new(table, n), action: Action::Insert(values) };
    }
    let id = RowId::existing(table, vec![some_key(dice, database, table)]);
    let action = match dice.chance(35) {
        true => Action::Delete,
        false => Action::Update(values(dice, database, table, 40, before)),
    };
    Operation { id, action }
}

/// A change of a to-many relationship: of a row that is there, or of one that the request adds.
fn relating(dice: &mut Dice, database: &Database, before: &[Operation]) -> Option<Operation> {
    let table = TableId(dice.roll(database.schema.tables.len()) as u32);
    let to_many: Vec<(RelationshipId, TableId)> = database.schema[table]
        .relationships()
        .filter(|(_, r)| !r.to_one())
        .map(|(id, r)| (id, r.target))
        .collect();
    let (relationship, child) = *to_many.get(dice.roll(to_many.len().max(1)))?;
    let how = *dice.pick(&[Membership::Replace, Membership::Add, Membership::Add, Membership::Remove]);
    let rows = (0..dice.roll(4)).map(|_| some_row(dice, database, child, before)).collect();
    let relating = Relating { relationship, how, rows, comes: true, leaves: true };
    Some(Operation { id: some_row(dice, database, table, before), action: Action::Relate(relating) })
}

fn some_row(dice: &mut Dice, database: &Database, table: TableId, before: &[Operation]) -> RowId {
    let new = |o: &&Operation| o.id.table == table && o.id.key().is_none();
    let new: Vec<&RowId> = before.iter().filter(new).map(|o| &o.id).collect();
    match new.is_empty() || dice.chance(60) {
        true => RowId::existing(table, vec![some_key(dice, database, table)]),
        false => (*dice.pick(&new)).clone(),
    }
}

/// Values for some of the columns that a client may set.
fn values(
    dice: &mut Dice,
    database: &Database,
    table: TableId,
    percent: usize,
    before: &[Operation],
) -> BTreeMap<ColumnId, Value> {
    let mut values = BTreeMap::new();
    for (column, _) in
        database.schema[table].columns().filter(|(c, _)| is_client(&database.schema, table, *c))
    {
        // What a new row refers to by default is the database's to look for.
        let falls_back =
            percent == INSERT && database.defaults.contains_key(&(table, column)) && column > STATE;
        if falls_back || dice.chance(if column == STEPPED { 8 } else { percent }) {
            values.insert(column, value(dice, database, table, column, before));
        }
    }
    values
}

fn value(
    dice: &mut Dice,
    database: &Database,
    table: TableId,
    column: ColumnId,
    before: &[Operation],
) -> Value {
    if dice.chance(15) {
        return Value::Null;
    }
    if column == STATE {
        let most = if dice.chance(30) { 2 } else { 1 };
        return Value::Int(dice.between(0, most));
    }
    if CLIENT.contains(&column) || column == STEPPED {
        return Value::Int(dice.between(-3, 9));
    }
    let key = database.schema[table].foreign_keys.iter().find(|key| key.columns.contains(&column)).unwrap();
    if dice.chance(10) {
        return Value::Int(dice.between(51, 54));
    }
    let new: Vec<&RowId> = before.iter().map(|o| &o.id).filter(|id| id.table == key.target).collect();
    match new.is_empty() || dice.chance(40) {
        true => some_key(dice, database, key.target),
        false => match &dice.pick(&new).row {
            RowRef::New(row) => Value::Drawn(Drawn { row: *row, column: 0 }),
            RowRef::Existing(key) => key[0].clone(),
            RowRef::Created(_) => panic!("no operation speaks of it"),
        },
    }
}

/// So many in a hundred columns are given to a new row.
const INSERT: usize = 75;

/// Mostly one that is there.
fn some_key(dice: &mut Dice, database: &Database, table: TableId) -> Value {
    let keys: Vec<&Value> = database.table(table).map(|((_, key), _)| &key[0]).collect();
    if keys.is_empty() || dice.chance(2) { Value::Int(1) } else { (*dice.pick(&keys)).clone() }
}
