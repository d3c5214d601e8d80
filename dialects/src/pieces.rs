//! Pieces of texts, counted in characters, and patterns of `like`: what memory computes, and SQLite, which has neither of its own.
//!
//! `substring("hello", -1, Some(3))` is `h`: the window may begin before the text does. `like("50%", "50\\%")` is true.

/// From the `from`-th character on (the first is 1), `count` of them or all.
pub fn substring(text: &str, from: i128, count: Option<i128>) -> String {
    let end = count.map_or(i128::MAX, |count| from.saturating_add(count));
    let start = from.max(1);
    let skip = usize::try_from(start - 1).unwrap_or(usize::MAX);
    let take = usize::try_from(end.saturating_sub(start).max(0)).unwrap_or(usize::MAX);
    text.chars().skip(skip).take(take).collect()
}

/// Whether all of the text matches: `%` stands for any characters, `_` for one, and `\` takes their meaning from these and itself.
pub fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    matches(&text, &pieces(pattern))
}

/// One piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Any,
    One,
    Literal(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '%' => Piece::Any,
            '_' => Piece::One,
            // At the end it has nothing to escape, and stands for itself.
            '\\' => Piece::Literal(chars.next().unwrap_or('\\')),
            other => Piece::Literal(other),
        });
    }
    pieces
}

/// Goes back only to the last `%`: at most the product of the lengths, and no recursion.
fn matches(text: &[char], pattern: &[Piece]) -> bool {
    let (mut at, mut piece) = (0, 0);
    let mut fallback: Option<(usize, usize)> = None;
    while let Some(c) = text.get(at) {
        match pattern.get(piece) {
            Some(Piece::Any) => {
                fallback = Some((piece, at));
                piece += 1;
            }
            Some(Piece::One) => (at, piece) = (at + 1, piece + 1),
            Some(Piece::Literal(wanted)) if wanted == c => (at, piece) = (at + 1, piece + 1),
            _ => {
                let Some((any, from)) = &mut fallback else { return false };
                *from += 1;
                (at, piece) = (*from, *any + 1);
            }
        }
    }
    pattern.iter().skip(piece).all(|rest| *rest == Piece::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_may_begin_and_end_outside_of_the_text() {
        for (from, count, expect) in [
            (2, Some(3), "ell"),
            (-1, Some(3), "h"),
            (0, Some(0), ""),
            (i128::MIN, None, "hello"),
            (i128::MIN, Some(i128::MAX), ""),
            (3, Some(i128::MAX), "llo"),
            (i128::MAX, Some(i128::MAX), ""),
        ] {
            assert_eq!(substring("hello", from, count), expect, "{from} {count:?}");
        }
    }

    #[test]
    fn patterns_go_back_to_the_last_wildcard() {
        for (text, pattern, expect) in [
            ("aXbXc", "a%Xc", true),
            ("", "%", true),
            ("", "_", false),
            ("abab", "%ab", true),
            ("a\\", "a\\", true),
            ("50% off", "50\\% _ff", true),
        ] {
            assert_eq!(like(text, pattern), expect, "{text} like {pattern}");
        }
        assert!(!like(&"a".repeat(10_000), &format!("{}b", "a%".repeat(1_000))));
    }
}
