//! The simple case: a write that no rule, check or condition looks at is one statement and its commit, in one flush.

use std::collections::BTreeMap;
use std::time::Instant;

use dialects::render::render;
use dialects::{Kind, Rows, Script, Statement, Step, Value, ValueType};
use introspect::schema::Relationship;
use introspect::{ColumnId, Table, TableId};
use rules::Trace;
use rules::change::{Action, Change, Image};

use super::{Context, Written, WrittenRow, as_sent, refuse};
use crate::Result;
use crate::jsonapi::id;
use crate::observe::RetryReason;
use crate::plan::lower::change;
use crate::plan::restrict::Restricted;
use crate::plan::write::{PlannedOperation, WritePlan, not_found};
use crate::state::Snapshot;

/// The statement, where one is enough.
fn statement(snapshot: &Snapshot, plan: &PlannedOperation) -> Option<Statement> {
    let table = &snapshot.schema[plan.id.table];
    let watched =
        plan.condition.is_some() || !plan.unchanged.is_empty() || table.triggers || table.triggers_trusted;
    // A column's collation may take a text for another: the row must be looked at before it is touched.
    let loose =
        plan.id.key().is_some() && table.key.iter().any(|c| matches!(table[*c].ty, ValueType::Text { .. }));
    if watched || loose || !snapshot.schema.dialect.returning() || !quiet(snapshot, plan) {
        return None;
    }
    let writes = change::changes(&snapshot.schema, &[as_change(table, plan)], &[plan.id.clone()].into());
    let mut statements = writes.iter().flat_map(|write| render(snapshot.schema.dialect, &write.query));
    match (statements.next(), statements.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// Whether nothing that rules or foreign key actions look at moves, and no foreign key is set that the database does not know.
fn quiet(snapshot: &Snapshot, plan: &PlannedOperation) -> bool {
    match &plan.action {
        Action::Insert(values) => {
            !snapshot.facts.insertion_matters(plan.id.table) && names_known(snapshot, plan.id.table, values)
        }
        Action::Update(values) => {
            let columns: Vec<ColumnId> = values.keys().copied().collect();
            !columns.is_empty()
                && !snapshot.facts.matters(plan.id.table, &columns)
                && names_known(snapshot, plan.id.table, values)
        }
        Action::Delete => !snapshot.facts.removal_matters(plan.id.table),
        Action::Relate(_) => false,
    }
}

/// Whether the database itself looks for every row that the values name: it knows no foreign key that the model file alone declares.
fn names_known(snapshot: &Snapshot, table: TableId, values: &BTreeMap<ColumnId, Value>) -> bool {
    let table = &snapshot.schema[table];
    let sets = |relationship: &Relationship| {
        relationship.columns.iter().any(|column| values.get(column).is_some_and(|value| !value.is_null()))
    };
    table.relationships().all(|(_, r)| !r.to_one() || table.enforces(r) || !sets(r))
}

/// The change that the engine would come to, without the row as it was: nothing needs it.
fn as_change(table: &Table, plan: &PlannedOperation) -> Change {
    let row = || Image::empty(table.columns.len());
    let (after, columns) = match &plan.action {
        Action::Insert(values) | Action::Update(values) => {
            let mut image = row();
            values.iter().for_each(|(column, value)| image.set(*column, value.clone()));
            (Some(image), values.keys().copied().collect())
        }
        Action::Delete | Action::Relate(_) => (None, Vec::new()),
    };
    Change { id: plan.id.clone(), before: plan.id.key().map(|_| row()), after, columns }
}

/// Runs the one statement. `None`: one is not enough; or a foreign key refused it, and the engine can tell which; or it met another
/// write, and is to be tried again.
pub(super) async fn run(
    context: Context<'_>,
    restricted: &Restricted<WritePlan>,
) -> Option<Result<Vec<Written>>> {
    let whole = restricted.plan();
    let [plan] = whole.operations.as_slice() else { return None };
    if !restricted.is_free() {
        return None;
    }
    let statement = statement(context.snapshot, plan).filter(|_| !context.watch.asked())?;
    let started = Instant::now();
    // On a connection of its own: a write that waits for a row must not hold up the reads on a shared one.
    let answer = context.pool.transact(Single(Some(statement))).await.unwrap_or_else(Err);
    context.metrics.query("write", started.elapsed());
    match answer {
        Err(error) if matches!(error.kind, Kind::ForeignKey | Kind::Referenced) => None,
        Err(error) if error.kind == Kind::Conflict => {
            context.metrics.lock_conflict();
            context.metrics.retry(RetryReason::Conflict);
            None
        }
        Err(error) => Some(Err(refuse::database(context.snapshot, whole, error).into())),
        Ok(answers) => {
            // No rule looks at it: that is all there is to tell.
            context.watch.keep(Trace::default);
            Some(ended(context.snapshot, plan, answers.first()).map(|written| vec![written]))
        }
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

fn ended(snapshot: &Snapshot, plan: &PlannedOperation, rows: Option<&Rows>) -> Result<Written> {
    match (rows, &plan.action) {
        (Some(rows), Action::Delete) if rows.affected() > 0 => Ok(Written::Gone),
        (Some(rows), Action::Insert(_) | Action::Update(_)) if !rows.is_empty() => {
            let values = rows.values(0);
            let as_sent = as_sent::as_sent(snapshot, plan, None, &values);
            Ok(Written::Row(WrittenRow { values, as_sent }))
        }
        _ => {
            let key = plan.id.key().cloned().unwrap_or_default();
            Err(not_found(snapshot, plan.id.table, &id::format(&snapshot.schema[plan.id.table], &key)))
        }
    }
}
