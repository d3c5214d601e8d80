//! The access rules of all files, and what they come to for a set of roles.
//!
//! By table stands what each entry of the files says of it. For roles that an entry is about, a grant is one more of which any does, a filter
//! one more condition that must hold as well.

use std::collections::BTreeSet;

use introspect::{ColumnId, RelationshipId, Schema};

use super::action::{Action, ByAction};
use super::{Authority, Grant, Grants, Rows, TableAuthority};
use crate::expr::Expr;

/// The access rules of all files. By itself: nothing is granted to anybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    pub(super) roles: Vec<String>,
    pub(super) entries: Vec<Entry>,
    /// By the place of the table in the schema.
    pub(super) tables: Vec<Vec<Rule>>,
}

/// Whom an entry of the files is about, and what it says in its own words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) who: Who,
    pub(super) texts: ByAction<Option<String>>,
}

/// Whom an entry is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Who {
    /// Everybody is granted something.
    Everybody,
    /// Whoever has one of these roles is.
    Roles(Vec<String>),
    /// Whoever has none of these is filtered.
    AllBut(Vec<String>),
}

/// What one entry says of one table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    /// The place of the entry.
    pub(super) entry: usize,
    /// Nothing is said where there is none.
    pub(super) rows: ByAction<Option<Rows>>,
    pub(super) hidden: Kept,
    pub(super) read_only: Kept,
    pub(super) set: Vec<(ColumnId, Expr)>,
    pub(super) set_on_update: Vec<(ColumnId, Expr)>,
}

/// What is kept from a role, or kept as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) columns: BTreeSet<ColumnId>,
    pub(super) relationships: BTreeSet<RelationshipId>,
}

impl Access {
    /// The roles that the rules speak of, each once, sorted: others make no difference.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// What whoever has these roles, and no other, may do.
    pub fn authority(&self, _schema: &Schema, roles: &[String]) -> Authority {
        let about: Vec<bool> = self.entries.iter().map(|entry| entry.who.is_about(roles)).collect();
        let table = |rules: &Vec<Rule>| {
            let applies = |rule: &&Rule| about.get(rule.entry) == Some(&true);
            let (grants, filters): (Vec<&Rule>, Vec<&Rule>) =
                rules.iter().filter(applies).partition(|rule| !self.is_filter(rule));
            table_authority(&grants, &filters)
        };
        Authority::new(self.tables.iter().map(table).collect())
    }

    /// Whether a rule takes away instead of granting.
    pub(super) fn is_filter(&self, rule: &Rule) -> bool {
        self.entries.get(rule.entry).is_none_or(|entry| matches!(entry.who, Who::AllBut(_)))
    }
}

impl Who {
    /// Whether somebody with these roles, and no other, is meant.
    pub(super) fn is_about(&self, roles: &[String]) -> bool {
        match self {
            Self::Everybody => true,
            Self::Roles(granted) => granted.iter().any(|role| roles.contains(role)),
            Self::AllBut(exempt) => !exempt.iter().any(|role| roles.contains(role)),
        }
    }
}

impl Rule {
    fn presets(&self, action: Action) -> &[(ColumnId, Expr)] {
        match action {
            Action::Create => &self.set,
            Action::Update => &self.set_on_update,
            Action::Read | Action::Delete => &[],
        }
    }

    fn grant(&self, action: Action, rows: &Rows) -> Grant {
        let rows = match rows {
            Rows::Where(expr) => Some(expr.clone()),
            Rows::All | Rows::None => None,
        };
        if matches!(action, Action::Read | Action::Delete) {
            return Grant { rows, ..Grant::default() };
        }
        let presets = self.presets(action).to_vec();
        let kept = self.read_only.columns.union(&self.hidden.columns).copied();
        let locked = kept.chain(presets.iter().map(|(column, _)| *column)).collect();
        let relationships = self.read_only.relationships.union(&self.hidden.relationships);
        Grant { rows, locked, locked_relationships: relationships.copied().collect(), presets }
    }
}

fn table_authority(grants: &[&Rule], filters: &[&Rule]) -> TableAuthority {
    let all = |action| grants_of(action, grants, filters);
    let readable: Vec<&Rule> =
        grants.iter().copied().filter(|rule| grants_rows(rule, Action::Read)).collect();
    TableAuthority {
        read: all(Action::Read),
        create: all(Action::Create),
        update: all(Action::Update),
        delete: all(Action::Delete),
        hidden: hidden(&readable, |rule| &rule.hidden.columns),
        hidden_relationships: hidden(&readable, |rule| &rule.hidden.relationships),
    }
}

fn grants_rows(rule: &Rule, action: Action) -> bool {
    matches!(rule.rows.of(action), Some(Rows::All | Rows::Where(_)))
}

fn grants_of(action: Action, grants: &[&Rule], filters: &[&Rule]) -> Grants {
    let granted = |rule: &&Rule| match rule.rows.of(action) {
        Some(rows @ (Rows::All | Rows::Where(_))) => Some(rule.grant(action, rows)),
        Some(Rows::None) | None => None,
    };
    let filtered = |rule: &&Rule| match rule.rows.of(action) {
        Some(Rows::Where(expr)) => Some(expr.clone()),
        Some(Rows::None) => Some(Expr::Literal(dialects::Value::Bool(false))),
        Some(Rows::All) | None => None,
    };
    Grants {
        any: grants.iter().filter_map(granted).collect(),
        filters: filters.iter().filter_map(filtered).collect(),
    }
}

/// What is hidden by some of the grants of `read`, and not shown by others in every row that can be read at all.
fn hidden<T: Copy + Ord>(grants: &[&Rule], kept: impl Fn(&Rule) -> &BTreeSet<T>) -> BTreeSet<T> {
    let candidates: BTreeSet<T> = grants.iter().flat_map(|rule| kept(rule).iter().copied()).collect();
    let everywhere = |item: &T| {
        let showing: Vec<&Rows> =
            grants.iter().filter(|rule| !kept(rule).contains(item)).filter_map(|rule| read(rule)).collect();
        let all = grants.iter().filter_map(|rule| read(rule));
        showing.contains(&&Rows::All) || { all }.all(|rows| showing.contains(&rows))
    };
    candidates.into_iter().filter(|item| !everywhere(item)).collect()
}

fn read(rule: &Rule) -> Option<&Rows> {
    rule.rows.of(Action::Read).as_ref()
}
