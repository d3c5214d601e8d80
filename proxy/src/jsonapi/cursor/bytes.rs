//! Values as bytes: a tag, then what the value is made of. Read back, each is the same value bit for bit.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};
use dialects::Value;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const DECIMAL: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
const BYTES: u8 = 7;
const DATE: u8 = 8;
const TIME: u8 = 9;
const TIMESTAMP: u8 = 10;
const TIMESTAMP_TZ: u8 = 11;
const ARRAY: u8 = 12;

/// Appends a value; nothing for one that has no order.
pub(super) fn write(out: &mut Vec<u8>, value: &Value) -> Option<()> {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(truth) => out.push(if *truth { TRUE } else { FALSE }),
        Value::Int(number) => tagged(out, INT, &number.to_be_bytes()),
        Value::Decimal(decimal) => counted(out, DECIMAL, decimal.to_plain_string().as_bytes())?,
        Value::Float(float) => tagged(out, FLOAT, &float.to_bits().to_be_bytes()),
        Value::Text(text) => counted(out, TEXT, text.as_bytes())?,
        Value::Bytes(bytes) => counted(out, BYTES, bytes)?,
        Value::Date(day) => tagged(out, DATE, &days(*day)),
        Value::Time(time) => tagged(out, TIME, &clock(*time)),
        Value::Timestamp(at) => tagged(out, TIMESTAMP, &moment(*at)),
        Value::TimestampTz(at) => tagged(out, TIMESTAMP_TZ, &moment(*at)),
        Value::Array(elements) => {
            tagged(out, ARRAY, &u16::try_from(elements.len()).ok()?.to_be_bytes());
            elements.iter().try_for_each(|element| write(out, element))?;
        }
        Value::Json(_) | Value::Drawn(_) => return None,
    }
    Some(())
}

/// Reads so many values, and nothing but them.
pub(super) fn read(bytes: &[u8], count: usize) -> Option<Vec<Value>> {
    let mut rest = bytes;
    let values: Option<Vec<Value>> = (0..count).map(|_| value(&mut rest)).collect();
    values.filter(|_| rest.is_empty())
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

/// With the length before it; nothing where that is beyond all use.
fn counted(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) -> Option<()> {
    let length = u16::try_from(bytes.len()).ok()?;
    tagged(out, tag, &length.to_be_bytes());
    out.extend_from_slice(bytes);
    Some(())
}

fn days(day: NaiveDate) -> [u8; 4] {
    day.num_days_from_ce().to_be_bytes()
}

fn clock(time: NaiveTime) -> [u8; 8] {
    let number = u64::from(time.num_seconds_from_midnight()) << 32 | u64::from(time.nanosecond());
    number.to_be_bytes()
}

fn moment(at: NaiveDateTime) -> Vec<u8> {
    [&days(at.date())[..], &clock(at.time())].concat()
}

fn value(rest: &mut &[u8]) -> Option<Value> {
    let [tag] = take(rest)?;
    Some(match tag {
        NULL => Value::Null,
        FALSE | TRUE => Value::Bool(tag == TRUE),
        INT => Value::Int(i64::from_be_bytes(take(rest)?)),
        DECIMAL => Value::Decimal(plain(text(rest)?)?.parse().ok()?),
        FLOAT => Value::Float(f64::from_bits(u64::from_be_bytes(take(rest)?))),
        TEXT => Value::Text(text(rest)?),
        BYTES => Value::Bytes(run(rest)?),
        DATE => Value::Date(date(rest)?),
        TIME => Value::Time(time(rest)?),
        TIMESTAMP => Value::Timestamp(date(rest)?.and_time(time(rest)?)),
        TIMESTAMP_TZ => Value::TimestampTz(date(rest)?.and_time(time(rest)?)),
        // As deep as there are bytes, which are few.
        ARRAY => {
            let count = u16::from_be_bytes(take(rest)?);
            Value::Array((0..count).map(|_| value(rest)).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*bytes)
}

fn run(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = u16::from_be_bytes(take(rest)?);
    let (bytes, after) = rest.split_at_checked(length.into())?;
    *rest = after;
    Some(bytes.to_vec())
}

fn text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(run(rest)?).ok()
}

/// Digits alone: an exponent could stand for more of them than memory holds.
fn plain(digits: String) -> Option<String> {
    digits.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'.').then_some(digits)
}

fn date(rest: &mut &[u8]) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::from_be_bytes(take(rest)?))
}

fn time(rest: &mut &[u8]) -> Option<NaiveTime> {
    let (seconds, nanos) = (u32::from_be_bytes(take(rest)?), u32::from_be_bytes(take(rest)?));
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)
}
