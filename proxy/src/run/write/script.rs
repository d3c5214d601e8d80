//! One try of a transaction as a machine without I/O: waves of locks, then the attempt that stands, then its writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use dialects::driver::{Script, Step};
use dialects::{Dialect, Kind, Rows, Value};
use introspect::TableId;
use rules::change::{Change, Key, Reason, RowId, Violation};
use rules::engine::{Finder, Known, Lookup, Outcome, PathLookup, Phase};
use rules::rule::Derivation;

use super::compare::Comparison;
use super::horizon::Horizon;
use super::refuse;
use super::stage::{self, Fate, Stage};
use super::{Job, WAVES_MAX, Written, WrittenRow, as_sent};
use crate::jsonapi::{encode, id};
use crate::plan::write::{Condition, Origin, PlannedOperation, not_found};
use crate::run::lookup::{Knowledge, Wave};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors};

/// How a try ended.
pub(super) enum Ended {
    /// Committed.
    Written {
        /// What each operation came to.
        written: Vec<Written>,
        /// The rules that set something, and how often.
        fired: BTreeMap<String, u64>,
    },
    /// Not allowed; nothing is done.
    Refused {
        /// Why.
        errors: Errors,
        /// The rules that refused.
        fired: Vec<String>,
    },
    /// A row that stands earlier in the lock order turned out to be needed: again, with what is known.
    Restart(Box<Knowledge>),
    /// A row that was to be added because a foreign key names it is there by now: again, with that row.
    Taken {
        /// What is known.
        known: Box<Knowledge>,
        /// What it comes to, where this goes on: the request itself names the row in two spellings.
        refused: Error,
    },
    /// Another transaction has, or had, the request's key: nothing is done.
    Claimed,
    /// The database failed.
    Failed(dialects::Error),
}

impl Ended {
    /// In one word, for traces.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Written { .. } => "committed",
            Self::Refused { .. } => "refused",
            Self::Restart(_) => "restart",
            Self::Taken { .. } => "taken",
            Self::Claimed => "claimed",
            Self::Failed(error) if error.kind == Kind::Conflict => "conflict",
            Self::Failed(_) => "failed",
        }
    }
}

/// The machine.
pub(super) struct Transaction {
    snapshot: Arc<Snapshot>,
    job: Arc<Job>,
    knowledge: Knowledge,
    state: State,
    horizon: Horizon,
    waves: usize,
    /// Plain reads have told already which rows there are.
    discovered: bool,
    /// The writes are not committed yet.
    pending: bool,
    /// What is to be read again before the commit.
    comparison: Option<Comparison>,
    fired: BTreeMap<String, u64>,
}

enum State {
    Start,
    /// Taking the request's key.
    Claiming,
    Fetching(Wave),
    /// A step of the writes; whether it is the last.
    Writing(Box<Stage>, bool),
    /// Written, and read again where a trigger may have changed it.
    Comparing(Box<Stage>, Comparison),
    /// Written, and to be read again before the commit: without RETURNING, and where triggers are.
    Rereading(Vec<Unread>),
    /// Being committed.
    Committing(Vec<Written>),
}

impl Script for Transaction {
    type Output = Ended;

    fn next(&mut self, answer: dialects::Result<Vec<Rows>>) -> Step<Ended> {
        let answers = match answer {
            Ok(answers) => answers,
            Err(error) => return Step::Done(self.failed(error)),
        };
        match std::mem::replace(&mut self.state, State::Start) {
            State::Start => self.start(),
            State::Claiming => self.attempt(),
            State::Fetching(wave) => {
                let by_path = self.knowledge.absorb(&self.snapshot, wave, &answers, true);
                self.horizon.reached(&self.snapshot, by_path);
                self.attempt()
            }
            State::Writing(stage, last) => self.written(stage, last, &answers),
            State::Comparing(stage, comparison) => match comparison.differs(&self.snapshot, &answers) {
                Some(error) => Step::Done(Ended::Refused { errors: error.into(), fired: Vec::new() }),
                None => self.read_again(&stage),
            },
            State::Rereading(unread) => self.reread(unread, &answers),
            State::Committing(written) => self.end(written),
        }
    }
}

impl Transaction {
    pub(super) fn new(
        snapshot: Arc<Snapshot>,
        job: Arc<Job>,
        knowledge: Knowledge,
        discovered: bool,
    ) -> Self {
        Self {
            snapshot,
            job,
            knowledge,
            state: State::Start,
            horizon: Horizon::default(),
            waves: 0,
            discovered,
            pending: false,
            comparison: None,
            fired: BTreeMap::new(),
        }
    }

    /// The key is taken before any lock: who waits for it holds nothing.
    fn start(&mut self) -> Step<Ended> {
        match &self.job.keyed {
            None => self.attempt(),
            Some(keyed) => {
                self.state = State::Claiming;
                Step::Run(keyed.claim(self.snapshot.schema.dialect))
            }
        }
    }

    fn attempt(&mut self) -> Step<Ended> {
        let snapshot = self.snapshot.clone();
        let outcome = snapshot.engine().attempt(&self.job.request, &self.knowledge.rows, Phase::Locked);
        if !matches!(outcome, Outcome::Need(_)) {
            self.job.watch.keep(|| snapshot.engine().explain(&self.job.request, &self.knowledge.rows));
        }
        match outcome {
            Outcome::Need(lookups) => self.fetch(&lookups),
            Outcome::Violated(violations) => {
                let errors = match self.precondition(&violations) {
                    Err(errors) => errors,
                    Ok(()) => refuse::violations(&snapshot, self.job.plan(), &violations),
                };
                Step::Done(Ended::Refused { errors, fired: refusers(&snapshot, &violations) })
            }
            Outcome::Done(changes) => match self.precondition(&[]) {
                Err(errors) => Step::Done(Ended::Refused { errors, fired: Vec::new() }),
                Ok(()) => self.write(&changes),
            },
        }
    }

    // ---- locks

    fn fetch(&mut self, lookups: &[Lookup]) -> Step<Ended> {
        self.waves += 1;
        if self.waves > WAVES_MAX || !self.horizon.in_order(&self.snapshot, lookups) {
            return Step::Done(Ended::Restart(Box::new(std::mem::take(&mut self.knowledge))));
        }
        let paths = self.paths();
        let (wave, statements) = Wave::new(&self.snapshot, &self.knowledge, lookups, &paths, true);
        self.state = State::Fetching(wave);
        Step::Run(statements)
    }

    /// Where a whole wave is one flush, the first one also locks the rows further up, by the way to them.
    fn paths(&self) -> Vec<PathLookup> {
        match self.waves == 1 && !self.discovered && self.snapshot.schema.dialect.pipelines() {
            true => self.snapshot.engine().reach(&self.job.request),
            false => Vec::new(),
        }
    }

    // ---- what the client expects of the rows

    /// Of a row that is not there, or not for whoever asks, nothing is compared.
    fn precondition(&self, violations: &[Violation]) -> Result<(), Errors> {
        let absent = |id: &RowId| violations.iter().any(|v| v.id == *id && v.reason == Reason::NotFound);
        let operations = self.job.plan().operations.iter().filter(|operation| !absent(&operation.id));
        let refused = operations.filter_map(|operation| {
            let errors = self.expected(operation).err()?;
            Some(errors.under(&operation.place))
        });
        Errors::from_vec(refused.flatten().collect()).map_or(Ok(()), Err)
    }

    fn expected(&self, operation: &PlannedOperation) -> Result<(), Errors> {
        self.named_exactly(operation)?;
        let Some(held) = self.held(&operation.id) else { return Ok(()) };
        if let Some(condition) = &operation.condition {
            self.expect(operation.id.table, condition, &held)?;
        }
        let differs = operation.unchanged.iter().filter(|(c, value)| held.get(c.0 as usize) != Some(value));
        let errors = differs.map(|(column, _)| refuse::fixed(&self.snapshot, operation, *column)).collect();
        Errors::from_vec(errors).map_or(Ok(()), Err)
    }

    /// An id names one row exactly. By a looser collation the database may have found another: for MySQL `tea ` and `tea` are equal.
    fn named_exactly(&self, operation: &PlannedOperation) -> Result<(), Errors> {
        let id = &operation.id;
        match (id.key(), self.known(id)) {
            (Some(key), Some((found, _))) if found != key => {
                let text = id::format(&self.snapshot.schema[id.table], key);
                Err(not_found(&self.snapshot, id.table, &text))
            }
            _ => Ok(()),
        }
    }

    fn expect(&self, table: TableId, condition: &Condition, held: &[Value]) -> Result<(), Errors> {
        if encode::etag_of(&self.snapshot, table, held).matches(&condition.expected) {
            return Ok(());
        }
        let detail = "The resource has changed since it was read; it is in `meta.resource` as it is now.";
        let error = match condition.origin {
            Origin::Header => Error::new(ErrorCode::PreconditionFailed, detail).header("If-Match"),
            Origin::Document(pointer) => Error::new(ErrorCode::VersionConflict, detail).at(pointer),
        };
        Err(error.with_meta("resource", refuse::current(&self.snapshot, table, held)).into())
    }

    /// A row that the request names, as it was locked.
    fn held(&self, id: &RowId) -> Option<Vec<Value>> {
        let (_, known) = self.known(id)?;
        let table = &self.snapshot.schema[id.table];
        table.stored().map(|(column, _)| known.image.value(column).cloned()).collect()
    }

    /// Likewise, with its key as the database has it.
    fn known(&self, id: &RowId) -> Option<(&Key, &Known)> {
        let finder = Finder::by_key(&self.snapshot.schema, id.table, id.key()?.clone());
        self.knowledge.rows.find(&finder)?
    }

    // ---- writes

    fn write(&mut self, changes: &[Change]) -> Step<Ended> {
        self.fired = self.setters(changes);
        self.comparison = Comparison::of(&self.snapshot, changes);
        let apart = self.comparison.is_some() || self.job.keyed.is_some();
        self.pending = apart || self.snapshot.schema.dialect != Dialect::Postgres;
        let wanted = self.job.plan().rows().into_iter().collect();
        self.run(Box::new(Stage::new(&self.snapshot, changes, wanted)))
    }

    /// A row that was to be added because a foreign key names it is there by now: its adder has committed. Then all is done again, with
    /// that row.
    fn failed(&mut self, error: dialects::Error) -> Ended {
        let creating = match &self.state {
            // Of those who wait for a key that is given up, MariaDB lets one on and ends the others as deadlocked.
            State::Claiming if matches!(error.kind, Kind::Unique | Kind::Conflict) => return Ended::Claimed,
            State::Writing(stage, _) => stage.creating(),
            _ => None,
        };
        match creating {
            None => Ended::Failed(error),
            Some(_) if error.kind == Kind::Conflict => Ended::Failed(error),
            Some(table) => {
                let taken = refuse::taken(&self.snapshot, table, &error);
                let refused = refuse::creation(&self.snapshot, self.job.plan(), table, error);
                match taken {
                    true => Ended::Taken { known: Box::new(std::mem::take(&mut self.knowledge)), refused },
                    false => Ended::Refused { errors: refused.into(), fired: Vec::new() },
                }
            }
        }
    }

    fn run(&mut self, mut stage: Box<Stage>) -> Step<Ended> {
        let (statements, last) = match stage.step(&self.snapshot) {
            Ok(step) => step,
            Err(error) => return Step::Done(Ended::Failed(error)),
        };
        self.state = State::Writing(stage, last);
        match last && !self.pending {
            true => Step::Commit(statements),
            false => Step::Run(statements),
        }
    }

    /// The rules that set what is written.
    fn setters(&self, changes: &[Change]) -> BTreeMap<String, u64> {
        let mut fired = BTreeMap::new();
        for derivation in &self.snapshot.rules.derivations {
            match changes.iter().filter(|change| self.sets(derivation, change)).count() {
                0 => {}
                times => _ = fired.insert(derivation.name.clone(), times as u64),
            }
        }
        fired
    }

    /// Whether a rule set what is written: where it leaves the column to clients, only what the client did not give.
    fn sets(&self, derivation: &Derivation, change: &Change) -> bool {
        let gives = |operation: &PlannedOperation| {
            operation.id == change.id && operation.pointers.contains_key(&derivation.column)
        };
        let given = || self.job.plan().operations.iter().any(gives);
        change.id.table == derivation.table
            && change.columns.contains(&derivation.column)
            && !(derivation.leaves_to_client() && given())
    }

    fn written(&mut self, mut stage: Box<Stage>, last: bool, answers: &[Rows]) -> Step<Ended> {
        if let Err(error) = stage.absorb(&self.snapshot, answers) {
            return Step::Done(Ended::Failed(error));
        }
        if !last {
            return self.run(stage);
        }
        match (self.comparison.take(), self.snapshot.schema.dialect.returning()) {
            (Some(comparison), _) => self.compare(stage, comparison),
            (None, true) => self.tell(&stage),
            (None, false) => self.read_again(&stage),
        }
    }

    /// Where a trigger may have changed what was written, it is read again.
    fn compare(&mut self, stage: Box<Stage>, mut comparison: Comparison) -> Step<Ended> {
        comparison.settle(&self.snapshot, &stage);
        let statements = comparison.statements(&self.snapshot);
        self.state = State::Comparing(stage, comparison);
        Step::Run(statements)
    }

    /// What each operation came to, as the answers of the writes have it.
    fn tell(&mut self, stage: &Stage) -> Step<Ended> {
        let told = |operation: &PlannedOperation| match stage.fate(&self.snapshot, &operation.id)? {
            Fate::Written(values) => Some(self.row(operation, values)),
            Fate::Gone => Some(Written::Gone),
            Fate::Untouched => self.held(&operation.id).map(|values| self.row(operation, values)),
            Fate::Unread(_) => None,
        };
        let written: Option<Vec<Written>> = self.job.plan().operations.iter().map(told).collect();
        match written {
            Some(written) => self.end(written),
            None => failed("the written row was not answered"),
        }
    }

    fn row(&self, operation: &PlannedOperation, values: Vec<Value>) -> Written {
        let before = self.held(&operation.id);
        let as_sent = as_sent::as_sent(&self.snapshot, operation, before.as_deref(), &values);
        Written::Row(WrittenRow { values, as_sent })
    }

    /// Without a RETURNING to go by: what the request names is read before the commit, one statement a table.
    fn read_again(&mut self, stage: &Stage) -> Step<Ended> {
        let mut unread: BTreeMap<TableId, Unread> = BTreeMap::new();
        for id in self.job.plan().rows() {
            let key = match (stage.fate(&self.snapshot, &id), id.key()) {
                (None, _) => return failed("the new row's key is not known"),
                (Some(Fate::Gone), _) => continue,
                (Some(Fate::Unread(key)), _) => key,
                (Some(_), Some(key)) => key.clone(),
                (Some(Fate::Written(values)), None) => stage::key(&self.snapshot, id.table, &values),
                (Some(Fate::Untouched), None) => continue,
            };
            let table = id.table;
            unread.entry(table).or_insert_with(|| Unread { table, rows: Vec::new() }).rows.push((id, key));
        }
        let unread: Vec<Unread> = unread.into_values().collect();
        if unread.is_empty() {
            return self.end(self.job.plan().operations.iter().map(|_| Written::Gone).collect());
        }
        let keys = |unread: &Unread| unread.rows.iter().map(|(_, key)| key.clone()).collect();
        let statements =
            unread.iter().flat_map(|of| stage::read_again(&self.snapshot, of.table, keys(of))).collect();
        self.state = State::Rereading(unread);
        Step::Run(statements)
    }

    fn reread(&mut self, unread: Vec<Unread>, answers: &[Rows]) -> Step<Ended> {
        let mut rows: BTreeMap<RowId, Vec<Value>> = BTreeMap::new();
        for (of, answer) in unread.into_iter().zip(answers) {
            let found = of.matched(&self.snapshot, (0..answer.len()).map(|n| answer.values(n)).collect());
            match found {
                Some(found) => rows.extend(found),
                None => return failed("the written row was not found again"),
            }
        }
        let told = |operation: &PlannedOperation| {
            rows.get(&operation.id).map_or(Written::Gone, |values| self.row(operation, values.clone()))
        };
        self.end(self.job.plan().operations.iter().map(told).collect())
    }

    /// Commits, where that did not travel with the writes.
    fn end(&mut self, written: Vec<Written>) -> Step<Ended> {
        if std::mem::take(&mut self.pending) {
            let keyed = self.job.keyed.as_ref();
            let receipt = keyed.map(|keyed| keyed.record(self.snapshot.schema.dialect, &written));
            self.state = State::Committing(written);
            return Step::Commit(receipt.unwrap_or_default());
        }
        Step::Done(Ended::Written { written, fired: std::mem::take(&mut self.fired) })
    }
}

/// Rows of a table that are to be read again, by their keys.
struct Unread {
    table: TableId,
    rows: Vec<(RowId, Key)>,
}

impl Unread {
    /// Which row is which. One alone is itself, however the database spells its key.
    fn matched(self, snapshot: &Snapshot, mut found: Vec<Vec<Value>>) -> Option<Vec<(RowId, Vec<Value>)>> {
        let columns = &snapshot.schema[self.table].key;
        let alone = self.rows.len() == 1;
        let mut matched = Vec::new();
        for (id, key) in self.rows {
            let is_it = |values: &Vec<Value>| {
                columns.iter().zip(&key).all(|(c, value)| values.get(c.0 as usize) == Some(value))
            };
            let at = found.iter().position(|values| alone || is_it(values))?;
            matched.push((id, found.swap_remove(at)));
        }
        Some(matched)
    }
}

fn failed(why: &str) -> Step<Ended> {
    Step::Done(Ended::Failed(dialects::Error::new(Kind::Other, why)))
}

/// The rules that refuse.
fn refusers(snapshot: &Snapshot, violations: &[Violation]) -> Vec<String> {
    let constraint = |violation: &Violation| match &violation.reason {
        Reason::Constraint { constraint, .. } => {
            snapshot.rules.constraints.get(*constraint).map(|c| c.name.clone())
        }
        Reason::Transition { transition, .. } => {
            snapshot.rules.transitions.get(*transition).map(|t| t.name.clone())
        }
        _ => None,
    };
    violations.iter().filter_map(constraint).collect()
}
