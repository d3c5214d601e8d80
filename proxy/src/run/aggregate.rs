//! Carries out restricted aggregates: one statement, whatever the groups; with it one that finds the row a related collection starts from.

use dialects::sql::Query;
use dialects::{Kind, Pool, Rows};

use super::read::{page, run, unanswered};
use crate::jsonapi::layout::Layout;
use crate::plan::aggregate::AggregatePlan;
use crate::plan::lower::groups::{Lowered, lower};
use crate::plan::page::Seen;
use crate::plan::restrict::Restricted;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// What aggregates have come to.
#[derive(Debug)]
pub struct Found {
    /// A row for each group.
    pub rows: Rows,
    /// What the page has shown, where there are groups.
    pub seen: Option<Seen>,
}

/// Aggregates. Nothing: the row that the URL names does not exist.
pub async fn aggregate(
    pool: &Pool,
    snapshot: &Snapshot,
    plan: &Restricted<AggregatePlan>,
) -> Result<Option<Found>> {
    let Lowered { select, origin } = lower(snapshot, plan)?;
    let plan = plan.plan();
    let queries = std::iter::once(select).chain(origin).map(Query::Select);
    let answers = run(pool, snapshot, queries).await.map_err(|error| misfit(plan, error))?;
    let mut answers = answers.into_iter();
    let mut rows = answers.next().ok_or_else(unanswered)?;
    if answers.next().is_some_and(|origin| origin.is_empty()) {
        return Ok(None);
    }
    let seen = match &plan.page {
        Some(page) => Some(page::turn(page, &Layout::default(), &mut rows, None)?),
        None => None,
    };
    Ok(Some(Found { rows, seen }))
}

/// A value that the database cannot calculate with.
fn misfit(plan: &AggregatePlan, error: dialects::Error) -> Errors {
    if error.kind != Kind::Data {
        return error.into();
    }
    let of_filters = match plan.rows.filter {
        Some(_) => ", or a value of a filter does not fit its column",
        None => "",
    };
    let detail = format!(
        "This has no value for some row: a number is none, is divided by zero or grows too large, a date is beyond the calendar{of_filters}."
    );
    Error::new(ErrorCode::InvalidParameter, detail).parameter("aggregateOf").logged(error.to_string()).into()
}
