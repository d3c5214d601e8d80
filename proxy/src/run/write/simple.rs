//! The simple case: a write that no rule, check or condition looks at is one statement and its commit, in one flush.

use std::time::Instant;

use dialects::render::render;
use dialects::sql::{Delete, Insert, Query, Update};
use dialects::{Kind, Rows, Script, Statement, Step, Value, ValueType};
use introspect::ColumnId;
use rules::change::Action;

use super::{Context, Written, refuse};
use crate::Result;
use crate::jsonapi::id;
use crate::observe::RetryReason;
use crate::plan::lower::change::all;
use crate::plan::lower::lookup::typed;
use crate::plan::write::{WritePlan, not_found};
use crate::state::Snapshot;

/// The statement, where one is enough.
fn statement(snapshot: &Snapshot, plan: &WritePlan) -> Option<Statement> {
    let table = &snapshot.schema[plan.table];
    let watched = plan.condition.is_some() || !plan.unchanged.is_empty() || table.triggers;
    // A column's collation may take a text for another: the row must be looked at before it is touched.
    let loose =
        plan.key.is_some() && table.key.iter().any(|c| matches!(table[*c].ty, ValueType::Text { .. }));
    if watched || loose || !snapshot.schema.dialect.returning() {
        return None;
    }
    let query = match &plan.action {
        Action::Insert(values) => {
            insert(snapshot, plan, values.keys().copied().collect(), values.values().cloned().collect())
        }
        Action::Update(values) => {
            update(snapshot, plan, values.keys().copied().collect(), values.values().cloned().collect())
        }
        Action::Delete => delete(snapshot, plan),
    }?;
    let mut statements = render(snapshot.schema.dialect, &query);
    (statements.len() == 1).then(|| statements.pop()).flatten()
}

fn insert(
    snapshot: &Snapshot,
    plan: &WritePlan,
    columns: Vec<ColumnId>,
    values: Vec<Value>,
) -> Option<Query> {
    let table = &snapshot.schema[plan.table];
    let quiet = !snapshot.facts.insertion_matters(plan.table);
    quiet.then(|| {
        Query::Insert(Insert {
            table: table.db.clone(),
            columns: typed(table, &columns),
            rows: vec![values],
            returning: all(table),
        })
    })
}

fn update(
    snapshot: &Snapshot,
    plan: &WritePlan,
    columns: Vec<ColumnId>,
    values: Vec<Value>,
) -> Option<Query> {
    let table = &snapshot.schema[plan.table];
    let quiet = !columns.is_empty() && !snapshot.facts.matters(plan.table, &columns);
    let key = plan.key.clone().filter(|_| quiet)?;
    Some(Query::Update(Update {
        table: table.db.clone(),
        key: typed(table, &table.key),
        set: typed(table, &columns),
        rows: vec![(key, values)],
        guard: None,
        returning: all(table),
    }))
}

fn delete(snapshot: &Snapshot, plan: &WritePlan) -> Option<Query> {
    let table = &snapshot.schema[plan.table];
    let quiet = !snapshot.facts.removal_matters(plan.table);
    let key = plan.key.clone().filter(|_| quiet)?;
    Some(Query::Delete(Delete {
        table: table.db.clone(),
        key: typed(table, &table.key),
        rows: vec![key],
        guard: None,
        returning: all(table),
    }))
}

/// Runs the one statement. `None`: one is not enough; or a foreign key refused it, and the engine can tell which; or it met another
/// write, and is to be tried again.
pub(super) async fn run(context: Context<'_>, plan: &WritePlan) -> Option<Result<Written>> {
    let statement = statement(context.snapshot, plan)?;
    let started = Instant::now();
    // On a connection of its own: a write that waits for a row must not hold up the reads on a shared one.
    let answer = context.pool.transact(Single(Some(statement))).await.unwrap_or_else(Err);
    context.metrics.query("write", started.elapsed());
    match answer {
        Err(error) if error.kind == Kind::ForeignKey => None,
        Err(error) if error.kind == Kind::Conflict => {
            context.metrics.lock_conflict();
            context.metrics.retry(RetryReason::Conflict);
            None
        }
        Err(error) => Some(Err(refuse::database(context.snapshot, plan, error).into())),
        Ok(answers) => Some(ended(context.snapshot, plan, answers.first())),
    }
}

/// A transaction of one statement.
struct Single(Option<Statement>);

impl Script for Single {
    type Output = dialects::Result<Vec<Rows>>;

    fn next(&mut self, answer: dialects::Result<Vec<Rows>>) -> Step<Self::Output> {
        match self.0.take() {
            Some(statement) => Step::Commit(vec![statement]),
            None => Step::Done(answer),
        }
    }
}

fn ended(snapshot: &Snapshot, plan: &WritePlan, rows: Option<&Rows>) -> Result<Written> {
    match (rows.filter(|rows| !rows.is_empty()), &plan.action) {
        (Some(_), Action::Delete) => Ok(Written::Gone),
        (Some(rows), _) => Ok(Written::Row(rows.values(0))),
        (None, _) => {
            let key = plan.key.clone().unwrap_or_default();
            Err(not_found(snapshot, plan.table, &id::format(&snapshot.schema[plan.table], &key)))
        }
    }
}
