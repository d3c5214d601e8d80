//! Upwards, before anything is known: which rows a change will adjust, named by the way to them.
//!
//! A database that runs several statements in one flush can lock `items 7`, `its order` and `its order's customer` at once. The way to
//! a row is only a guess at what the attempt will need: whatever it names, the attempt decides.

use std::collections::{BTreeMap, BTreeSet};

use introspect::{ColumnId, RelationshipId, TableId};

use super::{Engine, Finder, Hold, ReadersLock, RowLock};
use crate::change::{Action, Image, Operation, Request};
use crate::expr::Expr;
use crate::rule::{Aggregate, DerivationKind};

/// Most relationships between a row that the request names and one that it adjusts.
const HOPS_MAX: usize = 8;

/// A row named by the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathLookup {
    /// Where the way starts.
    pub from: Finder,
    /// The to-one relationships to follow; none: the row where it starts, which an update will point at.
    pub path: Vec<RelationshipId>,
    /// The table at its end.
    pub table: TableId,
    /// What to load of the row.
    pub columns: Vec<ColumnId>,
    /// How firmly it is to be held.
    pub hold: Hold,
}

/// A row and the columns of it that may move.
struct Moved {
    from: Finder,
    path: Vec<RelationshipId>,
    table: TableId,
    columns: BTreeSet<ColumnId>,
}

/// The rows above those that the request names, as far as aggregates lead.
pub(super) fn reach(engine: &Engine<'_>, request: &Request) -> Vec<PathLookup> {
    let mut lookups = Vec::new();
    // A statement that follows a hundred ways is no longer one that is planned once: of several operations each wave finds the next.
    if request.operations.len() > 1 {
        return lookups;
    }
    for operation in &request.operations {
        for root in roots(engine, operation) {
            // The attempt asks for the row of the request itself, and for all rows that a new one names.
            if operation
                .id
                .key()
                .is_some_and(|key| *key != root.from.values || operation.id.table != root.table)
            {
                lookups.push(lookup(engine, &root.from, &[], root.table, &root.columns));
            }
            climb(engine, root, &mut lookups);
        }
    }
    lookups
}

/// The rows whose keys the request tells: the one it changes or removes, and those that its foreign keys will point at.
fn roots(engine: &Engine<'_>, operation: &Operation) -> Vec<Moved> {
    let table = operation.id.table;
    if matches!(operation.action, Action::Relate(_)) {
        return Vec::new();
    }
    let (Action::Insert(values) | Action::Update(values)) = &operation.action else {
        let columns = engine.schema[table].stored().map(|(column, _)| column).collect();
        return itself(engine, operation, columns).into_iter().collect();
    };
    let mut image = Image::empty(engine.schema[table].columns.len());
    values.iter().for_each(|(column, value)| image.set(*column, value.clone()));
    let given: BTreeSet<ColumnId> = values.keys().copied().collect();
    let mut roots: Vec<Moved> = Vec::new();
    for (relationship, fed) in fed(engine, table, None) {
        let relationship = &engine.schema[table][relationship];
        let values = image.values(&relationship.columns).filter(|values| values.iter().all(|v| !v.is_null()));
        if let (Some(values), true) =
            (values, relationship.target_columns == engine.schema[relationship.target].key)
        {
            let from = Finder::by_key(engine.schema, relationship.target, values);
            roots.push(Moved { from, path: Vec::new(), table: relationship.target, columns: fed });
        }
    }
    roots.extend(itself(engine, operation, given));
    roots
}

/// The row that the request names, where it exists.
fn itself(engine: &Engine<'_>, operation: &Operation, columns: BTreeSet<ColumnId>) -> Option<Moved> {
    let table = operation.id.table;
    let from = Finder::by_key(engine.schema, table, operation.id.key()?.clone());
    Some(Moved { from, path: Vec::new(), table, columns })
}

fn climb(engine: &Engine<'_>, mut moved: Moved, lookups: &mut Vec<PathLookup>) {
    if moved.path.len() >= HOPS_MAX {
        return;
    }
    spread(engine, &mut moved);
    for (relationship_id, columns) in fed(engine, moved.table, Some(&moved.columns)) {
        let relationship = &engine.schema[moved.table][relationship_id];
        let table = relationship.target;
        if relationship.columns.len() != 1 || relationship.target_columns != engine.schema[table].key {
            continue;
        }
        let mut path = moved.path.clone();
        path.push(relationship_id);
        lookups.push(lookup(engine, &moved.from, &path, table, &columns));
        climb(engine, Moved { from: moved.from.clone(), path, table, columns }, lookups);
    }
}

/// The row's own formulas move with their inputs.
fn spread(engine: &Engine<'_>, moved: &mut Moved) {
    for derivation in engine.rules.derivations.iter().filter(|d| d.table == moved.table) {
        let reads = |expr: &Expr| {
            expr.places().iter().any(|p| p.path.is_empty() && moved.columns.contains(&p.column))
        };
        let moves = match &derivation.kind {
            DerivationKind::Formula(expr) | DerivationKind::Step(expr) => reads(expr),
            // Rules move what lies further up, and that stamps nothing.
            DerivationKind::Stamp { operations, .. } => operations.update && moved.path.is_empty(),
            _ => false,
        };
        if moves {
            moved.columns.insert(derivation.column);
        }
    }
}

/// The aggregates that a row's columns feed (all of them for a row that comes), by the relationship that leads to them.
fn fed(
    engine: &Engine<'_>,
    table: TableId,
    moved: Option<&BTreeSet<ColumnId>>,
) -> BTreeMap<RelationshipId, BTreeSet<ColumnId>> {
    let mut fed: BTreeMap<RelationshipId, BTreeSet<ColumnId>> = BTreeMap::new();
    for derivation in &engine.rules.derivations {
        let DerivationKind::Aggregate(aggregate) = &derivation.kind else { continue };
        if aggregate.child == table && moved.is_none_or(|moved| reads(engine, aggregate, moved)) {
            fed.entry(aggregate.parent).or_default().insert(derivation.column);
        }
    }
    fed
}

fn reads(engine: &Engine<'_>, aggregate: &Aggregate, moved: &BTreeSet<ColumnId>) -> bool {
    let foreign_key = &engine.schema[aggregate.child][aggregate.parent].columns;
    let filter = aggregate.filter.iter().flat_map(Expr::places).map(|place| place.column);
    foreign_key.iter().copied().chain(aggregate.column()).chain(filter).any(|column| moved.contains(&column))
}

/// A row of which these columns will move.
fn lookup(
    engine: &Engine<'_>,
    from: &Finder,
    path: &[RelationshipId],
    table: TableId,
    moved: &BTreeSet<ColumnId>,
) -> PathLookup {
    let read = moved.iter().any(|column| engine.facts.read_from_below(table, *column));
    let readers = if read { ReadersLock::Write } else { ReadersLock::None };
    PathLookup {
        from: from.clone(),
        path: path.to_vec(),
        table,
        columns: engine.facts.columns(table).to_vec(),
        hold: Hold { row: RowLock::Change, readers },
    }
}
