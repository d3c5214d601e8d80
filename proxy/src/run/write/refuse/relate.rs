//! What is refused of a change of a to-many relationship, with its place in the linkage.

use introspect::schema::RelationshipKind;
use introspect::{ColumnId, RelationshipId, Schema, TableId};
use rules::change::{Action, Relating, RowId};

use super::Refusal;
use crate::jsonapi::id;
use crate::plan::write::PlannedOperation;
use crate::{Error, ErrorCode};

/// The tables that an operation names: a to-many relationship is written at its other end.
pub(super) fn written(schema: &Schema, operation: &PlannedOperation) -> Vec<TableId> {
    let table = operation.id.table;
    match &operation.action {
        Action::Relate(relating) => vec![table, holder(schema, table, relating).0],
        _ => vec![table],
    }
}

/// Who holds the foreign key of a to-many relationship, and the to-one relationship that leads back by it.
fn holder(schema: &Schema, table: TableId, relating: &Relating) -> (TableId, RelationshipId) {
    let there = &schema[table][relating.relationship];
    match there.kind {
        RelationshipKind::ManyToMany { through, near, .. } => (through, near),
        _ => (there.target, there.inverse),
    }
}

impl Refusal<'_> {
    /// Where a row is named by the linkage of a to-many relationship.
    pub(super) fn named_at(&self, id: &RowId) -> Option<String> {
        self.plan.operations.iter().rev().find_map(|operation| {
            let (_, place) = operation.members.iter().find(|(row, _)| row == id)?;
            Some(format!("{}{place}", operation.place))
        })
    }

    /// Where the linkage stands of which a row at the other end cannot leave.
    fn linkage_of(&self, table: TableId, back: RelationshipId) -> Option<String> {
        let leads_there = |operation: &&PlannedOperation| match &operation.action {
            Action::Relate(relating) => holder(self.schema(), operation.id.table, relating) == (table, back),
            _ => false,
        };
        self.plan.operations.iter().rev().find(leads_there).map(PlannedOperation::whole)
    }

    /// Of a required foreign key, that is why.
    pub(super) fn unmovable(&self, id: &RowId, relationship: RelationshipId, leaving: bool) -> Error {
        let table = &self.schema()[id.table];
        let there = &table[relationship];
        let text = id.key().map(|key| id::format(table, key)).unwrap_or_default();
        let required = |c: &ColumnId| !table[*c].nullable && !table.key.contains(c);
        let place = self.named_at(id).or_else(|| self.linkage_of(id.table, relationship));
        let error = match leaving && there.columns.iter().any(required) {
            true => {
                let detail = format!(
                    "`{}` `{text}` cannot be without `{}`: give it another, or remove it.",
                    table.name, there.name
                );
                Error::new(ErrorCode::RelationshipRequired, detail)
            }
            false => {
                let detail = format!("`{}` of `{}` `{text}` cannot be changed.", there.name, table.name);
                Error::new(ErrorCode::ReadOnly, detail)
            }
        };
        let error = error.with_meta("type", table.name.clone()).with_meta("id", text);
        match place {
            Some(place) => error.at(place),
            None => error,
        }
    }
}
