//! Dates and times in ISO 8601, strictly: a garbage date is an error, and no digit of a fraction is lost.

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime};
use dialects::Dialect;
use introspect::Column;

use super::{Misfit, expected};

pub(super) const DATE: &str = "a date such as 2024-02-29";
pub(super) const TIME: &str = "a time such as 23:59:59";
pub(super) const TIMESTAMP: &str = "a date and time without zone such as 2024-02-29T23:59:59";
pub(super) const INSTANT: &str = "a date and time with zone such as 2024-02-29T23:59:59Z";

/// How many digits of a second's fraction a column keeps: what its declaration says (`timestamp(3)`), else the database's habit.
pub(super) fn digits(dialect: Dialect, column: &Column) -> usize {
    let declared =
        column.sql_type.text.split_once('(').and_then(|(_, rest)| rest.split_once(')')?.0.parse().ok());
    match dialect {
        Dialect::Postgres => declared.unwrap_or(6),
        Dialect::Mysql => declared.unwrap_or(0),
        Dialect::Sqlite => 9,
    }
}

/// `2024-02-29`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let year = fixed(year, 4)?;
    if year == 0 {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, fixed(month, 2)?, fixed(day, 2)?)
}

/// `23:59`, `23:59:59`, `23:59:59.25`.
pub(super) fn time(text: &str, digits: usize) -> Result<NaiveTime, Misfit> {
    clock(text, digits, TIME)
}

/// A date and a time between which stands a `T` or a space.
pub(super) fn timestamp(text: &str, digits: usize) -> Result<NaiveDateTime, Misfit> {
    let (day, clock_text) = text.split_once(['T', ' ']).ok_or_else(|| expected(TIMESTAMP))?;
    let day = date(day).ok_or_else(|| expected(TIMESTAMP))?;
    Ok(day.and_time(clock(clock_text, digits, TIMESTAMP)?))
}

/// The same with `Z` or an offset (`+02:00`), in UTC.
pub(super) fn instant(text: &str, digits: usize) -> Result<NaiveDateTime, Misfit> {
    let misfit = || expected(INSTANT);
    let (day, rest) = text.split_once(['T', ' ']).ok_or_else(misfit)?;
    let at = rest.find(['Z', 'z', '+', '-']).ok_or_else(misfit)?;
    let (clock_text, zone) = rest.split_at(at);
    let offset = offset(zone).ok_or_else(misfit)?;
    let local = date(day).ok_or_else(misfit)?.and_time(clock(clock_text, digits, INSTANT)?);
    local.checked_sub_signed(offset).ok_or_else(misfit)
}

fn clock(text: &str, digits: usize, form: &str) -> Result<NaiveTime, Misfit> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let nanos = match fraction {
        None => 0,
        Some(fraction) => nanos(fraction).ok_or_else(|| expected(form))?,
    };
    if fraction.is_some_and(|fraction| fraction.trim_end_matches('0').len() > digits) {
        return Err(expected(&format!("at most {digits} digits of a second's fraction")));
    }
    seconds(whole, fraction.is_some(), nanos).ok_or_else(|| expected(form))
}

fn seconds(text: &str, with_fraction: bool, nanos: u32) -> Option<NaiveTime> {
    let mut parts = text.split(':');
    let (hour, minute) = (fixed(parts.next()?, 2)?, fixed(parts.next()?, 2)?);
    let second = match parts.next() {
        Some(second) => fixed(second, 2)?,
        None if with_fraction => return None,
        None => 0,
    };
    match parts.next() {
        None => NaiveTime::from_hms_nano_opt(hour, minute, second, nanos),
        Some(_) => None,
    }
}

fn nanos(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let number = fixed(fraction, fraction.len())?;
    Some(number * 10_u32.pow(9 - fraction.len() as u32))
}

fn offset(zone: &str) -> Option<Duration> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(Duration::zero());
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None => rest.split_at_checked(2)?,
    };
    let (hours, minutes) = (fixed(hours, 2)?, if minutes.is_empty() { 0 } else { fixed(minutes, 2)? });
    if hours > 23 || minutes > 59 {
        return None;
    }
    let length = Duration::minutes(i64::from(hours * 60 + minutes));
    Some(if sign == "-" { -length } else { length })
}

/// A number of exactly so many digits.
fn fixed(text: &str, width: usize) -> Option<u32> {
    (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
