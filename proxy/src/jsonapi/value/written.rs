//! Types that are held as text in one canonical form: spans of time, times with a zone, bits, addresses.

use chrono::Timelike;
use dialects::written::{self, address, interval};
use dialects::{AddressKind, Dialect, Value};
use introspect::Column;

use super::{Misfit, expected, time};

pub(super) const INTERVAL: &str = "a span of time such as P1Y2M3DT4H5M6.5S";
pub(super) const TIME_TZ: &str = "a time with zone such as 23:59:59+02:00";
pub(super) const BITS: &str = "bits such as 0101";

/// The end of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// A span of time.
pub(super) fn interval(text: &str) -> Result<Value, Misfit> {
    interval::read(text).map(|span| Value::Text(interval::write(span))).ok_or_else(|| expected(INTERVAL))
}

/// A time of day with its distance from UTC.
pub(super) fn time_tz(dialect: Dialect, column: &Column, text: &str) -> Result<Value, Misfit> {
    let misfit = || expected(TIME_TZ);
    let (clock, offset) = time::zoned(text).ok_or_else(misfit)?;
    let micros = match time::is_days_end(clock) {
        true => DAY_MICROS,
        false => {
            let clock = time::clock(clock, time::digits(dialect, column), TIME_TZ)?;
            i64::from(clock.num_seconds_from_midnight()) * 1_000_000 + i64::from(clock.nanosecond() / 1000)
        }
    };
    let offset_s = i32::try_from(offset.num_seconds()).map_err(|_| misfit())?;
    Ok(Value::Text(written::time_tz(micros, offset_s)))
}

/// Bits, as many as the column holds.
pub(super) fn bits(length: Option<u32>, varying: bool, text: &str) -> Result<Value, Misfit> {
    let count = text.len();
    let (fits, many) = match length.map(|length| length as usize) {
        None => (true, String::new()),
        Some(most) if varying => (count <= most, format!(", at most {most}")),
        Some(all) => (count == all, format!(", {all} of them")),
    };
    match fits && text.bytes().all(|bit| matches!(bit, b'0' | b'1')) {
        true => Ok(Value::text(text)),
        false => Err(expected(&format!("{BITS}{many}"))),
    }
}

/// An address.
pub(super) fn address(kind: AddressKind, text: &str) -> Result<Value, Misfit> {
    address::read(kind, text).map(Value::Text).ok_or_else(|| expected(address_form(kind)))
}

pub(super) fn address_form(kind: AddressKind) -> &'static str {
    match kind {
        AddressKind::Inet => "an IP address such as 10.0.0.1 or 2001:db8::1/64",
        AddressKind::Cidr => "a network such as 10.0.0.0/8, without bits beyond its own",
        AddressKind::V4 => "an IP address such as 10.0.0.1",
        AddressKind::V6 => "an IP address such as 2001:db8::1",
        AddressKind::Mac => "the address of a device such as 08:00:2b:01:02:03",
        AddressKind::Mac64 => "the address of a device such as 08:00:2b:01:02:03:04:05",
    }
}
