//! `lower` and `upper`: one letter for one letter, by the table that MariaDB has and that does not change (Unicode 3), so that every
//! database and memory say the same, whatever their locale. `ß` and what came into Unicode later stay as they are.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Four lines: what `lower` changes, into what; what `upper` changes, into what.
const TABLE: &str = include_str!("letters.txt");

static LOWER: LazyLock<HashMap<char, char>> = LazyLock::new(|| map(lower_table()));
static UPPER: LazyLock<HashMap<char, char>> = LazyLock::new(|| map(upper_table()));

/// The text in small letters.
pub fn lower(text: &str) -> String {
    mapped(text, &LOWER)
}

/// The text in capital letters.
pub fn upper(text: &str) -> String {
    mapped(text, &UPPER)
}

/// The letters that `lower` changes, and into what, one by one.
pub(crate) fn lower_table() -> (&'static str, &'static str) {
    (line(0), line(1))
}

/// The letters that `upper` changes, and into what, one by one.
pub(crate) fn upper_table() -> (&'static str, &'static str) {
    (line(2), line(3))
}

fn line(number: usize) -> &'static str {
    TABLE.lines().nth(number).unwrap_or_default()
}

fn map((from, to): (&str, &str)) -> HashMap<char, char> {
    from.chars().zip(to.chars()).collect()
}

fn mapped(text: &str, table: &HashMap<char, char>) -> String {
    text.chars().map(|c| table.get(&c).copied().unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_change_one_for_one() {
        for (text, small, capital) in [
            ("Hello 1", "hello 1", "HELLO 1"),
            ("ÄßŒ", "äßœ", "ÄßŒ"),
            ("ΣίσυφοςЖ", "σίσυφοςж", "ΣΊΣΥΦΟΣЖ"),
            ("İıſ", "iıſ", "İIS"),
            ("😀\u{10400}", "😀\u{10400}", "😀\u{10400}"),
        ] {
            assert_eq!((lower(text).as_str(), upper(text).as_str()), (small, capital));
        }
    }

    #[test]
    fn every_letter_has_its_other() {
        for (from, to) in [lower_table(), upper_table()] {
            assert_eq!(from.chars().count(), to.chars().count());
            assert!(from.chars().count() > 600);
        }
    }
}
