//! Functions that SQLite lacks or does in binary: decimal arithmetic, letters, LIKE, the calendar. They have names of their own, so that no
//! index of the database's can depend on them.
//!
//! Numbers come out as SQLite keeps decimals (`super::session::number`): beyond 15 digits as text, exact. Texts are no numbers to SQLite,
//! so what may be such a number is compared by a function too.

mod calendar;

use std::cmp::Ordering;

use bigdecimal::num_bigint::Sign;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value as SqliteValue, ValueRef};
use rusqlite::{Connection, Error, Result};

use super::decode;
use super::session::number;
use crate::{exact, letters, pieces};

type Unary = fn(&BigDecimal) -> BigDecimal;
type Binary = fn(&BigDecimal, &BigDecimal) -> Result<BigDecimal>;

/// How the messages of these functions begin: SQLite passes on an error's text, not its code.
pub(super) const REFUSAL: &str = "value refused: ";
/// Most digits of a number, and most zeros behind or before them.
const DIGITS_MAX: u64 = 10_000;

/// Makes the functions known to a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    let arithmetic: [(&str, Binary); 5] = [
        ("rulegate_add", |a, b| Ok(a + b)),
        ("rulegate_sub", |a, b| Ok(a - b)),
        ("rulegate_mul", |a, b| Ok(a * b)),
        ("rulegate_div", |a, b| divided(exact::quotient(a, b))),
        ("rulegate_rem", |a, b| divided(exact::remainder(a, b))),
    ];
    for (name, operation) in arithmetic {
        scalar(connection, name, 2, move |context| binary(context, operation))?;
    }
    let unaries: [(&str, Unary); 4] = [
        ("rulegate_floor", |n| n.with_scale_round(0, RoundingMode::Floor)),
        ("rulegate_ceil", |n| n.with_scale_round(0, RoundingMode::Ceiling)),
        ("rulegate_abs", BigDecimal::abs),
        ("rulegate_decimal", BigDecimal::clone),
    ];
    for (name, operation) in unaries {
        scalar(connection, name, 1, move |context| unary(context, operation))?;
    }
    scalar(connection, "rulegate_as_decimal", 1, kept)?;
    scalar(connection, "rulegate_round", 2, round)?;
    scalar(connection, "rulegate_integer", 1, integer)?;
    scalar(connection, "rulegate_digits", 2, digits)?;
    scalar(connection, "rulegate_compare", 2, |context| {
        Ok(order(context)?.map_or(SqliteValue::Null, |order| SqliteValue::Integer(order as i64)))
    })?;
    scalar(connection, "rulegate_distinct", 2, distinct)?;
    scalar(connection, "rulegate_sortable", 1, sortable)?;
    scalar(connection, "rulegate_least", -1, |context| extreme(context, Ordering::Less))?;
    scalar(connection, "rulegate_greatest", -1, |context| extreme(context, Ordering::Greater))?;
    scalar(connection, "rulegate_lower", 1, |context| recase(context, letters::lower))?;
    scalar(connection, "rulegate_upper", 1, |context| recase(context, letters::upper))?;
    scalar(connection, "rulegate_length", 1, length)?;
    scalar(connection, "rulegate_substring", 2, substring)?;
    scalar(connection, "rulegate_substring", 3, substring)?;
    scalar(connection, "rulegate_like", 2, |context| like(context, str::to_owned))?;
    scalar(connection, "rulegate_ilike", 2, |context| like(context, letters::lower))?;
    calendar::register(connection)?;
    connection.create_aggregate_function("rulegate_min", 1, FLAGS, Extreme(Ordering::Less))?;
    connection.create_aggregate_function("rulegate_max", 1, FLAGS, Extreme(Ordering::Greater))?;
    connection.create_aggregate_function("rulegate_sum", 1, FLAGS, Sum)
}

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC);

fn scalar(
    connection: &Connection,
    name: &str,
    arguments: i32,
    function: impl Fn(&Context<'_>) -> Result<SqliteValue> + Send + 'static,
) -> Result<()> {
    connection.create_scalar_function(name, arguments, FLAGS, move |context| function(context))
}

fn refuse<T>(message: &str) -> Result<T> {
    Err(Error::UserFunctionError(format!("{REFUSAL}{message}").into()))
}

/// An argument as a number; null is none.
fn argument(context: &Context<'_>, index: usize) -> Result<Option<BigDecimal>> {
    let number = match context.get_raw(index) {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(whole) => Some(whole.into()),
        ValueRef::Real(float) => decode::decimal(float),
        ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok()),
        ValueRef::Blob(_) => None,
    };
    number.filter(workable).map_or_else(|| refuse("not a number"), |number| Ok(Some(number)))
}

/// A stored decimal as the double nearest to it; what contradicts its column stays as it is.
fn kept(context: &Context<'_>) -> Result<SqliteValue> {
    let decimal = match context.get_raw(0) {
        ValueRef::Real(float) => decode::decimal(float),
        ValueRef::Text(text) => {
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).filter(workable)
        }
        _ => None,
    };
    decimal.map_or_else(|| context.get(0), |decimal| Ok(number(&decimal)))
}

/// Whether calculating with a number ends in reasonable time.
fn workable(number: &BigDecimal) -> bool {
    number.digits() <= DIGITS_MAX && number.fractional_digit_count().unsigned_abs() <= DIGITS_MAX
}

fn binary(context: &Context<'_>, operation: Binary) -> Result<SqliteValue> {
    match (argument(context, 0)?, argument(context, 1)?) {
        (Some(a), Some(b)) => Ok(number(&operation(&a, &b)?)),
        _ => Ok(SqliteValue::Null),
    }
}

fn unary(context: &Context<'_>, operation: impl Fn(&BigDecimal) -> BigDecimal) -> Result<SqliteValue> {
    Ok(argument(context, 0)?.map_or(SqliteValue::Null, |a| number(&operation(&a))))
}

fn divided(result: Option<BigDecimal>) -> Result<BigDecimal> {
    result.map_or_else(|| refuse("division by zero"), Ok)
}

fn round(context: &Context<'_>) -> Result<SqliteValue> {
    let Some(digits) = count(context, 1)? else { return Ok(SqliteValue::Null) };
    unary(context, |n| exact::round(n, digits, RoundingMode::HalfUp))
}

/// A count or a position.
fn count(context: &Context<'_>, index: usize) -> Result<Option<i128>> {
    Ok(argument(context, index)?.map(|number| exact::saturated(&number)))
}

/// Half away from zero; what does not fit 64 bits is refused.
fn integer(context: &Context<'_>) -> Result<SqliteValue> {
    let Some(number) = argument(context, 0)? else { return Ok(SqliteValue::Null) };
    let whole = number.with_scale_round(0, RoundingMode::HalfUp).to_i64();
    whole.map_or_else(|| refuse("a number beyond 64 bits"), |whole| Ok(SqliteValue::Integer(whole)))
}

/// A number's text with so many digits after the point; without a count: as many as it has.
fn digits(context: &Context<'_>) -> Result<SqliteValue> {
    let scale: Option<i64> = context.get(1)?;
    let shown = |number: BigDecimal| match scale {
        Some(scale) => number.with_scale_round(scale, RoundingMode::HalfUp).to_plain_string(),
        None => number.normalized().to_plain_string(),
    };
    Ok(argument(context, 0)?.map_or(SqliteValue::Null, |number| SqliteValue::Text(shown(number))))
}

fn order(context: &Context<'_>) -> Result<Option<Ordering>> {
    Ok(argument(context, 0)?.zip(argument(context, 1)?).map(|(a, b)| a.cmp(&b)))
}

fn distinct(context: &Context<'_>) -> Result<SqliteValue> {
    Ok(SqliteValue::Integer((argument(context, 0)? != argument(context, 1)?).into()))
}

/// The least or the greatest number; nulls are passed over.
fn extreme(context: &Context<'_>, wanted: Ordering) -> Result<SqliteValue> {
    let mut best: Option<BigDecimal> = None;
    for index in 0..context.len() {
        let Some(next) = argument(context, index)? else { continue };
        if best.as_ref().is_none_or(|best| next.cmp(best) == wanted) {
            best = Some(next);
        }
    }
    Ok(best.map_or(SqliteValue::Null, |best| number(&best)))
}

/// A text that sorts as the number does: a sign, how many digits stand before the point, the digits. Below zero all of it backwards.
fn sortable(context: &Context<'_>) -> Result<SqliteValue> {
    let Some(number) = argument(context, 0)? else { return Ok(SqliteValue::Null) };
    if number.is_zero() {
        return Ok(SqliteValue::Text("1".to_owned()));
    }
    let plain = number.abs().normalized();
    let before = 50_000 + i64::try_from(plain.digits()).unwrap_or(0) - plain.fractional_digit_count();
    let key = format!("{before:05}{}", plain.as_bigint_and_scale().0);
    let backwards = |c: char| c.to_digit(10).and_then(|d| char::from_digit(9 - d, 10)).unwrap_or(c);
    Ok(SqliteValue::Text(match number.sign() {
        Sign::Minus => format!("0{}~", key.chars().map(backwards).collect::<String>()),
        _ => format!("2{key}"),
    }))
}

fn length(context: &Context<'_>) -> Result<SqliteValue> {
    let count = |text: String| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    Ok(text(context, 0)?.map_or(SqliteValue::Null, |text| SqliteValue::Integer(count(text))))
}

/// From a position on, counted from 1; the window may begin before the text does.
fn substring(context: &Context<'_>) -> Result<SqliteValue> {
    let (Some(text), Some(from)) = (text(context, 0)?, count(context, 1)?) else {
        return Ok(SqliteValue::Null);
    };
    let length = if context.len() > 2 { count(context, 2)? } else { None };
    match length {
        None if context.len() > 2 => Ok(SqliteValue::Null),
        length => Ok(SqliteValue::Text(pieces::substring(&text, from, length))),
    }
}

fn text(context: &Context<'_>, index: usize) -> Result<Option<String>> {
    match context.get_raw(index) {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number.to_string())),
        ValueRef::Real(number) => Ok(Some(number.to_string())),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
        }
    }
}

fn recase(context: &Context<'_>, convert: impl Fn(&str) -> String) -> Result<SqliteValue> {
    Ok(text(context, 0)?.map_or(SqliteValue::Null, |text| SqliteValue::Text(convert(&text))))
}

fn like(context: &Context<'_>, convert: impl Fn(&str) -> String) -> Result<SqliteValue> {
    match (text(context, 0)?, text(context, 1)?) {
        (Some(text), Some(pattern)) => {
            Ok(SqliteValue::Integer(pieces::like(&convert(&text), &convert(&pattern)).into()))
        }
        _ => Ok(SqliteValue::Null),
    }
}

/// An exact sum; of nothing: null.
struct Sum;

impl Aggregate<Option<BigDecimal>, SqliteValue> for Sum {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<BigDecimal>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut Option<BigDecimal>) -> Result<()> {
        if let Some(number) = argument(context, 0)? {
            *sum = Some(sum.take().unwrap_or_default() + number);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<Option<BigDecimal>>) -> Result<SqliteValue> {
        Ok(sum.flatten().map_or(SqliteValue::Null, |sum| number(&sum)))
    }
}

/// The least or the greatest number; of nothing: null.
struct Extreme(Ordering);

impl Aggregate<Option<BigDecimal>, SqliteValue> for Extreme {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<BigDecimal>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, best: &mut Option<BigDecimal>) -> Result<()> {
        let Some(next) = argument(context, 0)? else { return Ok(()) };
        if best.as_ref().is_none_or(|best| next.cmp(best) == self.0) {
            *best = Some(next);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, best: Option<Option<BigDecimal>>) -> Result<SqliteValue> {
        Ok(best.flatten().map_or(SqliteValue::Null, |best| number(&best)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_answer_as_other_databases_do() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        for (sql, expect) in [
            ("rulegate_add(0.1, 0.2) = 0.3", "1"),
            ("rulegate_mul(1.1, 1.1)", "1.21"),
            ("rulegate_sub(5, null)", "null"),
            ("rulegate_div(1, 3)", "0.33333333333333333333"),
            ("rulegate_div(-1, 8)", "-0.125"),
            ("rulegate_div(1000, 0.5)", "2000"),
            ("rulegate_rem(-7, 3)", "-1"),
            ("rulegate_rem(7.5, 2)", "1.5"),
            ("rulegate_mul('12345678901234567.25', 4)", "49382715604938269"),
            ("rulegate_compare('0.33333333333333333333', 0.3)", "1"),
            ("rulegate_compare(2, 2.0)", "0"),
            ("rulegate_compare(2, null)", "null"),
            ("rulegate_distinct(null, null)", "0"),
            ("rulegate_distinct(null, 1)", "1"),
            ("rulegate_least(3, null, '0.12345678901234567890')", "0.12345678901234567890"),
            ("rulegate_greatest(null, null)", "null"),
            ("rulegate_integer(-2.5)", "-3"),
            ("rulegate_digits(2.5, 2)", "2.50"),
            ("rulegate_digits(100, null)", "100"),
            ("rulegate_substring('hello', -1, 3)", "h"),
            ("rulegate_substring('hello', 4)", "lo"),
            ("rulegate_round(2.5, 0)", "3"),
            ("rulegate_round(-2.5, 0)", "-3"),
            ("rulegate_round(1.005, 2)", "1.01"),
            ("rulegate_floor(-1.5)", "-2"),
            ("rulegate_ceil(1.2)", "2"),
            ("rulegate_lower('ÄB')", "äb"),
            ("rulegate_like('50% off', '50\\% _ff')", "1"),
            ("rulegate_like('abc', 'A%')", "0"),
            ("rulegate_ilike('Ärger', 'ä%r')", "1"),
            (
                "(select rulegate_sum(x) from (select 0.1 as x union all select 0.2 union all select null))",
                "0.3",
            ),
            ("(select rulegate_sum(x) from (select 1 as x where 0))", "null"),
            (
                "(select rulegate_max(x) from (select '12345678901234567.25' as x union all select 2e17 union all select null))",
                "200000000000000000",
            ),
            (
                "(select rulegate_min(x) from (select '12345678901234567.25' as x union all select 2e17))",
                "12345678901234567.25",
            ),
            ("(select rulegate_min(x) from (select 1 as x where 0))", "null"),
        ] {
            let value: SqliteValue =
                connection.query_row(&format!("select {sql}"), [], |row| row.get(0)).unwrap();
            let shown = match value {
                SqliteValue::Null => "null".to_owned(),
                SqliteValue::Integer(n) => n.to_string(),
                SqliteValue::Real(f) => f.to_string(),
                SqliteValue::Text(t) => t,
                SqliteValue::Blob(_) => "blob".to_owned(),
            };
            assert_eq!(shown, expect, "{sql}");
        }
    }

    #[test]
    fn sortable_texts_sort_as_their_numbers() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let numbers = [
            "-100", "-12.5", "-12.45", "-1", "-0.5", "-0.05", "0", "0.007", "0.05", "0.5", "1", "2", "10",
            "1e20",
        ];
        let key = |text: &&str| -> String {
            let sql = format!("select rulegate_sortable('{text}')");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let keys: Vec<String> = numbers.iter().map(key).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn division_by_zero_is_an_error() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        assert!(connection.query_row("select rulegate_div(1, 0)", [], |_| Ok(())).is_err());
    }
}
