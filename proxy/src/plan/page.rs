//! Pages: which rows, and the links and totals that go with them.
//!
//! `page[number]`+`page[size]`, `page[offset]`+`page[limit]`, or cursors (`page[after]`, `page[before]`). The next page is known by reading
//! one row more, never by counting.

mod ask;
mod links;

use serde_json::{Map, Value as Json, json};

use crate::jsonapi::cursor::Cursor;

pub use ask::{Asked, build};
pub use links::{links, with_query};

/// A page of a collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Most rows on it.
    pub size: u64,
    /// Where it lies.
    pub at: At,
    /// What is to be found out about all rows.
    pub total: Total,
}

/// What is to be found out about the number of all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Nothing: it is told where it shows by itself.
    Free,
    /// It is counted.
    Exact,
    /// The database's planner is asked, which knows it roughly.
    Estimate,
}

/// Where a page lies, as the client says it.
#[derive(Clone, Debug, PartialEq)]
pub enum At {
    /// By number: after so many rows.
    Number(u64),
    /// By offset: after so many rows.
    Offset(u64),
    /// By cursors.
    Cursor(Between),
}

/// The part of a sorted collection between two cursors, under the Cursor Pagination profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Between {
    /// What it begins after.
    pub after: Option<Cursor>,
    /// What it ends before. The page is at this end where nothing is said of the beginning.
    pub before: Option<Cursor>,
    /// The fingerprint of the order.
    pub order: u64,
    /// The profile, spelled as the client does.
    pub profile: &'static str,
}

/// What reading a page has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Rows on the page.
    pub rows: u64,
    /// There is a row beyond them, in the direction of reading.
    pub more: bool,
    /// What a count said, where one was asked for.
    pub counted: Option<u64>,
    /// What the planner expects, where it was asked.
    pub estimated: Option<u64>,
    /// The cursors of the first row and of the last one, where the page lies by cursors and has rows.
    pub ends: Option<(String, String)>,
}

impl Between {
    /// Whether it is read from its end.
    pub fn backward(&self) -> bool {
        self.after.is_none() && self.before.is_some()
    }

    fn is_whole(&self) -> bool {
        self.after.is_none() && self.before.is_none()
    }
}

impl Page {
    /// Rows before it; 0 where cursors tell where it lies.
    pub fn offset(&self) -> u64 {
        match self.at {
            At::Number(rows) | At::Offset(rows) => rows,
            At::Cursor(_) => 0,
        }
    }

    /// What it lies between, where cursors tell.
    pub fn between(&self) -> Option<&Between> {
        match &self.at {
            At::Cursor(between) => Some(between),
            At::Number(_) | At::Offset(_) => None,
        }
    }

    /// The number of rows in all, where it is known: counted, or the last page is in hand.
    pub fn total(&self, seen: &Seen) -> Option<u64> {
        let last_in_hand = !seen.more
            && match &self.at {
                At::Number(rows) | At::Offset(rows) => seen.rows > 0 || *rows == 0,
                At::Cursor(between) => between.is_whole(),
            };
        seen.counted.or_else(|| last_in_hand.then(|| self.offset() + seen.rows))
    }

    /// The document's `meta`: `total`, `count` and `page`, as far as they are known.
    pub fn meta(&self, seen: &Seen) -> Map<String, Json> {
        let mut meta = Map::new();
        let total = self.total(seen);
        if let Some(number) = total.or_else(|| self.estimate(seen)) {
            meta.insert("total".into(), number.into());
            meta.insert("count".into(), number.into());
            meta.insert("page".into(), self.place(number, total.is_some()));
        }
        if self.is_truncated(seen) {
            let page = meta.entry("page").or_insert_with(|| json!({}));
            page.as_object_mut().map(|page| page.insert("rangeTruncated".into(), true.into()));
        }
        meta
    }

    /// Whether more rows than fit lie between two cursors.
    fn is_truncated(&self, seen: &Seen) -> bool {
        self.between().is_some_and(|between| between.after.is_some() && between.before.is_some() && seen.more)
    }

    /// What the planner expects, but no fewer rows than have shown.
    fn estimate(&self, seen: &Seen) -> Option<u64> {
        seen.estimated.map(|rows| rows.max(self.offset() + seen.rows + u64::from(seen.more)))
    }

    fn place(&self, total: u64, exact: bool) -> Json {
        let mut place = match self.at {
            At::Number(rows) => vec![("number", rows / self.size + 1), ("size", self.size)],
            At::Offset(rows) => vec![("offset", rows), ("limit", self.size)],
            At::Cursor(_) => Vec::new(),
        };
        if exact {
            place.push(("total", total));
        }
        if exact && matches!(self.at, At::Number(_)) {
            place.push(("pages", total.div_ceil(self.size)));
        }
        let guess = (!exact).then(|| ("estimatedTotal", json!({"bestGuess": total})));
        let members = place.into_iter().map(|(name, number)| (name, number.into())).chain(guess);
        members.map(|(name, value)| (name.to_owned(), value)).collect::<Map<String, Json>>().into()
    }
}

#[cfg(test)]
mod tests;
