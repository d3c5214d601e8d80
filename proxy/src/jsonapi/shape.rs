//! Which members a type's resources show in one answer, and which columns that takes.
//!
//! A full resource shows every attribute and relationship; a sparse fieldset names some. Foreign key columns are relationships, not
//! attributes, unless the settings say otherwise; the key is the id.

use introspect::{ColumnId, Relationship, RelationshipId, Schema, Table, TableId};

use crate::state::ApiSettings;

/// The members shown, in the order of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The table.
    pub table: TableId,
    /// The attributes.
    pub attributes: Vec<ColumnId>,
    /// The relationships.
    pub relationships: Vec<RelationshipId>,
    /// Some were left out by a sparse fieldset: no ETag.
    pub sparse: bool,
}

impl Shape {
    /// All members of a type.
    pub fn full(schema: &Schema, api: &ApiSettings, table: TableId) -> Self {
        let (attributes, relationships) = (attributes(schema, api, table), relationships(schema, table));
        Self { table, attributes, relationships, sparse: false }
    }

    /// No members: resource identifiers.
    pub fn identifier(table: TableId) -> Self {
        Self { table, attributes: Vec::new(), relationships: Vec::new(), sparse: true }
    }

    /// The columns to read for it: the key, the attributes, the foreign keys of its to-one relationships; all visible ones for an ETag.
    pub fn columns(&self, schema: &Schema) -> Vec<ColumnId> {
        let table = &schema[self.table];
        let mut columns = table.key.clone();
        columns.extend(&self.attributes);
        let to_one =
            self.relationships.iter().map(|id| &table[*id]).filter(|relationship| relationship.to_one());
        columns.extend(to_one.flat_map(|relationship| &relationship.columns));
        if !self.sparse {
            columns.extend(table.stored().filter(|(_, column)| !column.hidden).map(|(id, _)| id));
        }
        columns.sort();
        columns.dedup();
        columns
    }
}

/// The columns of a table that are attributes.
pub fn attributes(schema: &Schema, api: &ApiSettings, table: TableId) -> Vec<ColumnId> {
    let table = &schema[table];
    table
        .columns()
        .filter(|(id, column)| !column.hidden && is_attribute(table, api, *id))
        .map(|(id, _)| id)
        .collect()
}

/// The relationships of a table that lead to something served.
pub fn relationships(schema: &Schema, table: TableId) -> Vec<RelationshipId> {
    schema[table]
        .relationships()
        .filter(|(_, relationship)| shown(schema, relationship))
        .map(|(id, _)| id)
        .collect()
}

/// Whether a relationship leads to something served.
pub fn shown(schema: &Schema, relationship: &Relationship) -> bool {
    let target = &schema[relationship.target];
    !relationship.hidden && !target.hidden && target.is_resource()
}

/// The columns of the row itself that make up the id of a to-one's target, in the order of the target's key; nothing where the foreign
/// key refers to other columns than the key.
pub fn linkage_columns(schema: &Schema, relationship: &Relationship) -> Option<Vec<ColumnId>> {
    let pairs = || relationship.target_columns.iter().zip(&relationship.columns);
    let own = |key: &ColumnId| pairs().find(|(target, _)| *target == key).map(|(_, own)| *own);
    schema[relationship.target].key.iter().map(own).collect()
}

fn is_attribute(table: &Table, api: &ApiSettings, column: ColumnId) -> bool {
    let alone = table.key == [column];
    !alone && (api.foreign_key_attributes || !table.in_foreign_key(column))
}
