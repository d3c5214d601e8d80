//! Random requests over the rows at hand: one to four operations, with null and dangling foreign keys now and then.

use std::collections::BTreeMap;

use dialects::Value;
use introspect::{ColumnId, TableId};

use super::dice::Dice;
use super::world::{CLIENT, STATE, STEPPED, is_client};
use crate::change::{Action, Operation, Request, RowId};
use crate::engine::tests::database::Database;
use crate::policy::Actor;

pub(super) fn random(dice: &mut Dice, database: &Database) -> Request {
    let count = if dice.chance(50) { 1 } else { 1 + dice.roll(4) };
    let operations = (0..count).map(|n| operation(dice, database, n as u32)).collect();
    Request { operations, now: Default::default(), actor: Actor::anonymous(), rows_max: 1000 }
}

fn operation(dice: &mut Dice, database: &Database, n: u32) -> Operation {
    let table = TableId(dice.roll(database.schema.tables.len()) as u32);
    let insert = dice.chance(if database.rows.len() < 15 { 60 } else { 20 });
    if insert || database.table(table).next().is_none() {
        let values = values(dice, database, table, 75);
        return Operation { id: RowId::new(table, n), action: Action::Insert(values) };
    }
    let id = RowId::existing(table, vec![some_key(dice, database, table)]);
    let action = match dice.chance(35) {
        true => Action::Delete,
        false => Action::Update(values(dice, database, table, 40)),
    };
    Operation { id, action }
}

/// Values for some of the columns that a client may set.
fn values(dice: &mut Dice, database: &Database, table: TableId, percent: usize) -> BTreeMap<ColumnId, Value> {
    let mut values = BTreeMap::new();
    for (column, _) in
        database.schema[table].columns().filter(|(c, _)| is_client(&database.schema, table, *c))
    {
        if dice.chance(if column == STEPPED { 8 } else { percent }) {
            values.insert(column, value(dice, database, table, column));
        }
    }
    values
}

fn value(dice: &mut Dice, database: &Database, table: TableId, column: ColumnId) -> Value {
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
    some_key(dice, database, key.target)
}

/// Mostly one that is there.
fn some_key(dice: &mut Dice, database: &Database, table: TableId) -> Value {
    let keys: Vec<&Value> = database.table(table).map(|((_, key), _)| &key[0]).collect();
    if keys.is_empty() || dice.chance(2) { Value::Int(1) } else { (*dice.pick(&keys)).clone() }
}
