//! Rule files -> declarations with their places in the text. Knows the keys, not the schema.
//!
//! ```yaml
//! derive:
//!   orders.amount_total: sum(items.amount)
//! constrain:
//!   customers:
//!     - check: balance <= credit_limit
//!       message: "balance ({balance}) exceeds the credit limit ({credit_limit})"
//! ```

mod node;

use std::ops::Range;

pub(crate) use node::Text;
use node::{Kind, Node};

use crate::problem::{ExprProblem, Problem, did_you_mean};
use crate::rule::Operations;

/// Names and texts.
pub(crate) type Files = [(String, String)];

/// The keys of a rule file; a later version knows the ones after the third.
const KEYS: &[&str] = &["derive", "default", "constrain", "stamp", "transition", "events", "allocate"];

/// The keys of a constraint.
const CONSTRAINT_KEYS: &[&str] = &["check", "message", "when", "operations", "attribute", "code", "recheck"];

/// Everything declared, in the order of the files.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    pub(crate) columns: Vec<ColumnRule>,
    pub(crate) constraints: Vec<ConstraintRule>,
}

/// `table.column: expression`, under `derive` or `default`.
#[derive(Debug)]
pub(crate) struct ColumnRule {
    pub(crate) default: bool,
    pub(crate) target: Text,
    pub(crate) expression: Text,
}

/// One entry of a table under `constrain`.
#[derive(Debug)]
pub(crate) struct ConstraintRule {
    pub(crate) table: Text,
    pub(crate) check: Text,
    pub(crate) message: Text,
    pub(crate) when: Option<Text>,
    pub(crate) operations: Operations,
    pub(crate) attribute: Option<Text>,
    pub(crate) code: Option<Text>,
    pub(crate) recheck: bool,
}

/// Collects problems and knows the files that they are in.
pub(crate) struct Problems<'a> {
    files: &'a Files,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(files: &'a Files) -> Self {
        Self { files, found: Vec::new() }
    }

    /// A problem with bytes of a file.
    fn span(&mut self, file: usize, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        let Some((name, text)) = self.files.get(file) else { return };
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self.found.push(Problem::new(name, text, span, message, hint));
    }

    /// A problem with a whole text.
    pub(crate) fn at(&mut self, text: &Text, message: impl Into<String>, hint: impl Into<String>) {
        self.span(text.file, text.span.clone(), message, hint);
    }

    /// A problem with a part of a text that begins at `offset` of it.
    pub(crate) fn inside(&mut self, text: &Text, offset: usize, problem: ExprProblem) {
        let within = problem.span.start + offset..problem.span.end + offset;
        let source = self.files.get(text.file).map_or("", |(_, source)| source);
        let span = text.locate(source, &within);
        self.span(text.file, span, problem.message, problem.hint.unwrap_or_default());
    }

    /// `rules/a.yaml:3:5`
    pub(crate) fn place(&self, text: &Text) -> String {
        self.files.get(text.file).map_or_else(String::new, |(name, source)| {
            let place = Problem::new(name, source, text.span.clone(), "", None);
            format!("{}:{}:{}", place.file, place.line, place.column)
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, by place.
    pub(crate) fn sorted(mut self) -> Vec<Problem> {
        self.found.sort();
        self.found.dedup();
        self.found
    }
}

/// The declarations of all files.
pub(crate) fn read(problems: &mut Problems<'_>) -> Declarations {
    let mut declarations = Declarations::default();
    for (file, (name, source)) in problems.files.iter().enumerate() {
        match node::parse(file, name, source) {
            Ok(None) => {}
            Ok(Some(node)) => Reader { file, problems, declarations: &mut declarations }.file(node),
            Err(problem) => problems.found.push(problem),
        }
    }
    declarations
}

struct Reader<'a, 'p> {
    file: usize,
    problems: &'a mut Problems<'p>,
    declarations: &'a mut Declarations,
}

impl Reader<'_, '_> {
    fn file(&mut self, node: Node) {
        for (key, value) in self.map(node, "a rule file holds keys such as `derive`") {
            match key.value.as_str() {
                "derive" => self.columns(value, false),
                "default" => self.columns(value, true),
                "constrain" => self.constrain(value),
                word if KEYS.contains(&word) => {
                    self.problems.at(&key, format!("`{word}` is not known to this version yet"), "");
                }
                word => self.unknown(&key, word, KEYS),
            }
        }
    }

    fn columns(&mut self, node: Node, default: bool) {
        for (target, value) in self.map(node, "here stand lines of `table.column: expression`") {
            if let Some(expression) = self.expression(value) {
                self.declarations.columns.push(ColumnRule { default, target, expression });
            }
        }
    }

    /// An expression, or the long form with `as`.
    fn expression(&mut self, node: Node) -> Option<Text> {
        if !matches!(node.kind, Kind::Map(_)) {
            return self.text(node);
        }
        let span = node.span.clone();
        let (mut found, mut known) = (None, true);
        for (key, value) in self.map(node, "") {
            match key.value.as_str() {
                "as" => found = self.text(value),
                word @ ("insert_parent" | "virtual" | "operations") => {
                    known = false;
                    self.problems.at(&key, format!("`{word}` is not known to this version yet"), "");
                }
                word => self.unknown(&key, word, &["as", "insert_parent", "virtual"]),
            }
        }
        if found.is_none() && known {
            self.problems.span(self.file, span, "an expression is missing", "write `as: expression`");
        }
        found
    }

    fn constrain(&mut self, node: Node) {
        for (table, value) in self.map(node, "here stand tables, each with a list of checks") {
            let Kind::List(items) = value.kind else {
                self.problems.at(
                    &table,
                    "a list of checks is missing",
                    "write `- check: …` and `message: …`",
                );
                continue;
            };
            for item in items {
                if let Some(rule) = self.constraint(&table, item) {
                    self.declarations.constraints.push(rule);
                }
            }
        }
    }

    fn constraint(&mut self, table: &Text, node: Node) -> Option<ConstraintRule> {
        let span = node.span.clone();
        let (mut check, mut message) = (None, None);
        let (mut when, mut attribute, mut code) = (None, None, None);
        let (mut operations, mut recheck, mut known) = (Operations::default(), true, true);
        for (key, value) in self.map(node, "a constraint has a `check` and a `message`") {
            match key.value.as_str() {
                "check" => check = Some(self.text(value)?),
                "message" => message = Some(self.text(value)?),
                "when" => when = Some(self.text(value)?),
                "attribute" => attribute = Some(self.text(value)?),
                "code" => code = Some(self.text(value)?),
                "operations" => operations = self.operations(value)?,
                "recheck" => recheck = self.truth(value)?,
                word => {
                    known = false;
                    self.unknown(&key, word, CONSTRAINT_KEYS);
                }
            }
        }
        let table = table.clone();
        match (check, message) {
            (Some(check), Some(message)) => {
                Some(ConstraintRule { table, check, message, when, operations, attribute, code, recheck })
            }
            // A misspelt key is already reported, and probably is the one that is missing.
            _ if !known => None,
            (check, _) => {
                let missing = if check.is_none() { "check" } else { "message" };
                let span = check.map_or(span, |text| text.span);
                self.problems.span(self.file, span, format!("`{missing}` is missing"), "");
                None
            }
        }
    }

    fn operations(&mut self, node: Node) -> Option<Operations> {
        let Kind::List(items) = node.kind else {
            self.problems.span(self.file, node.span, "a list is needed", "write [insert, update]");
            return None;
        };
        let mut operations = Operations { insert: false, update: false, delete: false };
        for item in items {
            let text = self.text(item)?;
            match text.value.as_str() {
                "insert" => operations.insert = true,
                "update" => operations.update = true,
                "delete" => operations.delete = true,
                word => self.unknown(&text, word, &["insert", "update", "delete"]),
            }
        }
        Some(operations)
    }

    fn truth(&mut self, node: Node) -> Option<bool> {
        let text = self.text(node)?;
        match text.value.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.problems.at(&text, "true or false is needed", "");
                None
            }
        }
    }

    fn text(&mut self, node: Node) -> Option<Text> {
        match node.kind {
            Kind::Text(text) => Some(text),
            _ => {
                let hint = "put it in quotes when it begins with [ { * & ! or holds `: ` or ` #`";
                self.problems.span(self.file, node.span, "a text is needed here", hint);
                None
            }
        }
    }

    /// The entries of a map, each key once.
    fn map(&mut self, node: Node, hint: &str) -> Vec<(Text, Node)> {
        let entries = match node.kind {
            Kind::Map(entries) => entries,
            Kind::Nothing => return Vec::new(),
            _ => {
                self.problems.span(self.file, node.span, "keys with values are needed here", hint);
                return Vec::new();
            }
        };
        let mut kept: Vec<(Text, Node)> = Vec::new();
        for (key, value) in entries {
            match kept.iter().find(|(known, _)| known.value == key.value) {
                Some((first, _)) => {
                    let hint = format!("first at {}", self.problems.place(first));
                    self.problems.at(&key, format!("`{}` stands here twice", key.value), hint);
                }
                None => kept.push((key, value)),
            }
        }
        kept
    }

    fn unknown(&mut self, key: &Text, word: &str, known: &[&str]) {
        let hint = did_you_mean(word, known.iter().copied())
            .unwrap_or_else(|| format!("there are: {}", known.join(", ")));
        self.problems.at(key, format!("`{word}` is not a word of rule files"), hint);
    }
}
