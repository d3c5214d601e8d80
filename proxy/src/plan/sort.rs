//! `sort` → sort terms. Attributes, foreign keys, `id` and paths through to-one relationships; the key itself is appended by `lower`.

use dialects::ValueType;
use introspect::TableId;

use super::names::{self, Named};
use super::read::SortTerm;
use crate::jsonapi::query::{Parameter, SortName};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Resolves `sort`.
pub fn build(
    snapshot: &Snapshot,
    table: TableId,
    sort: Option<&Parameter<Vec<SortName>>>,
) -> Result<Vec<SortTerm>> {
    let Some(parameter) = sort else { return Ok(Vec::new()) };
    let (mut terms, mut errors) = (Vec::new(), Vec::new());
    for name in &parameter.value {
        match resolve(snapshot, table, name) {
            Ok(found) => terms.extend(found),
            Err(detail) => errors.push(Error::new(ErrorCode::InvalidSort, detail).parameter(&parameter.name)),
        }
    }
    Errors::from_vec(errors).map_or(Ok(terms), Err)
}

/// The terms of one name: a composite key has several. The error is a sentence.
fn resolve(
    snapshot: &Snapshot,
    table: TableId,
    name: &SortName,
) -> std::result::Result<Vec<SortTerm>, String> {
    let places = match names::path(snapshot, table, &name.path)? {
        Named::Column(place) => vec![place],
        Named::Id(_, places) => places,
    };
    let unordered = |ty| matches!(ty, ValueType::Json | ValueType::Other);
    if places.iter().any(|place| unordered(names::column(&snapshot.schema, table, place).ty)) {
        return Err(format!("{:?} has no order to sort by.", name.path));
    }
    Ok(places.into_iter().map(|place| SortTerm { place, descending: name.descending }).collect())
}
