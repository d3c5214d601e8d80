//! Runs a write: in one statement where nothing else can be touched, else as a transaction that discovers, locks, attempts and writes.

mod as_sent;
mod compare;
#[cfg(test)]
mod hazards;
mod horizon;
pub mod mend;
mod refuse;
mod script;
mod simple;
mod stage;
#[cfg(test)]
mod tests;
pub mod virtuals;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use dialects::{Dialect, Kind, Pool};
use introspect::ColumnId;
use rules::change::{Action, Operation, Request};
use rules::engine::{Outcome, Phase};
use rules::policy::Actor;

use crate::observe::{self, Metrics, Part, RetryReason, Spans};
use crate::plan::restrict::{Restricted, Who};
use crate::plan::write::{PlannedOperation, WritePlan};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};
use script::{Ended, Transaction};
pub use watch::Watch;

use super::lookup::{Knowledge, Wave};
use super::receipts::{self, Keyed, Receipt};

/// Most waves of plain reads, and most of locks, in one attempt at a write: deeper chains of tables do not exist.
const WAVES_MAX: usize = 64;

/// Most tries to take a request's key. Who waits for it holds nothing, so there may be more than of the write itself.
const CLAIMS_MAX: u32 = 32;

/// What an operation came to: its row as it is when all of them are done.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// The row as committed.
    Row(WrittenRow),
    /// The row is gone.
    Gone,
}

/// A row that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenRow {
    /// As committed, in full width.
    pub values: Vec<dialects::Value>,
    /// It holds nothing but what was sent, or was there before.
    pub as_sent: bool,
}

/// What a write runs with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The database.
    pub pool: &'a Arc<Pool>,
    /// Schema, rules and settings.
    pub snapshot: &'a Arc<Snapshot>,
    /// What is counted.
    pub metrics: &'a Metrics,
    /// Who wants to know why.
    pub watch: &'a Watch,
    /// Who wants to know how long what took.
    pub spans: Option<&'a Spans>,
    /// Who asks; the snapshot is what they see.
    pub actor: &'a Arc<Actor>,
}

impl Context<'_> {
    /// A part of the request, for its trace.
    fn part(&self, name: &'static str) -> Option<Part<'_>> {
        self.spans.map(|spans| spans.part(name))
    }

    /// Who asks, and what they may do.
    pub fn who(&self) -> Who {
        Who::new(self.snapshot, self.actor)
    }
}

/// Runs a write to its end: what each operation came to, or refused with nothing done.
pub async fn run(
    context: Context<'_>,
    plan: Restricted<WritePlan>,
    request: Request,
) -> Result<Vec<Written>> {
    let outcome = match simple::run(context, &plan).await {
        Some(ended) => ended,
        None => {
            let job = Arc::new(Job { plan, request, watch: context.watch.clone(), keyed: None });
            // Without a key nobody else can have it.
            run_transaction(context, &job).await.map(Option::unwrap_or_default)
        }
    };
    count(context, &outcome);
    outcome
}

/// What a write with a key came to.
#[derive(Debug)]
pub enum Once {
    /// It was written now.
    Written(Vec<Written>),
    /// It was written before: what was answered then.
    Before(Receipt),
}

/// Runs a write to its end unless it was done before under the same key.
pub async fn run_once(
    context: Context<'_>,
    plan: Restricted<WritePlan>,
    request: Request,
    keyed: Keyed,
) -> Result<Once> {
    let job = Arc::new(Job { plan, request, watch: context.watch.clone(), keyed: Some(keyed.clone()) });
    for tries in 1..=CLAIMS_MAX {
        if let Some(receipt) = receipts::find(context.pool, &keyed.key).await? {
            return Ok(Once::Before(receipt));
        }
        // Where somebody else has had the key, there is a receipt by now, or the key is free again.
        if let Some(outcome) = run_transaction(context, &job).await.transpose() {
            count(context, &outcome);
            return outcome.map(Once::Written);
        }
        tokio::time::sleep(pause(tries)).await;
    }
    Err(Error::new(ErrorCode::Contention, "Others kept sending the same request.").into())
}

fn count(context: Context<'_>, outcome: &Result<Vec<Written>>) {
    context.metrics.transaction(match &outcome {
        Ok(_) => observe::Outcome::Committed,
        Err(errors) if errors.iter().any(|e| e.code == ErrorCode::CommitUnknown) => observe::Outcome::Unknown,
        Err(errors) if errors.status() >= 500 => observe::Outcome::Failed,
        Err(_) => observe::Outcome::Refused,
    });
}

/// One write, over all its tries.
pub(super) struct Job {
    pub(super) plan: Restricted<WritePlan>,
    pub(super) request: Request,
    pub(super) watch: Watch,
    /// What it is to be done once under.
    pub(super) keyed: Option<Keyed>,
}

impl Job {
    pub(super) fn plan(&self) -> &WritePlan {
        self.plan.plan()
    }
}

/// The request of a plan.
pub fn request(plan: &Restricted<WritePlan>, now: chrono::NaiveDateTime, snapshot: &Snapshot) -> Request {
    let operation =
        |planned: &PlannedOperation| Operation { id: planned.id.clone(), action: planned.action.clone() };
    Request {
        operations: plan.plan().operations.iter().map(operation).collect(),
        now,
        actor: Actor::clone(&plan.who().actor),
        guard: plan.guard().cloned(),
        rows_max: snapshot.limits.transaction_rows,
    }
}

/// `None`: another transaction has, or had, the same key.
async fn run_transaction(context: Context<'_>, job: &Arc<Job>) -> Result<Option<Vec<Written>>> {
    let mut knowledge = Knowledge::default();
    let (mut conflicts, mut taken) = (0, 0);
    let mut discovered = false;
    for tries in 1..=WAVES_MAX {
        if discovered || must_discover(context.snapshot, job.plan()) {
            discover(context, job, &mut knowledge).await?;
            discovered = true;
        }
        let known = std::mem::take(&mut knowledge);
        let script = Transaction::new(context.snapshot.clone(), job.clone(), known, discovered);
        let mut part = context.part("transaction");
        let started = Instant::now();
        let ended = context.pool.transact(script).await.unwrap_or_else(Ended::Failed);
        context.metrics.query("transaction", started.elapsed());
        if let Some(part) = &mut part {
            part.count("rulegate.try", tries as u64);
            part.say("rulegate.outcome", ended.word());
        }
        drop(part);
        match ended {
            Ended::Written { written, fired } => {
                fired.iter().for_each(|(rule, times)| context.metrics.rule_fired(rule, *times));
                return Ok(Some(written));
            }
            Ended::Claimed => return Ok(None),
            Ended::Refused { errors, fired } => {
                fired.iter().for_each(|rule| context.metrics.rule_fired(rule, 1));
                return Err(errors);
            }
            Ended::Restart(known) => (knowledge, discovered) = again(context, *known),
            Ended::Taken { known, refused } => {
                taken += 1;
                if taken > context.snapshot.limits.tries {
                    return Err(refused.into());
                }
                (knowledge, discovered) = again(context, *known);
            }
            Ended::Failed(error) if error.kind == Kind::Conflict => {
                context.metrics.lock_conflict();
                conflicts += 1;
                if conflicts >= context.snapshot.limits.tries {
                    return Err(contention(&error));
                }
                context.metrics.retry(RetryReason::Conflict);
                tokio::time::sleep(pause(conflicts)).await;
            }
            Ended::Failed(error) => return Err(refuse::database(context.snapshot, job.plan(), error).into()),
        }
    }
    Err(Error::new(ErrorCode::Contention, "The rows that this change reaches kept changing.").into())
}

/// From the beginning with what is known, and whether that was discovered.
fn again(context: Context<'_>, mut known: Knowledge) -> (Knowledge, bool) {
    context.metrics.retry(RetryReason::Restart);
    known.unlock();
    (known, context.snapshot.schema.dialect != Dialect::Sqlite)
}

/// Some milliseconds, more after each try, never the same for two.
fn pause(tries: u32) -> Duration {
    let most = 2_u64.saturating_pow(tries.min(7)).saturating_mul(4);
    Duration::from_micros(fastrand::u64(500..most.saturating_mul(1000)))
}

fn contention(error: &dialects::Error) -> crate::Errors {
    let detail = "Other changes of the same rows kept getting in the way.";
    Error::new(ErrorCode::Contention, detail).logged(error.to_string()).into()
}

/// Whether rows must be found by plain reads before they can be locked in order. Not on SQLite, whose writer is alone, and not where a change only goes up,
/// from what feeds to what is fed: each lock tells the key of the next. What one of several operations leads to may stand before what another names.
fn must_discover(snapshot: &Snapshot, plan: &WritePlan) -> bool {
    if snapshot.schema.dialect == Dialect::Sqlite {
        return false;
    }
    match plan.operations.as_slice() {
        [operation] => reaches_unknown(snapshot, operation),
        _ => true,
    }
}

fn reaches_unknown(snapshot: &Snapshot, operation: &PlannedOperation) -> bool {
    let (facts, table) = (&snapshot.facts, operation.id.table);
    match &operation.action {
        Action::Relate(_) => true,
        Action::Delete => !facts.referrers(table).is_empty(),
        Action::Insert(_) => {
            facts.fed_by(table).iter().any(|(table, columns)| facts.reaches_down(*table, columns))
        }
        Action::Update(values) => {
            let columns: Vec<ColumnId> = values.keys().copied().collect();
            facts.reaches_down(table, &columns)
        }
    }
}

/// Plain reads, wave by wave, until the engine knows every row that the change reaches. Where a wave is one flush, the first one also
/// reads the rows further up, by the way to them.
async fn discover(context: Context<'_>, job: &Job, knowledge: &mut Knowledge) -> Result<()> {
    let mut paths = match context.snapshot.schema.dialect.pipelines() {
        true => context.snapshot.engine().reach(&job.request),
        false => Vec::new(),
    };
    let mut part = context.part("discovery");
    for waves in 1..=WAVES_MAX {
        match context.snapshot.engine().attempt(&job.request, &knowledge.rows, Phase::Discover) {
            Outcome::Need(lookups) => {
                let paths = std::mem::take(&mut paths);
                let (wave, statements) = Wave::new(context.snapshot, knowledge, &lookups, &paths, false);
                let started = Instant::now();
                let answers = context.pool.run(statements).await?;
                context.metrics.query("discover", started.elapsed());
                knowledge.absorb(context.snapshot, wave, &answers, false);
                if let Some(part) = &mut part {
                    part.count("rulegate.wave", waves as u64);
                }
            }
            Outcome::Done(_) | Outcome::Violated(_) => {
                // What was not there a moment ago may be there under the locks.
                knowledge.unlock();
                return Ok(());
            }
        }
    }
    Err(Error::new(ErrorCode::Internal, "The change reaches ever more rows.").into())
}
