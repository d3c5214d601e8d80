//! Include paths → a tree of relationships, each once, parents before children.

use introspect::TableId;

use super::names;
use super::read::Include;
use crate::jsonapi::query::Parameter;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Most relationships that one request includes: each is a statement.
const INCLUDES_MAX: usize = 50;

/// What is included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Included {
    /// Parents before children.
    pub includes: Vec<Include>,
    /// On the URL of a relationship: the resources too whose identifiers are the primary data.
    pub primary: bool,
}

/// Resolves `include`. `of`: on the URL of a relationship, its name, with which every path begins there.
pub fn build(
    snapshot: &Snapshot,
    table: TableId,
    include: Option<&Parameter<Vec<String>>>,
    of: Option<&str>,
) -> Result<Included> {
    let Some(parameter) = include else { return Ok(Included::default()) };
    let refuse = |detail: String| Error::new(ErrorCode::InvalidInclude, detail).parameter(&parameter.name);
    let mut included =
        Included { includes: Vec::new(), primary: of.is_some() && !parameter.value.is_empty() };
    let mut errors = Vec::new();
    for path in &parameter.value {
        let added = bounded(snapshot, path).and_then(|()| match below(path, of)? {
            Some(rest) => add(snapshot, table, rest, &mut included.includes),
            None => Ok(()),
        });
        errors.extend(added.err().map(&refuse));
    }
    if included.includes.len() > INCLUDES_MAX {
        let detail = format!("At most {INCLUDES_MAX} relationships are included.");
        errors.push(refuse(detail).with_meta("maximum", INCLUDES_MAX));
    }
    Errors::from_vec(errors).map_or(Ok(included), Err)
}

fn bounded(snapshot: &Snapshot, path: &str) -> std::result::Result<(), String> {
    let depth_max = snapshot.api.include_depth;
    match path.split('.').count() > depth_max {
        true => Err(format!("{path:?} is longer than {depth_max} relationships.")),
        false => Ok(()),
    }
}

/// The part of a path that starts from the primary data's resources; nothing where it leads to them alone.
fn below<'p>(path: &'p str, of: Option<&str>) -> std::result::Result<Option<&'p str>, String> {
    let Some(relationship) = of else { return Ok(Some(path)) };
    match path.strip_prefix(relationship).map(|rest| (rest, rest.strip_prefix('.'))) {
        Some(("", _)) => Ok(None),
        Some((_, Some(rest))) => Ok(Some(rest)),
        _ => Err(format!("{path:?} does not begin with {relationship:?}, as it must on this URL.")),
    }
}

/// Adds one path. The error is a sentence.
fn add(
    snapshot: &Snapshot,
    table: TableId,
    path: &str,
    includes: &mut Vec<Include>,
) -> std::result::Result<(), String> {
    let (mut from, mut parent) = (table, None);
    for (n, name) in path.split('.').enumerate() {
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
