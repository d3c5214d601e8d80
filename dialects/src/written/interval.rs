//! Spans of time in ISO 8601, as PostgreSQL's `iso_8601` style writes them: months, days and the rest never mix, for a month has no fixed
//! number of days. `P1Y2M3DT4H5M6.5S`; each part has its own sign (`P1DT-2H`).

use crate::calendar::Interval;

const MICROS: i64 = 1_000_000;

/// What is counted, in the order of the notation: the unit, whether it stands behind the `T`.
const UNITS: [(char, bool); 7] =
    [('Y', false), ('M', false), ('W', false), ('D', false), ('H', true), ('M', true), ('S', true)];

/// The canonical text of a span.
pub fn write(interval: Interval) -> String {
    let Interval { months, days, microseconds } = interval;
    let mut text = "P".to_owned();
    for (count, unit) in [(months / 12, 'Y'), (months % 12, 'M'), (days, 'D')] {
        if count != 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    let (minutes, rest) = (microseconds / (60 * MICROS), microseconds % (60 * MICROS));
    if microseconds != 0 || text == "P" {
        text.push('T');
    }
    for (count, unit) in [(minutes / 60, 'H'), (minutes % 60, 'M')] {
        if count != 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if rest != 0 || text == "PT" {
        text.push_str(&seconds(rest));
    }
    text
}

fn seconds(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let whole = micros.unsigned_abs() / MICROS.unsigned_abs();
    format!("{sign}{whole}{}S", super::fraction(micros.abs() % MICROS))
}

/// A span from its text; nothing where it is none, or where it does not fit.
pub fn read(text: &str) -> Option<Interval> {
    let (date, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (text.strip_prefix('P')?, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let counts = [counts(date, false)?, counts(time, true)?].concat();
    let [years, months, weeks, days, hours, minutes, seconds] = <[Count; 7]>::try_from(counts).ok()?;
    let whole = |count: Count| (count.micros == 0).then_some(count.whole);
    Some(Interval {
        months: i32::try_from(whole(years)?.checked_mul(12)?.checked_add(whole(months)?)?).ok()?,
        days: i32::try_from(whole(weeks)?.checked_mul(7)?.checked_add(whole(days)?)?).ok()?,
        microseconds: microseconds(whole(hours)?, whole(minutes)?, seconds)?,
    })
}

fn microseconds(hours: i64, minutes: i64, seconds: Count) -> Option<i64> {
    let whole = hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_add(seconds.whole)?;
    whole.checked_mul(MICROS)?.checked_add(seconds.micros)
}

/// How often a unit: a whole number, and a fraction of the same sign.
#[derive(Clone, Copy, Default)]
struct Count {
    whole: i64,
    micros: i64,
}

/// The counts of the units on one side of the `T`, each at most once and in their order.
fn counts(mut text: &str, of_time: bool) -> Option<Vec<Count>> {
    let mut found = Vec::new();
    for (unit, _) in UNITS.iter().filter(|(_, side)| *side == of_time) {
        let at = text.find(|c: char| c.is_ascii_alphabetic());
        match at.and_then(|at| text.split_at_checked(at)) {
            Some((number, rest)) if rest.starts_with(*unit) => {
                found.push(count(number)?);
                text = rest.get(1..)?;
            }
            _ => found.push(Count::default()),
        }
    }
    text.is_empty().then_some(found)
}

fn count(text: &str) -> Option<Count> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    if !digits(whole) || !fraction.is_none_or(digits) {
        return None;
    }
    let fraction = fraction.unwrap_or_default().trim_end_matches('0');
    let micros: i64 = if fraction.len() > 6 { None } else { format!("{fraction:0<6}").parse().ok() }?;
    let (whole, sign): (i64, i64) = (whole.parse().ok()?, if text.starts_with('-') { -1 } else { 1 });
    Some(Count { whole: whole * sign, micros: micros * sign })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_one_form() {
        for (text, expect) in [
            ("P1Y2M3DT4H5M6.5S", "P1Y2M3DT4H5M6.5S"),
            ("P14M", "P1Y2M"),
            ("P-14M", "P-1Y-2M"),
            ("P2W1D", "P15D"),
            ("PT90M", "PT1H30M"),
            ("PT-90M", "PT-1H-30M"),
            ("PT-0.000001S", "PT-0.000001S"),
            ("P1DT-2H", "P1DT-2H"),
            ("PT0.500S", "PT0.5S"),
            ("P0D", "PT0S"),
            ("PT2562047788H", "PT2562047788H"),
        ] {
            assert_eq!(read(text).map(write).as_deref(), Some(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_not_read() {
        for text in [
            "",
            "P",
            "PT",
            "1D",
            "P1",
            "P1H",
            "PT1D",
            "P1D1Y",
            "P1D2D",
            "P1.5D",
            "P1DT",
            "PT1.1234567S",
            "P--1D",
            "P1 D",
            "p1d",
            "P3000000000M",
            "PT9999999999999999H",
            "P1DTH",
            "P1ä",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
