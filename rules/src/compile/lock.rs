//! The one order in which rows are locked: what feeds stands before what is fed, so that hot totals are locked last.
//!
//! Children feed the aggregates of their parents; parents feed the formulas, copies and checks of their children. Tables that feed
//! each other stand together, by name; so do all that nothing decides.

use std::collections::{BTreeMap, BTreeSet};

use introspect::{Schema, TableId};

use super::reads::Reads;
use crate::rule::{Constraint, Derivation};

/// What feeds what: the first stands before the second. Tables are their positions, which are in the order of names.
type Feeds = BTreeSet<(usize, usize)>;

/// The place of every table, by its id.
pub(super) fn rank(schema: &Schema, derivations: &[Derivation], constraints: &[Constraint]) -> Vec<u32> {
    let feeds = feeds(schema, derivations, constraints);
    let groups = groups(schema.tables.len(), &feeds);
    let mut ranks = vec![0; schema.tables.len()];
    for (rank, table) in (0..).zip(ordered(&groups, &feeds)) {
        if let Some(place) = ranks.get_mut(table) {
            *place = rank;
        }
    }
    ranks
}

fn feeds(schema: &Schema, derivations: &[Derivation], constraints: &[Constraint]) -> Feeds {
    let derived = derivations.iter().map(|d| (d.table, Reads::of_derivation(schema, d)));
    let checked = constraints.iter().map(|c| (c.table, Reads::of_constraint(schema, c)));
    let position = |table: TableId| table.0 as usize;
    let mut feeds = Feeds::new();
    for (table, reads) in derived.chain(checked) {
        feeds.extend(
            reads.tables().filter(|other| *other != table).map(|other| (position(other), position(table))),
        );
    }
    feeds
}

/// For every table the least one of those that feed it and are fed by it: usually itself.
fn groups(tables: usize, feeds: &Feeds) -> Vec<usize> {
    let mut fed: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (from, to) in feeds {
        fed.entry(*from).or_default().push(*to);
    }
    let reached: BTreeMap<usize, BTreeSet<usize>> =
        fed.keys().map(|from| (*from, reach(*from, &fed))).collect();
    let reaches = |a: usize, b: usize| reached.get(&a).is_some_and(|all| all.contains(&b));
    (0..tables)
        .map(|table| {
            let circle = reached.get(&table).into_iter().flatten().copied();
            circle.filter(|other| reaches(*other, table)).chain([table]).min().unwrap_or(table)
        })
        .collect()
}

fn reach(from: usize, fed: &BTreeMap<usize, Vec<usize>>) -> BTreeSet<usize> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(table) = open.pop() {
        for next in fed.get(&table).into_iter().flatten() {
            if reached.insert(*next) {
                open.push(*next);
            }
        }
    }
    reached
}

/// The tables, group by group; of the groups that nothing else must stand before, the first by name.
fn ordered(groups: &[usize], feeds: &Feeds) -> Vec<usize> {
    let group = |table: usize| groups.get(table).copied().unwrap_or(table);
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for table in 0..groups.len() {
        members.entry(group(table)).or_default().push(table);
    }
    let mut waits: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (from, to) in
        feeds.iter().map(|(from, to)| (group(*from), group(*to))).filter(|(from, to)| from != to)
    {
        waits.entry(to).or_default().insert(from);
    }
    let mut order = Vec::new();
    while let Some(next) = members.keys().copied().find(|g| waits.get(g).is_none_or(BTreeSet::is_empty)) {
        order.extend(members.remove(&next).into_iter().flatten());
        waits.values_mut().for_each(|before| {
            before.remove(&next);
        });
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_feeds_stands_before_what_is_fed() {
        for (tables, feeds, expected) in [
            (3, vec![], vec![0, 1, 2]),
            (4, vec![(3, 1), (1, 2), (2, 0)], vec![3, 1, 2, 0]),
            (3, vec![(2, 0)], vec![1, 2, 0]),
            (4, vec![(1, 3), (3, 1), (1, 0)], vec![1, 3, 0, 2]),
        ] {
            let feeds: Feeds = feeds.into_iter().collect();
            assert_eq!(ordered(&groups(tables, &feeds), &feeds), expected, "{feeds:?}");
        }
    }
}
