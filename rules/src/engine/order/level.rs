//! How deep a new row stands below other new rows that must be written before it, where the order of the tables does not tell.

use std::collections::{BTreeMap, HashMap, HashSet};

use dialects::Value;
use introspect::{ColumnId, TableId};

use crate::change::{Change, RowId};
use crate::engine::Engine;

/// What names a row: a table, columns of it and their values.
type Name<'a> = (TableId, &'a [ColumnId], Vec<Value>);

/// The new rows that stand behind others of their own table, or of one that comes later in the order of the tables.
pub(super) fn of_new_rows(engine: &Engine<'_>, changes: &[Change]) -> HashMap<RowId, u32> {
    let new: Vec<&Change> = changes.iter().filter(|change| change.before.is_none()).collect();
    if new.len() < 2 {
        return HashMap::new();
    }
    let mut levels =
        Levels { engine, above: above(engine, &new), known: HashMap::new(), open: HashSet::new() };
    for change in &new {
        levels.level(&change.id);
    }
    levels.known
}

/// The new rows that each new row refers to.
fn above(engine: &Engine<'_>, new: &[&Change]) -> BTreeMap<RowId, Vec<RowId>> {
    let keys = |table: TableId| engine.schema[table].foreign_keys.iter();
    let mut named: HashMap<Name<'_>, RowId> = HashMap::new();
    for key in new.iter().flat_map(|change| keys(change.id.table)) {
        for change in new.iter().filter(|change| change.id.table == key.target) {
            if let Some(values) = values(change, &key.target_columns) {
                named.insert((key.target, &key.target_columns, values), change.id.clone());
            }
        }
    }
    let parents = |change: &&Change| {
        let of_key = keys(change.id.table).filter_map(|key| {
            let name = (key.target, key.target_columns.as_slice(), values(change, &key.columns)?);
            named.get(&name).cloned()
        });
        (change.id.clone(), of_key.collect())
    };
    new.iter().map(parents).collect()
}

fn values(change: &Change, columns: &[ColumnId]) -> Option<Vec<Value>> {
    change.after.as_ref()?.values(columns)
}

struct Levels<'a> {
    engine: &'a Engine<'a>,
    above: BTreeMap<RowId, Vec<RowId>>,
    known: HashMap<RowId, u32>,
    /// Being worked out: a row that refers to itself, or rows that refer to each other, have no order.
    open: HashSet<RowId>,
}

impl Levels<'_> {
    fn level(&mut self, id: &RowId) -> u32 {
        if let Some(level) = self.known.get(id) {
            return *level;
        }
        if !self.open.insert(id.clone()) {
            return 0;
        }
        let rank = |id: &RowId| self.engine.facts.parents_first(id.table);
        let own = rank(id);
        let above: Vec<(RowId, u32)> = self
            .above
            .get(id)
            .into_iter()
            .flatten()
            .filter(|other| *other != id)
            .map(|other| (other.clone(), u32::from(rank(other) >= own)))
            .collect();
        let level = above.iter().map(|(other, behind)| self.level(other) + behind).max().unwrap_or(0);
        self.open.remove(id);
        self.known.insert(id.clone(), level);
        level
    }
}
