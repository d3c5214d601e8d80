//! Carries out a restricted read: the page and its count at once, then one round a level of includes.

pub(super) mod page;

use std::collections::HashSet;

use dialects::sql::Query;
use dialects::{Kind, Pool, Rows, Value, render};

use crate::jsonapi::encode::graph::{Graph, Level};
use crate::jsonapi::layout::Layout;
use crate::plan::lower::read::{self as lower, Lowered};
use crate::plan::page::Seen;
use crate::plan::read::{Include, ReadPlan, Scope};
use crate::plan::restrict::Restricted;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// What a read has found.
#[derive(Debug)]
pub struct Found<'a> {
    /// The rows.
    pub graph: Graph<'a>,
    /// What the page has shown, where there is a page.
    pub seen: Option<Seen>,
}

/// Reads. Nothing: the row that the URL names does not exist.
pub async fn read<'a>(
    pool: &Pool,
    snapshot: &'a Snapshot,
    plan: &Restricted<ReadPlan>,
) -> Result<Option<Found<'a>>> {
    let Some((primary, seen)) = primary(pool, snapshot, plan).await? else { return Ok(None) };
    let mut levels = vec![primary];
    let depth_max = plan.plan().includes.iter().map(|include| include.depth).max().unwrap_or(0);
    for depth in 1..=depth_max {
        include(pool, snapshot, plan, depth, &mut levels).await?;
    }
    // Includes are planned path by path, so a level may come before one that is less deep: they go back to the plan's order.
    levels.sort_by_key(|(n, _)| *n);
    let levels = levels.into_iter().map(|(_, level)| level).collect();
    Ok(Some(Found { graph: Graph::new(&snapshot.schema, levels), seen }))
}

/// A level and its place: 0 for the primary data, n + 1 for the n-th include.
type Placed = (usize, Level);

async fn primary(
    pool: &Pool,
    snapshot: &Snapshot,
    plan: &Restricted<ReadPlan>,
) -> Result<Option<(Placed, Option<Seen>)>> {
    let lowered = lower::primary(snapshot, plan)?;
    let plan = plan.plan();
    let (asks_origin, asks_total) = (lowered.origin.is_some(), lowered.total.is_some());
    let selects = [Some(lowered.rows.select), lowered.origin].into_iter().flatten().map(Query::Select);
    let answers = run(pool, snapshot, selects.chain(lowered.total)).await;
    let mut answers = match answers {
        Ok(answers) => answers.into_iter(),
        Err(error) => return misfit(plan, error),
    };
    let mut rows = answers.next().ok_or_else(unanswered)?;
    let origin = if asks_origin { answers.next() } else { None };
    let total = if asks_total { answers.next() } else { None };
    let required =
        origin.as_ref().or(matches!(plan.scope, Scope::Row(_) | Scope::Linkage(..)).then_some(&rows));
    if required.is_some_and(Rows::is_empty) {
        return Ok(None);
    }
    let layout = lowered.rows.layout;
    let seen = match &plan.page {
        Some(page) => {
            page::fill(pool, snapshot, page, &mut rows, lowered.rest).await?;
            Some(page::turn(page, &layout, &mut rows, total.as_ref())?)
        }
        None => None,
    };
    let len = seen.as_ref().map_or(rows.len(), |seen| seen.rows as usize);
    let level = Level { table: plan.table, rows, len, layout, parent: None };
    Ok(Some(((0, level), seen)))
}

/// Reads all includes of one depth in one round. What is included for no row at all is not asked for.
async fn include(
    pool: &Pool,
    snapshot: &Snapshot,
    plan: &Restricted<ReadPlan>,
    depth: usize,
    levels: &mut Vec<Placed>,
) -> Result<()> {
    let most = snapshot.limits.include_rows;
    // Whatever was read before, the limit is the same: it is part of the text by which a statement stays prepared.
    let limit = most.saturating_add(1) as u64;
    let (mut wanted, mut selects) = (Vec::new(), Vec::new());
    for (n, include) in plan.plan().includes.iter().enumerate().filter(|(_, include)| include.depth == depth)
    {
        let keys = keys(snapshot, include, levels);
        if keys.is_empty() {
            levels.push((n + 1, level(include, Rows::default(), Layout::default())));
            continue;
        }
        let Lowered { select, layout } = lower::include(snapshot, plan, (n, include), keys, limit);
        wanted.push((n, include, layout));
        selects.push(Query::Select(select));
    }
    let answers = run(pool, snapshot, selects.into_iter()).await?;
    let found = wanted.into_iter().zip(answers);
    levels.extend(found.map(|((n, include, layout), rows)| (n + 1, level(include, rows, layout))));
    bounded(included(levels), most)
}

fn level(include: &Include, rows: Rows, layout: Layout) -> Level {
    let parent = Some((place(include.parent), include.relationship));
    Level { table: include.table, len: rows.len(), rows, layout, parent }
}

/// How many rows have been read beyond the primary data.
fn included(levels: &[Placed]) -> usize {
    levels.iter().filter(|(n, _)| *n > 0).map(|(_, level)| level.len).sum()
}

fn bounded(included: usize, most: usize) -> Result<()> {
    if included <= most {
        return Ok(());
    }
    let detail = format!("More than {most} resources would be included.");
    let error = Error::new(ErrorCode::TooManyIncluded, detail).parameter("include");
    Err(error.with_meta("maximum", most).into())
}

fn place(parent: Option<usize>) -> usize {
    parent.map_or(0, |n| n + 1)
}

/// The distinct values by which the rows of an include are found.
fn keys(snapshot: &Snapshot, include: &Include, levels: &[Placed]) -> Vec<Vec<Value>> {
    let columns = lower::link_columns(&snapshot.schema, include);
    let wanted = place(include.parent);
    let Some((_, level)) = levels.iter().find(|(n, _)| *n == wanted) else { return Vec::new() };
    let mut seen = HashSet::new();
    let fresh =
        (0..level.len).filter(|row| level.link_text(*row, &columns).is_some_and(|link| seen.insert(link)));
    fresh.map(|row| columns.iter().map(|column| level.cell(row, *column).into_value()).collect()).collect()
}

/// Runs queries at once, and gives their answers in their order.
pub(super) async fn run(
    pool: &Pool,
    snapshot: &Snapshot,
    queries: impl Iterator<Item = Query>,
) -> std::result::Result<Vec<Rows>, dialects::Error> {
    let dialect = snapshot.schema.dialect;
    let statements = queries.flat_map(|query| render::render(dialect, &query)).collect();
    pool.run(statements).await
}

/// A value that the database does not take: in the URL it names nothing, in a filter it is the client's mistake.
pub(super) fn misfit<T>(plan: &ReadPlan, error: dialects::Error) -> Result<Option<T>> {
    let refuse = |detail: &str| Error::new(ErrorCode::InvalidFilter, detail).logged(error.to_string());
    match (error.kind, &plan.filter, cursor(plan)) {
        (Kind::Data, None, Some(name)) => {
            let detail = "A value of the cursor does not fit its column.";
            let refusal = Error::new(ErrorCode::InvalidPage, detail).parameter(name);
            Err(refusal.logged(error.to_string()).into())
        }
        (Kind::Data, None, _) if !matches!(plan.scope, Scope::All) => Ok(None),
        (Kind::Data, Some(filter), _) if filter.is_stated() => {
            let detail = "The expression has no value for some row: a division by zero, or a date beyond the calendar.";
            Err(refuse(detail).parameter("filter[where]").into())
        }
        (Kind::Data, Some(_), _) => Err(refuse("A value of the filter does not fit its column.").into()),
        _ => Err(error.into()),
    }
}

/// The parameter with the cursor that a page begins after, or ends before.
fn cursor(plan: &ReadPlan) -> Option<&'static str> {
    let between = plan.page.as_ref()?.between()?;
    match (&between.after, &between.before) {
        (Some(_), _) => Some("page[after]"),
        (None, Some(_)) => Some("page[before]"),
        (None, None) => None,
    }
}

pub(super) fn unanswered() -> Errors {
    Error::new(ErrorCode::Internal, "The database gave no answer.").into()
}
