//! A snapshot as different roles see it: what is kept from them is hidden in its schema, as the model file hides things from everybody, so
//! that no name of it resolves, no hint names it and no answer holds it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use introspect::schema::RelationshipKind;
use introspect::{ColumnId, Relationship, Schema, Table, TableId};
use rules::policy::{Access, Actor, Authority};

use super::{ApiSettings, Snapshot};

/// Most sets of roles whose views are kept: each holds a schema of its own.
const VIEWS_MAX: usize = 64;

/// The views of a snapshot, by the roles that make a difference.
#[derive(Debug, Default)]
pub(super) struct Views {
    by_roles: RwLock<HashMap<Vec<String>, Arc<Snapshot>>>,
}

impl Views {
    /// The snapshot as this actor sees it.
    pub(super) fn view(&self, whole: &Snapshot, access: &Access, actor: &Actor) -> Arc<Snapshot> {
        let roles: Vec<String> = access.roles().iter().filter(|role| actor.has_role(role)).cloned().collect();
        if let Some(known) = self.by_roles.read().unwrap_or_else(PoisonError::into_inner).get(&roles) {
            return known.clone();
        }
        let view = Arc::new(whole.seen_with(access.authority(&whole.schema, &roles)));
        let mut all = self.by_roles.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= VIEWS_MAX {
            all.clear();
        }
        all.entry(roles).or_insert(view).clone()
    }
}

/// The schema without what is kept from whoever has this authority.
pub(super) fn seen(whole: &Schema, api: &ApiSettings, authority: &Authority) -> Schema {
    let mut schema = whole.clone();
    for (id, table) in whole.iter() {
        let Some(allowed) = authority.table(id) else { continue };
        let Some(seen) = schema.tables.get_mut(id.0 as usize) else { continue };
        seen.denied = allowed.is_nothing() && table.is_resource() && !table.hidden;
        seen.hidden |= allowed.is_nothing();
        for (column, _) in table.columns().filter(|(column, _)| allowed.hidden.contains(column)) {
            if let Some(column) = seen.columns.get_mut(column.0 as usize) {
                column.hidden = true;
            }
        }
        for (relationship, there) in table.relationships() {
            let kept = allowed.hidden_relationships.contains(&relationship)
                || is_kept(whole, authority, id, there)
                || authority.table(there.target).is_some_and(|target| target.read.is_nothing());
            if let Some(relationship) = seen.relationships.get_mut(relationship.0 as usize) {
                relationship.hidden |= kept;
            }
        }
    }
    if !api.foreign_key_attributes && !authority.is_open() {
        schema.tables.iter_mut().for_each(hide_foreign_keys);
    }
    schema
}

/// A foreign key that is told by hidden relationships alone is not told at all. (Nor can it be filtered or sorted by; a part of the key is
/// told by the id.)
fn hide_foreign_keys(table: &mut Table) {
    for (n, column) in (0..).map(ColumnId).zip(&mut table.columns) {
        let mut telling =
            table.relationships.iter().filter(|r| r.to_one() && r.columns.contains(&n)).peekable();
        column.hidden |= !table.key.contains(&n) && telling.peek().is_some() && telling.all(|r| r.hidden);
    }
}

/// Whether a relationship would tell a foreign key that is kept from whoever asks, on whichever side it stands.
fn is_kept(schema: &Schema, authority: &Authority, table: TableId, there: &Relationship) -> bool {
    let hides = |table: TableId, columns: &[ColumnId]| {
        let hidden = authority.table(table).map(|allowed| &allowed.hidden);
        hidden.is_some_and(|hidden| columns.iter().any(|column| hidden.contains(column)))
    };
    let inverse = schema[there.target].relationships().find(|(id, _)| *id == there.inverse);
    let inverse_is_kept = inverse.is_some_and(|(id, _)| {
        authority.table(there.target).is_some_and(|target| target.hidden_relationships.contains(&id))
            && matches!(there.kind, RelationshipKind::ManyToMany { .. })
    });
    hides(table, &there.columns) || hides(there.target, &there.target_columns) || inverse_is_kept
}
