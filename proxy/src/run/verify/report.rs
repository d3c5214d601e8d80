//! What a verification has found: the numbers, and the first rows of each rule.

use std::collections::HashMap;

use dialects::Value;
use introspect::Table;
use rules::change::Key;

use super::memory::{Progress, Record};
use crate::jsonapi::id;
use crate::plan::verify::{Rule, RuleKind};

/// What a run has found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Each rule, in the order of verification.
    pub rules: Vec<RuleReport>,
    /// It is remembered in the database.
    pub remembered: bool,
    /// It went on where an earlier run had stopped.
    pub resumed: bool,
    /// It was stopped on the way.
    pub stopped: bool,
}

/// What was found of one rule.
#[derive(Clone, Debug)]
pub struct RuleReport {
    /// The rule, as declared.
    pub name: String,
    /// What it is.
    pub kind: RuleKind,
    /// Why it cannot be verified, if so.
    pub unverifiable: Option<&'static str>,
    /// Rows looked at.
    pub rows: u64,
    /// Rows that are not as the rule says, or were not until they were mended.
    pub exceptions: u64,
    /// How many of them are mended; `None`: that was not asked for.
    pub mended: Option<u64>,
    /// The first of them.
    pub listed: Vec<Exception>,
    /// Some of the rows were looked at by an earlier run, which listed what it found there.
    pub earlier: bool,
}

/// A row that is not as a rule says.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// The row's id.
    pub id: String,
    /// What is wrong.
    pub finding: Finding,
    /// Why it could not be mended, where that was asked for.
    pub left: Option<String>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A derived column holds another value than it should.
    Differs {
        /// What it holds.
        stored: Value,
        /// What its inputs, as stored, come to.
        expected: Value,
    },
    /// The rule has no value for the row.
    Uncomputable(String),
    /// A check is false: what it reads.
    Breaks(Vec<(String, Value)>),
}

impl Report {
    /// Whether every stored value that could be verified is as the rules say.
    pub fn is_fine(&self) -> bool {
        !self.stopped && self.rules.iter().all(|rule| rule.left() == 0)
    }
}

impl RuleReport {
    pub(super) fn new(rule: &Rule<'_>) -> Self {
        Self {
            name: rule.name.to_owned(),
            kind: rule.kind,
            unverifiable: rule.verification.err(),
            rows: 0,
            exceptions: 0,
            mended: None,
            listed: Vec::new(),
            earlier: false,
        }
    }

    /// Rows that are still not as the rule says.
    pub fn left(&self) -> u64 {
        self.exceptions - self.mended.unwrap_or(0)
    }

    /// A batch of so many rows, what was found in it, and what of that is left, where it was to be mended.
    pub(super) fn take(
        &mut self,
        table: &Table,
        rows: u64,
        found: Vec<(Key, Finding)>,
        left: Option<Vec<(Key, String)>>,
        listed_max: usize,
    ) {
        self.rows += rows;
        self.exceptions += found.len() as u64;
        if let Some(left) = &left {
            *self.mended.get_or_insert(0) += (found.len() - left.len()) as u64;
        }
        let left: HashMap<Key, String> = left.into_iter().flatten().collect();
        let room = listed_max.saturating_sub(self.listed.len());
        let exception = |(key, finding): (Key, Finding)| Exception {
            id: id::format(table, &key),
            finding,
            left: left.get(&key).cloned(),
        };
        self.listed.extend(found.into_iter().take(room).map(exception));
    }

    /// All of it was verified before the run was cut off.
    pub(super) fn earlier(&mut self, record: &Record) {
        (self.rows, self.exceptions, self.earlier) = (record.rows, record.exceptions, true);
    }

    /// The rows up to a place were.
    pub(super) fn goes_on_from(&mut self, progress: &Progress) {
        (self.rows, self.exceptions) = (progress.rows, progress.exceptions);
        self.mended = progress.repair.then_some(progress.mended);
        self.earlier = progress.after.is_some();
    }

    /// How far it has come.
    pub(super) fn progress(&self, repair: bool, after: String) -> Progress {
        let mended = self.mended.unwrap_or(0);
        Progress { repair, after: Some(after), rows: self.rows, exceptions: self.exceptions, mended }
    }
}
