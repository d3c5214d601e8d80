//! A text of a rule file, inside which places can be found: `unit_prise` within `quantity * unit_prise`.

use std::ops::Range;

use introspect::yaml;

use crate::problem::Place;

/// A piece of text in a file.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Which file, by its position.
    pub(crate) file: usize,
    /// What it says, without quotes and escapes.
    pub(crate) value: String,
    /// Where it stands.
    pub(crate) place: Place,
}

impl Text {
    /// A text of the file at this position.
    pub(crate) fn new(file: usize, text: yaml::Text) -> Self {
        Self { file, value: text.text, place: text.place }
    }

    /// Bytes of the value -> their place in the file. Where the file spells the value otherwise (folded over lines, with escapes): the
    /// one place where the same words stand, or the whole text.
    pub(crate) fn locate(&self, source: &str, within: &Range<usize>) -> Place {
        let (start, _) = self.place.span;
        let raw = source.get(self.place.range()).unwrap_or_default();
        if let Some(skipped) = verbatim(raw, &self.value) {
            let start = start + skipped;
            return Place::of(source, &(start + within.start..start + within.end));
        }
        let words = self.value.get(within.clone()).unwrap_or_default();
        let mut found = raw.match_indices(words);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Place::of(source, &(start + at..start + at + words.len())),
            _ => self.place,
        }
    }
}

/// Where the value begins when the file spells it byte for byte, in quotes or without.
fn verbatim(raw: &str, value: &str) -> Option<usize> {
    let quoted = || raw.strip_prefix(['"', '\'']).is_some_and(|inner| inner.starts_with(value));
    if raw.starts_with(value) { Some(0) } else { quoted().then_some(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, words: &str, expected: &str) {
        let node = yaml::parse("f", source).unwrap();
        let text = Text::new(0, yaml::Reader::new("f").text(&node).unwrap());
        let at = text.value.find(words).unwrap();
        let place = text.locate(source, &(at..at + words.len()));
        assert_eq!(format!("{} at {place}", &source[place.range()]), expected, "{source}");
    }

    #[test]
    fn words_are_found_however_the_text_is_spelled() {
        check("a * b", "b", "b at 1:5");
        check("'a * b'", "b", "b at 1:6");
        check("\"a * b\"", "a", "a at 1:2");
        check("\"a\\t* b\"", "b", "b at 1:7");
        check("a\n  * b\n", "b", "b at 2:5");
        check("|\n  ä\n  * b\n", "b", "b at 3:5");
        check("'it''s b'", "it's", "'it''s b' at 1:1");
        check("\"b\\t* b\"", "b", "\"b\\t* b\" at 1:1");
    }
}
