//! What the engine lacks → SELECTs, in the order in which locks are taken.
//!
//! Rows are locked table by table in the one order of the rules, each table's by key, with the advisory locks of its readers before
//! them; what is read without a lock, children above all, comes after every lock of its wave. One statement a table and kind of lock,
//! whatever the number of rows.

use std::collections::{BTreeMap, BTreeSet};

use dialects::sql::{Advisory, Alias, Expr, Item, Lock, Order, Query, Select, TypedColumn};
use dialects::{Dialect, Value, ValueType};
use introspect::schema::ColumnDefault;
use introspect::{Column, ColumnId, Schema, Table, TableId};
use rules::change::Key;
use rules::engine::{
    ChildList, DefaultOf, Extreme, Finder, Hold, Lookup, Of, PathLookup, ReadersLock, RowLock, RowLookup,
};
use xxhash_rust::xxh3::xxh3_64;

use super::extreme;
use super::scope::Scope;
use crate::plan::restrict::Who;
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
        /// How rows are held that come without having been named by their key, if such were asked for.
        by_path: Option<Hold>,
    },
    /// The children of rows by one foreign key; one more than may be touched is told, no further ones.
    Children {
        /// Whose.
        lists: Vec<ChildList>,
        /// What is loaded of them.
        columns: Vec<ColumnId>,
    },
    /// Aggregates over children that are left alone: for each row of the answer its key, then each aggregate.
    Extremes {
        /// What is asked for.
        asked: Vec<Extreme>,
        /// The aggregates.
        of: Vec<Of>,
    },
    /// Defaults of columns, a cell each.
    Defaults(Vec<DefaultOf>),
    /// A lock: nothing.
    Lock,
}

/// A table of children, the columns of their foreign key, and what is loaded of them.
type Below<'a> = (TableId, &'a [ColumnId], &'a [ColumnId]);

/// The rows whose children are wanted.
type Lists<'a> = BTreeMap<Below<'a>, Vec<&'a ChildList>>;

/// Lowers one wave. Without `locking`, everything is read plainly. `paths` adds rows that are named by the way to them.
pub fn lookups(snapshot: &Snapshot, lookups: &[Lookup], paths: &[PathLookup], locking: bool) -> Vec<Fetch> {
    let mut by_table: BTreeMap<(u32, TableId), Named<'_>> = BTreeMap::new();
    let mut lists = Lists::new();
    let mut extremes: BTreeMap<TableId, Vec<&Extreme>> = BTreeMap::new();
    let mut defaults = Vec::new();
    for lookup in lookups {
        match lookup {
            Lookup::Row(row) => {
                let table = row.finder.table;
                by_table.entry((rank(snapshot, table), table)).or_default().rows.push(row);
            }
            Lookup::Children { list, columns } => {
                lists.entry((list.table, &list.columns, columns)).or_default().push(list);
            }
            Lookup::Extreme(one) => extremes.entry(one.table).or_default().push(one),
            Lookup::Default(of) => defaults.push(*of),
        }
    }
    let mut others: Vec<Fetch> =
        lists.into_iter().map(|(below, lists)| children(snapshot, below, &lists)).collect();
    others
        .extend(extremes.into_iter().filter_map(|(table, asked)| extreme::extremes(snapshot, table, &asked)));
    others.extend(self::defaults(snapshot, &defaults));
    // A reader's lock has the row's key in its number: such a row waits until its key is known.
    for path in paths.iter().filter(|path| path.hold.readers == ReadersLock::None) {
        by_table.entry((rank(snapshot, path.table), path.table)).or_default().paths.push(path);
    }
    let mut locks = Vec::new();
    let mut plain = Vec::new();
    for ((_, table), named) in &by_table {
        let lowered = TableWave { snapshot, table: *table, locking }.lower(named);
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

/// What is wanted of one table.
#[derive(Default)]
struct Named<'a> {
    rows: Vec<&'a RowLookup>,
    paths: Vec<&'a PathLookup>,
}

#[derive(Default)]
struct Lowered {
    locks: Vec<Fetch>,
    plain: Vec<Fetch>,
}

impl TableWave<'_> {
    fn lower(self, named: &Named<'_>) -> Lowered {
        let dialect = self.snapshot.schema.dialect;
        let mut lowered = Lowered::default();
        if !self.locking {
            lowered.plain.extend(self.selects(&named.rows, &named.paths, false));
            return lowered;
        }
        if dialect == Dialect::Postgres {
            lowered.locks.extend(self.advisories(&named.rows));
        }
        let (locked, plain): (Vec<&RowLookup>, Vec<&RowLookup>) =
            named.rows.iter().partition(|row| row_lock(dialect, row.hold).is_some());
        lowered.locks.extend(self.selects(&locked, &named.paths, true));
        lowered.plain.extend(self.selects(&plain, &[], false));
        lowered
    }

    /// One select for each way in which the rows are named; those named by a way go with those named by their key.
    fn selects(self, rows: &[&RowLookup], paths: &[&PathLookup], lock: bool) -> Vec<Fetch> {
        let key = &self.snapshot.schema[self.table].key;
        let mut groups: BTreeMap<&[ColumnId], Vec<&RowLookup>> = BTreeMap::new();
        for row in rows {
            groups.entry(&row.finder.columns).or_default().push(row);
        }
        if !paths.is_empty() {
            groups.entry(key).or_default();
        }
        let paths_of = |named_by: &[ColumnId]| if named_by == key.as_slice() { paths } else { &[] };
        groups
            .into_iter()
            .map(|(named_by, rows)| self.select(named_by, &rows, paths_of(named_by), lock))
            .collect()
    }

    fn select(self, named_by: &[ColumnId], rows: &[&RowLookup], paths: &[&PathLookup], lock: bool) -> Fetch {
        let schema = &self.snapshot.schema;
        let of_rows = rows.iter().map(|row| (&row.columns, row.hold));
        let wanted = of_rows.chain(paths.iter().map(|path| (&path.columns, path.hold)));
        let (columns, hold) =
            wanted.fold((BTreeSet::new(), Hold::PLAIN), |(mut columns, hold), (more, other)| {
                columns.extend(more.iter().copied());
                (columns, hold.join(other))
            });
        let columns: Vec<ColumnId> = columns.into_iter().collect();
        let mut select = select(schema, self.table, &columns);
        select.filter = Some(self.filter(named_by, rows, paths));
        if lock {
            select.lock = row_lock(schema.dialect, hold).map(|lock| self.whole(lock, named_by));
            select.order = by_key(&schema[self.table]);
        }
        // The row lock is the same for all; a reader's lock stands for each row apart.
        let row_hold = |own: Hold| if lock { Hold { row: hold.row, ..own } } else { own };
        let finders = rows.iter().map(|row| (row.finder.clone(), row_hold(row.hold))).collect();
        let by_path = (!paths.is_empty()).then_some(row_hold(Hold::PLAIN));
        Fetch {
            query: Query::Select(select),
            subject: Subject::Rows { table: self.table, columns, finders, by_path },
        }
    }

    /// The lock that holds the whole row. What MySQL locks for sharing is only what it reads: where that is all in the index that names the row, who
    /// changes or removes the row does not notice until he writes it.
    fn whole(self, lock: Lock, named_by: &[ColumnId]) -> Lock {
        let schema = &self.snapshot.schema;
        match schema.dialect == Dialect::Mysql && named_by != schema[self.table].key {
            true => Lock::Update,
            false => lock,
        }
    }

    fn filter(self, named_by: &[ColumnId], rows: &[&RowLookup], paths: &[&PathLookup]) -> Expr {
        let schema = &self.snapshot.schema;
        let table = &schema[self.table];
        let mut any: Vec<Expr> = Vec::new();
        if !rows.is_empty() {
            any.push(key_is(table, named_by, rows.iter().map(|row| row.finder.values.clone()).collect()));
        }
        for path in paths {
            if path.path.is_empty() {
                any.push(key_is(table, &path.from.columns, vec![path.from.values.clone()]));
            } else if let (Some(key), Some(foreign_key)) = (table.key.first(), foreign_key_at(schema, path)) {
                any.push(Expr::eq(column(table, *key), foreign_key));
            }
        }
        match any.len() {
            1 => any.pop().unwrap_or(Expr::Bool(false)),
            _ => Expr::Or(any),
        }
    }

    /// The readers' locks of a table, in the order of their numbers.
    fn advisories(self, rows: &[&RowLookup]) -> Option<Fetch> {
        let mut wanted: BTreeMap<i64, bool> = BTreeMap::new();
        let apart = told_apart(&self.snapshot.schema, self.table);
        for row in rows.iter().filter(|row| row.hold.readers != ReadersLock::None) {
            let exclusive =
                wanted.entry(advisory_key(&self.snapshot.schema, &row.finder, apart)).or_default();
            *exclusive |= row.hold.readers == ReadersLock::Write;
        }
        let fetch = |locks| Fetch { query: Query::Advisory(Advisory { locks }), subject: Subject::Lock };
        (!wanted.is_empty()).then(|| fetch(wanted.into_iter().collect()))
    }
}

/// The foreign key at the end of a way, as a sub-select: `(select customer_id from orders where id = (select order_id from items where id = $1))`.
fn foreign_key_at(schema: &Schema, path: &PathLookup) -> Option<Expr> {
    let mut table = path.from.table;
    let mut filter = key_is(&schema[table], &path.from.columns, vec![path.from.values.clone()]);
    let mut found = None;
    for relationship in &path.path {
        let relationship = &schema[table][*relationship];
        if let Some(key) = found.take() {
            let own = schema[table].key.first()?;
            filter = Expr::eq(column(&schema[table], *own), key);
        }
        let mut inner = select(schema, table, &relationship.columns);
        inner.filter = Some(filter.clone());
        found = Some(Expr::Scalar(Box::new(inner)));
        table = relationship.target;
    }
    found
}

/// Whether all who name a row of the table do so with the same values: by its key, in types and collations of which equal values are spelled alike.
/// Else its rows share one advisory lock, so that a reader and a writer of one row never take two different ones.
fn told_apart(schema: &Schema, target: TableId) -> bool {
    let key = &schema[target].key;
    let alike = |(own, of_key): (&Column, &Column)| match (own.ty, of_key.ty) {
        (ValueType::Int(_), ValueType::Int(_)) | (ValueType::Uuid, ValueType::Uuid) => true,
        (ValueType::Text { .. }, ValueType::Text { .. }) => !own.loose && !of_key.loose,
        _ => false,
    };
    schema.iter().all(|(_, table)| {
        let mut ways = table.relationships().filter(|(_, r)| r.to_one() && r.target == target);
        ways.all(|(_, r)| {
            let pairs =
                r.columns.iter().zip(key).map(|(own, of_key)| (&table[*own], &schema[target][*of_key]));
            r.target_columns == *key && pairs.into_iter().all(alike)
        })
    })
}

/// The number of a row's advisory lock: product, table, and one of 256 buckets of its key (without case and trailing spaces, which some
/// types of text ignore, whatever their collation).
fn advisory_key(schema: &Schema, finder: &Finder, apart: bool) -> i64 {
    let name = &schema[finder.table].db;
    let table =
        xxh3_64(format!("{}\0{}", name.schema.as_deref().unwrap_or(""), name.name).as_bytes()) & 0xff_ffff;
    let bucket = if apart { xxh3_64(spelling(&finder.values).as_bytes()) & 0xff } else { 0 };
    // "RULE" in the upper half keeps clear of other users of advisory locks.
    (0x5255_4c45_i64 << 32) | ((table << 8 | bucket) as i64)
}

fn spelling(values: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Text(text) => format!("{:?}", text.trim_end_matches(' ').to_lowercase()),
        value => format!("{value:?}"),
    };
    values.iter().map(one).collect::<Vec<_>>().join(",")
}

/// One statement for all whose foreign key is one of these, however many rows it leads to.
fn children(snapshot: &Snapshot, (table, by, columns): Below<'_>, lists: &[&ChildList]) -> Fetch {
    let schema = &snapshot.schema;
    let mut select = select(schema, table, columns);
    let values = lists.iter().map(|list| list.values.clone()).collect();
    select.filter = Some(key_is(&schema[table], by, values));
    select.limit = Some(snapshot.limits.transaction_rows.saturating_add(1) as u64);
    select.order = by_key(&schema[table]);
    let lists = lists.iter().copied().cloned().collect();
    let subject = Subject::Children { lists, columns: columns.to_vec() };
    Fetch { query: Query::Select(select), subject }
}

/// One statement for all.
fn defaults(snapshot: &Snapshot, wanted: &[DefaultOf]) -> Option<Fetch> {
    let item = |of: &DefaultOf| {
        let column = &snapshot.schema[of.table][of.column];
        let ColumnDefault::Expression(text) = &column.default else { return None };
        Some((Item { expr: Expr::Verbatim(text.clone()), ty: column.ty }, *of))
    };
    let (items, wanted): (Vec<Item>, Vec<DefaultOf>) = wanted.iter().filter_map(item).unzip();
    let select = Select { items, ..Select::default() };
    (!wanted.is_empty()).then_some(Fetch { query: Query::Select(select), subject: Subject::Defaults(wanted) })
}

/// Some columns of a table.
pub fn select(schema: &Schema, table: TableId, columns: &[ColumnId]) -> Select {
    let table = &schema[table];
    Select {
        items: items(table, columns),
        from: Some((table.db.clone().into(), Alias(0))),
        ..Select::default()
    }
}

/// What is no column of some rows, behind their keys: of those that whoever asks may read.
pub fn virtuals(snapshot: &Snapshot, who: &Who, table: TableId, keys: Vec<Key>) -> Select {
    let of = &snapshot.schema[table];
    let mut scope = Scope::of(snapshot, who, table);
    let virtuals = of.columns().filter(|(_, column)| column.is_virtual).map(|(id, _)| id);
    let items = of.key.iter().copied().chain(virtuals).map(|column| scope.item(column)).collect();
    let seen = scope.seen(vec![key_is(of, &of.key, keys)], None);
    Select { items, ..scope.into_select(seen) }
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
