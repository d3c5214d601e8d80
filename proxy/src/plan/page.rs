//! Pages: which rows, and the links and totals that go with them.
//!
//! `page[number]`+`page[size]` or `page[offset]`+`page[limit]`. The next page is known by reading one row more, never by counting.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use crate::jsonapi::json;
use crate::jsonapi::query::{Pair, Parameter};
use crate::state::ApiSettings;
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode, Errors, Result};

/// What stands encoded in a query: all but the unreserved characters and those that lists and times are made of.
const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',').remove(b':');

/// A page of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Most rows on it.
    pub size: u64,
    /// Rows before it.
    pub offset: u64,
    /// How the client counts.
    pub style: Style,
    /// Whether all rows are counted.
    pub count: bool,
}

/// How a client says which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// By number, from 1.
    Number,
    /// By the rows before it.
    Offset,
}

/// What reading a page has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Rows on the page.
    pub rows: u64,
    /// There is a row after them.
    pub more: bool,
    /// What a count said, where one was asked for.
    pub counted: Option<u64>,
}

/// The page that the parameters ask for.
pub fn build(api: &ApiSettings, parameters: &[Parameter<(String, String)>]) -> Result<Page> {
    let mut errors = Vec::new();
    let mut asked = Asked::default();
    for parameter in parameters {
        if let Err(detail) = asked.take(api, &parameter.value.0, &parameter.value.1) {
            errors.push(refusal(api, &parameter.name, detail));
        }
    }
    match Errors::from_vec(errors) {
        Some(errors) => Err(errors),
        None => asked.page(api),
    }
}

fn refusal(api: &ApiSettings, name: &str, detail: String) -> Error {
    let error = Error::new(ErrorCode::InvalidPage, detail).parameter(name);
    match name {
        "page[size]" | "page[limit]" => error.with_meta("maximum", api.page_size_max),
        _ => error,
    }
}

/// What was asked, as far as it has been read.
#[derive(Default)]
struct Asked {
    number: Option<u64>,
    offset: Option<u64>,
    size: Option<u64>,
    count: bool,
}

impl Asked {
    /// Reads one parameter. The error is a sentence.
    fn take(&mut self, api: &ApiSettings, key: &str, value: &str) -> std::result::Result<(), String> {
        match key {
            "number" => self.number = Some(whole(value, 1, u64::MAX)?),
            "offset" => self.offset = Some(whole(value, 0, u64::MAX)?),
            "size" | "limit" if self.size.is_some() => {
                return Err("page[size] and page[limit] mean the same: give one.".into());
            }
            "size" | "limit" => self.size = Some(whole(value, 1, api.page_size_max)?),
            "total" => self.count = total(value)?,
            "after" | "before" => return Err("Cursors are not served in this version.".into()),
            _ => {
                let hint = did_you_mean(key, ["number", "size", "offset", "limit", "total"].into_iter());
                return Err(format!("There is no page parameter {key:?}.{hint}"));
            }
        }
        Ok(())
    }

    fn page(self, api: &ApiSettings) -> Result<Page> {
        let refuse = |name: &str, detail: &str| Error::new(ErrorCode::InvalidPage, detail).parameter(name);
        let size = self.size.unwrap_or(api.page_size);
        let count = self.count || api.totals_exact;
        if self.number.is_some() && self.offset.is_some() {
            return Err(refuse("page[number]", "page[number] and page[offset] exclude each other.").into());
        }
        let (offset, style) = match (self.number, self.offset) {
            (_, Some(offset)) => (Some(offset), Style::Offset),
            (number, None) => (number.unwrap_or(1).saturating_sub(1).checked_mul(size), Style::Number),
        };
        match offset.filter(|offset| i64::try_from(*offset).is_ok()) {
            Some(offset) => Ok(Page { size, offset, style, count }),
            None if style == Style::Offset => Err(refuse("page[offset]", "The offset is too large.").into()),
            None => Err(refuse("page[number]", "The page number is too large.").into()),
        }
    }
}

fn total(value: &str) -> std::result::Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        "estimate" => Err("Estimates are not served in this version; ask for page[total]=true.".into()),
        _ => Err("page[total] takes true or false.".into()),
    }
}

fn whole(text: &str, least: u64, most: u64) -> std::result::Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    let expected = || match most {
        u64::MAX => format!("{text:?} is no whole number from {least} up."),
        _ => format!("{text:?} is no whole number from {least} to {most}."),
    };
    number.filter(|number| (least..=most).contains(number)).ok_or_else(expected)
}

impl Page {
    /// The number of rows in all, where it is known: counted, or the last page is in hand.
    pub fn total(&self, seen: Seen) -> Option<u64> {
        let last_in_hand = !seen.more && (seen.rows > 0 || self.offset == 0);
        seen.counted.or_else(|| last_in_hand.then_some(self.offset + seen.rows))
    }

    /// The document's `meta`: `total`, `count` and `page`, where the total is known.
    pub fn meta(&self, seen: Seen) -> Map<String, Json> {
        let mut meta = Map::new();
        if let Some(total) = self.total(seen) {
            meta.insert("total".into(), total.into());
            meta.insert("count".into(), total.into());
            meta.insert("page".into(), self.place(total));
        }
        meta
    }

    fn place(&self, total: u64) -> Json {
        match self.style {
            Style::Number => {
                let number = self.offset / self.size + 1;
                json!({"number": number, "size": self.size, "total": total, "pages": total.div_ceil(self.size)})
            }
            Style::Offset => json!({"offset": self.offset, "limit": self.size, "total": total}),
        }
    }

    /// Writes `"first":…,"prev":…,"next":…,"last":…`: null where there is no such page, or where it is not known.
    pub fn links(&self, out: &mut Vec<u8>, path: &str, pairs: &[Pair], seen: Seen) {
        let last = self.total(seen).map(|total| self.last(total));
        let places = [
            ("first", Some(0)),
            ("prev", (self.offset > 0).then(|| self.offset.saturating_sub(self.size))),
            ("next", seen.more.then_some(self.offset + self.size)),
            ("last", last),
        ];
        for (name, offset) in places {
            json::comma(out);
            json::name(out, name);
            match offset {
                Some(offset) => json::string(out, &self.link(path, pairs, offset)),
                None => out.extend_from_slice(b"null"),
            }
        }
    }

    /// Rows before the last page, counted in whole pages from this one.
    fn last(&self, total: u64) -> u64 {
        let phase = self.offset % self.size;
        match total.saturating_sub(1).checked_sub(phase) {
            Some(rest) if total > 0 => phase + rest / self.size * self.size,
            _ => 0,
        }
    }

    /// The link to the page after so many rows: the other parameters stay, in their order.
    fn link(&self, path: &str, pairs: &[Pair], offset: u64) -> String {
        let (key, place) = match self.style {
            Style::Number => ("page[number]", (offset / self.size + 1).to_string()),
            Style::Offset => ("page[offset]", offset.to_string()),
        };
        let kept = pairs
            .iter()
            .filter(|pair| pair.name != key)
            .map(|pair| (pair.name.as_str(), pair.value.as_str()));
        with_query(path, kept.chain([(key, place.as_str())]))
    }
}

/// A path with a query string.
pub fn with_query<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut link = path.to_owned();
    for (n, (name, value)) in pairs.enumerate() {
        let (name, value) = (utf8_percent_encode(name, QUERY), utf8_percent_encode(value, QUERY));
        _ = write!(link, "{}{name}={value}", if n == 0 { '?' } else { '&' });
    }
    link
}

#[cfg(test)]
mod tests;
