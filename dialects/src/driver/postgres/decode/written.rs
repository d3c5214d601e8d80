//! Types that are held as text: their binary form → the canonical text.

use std::net::IpAddr;

use tokio_postgres::types::Type;

use super::fixed;
use crate::calendar::Interval;
use crate::written::{self, address, interval};

/// The text of a value, where the type is one of them.
pub(super) fn text(ty: &Type, bytes: &[u8]) -> Option<String> {
    match *ty {
        Type::INTERVAL => span(bytes),
        Type::TIMETZ => time_tz(bytes),
        Type::BIT | Type::VARBIT => bits(bytes),
        Type::INET | Type::CIDR => network(bytes),
        Type::MACADDR | Type::MACADDR8 => Some(address::mac(bytes)),
        _ => None,
    }
}

/// Microseconds, days, months.
fn span(bytes: &[u8]) -> Option<String> {
    let (micros, rest) = bytes.split_first_chunk()?;
    let (days, months) = rest.split_first_chunk()?;
    Some(interval::write(Interval {
        months: i32::from_be_bytes(fixed(months)?),
        days: i32::from_be_bytes(*days),
        microseconds: i64::from_be_bytes(*micros),
    }))
}

/// Microseconds, and seconds westwards.
fn time_tz(bytes: &[u8]) -> Option<String> {
    let (micros, zone) = bytes.split_first_chunk()?;
    let west = i32::from_be_bytes(fixed(zone)?);
    Some(written::time_tz(i64::from_be_bytes(*micros), west.checked_neg()?))
}

/// How many bits, then the bits.
fn bits(bytes: &[u8]) -> Option<String> {
    let (count, bits) = bytes.split_first_chunk()?;
    Some(written::bits(bits, usize::try_from(i32::from_be_bytes(*count)).ok()?))
}

/// The family, the bits of the network, whether it is one, how many bytes, the bytes.
fn network(bytes: &[u8]) -> Option<String> {
    let (&[_family, bits, is_cidr, _length], ip) = bytes.split_first_chunk()?;
    let ip = match ip.len() {
        4 => IpAddr::from(fixed::<4>(ip)?),
        _ => IpAddr::from(fixed::<16>(ip)?),
    };
    Some(if is_cidr == 1 { address::cidr((ip, bits)) } else { address::inet(ip, bits) })
}
