//! Why each value became what it is: what one attempt did, step by step, and what made it do so.
//!
//! The engine makes a [`Trace`] only when somebody asks for one ([`crate::Engine::explain`]); each [`Step`] names the steps before it that
//! caused it, so that a total leads back to the request. What the model file hides is never shown: its values are not in any text.
//!
//! ```text
//! items 7: quantity 1 -> 3, by the request
//!   items 7: amount 10.00 -> 30.00, by `items.amount`, because of items 7: quantity
//!     orders 3: amount_total 25.00 -> 45.00, by `orders.amount_total`, because of items 7: amount
//!   items 7: `items.unit_price` has nothing to do
//! ```

use std::collections::HashSet;

use dialects::Value;
use introspect::{ColumnId, Schema};

use crate::change::{RowId, RowRef};
use crate::expr::eval::show;

/// What an attempt did, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The steps; a long tail is left out.
    pub steps: Vec<Step>,
    /// How many steps are left out.
    pub left_out: usize,
    /// The rows that whoever asks may read, as they were and as they are: of others in tables of which they may read a part nothing is told.
    pub readable: HashSet<RowId>,
}

/// One thing done, or found not to be necessary.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The row it is about.
    pub row: RowId,
    /// Who did it.
    pub by: By,
    /// What came of it.
    pub effect: Effect,
    /// The earlier steps that made it necessary, by their place in [`Trace::steps`].
    pub causes: Vec<usize>,
    /// How far it is from the request: 0 is the request itself.
    pub depth: usize,
}

/// Who makes a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The client.
    Request,
    /// A foreign key's action.
    ForeignKey,
    /// A column's default in the database.
    Default,
    /// A rule, by its name.
    Rule(String),
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The row is new.
    Inserted,
    /// The row goes.
    Deleted,
    /// A column has another value.
    Set {
        /// Which.
        column: ColumnId,
        /// As it was; null in a new row.
        old: Value,
        /// As it is.
        new: Value,
    },
    /// The rule was computed, and the value stays as it is.
    Same,
    /// Nothing that the rule reads of the row has changed: it was not computed.
    Pruned,
    /// The check holds, or is null.
    Held,
    /// The check's `when` is not true.
    NotApplied,
    /// The check is false, or it or the rule has no value: the request is refused.
    Refused(String),
}

impl Effect {
    /// A word for machines.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Deleted => "deleted",
            Self::Set { .. } => "set",
            Self::Same => "same",
            Self::Pruned => "pruned",
            Self::Held => "held",
            Self::NotApplied => "not-applied",
            Self::Refused(_) => "refused",
        }
    }
}

impl By {
    /// The rule's name, or a word.
    pub fn words(&self) -> &str {
        match self {
            Self::Request => "the request",
            Self::ForeignKey => "a foreign key",
            Self::Default => "the database's default",
            Self::Rule(name) => name,
        }
    }
}

/// A step in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// `items 7`, `items (new 0)`.
    pub row: String,
    /// The column, where one was set.
    pub attribute: Option<String>,
    /// Its value before, unless it is hidden.
    pub old: Option<String>,
    /// Its value now, unless it is hidden.
    pub new: Option<String>,
    /// What made it necessary: `items 7: amount and items 8: amount`; empty: the request itself.
    pub because: String,
}

impl Trace {
    /// The steps that made a step necessary.
    pub fn causes<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Step> {
        step.causes.iter().filter_map(|n| self.steps.get(*n))
    }

    /// A step in words.
    pub fn words(&self, schema: &Schema, step: &Step) -> Words {
        let causes: Vec<String> = self.causes(step).map(|cause| subject(schema, cause)).collect();
        let mut words = Words {
            row: row(schema, &step.row),
            attribute: None,
            old: None,
            new: None,
            because: causes.join(" and "),
        };
        if let Effect::Set { column, old, new } = &step.effect {
            words.attribute = Some(schema[step.row.table][*column].name.clone());
            if shown(schema, &step.row, *column) {
                words.old = Some(value(old));
                words.new = Some(value(new));
            }
        }
        words
    }

    /// A step as a line for people, indented by its depth.
    pub fn line(&self, schema: &Schema, step: &Step) -> String {
        let words = self.words(schema, step);
        let indent = "  ".repeat(step.depth);
        let because = match words.because.as_str() {
            "" => String::new(),
            because => format!(", because of {because}"),
        };
        format!("{indent}{}: {}{because}", words.row, told(step, &words))
    }
}

/// Whether a value may be shown: what the model file hides from the API is hidden here too.
pub fn shown(schema: &Schema, row: &RowId, column: ColumnId) -> bool {
    let table = &schema[row.table];
    !table.hidden && !table[column].hidden
}

fn told(step: &Step, words: &Words) -> String {
    let by = match &step.by {
        By::Rule(name) => format!("`{name}`"),
        by => by.words().to_owned(),
    };
    match &step.effect {
        Effect::Inserted => format!("new, by {by}"),
        Effect::Deleted => format!("deleted, by {by}"),
        Effect::Set { .. } => {
            let name = words.attribute.as_deref().unwrap_or_default();
            match (&words.old, &words.new) {
                (Some(old), Some(new)) => format!("{name} {old} -> {new}, by {by}"),
                _ => format!("{name} (hidden), by {by}"),
            }
        }
        Effect::Same => format!("{by} leaves it as it is"),
        Effect::Pruned => format!("{by} has nothing to do"),
        Effect::Held => format!("{by} holds"),
        Effect::NotApplied => format!("{by} does not apply"),
        Effect::Refused(why) => format!("{by} refuses: {why}"),
    }
}

/// `items 7: amount`
fn subject(schema: &Schema, step: &Step) -> String {
    let row = row(schema, &step.row);
    match &step.effect {
        Effect::Set { column, .. } => format!("{row}: {}", schema[step.row.table][*column].name),
        effect => format!("{row} ({})", effect.word()),
    }
}

fn row(schema: &Schema, id: &RowId) -> String {
    let table = &schema[id.table];
    match &id.row {
        RowRef::New(n) => format!("{} (new {n})", table.name),
        RowRef::Created(n) => format!("{} (missing {n})", table.name),
        RowRef::Existing(_) if table.hidden => format!("{} (hidden)", table.name),
        RowRef::Existing(key) => {
            format!("{} {}", table.name, key.iter().map(show).collect::<Vec<_>>().join("~"))
        }
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Text(text) => format!("{text:?}"),
        value => show(value),
    }
}
