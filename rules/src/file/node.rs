//! YAML as a tree that knows where everything stood, keys that come twice included.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Location, Spanned};

use crate::problem::Problem;

/// A piece of text in a file.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Which file, by its position.
    pub(crate) file: usize,
    /// What it says, without quotes and escapes.
    pub(crate) value: String,
    /// Its bytes in the file.
    pub(crate) span: Range<usize>,
    /// Where the value begins when the file spells it byte for byte.
    start: Option<usize>,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Nothing,
    Text(Text),
    List(Vec<Node>),
    Map(Vec<(Text, Node)>),
}

impl Text {
    fn new(source: &str, file: usize, value: String, span: Range<usize>) -> Self {
        let raw = source.get(span.clone()).unwrap_or("");
        let inner = raw.get(1..).unwrap_or("");
        let start = if raw.starts_with(&value) {
            Some(span.start)
        } else if raw.starts_with(['"', '\'']) && inner.starts_with(&value) {
            Some(span.start + 1)
        } else {
            None
        };
        Self { file, value, span, start }
    }

    /// Bytes of the value -> bytes of the file. Where the file spells the value otherwise (folded over lines, with escapes): the one
    /// place where the same words stand, or the whole text.
    pub(crate) fn locate(&self, source: &str, within: &Range<usize>) -> Range<usize> {
        if let Some(start) = self.start {
            return start + within.start..start + within.end;
        }
        let words = self.value.get(within.clone()).unwrap_or("");
        let mut found = source.get(self.span.clone()).unwrap_or("").match_indices(words);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => self.span.start + at..self.span.start + at + words.len(),
            _ => self.span.clone(),
        }
    }
}

/// The tree of a file; `None`: it is empty.
pub(crate) fn parse(file: usize, name: &str, source: &str) -> Result<Option<Node>, Problem> {
    if source.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(None);
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Tree>>(source, options) {
        Ok(tree) => Ok(Some(node(source, file, tree))),
        Err(error) => {
            let at = error.location().map_or(0..0, |location| bytes(&location, source));
            let text = error.to_string();
            let message = text.lines().next().unwrap_or("this is not YAML").to_owned();
            Err(Problem::new(name, source, at, message, None))
        }
    }
}

/// What serde sees: kinds of values, keys in order.
enum Tree {
    Nothing,
    Text(String),
    /// A number or truth value: the file's own spelling is what counts.
    Plain,
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

fn node(source: &str, file: usize, tree: Spanned<Tree>) -> Node {
    let span = bytes(&tree.defined, source);
    let kind = match tree.value {
        Tree::Nothing => Kind::Nothing,
        Tree::Text(value) => Kind::Text(Text::new(source, file, value, span.clone())),
        Tree::Plain => {
            let value = source.get(span.clone()).unwrap_or("").trim().to_owned();
            Kind::Text(Text::new(source, file, value, span.clone()))
        }
        Tree::List(items) => Kind::List(items.into_iter().map(|item| node(source, file, item)).collect()),
        Tree::Map(entries) => {
            Kind::Map(entries.into_iter().map(|(key, value)| entry(source, file, key, value)).collect())
        }
    };
    Node { span, kind }
}

fn entry(source: &str, file: usize, key: Spanned<String>, value: Spanned<Tree>) -> (Text, Node) {
    let span = bytes(&key.defined, source);
    (Text::new(source, file, key.value, span), node(source, file, value))
}

fn bytes(location: &Location, source: &str) -> Range<usize> {
    let span = location.span();
    let at = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let start = at(span.byte_offset()).min(source.len());
    start..(start + at(span.byte_len())).min(source.len())
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }
    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }
    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }
    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }
    fn visit_i128<E>(self, _: i128) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }
    fn visit_u128<E>(self, _: u128) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Plain)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(source: &str, node: &Node) -> String {
        match &node.kind {
            Kind::Nothing => "-".into(),
            Kind::Text(text) => {
                format!("{}@{}", text.value, &source[text.locate(source, &(0..text.value.len()))])
            }
            Kind::List(items) => {
                format!("[{}]", items.iter().map(|n| outline(source, n)).collect::<Vec<_>>().join(", "))
            }
            Kind::Map(entries) => {
                let shown = |(key, value): &(Text, Node)| {
                    format!("{}@{}: {}", key.value, &source[key.span.clone()], outline(source, value))
                };
                format!("{{{}}}", entries.iter().map(shown).collect::<Vec<_>>().join(", "))
            }
        }
    }

    #[test]
    fn every_piece_knows_its_place() {
        for (source, expected) in [
            ("a: b * c\n", "{a@a: b * c@b * c}"),
            ("# ä\nä.b:   'it''s'\n", "{ä.b@ä.b: it's@'it''s'}"),
            ("a: \"x = 1\"\n", "{a@a: x = 1@x = 1}"),
            ("a: 1.10\nb: 0\nc: true\n", "{a@a: 1.10@1.10, b@b: 0@0, c@c: true@true}"),
            ("a: [insert, update]\na:\n", "{a@a: [insert@insert, update@update], a@a: -}"),
            ("a:\n  - check: x\n    message: y z\n", "{a@a: [{check@check: x@x, message@message: y z@y z}]}"),
        ] {
            let node = parse(0, "f", source).unwrap().unwrap();
            assert_eq!(outline(source, &node), expected);
        }
        assert!(parse(0, "f", "# nothing\n\n").unwrap().is_none());
    }

    #[test]
    fn broken_yaml_is_a_problem_with_a_place() {
        for source in ["a: [1, 2\nb: 3", "a: b: c", "a: &x [*x]", "<<: {a: 1}\nb: 2"] {
            let result = parse(0, "f.yaml", source);
            assert!(result.as_ref().err().is_some_and(|p| p.line >= 1), "{source}: {result:?}");
        }
    }
}
