//! The client's names → ids of the schema, with "did you mean" for those that are unknown.
//!
//! A path such as `customer.region` or `items.product.name` follows relationships and ends at an attribute, a foreign key column, `id` or a
//! relationship.

use introspect::{Column, ColumnId, Relationship, RelationshipId, Schema, Table, TableId};
use rules::expr::Place;

use crate::jsonapi::shape;
use crate::state::Snapshot;
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode};

/// Most relationships of one path. (A statement reads no more tables than `lower` allows, whatever leads to them)
const HOPS_MAX: usize = 40;
/// Most of them that lead to many, each a query inside the one before. (SQLite bears about 30)
const LEGS_MAX: usize = 10;

/// What the end of a path stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Named {
    /// One column, seen from the first table.
    Column(Place),
    /// The id of a row of this table: the places of its key, in key order.
    Id(TableId, Vec<Place>),
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// The to-many relationships on the way, each followed from where the one before it ends.
    pub legs: Vec<Leg>,
    /// The table at the end of the last of them, or the first table.
    pub table: TableId,
    /// What is named, seen from that table.
    pub named: Named,
    /// The path ends at the last of the to-many relationships: its rows are named, by their ids.
    pub many: bool,
}

/// A to-many relationship, and the to-one relationships that lead to where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// To-one relationships.
    pub path: Vec<RelationshipId>,
    /// The to-many relationship.
    pub relationship: RelationshipId,
}

/// Looks up a path of to-one relationships. The error is a sentence.
pub fn path(snapshot: &Snapshot, table: TableId, path: &str) -> Result<Named, String> {
    let reached = reach(snapshot, table, path)?;
    match reached.legs.is_empty() {
        true => Ok(reached.named),
        false => Err(format!("{path:?} leads to many, and so has no one value.")),
    }
}

/// Looks up a path from a table. The error is a sentence.
pub fn reach(snapshot: &Snapshot, table: TableId, path: &str) -> Result<Reached, String> {
    let schema = &snapshot.schema;
    let mut names: Vec<&str> = path.split('.').collect();
    let last = names.pop().unwrap_or_default();
    if names.len() > HOPS_MAX {
        return Err(format!("{path:?} leads through more than {HOPS_MAX} relationships."));
    }
    let mut way = Way { schema, table, legs: Vec::new(), hops: Vec::new() };
    for name in names {
        way.follow(name)?;
    }
    let reached = way.end(last)?;
    match reached.legs.len() > LEGS_MAX {
        true => Err(format!("{path:?} leads to many more than {LEGS_MAX} times.")),
        false => Ok(reached),
    }
}

/// A path as far as it has been followed.
struct Way<'a> {
    schema: &'a Schema,
    /// Where the hops begin.
    table: TableId,
    legs: Vec<Leg>,
    hops: Vec<RelationshipId>,
}

impl Way<'_> {
    fn here(&self) -> TableId {
        self.hops.iter().fold(self.table, |at, hop| self.schema[at][*hop].target)
    }

    fn follow(&mut self, name: &str) -> Result<(), String> {
        let (id, relationship) = relationship(self.schema, self.here(), name)?;
        match relationship.to_one() {
            true => self.hops.push(id),
            false => self.turn(id, relationship),
        }
        Ok(())
    }

    fn turn(&mut self, id: RelationshipId, relationship: &Relationship) {
        self.legs.push(Leg { path: std::mem::take(&mut self.hops), relationship: id });
        self.table = relationship.target;
    }

    /// The last name of the path.
    fn end(mut self, name: &str) -> Result<Reached, String> {
        let (schema, here) = (self.schema, self.here());
        let table = &schema[here];
        if let Some(column) = table.column(name).filter(|column| !table[*column].hidden) {
            let place = Place { path: self.hops.clone(), column };
            return Ok(self.reached(Named::Column(place), false));
        }
        if name == "id" {
            let named = key(schema, here, &self.hops);
            return Ok(self.reached(named, false));
        }
        let (id, found) = relationship(schema, here, name).map_err(|_| unknown_member(schema, here, name))?;
        if !found.to_one() {
            self.turn(id, found);
            let named = key(schema, self.table, &[]);
            return Ok(self.reached(named, true));
        }
        let named = match shape::linkage_columns(schema, found) {
            Some(own) => of_id(found.target, places(&own, &self.hops)),
            None => key(schema, found.target, &[self.hops.as_slice(), &[id]].concat()),
        };
        Ok(self.reached(named, false))
    }

    fn reached(self, named: Named, many: bool) -> Reached {
        Reached { legs: self.legs, table: self.table, named, many }
    }
}

/// The key of a table at the end of a path.
fn key(schema: &Schema, table: TableId, path: &[RelationshipId]) -> Named {
    of_id(table, places(&schema[table].key, path))
}

fn places(columns: &[ColumnId], path: &[RelationshipId]) -> Vec<Place> {
    columns.iter().map(|column| Place { path: path.to_vec(), column: *column }).collect()
}

/// A key of one column is compared as that column.
fn of_id(table: TableId, mut places: Vec<Place>) -> Named {
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

/// The table that is served under a name (404 else; 403 where nothing about it is granted).
pub fn table<'a>(schema: &'a Schema, name: &str) -> crate::Result<(TableId, &'a Table)> {
    let served = |id: &TableId| !schema[*id].hidden && schema[*id].is_resource();
    match schema.find(name).filter(served) {
        Some(id) => Ok((id, &schema[id])),
        None if schema.find(name).is_some_and(|id| schema[id].denied) => {
            let detail = format!("Nothing about {name} is granted to you.");
            Err(Error::new(ErrorCode::Forbidden, detail).into())
        }
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
