//! ETags of two parts, `"<lock>.<row>"`, and the headers that carry them.
//!
//! *lock* covers the columns that clients can write, *row* the whole row, each a short hash of the cells as a document shows them.
//! `If-Match` compares the lock part alone, so that a customer whose derived balance moves all day can still be edited; `If-None-Match`
//! compares the whole.

use std::fmt;

use introspect::{Column, ColumnId, TableId};
use xxhash_rust::xxh3::xxh3_64;

use super::encode::cell::cell;
use super::encode::resource::Cells;
use crate::state::{Numbers, Snapshot};

/// A row's version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag {
    /// Of the columns that clients can write.
    pub lock: String,
    /// Of the whole row.
    pub row: String,
}

/// Which columns of a table its ETags cover.
#[derive(Clone, Debug)]
pub struct Covered {
    table: TableId,
    /// Every visible column that is stored (what depends on the moment would change all the time), and whether clients can write it.
    columns: Vec<(ColumnId, bool)>,
}

/// What a precondition header names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// `*`.
    Any,
    /// Some ETags, as they stand between the quotes.
    Tags(Vec<String>),
}

impl Covered {
    /// The columns of a table.
    pub fn of(snapshot: &Snapshot, table: TableId) -> Self {
        let writable =
            |id, column: &Column| column.generated.is_none() && !snapshot.facts.is_derived(table, id);
        let visible = snapshot.schema[table].stored().filter(|(_, column)| !column.hidden);
        let columns = visible.map(|(id, column)| (id, writable(id, column))).collect();
        Self { table, columns }
    }

    /// The ETag of a row.
    pub fn etag(&self, snapshot: &Snapshot, cells: &Cells<'_>) -> ETag {
        let (mut lock, mut row) = (Vec::with_capacity(256), Vec::with_capacity(256));
        for (id, writable) in &self.columns {
            let start = row.len();
            cell(&mut row, snapshot.schema[self.table][*id].ty, Numbers::Safe, &cells(*id));
            row.push(b',');
            if *writable {
                lock.extend_from_slice(row.get(start..).unwrap_or_default());
            }
        }
        ETag { lock: short(xxh3_64(&lock)), row: short(xxh3_64(&row)) }
    }
}

/// The ETag of one row. For many rows of a table, keep [`Covered`].
pub fn etag(snapshot: &Snapshot, table: TableId, cells: &Cells<'_>) -> ETag {
    Covered::of(snapshot, table).etag(snapshot, cells)
}

impl ETag {
    /// The version of a document that nobody writes.
    pub fn of_document(document: &[u8]) -> Self {
        let hash = short(xxh3_64(document));
        Self { lock: hash.clone(), row: hash }
    }

    /// Whether `If-Match`, or `meta.etag` of a document, lets a change of this row pass: the lock parts are equal.
    pub fn matches(&self, precondition: &Precondition) -> bool {
        match precondition {
            Precondition::Any => true,
            Precondition::Tags(tags) => tags.iter().any(|tag| lock_part(tag) == self.lock),
        }
    }

    /// Whether `If-None-Match` says that the client has this very row.
    pub fn same(&self, precondition: &Precondition) -> bool {
        match precondition {
            Precondition::Any => true,
            Precondition::Tags(tags) => tags.iter().any(|tag| *tag == self.to_string()),
        }
    }

    /// As a header's value, with its quotes.
    pub fn quoted(&self) -> String {
        format!("\"{self}\"")
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.lock, self.row)
    }
}

/// Reads `If-Match`, `If-None-Match` or `meta.etag`: `*`, or ETags, strong or weak, separated by commas; one that lacks its quotes is
/// taken as it stands.
pub fn precondition(header: &str) -> Precondition {
    let header = header.trim();
    if header == "*" {
        return Precondition::Any;
    }
    let tags = header.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned());
    Precondition::Tags(tags.filter(|tag| !tag.is_empty()).collect())
}

fn lock_part(tag: &str) -> &str {
    tag.split_once('.').map_or(tag, |(lock, _)| lock)
}

/// 60 bits of a hash in hexadecimal: short enough for a header of many resources, long enough for one row's history.
fn short(hash: u64) -> String {
    format!("{:015x}", hash >> 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag() -> ETag {
        ETag { lock: "a1".into(), row: "b2".into() }
    }

    #[test]
    fn a_change_passes_when_the_lock_part_is_the_same() {
        for (header, expect) in [
            ("\"a1.b2\"", true),
            ("\"a1.zz\"", true),
            ("W/\"a1.b2\"", true),
            ("\"x.b2\"", false),
            ("*", true),
            ("\"x.y\", \"a1.q\"", true),
        ] {
            assert_eq!(tag().matches(&precondition(header)), expect, "{header}");
        }
    }

    #[test]
    fn a_copy_is_fresh_when_the_whole_is_the_same() {
        for (header, expect) in
            [("\"a1.b2\"", true), ("W/\"a1.b2\"", true), ("\"a1.zz\"", false), ("*", true), ("", false)]
        {
            assert_eq!(tag().same(&precondition(header)), expect, "{header}");
        }
    }
}
