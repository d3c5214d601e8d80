//! Functions that SQLite lacks or does in binary: decimal arithmetic, Unicode case, LIKE. They have names of their own, so that no
//! index of the database's can depend on them.
//!
//! Numbers go in and come out as SQLite keeps decimals (`super::session::number`): exact up to 15 digits.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, Zero};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value as SqliteValue, ValueRef};
use rusqlite::{Connection, Error, Result};

use super::decode;
use super::session::number;

type Binary = fn(&BigDecimal, &BigDecimal) -> Result<BigDecimal>;

/// How the messages of these functions begin: SQLite passes on an error's text, not its code.
pub(super) const REFUSAL: &str = "value refused: ";
/// Digits after the point of a quotient.
const QUOTIENT_SCALE: i64 = 20;

/// Makes the functions known to a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    let arithmetic: [(&str, Binary); 5] = [
        ("rulegate_add", |a, b| Ok(a + b)),
        ("rulegate_sub", |a, b| Ok(a - b)),
        ("rulegate_mul", |a, b| Ok(a * b)),
        ("rulegate_div", quotient),
        ("rulegate_rem", remainder),
    ];
    for (name, operation) in arithmetic {
        scalar(connection, name, 2, move |context| binary(context, operation))?;
    }
    scalar(connection, "rulegate_round", 2, round)?;
    scalar(connection, "rulegate_floor", 1, |context| {
        unary(context, |n| n.with_scale_round(0, RoundingMode::Floor))
    })?;
    scalar(connection, "rulegate_ceil", 1, |context| {
        unary(context, |n| n.with_scale_round(0, RoundingMode::Ceiling))
    })?;
    scalar(connection, "rulegate_decimal", 1, |context| unary(context, BigDecimal::clone))?;
    scalar(connection, "rulegate_lower", 1, |context| recase(context, str::to_lowercase))?;
    scalar(connection, "rulegate_upper", 1, |context| recase(context, str::to_uppercase))?;
    scalar(connection, "rulegate_like", 2, |context| like(context, str::to_owned))?;
    scalar(connection, "rulegate_ilike", 2, |context| like(context, str::to_lowercase))?;
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
    number.map_or_else(|| refuse("not a number"), |number| Ok(Some(number)))
}

fn binary(context: &Context<'_>, operation: Binary) -> Result<SqliteValue> {
    match (argument(context, 0)?, argument(context, 1)?) {
        (Some(a), Some(b)) => Ok(rounded(&operation(&a, &b)?)),
        _ => Ok(SqliteValue::Null),
    }
}

fn unary(context: &Context<'_>, operation: impl Fn(&BigDecimal) -> BigDecimal) -> Result<SqliteValue> {
    Ok(argument(context, 0)?.map_or(SqliteValue::Null, |a| rounded(&operation(&a))))
}

/// A result as SQLite can hold it: beyond 15 digits the nearest double.
fn rounded(decimal: &BigDecimal) -> SqliteValue {
    use bigdecimal::ToPrimitive;
    match (number(decimal), decimal.to_f64()) {
        (SqliteValue::Text(_), Some(float)) => SqliteValue::Real(float),
        (value, _) => value,
    }
}

fn quotient(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    if b.is_zero() {
        return refuse("division by zero");
    }
    let ((top, top_scale), (bottom, bottom_scale)) = (a.as_bigint_and_exponent(), b.as_bigint_and_exponent());
    let shift = QUOTIENT_SCALE + 1 + bottom_scale - top_scale;
    // One digit more than wanted, the rest cut off: rounding half away from zero looks at that digit alone.
    let digits = top * ten_to(shift) / (bottom * ten_to(-shift));
    Ok(BigDecimal::new(digits, QUOTIENT_SCALE + 1).with_scale_round(QUOTIENT_SCALE, RoundingMode::HalfUp))
}

fn ten_to(power: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(power).unwrap_or(0))
}

fn remainder(a: &BigDecimal, b: &BigDecimal) -> Result<BigDecimal> {
    if b.is_zero() { refuse("division by zero") } else { Ok(a % b) }
}

fn round(context: &Context<'_>) -> Result<SqliteValue> {
    let digits: Option<i64> = context.get(1)?;
    let Some(digits) = digits else { return Ok(SqliteValue::Null) };
    unary(context, |n| n.with_scale_round(digits.clamp(-100, 100), RoundingMode::HalfUp))
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
            let text: Vec<char> = convert(&text).chars().collect();
            Ok(SqliteValue::Integer(matches(&text, &pieces(&convert(&pattern))?).into()))
        }
        _ => Ok(SqliteValue::Null),
    }
}

/// One piece of a LIKE pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Any,
    One,
    Literal(char),
}

fn pieces(pattern: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '%' => Piece::Any,
            '_' => Piece::One,
            '\\' => match chars.next() {
                Some(escaped) => Piece::Literal(escaped),
                None => return refuse("a LIKE pattern must not end with its escape character"),
            },
            other => Piece::Literal(other),
        });
    }
    Ok(pieces)
}

/// Greedy matching that falls back to the last `%`: linear in text times pattern, no recursion.
fn matches(text: &[char], pattern: &[Piece]) -> bool {
    let (mut at, mut piece) = (0, 0);
    let mut fallback: Option<(usize, usize)> = None;
    while let Some(c) = text.get(at) {
        match pattern.get(piece) {
            Some(Piece::Any) => {
                fallback = Some((piece, at));
                piece += 1;
            }
            Some(Piece::One) => (at, piece) = (at + 1, piece + 1),
            Some(Piece::Literal(wanted)) if wanted == c => (at, piece) = (at + 1, piece + 1),
            _ => match &mut fallback {
                Some((any, from)) => {
                    *from += 1;
                    (at, piece) = (*from, *any + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(piece).all(|rest| *rest == Piece::Any)
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
        Ok(sum.flatten().map_or(SqliteValue::Null, |sum| rounded(&sum)))
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
            ("rulegate_div(1, 3)", "0.3333333333333333"),
            ("rulegate_div(-1, 8)", "-0.125"),
            ("rulegate_div(1000, 0.5)", "2000"),
            ("rulegate_rem(-7, 3)", "-1"),
            ("rulegate_rem(7.5, 2)", "1.5"),
            ("rulegate_round(2.5, 0)", "3"),
            ("rulegate_round(-2.5, 0)", "-3"),
            ("rulegate_round(1.005, 2)", "1.01"),
            ("rulegate_floor(-1.5)", "-2"),
            ("rulegate_ceil(1.2)", "2"),
            ("rulegate_lower('ÄB')", "äb"),
            ("rulegate_like('50% off', '50\\% _ff')", "1"),
            ("rulegate_like('abc', 'A%')", "0"),
            ("rulegate_ilike('Ärger', 'ä%r')", "1"),
            ("rulegate_like('aXbXc', 'a%Xc')", "1"),
            ("rulegate_like('', '%')", "1"),
            (
                "(select rulegate_sum(x) from (select 0.1 as x union all select 0.2 union all select null))",
                "0.3",
            ),
            ("(select rulegate_sum(x) from (select 1 as x where 0))", "null"),
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
    fn division_by_zero_is_an_error() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        assert!(connection.query_row("select rulegate_div(1, 0)", [], |_| Ok(())).is_err());
    }
}
