//! Access files -> entries with their places in the text. Knows the keys, not the schema.
//!
//! ```yaml
//! access:
//!   - role: sales
//!     resource: customers
//!     read: region = actor.claim('region')
//!     attributes: {hidden: [credit_limit]}
//!   - every_role_but: [admin]
//!     every_resource_with: tenant_id
//!     all: tenant_id = actor.claim('tenant')
//! ```

mod combine;
mod schema;

use introspect::yaml::{self, Content, Node};

use super::action::Action;
use crate::file::{Problems, Text};
pub use schema::JSON_SCHEMA;

/// The keys of an access file.
const KEYS: &[&str] = &["access"];

/// The keys of an entry.
const ENTRY_KEYS: &[&str] = &[
    "role",
    "every_role_but",
    "resource",
    "every_resource_with",
    "all",
    "read",
    "create",
    "update",
    "delete",
    "attributes",
    "set",
    "set_on_update",
];

/// The keys of `attributes`.
const ATTRIBUTE_KEYS: &[&str] = &["hidden", "read_only"];

/// Everybody, or every resource.
pub(super) const STAR: &str = "*";

/// One entry under `access`: a grant, or a global filter.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where it begins.
    pub(super) start: Text,
    pub(super) who: Who,
    pub(super) what: What,
    /// What it says of each action, `all` being one for four.
    pub(super) said: Vec<Said>,
    pub(super) hidden: Vec<Text>,
    pub(super) read_only: Vec<Text>,
    pub(super) set: Vec<(Text, Text)>,
    pub(super) set_on_update: Vec<(Text, Text)>,
}

/// Whom an entry is about.
#[derive(Debug)]
pub(super) enum Who {
    /// Whoever has one of these roles is granted something.
    Roles(Vec<Text>),
    /// Whoever has none of these is filtered.
    AllBut(Vec<Text>),
}

/// Which resources an entry is about.
#[derive(Debug)]
pub(super) enum What {
    /// Every one.
    All,
    /// These.
    Named(Vec<Text>),
    /// Those with an attribute of this name.
    With(Text),
}

/// `read: region = actor.claim('region')`
#[derive(Debug)]
pub(super) struct Said {
    pub(super) key: Text,
    pub(super) extent: Extent,
}

/// Which rows are meant.
#[derive(Debug)]
pub(super) enum Extent {
    All,
    None(Text),
    Where(Text),
}

impl Entry {
    /// Whether it takes away instead of granting.
    pub(super) fn is_filter(&self) -> bool {
        matches!(self.who, Who::AllBut(_))
    }

    /// Whether it speaks of an action.
    pub(super) fn is_about(&self, action: Action) -> bool {
        self.said.iter().any(|said| said.is_about(action))
    }
}

impl Said {
    /// Whether an action is meant.
    pub(super) fn is_about(&self, action: Action) -> bool {
        self.is_all() || self.key.value == action.name()
    }

    /// Whether all actions are meant.
    pub(super) fn is_all(&self) -> bool {
        self.key.value == "all"
    }
}

/// The entries of all files, in their order.
pub(super) fn read(problems: &mut Problems<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (file, (name, source)) in problems.files().iter().enumerate() {
        match yaml::parse(name, source) {
            Ok(node) => {
                let mut reader = Reader { file, yaml: yaml::Reader::new(name) };
                entries.extend(reader.file(&node));
                problems.extend(reader.yaml.problems);
            }
            Err(problem) => problems.extend([problem]),
        }
    }
    entries
}

struct Reader {
    file: usize,
    yaml: yaml::Reader,
}

/// An entry's keys as they are read, before it is known whether they go together.
#[derive(Debug, Default)]
struct Draft {
    role: Option<(Text, Vec<Text>)>,
    every_role_but: Option<(Text, Vec<Text>)>,
    resource: Option<(Text, Vec<Text>)>,
    every_resource_with: Option<(Text, Text)>,
    said: Vec<Said>,
    attributes: Option<Text>,
    hidden: Vec<Text>,
    read_only: Vec<Text>,
    set: Option<(Text, Vec<(Text, Text)>)>,
    set_on_update: Option<(Text, Vec<(Text, Text)>)>,
}

impl Reader {
    fn file(&mut self, node: &Node) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (key, value) in self.yaml.fields(node, KEYS) {
            match &value.content {
                Content::List(items) => entries.extend(items.iter().filter_map(|item| self.entry(item))),
                Content::Null => {}
                _ => {
                    let hint = Some("write `- role: …`, `resource: …` and what may be done".into());
                    self.yaml.problem(key.place, "a list of grants is needed", hint);
                }
            }
        }
        entries
    }

    fn entry(&mut self, node: &Node) -> Option<Entry> {
        let problems = self.yaml.problems.len();
        let start = match &node.content {
            Content::Map(entries) => entries.first().map(|(key, _)| self.own(key.clone())),
            _ => None,
        };
        let Some(start) = start else {
            let hint = Some("write `- role: …`, `resource: …` and what may be done".into());
            self.yaml.problem(node.place, "a grant is needed here", hint);
            return None;
        };
        let mut draft = Draft::default();
        for (key, value) in self.yaml.fields(node, ENTRY_KEYS) {
            self.field(&mut draft, self.own(key.clone()), value);
        }
        let sound = self.yaml.problems.len() == problems;
        self.combined(start, draft, sound)
    }

    fn field(&mut self, draft: &mut Draft, key: Text, value: &Node) {
        match key.value.as_str() {
            "role" => draft.role = Some((key, self.names(value, false))),
            "every_role_but" => draft.every_role_but = Some((key, self.names(value, true))),
            "resource" => draft.resource = Some((key, self.names(value, false))),
            "every_resource_with" => {
                draft.every_resource_with = self.text(value).map(|name| (key, name));
            }
            "attributes" => {
                self.attributes(draft, value);
                draft.attributes = Some(key);
            }
            "set" => draft.set = Some((key, self.presets(value))),
            "set_on_update" => draft.set_on_update = Some((key, self.presets(value))),
            _ => draft.said.extend(self.extent(value).map(|extent| Said { key, extent })),
        }
    }

    /// One name, or a list of them, each once.
    fn names(&mut self, node: &Node, can_be_none: bool) -> Vec<Text> {
        let names = match &node.content {
            Content::List(_) => self.yaml.texts(node, "[a, b]"),
            _ => self.yaml.text(node).into_iter().collect(),
        };
        let empty = matches!(&node.content, Content::List(items) if items.is_empty());
        if empty && !can_be_none {
            self.yaml.problem(node.place, "a name is missing here", Some("\"*\" means all".into()));
        }
        let star = names.iter().find(|name| name.text == STAR);
        if let (Some(star), true) = (star, names.len() > 1) {
            self.yaml.problem(star.place, "\"*\" means all: no other name goes beside it", None);
        }
        self.distinct(names)
    }

    fn distinct(&mut self, names: Vec<yaml::Text>) -> Vec<Text> {
        let mut kept: Vec<Text> = Vec::new();
        for name in names {
            if kept.iter().any(|known| known.value == name.text) {
                self.yaml.problem(name.place, format!("`{}` stands here twice", name.text), None);
            } else {
                kept.push(self.own(name));
            }
        }
        kept
    }

    fn attributes(&mut self, draft: &mut Draft, node: &Node) {
        for (key, value) in self.yaml.fields(node, ATTRIBUTE_KEYS) {
            let names = self.yaml.texts(value, "[credit_limit, balance]");
            let names = self.distinct(names);
            match key.text.as_str() {
                "hidden" => draft.hidden = names,
                _ => draft.read_only = names,
            }
        }
    }

    fn presets(&mut self, node: &Node) -> Vec<(Text, Text)> {
        let entries = self.yaml.entries(node, "here stand lines of `attribute: expression`");
        let preset = |(name, value): &(yaml::Text, Node)| Some((self.own(name.clone()), self.text(value)?));
        entries.into_iter().filter_map(preset).collect()
    }

    fn extent(&mut self, node: &Node) -> Option<Extent> {
        Some(match &node.content {
            Content::Bool(true, _) => Extent::All,
            Content::Bool(false, _) => Extent::None(self.text(node)?),
            _ => Extent::Where(self.text(node)?),
        })
    }

    fn text(&mut self, node: &Node) -> Option<Text> {
        self.yaml.text(node).map(|text| self.own(text))
    }

    fn own(&self, text: yaml::Text) -> Text {
        Text::new(self.file, text)
    }
}
