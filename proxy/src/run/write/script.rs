//! One try of a transaction as a machine without I/O: waves of locks, then the attempt that stands, then its writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use dialects::driver::{Script, Step};
use dialects::render::render;
use dialects::sql::Query;
use dialects::{Dialect, Kind, Rows, Statement, Value};
use introspect::ColumnId;
use rules::change::{Action, Change, Image, Key, Reason, RowRef, Violation};
use rules::engine::{Finder, Known, Lookup, Outcome, PathLookup, Phase};

use super::refuse;
use super::{Job, WAVES_MAX, Written};
use crate::jsonapi::{encode, id};
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
    Restart(Knowledge),
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
    fired: BTreeMap<String, u64>,
}

enum State {
    Start,
    Fetching(Wave),
    /// Which of the answers hold the row.
    Writing {
        answers: Vec<bool>,
        /// The row that the request is about, as it was made.
        made: Option<Image>,
    },
    /// MySQL: written, and to be read again before the commit.
    Rereading,
    /// MySQL: read again, being committed.
    Committing(Written),
}

impl Script for Transaction {
    type Output = Ended;

    fn next(&mut self, answer: dialects::Result<Vec<Rows>>) -> Step<Ended> {
        let answers = match answer {
            Ok(answers) => answers,
            Err(error) => return Step::Done(Ended::Failed(error)),
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
            State::Writing { answers: holds, made } => self.written(&answers, &holds, made.as_ref()),
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
            return Step::Done(Ended::Restart(std::mem::take(&mut self.knowledge)));
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
        self.fired = setters(&self.snapshot, changes);
        let writes = change::changes(&self.snapshot.schema, changes, &self.job.target());
        let mut statements = Vec::new();
        let mut answers = Vec::new();
        for write in &writes {
            let rendered = render(self.snapshot.schema.dialect, &write.query);
            answers.extend(rendered.iter().map(|_| write.answers));
            statements.extend(rendered);
        }
        let made = changes.iter().find(|change| change.id == self.job.target() && change.before.is_none());
        let made = made.and_then(|change| change.after.clone());
        self.state = State::Writing { answers, made };
        match self.snapshot.schema.dialect {
            Dialect::Mysql => Step::Run(statements),
            _ => Step::Commit(statements),
        }
    }

    fn written(&mut self, answers: &[Rows], holds: &[bool], made: Option<&Image>) -> Step<Ended> {
        if matches!(self.job.plan().action, Action::Delete) {
            return match self.snapshot.schema.dialect {
                Dialect::Mysql => self.commit(Written::Gone),
                _ => self.end(Written::Gone),
            };
        }
        if self.snapshot.schema.dialect == Dialect::Mysql {
            return self.read_again(answers, made);
        }
        let target = self.job.target();
        let holding = answers.iter().zip(holds).filter(|(_, holds)| **holds).map(|(rows, _)| rows);
        let row = holding
            .flat_map(|rows| (0..rows.len()).map(|n| rows.values(n)))
            .find(|values| self.is_target(&target.row, values));
        // Nothing of it was written: it stays as it was locked.
        match row.or_else(|| self.target_values()) {
            Some(values) => self.end(Written::Row(values)),
            None => Step::Done(Ended::Failed(dialects::Error::new(
                Kind::Other,
                "the written row was not answered",
            ))),
        }
    }

    fn is_target(&self, target: &RowRef, values: &[Value]) -> bool {
        match target {
            RowRef::New(_) => true,
            RowRef::Existing(key) => {
                let columns = &self.snapshot.schema[self.job.plan().table].key;
                columns.iter().zip(key).all(|(column, value)| values.get(column.0 as usize) == Some(value))
            }
        }
    }

    /// Without RETURNING: the row is read before the commit. A key that the database drew is the one it tells.
    fn read_again(&mut self, answers: &[Rows], made: Option<&Image>) -> Step<Ended> {
        let plan = self.job.plan();
        let table = &self.snapshot.schema[plan.table];
        let drawn = answers.first().and_then(Rows::last_insert_id).and_then(|id| i64::try_from(id).ok());
        let part = |c: &ColumnId| {
            let given = made.and_then(|image| image.value(*c)).cloned();
            given.or_else(|| drawn.map(Value::Int))
        };
        let key: Option<Key> = plan.key.clone().or_else(|| table.key.iter().map(part).collect());
        let Some(key) = key else {
            return Step::Done(Ended::Failed(dialects::Error::new(
                Kind::Other,
                "the new row's key is not known",
            )));
        };
        let columns: Vec<_> = table.columns().map(|(id, _)| id).collect();
        let mut select = lookup::select(&self.snapshot.schema, plan.table, &columns);
        select.filter = Some(lookup::key_is(table, &table.key, vec![key]));
        self.state = State::Rereading;
        Step::Run(render(Dialect::Mysql, &Query::Select(select)))
    }

    fn reread(&mut self, answers: &[Rows]) -> Step<Ended> {
        match answers.first().filter(|rows| !rows.is_empty()) {
            Some(rows) => self.commit(Written::Row(rows.values(0))),
            None => Step::Done(Ended::Failed(dialects::Error::new(
                Kind::Other,
                "the written row was not found again",
            ))),
        }
    }

    fn commit(&mut self, written: Written) -> Step<Ended> {
        self.state = State::Committing(written);
        Step::Commit(Vec::<Statement>::new())
    }

    fn end(&mut self, written: Written) -> Step<Ended> {
        Step::Done(Ended::Written { written, fired: std::mem::take(&mut self.fired) })
    }
}

/// The rules that set what is written.
fn setters(snapshot: &Snapshot, changes: &[Change]) -> BTreeMap<String, u64> {
    let mut fired = BTreeMap::new();
    for derivation in &snapshot.rules.derivations {
        let sets = |change: &&Change| {
            change.id.table == derivation.table && change.columns.contains(&derivation.column)
        };
        match changes.iter().filter(sets).count() {
            0 => {}
            times => _ = fired.insert(derivation.name.clone(), times as u64),
        }
    }
    fired
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
