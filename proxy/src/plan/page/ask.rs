//! `page[…]` → [`Page`]. What does not go together, and what is beyond the limits, is refused with the parameter's name.

use serde_json::json;

use crate::jsonapi::cursor::{Cursor, Refused};
use crate::jsonapi::media::{CURSOR_PAGINATION, MAX_SIZE_EXCEEDED};
use crate::jsonapi::query::Parameter;
use crate::state::ApiSettings;
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode, Errors, Result};

use super::{At, Between, Page, Total};

/// All parameters of pages.
const KEYS: [&str; 7] = ["number", "size", "offset", "limit", "after", "before", "total"];

/// What a page is asked of.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `page[key]=value`, by key.
    pub parameters: &'a [Parameter<(String, String)>],
    /// The Cursor Pagination profile, where the client names it.
    pub profile: Option<&'static str>,
    /// The order's fingerprint and how many terms it has; nothing where the order was refused.
    pub order: Option<(u64, usize)>,
}

/// The page that the parameters ask for.
pub fn build(api: &ApiSettings, asked: Asked<'_>) -> Result<Page> {
    let (mut draft, mut errors) = (Draft::default(), Vec::new());
    for parameter in asked.parameters {
        if let Err(refused) = draft.take(api, asked.order, &parameter.value.0, &parameter.value.1) {
            errors.extend(refused.map(|error| error.parameter(&parameter.name)));
        }
    }
    match Errors::from_vec(errors) {
        Some(errors) => Err(errors),
        None => draft.page(api, asked),
    }
}

/// What was asked, as far as it has been read.
#[derive(Default)]
struct Draft {
    number: Option<u64>,
    offset: Option<u64>,
    size: Option<u64>,
    after: Option<Cursor>,
    before: Option<Cursor>,
    total: Option<Total>,
}

impl Draft {
    /// Reads one parameter.
    fn take(&mut self, api: &ApiSettings, order: Option<(u64, usize)>, key: &str, value: &str) -> Result<()> {
        match key {
            "number" => self.number = Some(whole(value, 1, u64::MAX)?),
            "offset" => self.offset = Some(whole(value, 0, u64::MAX)?),
            "size" | "limit" if self.size.is_some() => {
                return Err(refusal("page[size] and page[limit] mean the same: give one."));
            }
            "size" | "limit" => self.size = Some(size(api, value)?),
            "after" => self.after = cursor(order, value)?,
            "before" => self.before = cursor(order, value)?,
            "total" => self.total = Some(total(value)?),
            _ => {
                let hint = did_you_mean(key, KEYS.into_iter());
                return Err(refusal(format!("There is no page parameter {key:?}.{hint}")));
            }
        }
        Ok(())
    }

    fn page(self, api: &ApiSettings, asked: Asked<'_>) -> Result<Page> {
        let total = match self.total.unwrap_or(Total::Free) {
            Total::Free if api.totals_exact => Total::Exact,
            asked => asked,
        };
        let cursors = [("after", &self.after), ("before", &self.before)];
        let cursor =
            cursors.iter().find(|(_, cursor)| cursor.is_some()).map(|(key, _)| format!("page[{key}]"));
        let counted = [("page[number]", self.number), ("page[offset]", self.offset)];
        let mut counted = counted.into_iter().filter_map(|(name, value)| value.map(|_| name));
        match (counted.next(), counted.next(), cursor) {
            (Some(one), Some(other), _) => Err(exclusive(one, other)),
            (Some(one), _, Some(cursor)) => Err(exclusive(&cursor, one)),
            (None, _, None) if asked.profile.is_none() => {
                Ok(Page { size: self.size.unwrap_or(api.page_size), at: At::Number(0), total })
            }
            (Some(_), ..) => self.counted(api, total),
            (None, ..) => Ok(self.between(api, asked, total)),
        }
    }

    fn counted(self, api: &ApiSettings, total: Total) -> Result<Page> {
        let size = self.size.unwrap_or(api.page_size);
        let fits = |rows: &u64| i64::try_from(*rows).is_ok();
        let too_large =
            |name: &str| refusal(format!("{name} is too large.")).map(|error| error.parameter(name));
        let at = match (self.offset, self.number) {
            (Some(rows), _) => At::Offset(Some(rows).filter(fits).ok_or_else(|| too_large("page[offset]"))?),
            (None, number) => {
                let rows = number.unwrap_or(1).saturating_sub(1).checked_mul(size).filter(fits);
                At::Number(rows.ok_or_else(|| too_large("page[number]"))?)
            }
        };
        Ok(Page { size, at, total })
    }

    /// Between two cursors all rows are asked for, as far as one page takes them ("Combining page[after] and page[before]").
    fn between(self, api: &ApiSettings, asked: Asked<'_>, total: Total) -> Page {
        let range = self.after.is_some() && self.before.is_some();
        let size = self.size.unwrap_or(if range { api.page_size_max } else { api.page_size });
        let (after, before) = (self.after, self.before);
        let order = asked.order.map_or(0, |(fingerprint, _)| fingerprint);
        let profile = asked.profile.unwrap_or(CURSOR_PAGINATION);
        Page { size, at: At::Cursor(Between { after, before, order, profile }), total }
    }
}

fn refusal(detail: impl Into<String>) -> Errors {
    Error::new(ErrorCode::InvalidPage, detail).into()
}

fn exclusive(one: &str, other: &str) -> Errors {
    let detail = format!("{one} and {other} exclude each other.");
    Error::new(ErrorCode::InvalidPage, detail).parameter(one).into()
}

/// Nothing where the order itself was refused: it cannot be told then which cursors belong to it.
fn cursor(order: Option<(u64, usize)>, text: &str) -> Result<Option<Cursor>> {
    let Some((fingerprint, terms)) = order else { return Ok(None) };
    Cursor::parse(text, fingerprint, terms).map(Some).map_err(|refused| {
        refusal(match refused {
            Refused::Malformed => {
                "This is no cursor, or it has been changed: take them from links and meta.page.cursor."
            }
            Refused::Foreign => "The cursor belongs to another type or to another sort.",
        })
    })
}

fn size(api: &ApiSettings, value: &str) -> Result<u64> {
    let maximum = api.page_size_max;
    let over = whole(value, 1, u64::MAX).is_ok();
    let tell = |error: Error| match over {
        true => {
            let page = json!({"maxSize": maximum});
            error.with_meta("maximum", maximum).with_meta("page", page).of_type(MAX_SIZE_EXCEEDED)
        }
        false => error.with_meta("maximum", maximum),
    };
    whole(value, 1, maximum).map_err(|errors| errors.map(tell))
}

fn total(value: &str) -> Result<Total> {
    match value {
        "true" => Ok(Total::Exact),
        "false" => Ok(Total::Free),
        "estimate" => Ok(Total::Estimate),
        _ => Err(refusal("page[total] takes true, false or estimate.")),
    }
}

fn whole(text: &str, least: u64, most: u64) -> Result<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    let expected = || match most {
        u64::MAX => refusal(format!("{text:?} is no whole number from {least} up.")),
        _ => refusal(format!("{text:?} is no whole number from {least} to {most}.")),
    };
    number.filter(|number| (least..=most).contains(number)).ok_or_else(expected)
}
