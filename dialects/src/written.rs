//! Values that are held as text: spans of time, times with a zone, addresses and bits, each in one canonical form, whether a database told
//! it in binary or a client wrote it. `P0Y14M` is `P1Y2M`, `10.0.0.1/32` is `10.0.0.1`.

pub mod address;
pub mod interval;

/// A time of day (in microseconds; 24 hours are midnight at its end) with its distance from UTC (in seconds, eastwards).
pub fn time_tz(micros: i64, offset_s: i32) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    text.push_str(&fraction(micros.rem_euclid(1_000_000)));
    text.push_str(&offset(offset_s));
    text
}

/// `.5`, without zeros at the end; nothing where it is none.
pub(crate) fn fraction(micros: i64) -> String {
    match micros {
        0 => String::new(),
        _ => format!(".{micros:06}").trim_end_matches('0').to_owned(),
    }
}

fn offset(seconds: i32) -> String {
    if seconds == 0 {
        return "Z".to_owned();
    }
    let (sign, all) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let rest = match all % 60 {
        0 => String::new(),
        seconds => format!(":{seconds:02}"),
    };
    format!("{sign}{:02}:{:02}{rest}", all / 3600, all / 60 % 60)
}

/// The first `count` bits of some bytes, the highest first.
pub fn bits(bytes: &[u8], count: usize) -> String {
    let all = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    all.take(count).map(|bit| if bit == 1 { '1' } else { '0' }).collect()
}

/// The bits of a number of so many bytes, without those that lie before the last `count`.
pub fn last_bits(bytes: &[u8], count: usize) -> String {
    let all = bits(bytes, bytes.len().saturating_mul(8));
    let kept = all.get(all.len().saturating_sub(count)..).unwrap_or_default();
    format!("{kept:0>count$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_their_distance_from_utc() {
        assert_eq!(time_tz(45_000_000_000, 0), "12:30:00Z");
        assert_eq!(time_tz(45_000_500_000, 7200), "12:30:00.5+02:00");
        assert_eq!(time_tz(86_400_000_000, -12_645), "24:00:00-03:30:45");
    }

    #[test]
    fn bits_are_written_from_the_highest() {
        assert_eq!(bits(&[0b1010_0000], 3), "101");
        assert_eq!(last_bits(&[0, 5], 10), "0000000101");
        assert_eq!(last_bits(&[5], 10), "0000000101");
    }
}
