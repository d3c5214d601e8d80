//! The read of a whole collection from end to end: build, restrict, run. What is encoded is encoded while it is sent.

use std::time::Instant;

use http::StatusCode;
use http::header::CONTENT_DISPOSITION;

use super::read;
use crate::Result;
use crate::exchange::Response;
use crate::jsonapi::media::Form;
use crate::jsonapi::{links, query};
use crate::plan::read as plan;
use crate::plan::restrict;
use crate::route::Endpoint;
use crate::run;
use crate::run::write::Context;

/// Answers a GET with all of a collection, or a HEAD with what would be its headers.
pub(super) async fn answer(
    context: Context<'_>,
    endpoint: &Endpoint,
    asked: &query::ReadRequest,
    is_read: bool,
) -> Result<Response> {
    let snapshot = context.snapshot;
    let plan = plan::build(snapshot, endpoint, asked)?;
    let file = disposition(&snapshot.schema[plan.table].name, plan.form);
    let plan = restrict::read(snapshot, plan, context.who())?;
    let started = Instant::now();
    let opened = run::export::open(context.pool, snapshot, &plan, is_read).await;
    context.metrics.query("export", started.elapsed());
    let (first, rest) = opened?.ok_or_else(|| read::missing(endpoint))?;
    let response = Response::new(StatusCode::OK, asked.form.media_type(), first);
    Ok(Response { rest: Some(Box::new(rest)), ..response }.header(CONTENT_DISPOSITION, &file))
}

/// A file to save, by the name of its type (RFC 6266). Names that are not plain are told in both ways that clients know.
fn disposition(name: &str, form: Form) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let ending = form.ending();
    match name.chars().all(plain) {
        true => format!("attachment; filename=\"{name}.{ending}\""),
        false => {
            let shown: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
            let encoded = links::segment(name);
            format!("attachment; filename=\"{shown}.{ending}\"; filename*=UTF-8''{encoded}.{ending}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_like_their_type() {
        for (name, expect) in [
            ("orders", "attachment; filename=\"orders.csv\""),
            ("Größe", "attachment; filename=\"Gr__e.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv"),
        ] {
            assert_eq!(disposition(name, Form::Csv), expect);
        }
    }
}
