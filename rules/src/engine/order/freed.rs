//! Removals that must come first, because a row that is written before them takes a unique value of theirs.

use std::collections::{BTreeSet, HashSet};

use dialects::Value;
use introspect::{ColumnId, TableId};

use crate::change::Change;
use crate::engine::Engine;

/// Puts such removals at the front, each with the removals below it: unless something else refers to them that is only moved away later.
/// Then the database refuses.
pub(super) fn first(engine: &Engine<'_>, changes: Vec<Change>) -> Vec<Change> {
    let taken = taken(engine, &changes);
    if taken.is_empty() {
        return changes;
    }
    let mut early: BTreeSet<usize> = BTreeSet::new();
    for (at, change) in changes.iter().enumerate() {
        if is_removal(change) && frees(engine, change, &taken) {
            early.extend(swept(engine, &changes, at).unwrap_or_default());
        }
    }
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for (at, change) in changes.into_iter().enumerate() {
        if early.contains(&at) { first.push(change) } else { rest.push(change) }
    }
    first.append(&mut rest);
    first
}

/// Values of a unique constraint of a table.
type Unique<'a> = (TableId, &'a [ColumnId], Vec<Value>);

/// The unique values that come into use. Without removals nobody asks.
fn taken<'a>(engine: &Engine<'a>, changes: &[Change]) -> HashSet<Unique<'a>> {
    let mut taken = HashSet::new();
    if !changes.iter().any(is_removal) {
        return taken;
    }
    for change in changes {
        for unique in &engine.schema[change.id.table].uniques {
            let values = change.after.as_ref().and_then(|image| image.values(&unique.columns));
            if change.columns.iter().any(|column| unique.columns.contains(column)) {
                taken.extend(values.map(|values| (change.id.table, unique.columns.as_slice(), values)));
            }
        }
    }
    taken
}

fn is_removal(change: &Change) -> bool {
    change.after.is_none()
}

fn frees(engine: &Engine<'_>, change: &Change, taken: &HashSet<Unique<'_>>) -> bool {
    engine.schema[change.id.table].uniques.iter().any(|unique| {
        let values = change.before.as_ref().and_then(|image| image.values(&unique.columns));
        values.is_some_and(|values| taken.contains(&(change.id.table, unique.columns.as_slice(), values)))
    })
}

/// A removal and those of the rows below it, by their places. `None`: a row that stays refers to one of them until it is changed.
fn swept(engine: &Engine<'_>, changes: &[Change], at: usize) -> Option<BTreeSet<usize>> {
    let (mut swept, mut open) = (BTreeSet::from([at]), vec![at]);
    while let Some(parent) = open.pop().and_then(|at| changes.get(at)) {
        for (at, change) in changes.iter().enumerate().filter(|(_, change)| refers(engine, change, parent)) {
            if !is_removal(change) {
                return None;
            }
            if swept.insert(at) {
                open.push(at);
            }
        }
    }
    Some(swept)
}

/// Whether the database holds a row that refers to another one.
fn refers(engine: &Engine<'_>, child: &Change, parent: &Change) -> bool {
    engine.schema[child.id.table].foreign_keys.iter().filter(|key| key.target == parent.id.table).any(|key| {
        let values = child.before.as_ref().and_then(|image| image.values(&key.columns));
        let named = parent.before.as_ref().and_then(|image| image.values(&key.target_columns));
        child.id != parent.id && values.is_some() && values == named
    })
}
