//! Cells as the protocol delivers them, read as their column declares. What does not fit is shown as text.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveTime};
use mysql_async::Value as MysqlValue;

use crate::ValueType;
use crate::driver::rows::fit;
use crate::driver::text;
use crate::value::Cell;
use crate::written::{self, address};

/// A cell as its column declares it.
pub(in crate::driver) fn decode(value: &MysqlValue, ty: ValueType) -> Cell<'_> {
    match value {
        MysqlValue::NULL => Cell::Null,
        MysqlValue::Int(number) => fit(Cell::Int(*number), ty),
        MysqlValue::UInt(number) => fit(unsigned(*number), ty),
        MysqlValue::Float(float) => Cell::Float(float.to_string().parse().unwrap_or(f64::from(*float))),
        MysqlValue::Double(float) => Cell::Float(*float),
        MysqlValue::Bytes(bytes) => textual(bytes, ty),
        MysqlValue::Date(year, month, day, hour, minute, second, micros) => {
            let date = NaiveDate::from_ymd_opt((*year).into(), (*month).into(), (*day).into());
            let time = clock((*hour).into(), *minute, *second, *micros);
            match (date, time) {
                (Some(date), _) if ty == ValueType::Date => Cell::Date(date),
                (Some(date), Some(time)) if ty == ValueType::TimestampTz => {
                    Cell::TimestampTz(date.and_time(time))
                }
                (Some(date), Some(time)) => Cell::Timestamp(date.and_time(time)),
                _ => impossible_date((*year, *month, *day), (*hour, *minute, *second), ty),
            }
        }
        MysqlValue::Time(negative, days, hours, minutes, seconds, micros) => {
            let all_hours = u64::from(*days) * 24 + u64::from(*hours);
            let time =
                u32::try_from(all_hours).ok().and_then(|hours| clock(hours, *minutes, *seconds, *micros));
            match time {
                Some(time) if !negative => Cell::Time(time),
                _ => long_time(*negative, all_hours, (*minutes, *seconds), *micros),
            }
        }
    }
}

fn unsigned(number: u64) -> Cell<'static> {
    i64::try_from(number).map_or_else(|_| Cell::Decimal(Cow::Owned(number.to_string())), Cell::Int)
}

fn clock(hours: u32, minutes: u8, seconds: u8, micros: u32) -> Option<NaiveTime> {
    NaiveTime::from_hms_micro_opt(hours, minutes.into(), seconds.into(), micros)
}

/// `0000-00-00` and its kin, left from days before strict modes.
fn impossible_date((y, m, d): (u16, u8, u8), (h, min, s): (u8, u8, u8), ty: ValueType) -> Cell<'static> {
    let date = format!("{y:04}-{m:02}-{d:02}");
    Cell::Text(Cow::Owned(if ty == ValueType::Date {
        date
    } else {
        format!("{date} {h:02}:{min:02}:{s:02}")
    }))
}

/// TIME also holds spans of up to 838 hours, either way.
fn long_time(negative: bool, hours: u64, (minutes, seconds): (u8, u8), micros: u32) -> Cell<'static> {
    let sign = if negative { "-" } else { "" };
    let fraction = written::fraction(micros.into());
    Cell::Text(Cow::Owned(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}")))
}

fn textual(bytes: &[u8], ty: ValueType) -> Cell<'_> {
    if ty == ValueType::Bytes {
        return Cell::Bytes(Cow::Borrowed(bytes));
    }
    // BIT(1) is a way to say boolean.
    if let (ValueType::Bool, [bit @ (0 | 1)]) = (ty, bytes) {
        return Cell::Bool(*bit == 1);
    }
    if let ValueType::Bits { length, .. } = ty {
        return Cell::Text(Cow::Owned(written::last_bits(bytes, length.unwrap_or(1) as usize)));
    }
    let Ok(read) = std::str::from_utf8(bytes) else { return Cell::Bytes(Cow::Borrowed(bytes)) };
    let cell = match ty {
        ValueType::Int(_) if read.parse::<i64>().is_ok() => read.parse().ok().map(Cell::Int),
        ValueType::Int(_) | ValueType::Decimal { .. } if is_number(read) => {
            Some(Cell::Decimal(Cow::Borrowed(read)))
        }
        ValueType::Float { .. } => read.parse().ok().map(Cell::Float),
        ValueType::Date => text::date(read).map(Cell::Date),
        ValueType::Time => text::time(read).map(Cell::Time),
        ValueType::Timestamp => text::timestamp(read).map(Cell::Timestamp),
        ValueType::TimestampTz => text::timestamp(read).map(Cell::TimestampTz),
        ValueType::Json => Some(Cell::Json(Cow::Borrowed(read))),
        ValueType::Address(kind) => address::read(kind, read).map(|text| Cell::Text(Cow::Owned(text))),
        _ => None,
    };
    cell.unwrap_or(Cell::Text(Cow::Borrowed(read)))
}

/// Plain digits with a sign and a point, as DECIMAL arrives.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IntKind;

    fn check(value: MysqlValue, ty: ValueType, expect: &str) {
        assert_eq!(format!("{:?}", decode(&value, ty)), expect);
    }

    #[test]
    fn cells_that_fit_no_type_of_ours_are_text() {
        check(MysqlValue::Date(0, 0, 0, 0, 0, 0, 0), ValueType::Date, "Text(\"0000-00-00\")");
        check(
            MysqlValue::Date(2024, 0, 1, 1, 2, 3, 0),
            ValueType::Timestamp,
            "Text(\"2024-00-01 01:02:03\")",
        );
        check(MysqlValue::Time(true, 34, 22, 59, 59, 0), ValueType::Time, "Text(\"-838:59:59\")");
        check(MysqlValue::Bytes(vec![0xff]), ValueType::Text { length: None }, "Bytes([255])");
        check(MysqlValue::Int(2), ValueType::Bool, "Int(2)");
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let decimal = ValueType::Decimal { precision: Some(38), scale: Some(10) };
        check(MysqlValue::Bytes(b"-12.5000000000".to_vec()), decimal, "Decimal(\"-12.5000000000\")");
        check(MysqlValue::UInt(u64::MAX), ValueType::Int(IntKind::U64), "Decimal(\"18446744073709551615\")");
        check(MysqlValue::Float(0.1), ValueType::Float { bits: 32 }, "Float(0.1)");
        check(MysqlValue::Bytes(vec![1]), ValueType::Bool, "Bool(true)");
        let bits = ValueType::Bits { length: Some(10), varying: false };
        check(MysqlValue::Bytes(vec![1, 0xff]), bits, "Text(\"0111111111\")");
    }
}
