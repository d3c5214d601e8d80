//! Access rules -> who may do what, for people: yes, no, or the condition in the words of the files.

use std::collections::BTreeSet;

use introspect::{ColumnId, RelationshipId, Schema, Table, TableId};

use super::access::{Access, Rule};
use super::action::{Action, ByAction};
use super::{Grants, Rows, TableAuthority};

/// What whoever has certain roles may do with one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Entitlement {
    /// Which.
    pub table: TableId,
    permits: ByAction<Permit>,
    /// Attributes and relationships that are kept from them.
    pub hidden: Vec<String>,
    /// Those that they see and cannot write, although they may update; or create, where they may not update.
    pub read_only: Vec<String>,
    /// Those that are set in their place on create.
    pub set: Vec<String>,
    /// And on update.
    pub set_on_update: Vec<String>,
}

/// Whether something may be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Permit {
    /// With no row.
    #[default]
    No,
    /// With every row.
    Yes,
    /// With rows of which this holds.
    Where(String),
}

impl Entitlement {
    /// Whether something may be done.
    pub fn permit(&self, action: Action) -> &Permit {
        self.permits.of(action)
    }

    /// Whether nothing may be done.
    pub fn is_nothing(&self) -> bool {
        Action::ALL.into_iter().all(|action| *self.permit(action) == Permit::No)
    }
}

impl Access {
    /// What whoever has these roles, and no other, may do with each resource.
    pub fn entitlements(&self, schema: &Schema, roles: &[String]) -> Vec<Entitlement> {
        let authority = self.authority(schema, roles);
        let served = schema.iter().filter(|(_, table)| table.is_resource() && !table.hidden);
        let entitlement = |(id, table): (TableId, &Table)| {
            let rules = self.tables.get(id.0 as usize).map_or(&[][..], Vec::as_slice);
            let applies =
                |rule: &&Rule| self.entries.get(rule.entry).is_some_and(|it| it.who.is_about(roles));
            let rules: Vec<&Rule> = rules.iter().filter(applies).collect();
            let mut permits = ByAction::<Permit>::default();
            for action in Action::ALL {
                *permits.of_mut(action) = self.permitted(&rules, action);
            }
            attributed(id, table, permits, authority.table(id))
        };
        served.map(entitlement).collect()
    }

    fn permitted(&self, rules: &[&Rule], action: Action) -> Permit {
        let (mut any, mut all): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
        let (mut granted, mut every) = (false, false);
        for rule in rules {
            let text = self.entries.get(rule.entry).and_then(|entry| entry.texts.of(action).as_deref());
            match (self.is_filter(rule), rule.rows.of(action)) {
                (_, None) | (true, Some(Rows::All)) => {}
                (true, Some(Rows::None)) => return Permit::No,
                (true, Some(Rows::Where(_))) => all.extend(text.map(str::to_owned)),
                (false, Some(rows)) => {
                    granted |= *rows != Rows::None;
                    every |= *rows == Rows::All;
                    any.extend(text.filter(|text| !any.contains(text)));
                }
            }
        }
        match (granted, every) {
            (false, _) => return Permit::No,
            (true, true) => {}
            (true, false) => all.insert(0, joined(&any, "or")),
        }
        all.dedup();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        if all.is_empty() { Permit::Yes } else { Permit::Where(joined(&all, "and")) }
    }
}

/// `(a) or (b)`
fn joined(texts: &[&str], word: &str) -> String {
    match texts {
        [one] => (*one).to_owned(),
        several => {
            several.iter().map(|text| format!("({text})")).collect::<Vec<_>>().join(&format!(" {word} "))
        }
    }
}

fn attributed(
    id: TableId,
    table: &Table,
    permits: ByAction<Permit>,
    authority: Option<&TableAuthority>,
) -> Entitlement {
    let nothing = TableAuthority::nothing();
    let authority = authority.unwrap_or(&nothing);
    let set = preset(&authority.create);
    let set_on_update = preset(&authority.update);
    let (written, preset_then) = match authority.update.any.as_slice() {
        [] => (&authority.create, &set),
        _ => (&authority.update, &set_on_update),
    };
    let (columns, relationships) = locked(written);
    let columns = &(&columns - &authority.hidden) - preset_then;
    let relationships = &relationships - &authority.hidden_relationships;
    Entitlement {
        table: id,
        permits,
        hidden: names(table, &authority.hidden, &authority.hidden_relationships),
        read_only: names(table, &columns, &relationships),
        set: names(table, &set, &BTreeSet::new()),
        set_on_update: names(table, &set_on_update, &BTreeSet::new()),
    }
}

/// What none of the grants lets be written.
fn locked(grants: &Grants) -> (BTreeSet<ColumnId>, BTreeSet<RelationshipId>) {
    let mut grants = grants.any.iter();
    let Some(first) = grants.next() else { return Default::default() };
    grants.fold(
        (first.locked.clone(), first.locked_relationships.clone()),
        |(columns, relationships), grant| {
            (&columns & &grant.locked, &relationships & &grant.locked_relationships)
        },
    )
}

fn preset(grants: &Grants) -> BTreeSet<ColumnId> {
    grants.any.iter().flat_map(|grant| &grant.presets).map(|(column, _)| *column).collect()
}

fn names(
    table: &Table,
    columns: &BTreeSet<ColumnId>,
    relationships: &BTreeSet<RelationshipId>,
) -> Vec<String> {
    let columns = columns.iter().map(|column| table[*column].name.clone());
    columns.chain(relationships.iter().map(|id| table[*id].name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;
    use crate::fixture;
    use crate::policy::check;

    #[test]
    fn conditions_are_shown_as_they_are_written() {
        let text = "access:\n  - {role: a, resource: orders, read: amount_total > 1, update: true}\n  \
                    - {role: [a, b], resource: orders, read: notes = 'x', update: id = 7}\n  \
                    - {every_role_but: b, resource: orders, read: id = 1, delete: false}\n  \
                    - {role: b, resource: '*', delete: true}\n";
        let shop = fixture::shop();
        let files = [("a.yaml".to_owned(), text.to_owned())];
        let access = check(&shop, &RuleSet::empty(&shop), &files).unwrap().access;
        let orders = shop.find("orders").unwrap();
        for (roles, expected) in [
            (&["a"][..], "((amount_total > 1) or (notes = 'x')) and (id = 1) | no | yes | no"),
            (&["b"], "notes = 'x' | no | id = 7 | yes"),
            (&["a", "b"], "(amount_total > 1) or (notes = 'x') | no | yes | yes"),
            (&["c"], "no | no | no | no"),
        ] {
            let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
            let all = access.entitlements(&shop, &roles);
            let found = all.iter().find(|it| it.table == orders).unwrap();
            let shown: Vec<String> = Action::ALL
                .into_iter()
                .map(|action| match found.permit(action) {
                    Permit::No => "no".into(),
                    Permit::Yes => "yes".into(),
                    Permit::Where(text) => text.clone(),
                })
                .collect();
            assert_eq!(shown.join(" | "), expected, "{roles:?}");
        }
    }
}
