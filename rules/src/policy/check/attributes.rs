//! `hidden` and `read_only`: names of attributes and relationships -> what of each resource is kept.

use introspect::{ColumnId, Relationship, Table, TableId};

use super::{Checker, Targets, listed};
use crate::file::Text;
use crate::policy::access::Kept;
use crate::problem::did_you_mean;

/// What a name stands for.
enum Named {
    Column(ColumnId),
    ToOne(introspect::RelationshipId, Vec<ColumnId>),
    ToMany(introspect::RelationshipId),
}

impl Checker<'_> {
    /// What is kept of each resource, in their order.
    pub(super) fn kept(&mut self, names: &[Text], targets: &Targets, hides: bool) -> Vec<Kept> {
        let mut all = vec![Kept::default(); targets.tables.len()];
        for name in names {
            let found: Vec<Option<Named>> =
                targets.tables.iter().map(|id| named(&self.schema[*id], &name.value, hides)).collect();
            self.present(name, targets, &found.iter().map(Option::is_some).collect::<Vec<_>>(), false);
            for ((table, kept), found) in targets.tables.iter().zip(&mut all).zip(found) {
                let Some(found) = found else { continue };
                self.keep(name, *table, found, kept, hides);
            }
        }
        all
    }

    fn keep(&mut self, name: &Text, table: TableId, found: Named, kept: &mut Kept, hides: bool) {
        let here = &self.schema[table];
        match found {
            Named::Column(column) if hides && here.key.contains(&column) => {
                let message = format!("`{}` is part of the key of {}", name.value, here.name);
                self.problems.at(name, message, "every resource shows its id: it cannot be hidden");
            }
            Named::ToOne(_, columns) if columns.is_empty() && hides => {
                let message =
                    format!("the foreign key of `{}` is part of the key of {}", name.value, here.name);
                self.problems.at(name, message, "every resource shows its id: it cannot be hidden");
            }
            Named::Column(column) => {
                kept.columns.insert(column);
            }
            Named::ToOne(id, columns) => {
                kept.columns.extend(columns);
                if hides {
                    kept.relationships.insert(id);
                }
            }
            Named::ToMany(id) => {
                kept.relationships.insert(id);
            }
        }
    }

    /// Whether a name stands for something: in each resource that the entry names, in one at least where it is about all.
    pub(super) fn present(&mut self, name: &Text, targets: &Targets, found: &[bool], columns_only: bool) {
        let missing: Vec<TableId> =
            targets.tables.iter().zip(found).filter(|(_, found)| !**found).map(|(id, _)| *id).collect();
        let fine = if targets.wherever { found.contains(&true) } else { missing.is_empty() };
        if fine {
            return;
        }
        let looked: Vec<&Table> = missing.iter().map(|id| &self.schema[*id]).collect();
        let columns = looked.iter().flat_map(|table| &table.columns).map(|column| column.name.as_str());
        let relationships = looked.iter().filter(|_| !columns_only).flat_map(|table| &table.relationships);
        let known = columns.chain(relationships.map(|relationship| relationship.name.as_str()));
        let hint = did_you_mean(&name.value, known).unwrap_or_default();
        let (who, what) = match (targets.wherever, columns_only) {
            (true, true) => ("none of the resources".to_owned(), "attribute"),
            (true, false) => ("none of the resources".to_owned(), "attribute or relationship"),
            (false, true) => (listed(self.schema, &missing), "attribute"),
            (false, false) => (listed(self.schema, &missing), "attribute or relationship"),
        };
        let has = if !targets.wherever && missing.len() > 1 { "have" } else { "has" };
        let no = if targets.wherever { "an" } else { "no" };
        self.problems.at(name, format!("{who} {has} {no} {what} `{}`", name.value), hint);
    }
}

/// An attribute, or a relationship; what both are called is the attribute.
fn named(table: &Table, name: &str, hides: bool) -> Option<Named> {
    if let Some(column) = table.column(name) {
        return Some(Named::Column(column));
    }
    let id = table.relationship(name)?;
    let relationship = &table[id];
    Some(match relationship.to_one() {
        true => Named::ToOne(id, own_columns(table, relationship, hides)),
        false => Named::ToMany(id),
    })
}

/// The columns of a to-one relationship that no other has too, as far as there are some. Those of the key cannot be hidden.
fn own_columns(table: &Table, relationship: &Relationship, hides: bool) -> Vec<ColumnId> {
    let others = |column: &ColumnId| {
        let mut others =
            table.relationships.iter().filter(|r| r.to_one() && r.columns != relationship.columns);
        others.any(|r| r.columns.contains(column))
    };
    let free = relationship.columns.iter().copied().filter(|column| !hides || !table.key.contains(column));
    let (shared, own): (Vec<ColumnId>, Vec<ColumnId>) = free.partition(others);
    if own.is_empty() { shared } else { own }
}
