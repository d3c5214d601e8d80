//! The schema: what tables there are, what they hold and how they relate. Immutable; ids index into it.

use std::collections::HashMap;
use std::ops::Index;

use dialects::sql::{SqlType, TableName};
use dialects::{Dialect, ValueType};

/// A table's place in its [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

/// A column's place in its [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u32);

/// A relationship's place in its [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationshipId(pub u32);

/// Everything known about a database.
#[derive(Clone, Debug)]
pub struct Schema {
    /// What it speaks.
    pub dialect: Dialect,
    /// Its tables and views, in the order of their API names.
    pub tables: Vec<Table>,
    by_name: HashMap<String, TableId>,
}

/// A table or view.
#[derive(Clone, Debug)]
pub struct Table {
    /// The resource type it is served as.
    pub name: String,
    /// Its name in the database.
    pub db: TableName,
    /// A view (never written).
    pub view: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Its columns, in the database's order.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in key order; empty: it has none and is no resource.
    pub key: Vec<ColumnId>,
    /// SQLite's implicit `rowid` is the key: the last column, named `rowid`, which the catalogue does not list.
    pub rowid_key: bool,
    /// Unique constraints and indexes (without the key; partial and expression indexes are left out).
    pub uniques: Vec<Unique>,
    /// The columns of its indexes, each up to the first that is no whole column; partial ones are left out.
    pub indexes: Vec<Vec<ColumnId>>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Relationships seen from this table, to-one first, then to-many, each in the order of their names.
    pub relationships: Vec<Relationship>,
    /// It has row triggers, and nobody has said that they do not matter.
    pub triggers: bool,
    /// It has row triggers, and the model file says that they do not touch what rules read.
    pub triggers_trusted: bool,
    /// It is a pure join table: its key is two foreign keys and it has nothing else.
    pub join_table: bool,
    /// Kept from the API by the model file; rules may still read it.
    pub hidden: bool,
    /// Kept from the actor: nothing about it is granted. It is hidden, too, but whoever names it is told that it is forbidden.
    pub denied: bool,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The attribute it is served as.
    pub name: String,
    /// Its name in the database.
    pub db_name: String,
    /// What it holds.
    pub ty: ValueType,
    /// Its type in the database's words, for casts.
    pub sql_type: SqlType,
    /// The words of an enum, in their order; empty for other types.
    pub enum_values: Vec<String>,
    /// Texts of other letters may be equal to its own: its collation is not deterministic. (Known of PostgreSQL alone.)
    pub loose: bool,
    /// Whether it can be null.
    pub nullable: bool,
    /// Where its value comes from when nobody gives one.
    pub default: ColumnDefault,
    /// The database sets it anew whenever its row changes, unless the change says otherwise (MySQL: `on update current_timestamp`).
    pub renewed: bool,
    /// Computed by the database from other columns (`generated always as`), never written; the expression's text where known.
    pub generated: Option<String>,
    /// No column of the database at all: an expression that it computes when the row is read. Such columns stand after all others.
    pub is_virtual: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Kept from the API by the model file; rules may still read it.
    pub hidden: bool,
    /// What people call it, where the model file says so.
    pub label: Option<String>,
    /// Whether `filter[search]` looks here, where the model file says so.
    pub searchable: Option<bool>,
}

/// What the database puts where nothing is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnDefault {
    /// Nothing: null.
    None,
    /// A key drawn by the database: serial, identity by default, AUTO_INCREMENT, SQLite's INTEGER PRIMARY KEY.
    Generated,
    /// Likewise, and the database refuses any other (`generated always as identity`).
    GeneratedAlways,
    /// An expression in the database's own SQL.
    Expression(String),
}

impl Column {
    /// How many digits of a second a time or a timestamp keeps; `None`: as many as it is given (SQLite).
    pub fn second_digits(&self, dialect: Dialect) -> Option<u32> {
        let declared = || self.sql_type.text.split_once('(')?.1.split_once(')')?.0.trim().parse().ok();
        match dialect {
            Dialect::Postgres => Some(declared().unwrap_or(6)),
            Dialect::Mysql => Some(declared().unwrap_or(0)),
            Dialect::Sqlite => None,
        }
    }
}

impl ColumnDefault {
    /// Whether it is computed from other columns of its row. Only MySQL knows such defaults, and writes their names in backquotes.
    pub fn reads_columns(&self) -> bool {
        let Self::Expression(text) = self else { return false };
        let mut quoted = false;
        text.chars().any(|c| {
            quoted ^= c == '\'';
            c == '`' && !quoted
        })
    }
}

/// A unique constraint or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<ColumnId>,
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// The constraint's name; SQLite has none: made from its columns.
    pub name: String,
    /// Its columns in this table.
    pub columns: Vec<ColumnId>,
    /// The table referred to.
    pub target: TableId,
    /// The columns referred to, pairwise.
    pub target_columns: Vec<ColumnId>,
    /// What the database does to this row when the row referred to is deleted.
    pub on_delete: Action,
    /// What it does when the key referred to changes.
    pub on_update: Action,
    /// Declared in the database, not by the model file alone: the database enforces it.
    pub enforced: bool,
    /// Checked at COMMIT (`initially deferred`).
    pub deferred: bool,
    /// Those of its columns that `set null` and `set default` leave alone (PostgreSQL: `on delete set null (other)`).
    pub kept_on_delete: Vec<ColumnId>,
}

impl ForeignKey {
    /// The columns that `set null` and `set default` set.
    pub fn set_on_delete(&self) -> impl Iterator<Item = ColumnId> {
        self.columns.iter().copied().filter(|column| !self.kept_on_delete.contains(column))
    }
}

/// Foreign key actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

/// One direction of a foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    /// Its name, a member of `relationships` in a resource.
    pub name: String,
    /// Which way it goes.
    pub kind: RelationshipKind,
    /// The table at the other end.
    pub target: TableId,
    /// This table's columns.
    pub columns: Vec<ColumnId>,
    /// The other table's columns, pairwise.
    pub target_columns: Vec<ColumnId>,
    /// The same foreign key seen from the other end.
    pub inverse: RelationshipId,
    /// Kept from the actor.
    pub hidden: bool,
}

/// The directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationshipKind {
    /// This row holds the foreign key (its index in [`Table::foreign_keys`]).
    ToOne {
        /// Index in this table's foreign keys.
        foreign_key: usize,
    },
    /// The other rows hold it (its index in the other table's foreign keys).
    ToMany {
        /// Index in the other table's foreign keys.
        foreign_key: usize,
    },
    /// Through a pure join table.
    ManyToMany {
        /// The join table.
        through: TableId,
        /// The join table's to-one to this table.
        near: RelationshipId,
        /// The join table's to-one to the far table.
        far: RelationshipId,
    },
}

impl Schema {
    /// A schema from its tables (in the order of their names; ids are positions).
    pub fn new(dialect: Dialect, tables: Vec<Table>) -> Self {
        let by_name = (0..).zip(&tables).map(|(n, table)| (table.name.clone(), TableId(n))).collect();
        Self { dialect, tables, by_name }
    }

    /// The table served under a name.
    pub fn find(&self, name: &str) -> Option<TableId> {
        self.by_name.get(name).copied()
    }

    /// The tables and views that are no resource, because they have no key.
    pub fn keyless(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|table| !table.is_resource())
    }

    /// All tables with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (TableId, &Table)> {
        (0..).map(TableId).zip(&self.tables)
    }
}

impl Index<TableId> for Schema {
    type Output = Table;

    /// INVARIANT: a `TableId` is made from a position in this schema's tables.
    #[allow(clippy::expect_used, reason = "an id of another schema is a bug, not an input")]
    fn index(&self, id: TableId) -> &Table {
        self.tables.get(id.0 as usize).expect("a table of this schema")
    }
}

impl Table {
    /// The column served under a name.
    pub fn column(&self, name: &str) -> Option<ColumnId> {
        self.columns.iter().position(|c| c.name == name).map(column_id)
    }

    /// The relationship of a name.
    pub fn relationship(&self, name: &str) -> Option<RelationshipId> {
        self.relationships.iter().position(|r| r.name == name).map(|n| RelationshipId(n as u32))
    }

    /// The columns that the database keeps, with their ids.
    pub fn stored(&self) -> impl Iterator<Item = (ColumnId, &Column)> {
        self.columns().filter(|(_, column)| !column.is_virtual)
    }

    /// Whether some of its columns are computed when they are read.
    pub fn has_virtual(&self) -> bool {
        self.columns.last().is_some_and(|column| column.is_virtual)
    }

    /// All columns with their ids.
    pub fn columns(&self) -> impl Iterator<Item = (ColumnId, &Column)> {
        (0..).map(ColumnId).zip(&self.columns)
    }

    /// All relationships with their ids.
    pub fn relationships(&self) -> impl Iterator<Item = (RelationshipId, &Relationship)> {
        (0..).map(RelationshipId).zip(&self.relationships)
    }

    /// The columns of a foreign key that become null where its row is to lead nowhere: none of the key, and none that another foreign key
    /// has too, if others are left. Empty: it cannot.
    pub fn released(&self, columns: &[ColumnId]) -> Vec<ColumnId> {
        let free = |c: &ColumnId| self[*c].nullable && !self.key.contains(c);
        let alone = |c: &ColumnId| self.foreign_keys.iter().filter(|key| key.columns.contains(c)).count() < 2;
        let (own, shared): (Vec<ColumnId>, Vec<ColumnId>) =
            columns.iter().copied().filter(free).partition(alone);
        if own.is_empty() { shared } else { own }
    }

    /// Whether it is served: it has a key.
    pub fn is_resource(&self) -> bool {
        !self.key.is_empty()
    }

    /// Whether rows with certain values of these columns are found without reading the whole table.
    pub fn indexed(&self, columns: &[ColumnId]) -> bool {
        let uniques = self.uniques.iter().map(|unique| &unique.columns);
        let mut indexes = uniques.chain(&self.indexes).chain([&self.key]);
        indexes.any(|index| {
            index.get(..columns.len()).is_some_and(|first| columns.iter().all(|c| first.contains(c)))
        })
    }

    /// Whether the database sees to it that a to-one relationship leads to a row, and not the model file alone.
    pub fn enforces(&self, relationship: &Relationship) -> bool {
        let RelationshipKind::ToOne { foreign_key } = relationship.kind else { return false };
        self.foreign_keys.get(foreign_key).is_some_and(|key| key.enforced)
    }

    /// Whether a column is part of a foreign key that is shown as a relationship. (A foreign key to a table without a key, which
    /// is no resource, has no relationship.)
    pub fn in_foreign_key(&self, column: ColumnId) -> bool {
        self.relationships.iter().any(|r| r.to_one() && r.columns.contains(&column))
    }
}

fn column_id(position: usize) -> ColumnId {
    ColumnId(position as u32)
}

impl Index<ColumnId> for Table {
    type Output = Column;

    /// INVARIANT: a `ColumnId` is made from a position in this table's columns.
    #[allow(clippy::expect_used, reason = "an id of another table is a bug, not an input")]
    fn index(&self, id: ColumnId) -> &Column {
        self.columns.get(id.0 as usize).expect("a column of this table")
    }
}

impl Index<RelationshipId> for Table {
    type Output = Relationship;

    /// INVARIANT: a `RelationshipId` is made from a position in this table's relationships.
    #[allow(clippy::expect_used, reason = "an id of another table is a bug, not an input")]
    fn index(&self, id: RelationshipId) -> &Relationship {
        self.relationships.get(id.0 as usize).expect("a relationship of this table")
    }
}

impl Relationship {
    /// Whether it leads to at most one row.
    pub fn to_one(&self) -> bool {
        matches!(self.kind, RelationshipKind::ToOne { .. })
    }
}
