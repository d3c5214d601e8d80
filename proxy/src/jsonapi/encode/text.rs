//! A cell's canonical text: the form that stands in ids, in strings of documents and under the hashes of ETags.
//!
//! Decimals at their declared scale, instants in UTC with `Z`, fractions without trailing zeros, bytes in base64.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use dialects::{Cell, ValueType};

use crate::jsonapi::json;
use crate::state::Numbers;

/// Writes the text of a cell of a column of this type. Null is empty.
pub fn text(out: &mut Vec<u8>, ty: ValueType, cell: &Cell<'_>) {
    match cell {
        Cell::Null => {}
        Cell::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Cell::Int(n) => integer(out, ty, *n),
        Cell::Decimal(digits) => decimal(out, ty, digits),
        Cell::Float(f) => float(out, ty, *f),
        Cell::Text(t) | Cell::Json(t) => out.extend_from_slice(t.as_bytes()),
        Cell::Bytes(b) => out.extend_from_slice(bytes(ty, b).as_bytes()),
        Cell::Array(_) => super::cell::cell(out, ty, Numbers::Safe, cell),
        Cell::Date(d) => date(out, *d),
        Cell::Time(t) => time(out, *t),
        Cell::Timestamp(t) => timestamp(out, *t),
        Cell::TimestampTz(t) => {
            timestamp(out, *t);
            out.push(b'Z');
        }
    }
}

fn integer(out: &mut Vec<u8>, ty: ValueType, number: i64) {
    json::integer(out, number);
    pad(out, ty, 0);
}

fn decimal(out: &mut Vec<u8>, ty: ValueType, digits: &str) {
    out.extend_from_slice(digits.as_bytes());
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'.') {
        pad(out, ty, digits.split_once('.').map_or(0, |(_, fraction)| fraction.len()));
    }
}

/// Fills a number that ends with `fraction` digits after the point up to its declared scale.
fn pad(out: &mut Vec<u8>, ty: ValueType, fraction: usize) {
    let ValueType::Decimal { scale: Some(scale), .. } = ty else { return };
    let missing = (scale as usize).saturating_sub(fraction);
    if missing > 0 && fraction == 0 {
        out.push(b'.');
    }
    out.extend(std::iter::repeat_n(b'0', missing));
}

fn float(out: &mut Vec<u8>, ty: ValueType, number: f64) {
    if number.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else if ty == (ValueType::Float { bits: 32 }) {
        out.extend_from_slice(ryu::Buffer::new().format_finite(number as f32).as_bytes());
    } else {
        out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes());
    }
}

/// Base64; in a column of another type, as text where it is any.
fn bytes(ty: ValueType, bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if ty != ValueType::Bytes => text.to_owned(),
        _ => STANDARD.encode(bytes),
    }
}

fn date(out: &mut Vec<u8>, date: NaiveDate) {
    let year = date.year();
    match u32::try_from(year) {
        Ok(year) if year <= 9999 => {
            two(out, year / 100);
            two(out, year % 100);
        }
        _ => _ = write!(out, "{year:+05}"),
    }
    out.push(b'-');
    two(out, date.month());
    out.push(b'-');
    two(out, date.day());
}

fn time(out: &mut Vec<u8>, time: NaiveTime) {
    two(out, time.hour());
    out.push(b':');
    two(out, time.minute());
    out.push(b':');
    two(out, time.second());
    let mut nanos = time.nanosecond() % 1_000_000_000;
    if nanos == 0 {
        return;
    }
    let mut width = 9;
    while nanos.is_multiple_of(10) {
        nanos /= 10;
        width -= 1;
    }
    _ = write!(out, ".{nanos:0width$}");
}

fn timestamp(out: &mut Vec<u8>, at: NaiveDateTime) {
    date(out, at.date());
    out.push(b'T');
    time(out, at.time());
}

fn two(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}
