//! Mends rows of a derived column: as one transaction that discovers, locks, looks what is right, and writes, like any other write.

use std::collections::BTreeSet;
use std::sync::Arc;

use dialects::driver::{Script, Step};
use dialects::render::render;
use dialects::{Dialect, Kind, Pool, Rows, Statement};
use rules::change::{Change, Reason, Violation};
use rules::engine::{Lookup, Mend, Outcome, Phase};

use super::compare::Comparison;
use super::horizon::Horizon;
use super::{WAVES_MAX, pause};
use crate::plan::lower::change;
use crate::run::lookup::{Knowledge, Wave};
use crate::state::Snapshot;

/// Mends some rows together. `Ok(Err(why))`: nothing was done, because of one of them at least. `Err`: the database is away.
pub async fn run(
    pool: &Pool,
    snapshot: &Arc<Snapshot>,
    mend: &Arc<Mend>,
) -> dialects::Result<Result<(), String>> {
    let mut knowledge = Knowledge::default();
    let mut conflicts = 0;
    for _ in 0..WAVES_MAX {
        if snapshot.schema.dialect != Dialect::Sqlite {
            discover(pool, snapshot, mend, &mut knowledge).await?;
        }
        let script = Transaction::new(snapshot.clone(), mend.clone(), std::mem::take(&mut knowledge));
        match pool.transact(script).await.unwrap_or_else(Ended::Failed) {
            Ended::Written => return Ok(Ok(())),
            Ended::Refused(why) => return Ok(Err(why)),
            Ended::Restart(known) => {
                knowledge = *known;
                knowledge.unlock();
            }
            Ended::Failed(error) => match error.kind {
                Kind::Conflict if conflicts < snapshot.limits.tries => {
                    conflicts += 1;
                    tokio::time::sleep(pause(conflicts)).await;
                }
                Kind::Conflict => break,
                Kind::Unique
                | Kind::ForeignKey
                | Kind::Referenced
                | Kind::NotNull
                | Kind::Check
                | Kind::Data => {
                    return Ok(Err(error.to_string()));
                }
                _ => return Err(error),
            },
        }
    }
    Ok(Err("other changes of the same rows kept getting in the way".into()))
}

/// Plain reads, wave by wave, until the engine knows every row that is reached.
async fn discover(
    pool: &Pool,
    snapshot: &Arc<Snapshot>,
    mend: &Mend,
    knowledge: &mut Knowledge,
) -> dialects::Result<()> {
    for _ in 0..WAVES_MAX {
        let Outcome::Need(lookups) = snapshot.engine().mend(mend, &knowledge.rows, Phase::Discover) else {
            break;
        };
        let (wave, statements) = Wave::new(snapshot, knowledge, &lookups, &[], false);
        let answers = pool.run(statements).await?;
        knowledge.absorb(snapshot, wave, &answers, false);
    }
    knowledge.unlock();
    Ok(())
}

/// How a try ended.
enum Ended {
    Written,
    Refused(String),
    /// A row that stands earlier in the lock order turned out to be needed: again, with what is known.
    Restart(Box<Knowledge>),
    Failed(dialects::Error),
}

/// The machine.
struct Transaction {
    snapshot: Arc<Snapshot>,
    mend: Arc<Mend>,
    knowledge: Knowledge,
    state: State,
    horizon: Horizon,
    waves: usize,
}

enum State {
    Start,
    Fetching(Wave),
    /// So many rows are to be met.
    Writing(u64, Option<Comparison>),
    Comparing(Comparison),
    Committing,
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
                self.knowledge.absorb(&self.snapshot, wave, &answers, true);
                self.attempt()
            }
            State::Writing(rows, comparison) => self.written(&answers, rows, comparison),
            State::Comparing(comparison) => match comparison.differs(&self.snapshot, &answers) {
                Some(error) => Step::Done(Ended::Refused(error.to_string())),
                None => self.commit(),
            },
            State::Committing => Step::Done(Ended::Written),
        }
    }
}

impl Transaction {
    fn new(snapshot: Arc<Snapshot>, mend: Arc<Mend>, knowledge: Knowledge) -> Self {
        Self { snapshot, mend, knowledge, state: State::Start, horizon: Horizon::default(), waves: 0 }
    }

    fn attempt(&mut self) -> Step<Ended> {
        let snapshot = self.snapshot.clone();
        match snapshot.engine().mend(&self.mend, &self.knowledge.rows, Phase::Locked) {
            Outcome::Need(lookups) => self.fetch(&lookups),
            Outcome::Violated(violations) => Step::Done(Ended::Refused(told(&snapshot, &violations))),
            Outcome::Done(changes) => self.write(&changes),
        }
    }

    fn fetch(&mut self, lookups: &[Lookup]) -> Step<Ended> {
        self.waves += 1;
        if self.waves > WAVES_MAX || !self.horizon.in_order(&self.snapshot, lookups) {
            return Step::Done(Ended::Restart(Box::new(std::mem::take(&mut self.knowledge))));
        }
        let (wave, statements) = Wave::new(&self.snapshot, &self.knowledge, lookups, &[], true);
        self.state = State::Fetching(wave);
        Step::Run(statements)
    }

    fn write(&mut self, changes: &[Change]) -> Step<Ended> {
        if changes.is_empty() {
            return Step::Done(Ended::Written);
        }
        // Nobody asks for a row to be answered.
        let writes = change::changes(&self.snapshot.schema, changes, &BTreeSet::new());
        let dialect = self.snapshot.schema.dialect;
        let statements: Vec<Statement> =
            writes.iter().flat_map(|write| render(dialect, &write.query)).collect();
        self.state = State::Writing(changes.len() as u64, Comparison::of(&self.snapshot, changes));
        Step::Run(statements)
    }

    /// Every row was met; where a trigger may have changed it, it is read again.
    fn written(&mut self, answers: &[Rows], rows: u64, comparison: Option<Comparison>) -> Step<Ended> {
        if answers.iter().map(Rows::affected).sum::<u64>() != rows {
            let words = "a statement met fewer rows than were locked for it";
            return Step::Done(Ended::Failed(dialects::Error::new(Kind::Other, words)));
        }
        match comparison {
            None => self.commit(),
            Some(comparison) => {
                let statements = comparison.statements(&self.snapshot);
                self.state = State::Comparing(comparison);
                Step::Run(statements)
            }
        }
    }

    fn commit(&mut self) -> Step<Ended> {
        self.state = State::Committing;
        Step::Commit(Vec::new())
    }
}

/// Why nothing can be done, for the operator: rules are named as declared.
fn told(snapshot: &Snapshot, violations: &[Violation]) -> String {
    let one = |violation: &Violation| {
        let table = &snapshot.schema[violation.id.table];
        match &violation.reason {
            Reason::Overflow { column, why } => format!("{}.{} {why}", table.name, table[*column].name),
            Reason::Uncomputable { rule, why } => format!("{rule}: {why}"),
            Reason::TooManyRows { rows_max } => {
                format!("it would touch more than {rows_max} rows (limits.transaction_rows)")
            }
            reason => format!("{}: {reason:?}", table.name),
        }
    };
    violations.iter().map(one).collect::<Vec<_>>().join("; ")
}
