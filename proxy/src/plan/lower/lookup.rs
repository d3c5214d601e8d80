//! What the engine lacks → SELECTs, in the order in which locks are taken.
//!
//! Rows are locked table by table in the one order of the rules, each table's by key, with the advisory locks of its readers before
//! them; what is read without a lock, lists of children above all, comes after every lock of its wave. One statement a table and kind of lock,
//! whatever the number of rows.

use std::collections::BTreeMap;

use dialects::sql::{Advisory, Alias, Expr, Item, Lock, Order, Query, Select, TypedColumn};
use dialects::{Dialect, Value};
use introspect::schema::ColumnDefault;
use introspect::{ColumnId, Schema, Table, TableId};
use rules::engine::{ChildList, Finder, Hold, Lookup, ReadersLock, RowLock, RowLookup};
use xxhash_rust::xxh3::xxh3_64;

use crate::state::Snapshot;

/// One query and what its answer tells.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The query.
    pub query: Query,
    /// What it asks for.
    pub subject: Subject,
}

/// What a query asks for.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Rows, by what names them, and how each is held then.
    Rows {
        /// Their table.
        table: TableId,
        /// What is loaded of them.
        columns: Vec<ColumnId>,
        /// What names them.
        finders: Vec<(Finder, Hold)>,
    },
    /// The children of a row.
    Children {
        /// Which.
        list: ChildList,
        /// What is loaded of them.
        columns: Vec<ColumnId>,
    },
    /// A column's default.
    Default {
        /// The table.
        table: TableId,
        /// The column.
        column: ColumnId,
    },
    /// A lock: nothing.
    Lock,
}

/// Lowers one wave. Without `locking`, everything is read plainly.
pub fn lookups(snapshot: &Snapshot, lookups: &[Lookup], locking: bool) -> Vec<Fetch> {
    let mut by_table: BTreeMap<(u32, TableId), Vec<&RowLookup>> = BTreeMap::new();
    let mut others = Vec::new();
    for lookup in lookups {
        match lookup {
            Lookup::Row(row) => {
                let table = row.finder.table;
                by_table.entry((rank(snapshot, table), table)).or_default().push(row);
            }
            Lookup::Children { list, columns } => others.push(children(snapshot, list, columns)),
            Lookup::Default { table, column } => others.extend(default(snapshot, *table, *column)),
        }
    }
    let mut locks = Vec::new();
    let mut plain = Vec::new();
    for ((_, table), rows) in &by_table {
        let lowered = TableWave { snapshot, table: *table, locking }.lower(rows);
        locks.extend(lowered.locks);
        plain.extend(lowered.plain);
    }
    locks.into_iter().chain(plain).chain(others).collect()
}

/// The place of a table in the lock order.
pub fn rank(snapshot: &Snapshot, table: TableId) -> u32 {
    snapshot.rules.lock_rank.get(table.0 as usize).copied().unwrap_or(table.0)
}

/// The lock that a hold means for the row itself.
pub fn row_lock(dialect: Dialect, hold: Hold) -> Option<Lock> {
    match (dialect, hold.row, hold.readers) {
        (Dialect::Sqlite, _, _) => None,
        (_, RowLock::Remove, _) => Some(Lock::Update),
        (_, RowLock::Change, _) => Some(Lock::NoKeyUpdate),
        (Dialect::Mysql, RowLock::Referenced, _) => Some(Lock::Share),
        (Dialect::Mysql, RowLock::None, ReadersLock::Read) => Some(Lock::Share),
        (Dialect::Mysql, RowLock::None, ReadersLock::Write) => Some(Lock::NoKeyUpdate),
        (_, RowLock::None | RowLock::Referenced, _) => None,
    }
}

/// Whether a hold means waiting for others at all.
pub fn waits(dialect: Dialect, hold: Hold) -> bool {
    row_lock(dialect, hold).is_some() || (dialect == Dialect::Postgres && hold.readers != ReadersLock::None)
}

#[derive(Clone, Copy)]
struct TableWave<'a> {
    snapshot: &'a Snapshot,
    table: TableId,
    locking: bool,
}

#[derive(Default)]
struct Lowered {
    locks: Vec<Fetch>,
    plain: Vec<Fetch>,
}

impl TableWave<'_> {
    fn lower(self, rows: &[&RowLookup]) -> Lowered {
        let dialect = self.snapshot.schema.dialect;
        let mut lowered = Lowered::default();
        if !self.locking {
            lowered.plain.extend(self.selects(rows.iter().copied(), false));
            return lowered;
        }
        if dialect == Dialect::Postgres {
            lowered.locks.extend(self.advisories(rows));
        }
        let locked = |row: &&RowLookup| row_lock(dialect, row.hold).is_some();
        lowered.locks.extend(self.selects(rows.iter().copied().filter(locked), true));
        lowered.plain.extend(self.selects(rows.iter().copied().filter(|row| !locked(row)), false));
        lowered
    }

    /// One select for each way in which the rows are named.
    fn selects<'r>(self, rows: impl Iterator<Item = &'r RowLookup>, lock: bool) -> Vec<Fetch> {
        let mut groups: BTreeMap<Vec<ColumnId>, Vec<&RowLookup>> = BTreeMap::new();
        for row in rows {
            groups.entry(row.finder.columns.clone()).or_default().push(row);
        }
        groups.into_values().map(|rows| self.select(&rows, lock)).collect()
    }

    fn select(self, rows: &[&RowLookup], lock: bool) -> Fetch {
        let schema = &self.snapshot.schema;
        let mut columns: Vec<ColumnId> = rows.iter().flat_map(|row| row.columns.iter().copied()).collect();
        columns.sort();
        columns.dedup();
        let hold = rows.iter().fold(Hold::PLAIN, |hold, row| hold.join(row.hold));
        let mut select = select(schema, self.table, &columns);
        let named_by = rows.first().map_or(&[][..], |row| row.finder.columns.as_slice());
        let values = rows.iter().map(|row| row.finder.values.clone()).collect();
        select.filter = Some(key_is(&schema[self.table], named_by, values));
        if lock {
            select.lock = row_lock(schema.dialect, hold);
            select.order = by_key(&schema[self.table]);
        }
        let finders =
            rows.iter().map(|row| (row.finder.clone(), if lock { hold } else { row.hold })).collect();
        Fetch { query: Query::Select(select), subject: Subject::Rows { table: self.table, columns, finders } }
    }

    /// The readers' locks of a table, in the order of their numbers, exclusive and shared ones in turn.
    fn advisories(self, rows: &[&RowLookup]) -> Vec<Fetch> {
        let mut wanted: BTreeMap<i64, bool> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.hold.readers != ReadersLock::None) {
            let exclusive = wanted.entry(advisory_key(&self.snapshot.schema, &row.finder)).or_default();
            *exclusive |= row.hold.readers == ReadersLock::Write;
        }
        let mut advisories: Vec<Advisory> = Vec::new();
        for (key, exclusive) in wanted {
            match advisories.last_mut() {
                Some(last) if last.exclusive == exclusive => last.keys.push(key),
                _ => advisories.push(Advisory { keys: vec![key], exclusive }),
            }
        }
        let fetch = |advisory| Fetch { query: Query::Advisory(advisory), subject: Subject::Lock };
        advisories.into_iter().map(fetch).collect()
    }
}

/// The number of a row's advisory lock: product, table, and one of 256 buckets of its key.
fn advisory_key(schema: &Schema, finder: &Finder) -> i64 {
    let name = &schema[finder.table].db;
    let table =
        xxh3_64(format!("{}\0{}", name.schema.as_deref().unwrap_or(""), name.name).as_bytes()) & 0xff_ffff;
    let bucket = xxh3_64(format!("{:?}", finder.values).as_bytes()) & 0xff;
    // "RULE" in the upper half keeps clear of other users of advisory locks.
    (0x5255_4c45_i64 << 32) | ((table << 8 | bucket) as i64)
}

fn children(snapshot: &Snapshot, list: &ChildList, columns: &[ColumnId]) -> Fetch {
    let schema = &snapshot.schema;
    let mut select = select(schema, list.table, columns);
    select.filter = Some(key_is(&schema[list.table], &list.columns, vec![list.values.clone()]));
    select.limit = list.limit.map(|limit| limit as u64);
    select.order = by_key(&schema[list.table]);
    let subject = Subject::Children { list: list.clone(), columns: columns.to_vec() };
    Fetch { query: Query::Select(select), subject }
}

fn default(snapshot: &Snapshot, table: TableId, column: ColumnId) -> Option<Fetch> {
    let of = &snapshot.schema[table][column];
    let ColumnDefault::Expression(text) = &of.default else { return None };
    let item = Item { expr: Expr::Verbatim(text.clone()), ty: of.ty };
    let select = Select { items: vec![item], ..Select::default() };
    Some(Fetch { query: Query::Select(select), subject: Subject::Default { table, column } })
}

/// Some columns of a table.
pub fn select(schema: &Schema, table: TableId, columns: &[ColumnId]) -> Select {
    let table = &schema[table];
    Select { items: items(table, columns), from: Some((table.db.clone(), Alias(0))), ..Select::default() }
}

/// Columns of the first table as what is read.
pub fn items(table: &Table, columns: &[ColumnId]) -> Vec<Item> {
    columns.iter().map(|c| Item { expr: column(table, *c), ty: table[*c].ty }).collect()
}

/// The rows whose columns have one of these lists of values.
pub fn key_is(table: &Table, columns: &[ColumnId], mut values: Vec<Vec<Value>>) -> Expr {
    match (columns, values.as_mut_slice()) {
        (_, [one]) => {
            let pairs = columns.iter().zip(std::mem::take(one));
            let equal = pairs.map(|(c, value)| {
                Expr::eq(column(table, *c), Expr::Param(value, Some(table[*c].sql_type.clone())))
            });
            Expr::And(equal.collect())
        }
        ([single], _) => {
            let flat = values.into_iter().flatten().collect();
            Expr::In(Box::new(column(table, *single)), flat, table[*single].sql_type.clone())
        }
        _ => {
            let types = columns.iter().map(|c| table[*c].sql_type.clone()).collect();
            Expr::KeyIn(columns.iter().map(|c| column(table, *c)).collect(), types, values)
        }
    }
}

/// A column and its type, for writes.
pub fn typed(table: &Table, columns: &[ColumnId]) -> Vec<TypedColumn> {
    let typed =
        |c: &ColumnId| TypedColumn { name: table[*c].db_name.clone(), ty: table[*c].sql_type.clone() };
    columns.iter().map(typed).collect()
}

fn column(table: &Table, id: ColumnId) -> Expr {
    Expr::column(Alias(0), table[id].db_name.clone())
}

fn by_key(table: &Table) -> Vec<Order> {
    table.key.iter().map(|c| Order { expr: column(table, *c), descending: false, nullable: false }).collect()
}
