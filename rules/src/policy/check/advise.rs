//! Warnings: access rules that are allowed, but hardly meant.

use std::collections::BTreeSet;

use introspect::schema::ColumnDefault;
use introspect::{ColumnId, Schema, TableId};

use super::{listed, stored};
use crate::compile::advise::Certainty;
use crate::file::{Files, Problems, Text};
use crate::policy::Rows;
use crate::policy::access::{Access, Kept, Rule};
use crate::policy::action::Action;
use crate::policy::file::{Entry, Extent, STAR, Said, Who};
use crate::problem::{Problem, did_you_mean};
use crate::rule::{DerivationKind, RuleSet};

/// All of them, by place.
pub(super) fn warnings(
    schema: &Schema,
    rules: &RuleSet,
    files: &Files,
    entries: &[Entry],
    access: &Access,
) -> Vec<Problem> {
    let mut advisor = Advisor { schema, rules, entries, access, found: Problems::new(files) };
    advisor.exempt();
    for (place, entry) in entries.iter().enumerate() {
        advisor.certain(place, entry);
    }
    for (place, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.is_filter()) {
        advisor.required(place, entry);
        advisor.unread(place, entry);
    }
    advisor.found.sorted()
}

struct Advisor<'a> {
    schema: &'a Schema,
    rules: &'a RuleSet,
    entries: &'a [Entry],
    access: &'a Access,
    found: Problems<'a>,
}

impl<'a> Advisor<'a> {
    /// A role that a filter leaves alone, and that nobody has granted anything, is probably misspelt.
    fn exempt(&mut self) {
        let granted: BTreeSet<&str> = self.entries.iter().flat_map(granted).collect();
        for entry in self.entries {
            let Who::AllBut(roles) = &entry.who else { continue };
            for role in roles.iter().filter(|role| !granted.contains(role.value.as_str())) {
                let hint = did_you_mean(&role.value, granted.iter().copied());
                let message = format!("nothing is granted to the role `{}`", role.value);
                self.found.at(role, message, hint.unwrap_or_default());
            }
        }
    }

    /// Conditions that say the same of every row: the first resource stands for all.
    fn certain(&mut self, place: usize, entry: &Entry) {
        let certainty = Certainty::new(self.schema, self.rules);
        let Some((table, rule)) = self.of(place).next() else { return };
        for said in &entry.said {
            let action = Action::ALL.into_iter().find(|action| said.is_about(*action));
            let rows = action.and_then(|action| rule.rows.of(action).as_ref());
            let (Extent::Where(text), Some(Rows::Where(expr))) = (&said.extent, rows) else { continue };
            let (message, hint) = match (certainty.truth(table, expr), entry.is_filter()) {
                (None, _) => continue,
                (Some(Some(true)), false) => {
                    ("this condition always holds", "write `true`, where that is meant")
                }
                (Some(Some(true)), true) => {
                    ("this condition always holds", "it filters nothing: leave it out")
                }
                (Some(_), false) => ("this condition never holds", "it grants nothing: leave it out"),
                (Some(_), true) => ("this condition never holds", "write `false`, where that is meant"),
            };
            self.found.at(text, message, hint);
        }
    }

    /// Columns without which no row can come, and that a grant of `create` keeps anybody from giving.
    fn required(&mut self, place: usize, entry: &Entry) {
        let texts = entry.hidden.iter().chain(&entry.read_only);
        for text in texts.filter(|_| entry.is_about(Action::Create)) {
            let lacking: Vec<TableId> = self
                .of(place)
                .filter(|(table, rule)| self.lacks(*table, rule, text))
                .map(|(id, _)| id)
                .collect();
            if !lacking.is_empty() {
                let message = format!(
                    "`{}` of {} is required, and whoever has this grant cannot give it",
                    text.value,
                    listed(self.schema, &lacking)
                );
                let hint = format!("preset it: `set: {{{}: …}}`, or grant no `create` here", text.value);
                self.found.at(text, message, hint);
            }
        }
    }

    fn lacks(&self, table: TableId, rule: &Rule, text: &Text) -> bool {
        let here = &self.schema[table];
        let column = here.column(&text.value).filter(|_| stored(here, &text.value));
        let keys = here.relationship(&text.value).map(|id| &here[id]).filter(|r| r.to_one());
        let keys = keys.into_iter().flat_map(|relationship| relationship.columns.iter().copied());
        let kept =
            |column: &ColumnId| [&rule.hidden, &rule.read_only].iter().any(|kept| keeps(kept, *column));
        let grants_create = matches!(rule.rows.of(Action::Create), Some(Rows::All | Rows::Where(_)));
        let mut columns = column.into_iter().chain(keys).filter(kept);
        grants_create
            && columns.any(|column| {
                self.is_required(table, column) && !rule.set.iter().any(|(set, _)| *set == column)
            })
    }

    fn is_required(&self, table: TableId, id: ColumnId) -> bool {
        let column = &self.schema[table][id];
        let ruled = self.rules.derivations.iter().any(|rule| {
            rule.table == table && rule.column == id && !matches!(rule.kind, DerivationKind::Step(_))
        });
        !column.nullable && column.default == ColumnDefault::None && column.generated.is_none() && !ruled
    }

    /// Rows that can be written and not be seen: by nobody at all, or not by who may change them.
    fn unread(&mut self, place: usize, entry: &Entry) {
        let writing = |said: &&Said| !said.is_all() && !said.is_about(Action::Read);
        let Some(said) = entry.said.iter().find(writing) else { return };
        let nobody: Vec<TableId> =
            self.of(place).map(|(id, _)| id).filter(|id| !self.reads(*id, |_| true)).collect();
        if !nobody.is_empty() {
            let message = format!("nobody may read {}", listed(self.schema, &nobody));
            self.found.at(&said.key, message, "grant `read` to somebody");
        }
        let Some(update) = entry.said.iter().find(|said| said.key.value == "update") else { return };
        let Who::Roles(roles) = &entry.who else { return };
        for role in roles {
            let blind: Vec<TableId> = self
                .of(place)
                .map(|(id, _)| id)
                .filter(|id| !nobody.contains(id) && !self.reads(*id, |entry| is_about(entry, &role.value)))
                .collect();
            if !blind.is_empty() {
                let message =
                    format!("`{}` may update, and not read, {}", role.value, listed(self.schema, &blind));
                self.found.at(&update.key, message, "who sees no row finds none to change: grant `read`");
            }
        }
    }

    /// Whether an entry of a certain kind grants reading of a table.
    fn reads(&self, table: TableId, kind: impl Fn(&Entry) -> bool) -> bool {
        let rules = self.access.tables.get(table.0 as usize).map_or(&[][..], Vec::as_slice);
        rules.iter().any(|rule| {
            let granted = matches!(rule.rows.of(Action::Read), Some(Rows::All | Rows::Where(_)));
            granted && self.entries.get(rule.entry).is_some_and(|entry| !entry.is_filter() && kind(entry))
        })
    }

    /// What an entry says of each table.
    fn of(&self, place: usize) -> impl Iterator<Item = (TableId, &'a Rule)> + use<'a> {
        let tables = (0..).map(TableId).zip(&self.access.tables);
        tables.flat_map(move |(id, rules)| {
            rules.iter().filter(move |rule| rule.entry == place).map(move |rule| (id, rule))
        })
    }
}

fn keeps(kept: &Kept, column: ColumnId) -> bool {
    kept.columns.contains(&column)
}

/// The roles that an entry grants something.
fn granted(entry: &Entry) -> impl Iterator<Item = &str> {
    let roles = match &entry.who {
        Who::Roles(roles) => roles.as_slice(),
        Who::AllBut(_) => &[],
    };
    roles.iter().map(|role| role.value.as_str())
}

/// Whether an entry grants something to whoever has this role.
fn is_about(entry: &Entry, role: &str) -> bool {
    granted(entry).any(|name| name == role || name == STAR)
}
