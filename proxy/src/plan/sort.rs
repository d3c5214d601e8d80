//! `sort` → sort terms. Attributes, foreign keys, `id` and paths through to-one relationships, then what the key needs to make the order
//! of rows the only one.

use introspect::TableId;
use rules::expr::Place;
use xxhash_rust::xxh3::xxh3_64;

use super::names::{self, Named};
use super::read::SortTerm;
use crate::jsonapi::query::{Parameter, SortName};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Most terms that a client may sort by: each is a level of the condition that a cursor becomes.
const TERMS_MAX: usize = 32;

/// Resolves `sort`. The parts of the key that it does not name are appended.
pub fn build(
    snapshot: &Snapshot,
    table: TableId,
    sort: Option<&Parameter<Vec<SortName>>>,
) -> Result<Vec<SortTerm>> {
    sort.map_or(Ok(()), bounded)?;
    let (mut terms, mut errors) = (Vec::new(), Vec::new());
    for (parameter, name) in sort.iter().flat_map(|sort| sort.value.iter().map(move |name| (*sort, name))) {
        match resolve(snapshot, table, name) {
            Ok(found) => terms.extend(found),
            Err(detail) => errors.push(Error::new(ErrorCode::InvalidSort, detail).parameter(&parameter.name)),
        }
    }
    Errors::from_vec(errors).map_or_else(|| Ok(total(snapshot, table, terms)), Err)
}

fn bounded(parameter: &Parameter<Vec<SortName>>) -> Result<()> {
    if parameter.value.len() <= TERMS_MAX {
        return Ok(());
    }
    let detail = format!("A sort has at most {TERMS_MAX} terms.");
    Err(Error::new(ErrorCode::InvalidSort, detail).parameter(&parameter.name).into())
}

/// An order in which no two rows are equal. What is named a second time decides nothing.
fn total(snapshot: &Snapshot, table: TableId, terms: Vec<SortTerm>) -> Vec<SortTerm> {
    let key = snapshot.schema[table].key.iter().map(|column| Place::own(*column));
    let key = key.map(|place| SortTerm { place, descending: false });
    let mut order: Vec<SortTerm> = Vec::with_capacity(terms.len() + 1);
    for term in terms.into_iter().chain(key) {
        if !order.iter().any(|before| before.place == term.place) {
            order.push(term);
        }
    }
    order
}

/// A number that tells orders apart: cursors carry that of theirs.
pub fn fingerprint(snapshot: &Snapshot, table: TableId, order: &[SortTerm]) -> u64 {
    let mut text = snapshot.schema[table].name.clone();
    for term in order {
        text.push_str(if term.descending { "\n-" } else { "\n" });
        text.push_str(&names::spelled(&snapshot.schema, table, &term.place));
    }
    xxh3_64(text.as_bytes())
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
    if places.iter().any(|place| !names::column(&snapshot.schema, table, place).ty.has_order()) {
        return Err(format!("{:?} has no order to sort by.", name.path));
    }
    Ok(places.into_iter().map(|place| SortTerm { place, descending: name.descending }).collect())
}
