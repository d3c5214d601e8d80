//! Declarations + [`Schema`] -> [`RuleSet`], or every problem found.
//!
//! Each rule is resolved and checked by itself (`derive`, `constrain`, `transition`), then all together: nothing may depend on itself (`order`), and
//! the tables get the one order in which rows are locked (`lock`). The five rules of the shop become four derivations, items before orders
//! before customers, and one constraint.

pub(crate) mod advise;
mod aggregate;
mod constrain;
mod create;
mod derive;
pub(crate) mod fitness;
mod lock;
mod message;
mod order;
pub(crate) mod reads;
mod transition;
mod virtuals;

use std::collections::HashMap;

use introspect::{ColumnId, Schema, TableId};

use crate::expr::parse::{self, Name};
use crate::file::{self, Problems, Text};
use crate::problem::{ExprProblem, Problem, did_you_mean};
use crate::rule::{Derivation, RuleSet};

/// Rules, and what about them is allowed, but hardly meant.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The rules.
    pub rules: RuleSet,
    /// The warnings, by place.
    pub warnings: Vec<Problem>,
}

/// The rules of all files (names and texts), checked against the schema.
pub fn compile(schema: &Schema, files: &[(String, String)]) -> Result<RuleSet, Vec<Problem>> {
    check(schema, files).map(|checked| checked.rules)
}

/// The schema with the virtual attributes that the files declare soundly, whatever else is wrong with them: what access rules may name
/// while the rules are still being mended.
pub fn with_virtuals(schema: &Schema, files: &[(String, String)]) -> Schema {
    let mut compiler = Compiler::new(schema, files);
    let declared = file::read(&mut compiler.problems);
    let computed: Vec<_> =
        declared.columns.iter().filter(|rule| rule.key == file::ColumnKey::Virtual).collect();
    let virtuals = compiler.virtuals(&computed);
    RuleSet { virtuals, ..RuleSet::empty(schema) }.with_virtuals(schema.clone())
}

/// The rules of all files, and the warnings.
pub fn check(schema: &Schema, files: &[(String, String)]) -> Result<Checked, Vec<Problem>> {
    let mut compiler = Compiler::new(schema, files);
    let declared = file::read(&mut compiler.problems);
    let (computed, stored): (Vec<_>, Vec<_>) =
        declared.columns.iter().partition(|rule| rule.key == file::ColumnKey::Virtual);
    let derivations: Vec<_> =
        stored.iter().filter_map(|rule| Some((*rule, compiler.derivation(rule)?))).collect();
    let virtuals = compiler.virtuals(&computed);
    let constraints: Vec<_> =
        declared.constraints.iter().filter_map(|rule| Some((rule, compiler.constraint(rule)?))).collect();
    let transitions: Vec<_> =
        declared.transitions.iter().filter_map(|rule| compiler.transition(rule)).collect();
    let warnings = advise::warnings(schema, files, &derivations, &constraints);
    let created = compiler.created(&derivations);
    let derivations = compiler.ordered(derivations);
    if !compiler.problems.is_empty() {
        return Err(compiler.problems.sorted());
    }
    let constraints: Vec<_> = constraints.into_iter().map(|(_, constraint)| constraint).collect();
    let lock_rank = lock::rank(schema, &derivations, &constraints);
    let rules = RuleSet { derivations, constraints, transitions, virtuals, created, lock_rank };
    Ok(Checked { rules, warnings })
}

struct Compiler<'a> {
    schema: &'a Schema,
    problems: Problems<'a>,
    /// What is set by rules and when, and where that was declared.
    derived: HashMap<((TableId, ColumnId), derive::When), &'a Text>,
    /// What moves from state to state, and where that was declared.
    moved: HashMap<(TableId, ColumnId), &'a Text>,
}

impl<'a> Compiler<'a> {
    fn new(schema: &'a Schema, files: &'a [(String, String)]) -> Self {
        Self { schema, problems: Problems::new(files), derived: HashMap::new(), moved: HashMap::new() }
    }
}

impl Compiler<'_> {
    /// `table.column`; `otherwise`: what else to do where there is no such column.
    fn target(&mut self, text: &Text, otherwise: Option<&str>) -> Option<(TableId, ColumnId)> {
        let names = match parse::dotted(&text.value) {
            Ok(names) => names,
            Err(problem) => {
                self.problems.inside(text, 0, problem);
                return None;
            }
        };
        let [table, column] = names.as_slice() else {
            self.problems.at(text, "a table and a column are needed", "write table.column");
            return None;
        };
        let id = self.table(text, table)?;
        Some((id, self.column_or(text, id, column, otherwise)?))
    }

    fn table(&mut self, text: &Text, name: &Name) -> Option<TableId> {
        let found = self.schema.find(&name.text);
        if found.is_none() {
            let hint = did_you_mean(&name.text, self.schema.tables.iter().map(|t| t.name.as_str()));
            let message = format!("there is no table `{}`", name.text);
            self.problems.inside(text, 0, ExprProblem { span: name.span.clone(), message, hint });
        }
        found
    }

    fn column(&mut self, text: &Text, table: TableId, name: &Name) -> Option<ColumnId> {
        self.column_or(text, table, name, None)
    }

    /// `otherwise`: what else to do where there is no such column.
    fn column_or(
        &mut self,
        text: &Text,
        table: TableId,
        name: &Name,
        otherwise: Option<&str>,
    ) -> Option<ColumnId> {
        let table = &self.schema[table];
        let found = table.column(&name.text);
        if found.is_none() {
            let hint = did_you_mean(&name.text, table.columns.iter().map(|c| c.name.as_str()));
            let hint = match (hint, otherwise) {
                (Some(hint), Some(otherwise)) => Some(format!("{hint} Or {otherwise}")),
                (hint, otherwise) => hint.or(otherwise.map(str::to_owned)),
            };
            let message = format!("{} has no column `{}`", table.name, name.text);
            self.problems.inside(text, 0, ExprProblem { span: name.span.clone(), message, hint });
        }
        found
    }

    /// All problems of one expression that begins at `offset` of a text.
    fn refuse_all(&mut self, text: &Text, offset: usize, problems: Vec<ExprProblem>) {
        for problem in problems {
            let whole = offset == 0 && problem.span == (0..text.value.len());
            let words = text.value.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
            let quoted = self.problems.is_quoted(text);
            let unclear = problem.hint.is_none();
            let problem = match words && offset == 0 && (quoted || whole) && (unclear || quoted && whole) {
                true => problem.hint(outer_quotes(&text.value, quoted)),
                false => problem,
            };
            self.problems.inside(text, offset, problem);
        }
    }
}

/// What to write for a text alone.
pub(crate) fn outer_quotes(text: &str, quoted: bool) -> String {
    let why = if quoted { "YAML takes the outer quotes away: " } else { "" };
    format!("{why}for the text, write \"'{text}'\"")
}

/// `table.column`
fn full_name(schema: &Schema, (table, column): (TableId, ColumnId)) -> String {
    format!("{}.{}", schema[table].name, schema[table][column].name)
}

impl Derivation {
    fn target(&self) -> (TableId, ColumnId) {
        (self.table, self.column)
    }
}

#[cfg(test)]
mod tests;
