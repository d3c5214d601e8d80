//! Spoiled data, mended derivation by derivation while others write: right in the end.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use chrono::NaiveDateTime;
use dialects::Value;
use introspect::TableId;

use super::{commit, disturb, for_seeds, note, request, settle, world};
use crate::change::{Change, Key};
use crate::engine::tests::database::Database;
use crate::engine::tests::drive::World;
use crate::engine::tests::oracle;
use crate::engine::tests::random::dice::Dice;
use crate::engine::{Hold, Mend, Outcome, Phase, Rows};
use crate::rule::{Derivation, DerivationKind, RuleSet};

/// Requests before the data is spoiled.
const REQUESTS: usize = 20;

#[test]
fn what_is_mended_in_order_while_others_write_is_right_in_the_end() {
    let (spoiled, mended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_seeds(100, |dice| {
        let mut world = played(dice);
        spoil(dice, &mut world);
        spoiled.fetch_add(wrong(&world).len(), Relaxed);
        let Some(changed) = mend_all(dice, &mut world) else { return };
        mended.fetch_add(changed, Relaxed);
        assert_eq!(wrong(&world), Vec::<String>::new());
    });
    let (spoiled, mended) = (spoiled.into_inner(), mended.into_inner());
    assert!(spoiled > 100 && mended > 100, "{spoiled} were spoiled, {mended} mended");
}

#[test]
fn data_is_spoiled_by_values_and_by_none() {
    let (null, other) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_seeds(10, |dice| {
        let mut world = played(dice);
        let whole = world.database.clone();
        spoil(dice, &mut world);
        for (at, image) in &world.database.rows {
            let spoiled = image.columns().filter(|(column, value)| *value != whole.rows[at].value(*column));
            for (_, value) in spoiled {
                let count = if value.is_some_and(Value::is_null) { &null } else { &other };
                count.fetch_add(1, Relaxed);
            }
        }
    });
    assert!(null.load(Relaxed) > 10 && other.load(Relaxed) > 10, "{null:?} are null, {other:?} are not");
}

/// A random world with rows.
fn played(dice: &mut Dice) -> World {
    let mut world = world::random(dice);
    for _ in 0..REQUESTS {
        let request = request::random(dice, &world.database);
        settle(&mut world, &request);
    }
    world
}

/// Derived values that are not what their rules say. Constraints may be broken by what is mended.
fn wrong(world: &World) -> Vec<String> {
    let rules = RuleSet { constraints: Vec::new(), ..world.rules.clone() };
    oracle::wrong(&rules, &world.database)
}

/// Gives derived columns the values of other rows and more, or none.
fn spoil(dice: &mut Dice, world: &mut World) {
    for derivation in &world.rules.derivations {
        let keys = keys(&world.database, derivation.table);
        for key in &keys {
            if dice.chance(40) {
                let other = (derivation.table, dice.pick(&keys).clone());
                let value = world.database.rows[&other].value(derivation.column).unwrap().clone();
                let value = match value.decimal() {
                    _ if dice.chance(20) => Value::Null,
                    Some(number) => Value::Decimal(number + 1),
                    None => value,
                };
                let at = (derivation.table, key.clone());
                world.database.rows.get_mut(&at).unwrap().set(derivation.column, value);
            }
        }
    }
}

fn keys(database: &Database, table: TableId) -> Vec<Key> {
    database.table(table).map(|((_, key), _)| key.clone()).collect()
}

/// How many values were set. `None`: a rule has no value for some row, or it does not fit.
fn mend_all(dice: &mut Dice, world: &mut World) -> Option<usize> {
    let mut set = 0;
    for index in 0..world.rules.derivations.len() {
        let derivation = &world.rules.derivations[index];
        if !matches!(derivation.kind, DerivationKind::Aggregate(_) | DerivationKind::Formula(_)) {
            continue;
        }
        let keys = keys(&world.database, derivation.table);
        for some in keys.chunks(1 + dice.roll(3)) {
            let mend = Mend::new(index, some.to_vec(), NaiveDateTime::default(), 10_000);
            set += mend_some(dice, world, &mend)?;
            if dice.chance(30) {
                let request = request::random(dice, &world.database);
                settle(world, &request);
            }
        }
    }
    Some(set)
}

/// Discovers, locks and writes, while others commit where the locks let them.
fn mend_some(dice: &mut Dice, world: &mut World, mend: &Mend) -> Option<usize> {
    let still = world.clone();
    let (mut rows, mut database) = (Rows::default(), world.database.clone());
    phase(&still, mend, &mut rows, Phase::Discover, &mut |lookup, rows| {
        database.serve(lookup, rows, Some(Hold::PLAIN), false);
    });
    rows.unlock();
    let mut held = BTreeMap::new();
    let outcome = phase(&still, mend, &mut rows, Phase::Locked, &mut |lookup, rows| {
        if dice.chance(10) {
            disturb(dice, &still, &mut database, &held);
        }
        note(&database, lookup, &mut held);
        database.serve(lookup, rows, None, true);
    });
    still.assert_held(&outcome, &rows);
    let Outcome::Done(changes) = outcome else { return None };
    assert!(changes.iter().all(|change| is_recomputed(&still.rules, change)), "{changes:?}");
    commit(&mut database, &changes);
    world.database = database;
    Some(changes.iter().map(|change| change.columns.len()).sum())
}

/// Nothing is set that depends on the moment of a write.
fn is_recomputed(rules: &RuleSet, change: &Change) -> bool {
    let sets = |d: &&Derivation| d.table == change.id.table && change.columns.contains(&d.column);
    rules
        .derivations
        .iter()
        .filter(sets)
        .all(|d| matches!(d.kind, DerivationKind::Aggregate(_) | DerivationKind::Formula(_)))
}

fn phase(
    world: &World,
    mend: &Mend,
    rows: &mut Rows,
    phase: Phase,
    serve: &mut dyn FnMut(&crate::engine::Lookup, &mut Rows),
) -> Outcome {
    for _ in 0..40 {
        match world.engine().mend(mend, rows, phase) {
            Outcome::Need(lookups) => lookups.iter().for_each(|lookup| serve(lookup, rows)),
            outcome => return outcome,
        }
    }
    panic!("too many waves");
}
