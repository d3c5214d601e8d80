//! Values to and from text, as databases write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// Bytes of a date.
const DATE_LENGTH: usize = 10;

/// `2024-02-29` and nothing after it.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let in_full = text
        .bytes()
        .enumerate()
        .all(|(at, c)| if matches!(at, 4 | 7) { c == b'-' } else { c.is_ascii_digit() });
    if text.len() == DATE_LENGTH && in_full { NaiveDate::parse_from_str(text, "%Y-%m-%d").ok() } else { None }
}

/// `12:30`, `12:30:59` or `12:30:59.5`.
pub(super) fn time(text: &str) -> Option<NaiveTime> {
    let formats = ["%H:%M:%S%.f", "%H:%M"];
    formats.iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

/// A date and a time, with a space or `T` in between; a date alone means midnight; a zone is applied.
pub(super) fn timestamp(text: &str) -> Option<NaiveDateTime> {
    let (day, rest) = text.split_at_checked(DATE_LENGTH)?;
    let day = date(day)?;
    if rest.is_empty() {
        return day.and_hms_opt(0, 0, 0);
    }
    let formats = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let plain = text.strip_suffix('Z').unwrap_or(text);
    let naive = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(plain, format).ok());
    naive.or_else(|| zoned(text))
}

fn zoned(text: &str) -> Option<NaiveDateTime> {
    let formats = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"];
    formats
        .iter()
        .find_map(|format| DateTime::parse_from_str(text, format).ok())
        .map(|instant| instant.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_in_every_usual_form() {
        for (text, expect) in [
            ("2016-07-04", Some("2016-07-04 00:00:00")),
            ("2016-07-04 12:30", Some("2016-07-04 12:30:00")),
            ("2016-07-04T12:30:01.25Z", Some("2016-07-04 12:30:01.250")),
            ("2016-07-04 12:30:01+02:00", Some("2016-07-04 10:30:01")),
            ("2016-07-04 12:30:01+02", Some("2016-07-04 10:30:01")),
            ("2016-07-04 12:30:01.25-00:30", Some("2016-07-04 13:00:01.250")),
            ("soon", None),
            ("2016-7-4", None),
            ("2016-7-4 12:30", None),
            ("+2016-07-04", None),
            (" 2016-07-04", None),
        ] {
            assert_eq!(timestamp(text).map(|t| t.to_string()).as_deref(), expect, "{text}");
        }
    }
}
