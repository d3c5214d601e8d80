//! The writes of one transaction, step by step: what the database draws in one step takes its place in the next.
//!
//! A step is as many statements as have nothing open in them. A request without local ids is one step; an order with its items, all new, is two.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use dialects::render::render;
use dialects::sql::{Expr, Item, Query, Select};
use dialects::value::Drawn;
use dialects::{Dialect, Error, IntKind, Kind, Result, Rows, Statement, Value, ValueType};
use introspect::schema::ColumnDefault;
use introspect::{ColumnId, TableId};
use rules::change::{Change, Image, Key, RowId, RowRef};

use crate::plan::lower::change::{self, Write};
use crate::plan::lower::lookup;
use crate::state::Snapshot;

/// The writes under way.
pub(super) struct Stage {
    dialect: Dialect,
    open: VecDeque<Write>,
    /// What the last step ran, each with the number of its statements.
    running: Vec<(Write, usize)>,
    drawn: HashMap<Drawn, Value>,
    /// The rows that the request names, as they were written.
    rows: BTreeMap<RowId, Vec<Value>>,
    wanted: BTreeSet<RowId>,
    /// The wanted new rows, as they were made.
    made: BTreeMap<RowId, Image>,
    removed: BTreeSet<RowId>,
    increment: Increment,
}

/// By how much the keys of one INSERT differ, where the database tells the first alone.
enum Increment {
    Unknown,
    /// The first statement of the step asks for it.
    Asked,
    Known(i64),
}

/// What has become of a row.
pub(super) enum Fate {
    /// It was written so.
    Written(Vec<Value>),
    /// It was added or changed, under this key; it is to be read again.
    Unread(Key),
    /// It is gone, or was never there.
    Gone,
    /// Nothing of it was written.
    Untouched,
}

impl Stage {
    /// The writes that changes come to; the rows that are wanted are told afterwards.
    pub(super) fn new(snapshot: &Snapshot, changes: &[Change], wanted: BTreeSet<RowId>) -> Self {
        let made = changes.iter().filter(|change| change.before.is_none() && wanted.contains(&change.id));
        let made = made.filter_map(|change| Some((change.id.clone(), change.after.clone()?))).collect();
        let removed = changes.iter().filter(|change| change.after.is_none()).map(|change| change.id.clone());
        Self {
            dialect: snapshot.schema.dialect,
            open: change::changes(&snapshot.schema, changes, &wanted).into(),
            running: Vec::new(),
            drawn: HashMap::new(),
            rows: BTreeMap::new(),
            made,
            removed: removed.collect(),
            wanted,
            increment: Increment::Unknown,
        }
    }

    /// The table in which the step that is under way adds rows because foreign keys name them.
    pub(super) fn creating(&self) -> Option<TableId> {
        self.running.iter().find(|(write, _)| write.creates).map(|(write, _)| write.table)
    }

    /// The statements of the next step, and whether it is the last. Rows that foreign keys name come in steps of their own: when another
    /// transaction was faster, it must be clear that it was this that failed.
    pub(super) fn step(&mut self, snapshot: &Snapshot) -> Result<(Vec<Statement>, bool)> {
        let alone = self.open.iter().any(|write| write.creates);
        let mut statements = Vec::new();
        while let Some(write) = self.open.pop_front() {
            match settled(&write.query, &self.drawn) {
                Some(query) => {
                    let rendered = render(self.dialect, &query);
                    self.running.push((write, rendered.len()));
                    statements.extend(rendered);
                }
                None => {
                    self.open.push_front(write);
                    break;
                }
            }
            if alone {
                break;
            }
        }
        if statements.is_empty() && !self.open.is_empty() {
            return Err(Error::new(Kind::Other, "a key was never drawn"));
        }
        if self.must_ask_increment(snapshot) {
            statements.insert(0, increment());
            self.increment = Increment::Asked;
        }
        Ok((statements, self.open.is_empty()))
    }

    fn must_ask_increment(&self, snapshot: &Snapshot) -> bool {
        let draws =
            |(write, _): &(Write, usize)| write.added.len() > 1 && drawn_column(snapshot, write).is_some();
        self.dialect == Dialect::Mysql
            && matches!(self.increment, Increment::Unknown)
            && self.running.iter().any(draws)
    }

    /// Takes in what the step answered.
    pub(super) fn absorb(&mut self, snapshot: &Snapshot, answers: &[Rows]) -> Result<()> {
        let mut rest = answers;
        if let (Increment::Asked, Some((first, others))) = (&self.increment, answers.split_first()) {
            self.increment = match first.cell(0, 0).into_value() {
                Value::Int(step) => Increment::Known(step),
                _ => return Err(Error::new(Kind::Other, "the increment of keys was not told")),
            };
            rest = others;
        }
        for (write, count) in std::mem::take(&mut self.running) {
            let (mine, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            let met: u64 = mine.iter().map(Rows::affected).sum();
            if rows(&write.query).is_some_and(|rows| rows != met) {
                return Err(Error::new(Kind::Other, "a statement met fewer rows than were locked for it"));
            }
            match self.dialect.returning() {
                true => self.absorb_rows(snapshot, &write, mine)?,
                false => self.absorb_keys(snapshot, &write, mine),
            }
        }
        Ok(())
    }

    /// New rows come in the order in which they were sent, others with their keys.
    fn absorb_rows(&mut self, snapshot: &Snapshot, write: &Write, answers: &[Rows]) -> Result<()> {
        if !write.answers {
            return Ok(());
        }
        let rows = answers.iter().flat_map(|rows| (0..rows.len()).map(move |n| rows.values(n)));
        let rows: Vec<Vec<Value>> = rows.collect();
        if !write.added.is_empty() && rows.len() != write.added.len() {
            return Err(Error::new(Kind::Other, "not every new row was answered"));
        }
        let mut added = write.added.iter();
        for values in rows {
            let id = match added.next() {
                Some(id) => id.clone(),
                None => RowId::existing(write.table, key(snapshot, write.table, &values)),
            };
            if let RowRef::New(row) = id.row {
                let columns = (0..).map(|column| Drawn { row, column });
                self.drawn.extend(columns.zip(values.iter().cloned()));
            }
            if self.wanted.contains(&id) {
                self.rows.insert(id, values);
            }
        }
        Ok(())
    }

    /// Without RETURNING only the first key that a statement drew is told.
    fn absorb_keys(&mut self, snapshot: &Snapshot, write: &Write, answers: &[Rows]) {
        let Some(column) = drawn_column(snapshot, write) else { return };
        let step = if let Increment::Known(step) = self.increment { step } else { 1 };
        let keys = answers.iter().flat_map(|rows| {
            let first = rows.last_insert_id().and_then(|id| i64::try_from(id).ok()).unwrap_or(0);
            (0..).map_while(move |n| first.checked_add(step.checked_mul(n)?)).take(rows.affected() as usize)
        });
        for (id, key) in write.added.iter().zip(keys) {
            if let RowRef::New(row) = id.row {
                self.drawn.insert(Drawn { row, column: column.0 }, Value::Int(key));
            }
        }
    }

    /// What has become of a row, when the last step is done. `None`: its key is not known.
    pub(super) fn fate(&self, snapshot: &Snapshot, id: &RowId) -> Option<Fate> {
        if let Some(values) = self.rows.get(id) {
            return Some(Fate::Written(values.clone()));
        }
        if self.removed.contains(id) {
            return Some(Fate::Gone);
        }
        match (&id.row, self.made.get(id)) {
            (RowRef::New(_), None) => Some(Fate::Gone),
            (RowRef::New(_), Some(image)) => {
                self.settled(snapshot, id, image).key(&snapshot.schema, id.table).map(Fate::Unread)
            }
            (RowRef::Existing(_) | RowRef::Created(_), _) => Some(Fate::Untouched),
        }
    }

    /// A row as it was made, with what was drawn for it and for those it refers to.
    pub(super) fn settled(&self, snapshot: &Snapshot, id: &RowId, image: &Image) -> Image {
        let key = &snapshot.schema[id.table].key;
        let mut settled = image.clone();
        for (column, value) in image.columns() {
            let drawn = match (value, &id.row) {
                (Some(Value::Drawn(drawn)), _) => self.drawn.get(drawn),
                (None, RowRef::New(row)) if key.contains(&column) => {
                    self.drawn.get(&Drawn { row: *row, column: column.0 })
                }
                _ => None,
            };
            drawn.into_iter().for_each(|value| settled.set(column, value.clone()));
        }
        settled
    }
}

/// How many rows a write must meet. What is to go may have gone with what it belonged to.
fn rows(query: &Query) -> Option<u64> {
    match query {
        Query::Insert(insert) => Some(insert.rows.len() as u64),
        Query::Update(update) => Some(update.rows.len() as u64),
        _ => None,
    }
}

/// The column of new rows for which the database draws a key.
fn drawn_column(snapshot: &Snapshot, write: &Write) -> Option<ColumnId> {
    let Query::Insert(insert) = &write.query else { return None };
    let table = &snapshot.schema[write.table];
    let drawn = |default: &ColumnDefault| {
        matches!(default, ColumnDefault::Generated | ColumnDefault::GeneratedAlways)
    };
    let given = |name: &str| insert.columns.iter().any(|column| column.name == name);
    table.columns().find(|(_, column)| drawn(&column.default) && !given(&column.db_name)).map(|(id, _)| id)
}

/// The key of a row in full width.
pub(super) fn key(snapshot: &Snapshot, table: TableId, values: &[Value]) -> Key {
    let value = |column: &ColumnId| values.get(column.0 as usize).cloned().unwrap_or(Value::Null);
    snapshot.schema[table].key.iter().map(value).collect()
}

fn increment() -> Statement {
    let expr = Expr::Verbatim("@@auto_increment_increment".into());
    let items = vec![Item { expr, ty: ValueType::Int(IntKind::I64) }];
    let mut statements = render(Dialect::Mysql, &Query::Select(Select { items, ..Select::default() }));
    statements.swap_remove(0)
}

/// The rows of a table, read again by their keys.
pub(super) fn read_again(snapshot: &Snapshot, table: TableId, keys: Vec<Key>) -> Vec<Statement> {
    let columns: Vec<ColumnId> = snapshot.schema[table].stored().map(|(id, _)| id).collect();
    let mut select = lookup::select(&snapshot.schema, table, &columns);
    select.filter = Some(lookup::key_is(&snapshot.schema[table], &snapshot.schema[table].key, keys));
    render(snapshot.schema.dialect, &Query::Select(select))
}

/// The query with what was drawn in the place of what was to be. `None`: something is still open.
fn settled(query: &Query, drawn: &HashMap<Drawn, Value>) -> Option<Query> {
    let mut query = query.clone();
    let whole = match &mut query {
        Query::Insert(insert) => insert.rows.iter_mut().flatten().all(|value| settle(value, drawn)),
        Query::Update(update) => {
            update.rows.iter_mut().flat_map(|(_, values)| values).all(|value| settle(value, drawn))
        }
        _ => true,
    };
    whole.then_some(query)
}

fn settle(value: &mut Value, drawn: &HashMap<Drawn, Value>) -> bool {
    let Value::Drawn(of) = value else { return true };
    match drawn.get(of) {
        Some(known) => {
            *value = known.clone();
            true
        }
        None => false,
    }
}
