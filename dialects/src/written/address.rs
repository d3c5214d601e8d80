//! Addresses of hosts, networks and devices: `10.0.0.1`, `10.0.0.1/8`, `2001:db8::/32`, `08:00:2b:01:02:03`.

use std::net::IpAddr;

use crate::AddressKind;

/// An address in its canonical form; nothing where it is none of this kind.
pub fn read(kind: AddressKind, text: &str) -> Option<String> {
    match kind {
        AddressKind::Inet => network(text).map(|(ip, bits)| inet(ip, bits)),
        AddressKind::Cidr => network(text).filter(|(ip, bits)| is_network(*ip, *bits)).map(cidr),
        AddressKind::V4 => text.parse().ok().map(|ip: std::net::Ipv4Addr| ip.to_string()),
        AddressKind::V6 => text.parse().ok().map(|ip: std::net::Ipv6Addr| ip.to_string()),
        AddressKind::Mac => bytes::<6>(text).map(|bytes| mac(&bytes)),
        AddressKind::Mac64 => bytes::<8>(text).map(|bytes| mac(&bytes)),
    }
}

/// A host; the bits of its network are told where they are not all.
pub fn inet(ip: IpAddr, bits: u8) -> String {
    if bits == all_bits(ip) { ip.to_string() } else { cidr((ip, bits)) }
}

/// A network.
pub fn cidr((ip, bits): (IpAddr, u8)) -> String {
    format!("{ip}/{bits}")
}

/// A device.
pub fn mac(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// An address and the bits of its network; all of them where none are told.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, bits) = match text.split_once('/') {
        Some((ip, bits)) => (ip, Some(bits)),
        None => (text, None),
    };
    let ip: IpAddr = ip.parse().ok()?;
    let bits = match bits {
        Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
        Some(_) => return None,
        None => all_bits(ip),
    };
    (bits <= all_bits(ip)).then_some((ip, bits))
}

fn all_bits(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// Whether nothing is set beyond the bits of the network.
fn is_network(ip: IpAddr, bits: u8) -> bool {
    let beyond = match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()).checked_shl(96_u32.saturating_add(bits.into())),
        IpAddr::V6(ip) => ip.to_bits().checked_shl(bits.into()),
    };
    beyond.unwrap_or(0) == 0
}

/// `08:00:2b:01:02:03`, also with hyphens.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let parts: Vec<&str> = text.split(if text.contains('-') { '-' } else { ':' }).collect();
    let byte = |part: &&str| {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u8::from_str_radix(part, 16).ok()).flatten()
    };
    parts.iter().map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        for (kind, text, expect) in [
            (AddressKind::Inet, "10.0.0.1", Some("10.0.0.1")),
            (AddressKind::Inet, "10.0.0.1/32", Some("10.0.0.1")),
            (AddressKind::Inet, "10.0.0.1/8", Some("10.0.0.1/8")),
            (AddressKind::Inet, "2001:DB8:0::1", Some("2001:db8::1")),
            (AddressKind::Inet, "10.0.0.1/33", None),
            (AddressKind::Inet, "10.0.0", None),
            (AddressKind::Inet, "10.0.0.1/+8", None),
            (AddressKind::Cidr, "10.0.0.0/8", Some("10.0.0.0/8")),
            (AddressKind::Cidr, "10.0.0.1", Some("10.0.0.1/32")),
            (AddressKind::Cidr, "10.0.0.1/8", None),
            (AddressKind::Cidr, "0.0.0.0/0", Some("0.0.0.0/0")),
            (AddressKind::Cidr, "2001:db8::/32", Some("2001:db8::/32")),
            (AddressKind::Cidr, "2001:db8::1/64", None),
            (AddressKind::V4, "::1", None),
            (AddressKind::V6, "::1", Some("::1")),
            (AddressKind::Mac, "08-00-2B-01-02-03", Some("08:00:2b:01:02:03")),
            (AddressKind::Mac, "08:00:2b:01:02", None),
            (AddressKind::Mac, "8:0:2b:1:2:3", None),
            (AddressKind::Mac64, "08:00:2b:01:02:03:04:05", Some("08:00:2b:01:02:03:04:05")),
        ] {
            assert_eq!(read(kind, text).as_deref(), expect, "{text}");
        }
    }
}
