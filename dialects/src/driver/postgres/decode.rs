//! Binary results, read by the type that the server says they have.

mod array;
mod written;

use std::borrow::Cow;
use std::error::Error;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

use crate::value::Cell;

/// A cell by its own type; `fit` then makes it what its column promises.
pub(in crate::driver) fn decode(row: &Row, column: usize) -> Cell<'_> {
    let Some(ty) = row.columns().get(column).map(|column| column.type_()) else { return Cell::Null };
    match row.try_get::<_, Raw<'_>>(column) {
        Ok(Raw(Some(bytes))) => cell(ty, bytes),
        Ok(Raw(None)) | Err(_) => Cell::Null,
    }
}

/// A cell's bytes, whatever its type.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn cell<'a>(ty: &Type, bytes: &'a [u8]) -> Cell<'a> {
    let read = match *ty {
        Type::BOOL => fixed(bytes).map(|[byte]: [u8; 1]| Cell::Bool(byte != 0)),
        Type::INT2 => fixed(bytes).map(|b| Cell::Int(i16::from_be_bytes(b).into())),
        Type::INT4 => fixed(bytes).map(|b| Cell::Int(i32::from_be_bytes(b).into())),
        Type::INT8 => fixed(bytes).map(|b| Cell::Int(i64::from_be_bytes(b))),
        Type::OID => fixed(bytes).map(|b| Cell::Int(u32::from_be_bytes(b).into())),
        Type::FLOAT4 => fixed(bytes).map(|b| Cell::Float(widened(f32::from_be_bytes(b)))),
        Type::FLOAT8 => fixed(bytes).map(|b| Cell::Float(f64::from_be_bytes(b))),
        Type::NUMERIC => numeric(bytes),
        Type::UUID => fixed(bytes).map(|b| Cell::Text(Cow::Owned(uuid(b)))),
        Type::DATE => fixed(bytes).and_then(|b| date(i32::from_be_bytes(b))),
        Type::TIME => fixed(bytes).and_then(|b| time(i64::from_be_bytes(b))),
        Type::TIMESTAMP => fixed(bytes).and_then(|b| timestamp(i64::from_be_bytes(b), Cell::Timestamp)),
        Type::TIMESTAMPTZ => fixed(bytes).and_then(|b| timestamp(i64::from_be_bytes(b), Cell::TimestampTz)),
        Type::JSON => text(bytes).map(Cell::Json),
        Type::JSONB => bytes.split_first().and_then(|(_version, rest)| text(rest)).map(Cell::Json),
        Type::BYTEA => Some(Cell::Bytes(Cow::Borrowed(bytes))),
        // Trailing spaces of char(n) mean nothing.
        Type::BPCHAR => {
            std::str::from_utf8(bytes).ok().map(|t| Cell::Text(Cow::Borrowed(t.trim_end_matches(' '))))
        }
        _ => match ty.kind() {
            Kind::Array(element) => array::cell(element, bytes),
            _ => written::text(ty, bytes).map(|text| Cell::Text(Cow::Owned(text))),
        },
    };
    read.or_else(|| text(bytes).map(Cell::Text)).unwrap_or(Cell::Bytes(Cow::Borrowed(bytes)))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
}

/// The double that prints like the float, not the one that is bit by bit the same (0.1, not 0.10000000149011612).
fn widened(float: f32) -> f64 {
    float.to_string().parse().unwrap_or(f64::from(float))
}

fn uuid(bytes: [u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (index, byte) in bytes.into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.extend([byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
    }
    out
}

/// Day 0 of the wire format.
fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default()
}

fn infinity<'a>(positive: bool) -> Cell<'a> {
    Cell::Text(Cow::Borrowed(if positive { "infinity" } else { "-infinity" }))
}

fn date<'a>(days: i32) -> Option<Cell<'a>> {
    match days {
        i32::MAX | i32::MIN => Some(infinity(days > 0)),
        _ => {
            let distance = Days::new(days.unsigned_abs().into());
            let epoch = epoch();
            let day =
                if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) };
            Some(day.map_or_else(|| beyond(days.into()), Cell::Date))
        }
    }
}

/// A day that the calendar here does not reach (262,000 years): shown, though roughly.
fn beyond<'a>(days: i64) -> Cell<'a> {
    Cell::Text(Cow::Owned(format!("{days} days after 2000-01-01")))
}

/// The end of a day is no time here, and shown as text.
fn time<'a>(micros: i64) -> Option<Cell<'a>> {
    if micros == 86_400_000_000 {
        return Some(Cell::Text(Cow::Borrowed("24:00:00")));
    }
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let (seconds, nanos) = (u32::try_from(seconds).ok()?, u32::try_from(rest).ok()? * 1000);
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).map(Cell::Time)
}

fn timestamp<'a>(micros: i64, make: fn(NaiveDateTime) -> Cell<'static>) -> Option<Cell<'a>> {
    match micros {
        i64::MAX | i64::MIN => Some(infinity(micros > 0)),
        _ => {
            let start = epoch().and_time(NaiveTime::MIN);
            let stamp = start.checked_add_signed(TimeDelta::microseconds(micros));
            Some(stamp.map_or_else(|| beyond(micros / 86_400_000_000), make))
        }
    }
}

/// NUMERIC: groups of four decimal digits, a weight, a sign and a scale, copied digit by digit.
/// <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/numeric.c> (`numeric_send`)
fn numeric<'a>(bytes: &[u8]) -> Option<Cell<'a>> {
    let (head, groups) = bytes.split_at_checked(8)?;
    let mut head = head.chunks_exact(2).filter_map(fixed).map(u16::from_be_bytes);
    let (_count, weight, sign, scale) = (head.next()?, head.next()?, head.next()?, head.next()?);
    let negative = match sign {
        0 => false,
        0x4000 => true,
        0xc000 => return Some(Cell::Text(Cow::Borrowed("NaN"))),
        0xd000 => return Some(Cell::Text(Cow::Borrowed("Infinity"))),
        0xf000 => return Some(Cell::Text(Cow::Borrowed("-Infinity"))),
        _ => return None,
    };
    Some(Cell::Decimal(Cow::Owned(plain(groups, i32::from(weight.cast_signed()), negative, scale.into()))))
}

/// `weight`: how many groups stand before the point, less one.
fn plain(groups: &[u8], weight: i32, negative: bool, scale: usize) -> String {
    let mut out = String::with_capacity(groups.len() * 2 + scale + 3);
    out.push_str(if negative { "-" } else { "" });
    let leading = if weight < 0 { 0 } else { group(groups, 0) };
    out.push_str(&leading.to_string());
    for at in 1..=weight {
        four_digits(&mut out, group(groups, at));
    }
    if scale > 0 {
        out.push('.');
        let end = out.len() + scale;
        let mut at = weight + 1;
        while out.len() < end {
            four_digits(&mut out, group(groups, at));
            at += 1;
        }
        out.truncate(end);
    }
    out
}

/// Groups that are not sent are zero.
fn group(groups: &[u8], at: i32) -> u16 {
    let start = usize::try_from(at).ok().and_then(|at| at.checked_mul(2));
    let pair = start.and_then(|start| groups.get(start..)?.first_chunk());
    pair.map_or(0, |pair| u16::from_be_bytes(*pair))
}

fn four_digits(out: &mut String, group: u16) {
    let digits = [group / 1000, group / 100, group / 10, group].map(|rest| u32::from(rest % 10));
    out.extend(digits.into_iter().filter_map(|digit| char::from_digit(digit, 10)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerics_are_copied_digit_by_digit() {
        for (digits, weight, negative, scale, expect) in [
            (&[][..], 0, false, 0, "0"),
            (&[], 0, false, 2, "0.00"),
            (&[12, 3400], 0, true, 2, "-12.34"),
            (&[1], 2, false, 0, "100000000"),
            (&[1200], -1, false, 2, "0.12"),
            (&[1200], -2, false, 6, "0.000012"),
            (&[1, 2345, 6789, 100], 1, false, 5, "12345.67890"),
        ] {
            let groups: Vec<u8> = digits.iter().flat_map(|group: &u16| group.to_be_bytes()).collect();
            assert_eq!(plain(&groups, weight, negative, scale), expect);
        }
    }
}
