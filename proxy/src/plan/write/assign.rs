//! Attributes and relationships of a document → values of columns, or everything that is wrong with them.

use std::collections::BTreeMap;

use dialects::Value;
use introspect::{Column, ColumnId, RelationshipId, Table, TableId};
use rules::change::{Membership, RowId, RowRef};
use serde_json::Value as Json;

use super::new_rows::{self, NewRows};
use super::operations::unknown_lid;
use super::{PlannedOperation, Shows, relate};
use crate::jsonapi::document::{Identifier, Linkage, Name, ResourceDocument, escape};
use crate::jsonapi::{id, shape, value};
use crate::state::Snapshot;
use crate::suggest::did_you_mean;
use crate::{Error, ErrorCode, Errors, Result};

/// Values being collected for one row.
pub(super) struct Assignments<'a> {
    snapshot: &'a Snapshot,
    id: RowId,
    table_id: TableId,
    table: &'a Table,
    /// The row is being made: it may still be given its key.
    new: bool,
    new_rows: &'a NewRows,
    given: Given,
    errors: Vec<Error>,
}

/// What a document gives a row.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) values: BTreeMap<ColumnId, Value>,
    pub(super) pointers: BTreeMap<ColumnId, String>,
    pub(super) ignored: Vec<String>,
    pub(super) unchanged: Vec<(ColumnId, Value)>,
    /// The to-many relationships, each an operation.
    pub(super) related: Vec<PlannedOperation>,
}

impl<'a> Assignments<'a> {
    /// `new_rows` are those that operations before it add.
    pub(super) fn new(snapshot: &'a Snapshot, id: RowId, new: bool, new_rows: &'a NewRows) -> Self {
        let (table_id, table) = (id.table, &snapshot.schema[id.table]);
        Self { snapshot, id, table_id, table, new, new_rows, given: Given::default(), errors: Vec::new() }
    }

    /// Takes everything that a resource object gives.
    pub(super) fn document(&mut self, document: &ResourceDocument) {
        for (name, json) in &document.attributes {
            self.attribute(name, json);
        }
        for (name, linkage) in &document.relationships {
            self.relationship(name, linkage);
        }
    }

    /// All values, or all errors.
    pub(super) fn finish(self) -> Result<Given> {
        match Errors::from_vec(self.errors) {
            Some(errors) => Err(errors),
            None => Ok(self.given),
        }
    }

    pub(super) fn given(&self) -> &Given {
        &self.given
    }

    /// Whether something is wrong with what was sent for an attribute.
    pub(super) fn has_error_about(&self, attribute: &str) -> bool {
        self.errors.iter().any(|e| e.meta.get("attribute").is_some_and(|name| name == attribute))
    }

    pub(super) fn refuse(&mut self, error: Error) {
        self.errors.push(error);
    }

    fn attribute(&mut self, name: &str, json: &Json) {
        let pointer = format!("/data/attributes/{}", escape(name));
        let Some(column_id) = self.attribute_column(name) else {
            return self.unknown_attribute(name, pointer);
        };
        let column = &self.table[column_id];
        if column.is_virtual || self.snapshot.facts.is_derived(self.table_id, column_id) {
            return self.derived(name, pointer);
        }
        if column.generated.is_some() {
            return self.given.ignored.push(name.to_owned());
        }
        let value = match value::from_json(self.snapshot.schema.dialect, column, json) {
            Ok(value) => value,
            Err(expected) => return self.errors.push(misfit(name, column, &expected, pointer)),
        };
        match self.fixed(column_id) {
            true if self.new => self.errors.push(read_only(name, pointer)),
            true => {
                self.given.pointers.insert(column_id, pointer);
                self.given.unchanged.push((column_id, value));
            }
            false => self.assign(column_id, value, pointer),
        }
    }

    /// The column of an attribute: no key that is the id, nothing hidden. Foreign key columns may be written.
    fn attribute_column(&self, name: &str) -> Option<ColumnId> {
        let column = self.table.column(name)?;
        (self.table.key != [column] && !self.table[column].hidden).then_some(column)
    }

    /// Whether a column cannot be written: of a type that is shown as text alone, or, on an existing row, of the key or what foreign keys refer to.
    fn fixed(&self, column: ColumnId) -> bool {
        match self.new {
            true => !self.table[column].ty.is_writable(),
            false => fixed(self.snapshot, self.table_id, column),
        }
    }

    fn derived(&mut self, name: &str, pointer: String) {
        match self.snapshot.limits.strict_derived {
            true => {
                let detail = format!("`{name}` is derived by a rule and cannot be set.");
                self.errors.push(Error::new(ErrorCode::ReadOnly, detail).at(pointer));
            }
            false => self.given.ignored.push(name.to_owned()),
        }
    }

    /// Gives a column its value; refuses null where there can be none, and two values for one column.
    pub(super) fn assign(&mut self, column_id: ColumnId, value: Value, pointer: String) {
        let column = &self.table[column_id];
        if value.is_null() && !column.nullable {
            let detail = format!("`{}` cannot be null.", column.name);
            return self.errors.push(Error::new(ErrorCode::Required, detail).at(pointer).about(&column.name));
        }
        match self.given.values.get(&column_id) {
            Some(other) if *other != value => {
                let detail = format!("`{}` is given two different values.", column.name);
                self.errors.push(Error::new(ErrorCode::InvalidValue, detail).at(pointer).about(&column.name));
            }
            Some(_) => {}
            None => {
                self.given.values.insert(column_id, value);
                self.given.pointers.insert(column_id, pointer);
            }
        }
    }

    fn relationship(&mut self, name: &str, linkage: &Linkage) {
        let pointer = format!("/data/relationships/{}", escape(name));
        let found =
            self.table.relationship(name).filter(|id| shape::shown(&self.snapshot.schema, &self.table[*id]));
        let Some(relationship) = found else { return self.unknown_relationship(name, pointer) };
        match linkage {
            Linkage::Absent if self.new => {
                let detail = "A relationship of a new resource needs the member `data`.";
                self.errors.push(Error::new(ErrorCode::MalformedDocument, detail).at(pointer));
            }
            Linkage::Absent => {}
            _ if self.table[relationship].to_one() => self.linkage(relationship, linkage, pointer),
            _ => self.members(relationship, linkage, &format!("{pointer}/data")),
        }
    }

    /// Takes the linkage of a to-one relationship; the relationship object stands at the pointer.
    pub(super) fn linkage(&mut self, relationship: RelationshipId, linkage: &Linkage, pointer: String) {
        match linkage {
            Linkage::Null => self.unlink(relationship, pointer),
            Linkage::One(identifier) => self.link(relationship, identifier, pointer),
            Linkage::Many(_) | Linkage::Absent => {
                let name = &self.table[relationship].name;
                let detail = format!("`{name}` is to one: `data` must be an object or null.");
                self.errors
                    .push(Error::new(ErrorCode::MalformedDocument, detail).at(format!("{pointer}/data")));
            }
        }
    }

    /// A new row has nothing yet that could be replaced.
    fn members(&mut self, relationship: RelationshipId, linkage: &Linkage, pointer: &str) {
        let how = if self.new { Membership::Add } else { Membership::Replace };
        let (id, new_rows) = (self.id.clone(), self.new_rows);
        match relate::to_many(self.snapshot, id, relationship, how, linkage, pointer, new_rows) {
            Ok(related) => self.given.related.push(PlannedOperation { shows: Shows::Part, ..related }),
            Err(errors) => self.errors.extend(errors),
        }
    }

    fn unlink(&mut self, relationship: RelationshipId, pointer: String) {
        let columns = &self.table[relationship].columns;
        let released = self.table.released(columns);
        // Of a key that cannot be released, the columns say why.
        for column in if released.is_empty() { columns.clone() } else { released } {
            self.set_reference(column, Value::Null, format!("{pointer}/data"));
        }
    }

    fn link(&mut self, relationship_id: RelationshipId, identifier: &Identifier, pointer: String) {
        let relationship = &self.table[relationship_id];
        let target = &self.snapshot.schema[relationship.target];
        if identifier.ty != target.name {
            let detail = format!("`{}` leads to resources of type `{}`.", relationship.name, target.name);
            return self.errors.push(
                Error::new(ErrorCode::TypeConflict, detail)
                    .at(format!("{pointer}/data/type"))
                    .about(&relationship.name),
            );
        }
        let values = match &identifier.name {
            Name::Id(id) => self.values_of_id(relationship_id, id),
            Name::Lid(lid) => self.values_of_lid(relationship_id, lid),
        };
        match values {
            Ok(values) => {
                for (column, value) in relationship.columns.clone().into_iter().zip(values) {
                    self.set_reference(column, value, format!("{pointer}/data"));
                }
            }
            Err(errors) => {
                let placed = |error: Error| {
                    let place = match (&identifier.name, error.code) {
                        (_, ErrorCode::Forbidden) => pointer.clone(),
                        (Name::Id(_), _) => format!("{pointer}/data/id"),
                        (Name::Lid(_), _) => format!("{pointer}/data/lid"),
                    };
                    error.at(place).about(&relationship.name)
                };
                self.errors.extend(errors.map(placed));
            }
        }
    }

    /// What the foreign key's columns hold to lead to the row of an id.
    fn values_of_id(&self, relationship: RelationshipId, id: &str) -> Result<Vec<Value>> {
        let relationship = &self.table[relationship];
        let target = &self.snapshot.schema[relationship.target];
        let key = id::parse(self.snapshot.schema.dialect, target, id)
            .ok_or_else(|| related_not_found(target, id))?;
        let of_key =
            |column: &ColumnId| target.key.iter().position(|k| k == column).and_then(|n| key.get(n).cloned());
        let values: Option<Vec<Value>> = relationship.target_columns.iter().map(of_key).collect();
        values.ok_or_else(|| {
            let names: Vec<&str> =
                relationship.columns.iter().map(|c| self.table[*c].name.as_str()).collect();
            let detail = format!(
                "`{}` refers to other columns than the id: set {} instead.",
                relationship.name,
                names.join(", ")
            );
            Error::new(ErrorCode::Forbidden, detail).into()
        })
    }

    /// Likewise, of a local id.
    fn values_of_lid(&self, relationship_id: RelationshipId, lid: &str) -> Result<Vec<Value>> {
        let target = self.table[relationship_id].target;
        let ty = &self.snapshot.schema[target].name;
        match self.new_rows.by_lid(target, lid).map(|id| &id.row) {
            Some(RowRef::New(n)) => new_rows::values_of(self.snapshot, self.table_id, relationship_id, *n),
            _ => Err(unknown_lid(ty, lid).into()),
        }
    }

    fn set_reference(&mut self, column: ColumnId, value: Value, pointer: String) {
        if self.snapshot.facts.is_derived(self.table_id, column) {
            return self.derived(&self.reference(column), pointer);
        }
        match self.fixed(column) {
            true => {
                self.given.pointers.insert(column, pointer);
                self.given.unchanged.push((column, value));
            }
            false if value.is_null() && !self.table[column].nullable => {
                let name = self.reference(column);
                let detail = format!("The relationship `{name}` is required.");
                self.errors.push(Error::new(ErrorCode::Required, detail).at(pointer).about(&name));
            }
            false => self.assign(column, value, pointer),
        }
    }

    /// The to-one relationship that a column belongs to.
    fn reference(&self, column: ColumnId) -> String {
        let found = self.table.relationships.iter().find(|r| r.to_one() && r.columns.contains(&column));
        found.map_or_else(String::new, |relationship| relationship.name.clone())
    }

    fn unknown_attribute(&mut self, name: &str, pointer: String) {
        let table = &self.table.name;
        let is_shown = |id: &RelationshipId| shape::shown(&self.snapshot.schema, &self.table[*id]);
        let detail = match self.table.relationship(name).filter(is_shown) {
            Some(_) => format!("`{name}` is a relationship of `{table}`: send it under `relationships`."),
            None if self.table.column(name).is_some_and(|column| self.table.key == [column]) => {
                format!("`{name}` is the id of `{table}`: send it as `id`, not as an attribute.")
            }
            None => {
                let known = self.table.columns().filter(|(id, c)| self.table.key != [*id] && !c.hidden);
                format!(
                    "`{table}` has no attribute `{name}`.{}",
                    did_you_mean(name, known.map(|(_, c)| c.name.as_str()))
                )
            }
        };
        self.errors.push(Error::new(ErrorCode::UnknownAttribute, detail).at(pointer));
    }

    fn unknown_relationship(&mut self, name: &str, pointer: String) {
        let shown = shape::relationships(&self.snapshot.schema, self.table_id);
        let known = shown.into_iter().map(|id| self.table[id].name.as_str());
        let detail =
            format!("`{}` has no relationship `{name}`.{}", self.table.name, did_you_mean(name, known));
        self.errors.push(Error::new(ErrorCode::UnknownRelationship, detail).at(pointer));
    }
}

/// Whether a column of a row that exists cannot be written: of a type that is shown as text alone, of the key, or what foreign keys refer to.
pub(super) fn fixed(snapshot: &Snapshot, table: TableId, column: ColumnId) -> bool {
    let of = &snapshot.schema[table];
    let mut referrers = snapshot.facts.referrers(table).iter();
    !of[column].ty.is_writable()
        || of.key.contains(&column)
        || referrers.any(|r| snapshot.schema[r.child][r.relationship].target_columns.contains(&column))
}

/// No such related resource.
pub fn related_not_found(target: &Table, id: &str) -> Error {
    let detail = format!("There is no resource of type `{}` with the id `{id}`.", target.name);
    Error::new(ErrorCode::RelatedNotFound, detail)
}

fn misfit(name: &str, column: &Column, expected: &str, pointer: String) -> Error {
    let detail = format!("`{name}`: {expected}.");
    Error::new(ErrorCode::InvalidValue, detail).at(pointer).about(&column.name)
}

fn read_only(name: &str, pointer: String) -> Error {
    Error::new(ErrorCode::ReadOnly, format!("`{name}` cannot be written.")).at(pointer).about(name)
}
