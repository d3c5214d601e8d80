//! Verifies rules against the stored rows, batch by batch, in dependency order: a derivation is compared with what its inputs are stored as.
//!
//! Each batch is one statement over a range of keys, which sees one moment of the database: while every writer keeps the rules it finds
//! nothing, however many there are. Nothing is held in memory but a batch. After each batch the place is noted (where `rulegate setup` has
//! made the table for it), so that a run that was cut off can go on.
//!
//! Repair mends each batch before the next is looked at (`repair`): a derivation is right in all rows before one that reads it begins.

pub mod memory;
mod repair;
mod report;

use std::ops::ControlFlow;
use std::sync::Arc;

use dialects::render::render;
use dialects::sql::{Query, Select};
use dialects::{Cell, Kind, Pool, Rows, Statement, Value};
use introspect::TableId;
use rules::change::Key;
use rules::expr::eval;

use crate::jsonapi::id;
use crate::plan::lower::verify as lower;
use crate::plan::names;
use crate::plan::verify::{self as plan, Range, Rule, Subject, Verification};
use crate::state::Snapshot;
use memory::{Memory, Progress, Record};
pub use report::{Exception, Finding, Report, RuleReport};

/// How to verify.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Most rows looked at by one statement.
    pub batch_rows: u64,
    /// Most rows listed for one rule.
    pub listed_max: usize,
    /// Mend what differs.
    pub repair: bool,
    /// Go on where an interrupted run stopped.
    pub resume: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { batch_rows: 10_000, listed_max: 20, repair: false, resume: false }
    }
}

/// Why nothing more can be told.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database did not do what it was asked.
    #[error("verifying {rule}: {error}")]
    Database {
        /// The rule under way.
        rule: String,
        /// What it said.
        error: Box<dialects::Error>,
    },
    /// What was verified cannot be read or written.
    #[error("remembering what was verified: {0}")]
    Memory(dialects::Error),
    /// A rule has no form in SQL.
    #[error("verifying {rule}: {why}")]
    Plan {
        /// The rule.
        rule: String,
        /// Why not.
        why: String,
    },
    /// Going on was asked for, where nothing is remembered.
    #[error("there is no run to go on with: `rulegate setup` makes the table in which its place is noted")]
    NothingRemembered,
}

/// What is told on the way.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// A rule is done as far as this.
    Batch(&'a RuleReport),
    /// A rule is done.
    Rule(&'a RuleReport),
}

/// Is told what happens, and says whether to go on.
pub type Watch<'a> = &'a mut (dyn FnMut(News<'_>) -> ControlFlow<()> + Send);

/// What a run works with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The database.
    pub pool: &'a Arc<Pool>,
    /// Schema and rules.
    pub snapshot: &'a Arc<Snapshot>,
}

/// Verifies every rule that can be.
pub async fn run(context: Context<'_>, options: Options, watch: Watch<'_>) -> Result<Report, Failure> {
    let rules = plan::rules(&context.snapshot.rules);
    let memory = memory::read(context.pool).await.map_err(Failure::Memory)?;
    if options.resume && memory.is_none() {
        return Err(Failure::NothingRemembered);
    }
    let mut run = Run { context, options, memory, resumed: false };
    run.begin(&rules).await?;
    let mut report = Report { remembered: run.memory.is_some(), resumed: run.resumed, ..Report::default() };
    for rule in &rules {
        let (done, flow) = run.rule(rule, watch).await?;
        report.rules.push(done);
        if flow.is_break() {
            report.stopped = true;
            break;
        }
    }
    Ok(report)
}

struct Run<'a> {
    context: Context<'a>,
    options: Options,
    memory: Option<Memory>,
    resumed: bool,
}

impl Run<'_> {
    /// Notes what is ahead, unless a run that was cut off has left its place.
    async fn begin(&mut self, rules: &[Rule<'_>]) -> Result<(), Failure> {
        let Some(memory) = &mut self.memory else { return Ok(()) };
        let verifiable = rules.iter().filter_map(|rule| Some((rule, rule.verification.ok()?)));
        let mut ahead = Vec::new();
        for (rule, verification) in verifiable {
            ahead.push((fingerprint(self.context.snapshot, rule.name, &verification)?, rule.name));
        }
        self.resumed = self.options.resume
            && ahead.iter().any(|(print, _)| memory.interrupted(print, self.options.repair));
        for (fingerprint, name) in ahead {
            if self.resumed && memory.record(&fingerprint).is_some() {
                continue;
            }
            let mut record =
                memory.record(&fingerprint).cloned().unwrap_or_else(|| Record::new(fingerprint, name));
            record.progress = Some(Progress { repair: self.options.repair, ..Progress::default() });
            memory.save(self.context.pool, record).await.map_err(Failure::Memory)?;
        }
        Ok(())
    }

    async fn rule(
        &mut self,
        rule: &Rule<'_>,
        watch: Watch<'_>,
    ) -> Result<(RuleReport, ControlFlow<()>), Failure> {
        let mut report = RuleReport::new(rule);
        let flow = match rule.verification {
            Err(_) => ControlFlow::Continue(()),
            Ok(verification) => self.verify(&verification, &mut report, watch).await?,
        };
        if flow.is_break() {
            return Ok((report, flow));
        }
        let flow = watch(News::Rule(&report));
        Ok((report, flow))
    }

    async fn verify(
        &mut self,
        verification: &Verification<'_>,
        report: &mut RuleReport,
        watch: Watch<'_>,
    ) -> Result<ControlFlow<()>, Failure> {
        let record = self.record(verification, report)?;
        let mut after = None;
        if let Some(record) = record.filter(|_| self.resumed) {
            match record.progress {
                None => {
                    report.earlier(&record);
                    return Ok(ControlFlow::Continue(()));
                }
                Some(progress) => {
                    after = progress.after.as_deref().and_then(|id| self.key(verification.table(), id));
                    report.goes_on_from(&progress);
                }
            }
        }
        loop {
            let more = self.batch(verification, report, &mut after).await?;
            self.note(verification, report, more.then_some(after.as_ref()).flatten()).await?;
            if !more {
                return Ok(ControlFlow::Continue(()));
            }
            if watch(News::Batch(report)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// Looks at the next rows. Whether there may be more after them.
    async fn batch(
        &self,
        verification: &Verification<'_>,
        report: &mut RuleReport,
        after: &mut Option<Key>,
    ) -> Result<bool, Failure> {
        let asking = Asking { context: self.context, verification };
        let ahead = Range { after: after.clone(), upto: None };
        let upto = asking.nth_key(&ahead, self.options.batch_rows).await.map_err(failed(report))?;
        let rows = match upto {
            Some(_) => self.options.batch_rows,
            None => asking.count(&ahead).await.map_err(failed(report))?,
        };
        let range = Range { upto, ..ahead };
        let found = asking.exceptions(range.clone(), rows).await?;
        let left = match verification.subject() {
            Subject::Derivation { index, .. } if self.options.repair => {
                let keys = found.iter().map(|(key, _)| key.clone()).collect();
                Some(repair::mend(self.context, index, keys).await.map_err(failed(report))?)
            }
            _ => None,
        };
        let table = &self.context.snapshot.schema[verification.table()];
        report.take(table, rows, found, left, self.options.listed_max);
        *after = range.upto;
        Ok(after.is_some())
    }

    fn key(&self, table: TableId, id: &str) -> Option<Key> {
        let schema = &self.context.snapshot.schema;
        id::parse(schema.dialect, &schema[table], id)
    }

    fn record(
        &self,
        verification: &Verification<'_>,
        report: &RuleReport,
    ) -> Result<Option<Record>, Failure> {
        let Some(memory) = &self.memory else { return Ok(None) };
        let fingerprint = fingerprint(self.context.snapshot, &report.name, verification)?;
        Ok(memory.record(&fingerprint).cloned())
    }

    /// Notes the place, or that the rule is done.
    async fn note(
        &mut self,
        verification: &Verification<'_>,
        report: &RuleReport,
        after: Option<&Key>,
    ) -> Result<(), Failure> {
        let Some(mut record) = self.record(verification, report)? else { return Ok(()) };
        let table = &self.context.snapshot.schema[verification.table()];
        match after {
            Some(key) => record.progress = Some(report.progress(self.options.repair, id::format(table, key))),
            None => record.is_done(report),
        }
        let Some(memory) = &mut self.memory else { return Ok(()) };
        memory.save(self.context.pool, record).await.map_err(Failure::Memory)
    }
}

/// What stands for a rule's meaning: the question that is put to the database, and its name.
pub(crate) fn fingerprint(
    snapshot: &Snapshot,
    name: &str,
    verification: &Verification<'_>,
) -> Result<String, Failure> {
    let select =
        lower::exceptions(&snapshot.schema, verification, &Range::default()).map_err(unplanned(name))?;
    let statements = render(snapshot.schema.dialect, &Query::Select(select));
    let text: Vec<String> = statements.iter().map(|s| format!("{}\0{:?}", s.text, s.params)).collect();
    Ok(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(format!("{name}\0{}", text.join("\0")).as_bytes())))
}

fn unplanned(rule: &str) -> impl Fn(crate::Errors) -> Failure {
    move |errors| Failure::Plan {
        rule: rule.to_owned(),
        why: errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

fn failed(report: &RuleReport) -> impl Fn(dialects::Error) -> Failure {
    let rule = report.name.clone();
    move |error| Failure::Database { rule: rule.clone(), error: Box::new(error) }
}

/// One rule's questions to the database.
struct Asking<'a> {
    context: Context<'a>,
    verification: &'a Verification<'a>,
}

impl Asking<'_> {
    fn name(&self) -> &str {
        match self.verification.subject() {
            Subject::Derivation { derivation, .. } => &derivation.name,
            Subject::Constraint(constraint) => &constraint.name,
        }
    }

    async fn ask(&self, select: Select) -> dialects::Result<Rows> {
        let statements: Vec<Statement> = render(self.context.pool.dialect(), &Query::Select(select));
        Ok(self.context.pool.run(statements).await?.into_iter().next().unwrap_or_default())
    }

    async fn nth_key(&self, range: &Range, n: u64) -> dialects::Result<Option<Key>> {
        let rows =
            self.ask(lower::nth_key(&self.context.snapshot.schema, self.verification, range, n)).await?;
        Ok((!rows.is_empty()).then(|| rows.values(0)))
    }

    async fn count(&self, range: &Range) -> dialects::Result<u64> {
        let rows = self.ask(lower::count(&self.context.snapshot.schema, self.verification, range)).await?;
        match rows.cell(0, 0) {
            Cell::Int(number) => Ok(u64::try_from(number).unwrap_or(0)),
            _ => Ok(0),
        }
    }

    /// The exceptions among the rows of a range. Where the database cannot compute the rule for one of them (a division by zero), the range is
    /// halved until that row stands alone.
    async fn exceptions(&self, range: Range, rows: u64) -> Result<Vec<(Key, Finding)>, Failure> {
        let failed = |error| Failure::Database { rule: self.name().to_owned(), error: Box::new(error) };
        let schema = &self.context.snapshot.schema;
        let mut found = Vec::new();
        let mut ranges = vec![(range, rows)];
        while let Some((range, rows)) = ranges.pop() {
            let select =
                lower::exceptions(schema, self.verification, &range).map_err(unplanned(self.name()))?;
            match self.ask(select).await {
                Ok(answer) => found.extend(self.findings(&answer)),
                Err(error) if error.kind == Kind::Data => {
                    let half = (rows / 2).max(1);
                    let Some(middle) = self.nth_key(&range, half).await.map_err(failed)? else { continue };
                    if rows <= 1 {
                        found.push((middle, Finding::Uncomputable("the database cannot compute it".into())));
                        continue;
                    }
                    ranges.push((Range { after: Some(middle.clone()), ..range.clone() }, rows - half));
                    ranges.push((Range { upto: Some(middle), ..range }, half));
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(found)
    }

    fn findings(&self, answer: &Rows) -> Vec<(Key, Finding)> {
        let rows = (0..answer.len()).map(|n| answer.values(n));
        rows.filter_map(|mut values| {
            let rest = values.split_off(
                self.context.snapshot.schema[self.verification.table()].key.len().min(values.len()),
            );
            Some((values, self.finding(rest)?))
        })
        .collect()
    }

    /// What a row of an answer says. Nothing, where both sides are one value in two spellings.
    fn finding(&self, values: Vec<Value>) -> Option<Finding> {
        match self.verification.subject() {
            Subject::Constraint(_) => Some(Finding::Breaks(self.names().into_iter().zip(values).collect())),
            Subject::Derivation { derivation, .. } => {
                let schema = &self.context.snapshot.schema;
                let column = &schema[derivation.table][derivation.column];
                let [stored, expected] = <[Value; 2]>::try_from(values).ok()?;
                match eval::fit(expected, column, schema.dialect) {
                    Ok(expected) if expected == stored => None,
                    Ok(expected) => Some(Finding::Differs { stored, expected }),
                    Err(why) => Some(Finding::Uncomputable(format!("the value {why}"))),
                }
            }
        }
    }

    /// What the columns that a check reads are called: `customer.credit_limit`.
    fn names(&self) -> Vec<String> {
        let schema = &self.context.snapshot.schema;
        let table = self.verification.table();
        self.verification.shown().iter().map(|place| names::spelled(schema, table, place)).collect()
    }
}
