//! Functions and aggregates, made to mean the same on every dialect.

use super::Writer;
use super::expr::can_fail;
use crate::calendar::{Field, Interval};
use crate::exact::ROUND_MAX;
use crate::sql::{Expr, Function};
use crate::{Dialect, Value, ValueType, letters};

/// No text has a character at this position.
const FAR: i64 = 1_000_000_000;

/// No calendar has so many days.
const DAYS_MAX: i64 = 4_000_000;

/// To the end of PostgreSQL's calendar, to its beginning, and back: fails outside of the years 1 to 9999, and changes nothing inside.
const POSTGRES_BOUNDS: &str =
    " + interval '103830043 days' - interval '105551469 days' + interval '1721426 days'";

impl Writer {
    /// `name(a, b)`.
    pub(super) fn function<'a>(&mut self, name: &str, arguments: impl IntoIterator<Item = &'a Expr>) {
        self.push(name);
        self.push("(");
        for (index, argument) in arguments.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.expr(argument);
        }
        self.push(")");
    }

    /// A function of the expression language.
    pub(super) fn call(&mut self, function: Function, arguments: &[Expr]) {
        let strict = matches!(
            function,
            Function::Round | Function::Substring | Function::AddDays | Function::DaysBetween
        );
        let operands: Vec<&Expr> = if strict { arguments.iter().collect() } else { Vec::new() };
        self.strictly(&operands, |writer| writer.applied(function, arguments));
    }

    fn applied(&mut self, function: Function, arguments: &[Expr]) {
        match (function, self.dialect) {
            (Function::Round | Function::Floor | Function::Ceil, _) => self.rounding(function, arguments),
            (Function::Least | Function::Greatest, _) => self.extreme(function, arguments),
            (Function::Trim, _) => self.trim(arguments),
            (Function::Substring, Dialect::Sqlite) => self.function("rulegate_substring", arguments),
            (Function::Substring, _) => self.substring(arguments),
            (Function::Lower | Function::Upper, Dialect::Postgres) => self.translate(function, arguments),
            (Function::Lower | Function::Upper, Dialect::Mysql) => {
                self.push(if function == Function::Lower { "lower" } else { "upper" });
                self.each("(convert(", arguments, " using utf8mb4) collate utf8mb4_bin)");
            }
            (Function::Shift(by), _) => self.shift(by, arguments),
            (Function::AddDays, _) => self.add_days(arguments),
            (Function::DaysBetween, Dialect::Postgres) => {
                let [a, b] = arguments else { return self.push("null") };
                self.infix(a, " - ", b);
            }
            (Function::Extract(field), _) => self.extract(field, arguments),
            // These leave a text as it is where there is nothing to replace, whatever the replacement.
            (Function::Replace, Dialect::Mysql | Dialect::Sqlite) if !constants(arguments) => {
                let first = arguments.first().filter(|e| can_fail(e));
                let operands: Vec<&Expr> = first.into_iter().chain(arguments.iter().skip(1)).collect();
                self.unless_null(&operands, |writer| writer.function("replace", arguments));
            }
            (Function::Concat, Dialect::Mysql) => self.concat_all("concat(", ", ", arguments),
            (Function::Concat, Dialect::Sqlite) => self.concat_all("(", " || ", arguments),
            (Function::CountDistinct, _) => self.each("count(distinct ", arguments, ")"),
            // Numbers of 32 bits would be summed up as such.
            (Function::SumFloat, Dialect::Postgres) => self.each("sum((", arguments, ")::float8)"),
            (Function::Min | Function::Max, Dialect::Sqlite) => self.least(function, arguments),
            (function, dialect) => self.function(name(function, dialect), arguments),
        }
    }

    /// SQLite keeps long decimals as text, which it takes for greater than any number.
    fn least(&mut self, function: Function, arguments: &[Expr]) {
        match (function, arguments) {
            (Function::Min, [Expr::Kept(number, ValueType::Decimal { .. })]) => {
                self.function("rulegate_min", [number.as_ref()]);
            }
            (_, [Expr::Kept(number, ValueType::Decimal { .. })]) => {
                self.function("rulegate_max", [number.as_ref()]);
            }
            _ => self.function(name(function, Dialect::Sqlite), arguments),
        }
    }

    /// PostgreSQL's functions for binary floats round half to even: numbers are made decimals first.
    fn rounding(&mut self, function: Function, arguments: &[Expr]) {
        let name = match (function, self.dialect) {
            (Function::Floor, Dialect::Sqlite) => "rulegate_floor",
            (Function::Ceil, Dialect::Sqlite) => "rulegate_ceil",
            (_, Dialect::Sqlite) => "rulegate_round",
            (Function::Floor, _) => "floor",
            (Function::Ceil, _) => "ceiling",
            _ => "round",
        };
        let [number, digits @ ..] = arguments else { return self.push("null") };
        self.push(name);
        let after = if self.dialect == Dialect::Postgres { ")::numeric" } else { ")" };
        self.wrapped("((", number, after);
        for digits in digits {
            self.push(", ");
            match (constant(digits), self.dialect) {
                (Some(digits), _) => self.push(&digits.clamp(-ROUND_MAX, ROUND_MAX).to_string()),
                (None, Dialect::Postgres) => {
                    self.clipped(-ROUND_MAX, ROUND_MAX, |writer| writer.expr(digits));
                }
                (None, _) => self.expr(digits),
            }
        }
        if digits.is_empty() && name == "rulegate_round" {
            self.push(", 0");
        }
        self.push(")");
    }

    /// Nulls are ignored. Outside of PostgreSQL one null makes the whole null, so each argument falls back on the others.
    fn extreme(&mut self, function: Function, arguments: &[Expr]) {
        let name = match (function, self.dialect) {
            (Function::Least, Dialect::Sqlite) => "min",
            (_, Dialect::Sqlite) => "max",
            (Function::Least, _) => "least",
            _ => "greatest",
        };
        match (self.dialect, arguments) {
            // With one argument SQLite's would be the aggregate.
            (_, [one]) => self.expr(one),
            (Dialect::Postgres, _) => self.function(name, arguments),
            (Dialect::Sqlite, [Expr::Decimal(_), ..]) => {
                let name = if function == Function::Least { "rulegate_least" } else { "rulegate_greatest" };
                self.function(name, arguments);
            }
            // Exact texts are bytes here.
            (Dialect::Mysql, [Expr::Exact(_), ..]) => {
                self.push("convert(");
                self.rotated(name, arguments);
                self.push(" using utf8mb4)");
            }
            _ => self.rotated(name, arguments),
        }
    }

    fn rotated(&mut self, name: &str, arguments: &[Expr]) {
        self.push(name);
        self.push("(");
        for start in 0..arguments.len() {
            self.push(if start > 0 { ", " } else { "" });
            let (before, after) = arguments.split_at(start);
            self.function("coalesce", after.iter().chain(before));
        }
        self.push(")");
    }

    /// One letter for another, whatever the locale.
    fn translate(&mut self, function: Function, arguments: &[Expr]) {
        let (from, to) =
            if function == Function::Lower { letters::lower_table() } else { letters::upper_table() };
        self.each("translate(", arguments, "");
        self.push(&format!(", '{from}', '{to}')"));
    }

    /// A list of arguments between two pieces of text.
    fn each(&mut self, before: &str, arguments: &[Expr], after: &str) {
        self.push(before);
        self.list(arguments, ", ", Self::expr);
        self.push(after);
    }

    fn trim(&mut self, arguments: &[Expr]) {
        let [text] = arguments else { return self.push("null") };
        match self.dialect {
            Dialect::Sqlite => self.wrapped("trim(", text, ", ' ')"),
            Dialect::Postgres | Dialect::Mysql => self.wrapped("trim(both ' ' from ", text, ")"),
        }
    }

    /// Positions before the first count, as in PostgreSQL, where others would count from the end. Constants are settled here.
    fn substring(&mut self, arguments: &[Expr]) {
        let [text, from, count @ ..] = arguments else { return self.push("null") };
        self.wrapped("substr(", text, ", ");
        match constant(from) {
            Some(from) => self.position(from),
            None => self.clipped(1, FAR, |writer| writer.expr(from)),
        }
        for count in count {
            self.push(", ");
            match (constant(from), constant(count)) {
                (Some(from), Some(count)) => {
                    self.push(&count.saturating_add(from.min(1)).saturating_sub(1).clamp(0, FAR).to_string());
                }
                _ => self.clipped(0, FAR, |writer| {
                    writer.push("(");
                    writer.decimal(count);
                    writer.wrapped(" + case when ", from, " < 1 then ");
                    writer.decimal(from);
                    writer.push(" else 1 end - 1)");
                }),
            }
        }
        self.push(")");
    }

    fn position(&mut self, from: i64) {
        self.push(&from.clamp(1, FAR).to_string());
    }

    /// A number within bounds; null stays null.
    fn clipped(&mut self, least: i64, most: i64, number: impl Fn(&mut Self)) {
        self.push("(case when ");
        number(self);
        self.push(&format!(" < {least} then {least} when "));
        number(self);
        self.push(&format!(" > {most} then {most} else "));
        number(self);
        self.push(if self.dialect == Dialect::Postgres { " end)::int4" } else { " end)" });
    }

    /// Months first, then days, then the time. Outside of the calendar all of them fail: PostgreSQL where its own ends, to which both ends
    /// are moved and back; MySQL by force.
    fn shift(&mut self, by: Interval, arguments: &[Expr]) {
        let [moment] = arguments else { return self.push("null") };
        let Interval { months, days, microseconds } = by;
        match self.dialect {
            Dialect::Postgres => {
                let span = format!("interval '{months} months {days} days {microseconds} microseconds'");
                self.wrapped("((", moment, &format!(" + {span}){POSTGRES_BOUNDS})"));
            }
            Dialect::Mysql => {
                let time = if by.is_whole_days() { "" } else { "date_add(" };
                self.wrapped(&format!("coalesce({time}date_add(date_add("), moment, "");
                self.push(&format!(", interval {months} month), interval {days} day)"));
                if !by.is_whole_days() {
                    self.push(&format!(", interval {microseconds} microsecond)"));
                }
                self.push(", cast(");
                self.fail_if(|writer| writer.wrapped("", moment, " is not null"));
                self.push(" as datetime(6)))");
            }
            Dialect::Sqlite => {
                self.wrapped("rulegate_shift(", moment, &format!(", {months}, {days}, {microseconds})"));
            }
        }
    }

    fn add_days(&mut self, arguments: &[Expr]) {
        let [date, days] = arguments else { return self.push("null") };
        match self.dialect {
            Dialect::Postgres => {
                self.wrapped("((", date, " + ");
                self.clipped(-DAYS_MAX, DAYS_MAX, |writer| writer.expr(days));
                self.push(&format!(")::timestamp{POSTGRES_BOUNDS})"));
            }
            Dialect::Mysql => {
                self.wrapped("coalesce(date_add(", date, ", interval ");
                self.wrapped("", days, " day), cast(");
                self.fail_if(|writer| {
                    writer.wrapped("", date, " is not null and ");
                    writer.wrapped("", days, " is not null");
                });
                self.push(" as date))");
            }
            Dialect::Sqlite => self.function("rulegate_add_days", [date, days]),
        }
    }

    fn extract(&mut self, field: Field, arguments: &[Expr]) {
        let [from] = arguments else { return self.push("null") };
        match (self.dialect, field) {
            (Dialect::Postgres, Field::Second) => self.wrapped("(extract(second from ", from, "))::numeric"),
            (Dialect::Postgres, _) => {
                self.wrapped(&format!("(extract({} from ", field_name(field)), from, "))::int8");
            }
            (Dialect::Mysql, Field::Second) => {
                self.wrapped("(extract(second_microsecond from ", from, ") * 0.000001)");
            }
            (Dialect::Mysql, Field::DayOfWeek) => self.wrapped("(dayofweek(", from, ") - 1)"),
            (Dialect::Mysql, Field::DayOfYear) => self.wrapped("dayofyear(", from, ")"),
            (Dialect::Mysql, _) => {
                self.wrapped(&format!("extract({} from ", field_name(field)), from, ")");
            }
            (Dialect::Sqlite, _) => {
                self.wrapped("rulegate_extract(", from, &format!(", '{}')", field_name(field)));
            }
        }
    }

    fn concat_all(&mut self, before: &str, separator: &str, arguments: &[Expr]) {
        self.push(before);
        self.list(arguments, separator, |writer, argument| writer.wrapped("coalesce(", argument, ", '')"));
        self.push(")");
    }
}

/// Whether all but the first are known not to be null.
fn constants(arguments: &[Expr]) -> bool {
    arguments.iter().skip(1).all(|e| matches!(e, Expr::Param(value, _) if !value.is_null()))
}

fn constant(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Param(Value::Int(number), _) | Expr::Number(number) => Some(*number),
        _ => None,
    }
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Year => "year",
        Field::Quarter => "quarter",
        Field::Month => "month",
        Field::Day => "day",
        Field::DayOfWeek => "dow",
        Field::DayOfYear => "doy",
        Field::Hour => "hour",
        Field::Minute => "minute",
        Field::Second => "second",
    }
}

fn name(function: Function, dialect: Dialect) -> &'static str {
    match (function, dialect) {
        (Function::Coalesce, _) => "coalesce",
        (Function::NullIf, _) => "nullif",
        (Function::Abs, Dialect::Sqlite) => "rulegate_abs",
        (Function::Abs, _) => "abs",
        (Function::Round, _) => "round",
        (Function::Floor, _) => "floor",
        (Function::Ceil, _) => "ceiling",
        (Function::Least, _) => "least",
        (Function::Greatest, _) => "greatest",
        (Function::Lower, Dialect::Sqlite) => "rulegate_lower",
        (Function::Lower, _) => "lower",
        (Function::Upper, Dialect::Sqlite) => "rulegate_upper",
        (Function::Upper, _) => "upper",
        (Function::Trim, _) => "trim",
        // SQLite's own ends at a NUL.
        (Function::Length, Dialect::Sqlite) => "rulegate_length",
        (Function::Length, _) => "char_length",
        (Function::Substring, _) => "substr",
        (Function::Replace, _) => "replace",
        (Function::Concat, _) => "concat",
        (Function::Shift(_), _) => "shift",
        (Function::AddDays, _) => "add_days",
        (Function::DaysBetween, Dialect::Sqlite) => "rulegate_days",
        (Function::DaysBetween, _) => "datediff",
        (Function::Extract(_), _) => "extract",
        (Function::Sum, Dialect::Sqlite) => "rulegate_sum",
        (Function::Sum | Function::SumFloat, _) => "sum",
        (Function::Count | Function::CountDistinct, _) => "count",
        (Function::Min, _) => "min",
        (Function::Max, _) => "max",
    }
}
