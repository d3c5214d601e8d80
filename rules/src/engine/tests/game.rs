//! The random worlds for tests outside this crate: a schema, its rules, requests one after the other, and what the oracle makes of each.

use std::collections::HashMap;

use dialects::Value;
use introspect::{ColumnId, Schema, TableId};

use super::drive::World;
use super::oracle;
use super::random::dice::Dice;
use super::random::{request, world};
use crate::change::{Action, Image, Operation, Request, RowRef};
use crate::rule::RuleSet;

/// A random world, played request by request.
pub struct Game {
    world: World,
    dice: Dice,
    /// The last key given to a new row, beyond those that requests make up.
    key: i64,
}

impl Game {
    /// The world of a seed, still without rows.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        Self { world: world::portable(&mut dice), dice, key: 5000 }
    }

    /// Its tables.
    pub fn schema(&self) -> &Schema {
        &self.world.schema
    }

    /// Its rules.
    pub fn rules(&self) -> &RuleSet {
        &self.world.rules
    }

    /// What the database puts into a column that nobody gives.
    pub fn default_of(&self, table: TableId, column: ColumnId) -> Option<&Value> {
        self.world.database.defaults.get(&(table, column))
    }

    /// The next request over the rows at hand; new rows come with their keys.
    pub fn request(&mut self) -> Request {
        let mut request = request::random(&mut self.dice, &self.world.database);
        // Of a row that comes and goes in one request nothing but its key would be left, and here the key is the client's.
        let passing = |o: &Operation| matches!((&o.action, &o.id.row), (Action::Delete, RowRef::New(_)));
        request.operations.retain(|operation| !passing(operation));
        let first = self.key + 1;
        for operation in &mut request.operations {
            if let Action::Insert(values) = &mut operation.action {
                self.key += 1;
                values.insert(self.world.schema[operation.id.table].key[0], Value::Int(self.key));
            }
        }
        let keys: HashMap<u32, Value> = added(&request).zip((first..).map(Value::Int)).collect();
        for operation in &mut request.operations {
            let own = match &operation.id.row {
                RowRef::New(n) => keys.get(n).cloned(),
                row => row_key(row),
            };
            let id = operation.id.clone();
            if let Action::Relate(relating) = &mut operation.action {
                relating.rows.retain(|row| *row != id);
            }
            if let Action::Insert(values) | Action::Update(values) = &mut operation.action {
                let key = self.world.schema[operation.id.table].key[0];
                for (column, value) in values.iter_mut().filter(|(column, _)| **column != key) {
                    if let Value::Drawn(drawn) = value {
                        *value = keys[&drawn.row].clone();
                    }
                    // A row that names itself is never removed again by MariaDB.
                    if self.world.schema[operation.id.table].in_foreign_key(*column)
                        && own.as_ref() == Some(value)
                    {
                        *value = Value::Null;
                    }
                }
            }
        }
        request
    }

    /// What the request comes to, computed from whole tables: done, or why it is refused.
    pub fn play(&mut self, request: &Request) -> Result<(), String> {
        self.world.database = oracle::apply(&self.world.rules, &self.world.database, request)?;
        Ok(())
    }

    /// The rows of a table as they should be, by key.
    pub fn rows(&self, table: TableId) -> Vec<Vec<Value>> {
        let whole =
            |image: &Image| image.columns().map(|(_, value)| value.cloned().unwrap_or(Value::Null)).collect();
        self.world.database.table(table).map(|(_, image)| whole(image)).collect()
    }

    /// The world and a request as text, to be read when something went wrong.
    pub fn story(&self, request: &Request) -> String {
        self.world.story(request)
    }
}

/// The numbers of the new rows, in the order in which they come.
fn added(request: &Request) -> impl Iterator<Item = u32> {
    request.operations.iter().filter_map(|operation| match (&operation.action, &operation.id.row) {
        (Action::Insert(_), RowRef::New(n)) => Some(*n),
        _ => None,
    })
}

fn row_key(row: &RowRef) -> Option<Value> {
    match row {
        RowRef::Existing(key) => key.first().cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use introspect::schema::ColumnDefault;

    use super::*;
    use crate::engine::Outcome;

    /// The keys that a request gives to new rows.
    fn given(game: &Game, request: &Request) -> Vec<Value> {
        let key = |operation: &Operation| match &operation.action {
            Action::Insert(values) => values.get(&game.schema()[operation.id.table].key[0]).cloned(),
            _ => None,
        };
        request.operations.iter().filter_map(key).collect()
    }

    #[test]
    fn a_game_comes_to_what_the_engine_comes_to() {
        let mut game = Game::new(1);
        assert!(game.schema().tables.len() > 1);
        let (mut keys, mut done) = (Vec::new(), 0);
        for _ in 0..60 {
            let request = game.request();
            keys.extend(given(&game, &request));
            let mut database = game.world.database.clone();
            let outcome = game.world.run(&request);
            assert_eq!(game.play(&request).is_ok(), matches!(outcome, Outcome::Done(_)));
            let Outcome::Done(changes) = outcome else { continue };
            database.write(&changes).unwrap();
            done += 1;
            for (table, _) in game.schema().iter() {
                let values =
                    |image: &Image| image.columns().filter_map(|(_, value)| value.cloned()).collect();
                let rows: Vec<Vec<Value>> = database.table(table).map(|(_, image)| values(image)).collect();
                assert_eq!(game.rows(table), rows, "{}", game.story(&request));
            }
        }
        assert!(done > 10, "only {done} were not refused");
        assert_eq!(keys, (5001..).take(keys.len()).map(Value::Int).collect::<Vec<_>>());
    }

    #[test]
    fn a_game_knows_the_defaults_of_its_tables() {
        let mut known = 0;
        for game in (1..=5).map(Game::new) {
            for (table, there) in game.schema().iter() {
                for (id, column) in there.columns() {
                    let default = matches!(column.default, ColumnDefault::Expression(_));
                    assert_eq!(game.default_of(table, id).is_some(), default);
                    known += usize::from(default);
                }
            }
        }
        assert!(known > 0);
    }
}
