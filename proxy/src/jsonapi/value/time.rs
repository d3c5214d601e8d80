//! Dates and times in ISO 8601, strictly: a garbage date is an error, and no digit of a fraction is lost.

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime};
use dialects::{Dialect, Value};
use introspect::Column;

use super::{Misfit, expected};

pub(super) const DATE: &str = "a date such as 2024-02-29";
pub(super) const TIME: &str = "a time such as 23:59:59";
pub(super) const TIMESTAMP: &str = "a date and time without zone such as 2024-02-29T23:59:59";
pub(super) const INSTANT: &str = "a date and time with zone such as 2024-02-29T23:59:59Z";

/// The longest time that MySQL keeps, in hours.
const MYSQL_HOURS_MAX: u32 = 838;

/// How many digits of a second's fraction a column keeps: what its declaration says (`timestamp(3)`), else the database's habit.
pub(super) fn digits(dialect: Dialect, column: &Column) -> usize {
    column.second_digits(dialect).map_or(9, |digits| digits as usize)
}

/// `2024-02-29`; on PostgreSQL also years with a sign (`+12024`, `-0043`) and the ends of time.
pub(super) fn date(dialect: Dialect, text: &str) -> Result<Value, Misfit> {
    endless(dialect, text).or_else(|| far_day(dialect, text).map(Value::Date)).ok_or_else(|| expected(DATE))
}

/// `23:59`, `23:59:59`, `23:59:59.25`; on PostgreSQL also the end of the day, on MySQL spans of up to 838 hours, either way.
pub(super) fn time(dialect: Dialect, column: &Column, text: &str) -> Result<Value, Misfit> {
    let digits = digits(dialect, column);
    match dialect {
        Dialect::Postgres if is_days_end(text) => Ok(Value::text("24:00:00")),
        Dialect::Mysql if is_long(text) => long(text, digits),
        _ => clock(text, digits, TIME).map(Value::Time),
    }
}

/// A date and a time between which stands a `T` or a space.
pub(super) fn timestamp(dialect: Dialect, column: &Column, text: &str) -> Result<Value, Misfit> {
    if let Some(end) = endless(dialect, text) {
        return Ok(end);
    }
    let (day, clock_text) = text.split_once(['T', ' ']).ok_or_else(|| expected(TIMESTAMP))?;
    let day = far_day(dialect, day).ok_or_else(|| expected(TIMESTAMP))?;
    Ok(Value::Timestamp(day.and_time(clock(clock_text, digits(dialect, column), TIMESTAMP)?)))
}

/// The same with `Z` or an offset (`+02:00`), in UTC.
pub(super) fn instant(dialect: Dialect, column: &Column, text: &str) -> Result<Value, Misfit> {
    if let Some(end) = endless(dialect, text) {
        return Ok(end);
    }
    let misfit = || expected(INSTANT);
    let (day, rest) = text.split_once(['T', ' ']).ok_or_else(misfit)?;
    let (clock_text, offset) = zoned(rest).ok_or_else(misfit)?;
    let day = far_day(dialect, day).ok_or_else(misfit)?;
    let local: NaiveDateTime = day.and_time(clock(clock_text, digits(dialect, column), INSTANT)?);
    local.checked_sub_signed(offset).map(Value::TimestampTz).ok_or_else(misfit)
}

/// A day of the years 1 to 9999.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_once('-')?;
    let year = fixed(year, 4).filter(|year| *year > 0)?;
    day_of(i32::try_from(year).ok()?, rest)
}

fn day_of(year: i32, rest: &str) -> Option<NaiveDate> {
    let (month, day) = rest.split_once('-')?;
    NaiveDate::from_ymd_opt(year, fixed(month, 2)?, fixed(day, 2)?)
}

/// PostgreSQL's calendar begins in November 4714 BC, the year -4713. A year beyond four digits has a sign, in front of four digits at least.
fn far_day(dialect: Dialect, text: &str) -> Option<NaiveDate> {
    if let (Dialect::Postgres, Some(unsigned)) = (dialect, text.strip_prefix(['+', '-'])) {
        let (year, rest) = unsigned.split_once('-')?;
        let (number, sign) =
            (fixed(year, year.len().clamp(4, 6))?, if text.starts_with('-') { -1 } else { 1 });
        let first = NaiveDate::from_ymd_opt(-4713, 11, 24)?;
        return day_of(i32::try_from(number).ok()? * sign, rest).filter(|day| *day >= first);
    }
    match text.strip_prefix("0000-") {
        Some(rest) if dialect == Dialect::Postgres => day_of(0, rest),
        _ => day(text),
    }
}

/// Before and after all time.
fn endless(dialect: Dialect, text: &str) -> Option<Value> {
    (dialect == Dialect::Postgres && matches!(text, "infinity" | "-infinity")).then(|| Value::text(text))
}

pub(super) fn is_days_end(text: &str) -> bool {
    matches!(text, "24:00" | "24:00:00")
}

/// Whether it is below nought, or no time of day any more.
fn is_long(text: &str) -> bool {
    let hours = text.split(':').next().unwrap_or_default();
    text.starts_with('-') || hours.parse::<u32>().is_ok_and(|hours| hours > 23)
}

fn long(text: &str, digits: usize) -> Result<Value, Misfit> {
    let form = "a time from -838:59:59 to 838:59:59";
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (hours, rest) = unsigned.split_once(':').ok_or_else(|| expected(form))?;
    let number = fixed(hours, hours.len().clamp(2, 3)).filter(|number| *number <= MYSQL_HOURS_MAX);
    let number = number.ok_or_else(|| expected(form))?;
    let rest = clock(&format!("00:{rest}"), digits, form)?.format("%M:%S%.f").to_string();
    let sign = if text.starts_with('-') { "-" } else { "" };
    let fraction = rest.contains('.');
    Ok(Value::Text(format!(
        "{sign}{number:02}:{}",
        if fraction { rest.trim_end_matches('0') } else { &rest }
    )))
}

/// A time and its distance from UTC.
pub(super) fn zoned(text: &str) -> Option<(&str, Duration)> {
    let (clock_text, zone) = text.split_at(text.find(['Z', 'z', '+', '-'])?);
    Some((clock_text, offset(zone)?))
}

pub(super) fn clock(text: &str, digits: usize, form: &str) -> Result<NaiveTime, Misfit> {
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

/// `Z`, `+02`, `+0200`, `+02:00`, `+02:00:30`.
fn offset(zone: &str) -> Option<Duration> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(Duration::zero());
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let parts: Vec<&str> = match (rest.len(), rest.split_at_checked(2)) {
        (4, Some((hours, minutes))) => vec![hours, minutes],
        _ => rest.split(':').collect(),
    };
    let numbers: Vec<u32> = parts.iter().map(|part| fixed(part, 2)).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match numbers.as_slice() {
        [hours] => (*hours, 0, 0),
        [hours, minutes] => (*hours, *minutes, 0),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let length = Duration::seconds(i64::from(hours * 3600 + minutes * 60 + seconds));
    Some(if sign == "-" { -length } else { length })
}

/// A number of exactly so many digits.
fn fixed(text: &str, width: usize) -> Option<u32> {
    (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
