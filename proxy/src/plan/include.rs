//! Include paths → a tree of relationships, each once, parents before children.

use introspect::TableId;

use super::names;
use super::read::Include;
use crate::jsonapi::query::Parameter;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Resolves `include`.
pub fn build(
    snapshot: &Snapshot,
    table: TableId,
    include: Option<&Parameter<Vec<String>>>,
    identifiers: bool,
) -> Result<Vec<Include>> {
    let Some(parameter) = include else { return Ok(Vec::new()) };
    let refuse = |detail: String| Error::new(ErrorCode::InvalidInclude, detail).parameter(&parameter.name);
    if identifiers {
        return Err(refuse("include is not served on relationship URLs in this version.".into()).into());
    }
    let (mut includes, mut errors) = (Vec::new(), Vec::new());
    for path in &parameter.value {
        if let Err(detail) = add(snapshot, table, path, &mut includes) {
            errors.push(refuse(detail));
        }
    }
    Errors::from_vec(errors).map_or(Ok(includes), Err)
}

/// Adds one path. The error is a sentence.
fn add(
    snapshot: &Snapshot,
    table: TableId,
    path: &str,
    includes: &mut Vec<Include>,
) -> std::result::Result<(), String> {
    let names: Vec<&str> = path.split('.').collect();
    let depth_max = snapshot.api.include_depth;
    if names.len() > depth_max {
        return Err(format!("{path:?} is longer than {depth_max} relationships."));
    }
    let (mut from, mut parent) = (table, None);
    for (n, name) in names.into_iter().enumerate() {
        let (relationship, found) = names::relationship(&snapshot.schema, from, name)?;
        let known = includes.iter().position(|i| i.parent == parent && i.relationship == relationship);
        let place = known.unwrap_or(includes.len());
        if known.is_none() {
            includes.push(Include { parent, from, relationship, table: found.target, depth: n + 1 });
        }
        parent = Some(place);
        from = found.target;
    }
    Ok(())
}
