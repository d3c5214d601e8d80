//! The rows of a page as they were read → as they stand on it, and what they and the total's answer show.

use dialects::sql::{Query, Select};
use dialects::{Cell, Pool, Rows};
use serde_json::Value as Json;

use crate::jsonapi::layout::Layout;
use crate::jsonapi::media::UNSUPPORTED_SORT;
use crate::plan::page::{Between, Page, Seen};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Reads on in the second part of the order, where the first has left room.
pub(super) async fn fill(
    pool: &Pool,
    snapshot: &Snapshot,
    page: &Page,
    rows: &mut Rows,
    rest: Option<Select>,
) -> Result<()> {
    if let Some(rest) = rest.filter(|_| rows.len() as u64 <= page.size) {
        let others = super::run(pool, snapshot, std::iter::once(Query::Select(rest))).await?;
        others.into_iter().for_each(|others| rows.append(others));
    }
    Ok(())
}

/// Keeps what stands on the page, turns round what was read from its end, and tells what has shown.
pub(in crate::run) fn turn(
    page: &Page,
    layout: &Layout,
    rows: &mut Rows,
    total: Option<&Rows>,
) -> Result<Seen> {
    let more = rows.len() as u64 > page.size;
    rows.truncate(usize::try_from(page.size).unwrap_or(usize::MAX));
    if page.between().is_some_and(Between::backward) {
        rows.reverse();
    }
    let (counted, estimated) = match total.map(|rows| rows.cell(0, 0)) {
        Some(Cell::Int(number)) => (u64::try_from(number).ok(), None),
        Some(Cell::Json(plan)) => (None, expected(&plan)),
        _ => (None, None),
    };
    let ends = match page.between() {
        Some(between) => ends(between, layout, rows)?,
        None => None,
    };
    Ok(Seen { rows: rows.len() as u64, more, counted, estimated, ends })
}

/// The cursors of the first and the last row.
fn ends(between: &Between, layout: &Layout, rows: &Rows) -> Result<Option<(String, String)>> {
    let Some(last) = rows.len().checked_sub(1) else { return Ok(None) };
    let text = |row| layout.cursor(rows, row)?.text(between.order);
    match (text(0), text(last)) {
        (Some(first), Some(last)) => Ok(Some((first, last))),
        _ => Err(no_cursor()),
    }
}

fn no_cursor() -> Errors {
    let detail = "A value is too long to page by cursors in this order: sort by others, or page by number.";
    Error::new(ErrorCode::InvalidSort, detail).parameter("sort").of_type(UNSUPPORTED_SORT).into()
}

/// How many rows a plan expects.
fn expected(plan: &str) -> Option<u64> {
    let plan: Json = serde_json::from_str(plan).ok()?;
    let rows = match plan.pointer("/0/Plan/Plan Rows") {
        Some(rows) => number(rows)?,
        None => joined(plan.get("query_block")?)?,
    };
    Some(rows.max(0.0).round() as u64)
}

/// MySQL tells of each table how many rows it adds to one of those before.
fn joined(block: &Json) -> Option<f64> {
    let alone = std::slice::from_ref(block);
    let steps = block.get("nested_loop").and_then(Json::as_array).map_or(alone, Vec::as_slice);
    steps.iter().filter_map(|step| step.get("table")).map(rows).product::<Option<f64>>()
}

/// None are found where there is a message in place of a plan.
fn rows(table: &Json) -> Option<f64> {
    if table.get("message").is_some() {
        return Some(0.0);
    }
    let rows = table.get("rows").or_else(|| table.get("rows_examined_per_scan"))?;
    let percent = table.get("filtered").map_or(Some(100.0), number)?;
    Some(number(rows)? * percent / 100.0)
}

fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_tell_how_many_rows_they_expect() {
        for (plan, expect) in [
            (
                r#"[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 5000000, "Plans": [{"Plan Rows": 7}]}}]"#,
                Some(5_000_000),
            ),
            (r#"{"query_block": {"table": {"rows": 2000, "filtered": 12.5}}}"#, Some(250)),
            (
                r#"{"query_block": {"nested_loop": [{"table": {"rows": 10, "filtered": 100}},
                    {"table": {"rows": 200, "filtered": 50, "materialized": {"query_block": {"table": {"rows": 9}}}}}]}}"#,
                Some(1000),
            ),
            (
                r#"{"query_block": {"nested_loop": [{"table": {"rows_examined_per_scan": 30, "filtered": "10.00"}}]}}"#,
                Some(3),
            ),
            (r#"{"query_block": {"table": {"message": "Impossible WHERE"}}}"#, Some(0)),
            (r#"{"query_block": {"table": {}}}"#, None),
            ("[]", None),
            ("no plan", None),
        ] {
            assert_eq!(expected(plan), expect, "{plan}");
        }
    }
}
