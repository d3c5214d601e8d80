//! Carries out the read of a whole collection: one statement, so that it is of one moment, and its rows as they come.

use std::fmt;
use std::sync::Arc;

use dialects::sql::Query;
use dialects::{Kind, Pool, RowStream, Rows, render};

use super::read::{misfit, run};
use crate::jsonapi::encode::export::Writer;
use crate::plan::lower::read as lower;
use crate::plan::read::ReadPlan;
use crate::plan::restrict::Restricted;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};

/// The rest of an export. Dropped before its end, it stops the statement.
pub struct Export {
    snapshot: Arc<Snapshot>,
    writer: Writer,
    rows: Option<RowStream>,
}

/// Begins an export: its first bytes, for which the database has begun to answer, and the rest. Nothing: the row that the URL names does
/// not exist. Where nobody is to read it (`HEAD`), the database is not asked for it.
pub async fn open(
    pool: &Pool,
    snapshot: &Arc<Snapshot>,
    plan: &Restricted<ReadPlan>,
    is_read: bool,
) -> Result<Option<(Vec<u8>, Export)>> {
    let lowered = lower::primary(snapshot, plan)?;
    let plan = plan.plan();
    let origin = lowered.origin.map(Query::Select);
    match run(pool, snapshot, origin.into_iter()).await {
        Ok(found) if found.iter().any(Rows::is_empty) => return Ok(None),
        Ok(_) => {}
        Err(error) => return misfit(plan, error),
    }
    let Some(shape) = plan.shapes.get(&plan.table).cloned() else { return Ok(None) };
    let writer = Writer { form: plan.form, shape, layout: lowered.rows.layout };
    let mut export = Export { snapshot: Arc::clone(snapshot), writer, rows: None };
    let mut first = export.writer.head(&snapshot.schema);
    let select = Query::Select(lowered.rows.select);
    if let Some(statement) = render::render(pool.dialect(), &select).pop().filter(|_| is_read) {
        export.rows = Some(pool.stream(statement).await.map_err(too_many)?);
        match export.next().await {
            Ok(rows) => first.extend(rows.unwrap_or_default()),
            Err(error) => return misfit(plan, error),
        }
    }
    Ok(Some((first, export)))
}

impl Export {
    /// The next bytes; nothing behind the last. After an error there is nothing to ask for.
    pub async fn next(&mut self) -> dialects::Result<Option<Vec<u8>>> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        let Some(batch) = rows.next().await? else {
            self.rows = None;
            return Ok(None);
        };
        Ok(Some(self.writer.rows(&self.snapshot, &batch)))
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("form", &self.writer.form).finish_non_exhaustive()
    }
}

fn too_many(error: dialects::Error) -> Error {
    match error.kind {
        Kind::Exhausted => {
            let detail = "As many exports are under way as may be, or all connections are taken.";
            Error::new(ErrorCode::Overloaded, detail).logged(error.to_string())
        }
        _ => error.into(),
    }
}
