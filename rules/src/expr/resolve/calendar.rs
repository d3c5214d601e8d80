//! Dates and times in calculations: intervals, days between dates, `extract`.

use std::ops::Range;

use dialects::calendar::{Field, Interval};
use sqlparser::ast::{self, DateTimeField};

use super::types::{is_text_constant, temporal};
use super::{Resolver, Typed};
use crate::expr::{BinaryOp, Expr, Function, Type, noun};

const INTERVALS: &str = "write interval '3 days', '1 year 2 months' or '90 minutes': whole numbers of years, months, weeks, days, hours, \
                         minutes or seconds";

/// Farther than the calendar reaches, in days.
const DAYS_MAX: i64 = 4_000_000;

impl Resolver<'_> {
    /// `moment + interval '…'`, `moment - interval '…'`, `interval '…' + moment`; nothing where no interval stands.
    pub(super) fn shifted(
        &mut self,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: &Range<usize>,
        depth: usize,
    ) -> Option<Option<Typed>> {
        let (moment, interval) = match (op, interval(left), interval(right)) {
            (BinaryOp::Add, Some(interval), None) => (right, interval),
            (BinaryOp::Add | BinaryOp::Sub, None, Some(interval)) => (left, interval),
            _ => return None,
        };
        let moment = self.node(moment, depth);
        let by = read(interval).and_then(|by| if op == BinaryOp::Sub { by.negated() } else { Some(by) });
        let Some(by) = by else {
            return Some(self.refuse(span.clone(), "this interval is not understood", INTERVALS));
        };
        Some(moment.and_then(|moment| self.shift(moment, by, span.clone())))
    }

    fn shift(&mut self, moment: Typed, by: Interval, span: Range<usize>) -> Option<Typed> {
        let moment = match moment.ty {
            Type::Null => self.adapt(moment, Type::Timestamp)?,
            Type::Date if by.is_whole_days() => moment,
            Type::Date => self.adapt(moment, Type::Timestamp)?,
            Type::Timestamp | Type::TimestampTz => moment,
            other => {
                let message =
                    format!("an interval is added to a date or a timestamp, this is {}", noun(other));
                let hint = if is_text_constant(&moment) { "write date '2024-05-01'" } else { "" };
                return self.refuse(moment.span, message, hint);
            }
        };
        let ty = moment.ty;
        let step = |expr, by| Expr::Call(Function::Shift(by), vec![expr]);
        Some(Typed { expr: by.steps().into_iter().fold(moment.expr, step), ty, span })
    }

    /// `date + 3`, `date - 3`, `date - date`: PostgreSQL's whole days.
    pub(super) fn days(&mut self, op: BinaryOp, a: Typed, b: Typed, span: Range<usize>) -> Option<Typed> {
        let (function, ty, args) = match (op, a.ty, b.ty) {
            (BinaryOp::Sub, Type::Date, Type::Date) => (Function::DaysBetween, Type::Integer, [a, b]),
            (BinaryOp::Sub, Type::Date, _) if is_text_constant(&b) => {
                (Function::DaysBetween, Type::Integer, [a, self.adapt(b, Type::Date)?])
            }
            (BinaryOp::Sub, _, Type::Date) if is_text_constant(&a) => {
                (Function::DaysBetween, Type::Integer, [self.adapt(a, Type::Date)?, b])
            }
            (_, Type::Date, Type::Integer | Type::Null) => (Function::AddDays, Type::Date, [a, b]),
            (BinaryOp::Add, Type::Integer | Type::Null, Type::Date) => {
                (Function::AddDays, Type::Date, [b, a])
            }
            _ => return self.no_days(&a, &b, span),
        };
        let [first, second] = args;
        let second = if function == Function::AddDays { self.adapt(second, Type::Integer)? } else { second };
        let second = match (function, op) {
            (Function::AddDays, BinaryOp::Sub) => Expr::Negate(Box::new(second.expr)),
            _ => second.expr,
        };
        Some(Typed { expr: Expr::Call(function, vec![first.expr, second]), ty, span })
    }

    fn no_days(&mut self, a: &Typed, b: &Typed, span: Range<usize>) -> Option<Typed> {
        let message = format!("{} and {} cannot be added or subtracted", noun(a.ty), noun(b.ty));
        let hint = match temporal(a.ty) && temporal(b.ty) {
            true => "date - date is a number of days: cast(… as date) makes a date of a timestamp",
            false => "write … + interval '3 hours'; a date also takes a whole number of days",
        };
        self.refuse(span, message, hint)
    }

    /// `extract(year from …)`
    pub(super) fn extract(
        &mut self,
        name: &DateTimeField,
        from: &ast::Expr,
        span: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let from = self.node(from, depth);
        let Some(field) = field(name) else {
            let hint = "there are year, quarter, month, day, dow (Sunday is 0), doy, hour, minute and second";
            return self.refuse(span, format!("`{name}` cannot be extracted"), hint);
        };
        let from = from?;
        let from = if from.ty == Type::Null { self.adapt(from, Type::Timestamp)? } else { from };
        let has = match from.ty {
            Type::Timestamp | Type::TimestampTz => true,
            Type::Date => !field.of_time(),
            Type::Time => field.of_time(),
            _ => false,
        };
        if !has {
            let hint = if is_text_constant(&from) { "write date '2024-05-01'" } else { "" };
            let message = format!("`{name}` cannot be extracted: this is {}", noun(from.ty));
            return self.refuse(from.span, message, hint);
        }
        let ty = if field == Field::Second { Type::Decimal(Some(6)) } else { Type::Integer };
        Some(Typed { expr: Expr::Call(Function::Extract(field), vec![from.expr]), ty, span })
    }
}

fn interval(tree: &ast::Expr) -> Option<&ast::Interval> {
    match tree {
        ast::Expr::Nested(inner) => interval(inner),
        ast::Expr::Interval(interval) => Some(interval),
        _ => None,
    }
}

/// `'1 year 2 months'`, or `'3' day`.
fn read(interval: &ast::Interval) -> Option<Interval> {
    let plain = interval.leading_precision.is_none()
        && interval.last_field.is_none()
        && interval.fractional_seconds_precision.is_none();
    let ast::Expr::Value(value) = interval.value.as_ref() else { return None };
    let ast::Value::SingleQuotedString(text) = &value.value else { return None };
    let mut words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.extend(interval.leading_field.as_ref().map(|unit| unit.to_string().to_lowercase()));
    let pairs = words.chunks(2).map(|pair| match pair {
        [number, unit] if plain => span(number, unit.strip_suffix('s').unwrap_or(unit)),
        _ => None,
    });
    let mut sum: Option<Interval> = None;
    for part in pairs {
        sum = Some(added(sum.unwrap_or_default(), part?)?);
    }
    sum.filter(|sum| i64::from(sum.days).abs() <= DAYS_MAX && i64::from(sum.months).abs() <= DAYS_MAX / 30)
}

/// So many of a unit.
fn span(number: &str, unit: &str) -> Option<Interval> {
    let nothing = Interval::default();
    let micros = |unit: i64| {
        let microseconds = number.parse::<i64>().ok()?.checked_mul(unit * 1_000_000)?;
        (microseconds.abs() / 86_400_000_000 <= DAYS_MAX).then_some(Interval { microseconds, ..nothing })
    };
    let whole = |unit: i32| number.parse::<i32>().ok()?.checked_mul(unit);
    match unit {
        "year" => Some(Interval { months: whole(12)?, ..nothing }),
        "month" => Some(Interval { months: whole(1)?, ..nothing }),
        "week" => Some(Interval { days: whole(7)?, ..nothing }),
        "day" => Some(Interval { days: whole(1)?, ..nothing }),
        "hour" => micros(3_600),
        "minute" => micros(60),
        "second" => micros(1),
        _ => None,
    }
}

fn added(a: Interval, b: Interval) -> Option<Interval> {
    Some(Interval {
        months: a.months.checked_add(b.months)?,
        days: a.days.checked_add(b.days)?,
        microseconds: a.microseconds.checked_add(b.microseconds)?,
    })
}

fn field(name: &DateTimeField) -> Option<Field> {
    Some(match name {
        DateTimeField::Year => Field::Year,
        DateTimeField::Quarter => Field::Quarter,
        DateTimeField::Month => Field::Month,
        DateTimeField::Day => Field::Day,
        DateTimeField::Dow => Field::DayOfWeek,
        DateTimeField::Doy => Field::DayOfYear,
        DateTimeField::Hour => Field::Hour,
        DateTimeField::Minute => Field::Minute,
        DateTimeField::Second => Field::Second,
        _ => return None,
    })
}
