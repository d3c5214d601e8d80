//! Walks the tree of one file and collects what is wrong instead of stopping at the first problem.

use crate::problem::{Place, Problem, did_you_mean};
use crate::yaml::{Content, Node, Text};

/// Reads one file's tree and collects what is wrong with it.
#[derive(Debug)]
pub struct Reader {
    file: String,
    /// What is wrong, in the order it was found.
    pub problems: Vec<Problem>,
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

    /// A mapping's entries, each key once; nothing counts as an empty one. The hint says what should stand here.
    pub fn entries<'a>(&mut self, node: &'a Node, hint: &str) -> Vec<&'a (Text, Node)> {
        match &node.content {
            Content::Map(entries) => self.distinct(entries),
            Content::Null => Vec::new(),
            _ => {
                self.problem(node.place, "keys with values are needed here", Some(hint.into()));
                Vec::new()
            }
        }
    }

    fn distinct<'a>(&mut self, entries: &'a [(Text, Node)]) -> Vec<&'a (Text, Node)> {
        let mut kept: Vec<&(Text, Node)> = Vec::new();
        for entry in entries {
            let (key, _) = entry;
            match kept.iter().find(|(known, _)| known.text == key.text) {
                Some((first, _)) => {
                    let hint = format!("first at {}:{}", self.file, first.place);
                    self.problem(key.place, format!("`{}` stands here twice", key.text), Some(hint));
                }
                None => kept.push(entry),
            }
        }
        kept
    }

    /// A mapping's entries with known keys; every other key is a problem.
    pub fn fields<'a>(&mut self, node: &'a Node, known: &[&str]) -> Vec<&'a (Text, Node)> {
        let mut entries = self.entries(node, &there_are(known));
        entries.retain(|(key, _)| self.one_of("key", key, known));
        entries
    }

    /// Whether a word is among the known; `what` it is stands in the problem.
    pub fn one_of(&mut self, what: &str, word: &Text, known: &[&str]) -> bool {
        let found = known.contains(&word.text.as_str());
        if !found {
            let hint = did_you_mean(&word.text, known.iter().copied()).unwrap_or_else(|| there_are(known));
            self.problem(word.place, format!("unknown {what} `{}`", word.text), Some(hint));
        }
        found
    }

    /// A text; numbers and truth values are taken as the file spells them.
    pub fn text(&mut self, node: &Node) -> Option<Text> {
        match &node.content {
            Content::Text(text) | Content::Number(text) | Content::Bool(_, text) => {
                Some(Text { text: text.clone(), place: node.place })
            }
            Content::Null => {
                let hint = "null itself, where it is meant, stands in quotes";
                self.problem(node.place, "a text is missing here", Some(hint.into()));
                None
            }
            Content::List(_) | Content::Map(_) => {
                let hint = "put it in quotes when it begins with [ { * & ! or holds `: ` or ` #`";
                self.problem(node.place, "a text is needed here", Some(hint.into()));
                None
            }
        }
    }

    /// A yes or no.
    pub fn flag(&mut self, node: &Node) -> Option<bool> {
        if let Content::Bool(flag, _) = node.content {
            return Some(flag);
        }
        self.problem(node.place, "true or false is needed", None);
        None
    }

    /// A sequence of texts, such as the example.
    pub fn texts(&mut self, node: &Node, example: &str) -> Vec<Text> {
        if let Content::List(items) = &node.content {
            return items.iter().filter_map(|item| self.text(item)).collect();
        }
        self.problem(node.place, "a list is needed", Some(format!("write {example}")));
        Vec::new()
    }
}

fn there_are(known: &[&str]) -> String {
    format!("there are: {}", known.join(", "))
}
