//! Exact arithmetic beyond `+ - *`: what memory computes, and SQLite, whose own is binary.
//!
//! `quotient(2, 3)` is `0.66666666666666666667`, `round(1250, -2, HalfUp)` is `1300`.

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, Signed, ToPrimitive, Zero};

/// Digits after the point of a quotient.
pub const QUOTIENT_SCALE: u32 = 20;
/// Rounding knows no digits beyond so many, before the point and after it.
pub const ROUND_MAX: i64 = 1_000;

/// To 20 digits after the point, half away from zero; nothing where the divisor is zero.
pub fn quotient(a: &BigDecimal, b: &BigDecimal) -> Option<BigDecimal> {
    quotient_to(a, b, QUOTIENT_SCALE)
}

/// Likewise, to so many digits after the point.
pub fn quotient_to(a: &BigDecimal, b: &BigDecimal, digits: u32) -> Option<BigDecimal> {
    if b.is_zero() {
        return None;
    }
    let scale = i64::from(digits);
    let ((a, a_scale), (b, b_scale)) = (a.as_bigint_and_exponent(), b.as_bigint_and_exponent());
    let shift = scale + b_scale - a_scale;
    let rounded = divide_rounded(&(a * ten_to(shift)), &(b * ten_to(-shift)));
    Some(BigDecimal::new(rounded, scale))
}

/// What is left of a division in whole numbers, with the sign of the dividend; nothing where the divisor is zero.
pub fn remainder(a: &BigDecimal, b: &BigDecimal) -> Option<BigDecimal> {
    if b.is_zero() {
        return None;
    }
    let scale = a.fractional_digit_count().max(b.fractional_digit_count());
    let (a, _) = a.with_scale(scale).into_bigint_and_scale();
    let (b, _) = b.with_scale(scale).into_bigint_and_scale();
    Some(BigDecimal::new(a % b, scale))
}

/// To so many digits after the point, never more than there are; negative: to tens, hundreds, …
pub fn round(number: &BigDecimal, digits: i128, mode: RoundingMode) -> BigDecimal {
    let most = i128::from(ROUND_MAX);
    let digits = i64::try_from(digits.clamp(-most, most)).unwrap_or(ROUND_MAX);
    if digits >= number.fractional_digit_count() {
        return number.clone();
    }
    let rounded = number.with_scale_round(digits, mode);
    if digits < 0 { rounded.with_scale(0) } else { rounded }
}

/// The whole number that is next to a number: a count or a position, of which more makes no difference.
pub fn saturated(number: &BigDecimal) -> i128 {
    let most = if number.is_negative() { i128::MIN } else { i128::MAX };
    number.with_scale_round(0, RoundingMode::HalfUp).to_i128().unwrap_or(most)
}

/// The quotient half away from zero; the divisor is not zero.
fn divide_rounded(a: &BigInt, b: &BigInt) -> BigInt {
    let (quotient, remainder) = (a / b, a % b);
    if remainder.magnitude() * 2u32 < *b.magnitude() {
        return quotient;
    }
    if (a.sign() == Sign::Minus) == (b.sign() == Sign::Minus) { quotient + 1 } else { quotient - 1 }
}

/// 1 for what is no power of ten in whole numbers.
fn ten_to(power: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(power).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> BigDecimal {
        text.parse().unwrap()
    }

    #[test]
    fn quotients_are_rounded_once() {
        for (a, b, expect) in [
            ("2", "3", "0.66666666666666666667"),
            ("-7.5", "2", "-3.75"),
            ("1", "200000000000000000000", "0.00000000000000000001"),
            ("1", "200000000000000000001", "0"),
            ("3", "0.00000000000000000007", "42857142857142857142.85714285714285714286"),
            ("1e30", "3", "333333333333333333333333333333.33333333333333333333"),
        ] {
            assert_eq!(quotient(&number(a), &number(b)), Some(number(expect)), "{a} / {b}");
        }
        assert_eq!(quotient(&number("1"), &number("0.00")), None);
        // Rounded to 20 digits first, it would come to 0.000001.
        let (a, b) = (number("0.00000049999999999999999999996"), number("1"));
        assert_eq!(quotient_to(&a, &b, 6), Some(number("0")));
        assert_eq!(quotient_to(&number("-5"), &number("2"), 0), Some(number("-3")));
    }

    #[test]
    fn rounding_adds_no_digits() {
        for (text, digits, expect) in [
            ("2.50", 1_000_000, "2.50"),
            ("2.50", i128::MIN, "0"),
            ("1250", -2, "1300"),
            ("-1.005", 2, "-1.01"),
            ("7", 3, "7"),
        ] {
            assert_eq!(round(&number(text), digits, RoundingMode::HalfUp).to_plain_string(), expect);
        }
    }

    #[test]
    fn counts_stop_somewhere() {
        assert_eq!(saturated(&number("1e50")), i128::MAX);
        assert_eq!(saturated(&number("-1e50")), i128::MIN);
        assert_eq!(saturated(&number("2.5")), 3);
    }
}
