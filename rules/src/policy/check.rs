//! Entries of the files + [`Schema`] -> [`Access`], or every problem found.
//!
//! Each entry is worked out for every resource that it is about (`conditions`, `attributes`, `presets`); then it is looked at what is hardly
//! meant (`advise`). An expression must fit every resource of its entry; an attribute must be there in each that the entry names, and in at
//! least one where it speaks of all.

mod advise;
mod attributes;
mod conditions;
mod presets;

use std::collections::{BTreeSet, HashSet};

use introspect::{ColumnId, Schema, Table, TableId};

use super::access::{self, Access, Rule};
use super::action::{Action, ByAction};
use super::file::{self, Entry, Extent, STAR, What, Who};
use crate::file::{Problems, Text};
use crate::problem::{ExprProblem, Problem, did_you_mean};
use crate::rule::RuleSet;

/// Most names that a problem lists.
const NAMES_MAX: usize = 5;

/// Access rules, and what about them is allowed, but hardly meant.
#[derive(Clone, Debug)]
pub struct CheckedAccess {
    /// The rules.
    pub access: Access,
    /// The warnings, by place.
    pub warnings: Vec<Problem>,
}

/// The access rules of all files (names and texts), checked against the schema (with its virtual attributes) and what rules set in it.
pub fn check(
    schema: &Schema,
    rules: &RuleSet,
    files: &[(String, String)],
) -> Result<CheckedAccess, Vec<Problem>> {
    let mut problems = Problems::new(files);
    let entries = file::read(&mut problems);
    let tables = vec![Vec::new(); schema.tables.len()];
    let mut checker = Checker { schema, rules, referred: referred(schema), problems, tables };
    for (place, entry) in entries.iter().enumerate() {
        checker.entry(place, entry);
    }
    if !checker.problems.is_empty() {
        return Err(checker.problems.sorted());
    }
    let access = Access {
        roles: roles(&entries),
        entries: entries.iter().map(told).collect(),
        tables: checker.tables,
    };
    let warnings = advise::warnings(schema, rules, files, &entries, &access);
    Ok(CheckedAccess { access, warnings })
}

struct Checker<'a> {
    schema: &'a Schema,
    rules: &'a RuleSet,
    /// What foreign keys refer to, which never changes.
    referred: HashSet<(TableId, ColumnId)>,
    problems: Problems<'a>,
    tables: Vec<Vec<Rule>>,
}

/// The resources that an entry is about.
struct Targets {
    tables: Vec<TableId>,
    /// Whether what it says of attributes holds wherever there are such.
    wherever: bool,
}

impl Checker<'_> {
    fn entry(&mut self, place: usize, entry: &Entry) {
        let targets = self.targets(&entry.what);
        if targets.tables.is_empty() {
            return;
        }
        self.views(entry);
        let rows = self.conditions(entry, &targets);
        let hidden = self.kept(&entry.hidden, &targets, true);
        let read_only = self.kept(&entry.read_only, &targets, false);
        let set = self.presets(&entry.set, &targets, Action::Create);
        let set_on_update = self.presets(&entry.set_on_update, &targets, Action::Update);
        let said = rows.into_iter().zip(hidden).zip(read_only).zip(set).zip(set_on_update);
        for (table, ((((rows, hidden), read_only), set), set_on_update)) in targets.tables.iter().zip(said) {
            if let Some(rules) = self.tables.get_mut(table.0 as usize) {
                rules.push(Rule { entry: place, rows, hidden, read_only, set, set_on_update });
            }
        }
    }

    fn targets(&mut self, what: &What) -> Targets {
        let schema = self.schema;
        let all = || schema.iter().filter(|(_, table)| is_served(table));
        match what {
            What::All => Targets { tables: all().map(|(id, _)| id).collect(), wherever: true },
            What::Named(names) => {
                let tables = names.iter().filter_map(|name| self.resource(name)).collect();
                Targets { tables, wherever: false }
            }
            What::With(name) => {
                let having = all().filter(|(_, table)| stored(table, &name.value));
                let tables: Vec<TableId> = having.map(|(id, _)| id).collect();
                if tables.is_empty() {
                    let columns = all().flat_map(|(_, table)| &table.columns);
                    let hint = did_you_mean(&name.value, columns.map(|column| column.name.as_str()));
                    let message = format!("no resource has an attribute `{}`", name.value);
                    self.problems.at(name, message, hint.unwrap_or_default());
                }
                Targets { tables, wherever: true }
            }
        }
    }

    fn resource(&mut self, name: &Text) -> Option<TableId> {
        let found = self.schema.find(&name.value);
        let (message, hint) = match found.map(|id| (id, &self.schema[id])) {
            Some((id, table)) if is_served(table) => return Some(id),
            Some((_, table)) if table.hidden => {
                ("is hidden by the model file: nobody can ask for it", Some("leave it out".to_owned()))
            }
            Some(_) => {
                ("is no resource: it has no key", Some("name one in model.yaml: `key: [column]`".to_owned()))
            }
            None => {
                let served = self.schema.tables.iter().filter(|table| is_served(table));
                ("is no resource", did_you_mean(&name.value, served.map(|table| table.name.as_str())))
            }
        };
        self.problems.at(name, format!("`{}` {message}", name.value), hint.unwrap_or_default());
        None
    }

    /// Views are read alone: `all` means no more of them, but whoever writes `create` means it.
    fn views(&mut self, entry: &Entry) {
        let What::Named(names) = &entry.what else { return };
        let writing = |said: &&file::Said| !said.is_all() && !said.is_about(Action::Read);
        let Some(said) = entry.said.iter().find(writing).filter(|_| !entry.is_filter()) else { return };
        for name in names {
            let is_view = self.schema.find(&name.value).is_some_and(|id| self.schema[id].view);
            if is_view {
                let message = format!("`{}` is a view: nobody can {} in it", name.value, said.key.value);
                self.problems.at(name, message, "write an entry of its own for it, with `read` alone");
            }
        }
    }

    /// What does not fit some of an entry's resources: the problems in the first, and which they are.
    fn misfits(&mut self, text: &Text, targets: &Targets, misfits: Vec<(TableId, Vec<ExprProblem>)>) {
        let tables: Vec<TableId> = misfits.iter().map(|(table, _)| *table).collect();
        let Some((_, problems)) = misfits.into_iter().next() else { return };
        let others = (targets.tables.len() > 1).then(|| self.fits_not(targets, &tables));
        for mut problem in problems {
            problem.hint = match (problem.hint.take(), &others) {
                (Some(hint), Some(others)) => Some(format!("{hint}; {others}")),
                (hint, others) => hint.or(others.clone()),
            };
            self.problems.inside(text, 0, problem);
        }
    }

    /// `of 20 resources it does not fit: a, b and 3 more`
    fn fits_not(&self, targets: &Targets, tables: &[TableId]) -> String {
        format!("of {} resources it does not fit: {}", targets.tables.len(), listed(self.schema, tables))
    }
}

/// `a, b, c, d, e and 3 more`
fn listed(schema: &Schema, tables: &[TableId]) -> String {
    let names: Vec<&str> = tables.iter().take(NAMES_MAX).map(|id| schema[*id].name.as_str()).collect();
    match tables.len().saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// Whether anybody can ask for it at all.
fn is_served(table: &Table) -> bool {
    table.is_resource() && !table.hidden
}

/// Whether the database keeps a column of this name.
fn stored(table: &Table, name: &str) -> bool {
    table.column(name).is_some_and(|id| !table[id].is_virtual)
}

fn referred(schema: &Schema) -> HashSet<(TableId, ColumnId)> {
    let keys = schema.tables.iter().flat_map(|table| &table.foreign_keys);
    keys.flat_map(|key| key.target_columns.iter().map(|column| (key.target, *column))).collect()
}

fn roles(entries: &[Entry]) -> Vec<String> {
    let named = entries.iter().flat_map(|entry| match &entry.who {
        Who::Roles(roles) | Who::AllBut(roles) => roles,
    });
    let names: BTreeSet<&str> = named.map(|role| role.value.as_str()).filter(|role| *role != STAR).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Whom an entry is about, and what it says in its own words.
fn told(entry: &Entry) -> access::Entry {
    let names = |roles: &[Text]| roles.iter().map(|role| role.value.clone()).collect::<Vec<_>>();
    let who = match &entry.who {
        Who::Roles(roles) if roles.iter().any(|role| role.value == STAR) => access::Who::Everybody,
        Who::Roles(roles) => access::Who::Roles(names(roles)),
        Who::AllBut(roles) => access::Who::AllBut(names(roles)),
    };
    let mut texts = ByAction::<Option<String>>::default();
    for action in Action::ALL {
        let said = entry.said.iter().find(|said| said.is_about(action));
        *texts.of_mut(action) = said.and_then(|said| match &said.extent {
            Extent::Where(text) => Some(text.value.trim().to_owned()),
            Extent::All | Extent::None(_) => None,
        });
    }
    access::Entry { who, texts }
}

#[cfg(test)]
mod tests;
