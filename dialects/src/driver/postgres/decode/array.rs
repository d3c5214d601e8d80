//! Arrays: the number of dimensions, their sizes, then all elements in one row, which is folded from the innermost dimension outwards.
//! <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/arrayfuncs.c> (`array_send`)

use tokio_postgres::types::Type;

use crate::value::Cell;

/// The most dimensions that there are.
const DIMENSIONS_MAX: usize = 6;

/// An array. (Where its counting begins is lost: JSON's begin at nought.)
pub(super) fn cell<'a>(element: &Type, bytes: &'a [u8]) -> Option<Cell<'a>> {
    let mut rest = bytes;
    let [dimensions, _has_nulls, _element_type] = [int(&mut rest)?, int(&mut rest)?, int(&mut rest)?];
    let dimensions = usize::try_from(dimensions).ok().filter(|count| *count <= DIMENSIONS_MAX)?;
    let mut sizes = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        let [size, _first] = [int(&mut rest)?, int(&mut rest)?];
        sizes.push(usize::try_from(size).ok()?);
    }
    let mut cells = Vec::new();
    while !rest.is_empty() {
        cells.push(next(element, &mut rest)?);
    }
    Some(folded(cells, sizes.get(1..).unwrap_or_default()))
}

/// The next element; a length below nought is null.
fn next<'a>(element: &Type, rest: &mut &'a [u8]) -> Option<Cell<'a>> {
    let Ok(length) = usize::try_from(int(rest)?) else { return Some(Cell::Null) };
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(super::cell(element, bytes))
}

fn folded<'a>(mut cells: Vec<Cell<'a>>, inner_sizes: &[usize]) -> Cell<'a> {
    for size in inner_sizes.iter().rev() {
        let mut rest = cells.into_iter().peekable();
        let mut rows = Vec::new();
        while *size > 0 && rest.peek().is_some() {
            rows.push(Cell::Array(rest.by_ref().take(*size).collect()));
        }
        cells = rows;
    }
    Cell::Array(cells)
}

fn int(rest: &mut &[u8]) -> Option<i32> {
    let (head, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(i32::from_be_bytes(*head))
}
