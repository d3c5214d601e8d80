//! `Rulegate-Trace: 1`: the answer to a write tells in `meta.trace` which rules fired, and why.

use http::{HeaderMap, HeaderName};
use rules::policy::Actor;
use serde_json::Value as Json;

use super::header;
use crate::jsonapi::encode::trace::{self, NewIds};
use crate::observe;
use crate::run::write::{Context, Watch};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// The header.
const NAME: HeaderName = HeaderName::from_static("rulegate-trace");

/// Who wants to know why a write comes to what it comes to.
pub(super) fn watch(snapshot: &Snapshot, headers: &HeaderMap, actor: &Actor) -> Result<Watch> {
    let asked = match header(headers, NAME)? {
        None => false,
        Some("1") => allowed(snapshot, actor)?,
        Some(_) => {
            let detail = "Rulegate-Trace is 1, or absent.";
            return Err(Error::new(ErrorCode::MalformedRequest, detail).header("Rulegate-Trace").into());
        }
    };
    Ok(Watch::new(asked, observe::explains()))
}

fn allowed(snapshot: &Snapshot, actor: &Actor) -> Result<bool> {
    let roles = &snapshot.api.trace_roles;
    if roles.is_empty() && snapshot.authority.is_open() || roles.iter().any(|role| actor.has_role(role)) {
        return Ok(true);
    }
    let detail = "A trace is shown only to the roles that `trace.roles` names.";
    Err(Error::new(ErrorCode::Forbidden, detail).header("Rulegate-Trace").into())
}

/// The trace for the client, where it asked for one and the rules have looked at the write.
pub(super) fn told(snapshot: &Snapshot, watch: &Watch, new_ids: &NewIds) -> Option<Json> {
    let found = watch.trace().filter(|_| watch.asked())?;
    Some(trace::trace(snapshot, &found, new_ids))
}

/// Errors with the trace of what led to them.
pub(super) fn refused(context: Context<'_>, mut errors: Errors) -> Errors {
    if let Some(told) = told(context.snapshot, context.watch, &NewIds::new()) {
        errors.meta.insert("trace".into(), told);
    }
    errors
}
