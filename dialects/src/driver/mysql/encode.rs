//! Parameters of the binary protocol.

use bigdecimal::ToPrimitive;
use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use mysql_async::{Params, Value as MysqlValue};

use crate::render::Param;
use crate::{Decimal, Value};

/// All parameters of a statement.
pub(super) fn params(params: &[Param]) -> Params {
    if params.is_empty() {
        return Params::Empty;
    }
    Params::Positional(params.iter().map(param).collect())
}

fn param(param: &Param) -> MysqlValue {
    match param {
        Param::One(value) => encode(value),
        // Only PostgreSQL's statements have arrays.
        Param::Many(_) => MysqlValue::NULL,
    }
}

fn encode(value: &Value) -> MysqlValue {
    match value {
        Value::Null => MysqlValue::NULL,
        Value::Bool(truth) => MysqlValue::Int(i64::from(*truth)),
        Value::Int(number) => MysqlValue::Int(*number),
        Value::Decimal(decimal) => unsigned(decimal).unwrap_or_else(|| bytes(decimal.to_plain_string())),
        Value::Float(float) if float.is_finite() => MysqlValue::Double(*float),
        // The server has no such number and refuses its name.
        Value::Float(float) => bytes(float.to_string()),
        Value::Text(text) | Value::Json(text) => bytes(text.clone()),
        Value::Bytes(bytes) => MysqlValue::Bytes(bytes.clone()),
        Value::Date(date) => dated(*date, NaiveTime::MIN).unwrap_or_else(|| bytes(date.to_string())),
        Value::Time(time) => timed(*time),
        Value::Timestamp(stamp) | Value::TimestampTz(stamp) => {
            dated(stamp.date(), stamp.time()).unwrap_or_else(|| bytes(stamp.to_string()))
        }
        // Only PostgreSQL has them.
        Value::Array(_) => MysqlValue::NULL,
        // Never sent; if it were, no key would take it.
        Value::Drawn(drawn) => bytes(format!("{drawn:?}")),
    }
}

/// A whole number of 64 bits whose sign is taken for one of them.
fn unsigned(decimal: &Decimal) -> Option<MysqlValue> {
    let number = decimal.is_integer().then(|| decimal.to_u64())?;
    number.filter(|number| i64::try_from(*number).is_err()).map(MysqlValue::UInt)
}

fn bytes(text: String) -> MysqlValue {
    MysqlValue::Bytes(text.into_bytes())
}

/// `None` for a year that the protocol cannot carry; as text the server refuses it.
fn dated(date: NaiveDate, time: NaiveTime) -> Option<MysqlValue> {
    let year = u16::try_from(date.year()).ok().filter(|year| *year <= 9999)?;
    let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    let (hour, minute, second) = clock(time);
    Some(MysqlValue::Date(year, month, day, hour, minute, second, micros(time)))
}

fn timed(time: NaiveTime) -> MysqlValue {
    let (hour, minute, second) = clock(time);
    MysqlValue::Time(false, 0, hour, minute, second, micros(time))
}

fn clock(time: NaiveTime) -> (u8, u8, u8) {
    let small = |number: u32| u8::try_from(number).unwrap_or(0);
    (small(time.hour()), small(time.minute()), small(time.second()))
}

fn micros(time: NaiveTime) -> u32 {
    time.nanosecond() % 1_000_000_000 / 1000
}
