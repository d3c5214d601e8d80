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

mod schema;
mod text;

use introspect::yaml::{self, Content, Node};

use crate::problem::{ExprProblem, Place, Problem, sorted};
use crate::rule::Operations;
pub use schema::JSON_SCHEMA;
pub(crate) use text::Text;

/// Names and texts.
pub(crate) type Files = [(String, String)];

/// The keys of a rule file; a later version knows the ones after the third.
const KEYS: &[&str] = &["derive", "default", "constrain", "stamp", "transition", "events", "allocate"];

/// The keys of an expression's long form.
const EXPRESSION_KEYS: &[&str] = &["as", "virtual", "insert_parent", "operations"];

/// The keys of a constraint.
const CONSTRAINT_KEYS: &[&str] = &["check", "message", "when", "operations", "attribute", "code", "recheck"];

/// Everything declared, in the order of the files.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    pub(crate) columns: Vec<ColumnRule>,
    pub(crate) constraints: Vec<ConstraintRule>,
    pub(crate) transitions: Vec<TransitionRule>,
}

/// The keys under which columns are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKey {
    Derive,
    /// Under `derive`, with `virtual: true`: computed when it is read, not stored.
    Virtual,
    Default,
    Stamp,
}

/// `table.column: expression`, under `derive`, `default` or `stamp`.
#[derive(Debug)]
pub(crate) struct ColumnRule {
    pub(crate) key: ColumnKey,
    pub(crate) target: Text,
    pub(crate) expression: Text,
    /// When a stamp is set.
    pub(crate) operations: Operations,
    /// Where it says that missing parents come.
    pub(crate) insert_parent: Option<Text>,
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

/// `table.column: {from: [to, …]}`, under `transition`.
#[derive(Debug)]
pub(crate) struct TransitionRule {
    pub(crate) target: Text,
    pub(crate) initial: Option<Vec<State>>,
    pub(crate) edges: Vec<(Text, Vec<State>)>,
}

/// A state as it is written; null where a state may be given up, or is yet to come.
#[derive(Debug)]
pub(crate) enum State {
    Null,
    Named(Text),
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

    /// Names and texts.
    pub(crate) fn files(&self) -> &'a Files {
        self.files
    }

    /// What was found elsewhere.
    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.found.extend(problems);
    }

    /// A problem with a whole text.
    pub(crate) fn at(&mut self, text: &Text, message: impl Into<String>, hint: impl Into<String>) {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self.add(text, text.place, message.into(), hint);
    }

    /// A problem with a part of a text that begins at `offset` of it.
    pub(crate) fn inside(&mut self, text: &Text, offset: usize, problem: ExprProblem) {
        let within = problem.span.start + offset..problem.span.end + offset;
        let source = self.files.get(text.file).map_or("", |(_, source)| source);
        self.add(text, text.locate(source, &within), problem.message, problem.hint);
    }

    fn add(&mut self, text: &Text, place: Place, message: String, hint: Option<String>) {
        self.found.push(Problem { file: self.name(text).to_owned(), place, message, hint });
    }

    /// Whether the file spells a text in quotes.
    pub(crate) fn is_quoted(&self, text: &Text) -> bool {
        let source = self.files.get(text.file).and_then(|(_, source)| source.get(text.place.range()));
        source.is_some_and(|source| source.starts_with(['"', '\'']))
    }

    /// `rules/a.yaml:3:5`
    pub(crate) fn place(&self, text: &Text) -> String {
        format!("{}:{}", self.name(text), text.place)
    }

    fn name(&self, text: &Text) -> &str {
        self.files.get(text.file).map_or("", |(name, _)| name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them, by place.
    pub(crate) fn sorted(self) -> Vec<Problem> {
        sorted(self.found)
    }
}

/// The declarations of all files.
pub(crate) fn read(problems: &mut Problems<'_>) -> Declarations {
    let mut declarations = Declarations::default();
    for (file, (name, source)) in problems.files.iter().enumerate() {
        match yaml::parse(name, source) {
            Ok(node) => {
                let mut reader =
                    Reader { file, yaml: yaml::Reader::new(name), declarations: &mut declarations };
                reader.file(&node);
                problems.extend(reader.yaml.problems);
            }
            Err(problem) => problems.extend([problem]),
        }
    }
    declarations
}

/// What to write for a column that stands below its table, instead of behind it.
fn nested(table: &str, value: &Node) -> Option<String> {
    let Content::Map(entries) = &value.content else { return None };
    let (column, _) = entries.iter().find(|(key, _)| !EXPRESSION_KEYS.contains(&key.text.as_str()))?;
    (!table.contains('.')).then(|| format!("write `{table}.{}: …`", column.text))
}

struct Reader<'a> {
    file: usize,
    yaml: yaml::Reader,
    declarations: &'a mut Declarations,
}

impl Reader<'_> {
    fn file(&mut self, node: &Node) {
        for (key, value) in self.yaml.fields(node, KEYS) {
            match key.text.as_str() {
                "derive" => self.columns(value, ColumnKey::Derive),
                "default" => self.columns(value, ColumnKey::Default),
                "stamp" => self.columns(value, ColumnKey::Stamp),
                "constrain" => self.constrain(value),
                "transition" => self.transitions(value),
                _ => self.later(key),
            }
        }
    }

    /// A word of the language that this version lacks.
    fn later(&mut self, key: &yaml::Text) {
        self.yaml.problem(key.place, format!("`{}` is not known to this version yet", key.text), None);
    }

    fn columns(&mut self, node: &Node, key: ColumnKey) {
        for (target, value) in self.yaml.entries(node, "here stand lines of `table.column: expression`") {
            let target = Text::new(self.file, target.clone());
            if let Some(hint) = nested(&target.value, value) {
                self.yaml.problem(target.place, "a table and a column are needed", Some(hint));
                continue;
            }
            let rule = self.column(target, value, key);
            self.declarations.columns.extend(rule);
        }
    }

    /// An expression, or the long form with `as`, in which a derivation can be `virtual`.
    fn column(&mut self, target: Text, node: &Node, under: ColumnKey) -> Option<ColumnRule> {
        let (mut becomes, mut operations, mut insert_parent) = (under, Operations::default(), None);
        if !matches!(node.content, Content::Map(_)) {
            let expression = self.text(node)?;
            return Some(ColumnRule { key: under, target, expression, operations, insert_parent });
        }
        let problems = self.yaml.problems.len();
        let mut found = None;
        for (key, value) in self.yaml.fields(node, EXPRESSION_KEYS) {
            match key.text.as_str() {
                "as" => found = self.text(value),
                "operations" if under == ColumnKey::Stamp => {
                    operations = self.operations(value, &["insert", "update"]);
                }
                "operations" => {
                    let message = "`operations` belongs to a stamp or a check";
                    self.yaml.problem(key.place, message, None);
                }
                "insert_parent" if self.yaml.flag(value)? => {
                    insert_parent = Some(Text::new(self.file, key.clone()));
                }
                "insert_parent" => {}
                "virtual" if under == ColumnKey::Derive => {
                    becomes = if self.yaml.flag(value)? { ColumnKey::Virtual } else { under };
                }
                "virtual" => {
                    self.yaml.problem(key.place, "`virtual` belongs to a derivation", None);
                }
                _ => self.later(key),
            }
        }
        if found.is_none() && self.yaml.problems.len() == problems {
            let hint = Some("write `as: expression`".into());
            self.yaml.problem(node.place, "an expression is missing", hint);
        }
        let expression = found?;
        Some(ColumnRule { key: becomes, target, expression, operations, insert_parent })
    }

    fn constrain(&mut self, node: &Node) {
        for (table, value) in self.yaml.entries(node, "here stand tables, each with a list of checks") {
            let Content::List(items) = &value.content else {
                let hint = Some("write `- check: …` and `message: …`".into());
                self.yaml.problem(table.place, "a list of checks is missing", hint);
                continue;
            };
            for item in items {
                let rule = self.constraint(table, item);
                self.declarations.constraints.extend(rule);
            }
        }
    }

    fn constraint(&mut self, table: &yaml::Text, node: &Node) -> Option<ConstraintRule> {
        if !matches!(node.content, Content::Map(_)) {
            let hint = Some("write `- check: …` and `message: …`".into());
            self.yaml.problem(node.place, "a check and its message are needed here", hint);
            return None;
        }
        let problems = self.yaml.problems.len();
        let (mut check, mut message) = (None, None);
        let (mut when, mut attribute, mut code) = (None, None, None);
        let (mut operations, mut recheck) = (Operations::default(), true);
        for (key, value) in self.yaml.fields(node, CONSTRAINT_KEYS) {
            match key.text.as_str() {
                "check" => check = Some(self.text(value)?),
                "message" => message = Some(self.text(value)?),
                "when" => when = Some(self.text(value)?),
                "attribute" => attribute = Some(self.text(value)?),
                "code" => code = Some(self.text(value)?),
                "operations" => operations = self.operations(value, &["insert", "update", "delete"]),
                "recheck" => recheck = self.yaml.flag(value)?,
                _ => {}
            }
        }
        let table = Text::new(self.file, table.clone());
        match (check, message) {
            (Some(check), Some(message)) => {
                Some(ConstraintRule { table, check, message, when, operations, attribute, code, recheck })
            }
            // A misspelt key is already reported, and probably is the one that is missing.
            _ if self.yaml.problems.len() > problems => None,
            (check, _) => {
                let missing = if check.is_none() { "check" } else { "message" };
                let place = check.map_or(node.place, |text| text.place);
                let hint = match missing {
                    "check" => "write `check: …`: what must not be false",
                    _ => {
                        "write `message: …`: what clients are told, with values in braces: \"{name} has too much\""
                    }
                };
                self.yaml.problem(place, format!("`{missing}` is missing"), Some(hint.into()));
                None
            }
        }
    }

    fn operations(&mut self, node: &Node, known: &[&str]) -> Operations {
        let mut operations = Operations { insert: false, update: false, delete: false };
        if matches!(&node.content, Content::List(items) if items.is_empty()) {
            let hint = Some(format!("there are: {}", known.join(", ")));
            self.yaml.problem(node.place, "an operation is missing: this would never do anything", hint);
        }
        for word in self.yaml.texts(node, "[insert, update]") {
            self.yaml.one_of("operation", &word, known);
            match word.text.as_str() {
                "insert" => operations.insert = true,
                "update" => operations.update = true,
                "delete" => operations.delete = true,
                _ => {}
            }
        }
        operations
    }

    fn transitions(&mut self, node: &Node) {
        for (target, value) in self.yaml.entries(node, "here stand lines of `table.column: {from: [to]}`") {
            let target = Text::new(self.file, target.clone());
            let mut rule = TransitionRule { target, initial: None, edges: Vec::new() };
            for (from, to) in
                self.yaml.entries(value, "here stand lines of `from: [to]`, and `initial: [state]`")
            {
                let states = self.states(to);
                match from.text.as_str() {
                    "initial" => rule.initial = Some(states),
                    _ => rule.edges.push((self.state(from.clone()), states)),
                }
            }
            self.declarations.transitions.push(rule);
        }
    }

    fn states(&mut self, node: &Node) -> Vec<State> {
        let Content::List(items) = &node.content else {
            let hint = Some("write [state, state], and [] where nothing follows".into());
            self.yaml.problem(node.place, "a list of states is needed", hint);
            return Vec::new();
        };
        let state = |item: &Node| match item.content {
            Content::Null => Some(State::Null),
            _ => self.yaml.text(item).map(|text| State::Named(self.state(text))),
        };
        items.iter().filter_map(state).collect()
    }

    /// A state may be written as SQL writes a text, in quotes of its own: `"'initial'"`, which would be a word of the language without.
    fn state(&self, text: yaml::Text) -> Text {
        let inner = text.text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let value = inner.map(|inner| inner.replace("''", "'"));
        let state = Text::new(self.file, text);
        Text { value: value.unwrap_or_else(|| state.value.clone()), ..state }
    }

    fn text(&mut self, node: &Node) -> Option<Text> {
        self.yaml.text(node).map(|text| Text::new(self.file, text))
    }
}
