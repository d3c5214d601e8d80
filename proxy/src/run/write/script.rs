//! One try of a transaction as a machine without I/O: waves of locks, then the attempt that stands, then its writes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use dialects::driver::{Script, Step};
use dialects::render::render;
use dialects::sql::Query;
use dialects::{Dialect, Kind, Rows, Statement, Value};
use introspect::ColumnId;
use rules::change::{Action, Change, Image, Key, Reason, RowRef, Violation};
use rules::engine::{Finder, Known, Lookup, Outcome, PathLookup, Phase};
use rules::rule::Derivation;

use super::compare::Comparison;
use super::refuse;
use super::{Job, WAVES_MAX, Written};
use crate::jsonapi::{encode, id};
use crate::plan::lower::change::Write;
use crate::plan::lower::{change, lookup};
use crate::plan::write::{Condition, Origin, not_found};
use crate::run::lookup::{Knowledge, Wave};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors};

/// How a try ended.
pub(super) enum Ended {
    /// Committed.
    Written {
        /// What it came to.
        written: Written,
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
    /// The database failed.
    Failed(dialects::Error),
}

/// The machine.
pub(super) struct Transaction {
    snapshot: Arc<Snapshot>,
    job: Arc<Job>,
    knowledge: Knowledge,
    state: State,
    /// The furthest lock taken so far.
    horizon: Option<(u32, Key)>,
    waves: usize,
    /// Plain reads have told already which rows there are.
    discovered: bool,
    /// Of each write, how many statements it is and how many rows they must meet.
    expected: Vec<(usize, Option<u64>)>,
    /// The writes are not committed yet.
    pending: bool,
    /// What is to be read again before the commit.
    comparison: Option<Comparison>,
    fired: BTreeMap<String, u64>,
}

enum State {
    Start,
    Fetching(Wave),
    /// Adding rows that others may be adding too, one statement a step.
    Creating {
        /// What is being written, and what comes before all the rest.
        ahead: VecDeque<Write>,
        /// What is written when that has succeeded.
        rest: Vec<Write>,
        /// The row that the request is about, as it was made.
        made: Option<Image>,
    },
    /// Which of the answers hold the row.
    Writing {
        answers: Vec<bool>,
        /// The row that the request is about, as it was made.
        made: Option<Image>,
    },
    /// Written, and read again where a trigger may have changed it.
    Comparing {
        comparison: Comparison,
        answers: Vec<Rows>,
        holds: Vec<bool>,
        made: Option<Image>,
    },
    /// Written, and to be read again before the commit: on MySQL, and where triggers are.
    Rereading,
    /// Being committed.
    Committing(Written),
}

impl Script for Transaction {
    type Output = Ended;

    fn next(&mut self, answer: dialects::Result<Vec<Rows>>) -> Step<Ended> {
        let answers = match answer {
            Ok(answers) => answers,
            Err(error) => return Step::Done(self.failed(error)),
        };
        match std::mem::replace(&mut self.state, State::Start) {
            State::Start => self.attempt(),
            State::Fetching(wave) => {
                let by_path = self.knowledge.absorb(&self.snapshot, wave, &answers, true);
                let locked =
                    by_path.into_iter().map(|(table, key)| (lookup::rank(&self.snapshot, table), key));
                self.horizon = self.horizon.take().into_iter().chain(locked).max();
                self.attempt()
            }
            State::Creating { mut ahead, rest, made } => {
                ahead.pop_front();
                self.create(ahead, rest, made)
            }
            State::Writing { answers: holds, made } => self.compare(answers, holds, made),
            State::Comparing { comparison, answers: written, holds, made } => {
                match comparison.differs(&self.snapshot, &answers) {
                    Some(error) => Step::Done(Ended::Refused { errors: error.into(), fired: Vec::new() }),
                    None => self.written(&written, &holds, made.as_ref(), true),
                }
            }
            State::Rereading => self.reread(&answers),
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
            horizon: None,
            waves: 0,
            discovered,
            expected: Vec::new(),
            pending: false,
            comparison: None,
            fired: BTreeMap::new(),
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
                let errors = match self.precondition() {
                    Err(errors) => errors,
                    Ok(()) => refuse::violations(&snapshot, self.job.plan(), &violations),
                };
                Step::Done(Ended::Refused { errors, fired: refusers(&snapshot, &violations) })
            }
            Outcome::Done(changes) => match self.precondition() {
                Err(errors) => Step::Done(Ended::Refused { errors, fired: Vec::new() }),
                Ok(()) => self.write(&changes),
            },
        }
    }

    // ---- locks

    fn fetch(&mut self, lookups: &[Lookup]) -> Step<Ended> {
        self.waves += 1;
        if self.waves > WAVES_MAX || !self.in_order(lookups) {
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

    /// Whether every lock of a wave stands behind those taken before; then it moves the horizon.
    fn in_order(&mut self, lookups: &[Lookup]) -> bool {
        let dialect = self.snapshot.schema.dialect;
        let locks: Vec<(u32, Key)> = lookups
            .iter()
            .filter_map(|lookup| match lookup {
                Lookup::Row(row) if lookup::waits(dialect, row.hold) => Some(self.position(&row.finder)),
                _ => None,
            })
            .collect();
        let ordered = self.horizon.as_ref().is_none_or(|horizon| locks.iter().all(|lock| lock > horizon));
        self.horizon = self.horizon.take().into_iter().chain(locks).max();
        ordered
    }

    fn position(&self, finder: &Finder) -> (u32, Key) {
        (lookup::rank(&self.snapshot, finder.table), finder.values.clone())
    }

    // ---- what the client expects of the row

    fn precondition(&self) -> Result<(), Errors> {
        self.named_exactly()?;
        let plan = self.job.plan();
        let Some(held) = self.target_values() else { return Ok(()) };
        if let Some(condition) = &plan.condition {
            self.expect(condition, &held)?;
        }
        let differs = plan.unchanged.iter().filter(|(c, value)| held.get(c.0 as usize) != Some(value));
        let errors = differs.map(|(column, _)| refuse::fixed(&self.snapshot, plan, *column)).collect();
        Errors::from_vec(errors).map_or(Ok(()), Err)
    }

    /// An id names one row exactly. By a looser collation the database may have found another: for MySQL `tea ` and `tea` are equal.
    fn named_exactly(&self) -> Result<(), Errors> {
        let target = self.job.target();
        match (target.key(), self.target_known()) {
            (Some(key), Some((found, _))) if found != key => {
                let id = id::format(&self.snapshot.schema[target.table], key);
                Err(not_found(&self.snapshot, target.table, &id))
            }
            _ => Ok(()),
        }
    }

    fn expect(&self, condition: &Condition, held: &[Value]) -> Result<(), Errors> {
        let table = self.job.plan().table;
        if encode::etag_of(&self.snapshot, table, held).matches(&condition.expected) {
            return Ok(());
        }
        let detail = "The resource has changed since it was read; it is in `meta.resource` as it is now.";
        let error = match condition.origin {
            Origin::Header => Error::new(ErrorCode::PreconditionFailed, detail).header("If-Match"),
            Origin::Document => Error::new(ErrorCode::VersionConflict, detail).at("/data/meta/etag"),
        };
        Err(error.with_meta("resource", refuse::current(&self.snapshot, table, held)).into())
    }

    /// The row that the request is about, as it was locked.
    fn target_values(&self) -> Option<Vec<Value>> {
        let (_, known) = self.target_known()?;
        known.image.columns().map(|(_, value)| value.cloned()).collect()
    }

    /// Likewise, with its key as the database has it.
    fn target_known(&self) -> Option<(&Key, &Known)> {
        let target = self.job.target();
        let finder = Finder::by_key(&self.snapshot.schema, target.table, target.key()?.clone());
        self.knowledge.rows.find(&finder)?
    }

    // ---- writes

    fn write(&mut self, changes: &[Change]) -> Step<Ended> {
        self.fired = self.setters(changes);
        let mut writes = change::changes(&self.snapshot.schema, changes, &self.job.target());
        let made = changes.iter().find(|change| change.id == self.job.target() && change.before.is_none());
        let made = made.and_then(|change| change.after.clone());
        self.comparison = Comparison::of(&self.snapshot, changes);
        self.pending = self.snapshot.schema.dialect != Dialect::Postgres || self.comparison.is_some();
        let ahead = writes.iter().rposition(|write| write.creates).map_or(0, |last| last + 1);
        let rest = writes.split_off(ahead);
        self.create(writes.into(), rest, made)
    }

    /// Rows that foreign keys name come first, each statement in a step of its own: when another transaction was faster, it must be clear
    /// that it was this that failed.
    fn create(&mut self, ahead: VecDeque<Write>, rest: Vec<Write>, made: Option<Image>) -> Step<Ended> {
        let Some(next) = ahead.front() else { return self.write_rest(&rest, made) };
        let statements = render(self.snapshot.schema.dialect, &next.query);
        self.state = State::Creating { ahead, rest, made };
        Step::Run(statements)
    }

    /// A row that was to be added is there by now: its adder has committed. Then all is done again, with that row.
    fn failed(&mut self, error: dialects::Error) -> Ended {
        let State::Creating { ahead, .. } = &self.state else { return Ended::Failed(error) };
        match ahead.front().filter(|write| write.creates) {
            None => Ended::Failed(error),
            Some(write) if refuse::taken(&self.snapshot, write.table, &error) => {
                Ended::Restart(Box::new(std::mem::take(&mut self.knowledge)))
            }
            Some(_) if error.kind == Kind::Conflict => Ended::Failed(error),
            Some(write) => {
                let refused = refuse::creation(&self.snapshot, write.table, error);
                Ended::Refused { errors: refused.into(), fired: Vec::new() }
            }
        }
    }

    fn write_rest(&mut self, writes: &[Write], made: Option<Image>) -> Step<Ended> {
        let mut statements = Vec::new();
        let mut answers = Vec::new();
        for write in writes {
            let rendered = render(self.snapshot.schema.dialect, &write.query);
            answers.extend(rendered.iter().map(|_| write.answers));
            self.expected.push((rendered.len(), rows(&write.query)));
            statements.extend(rendered);
        }
        self.state = State::Writing { answers, made };
        match self.pending {
            true => Step::Run(statements),
            false => Step::Commit(statements),
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
        let given =
            || change.id == self.job.target() && self.job.plan().pointers.contains_key(&derivation.column);
        change.id.table == derivation.table
            && change.columns.contains(&derivation.column)
            && !(derivation.leaves_to_client() && given())
    }

    /// Every row was met; where a trigger may have changed it, it is read again.
    fn compare(&mut self, answers: Vec<Rows>, holds: Vec<bool>, made: Option<Image>) -> Step<Ended> {
        if !self.met(&answers) {
            let words = "a statement met fewer rows than were locked for it";
            return Step::Done(Ended::Failed(dialects::Error::new(Kind::Other, words)));
        }
        let Some(mut comparison) = self.comparison.take() else {
            return self.written(&answers, &holds, made.as_ref(), false);
        };
        if let (Some(key), Some(_)) = (self.written_key(&answers, &holds, made.as_ref()), &made) {
            comparison.drawn(self.job.plan().table, &key);
        }
        let statements = comparison.statements(&self.snapshot);
        self.state = State::Comparing { comparison, answers, holds, made };
        Step::Run(statements)
    }

    /// Whether every INSERT and UPDATE met as many rows as it named.
    fn met(&self, answers: &[Rows]) -> bool {
        let mut rest = answers.iter();
        self.expected.iter().all(|(statements, rows)| {
            let affected: u64 = rest.by_ref().take(*statements).map(Rows::affected).sum();
            rows.is_none_or(|rows| affected == rows)
        })
    }

    /// `stale`: what RETURNING told may not be what stands there now.
    fn written(
        &mut self,
        answers: &[Rows],
        holds: &[bool],
        made: Option<&Image>,
        stale: bool,
    ) -> Step<Ended> {
        if matches!(self.job.plan().action, Action::Delete) {
            return self.end(Written::Gone);
        }
        if stale || !self.snapshot.schema.dialect.returning() {
            return self.read_again(answers, holds, made);
        }
        // Nothing of it was written: it stays as it was locked.
        match self.returned(answers, holds).or_else(|| self.target_values()) {
            Some(values) => self.end(Written::Row(values)),
            None => Step::Done(Ended::Failed(dialects::Error::new(
                Kind::Other,
                "the written row was not answered",
            ))),
        }
    }

    /// The row that the request is about, where a statement answered with it.
    fn returned(&self, answers: &[Rows], holds: &[bool]) -> Option<Vec<Value>> {
        let target = self.job.target();
        let holding = answers.iter().zip(holds).filter(|(_, holds)| **holds).map(|(rows, _)| rows);
        holding
            .flat_map(|rows| (0..rows.len()).map(|n| rows.values(n)))
            .find(|values| self.is_target(&target.row, values))
    }

    /// Its key. One that the database drew is told by RETURNING, or (MySQL) by the first answer.
    fn written_key(&self, answers: &[Rows], holds: &[bool], made: Option<&Image>) -> Option<Key> {
        let plan = self.job.plan();
        let columns = &self.snapshot.schema[plan.table].key;
        let returned = self.returned(answers, holds);
        let drawn = answers.first().and_then(Rows::last_insert_id).and_then(|id| i64::try_from(id).ok());
        let part = |c: &ColumnId| {
            let given = made.and_then(|image| image.value(*c)).cloned();
            let returned = returned.as_ref().and_then(|values| values.get(c.0 as usize)).cloned();
            given.or(returned).or_else(|| drawn.map(Value::Int))
        };
        plan.key.clone().or_else(|| columns.iter().map(part).collect())
    }

    fn is_target(&self, target: &RowRef, values: &[Value]) -> bool {
        match target {
            RowRef::New(_) | RowRef::Created(_) => true,
            RowRef::Existing(key) => {
                let columns = &self.snapshot.schema[self.job.plan().table].key;
                columns.iter().zip(key).all(|(column, value)| values.get(column.0 as usize) == Some(value))
            }
        }
    }

    /// Without a RETURNING to go by: the row is read before the commit.
    fn read_again(&mut self, answers: &[Rows], holds: &[bool], made: Option<&Image>) -> Step<Ended> {
        let plan = self.job.plan();
        let table = &self.snapshot.schema[plan.table];
        let Some(key) = self.written_key(answers, holds, made) else {
            return Step::Done(Ended::Failed(dialects::Error::new(
                Kind::Other,
                "the new row's key is not known",
            )));
        };
        let columns: Vec<_> = table.columns().map(|(id, _)| id).collect();
        let mut select = lookup::select(&self.snapshot.schema, plan.table, &columns);
        select.filter = Some(lookup::key_is(table, &table.key, vec![key]));
        let statements = render(self.snapshot.schema.dialect, &Query::Select(select));
        self.state = State::Rereading;
        Step::Run(statements)
    }

    fn reread(&mut self, answers: &[Rows]) -> Step<Ended> {
        match answers.first().filter(|rows| !rows.is_empty()) {
            Some(rows) => self.end(Written::Row(rows.values(0))),
            None => Step::Done(Ended::Failed(dialects::Error::new(
                Kind::Other,
                "the written row was not found again",
            ))),
        }
    }

    /// Commits, where that did not travel with the writes.
    fn end(&mut self, written: Written) -> Step<Ended> {
        if std::mem::take(&mut self.pending) {
            self.state = State::Committing(written);
            return Step::Commit(Vec::<Statement>::new());
        }
        Step::Done(Ended::Written { written, fired: std::mem::take(&mut self.fired) })
    }
}

/// How many rows a write must meet. What is to go may have gone with what it belonged to.
fn rows(query: &Query) -> Option<u64> {
    match query {
        Query::Insert(insert) => Some(insert.rows.len() as u64),
        Query::Update(update) => Some(update.rows.len() as u64),
        _ => None,
    }
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
