//! YAML with the place of every key and value, so that each problem can name where it is.
//!
//! [`parse`] gives the tree, and a [`Reader`] walks it: `tabels: {}` is
//! `model.yaml:1:1: unknown key `tabels` (did you mean `tables`?)`.

mod reader;
mod tree;

use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Location, Spanned};

use crate::problem::{Place, Problem};
pub use reader::Reader;
use tree::Tree;

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
    /// `true`, `no` and the like, and how the file spells it.
    Bool(bool, String),
    /// A number, as the file spells it.
    Number(String),
    /// Text, without quotes and escapes.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the file's order; keys may come twice.
    Map(Vec<(Text, Node)>),
}

/// A text and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text, without quotes and escapes.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// Parses a file. An empty one is nothing. Merge keys (`<<`) are refused: what they bring stands at no place of its own.
pub fn parse(file: &str, text: &str) -> Result<Node, Problem> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Option<Spanned<Tree>>>(text, options) {
        Ok(Some(tree)) => Ok(node(text, tree)),
        Ok(None) => Ok(Node { content: Content::Null, place: Place::START }),
        Err(error) => Err(syntax(file, text, &error)),
    }
}

/// What the parser says, without the place that it repeats: the problem has it.
fn syntax(file: &str, text: &str, error: &serde_saphyr::Error) -> Problem {
    let all = error.to_string();
    let first = all.lines().next().unwrap_or_default();
    let words = first.split_once(" at line ").map_or(first, |(words, _)| words);
    Problem {
        file: file.to_owned(),
        place: error.location().map_or(Place::START, |at| broken_at(text, at)),
        message: format!("this is not YAML: {words}"),
        hint: remedy(words).map(str::to_owned),
    }
}

/// What to do about what the parser says.
fn remedy(words: &str) -> Option<&'static str> {
    [
        ("trailing content after", "what begins with a quote ends with it: put the whole into single quotes"),
        ("anchor or alias", "what begins with * or & stands in quotes: \"*\""),
        ("tabs disallowed", "indent with spaces"),
        (
            "mapping values are not allowed",
            "a value that holds `: ` stands in quotes; if this is a key, the one above it lacks its colon",
        ),
    ]
    .into_iter()
    .find_map(|(said, remedy)| words.contains(said).then_some(remedy))
}

/// The parser knows the line and the column of what it cannot read, not always the byte.
fn broken_at(text: &str, location: Location) -> Place {
    match place(location) {
        Place { line, column, span: (0, _) } => Place::at(text, line, column),
        known => known,
    }
}

/// Aliases stand where their anchor does: that is where their text can be found.
fn node(source: &str, tree: Spanned<Tree>) -> Node {
    let place = place(tree.defined);
    let spelled = || source.get(place.range()).unwrap_or_default().trim().to_owned();
    let content = match tree.value {
        Tree::Null => Content::Null,
        Tree::Bool(flag) => Content::Bool(flag, spelled()),
        Tree::Number => Content::Number(spelled()),
        Tree::Text(text) => Content::Text(text),
        Tree::List(items) => Content::List(items.into_iter().map(|item| node(source, item)).collect()),
        Tree::Map(entries) => {
            Content::Map(entries.into_iter().map(|(key, value)| (key.into(), node(source, value))).collect())
        }
    };
    Node { content, place }
}

impl From<Spanned<String>> for Text {
    fn from(spanned: Spanned<String>) -> Self {
        Self { text: spanned.value, place: place(spanned.defined) }
    }
}

fn place(location: Location) -> Place {
    let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let span = location.span();
    let bytes = (span.byte_offset().map_or(0, at), span.byte_len().map_or(0, at));
    Place { line: at(location.line()).max(1), column: at(location.column()).max(1), span: bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `value@what the file says there`, all the way down.
    fn outline(source: &str, node: &Node) -> String {
        let all = |texts: Vec<String>| texts.join(", ");
        match &node.content {
            Content::Null => "-".into(),
            Content::Text(text) | Content::Number(text) | Content::Bool(_, text) => {
                format!("{text}@{}", &source[node.place.range()])
            }
            Content::List(items) => format!("[{}]", all(items.iter().map(|n| outline(source, n)).collect())),
            Content::Map(entries) => {
                let shown = |(key, value): &(Text, Node)| {
                    format!("{}@{}: {}", key.text, &source[key.place.range()], outline(source, value))
                };
                format!("{{{}}}", all(entries.iter().map(shown).collect()))
            }
        }
    }

    #[test]
    fn every_piece_knows_its_place() {
        for (source, expected) in [
            ("a: b * c\n", "{a@a: b * c@b * c}"),
            ("# ä\nä.b:   'it''s'\n", "{ä.b@ä.b: it's@'it''s'}"),
            ("a: \"x = 1\"\n", "{a@a: x = 1@\"x = 1\"}"),
            ("a: 1.10\nb: 0\nc: true\nd: no\n", "{a@a: 1.10@1.10, b@b: 0@0, c@c: true@true, d@d: no@no}"),
            ("a: [insert, update]\na:\n", "{a@a: [insert@insert, update@update], a@a: -}"),
            ("a: {b: y z, größe: [7]}\n", "{a@a: {b@b: y z@y z, größe@größe: [7@7]}}"),
            ("a: &x y\nb: *x\n", "{a@a: y@y, b@b: y@y}"),
        ] {
            assert_eq!(outline(source, &parse("f", source).unwrap()), expected);
        }
    }

    #[test]
    fn lines_and_columns_are_counted_in_characters() {
        let source = "tables:\n  größe: {name: sales, key: [id, 7]}\n";
        let node = parse("f", source).unwrap();
        let mut reader = Reader::new("f");
        let (_, inner) = reader.fields(&node, &["tables"])[0];
        let (table, inner) = reader.entries(inner, "")[0];
        let fields = reader.fields(inner, &["name", "key"]);
        let name = reader.text(&fields[0].1).unwrap();
        let keys = reader.texts(&fields[1].1, "[id]");
        let told = |text: &Text| format!("{} at {}", text.text, text.place);
        assert_eq!([table, &name, &keys[1]].map(told), ["größe at 2:3", "sales at 2:17", "7 at 2:34"]);
        assert_eq!(Place::of(source, &name.place.range()), name.place);
        assert_eq!(reader.problems, []);
    }

    #[test]
    fn a_key_that_is_half_in_quotes_is_refused_with_what_to_write() {
        let problem = parse("f", "derive:\n  \"Order Details\".total: 1").unwrap_err();
        assert_eq!((problem.place.line, problem.place.span), (2, (25, 1)), "{problem}");
        assert!(!problem.message.contains("at line"), "{problem}");
        assert!(problem.hint.unwrap().contains("single quotes"));
    }

    #[test]
    fn broken_yaml_is_a_problem_with_a_place() {
        for (text, line) in [
            ("a: 1\nb: [1", 2),
            ("a: [1, 2\nb: 3", 2),
            ("a: b: c", 1),
            ("a: &x [*x]", 1),
            ("a: 1\n<<: {a: 1}\nb: 2", 2),
        ] {
            let problem = parse("f", text).unwrap_err();
            assert_eq!(problem.place.line, line, "{problem}");
            assert!(problem.message.starts_with("this is not YAML"), "{problem}");
            let before = text.get(..problem.place.span.0).unwrap();
            assert_eq!(before.matches('\n').count() + 1, line, "the byte is where the line is: {problem}");
        }
        assert_eq!(parse("f", "").unwrap().content, Content::Null);
        assert_eq!(parse("f", "# nothing\n\n").unwrap().content, Content::Null);
    }
}
