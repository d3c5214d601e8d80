//! What is known of the database in one transaction: rows, how they are locked, who the children of a row are.
//!
//! The caller adds what it fetched; the engine only reads. Knowledge from plain reads serves to find out which rows a change
//! reaches; only what was read under locks counts in the end.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use dialects::Value;
use introspect::{ColumnId, RelationshipId, Schema, TableId};

use crate::change::{Image, Key};

/// How firmly a row is held. Ordered part by part: see [`Hold::covers`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hold {
    /// The lock on the row itself.
    pub row: RowLock,
    /// The lock on its being read by rules of other rows.
    pub readers: ReadersLock,
}

/// Locks on a row, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowLock {
    /// None: a plain read.
    #[default]
    None,
    /// It must not vanish, because a foreign key will point at it. Where the database takes care of that without
    /// harm to the lock order (all but MySQL), a plain read.
    Referenced,
    /// It is changed, but not its keys.
    Change,
    /// It is removed, or a unique value of it changes.
    Remove,
}

/// Locks between rules that read a row and writers that change what they read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadersLock {
    /// None.
    #[default]
    None,
    /// A rule of another row reads it, or a foreign key names it that the model file alone declares.
    Read,
    /// A column that such rules read changes, or it is removed.
    Write,
}

/// What names one row: columns that are unique together, and their values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finder {
    /// The table.
    pub table: TableId,
    /// The columns: its key, or what a foreign key refers to.
    pub columns: Vec<ColumnId>,
    /// Their values.
    pub values: Vec<Value>,
}

/// All rows whose foreign key has these values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildList {
    /// The children's table.
    pub table: TableId,
    /// The foreign key's columns.
    pub columns: Vec<ColumnId>,
    /// Their values.
    pub values: Vec<Value>,
}

/// The aggregate of a row over those of its children that this transaction leaves alone: the least or greatest value among them (null:
/// none), whether there is one, what they add up to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extreme {
    /// The table of the row.
    pub table: TableId,
    /// Which aggregate.
    pub of: Of,
    /// The row.
    pub key: Key,
    /// The children that do not count.
    pub except: Vec<Key>,
}

/// An aggregate over the children of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Of {
    /// The one that a rule keeps in this column.
    Rule(ColumnId),
    /// Whether there is any row of the table that refers to it by this relationship.
    Referrers(TableId, RelationshipId),
}

/// A column for which the database's default is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefaultOf {
    /// The table.
    pub table: TableId,
    /// The column.
    pub column: ColumnId,
    /// The number of the new row, where each must have a value of its own; else 0.
    pub row: u32,
}

/// A row as known.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its values.
    pub image: Image,
    /// How firmly it is held.
    pub hold: Hold,
}

/// What is known of the database.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    rows: HashMap<(TableId, Key), Known>,
    /// Where a finder leads; `None`: to no row.
    found: HashMap<Finder, Option<Key>>,
    /// Finders that led to no row before the locks were taken.
    unsure: HashSet<Finder>,
    lists: HashMap<ChildList, Listed>,
    /// The answer, and whether it was made since the locks were taken.
    extremes: HashMap<Extreme, (Value, bool)>,
    defaults: HashMap<DefaultOf, Value>,
}

#[derive(Clone, Debug)]
struct Listed {
    keys: Vec<Key>,
    /// Made since the locks were taken.
    fresh: bool,
}

impl Hold {
    /// A plain read.
    pub const PLAIN: Self = Self { row: RowLock::None, readers: ReadersLock::None };
    /// Everything at once: what SQLite's single writer has from the start.
    pub const ALL: Self = Self { row: RowLock::Remove, readers: ReadersLock::Write };

    /// A lock on the row alone.
    pub fn row(row: RowLock) -> Self {
        Self { row, readers: ReadersLock::None }
    }

    /// Whether it is at least as firm in both parts. A row that is locked for change needs no lock as a reader's: its
    /// writers wait for it anyway.
    pub fn covers(self, other: Self) -> bool {
        let readers = match other.readers {
            ReadersLock::Read => self.readers >= ReadersLock::Read || self.row >= RowLock::Change,
            readers => self.readers >= readers,
        };
        self.row >= other.row && readers
    }

    /// The weakest that covers both.
    pub fn join(self, other: Self) -> Self {
        Self { row: self.row.max(other.row), readers: self.readers.max(other.readers) }
    }

    /// Whether anything is locked at all.
    pub fn locks(self) -> bool {
        self != Self::PLAIN
    }

    /// Nothing, a row that may be read plainly (see [`RowLock::Referenced`]), a lock.
    fn firmness(self) -> u8 {
        match (self.row, self.readers) {
            (RowLock::None, ReadersLock::None) => 0,
            (RowLock::Referenced, ReadersLock::None) => 1,
            _ => 2,
        }
    }
}

impl Finder {
    /// A row by its key.
    pub fn by_key(schema: &Schema, table: TableId, key: Key) -> Self {
        Self { table, columns: schema[table].key.clone(), values: key }
    }

    /// Whether it names a row by what the database is still to draw: no row that the database holds.
    pub fn is_drawn(&self) -> bool {
        self.values.iter().any(|value| matches!(value, Value::Drawn(_)))
    }
}

impl Rows {
    /// Adds a row, or what is newly known of it. A row read under a firmer hold, or with columns that were missing, replaces
    /// the one before.
    pub fn add(&mut self, schema: &Schema, finder: Option<Finder>, table: TableId, image: Image, hold: Hold) {
        let Some(key) = image.key(schema, table) else { return };
        if let Some(finder) = finder {
            self.found.insert(finder, Some(key.clone()));
        }
        self.found.insert(Finder::by_key(schema, table, key.clone()), Some(key.clone()));
        match self.rows.get_mut(&(table, key.clone())) {
            Some(known) => known.replace(image, hold),
            None => {
                self.rows.insert((table, key), Known { image, hold });
            }
        }
    }

    /// Notes that a finder leads to no row. The row it led to before is forgotten.
    pub fn add_absent(&mut self, finder: Finder) {
        self.unsure.remove(&finder);
        if let Some(Some(key)) = self.found.insert(finder.clone(), None) {
            self.rows.remove(&(finder.table, key));
        }
    }

    /// Notes the children of a row. Their images are added apart.
    pub fn add_list(&mut self, list: ChildList, keys: Vec<Key>, fresh: bool) {
        self.lists.insert(list, Listed { keys, fresh });
    }

    /// Notes the aggregate over the children that are left alone.
    pub fn add_extreme(&mut self, extreme: Extreme, value: Value, fresh: bool) {
        self.extremes.insert(extreme, (value, fresh));
    }

    /// Notes what the database's default of a column comes to.
    pub fn add_default(&mut self, of: DefaultOf, value: Value) {
        self.defaults.insert(of, value);
    }

    /// Forgets every lock, keeping what was seen: a transaction starts again. What was not there may be by now: nothing held it
    /// off.
    pub fn unlock(&mut self) {
        self.unsure = self.found.iter().filter(|(_, key)| key.is_none()).map(|(f, _)| f.clone()).collect();
        self.rows.values_mut().for_each(|known| known.hold = Hold::PLAIN);
        self.lists.values_mut().for_each(|list| list.fresh = false);
        self.extremes.values_mut().for_each(|(_, fresh)| *fresh = false);
    }

    /// The row a finder leads to: unknown, known to be absent, or known.
    pub fn find(&self, finder: &Finder) -> Option<Option<(&Key, &Known)>> {
        match self.found.get(finder)? {
            None => Some(None),
            Some(key) => self.rows.get(&(finder.table, key.clone())).map(|known| Some((key, known))),
        }
    }

    /// Whether a finder that led to no row was asked since the locks were taken.
    pub fn is_still_absent(&self, finder: &Finder) -> bool {
        !self.unsure.contains(finder)
    }

    /// A row by its key.
    pub fn row(&self, table: TableId, key: &Key) -> Option<&Known> {
        self.rows.get(&(table, key.clone()))
    }

    /// The keys of the children, and whether the list was made since the locks were taken.
    pub fn list(&self, list: &ChildList) -> Option<(&[Key], bool)> {
        self.lists.get(list).map(|listed| (listed.keys.as_slice(), listed.fresh))
    }

    /// The aggregate over the children that are left alone, and whether it was made since the locks were taken.
    pub fn extreme(&self, extreme: &Extreme) -> Option<(&Value, bool)> {
        self.extremes.get(extreme).map(|(value, fresh)| (value, *fresh))
    }

    /// A database default, where known.
    pub fn default_of(&self, of: DefaultOf) -> Option<&Value> {
        self.defaults.get(&of)
    }
}

impl Known {
    /// What is read more firmly counts alone: a weaker read of the same wave may have been made before the lock. Reads that are as
    /// firm as each other add to each other.
    fn replace(&mut self, image: Image, hold: Hold) {
        match hold.firmness().cmp(&self.hold.firmness()) {
            Ordering::Less => {}
            Ordering::Greater => self.image = image,
            Ordering::Equal if hold.covers(self.hold) => {
                let old = std::mem::replace(&mut self.image, image);
                self.fill(&old);
            }
            Ordering::Equal => self.fill(&image),
        }
        self.hold = self.hold.join(hold);
    }

    fn fill(&mut self, other: &Image) {
        for (column, value) in other.columns() {
            if let (None, Some(value)) = (self.image.value(column), value) {
                self.image.set(column, value.clone());
            }
        }
    }
}
