//! Dates and times, which SQLite keeps as text: read in every usual form, written in one.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use rusqlite::functions::Context;
use rusqlite::types::{Value as SqliteValue, ValueRef};
use rusqlite::{Connection, Result};

use super::{count, number, refuse, scalar, text};
use crate::Value;
use crate::calendar::{self, Field, Interval};
use crate::driver::sqlite::decode;
use crate::driver::text as written;

pub(super) fn register(connection: &Connection) -> Result<()> {
    scalar(connection, "rulegate_date", 1, |context| strict(context, |t| Some(day(t)?.to_string())))?;
    scalar(connection, "rulegate_time", 1, |context| strict(context, |t| Some(show_time(clock(t)?))))?;
    scalar(connection, "rulegate_timestamp", 1, |context| {
        strict(context, |t| Some(show(written::timestamp(t)?)))
    })?;
    scalar(connection, "rulegate_moment", 1, |context| strict(context, moment))?;
    scalar(connection, "rulegate_as_date", 1, |context| {
        kept(context, |t| Some(decode::date(t)?.to_string()))
    })?;
    scalar(connection, "rulegate_as_time", 1, |context| {
        kept(context, |t| Some(show_time(written::time(t)?)))
    })?;
    scalar(connection, "rulegate_as_timestamp", 1, |context| {
        kept(context, |t| Some(show(written::timestamp(t)?)))
    })?;
    scalar(connection, "rulegate_shift", 4, shift)?;
    scalar(connection, "rulegate_add_days", 2, add_days)?;
    scalar(connection, "rulegate_days", 2, days_between)?;
    scalar(connection, "rulegate_extract", 2, extract)
}

/// Null for null; what cannot be read is refused.
fn strict(context: &Context<'_>, convert: impl Fn(&str) -> Option<String>) -> Result<SqliteValue> {
    let Some(text) = text(context, 0)? else { return Ok(SqliteValue::Null) };
    convert(&text).map_or_else(|| refuse("no date or time"), |text| Ok(SqliteValue::Text(text)))
}

/// What contradicts its column stays as it is.
fn kept(context: &Context<'_>, convert: impl Fn(&str) -> Option<String>) -> Result<SqliteValue> {
    let converted = match context.get_raw(0) {
        ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(convert),
        _ => None,
    };
    converted.map_or_else(|| context.get(0), |text| Ok(SqliteValue::Text(text)))
}

fn day(text: &str) -> Option<NaiveDate> {
    written::date(text).or_else(|| Some(written::timestamp(text)?.date()))
}

fn clock(text: &str) -> Option<NaiveTime> {
    written::time(text).or_else(|| Some(written::timestamp(text)?.time()))
}

fn show(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.f").to_string()
}

fn show_time(time: NaiveTime) -> String {
    time.format("%H:%M:%S%.f").to_string()
}

/// A time or a timestamp without zeros at the end of its second.
fn moment(text: &str) -> Option<String> {
    let shown = match written::time(text) {
        Some(time) => time.format("%H:%M:%S%.6f").to_string(),
        None => written::timestamp(text)?.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
    };
    Some(shown.trim_end_matches('0').trim_end_matches('.').to_owned())
}

fn shift(context: &Context<'_>) -> Result<SqliteValue> {
    let by = Interval { months: context.get(1)?, days: context.get(2)?, microseconds: context.get(3)? };
    strict(context, |text| Some(show(calendar::shift(written::timestamp(text)?, by)?)))
}

fn add_days(context: &Context<'_>) -> Result<SqliteValue> {
    let Some(days) = count(context, 1)? else { return Ok(SqliteValue::Null) };
    strict(context, |text| Some(calendar::add_days(day(text)?, i64::try_from(days).ok()?)?.to_string()))
}

fn days_between(context: &Context<'_>) -> Result<SqliteValue> {
    let (Some(a), Some(b)) = (text(context, 0)?, text(context, 1)?) else { return Ok(SqliteValue::Null) };
    match (day(&a), day(&b)) {
        (Some(a), Some(b)) => Ok(SqliteValue::Integer(calendar::days_between(a, b))),
        _ => refuse("no date"),
    }
}

fn extract(context: &Context<'_>) -> Result<SqliteValue> {
    let (Some(from), Some(name)) = (text(context, 0)?, text(context, 1)?) else {
        return Ok(SqliteValue::Null);
    };
    let value = match written::time(&from) {
        Some(time) => Some(Value::Time(time)),
        None => written::timestamp(&from).map(Value::Timestamp),
    };
    match field(&name).zip(value).and_then(|(field, value)| calendar::extract(field, &value)) {
        Some(Value::Int(whole)) => Ok(SqliteValue::Integer(whole)),
        Some(Value::Decimal(seconds)) => Ok(number(&seconds)),
        _ => refuse("no such part"),
    }
}

fn field(name: &str) -> Option<Field> {
    Some(match name {
        "year" => Field::Year,
        "quarter" => Field::Quarter,
        "month" => Field::Month,
        "day" => Field::Day,
        "dow" => Field::DayOfWeek,
        "doy" => Field::DayOfYear,
        "hour" => Field::Hour,
        "minute" => Field::Minute,
        "second" => Field::Second,
        _ => return None,
    })
}
