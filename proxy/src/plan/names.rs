//! The client's names → ids of the schema, with "did you mean" for those that are unknown.
//!
//! A path such as `customer.region` follows to-one relationships and ends at an attribute, a foreign key column, `id` or a relationship.

use introspect::{Column, ColumnId, Relationship, RelationshipId, Schema, Table, TableId};
use rules::expr::Place;

use crate::jsonapi::shape;
use crate::state::Snapshot;
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode};

/// What the end of a path stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Named {
    /// One column, seen from the first table.
    Column(Place),
    /// The id of a row of this table: the places of its key, in key order.
    Id(TableId, Vec<Place>),
}

/// Looks up a path from a table. It is bounded like an include, because each of its relationships is a join (MySQL joins 61 tables at
/// most). The error is a sentence.
pub fn path(snapshot: &Snapshot, table: TableId, path: &str) -> Result<Named, String> {
    let (schema, depth_max) = (&snapshot.schema, snapshot.api.include_depth);
    let mut names: Vec<&str> = path.split('.').collect();
    let last = names.pop().unwrap_or_default();
    if names.len() > depth_max {
        return Err(format!("{path:?} leads through more than {depth_max} relationships."));
    }
    let (mut at, mut hops) = (table, Vec::new());
    for name in names {
        let (id, relationship) = relationship(schema, at, name)?;
        if !relationship.to_one() {
            return Err(format!("{name:?} leads to many: paths through it are not served in this version."));
        }
        hops.push(id);
        at = relationship.target;
    }
    end(schema, at, hops, last)
}

/// The last name of a path.
fn end(schema: &Schema, at: TableId, path: Vec<RelationshipId>, name: &str) -> Result<Named, String> {
    let table = &schema[at];
    let place = |column: ColumnId| Place { path: path.clone(), column };
    if let Some(column) = table.column(name).filter(|column| !table[*column].hidden) {
        return Ok(Named::Column(place(column)));
    }
    if name == "id" {
        return Ok(id(at, table.key.iter().map(|column| place(*column)).collect()));
    }
    let (rel, relationship) = relationship(schema, at, name).map_err(|_| unknown_member(schema, at, name))?;
    if !relationship.to_one() {
        return Err(format!(
            "{name:?} leads to many: filters and sorts by it are not served in this version."
        ));
    }
    let places = match shape::linkage_columns(schema, relationship) {
        Some(own) => own.into_iter().map(place).collect(),
        None => beyond(schema, relationship, [path.clone(), vec![rel]].concat()),
    };
    Ok(id(relationship.target, places))
}

/// The key of a to-one's target, where the row's own columns do not hold it.
fn beyond(schema: &Schema, relationship: &Relationship, path: Vec<RelationshipId>) -> Vec<Place> {
    schema[relationship.target]
        .key
        .iter()
        .map(|column| Place { path: path.clone(), column: *column })
        .collect()
}

/// A key of one column is compared as that column.
fn id(table: TableId, mut places: Vec<Place>) -> Named {
    match places.len() {
        1 => places.pop().map_or(Named::Id(table, Vec::new()), Named::Column),
        _ => Named::Id(table, places),
    }
}

/// The relationship of a name. The error is a sentence.
pub fn relationship<'a>(
    schema: &'a Schema,
    table: TableId,
    name: &str,
) -> Result<(RelationshipId, &'a Relationship), String> {
    let of = &schema[table];
    match of.relationship(name).filter(|id| shape::shown(schema, &of[*id])) {
        Some(id) => Ok((id, &of[id])),
        None => {
            let known = shape::relationships(schema, table).into_iter().map(|id| of[id].name.as_str());
            Err(format!("{} has no relationship {name:?}.{}", of.name, did_you_mean(name, known)))
        }
    }
}

/// The table that is served under a name (404 else).
pub fn table<'a>(schema: &'a Schema, name: &str) -> crate::Result<(TableId, &'a Table)> {
    let served = |id: &TableId| !schema[*id].hidden && schema[*id].is_resource();
    match schema.find(name).filter(served) {
        Some(id) => Ok((id, &schema[id])),
        None => {
            let known = schema.iter().filter(|(id, _)| served(id)).map(|(_, table)| table.name.as_str());
            let detail = format!("There is no type {name:?}.{}", did_you_mean(name, known));
            Err(Error::new(ErrorCode::NotFound, detail).into())
        }
    }
}

/// The sentence for a name that is neither attribute nor relationship.
pub fn unknown_member(schema: &Schema, table: TableId, name: &str) -> String {
    let of = &schema[table];
    let columns = of.columns.iter().filter(|column| !column.hidden).map(|column| column.name.as_str());
    let relationships = shape::relationships(schema, table).into_iter().map(|id| of[id].name.as_str());
    format!(
        "{} has no attribute or relationship {name:?}.{}",
        of.name,
        did_you_mean(name, columns.chain(relationships))
    )
}

/// The column at the end of a place.
pub fn column<'a>(schema: &'a Schema, table: TableId, place: &Place) -> &'a Column {
    let end = place.path.iter().fold(table, |at, id| schema[at][*id].target);
    &schema[end][place.column]
}

/// A place as rules and clients write it: `customer.credit_limit`.
pub fn spelled(schema: &Schema, table: TableId, place: &Place) -> String {
    let (mut at, mut names) = (table, Vec::new());
    for relationship in &place.path {
        let relationship = &schema[at][*relationship];
        names.push(relationship.name.as_str());
        at = relationship.target;
    }
    names.push(&schema[at][place.column].name);
    names.join(".")
}
