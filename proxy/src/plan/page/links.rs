//! `first`, `prev`, `next` and `last` of a page: null where there is no such page, or where it is not known.
//!
//! Other parameters stay as they came, in their order.

use super::{At, Between, Page, Seen};
use crate::jsonapi::cursor::Cursor;
use crate::jsonapi::json;
use crate::jsonapi::query::Pair;

/// Where a link leads.
enum Target {
    /// To the beginning.
    Start,
    /// To where this page parameter says.
    At(&'static str, String),
}

/// Writes `"first":…,"prev":…,"next":…,"last":…`.
pub fn links(out: &mut Vec<u8>, path: &str, pairs: &[Pair], page: &Page, seen: &Seen) {
    let targets = match &page.at {
        At::Number(rows) => {
            counted(page, seen, *rows, &|rows| Target::At("number", (rows / page.size + 1).to_string()))
        }
        At::Offset(rows) => counted(page, seen, *rows, &|rows| Target::At("offset", rows.to_string())),
        At::Cursor(between) => cursors(between, seen),
    };
    for (name, target) in ["first", "prev", "next", "last"].into_iter().zip(targets) {
        json::comma(out);
        json::name(out, name);
        match target {
            Some(target) => json::string(out, &link(path, pairs, target)),
            None => out.extend_from_slice(b"null"),
        }
    }
}

/// The link to a page: what says where this one lies is replaced.
fn link(path: &str, pairs: &[Pair], target: Target) -> String {
    let tells_place = |pair: &&Pair| {
        let key = pair.keys.first().map_or("", String::as_str);
        pair.base == "page" && matches!(key, "number" | "offset" | "after" | "before")
    };
    let kept = pairs.iter().filter(|pair| !tells_place(pair)).map(|pair| pair.raw.clone());
    let added = match target {
        Target::Start => None,
        Target::At(key, value) => Some(format!("page%5B{key}%5D={value}")),
    };
    with_query(path, kept.chain(added))
}

/// A path with a query string of parameters that are encoded already.
pub fn with_query(path: &str, parameters: impl Iterator<Item = String>) -> String {
    let mut link = path.to_owned();
    for (n, parameter) in parameters.enumerate() {
        link.push(if n == 0 { '?' } else { '&' });
        link.push_str(&parameter);
    }
    link
}

/// The pages around one that lies after so many rows.
fn counted(page: &Page, seen: &Seen, offset: u64, place: &dyn Fn(u64) -> Target) -> [Option<Target>; 4] {
    let last = page.total(seen).filter(|total| *total > 0).map(|total| last(page.size, offset, total));
    let before = offset.saturating_sub(page.size);
    let prev = (offset > 0).then(|| last.map_or(before, |last| before.min(last)));
    let next = seen.more.then(|| offset + page.size);
    [Some(0), prev, next, last].map(|rows| rows.map(place))
}

/// Rows before the last page that has any, counted in whole pages from this one.
fn last(size: u64, offset: u64, total: u64) -> u64 {
    let phase = offset % size;
    match total.saturating_sub(1).checked_sub(phase) {
        Some(rest) => phase + rest / size * size,
        None => 0,
    }
}

/// The pages around one that lies between cursors. Where reading has not shown whether there is a page on the other side, the link is
/// given: what it leads to may be empty (the profile's "Links").
fn cursors(between: &Between, seen: &Seen) -> [Option<Target>; 4] {
    let text = |cursor: &Cursor| cursor.text(between.order);
    let end = text(&Cursor::End);
    let (first, last) = seen.ends.clone().unzip();
    let next_known = last.clone().filter(|_| seen.more);
    let prev_known = first.clone().filter(|_| seen.more);
    let (prev, next) = match (&between.after, &between.before) {
        (None, None) => (None, next_known),
        (Some(_), None) => (first.or_else(|| end.clone()), next_known),
        (None, Some(Cursor::End)) => (prev_known, None),
        (None, Some(_)) => (prev_known, last.clone()),
        (Some(_), Some(Cursor::End)) if !seen.more => (first.or_else(|| end.clone()), None),
        (Some(from), Some(to)) => (first.or_else(|| text(to)), last.clone().or_else(|| text(from))),
    };
    let after = |text| Target::At("after", text);
    let before = |text| Target::At("before", text);
    // Nothing lies before the cursor: the rows from it on are the first ones.
    let begins = between.backward() && between.before != Some(Cursor::End) && last.is_none();
    let next = next.map(after).or(begins.then_some(Target::Start));
    [Some(Target::Start), prev.map(before), next, end.filter(|_| last.is_some()).map(before)]
}
