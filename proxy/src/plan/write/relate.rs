//! Linkage of one relationship → the operation that makes it so.

use introspect::schema::RelationshipKind;
use introspect::{ColumnId, RelationshipId, Table, TableId};
use rules::change::{Action, Membership, Relating, RowId};

use super::assign::{self, Assignments};
use super::new_rows::NewRows;
use super::operations::unknown_lid;
use super::{PlannedOperation, Shows};
use crate::jsonapi::document::{Identifier, Linkage, Name};
use crate::jsonapi::id;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// An operation on a relationship, whose linkage is its `data`. A to-one relationship can only be replaced.
pub(super) fn operation(
    snapshot: &Snapshot,
    id: RowId,
    relationship: RelationshipId,
    how: Membership,
    linkage: &Linkage,
    new_rows: &NewRows,
) -> Result<PlannedOperation> {
    match snapshot.schema[id.table][relationship].to_one() {
        true => to_one(snapshot, id, relationship, linkage, new_rows),
        false => to_many(snapshot, id, relationship, how, linkage, "/data", new_rows),
    }
}

fn to_one(
    snapshot: &Snapshot,
    id: RowId,
    relationship: RelationshipId,
    linkage: &Linkage,
    new_rows: &NewRows,
) -> Result<PlannedOperation> {
    let mut assignments = Assignments::new(snapshot, id.clone(), false, new_rows);
    assignments.linkage(relationship, linkage, String::new());
    let given = assignments.finish()?;
    if !given.ignored.is_empty() {
        let name = &snapshot.schema[id.table][relationship].name;
        let detail = format!("`{name}` is derived by a rule and cannot be set.");
        return Err(Error::new(ErrorCode::ReadOnly, detail).at("/data").about(name).into());
    }
    Ok(PlannedOperation {
        pointers: given.pointers,
        unchanged: given.unchanged,
        shows: Shows::Nothing,
        ..PlannedOperation::new(id, Action::Update(given.values))
    })
}

/// The linkage stands at the pointer.
pub(super) fn to_many(
    snapshot: &Snapshot,
    id: RowId,
    relationship: RelationshipId,
    how: Membership,
    linkage: &Linkage,
    pointer: &str,
    new_rows: &NewRows,
) -> Result<PlannedOperation> {
    let there = &snapshot.schema[id.table][relationship];
    let Linkage::Many(identifiers) = linkage else {
        let detail = format!("`{}` is to many: `data` must be an array.", there.name);
        return Err(Error::new(ErrorCode::MalformedDocument, detail).at(pointer).into());
    };
    let target = Target { snapshot, id: there.target, name: &there.name, new_rows };
    let (mut members, mut errors) = (Vec::new(), Vec::new());
    for (n, identifier) in identifiers.iter().enumerate() {
        let place = format!("{pointer}/{n}");
        match target.row(identifier, how, &place) {
            Ok(row) => members.extend(row.map(|row| (row, place))),
            Err(refused) => errors.extend(refused),
        }
    }
    if let Some(errors) = Errors::from_vec(errors) {
        return Err(errors);
    }
    let (comes, leaves) = movable(snapshot, id.table, relationship);
    let rows = members.iter().map(|(row, _)| row.clone()).collect();
    let action = Action::Relate(Relating { relationship, how, rows, comes, leaves });
    let data = pointer.to_owned();
    Ok(PlannedOperation { members, data, shows: Shows::Nothing, ..PlannedOperation::new(id, action) })
}

/// The type that a to-many relationship leads to.
struct Target<'a> {
    snapshot: &'a Snapshot,
    id: TableId,
    name: &'a str,
    new_rows: &'a NewRows,
}

impl Target<'_> {
    /// The row that an identifier names. `None`: none can have this id, so it is not there to leave.
    fn row(&self, identifier: &Identifier, how: Membership, place: &str) -> Result<Option<RowId>> {
        let table = &self.snapshot.schema[self.id];
        if identifier.ty != table.name {
            let detail = format!("`{}` leads to resources of type `{}`.", self.name, table.name);
            let error = Error::new(ErrorCode::TypeConflict, detail).at(format!("{place}/type"));
            return Err(error.about(self.name).into());
        }
        match &identifier.name {
            Name::Id(text) => self.by_id(table, text, how, place),
            Name::Lid(lid) => match self.new_rows.by_lid(self.id, lid) {
                Some(row) => Ok(Some(row.clone())),
                None => Err(unknown_lid(&table.name, lid).at(format!("{place}/lid")).into()),
            },
        }
    }

    fn by_id(&self, table: &Table, text: &str, how: Membership, place: &str) -> Result<Option<RowId>> {
        match id::parse(self.snapshot.schema.dialect, table, text) {
            Some(key) => {
                let new = self.new_rows.by_key(self.id, &key).cloned();
                Ok(Some(new.unwrap_or_else(|| RowId::existing(self.id, key))))
            }
            None if how == Membership::Remove => Ok(None),
            None => {
                let error = assign::related_not_found(table, text).at(format!("{place}/id"));
                Err(error.about(self.name).into())
            }
        }
    }
}

/// Whether rows may come to a to-many relationship, and whether they may leave it: the foreign key is theirs to be written, and can be null.
fn movable(snapshot: &Snapshot, table: TableId, relationship: RelationshipId) -> (bool, bool) {
    let there = &snapshot.schema[table][relationship];
    let open = |table: TableId, column: &ColumnId| {
        let generated = snapshot.schema[table][*column].generated.is_some();
        !generated && !snapshot.facts.is_derived(table, *column)
    };
    match there.kind {
        RelationshipKind::ManyToMany { through, .. } => {
            let join = &snapshot.schema[through];
            let free = !join.view && join.key.iter().all(|column| open(through, column));
            (free, free)
        }
        _ => {
            let child = &snapshot.schema[there.target];
            let free = |c: &ColumnId| open(there.target, c) && !assign::fixed(snapshot, there.target, *c);
            let comes = !child.view && there.target_columns.iter().all(free);
            (comes, comes && !child.released(&there.target_columns).is_empty())
        }
    }
}
