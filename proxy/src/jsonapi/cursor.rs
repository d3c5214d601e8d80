//! Cursors: places in a sorted collection ↔ texts that clients hand back.
//!
//! A text is base64url of a version, the fingerprint of the order, the values of a row in that order (the key is always among them) and a
//! checksum. It names a place, not a row: it stays good when its row is gone. It is no secret and grants nothing; the checksum is there so
//! that a text which was cut or changed is refused rather than taken for another place.

mod bytes;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dialects::Value;
use xxhash_rust::xxh3::xxh3_64;

/// The form of the bytes. Another form gets another number, and old texts are refused.
const VERSION: u8 = 1;
/// What follows version and fingerprint.
const ROW: u8 = 0;
const END: u8 = 1;
/// Longest cursor, in bytes before base64: two of them must fit into a URL.
const BYTES_MAX: usize = 2048;

/// A place in a sorted collection.
#[derive(Clone, Debug, PartialEq)]
pub enum Cursor {
    /// On the row with these values of the order's terms, where there is one.
    Row(Vec<Value>),
    /// After the last row.
    End,
}

/// Why a text is no cursor here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was not made by this server in this version, or it was changed.
    Malformed,
    /// It belongs to another order.
    Foreign,
}

impl Cursor {
    /// Its text, in an order with this fingerprint; nothing where it would be too long to be sent back.
    pub fn text(&self, order: u64) -> Option<String> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&order.to_be_bytes());
        match self {
            Self::End => out.push(END),
            Self::Row(values) => {
                out.push(ROW);
                values.iter().try_for_each(|value| bytes::write(&mut out, value))?;
            }
        }
        let sum = checksum(&out);
        out.extend_from_slice(&sum);
        (out.len() <= BYTES_MAX).then(|| URL_SAFE_NO_PAD.encode(out))
    }

    /// Reads a text in an order of so many terms with this fingerprint.
    pub fn parse(text: &str, order: u64, terms: usize) -> Result<Self, Refused> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)?;
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or(Refused::Malformed)?;
        if *sum != checksum(body) {
            return Err(Refused::Malformed);
        }
        let (head, rest) = body.split_first_chunk::<9>().ok_or(Refused::Malformed)?;
        match *head {
            [VERSION, fingerprint @ ..] if fingerprint == order.to_be_bytes() => {}
            [VERSION, ..] => return Err(Refused::Foreign),
            _ => return Err(Refused::Malformed),
        }
        match rest {
            [END] => Ok(Self::End),
            [ROW, values @ ..] => bytes::read(values, terms).map(Self::Row).ok_or(Refused::Malformed),
            _ => Err(Refused::Malformed),
        }
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(bytes).to_be_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn values() -> Vec<Value> {
        let day = NaiveDate::from_ymd_opt(-44, 3, 15).unwrap();
        let instant = day.and_hms_nano_opt(23, 59, 59, 999_999_999).unwrap();
        vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Int(300),
            Value::Decimal("-12345678901234567890.1200".parse().unwrap()),
            Value::Float(0.1 + 0.2),
            Value::Float(f64::NEG_INFINITY),
            Value::text("a\0\"ü🦊"),
            Value::text(""),
            Value::Bytes(vec![0, 255]),
            Value::Date(day),
            Value::Time(instant.time()),
            Value::Timestamp(instant),
            Value::TimestampTz(instant),
            Value::Array(vec![Value::Array(vec![Value::Int(1)]), Value::Array(vec![Value::Null])]),
        ]
    }

    #[test]
    fn a_cursor_and_its_text_are_two_forms_of_one_thing() {
        let values = values();
        for cursor in [Cursor::Row(values.clone()), Cursor::End] {
            let text = cursor.text(7).unwrap();
            let read = Cursor::parse(&text, 7, values.len()).unwrap();
            assert_eq!(format!("{read:?}"), format!("{cursor:?}"));
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
        }
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let values = values();
        let text = Cursor::Row(values.clone()).text(7).unwrap();
        for at in 0..text.len() {
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(Cursor::parse(&changed, 7, values.len()).is_err(), "{changed}");
            assert!(Cursor::parse(&text[..at], 7, values.len()).is_err(), "{}", &text[..at]);
        }
        assert_eq!(Cursor::parse(&text, 8, values.len()), Err(Refused::Foreign));
        assert_eq!(Cursor::parse(&text, 7, values.len() + 1), Err(Refused::Malformed));
        assert_eq!(Cursor::parse(&text, 7, values.len() - 1), Err(Refused::Malformed));
        for text in ["", "x", "====", "a b", "ü"] {
            assert_eq!(Cursor::parse(text, 7, 1), Err(Refused::Malformed), "{text}");
        }
    }

    #[test]
    fn what_would_not_fit_into_a_url_has_no_text() {
        assert_eq!(Cursor::Row(vec![Value::text("x".repeat(BYTES_MAX))]).text(7), None);
        assert!(Cursor::Row(vec![Value::text("x".repeat(BYTES_MAX - 100))]).text(7).is_some());
    }
}
