//! Places: lines and columns of the parser -> bytes of the text.

use std::ops::Range;

use sqlparser::ast::Ident;
use sqlparser::tokenizer::{Location, Span};

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) quoted: bool,
    pub(crate) span: Range<usize>,
}

impl Name {
    pub(crate) fn new(ident: &Ident, lines: &Lines<'_>) -> Self {
        Self { text: ident.value.clone(), quoted: ident.quote_style.is_some(), span: lines.range(ident.span) }
    }

    /// Whether this is a word of the language, in any case, not quoted.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(word)
    }
}

/// Where the lines of a text begin.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The byte at a line and a column (in characters, both from 1).
    pub(crate) fn byte(&self, at: Location) -> usize {
        let line = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
        let column = usize::try_from(at.column).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.starts.get(line).copied() else { return self.text.len() };
        let rest = self.text.get(start..).unwrap_or("");
        start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
    }

    /// The bytes of a span; an empty span is nowhere in particular: the whole text.
    pub(crate) fn range(&self, span: Span) -> Range<usize> {
        if span == Span::empty() {
            return 0..self.text.len();
        }
        let start = self.byte(span.start);
        start..self.byte(span.end).max(start)
    }

    /// The text from a byte on.
    pub(crate) fn after(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or("")
    }

    /// Where the character at a byte ends.
    pub(crate) fn char_end(&self, at: usize) -> usize {
        at + self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    }

    /// Whether one of the words stands in the text.
    pub(crate) fn has_word(&self, words: &[&str]) -> bool {
        let mut found = self.text.split(|c: char| !c.is_alphanumeric() && c != '_');
        found.any(|found| words.iter().any(|word| found.eq_ignore_ascii_case(word)))
    }

    /// `message at Line: 1, Column: 5` apart.
    pub(crate) fn place_in<'m>(&self, message: &'m str) -> Option<(&'m str, usize)> {
        let (what, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let at = Location::new(line.trim().parse().ok()?, column.trim().parse().ok()?);
        Some((what, self.byte(at)))
    }
}
