//! A database in memory: rows by key, foreign keys enforced and carried out as declared, lookups answered with no more than was asked.

use std::collections::{BTreeMap, BTreeSet};

use dialects::Value;
use dialects::value::Drawn;
use introspect::schema::Action;
use introspect::{ColumnId, ForeignKey, Schema, TableId};

use super::{notation, oracle};
use crate::change::{Change, Image, Key, RowId, RowRef};
use crate::engine::{ChildList, Extreme, Finder, Hold, Lookup, Of, Rows};
use crate::rule::{Aggregate, RuleSet};

/// A row's address.
pub(super) type At = (TableId, Key);

#[derive(Clone)]
pub(super) struct Database {
    pub(super) schema: Schema,
    pub(super) rows: BTreeMap<At, Image>,
    pub(super) defaults: BTreeMap<(TableId, ColumnId), Value>,
    /// The rules that lookups speak of.
    pub(super) rules: RuleSet,
    /// How many requests have been written: keys are drawn by it and by the number of the new row.
    requests: i64,
    /// The new rows of the request that is being written.
    placed: BTreeMap<u32, At>,
}

/// What a foreign key does not allow.
pub(super) type Refused = String;

impl Database {
    pub(super) fn new(schema: &Schema) -> Self {
        Self {
            schema: schema.clone(),
            rows: BTreeMap::new(),
            defaults: BTreeMap::new(),
            rules: RuleSet::default(),
            requests: 0,
            placed: BTreeMap::new(),
        }
    }

    /// One row a line: `orders 1 customer_id=1 amount_total=0`; what is left out is null.
    pub(super) fn holding(schema: &Schema, text: &str) -> Self {
        let mut database = Self::new(schema);
        for line in notation::lines(text) {
            let (id, values) = notation::row(schema, line);
            let key = id.key().unwrap().clone();
            let mut image = Image::full(vec![Value::Null; schema[id.table].columns.len()]);
            values.into_iter().for_each(|(column, value)| image.set(column, value));
            schema[id.table].key.iter().zip(&key).for_each(|(c, v)| image.set(*c, v.clone()));
            database.rows.insert((id.table, key), image);
        }
        database
    }

    pub(super) fn table(&self, table: TableId) -> impl Iterator<Item = (&At, &Image)> {
        self.rows.range((table, Vec::new())..(TableId(table.0 + 1), Vec::new()))
    }

    // ---- answering

    pub(super) fn serve(&self, lookup: &Lookup, rows: &mut Rows, hold: Option<Hold>, fresh: bool) {
        match lookup {
            Lookup::Row(row) => {
                self.serve_row(&row.finder, &row.columns, rows, hold.unwrap_or(row.hold));
            }
            Lookup::Children { list, columns } => {
                self.serve_list(list, columns, rows, hold.unwrap_or(Hold::PLAIN), fresh)
            }
            Lookup::Extreme(extreme) => {
                rows.add_extreme(extreme.clone(), self.extreme(extreme), fresh);
            }
            Lookup::Default(of) => rows.add_default(*of, self.defaults[&(of.table, of.column)].clone()),
        }
    }

    fn serve_row(&self, finder: &Finder, columns: &[ColumnId], rows: &mut Rows, hold: Hold) {
        let drawn = |value: &Value| matches!(value, Value::Drawn(_));
        assert!(!finder.values.iter().any(drawn), "asked for a row that is still to be drawn");
        match self.matching(finder.table, &finder.columns, &finder.values).next() {
            None => rows.add_absent(finder.clone()),
            Some((_, image)) => {
                let image = self.part(finder.table, image, columns);
                rows.add(&self.schema, Some(finder.clone()), finder.table, image, hold);
            }
        }
    }

    fn serve_list(&self, list: &ChildList, columns: &[ColumnId], rows: &mut Rows, hold: Hold, fresh: bool) {
        let mut keys = Vec::new();
        for ((_, key), image) in self.matching(list.table, &list.columns, &list.values) {
            keys.push(key.clone());
            rows.add(&self.schema, None, list.table, self.part(list.table, image, columns), hold);
        }
        rows.add_list(list.clone(), keys, fresh);
    }

    /// From whole rows, as the rows stand.
    fn extreme(&self, extreme: &Extreme) -> Value {
        let aggregate = &match extreme.of {
            Of::Rule(column) => self.rules.aggregate(extreme.table, column).unwrap().clone(),
            Of::Referrers(child, parent) => Aggregate::any(&self.schema, child, parent),
        };
        let mut left = self.clone();
        extreme.except.iter().for_each(|key| _ = left.rows.remove(&(aggregate.child, key.clone())));
        match self.rows.get(&(extreme.table, extreme.key.clone())) {
            Some(parent) => oracle::aggregated(&left, aggregate, extreme.table, parent).unwrap(),
            None => aggregate.function.of_none(),
        }
    }

    fn part(&self, table: TableId, image: &Image, columns: &[ColumnId]) -> Image {
        let mut part = Image::empty(self.schema[table].columns.len());
        columns.iter().for_each(|c| part.set(*c, image.value(*c).unwrap().clone()));
        part
    }

    pub(super) fn matching<'a>(
        &'a self,
        table: TableId,
        columns: &'a [ColumnId],
        values: &'a [Value],
    ) -> impl Iterator<Item = (&'a At, &'a Image)> {
        let keyed = columns == self.schema[table].key;
        let rows = match keyed {
            true => self.rows.range((table, values.to_vec())..=(table, values.to_vec())),
            false => self.rows.range((table, Vec::new())..(TableId(table.0 + 1), Vec::new())),
        };
        let same = move |image: &Image| columns.iter().zip(values).all(|(c, v)| image.value(*c) == Some(v));
        let nulls = values.iter().any(Value::is_null);
        rows.filter(move |(_, image)| !nulls && same(image))
    }

    /// The row that has these values.
    pub(super) fn find(&self, table: TableId, columns: &[ColumnId], values: &[Value]) -> Option<&Image> {
        let at = self.matching(table, columns, values).next()?.0.clone();
        self.rows.get(&at)
    }

    // ---- writing

    /// Writes what the engine came to, in its order; neighbours of one table and kind are one statement.
    pub(super) fn write(&mut self, changes: &[Change]) -> Result<(), Refused> {
        let ids: BTreeSet<&RowId> = changes.iter().map(|change| &change.id).collect();
        assert_eq!(ids.len(), changes.len(), "a row is written once");
        self.begin();
        let kind = |change: &Change| (change.id.table, change.before.is_some(), change.after.is_some());
        for statement in changes.chunk_by(|a, b| kind(a) == kind(b)) {
            self.write_statement(statement)?;
        }
        Ok(())
    }

    /// Another request begins.
    pub(super) fn begin(&mut self) {
        self.requests += 1;
        self.placed.clear();
    }

    /// A value, with what was drawn in the place of what was to be.
    pub(super) fn settled(&self, value: &Value) -> Value {
        match value {
            Value::Drawn(drawn) => {
                let row = &self.rows[&self.placed[&drawn.row]];
                row.value(ColumnId(drawn.column)).unwrap().clone()
            }
            value => value.clone(),
        }
    }

    /// Whether a row was added by the request.
    pub(super) fn was_placed(&self, at: &At) -> bool {
        self.placed.values().any(|placed| placed == at)
    }

    /// Where the n-th new row is.
    pub(super) fn placed(&self, n: u32) -> At {
        self.placed[&n].clone()
    }

    fn write_statement(&mut self, changes: &[Change]) -> Result<(), Refused> {
        let mut removed = Vec::new();
        for change in changes {
            match (&change.before, &change.after) {
                (None, Some(after)) => self.insert(&change.id, after)?,
                (Some(before), Some(_)) => self.update(change, before)?,
                (Some(before), None) => removed.push(self.address(change, before)),
                (None, None) => panic!("a change of nothing"),
            }
        }
        self.remove(removed)
    }

    fn insert(&mut self, id: &RowId, after: &Image) -> Result<(), Refused> {
        let key = after.key(&self.schema, id.table);
        if key.is_some_and(|key| self.rows.contains_key(&(id.table, key))) {
            return Err(format!("{}: there already", self.schema[id.table].name));
        }
        let at = self.place(id, after);
        self.refers_well(&at)
    }

    /// Adds a row, with the defaults, without asking whom it refers to.
    pub(super) fn place(&mut self, id: &RowId, after: &Image) -> At {
        let (table, (n, named)) = match &id.row {
            RowRef::New(n) => (id.table, (*n, true)),
            RowRef::Created(n) => (id.table, (50 + *n, false)),
            RowRef::Existing(_) => panic!("not new"),
        };
        let mut image = Image::full(vec![Value::Null; self.schema[table].columns.len()]);
        for (column, _) in self.schema[table].columns() {
            let own = Value::Drawn(Drawn { row: n, column: column.0 });
            let given = after.value(column).filter(|value| **value != own).map(|value| self.settled(value));
            let value = given.or(self.defaults.get(&(table, column)).cloned());
            image.set(column, value.unwrap_or(Value::Null));
        }
        let key = image.key(&self.schema, table).unwrap();
        if key == [Value::Null] {
            image.set(self.schema[table].key[0], Value::Int(1000 + 100 * self.requests + i64::from(n)));
        }
        let at = (table, image.key(&self.schema, table).unwrap());
        if named {
            self.placed.insert(n, at.clone());
        }
        self.rows.insert(at.clone(), image);
        at
    }

    fn update(&mut self, change: &Change, before: &Image) -> Result<(), Refused> {
        let at = self.address(change, before);
        let values: Vec<(ColumnId, Value)> =
            change.columns.iter().map(|c| (*c, self.settled(change.value(*c).unwrap()))).collect();
        let image = self.rows.get_mut(&at).unwrap();
        values.into_iter().for_each(|(c, value)| image.set(c, value));
        self.refers_well(&at)
    }

    /// The row a change speaks of, which must be what the engine believed it to be.
    fn address(&self, change: &Change, before: &Image) -> At {
        let at = (change.id.table, change.id.key().unwrap().clone());
        let name = notation::name(&self.schema, &change.id);
        let stored = self.rows.get(&at).unwrap_or_else(|| panic!("{name} is written but not there"));
        for (column, value) in before.columns().filter(|(_, value)| value.is_some()) {
            assert_eq!(value, stored.value(column), "{name} was not what the engine believed");
        }
        at
    }

    pub(super) fn refers_well(&self, at: &At) -> Result<(), Refused> {
        for key in &self.schema[at.0].foreign_keys {
            let values = self.rows[at].values(&key.columns).unwrap();
            let nulls = values.iter().any(Value::is_null);
            if !nulls && self.matching(key.target, &key.target_columns, &values).next().is_none() {
                return Err(format!("{}: {}", self.schema[at.0].name, key.name));
            }
        }
        Ok(())
    }

    /// Removes rows in one statement, with all that foreign keys declare; those that forbid are judged at its end.
    fn remove(&mut self, rows: Vec<At>) -> Result<(), Refused> {
        let mut gone: Vec<(TableId, Image)> = Vec::new();
        let mut going = rows;
        while let Some(at) = going.pop() {
            let Some(image) = self.rows.remove(&at) else { continue };
            self.carry(&at, &image, &mut going);
            gone.push((at.0, image));
        }
        for (table, image) in gone {
            self.unreferenced(table, &image)?;
        }
        Ok(())
    }

    /// What foreign keys do to the rows below.
    fn carry(&mut self, at: &At, image: &Image, going: &mut Vec<At>) {
        for (child, key) in self.keys_to(at.0) {
            let values = image.values(&key.target_columns).unwrap();
            let below: Vec<At> =
                self.matching(child, &key.columns, &values).map(|(at, _)| at.clone()).collect();
            match key.on_delete {
                Action::Cascade => going.extend(below),
                Action::SetNull | Action::SetDefault => below.iter().for_each(|at| self.detach(at, &key)),
                Action::NoAction | Action::Restrict => {}
            }
        }
    }

    pub(super) fn detach(&mut self, at: &At, key: &ForeignKey) {
        for column in &key.set_on_delete().collect::<Vec<_>>() {
            let default = (key.on_delete == Action::SetDefault).then(|| self.defaults.get(&(at.0, *column)));
            let value = default.flatten().cloned().unwrap_or(Value::Null);
            self.rows.get_mut(at).unwrap().set(*column, value);
        }
    }

    fn unreferenced(&self, table: TableId, image: &Image) -> Result<(), Refused> {
        for (child, key) in self.keys_to(table) {
            let values = image.values(&key.target_columns).unwrap();
            if self.matching(child, &key.columns, &values).next().is_some() {
                return Err(format!(
                    "{} still refers to {}",
                    self.schema[child].name, self.schema[table].name
                ));
            }
        }
        Ok(())
    }

    /// The foreign keys that refer to a table, with the tables that hold them.
    pub(super) fn keys_to(&self, table: TableId) -> Vec<(TableId, ForeignKey)> {
        let mut keys = Vec::new();
        for (child, there) in self.schema.iter() {
            keys.extend(there.foreign_keys.iter().filter(|k| k.target == table).map(|k| (child, k.clone())));
        }
        keys
    }
}
