//! The plan of a creation: values from the document, a key from wherever it may come, and nothing required left out.

use dialects::Value;
use introspect::schema::ColumnDefault;
use introspect::{Column, ColumnId, Table, TableId};
use rules::change::{Action, RowId};
use rules::rule::DerivationKind;

use super::PlannedOperation;
use super::assign::Assignments;
use super::new_rows::NewRows;
use crate::jsonapi::document::ResourceDocument;
use crate::jsonapi::{id, shape};
use crate::plan::restrict;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};

pub(super) fn build(
    snapshot: &Snapshot,
    id: RowId,
    document: &ResourceDocument,
    new_rows: &NewRows,
) -> Result<Vec<PlannedOperation>> {
    let mut assignments = Assignments::new(snapshot, id.clone(), true, new_rows);
    assignments.document(document);
    if let Some(client_id) = &document.id {
        self::client_id(snapshot, id.table, client_id, &mut assignments);
    }
    require(snapshot, id.table, &mut assignments);
    let given = assignments.finish()?;
    let operation = PlannedOperation {
        pointers: given.pointers,
        ignored: given.ignored,
        ..PlannedOperation::new(id, Action::Insert(given.values))
    };
    Ok([vec![operation], given.related].concat())
}

/// A client's id: its parts are the key's values, unless the database draws them.
fn client_id(snapshot: &Snapshot, table_id: TableId, id: &str, assignments: &mut Assignments<'_>) {
    let table = &snapshot.schema[table_id];
    if !takes_client_ids(snapshot, table) {
        let detail = format!("The database draws the ids of `{}`: leave `id` out.", table.name);
        return assignments.refuse(Error::new(ErrorCode::ClientIdForbidden, detail).at("/data/id"));
    }
    let Some(key) = id::parse(snapshot.schema.dialect, table, id) else {
        let detail = format!("`{id}` is no id of `{}` in its canonical form.", table.name);
        return assignments.refuse(Error::new(ErrorCode::InvalidValue, detail).at("/data/id").about("id"));
    };
    for (column, value) in table.key.iter().zip(key) {
        match assignments.given().values.get(column) {
            Some(other) if *other != value => {
                let detail =
                    format!("The id says another `{}` than the rest of the document.", table[*column].name);
                return assignments.refuse(Error::new(ErrorCode::IdConflict, detail).at("/data/id"));
            }
            Some(_) => {}
            None => assignments.assign(*column, value, "/data/id".into()),
        }
    }
}

/// Whether clients may choose ids: where the key has no default of the server's; SQLite's integer keys take both.
pub fn takes_client_ids(snapshot: &Snapshot, table: &Table) -> bool {
    let rowid = snapshot.schema.dialect == dialects::Dialect::Sqlite;
    table.key.iter().all(|column| match &table[*column].default {
        ColumnDefault::None => true,
        ColumnDefault::Generated => rowid && !table.rowid_key,
        ColumnDefault::GeneratedAlways | ColumnDefault::Expression(_) => false,
    })
}

/// The columns of a new row that must have a value and get it from nobody but the client.
pub fn required_columns(snapshot: &Snapshot, table: TableId) -> Vec<ColumnId> {
    let preset = restrict::presets(snapshot, table);
    needed_columns(snapshot, table).filter(|column| !preset.contains(column)).collect()
}

/// Likewise, or from what is set in the client's place.
pub fn needed_columns(snapshot: &Snapshot, table_id: TableId) -> impl Iterator<Item = ColumnId> {
    let table = &snapshot.schema[table_id];
    let needed = move |(id, column): &(ColumnId, &Column)| {
        (!column.nullable || table.key.contains(id))
            && column.default == ColumnDefault::None
            && column.generated.is_none()
            && !set_by_rule(snapshot, table_id, *id)
    };
    table.columns().filter(needed).map(|(id, _)| id)
}

fn require(snapshot: &Snapshot, table_id: TableId, assignments: &mut Assignments<'_>) {
    let table = &snapshot.schema[table_id];
    let given = assignments.given();
    let open = |id: &ColumnId| !given.values.contains_key(id) && !given.pointers.contains_key(id);
    let missing: Vec<ColumnId> = required_columns(snapshot, table_id).into_iter().filter(open).collect();
    for column in missing {
        // A member that was given something that does not fit has its error already.
        let names = [table[column].name.as_str(), reference(table, column).unwrap_or_default()];
        if !names.iter().any(|name| assignments.has_error_about(name)) {
            assignments.refuse(required(snapshot, table, column));
        }
    }
}

/// The to-one relationship that a column belongs to.
fn reference(table: &Table, column: ColumnId) -> Option<&str> {
    table.relationships.iter().find(|r| r.to_one() && r.columns.contains(&column)).map(|r| r.name.as_str())
}

/// Whether whoever asks knows the column, or the relationship that it belongs to.
fn may_be_named(snapshot: &Snapshot, table: &Table, column: ColumnId) -> bool {
    let mut leads =
        table.relationships.iter().filter(|r| r.to_one() && r.columns.contains(&column)).peekable();
    let through = leads.peek().is_none() || leads.any(|r| shape::shown(&snapshot.schema, r));
    !table[column].hidden && through
}

fn set_by_rule(snapshot: &Snapshot, table: TableId, column: ColumnId) -> bool {
    snapshot.rules.derivations.iter().any(|d| {
        d.table == table
            && d.column == column
            && d.sets_new()
            && !matches!(&d.kind, DerivationKind::Default(e) if is_null(e))
    })
}

fn is_null(expr: &rules::Expr) -> bool {
    matches!(expr, rules::Expr::Literal(Value::Null))
}

/// The error of a column that must have a value.
pub fn required(snapshot: &Snapshot, table: &Table, column: ColumnId) -> Error {
    let name = &table[column].name;
    if !may_be_named(snapshot, table, column) {
        let detail = format!("`{}` needs a value that is not yours to give.", table.name);
        return Error::new(ErrorCode::Required, detail).at("/data");
    }
    if table.key == [column] {
        let detail = format!("`{}` needs an `id` from the client.", table.name);
        return Error::new(ErrorCode::Required, detail).at("/data").about("id");
    }
    match reference(table, column) {
        Some(relationship) => {
            let detail = format!("The relationship `{relationship}` is required.");
            Error::new(ErrorCode::Required, detail).at("/data").about(relationship)
        }
        None => Error::new(ErrorCode::Required, format!("`{name}` is required.")).at("/data").about(name),
    }
}
