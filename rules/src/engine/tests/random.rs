//! Random schemas, rules and requests: the engine against the oracle, alone and with other transactions between its waves.
//!
//! `RULEGATE_SEED=7` runs one seed again, `RULEGATE_SOAK=1` runs twenty times as many.

pub(super) mod dice;
mod mend;
pub(super) mod request;
pub(super) mod world;

use std::collections::BTreeMap;
use std::env;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use dice::Dice;

use super::database::{At, Database};
use super::drive::World;
use super::oracle;
use crate::change::{Change, Request, RowRef};
use crate::engine::{Hold, Lookup, Outcome, Phase, ReadersLock, RowLock, Rows};

/// Requests of one seed.
const REQUESTS: usize = 30;

fn seeds(count: u64) -> Vec<u64> {
    match env::var("RULEGATE_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) if env::var("RULEGATE_SOAK").is_ok() => (1..=count * 20).collect(),
        Err(_) => (1..=count).collect(),
    }
}

/// Runs a test over seeds, naming the one that fails.
fn for_seeds(count: u64, test: impl Fn(&mut Dice) + std::panic::RefUnwindSafe) {
    for seed in seeds(count) {
        let run = std::panic::catch_unwind(|| test(&mut Dice::new(seed)));
        assert!(run.is_ok(), "seed {seed}: run again with RULEGATE_SEED={seed}");
    }
}

#[test]
fn random_requests_leave_what_recomputation_from_scratch_gives() {
    let (done, created) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_seeds(100, |dice| {
        let mut world = world::random(dice);
        for _ in 0..REQUESTS {
            let request = request::random(dice, &world.database);
            let Some((after, changes)) = compare(&world, &request) else { continue };
            world.database = after;
            let came = changes.iter().filter(|change| matches!(change.id.row, RowRef::Created(_)));
            created.fetch_add(came.count(), Relaxed);
            done.fetch_add(1, Relaxed);
        }
    });
    let all = seeds(100).len() * REQUESTS;
    assert!(done.load(Relaxed) > all / 3, "most requests were refused: {done:?} of {all} were not");
    assert!(created.load(Relaxed) > all / 100, "only {created:?} missing parents came");
}

/// Runs a request both ways; the rows after it and what was changed, where it is not refused.
fn compare(world: &World, request: &Request) -> Option<(Database, Vec<Change>)> {
    let expect = oracle::apply(&world.rules, &world.database, request);
    let outcome = world.run(request);
    let context = || format!("{}\n{:#?}", world.story(request), world.text(&outcome));
    match (&outcome, expect) {
        (Outcome::Done(changes), Ok(expect)) => {
            let mut after = world.database.clone();
            after.write(changes).unwrap_or_else(|error| panic!("{error}\n{}", context()));
            if after.rows != expect.rows {
                panic!("{}\n{}", difference(&after, &expect), context());
            }
            Some((after, changes.clone()))
        }
        (Outcome::Violated(_), Err(_)) => None,
        (Outcome::Done(_), Err(error)) => panic!("accepted, though {error}\n{}", context()),
        (_, Ok(_)) => panic!("refused without need\n{}", context()),
        (Outcome::Need(_), _) => panic!("not done"),
    }
}

fn difference(engine: &Database, oracle: &Database) -> String {
    let mut lines = Vec::new();
    for at in engine.rows.keys().chain(oracle.rows.keys()) {
        let (e, o) = (engine.rows.get(at), oracle.rows.get(at));
        if e != o {
            lines.push(format!("{at:?}\n  engine {e:?}\n  oracle {o:?}"));
        }
    }
    lines.join("\n")
}

#[test]
fn other_transactions_between_its_waves_cannot_mislead_a_transaction() {
    for_seeds(100, |dice| {
        let mut world = world::random(dice);
        for _ in 0..REQUESTS {
            let request = request::random(dice, &world.database);
            match dice.chance(40) {
                true => disturbed(dice, &mut world, &request),
                false => settle(&mut world, &request),
            }
            let wrong = oracle::wrong(&world.rules, &world.database);
            assert!(wrong.is_empty(), "{wrong:#?}\n{}", world.story(&request));
        }
    });
}

fn settle(world: &mut World, request: &Request) {
    if let (Outcome::Done(changes), _) = world.locked(request, Some(Hold::ALL)) {
        world.database.write(&changes).unwrap();
    }
}

/// Runs a request while others commit where its locks let them: between discovery and locks, between its locks, and before it writes.
fn disturbed(dice: &mut Dice, world: &mut World, request: &Request) {
    let still = world.clone();
    let mut rows = Rows::default();
    let mut database = world.database.clone();
    still.phase(request, &mut rows, Phase::Discover, &mut |lookup, rows| {
        database.serve(lookup, rows, Some(Hold::PLAIN), false);
    });
    rows.unlock();
    let mut held = BTreeMap::new();
    let (outcome, _) = still.phase(request, &mut rows, Phase::Locked, &mut |lookup, rows| {
        if dice.chance(30) {
            disturb(dice, &still, &mut database, &held);
        }
        note(&database, lookup, &mut held);
        database.serve(lookup, rows, None, true);
    });
    still.assert_held(&outcome, &rows);
    while dice.chance(75) {
        disturb(dice, &still, &mut database, &held);
    }
    if let Outcome::Done(changes) = outcome {
        commit(&mut database, &changes);
    }
    world.database = database;
}

/// A row that a foreign key now names may have gone meanwhile; then the database refuses and nothing happens.
fn commit(database: &mut Database, changes: &[Change]) {
    let mut after = database.clone();
    if after.write(changes).is_ok() {
        *database = after;
    }
}

/// Runs another request at once, and commits it where no lock of the first is in its way.
fn disturb(dice: &mut Dice, world: &World, database: &mut Database, held: &BTreeMap<At, Hold>) {
    let request = request::random(dice, database);
    let (mut rows, mut taken) = (Rows::default(), BTreeMap::new());
    let (outcome, _) = world.phase(&request, &mut rows, Phase::Locked, &mut |lookup, rows| {
        note(database, lookup, &mut taken);
        database.serve(lookup, rows, None, true);
    });
    let Outcome::Done(changes) = outcome else { return };
    let mut after = database.clone();
    if after.write(&changes).is_err() {
        return;
    }
    for at in database.rows.keys().filter(|at| after.rows.get(at) != database.rows.get(at)) {
        let hold = taken.entry(at.clone()).or_default();
        *hold = hold.join(Hold::row(RowLock::Change));
    }
    let free = |(at, hold): (&At, &Hold)| held.get(at).is_none_or(|held| !conflict(*held, *hold));
    if taken.iter().all(free) {
        *database = after;
    }
}

fn note(database: &Database, lookup: &Lookup, held: &mut BTreeMap<At, Hold>) {
    if let Lookup::Row(row) = lookup {
        let finder = &row.finder;
        for (at, _) in database.matching(finder.table, &finder.columns, &finder.values) {
            let hold = held.entry(at.clone()).or_default();
            *hold = hold.join(row.hold);
        }
    }
}

/// As on PostgreSQL: who changes or removes keeps off who changes or removes, a removal also who refers; readers and writers keep each other off.
fn conflict(held: Hold, wanted: Hold) -> bool {
    let rows = held.row >= RowLock::Change && wanted.row >= RowLock::Change
        || held.row == RowLock::Remove && wanted.row == RowLock::Referenced;
    let readers = held.readers.min(wanted.readers) >= ReadersLock::Read
        && held.readers.max(wanted.readers) == ReadersLock::Write;
    rows || readers
}

#[test]
fn the_random_worlds_differ() {
    let text = |seed| format!("{:?}", world::random(&mut Dice::new(seed)).rules);
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

#[test]
fn a_lock_keeps_off_what_a_database_would_let_wait() {
    let readers = |readers| Hold { readers, ..Hold::PLAIN };
    let holds = [
        ("nothing", Hold::PLAIN),
        ("referenced", Hold::row(RowLock::Referenced)),
        ("change", Hold::row(RowLock::Change)),
        ("remove", Hold::row(RowLock::Remove)),
        ("read", readers(ReadersLock::Read)),
        ("write", readers(ReadersLock::Write)),
    ];
    let kept_off = |held: Hold| {
        let names = holds.iter().filter(|(_, wanted)| conflict(held, *wanted)).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(" ")
    };
    let told = holds.map(|(name, held)| format!("{name}: {}", kept_off(held)));
    assert_eq!(
        told,
        [
            "nothing: ",
            "referenced: ",
            "change: change remove",
            "remove: referenced change remove",
            "read: write",
            "write: read write",
        ]
    );
}
