//! Calendar arithmetic as PostgreSQL does it, in the calendar that all databases share: the years 1 to 9999, days without zones.
//!
//! `shift(2024-01-31 00:00, one month)` is `2024-02-29 00:00`: the end of the month holds it.

use bigdecimal::BigDecimal;
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

use crate::Value;

/// A span of time: months, then days, then the rest are added, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Years are twelve of them.
    pub months: i32,
    /// Weeks are seven of them.
    pub days: i32,
    /// Hours, minutes and seconds together.
    pub microseconds: i64,
}

/// What can be taken out of a date, a time or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Field {
    Year,
    Quarter,
    Month,
    Day,
    /// Sunday is 0.
    DayOfWeek,
    /// The first of January is 1.
    DayOfYear,
    Hour,
    Minute,
    /// With six digits after the point.
    Second,
}

impl Interval {
    /// Whether it is made of whole days.
    pub fn is_whole_days(self) -> bool {
        self.microseconds == 0
    }

    /// The span in parts that go one way each, so that each of them ends inside of the calendar or the whole does not.
    pub fn steps(self) -> Vec<Self> {
        let nothing = Self::default();
        let parts = [
            Self { months: self.months, ..nothing },
            Self { days: self.days, ..nothing },
            Self { microseconds: self.microseconds, ..nothing },
        ];
        let signs = [i64::from(self.months), self.days.into(), self.microseconds].map(i64::signum);
        match signs.contains(&1) && signs.contains(&-1) {
            true => parts.into_iter().filter(|part| *part != nothing).collect(),
            false => vec![self],
        }
    }

    /// The same span backwards; nothing where it does not fit.
    pub fn negated(self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_neg()?,
            days: self.days.checked_neg()?,
            microseconds: self.microseconds.checked_neg()?,
        })
    }
}

impl Field {
    /// Whether it is a part of the time of day.
    pub fn of_time(self) -> bool {
        matches!(self, Self::Hour | Self::Minute | Self::Second)
    }
}

/// A moment moved; nothing where it leaves the calendar.
pub fn shift(at: NaiveDateTime, by: Interval) -> Option<NaiveDateTime> {
    let months = Months::new(by.months.unsigned_abs());
    let at = if by.months < 0 { at.checked_sub_months(months) } else { at.checked_add_months(months) }?;
    let moved = days_later(at.date(), by.days.into())?.and_time(at.time());
    let moved = moved.checked_add_signed(TimeDelta::microseconds(by.microseconds))?;
    within(moved.date()).then_some(moved)
}

/// A day moved; nothing where it leaves the calendar.
pub fn add_days(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    days_later(date, days).filter(|date| within(*date))
}

/// Days from the second to the first.
pub fn days_between(a: NaiveDate, b: NaiveDate) -> i64 {
    a.signed_duration_since(b).num_days()
}

/// A field of a date, a time or a timestamp; nothing where the value has no such part.
pub fn extract(field: Field, from: &Value) -> Option<Value> {
    let (date, time) = parts(from);
    Some(match field {
        Field::Year => Value::Int(date?.year().into()),
        Field::Quarter => Value::Int(date?.quarter().into()),
        Field::Month => Value::Int(date?.month().into()),
        Field::Day => Value::Int(date?.day().into()),
        Field::DayOfWeek => Value::Int(date?.weekday().num_days_from_sunday().into()),
        Field::DayOfYear => Value::Int(date?.ordinal().into()),
        Field::Hour => Value::Int(time?.hour().into()),
        Field::Minute => Value::Int(time?.minute().into()),
        Field::Second => seconds(time?),
    })
}

fn seconds(time: NaiveTime) -> Value {
    let micros = i64::from(time.second()) * 1_000_000 + i64::from(time.nanosecond() / 1_000 % 1_000_000);
    Value::Decimal(BigDecimal::new(micros.into(), 6))
}

fn parts(value: &Value) -> (Option<NaiveDate>, Option<NaiveTime>) {
    match value {
        Value::Date(date) => (Some(*date), None),
        Value::Time(time) => (None, Some(*time)),
        Value::Timestamp(at) | Value::TimestampTz(at) => (Some(at.date()), Some(at.time())),
        _ => (None, None),
    }
}

fn days_later(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) }
}

fn within(date: NaiveDate) -> bool {
    (1..=9999).contains(&date.year())
}
