//! YAML with the place of every key and value, so that each problem can name where it is.
//!
//! A [`Reader`] walks the tree and collects problems instead of stopping at the first: `tabels: {}` is
//! `model.yaml:1:1: unknown key `tabels` (did you mean `tables`?)`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::problem::{Place, Problem, did_you_mean};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub content: Content,
    /// Where it stands.
    pub place: Place,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as digits.
    Number(String),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the file's order.
    Map(Vec<(Text, Node)>),
}

/// A text and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// Reads one file's tree and collects what is wrong with it.
#[derive(Debug)]
pub struct Reader {
    file: String,
    /// What is wrong, in the order it was found.
    pub problems: Vec<Problem>,
}

/// Parses a file. An empty one is nothing.
pub fn parse(file: &str, text: &str) -> Result<Node, Problem> {
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed: Result<Option<Spanned<Content>>, _> = serde_saphyr::from_str_with_options(text, options);
    match parsed {
        Ok(Some(node)) => Ok(node.into()),
        Ok(None) => Ok(Node { content: Content::Null, place: Place::START }),
        Err(error) => Err(syntax(file, &error)),
    }
}

fn syntax(file: &str, error: &serde_saphyr::Error) -> Problem {
    Problem {
        file: file.to_owned(),
        place: error.location().map_or(Place::START, place),
        message: format!("this is not YAML: {}", error.to_string().lines().next().unwrap_or_default()),
        hint: None,
    }
}

impl Reader {
    /// A reader of the named file.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: Vec::new() }
    }

    /// Notes a problem at a place.
    pub fn problem(&mut self, place: Place, message: impl Into<String>, hint: Option<String>) {
        self.problems.push(Problem { file: self.file.clone(), place, message: message.into(), hint });
    }

    /// A mapping's entries; nothing counts as an empty one.
    pub fn entries<'a>(&mut self, node: &'a Node) -> &'a [(Text, Node)] {
        match &node.content {
            Content::Map(entries) => entries,
            Content::Null => &[],
            _ => {
                self.expected(node, "a mapping");
                &[]
            }
        }
    }

    /// A mapping's entries, whose keys must be among the known.
    pub fn fields<'a>(&mut self, node: &'a Node, known: &[&str]) -> &'a [(Text, Node)] {
        let entries = self.entries(node);
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let hint = did_you_mean(&key.text, known.iter().copied());
            let hint = hint.unwrap_or_else(|| format!("known here: {}", known.join(", ")));
            self.problem(key.place, format!("unknown key `{}`", key.text), Some(hint));
        }
        entries
    }

    /// A text; numbers are taken by their digits.
    pub fn text(&mut self, node: &Node) -> Option<Text> {
        match &node.content {
            Content::Text(text) | Content::Number(text) => {
                Some(Text { text: text.clone(), place: node.place })
            }
            _ => {
                self.expected(node, "text");
                None
            }
        }
    }

    /// A yes or no.
    pub fn flag(&mut self, node: &Node) -> Option<bool> {
        match node.content {
            Content::Bool(flag) => Some(flag),
            _ => {
                self.expected(node, "true or false");
                None
            }
        }
    }

    /// A sequence of texts.
    pub fn texts(&mut self, node: &Node) -> Vec<Text> {
        match &node.content {
            Content::List(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            _ => {
                self.expected(node, "a list, such as [id]");
                Vec::new()
            }
        }
    }

    fn expected(&mut self, node: &Node, what: &str) {
        self.problem(node.place, format!("expected {what}"), None);
    }
}

impl From<Spanned<Content>> for Node {
    fn from(spanned: Spanned<Content>) -> Self {
        Self { content: spanned.value, place: place(spanned.referenced) }
    }
}

impl From<Spanned<String>> for Text {
    fn from(spanned: Spanned<String>) -> Self {
        Self { text: spanned.value, place: place(spanned.referenced) }
    }
}

fn place(location: Location) -> Place {
    let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let span = location.span();
    let bytes = (span.byte_offset().map_or(0, at), span.byte_len().map_or(0, at));
    Place { line: at(location.line()).max(1), column: at(location.column()).max(1), span: bytes }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Content, E> {
        Ok(Content::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
        Ok(Content::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
        Ok(Content::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Content, E> {
        Ok(Content::Number(number.to_string()))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Content, E> {
        Err(E::custom("binary values are not known here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element::<Spanned<Content>>()? {
            items.push(item.into());
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries: Vec<(Text, Node)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<String>, Spanned<Content>>()? {
            let key = Text::from(key);
            if entries.iter().any(|(known, _)| known.text == key.text) {
                return Err(A::Error::custom(format!("`{}` stands here twice", key.text)));
            }
            entries.push((key, value.into()));
        }
        Ok(Content::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &Text, source: &str, expect: (&str, usize, usize)) {
        let Place { line, column, span: (start, length) } = text.place;
        assert_eq!((text.text.as_str(), line, column), expect);
        assert_eq!(&source[start..start + length], expect.0);
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let source = "tables:\n  größe: {name: sales, key: [id, 7]}\n";
        let node = parse("f", source).unwrap();
        let mut reader = Reader::new("f");
        let (tables, inner) = &reader.entries(&node)[0];
        check(tables, source, ("tables", 1, 1));
        let (table, inner) = &reader.entries(inner)[0];
        check(table, source, ("größe", 2, 3));
        let fields = reader.entries(inner);
        check(&reader.text(&fields[0].1).unwrap(), source, ("sales", 2, 17));
        check(&reader.texts(&fields[1].1)[1], source, ("7", 2, 34));
        assert_eq!(reader.problems, []);
    }

    #[test]
    fn broken_yaml_is_a_problem_with_a_place() {
        for (text, line) in [("a: 1\nb: [1", 2), ("a: 1\na: 2\n", 2), ("a: b: c", 1)] {
            let problem = parse("f", text).unwrap_err();
            assert_eq!(problem.place.line, line, "{problem}");
            assert!(problem.message.starts_with("this is not YAML"), "{problem}");
        }
        assert_eq!(parse("f", "").unwrap().content, Content::Null);
        assert_eq!(parse("f", "# nothing\n").unwrap().content, Content::Null);
    }
}
