//! The rows that the operations of a request add, as later operations name them: by local id, or by the key that the client chose.

use std::collections::{BTreeMap, HashMap};

use dialects::Value;
use dialects::value::Drawn;
use introspect::{ColumnId, RelationshipId, TableId};
use rules::change::{Key, RowId};

use crate::state::Snapshot;
use crate::{Error, ErrorCode, Result};

/// The rows added so far.
#[derive(Debug, Default)]
pub(super) struct NewRows {
    by_lid: HashMap<(TableId, String), RowId>,
    by_key: HashMap<(TableId, Key), RowId>,
    values: HashMap<RowId, BTreeMap<ColumnId, Value>>,
}

impl NewRows {
    /// Gives a row a local id, unless another one of its table has it.
    pub(super) fn name(&mut self, id: &RowId, lid: &str) -> bool {
        self.by_lid.insert((id.table, lid.to_owned()), id.clone()).is_none()
    }

    /// Notes what a row is to hold; it has its key when the client gives all of it.
    pub(super) fn add(&mut self, snapshot: &Snapshot, id: &RowId, values: &BTreeMap<ColumnId, Value>) {
        let key: Option<Key> = snapshot.schema[id.table].key.iter().map(|c| values.get(c).cloned()).collect();
        if let Some(key) = key {
            self.by_key.insert((id.table, key), id.clone());
        }
        self.values.insert(id.clone(), values.clone());
    }

    /// The row of a local id.
    pub(super) fn by_lid(&self, table: TableId, lid: &str) -> Option<&RowId> {
        self.by_lid.get(&(table, lid.to_owned()))
    }

    /// The row of a key.
    pub(super) fn by_key(&self, table: TableId, key: &Key) -> Option<&RowId> {
        self.by_key.get(&(table, key.clone()))
    }

    /// Whether a row was given this value when it was added.
    pub(super) fn holds(&self, id: &RowId, column: ColumnId, value: &Value) -> bool {
        self.values.get(id).and_then(|values| values.get(&column)) == Some(value)
    }
}

/// What a foreign key holds that is to lead to the n-th new row: a value for each of the columns it refers to, known when that row is.
pub(super) fn values_of(
    snapshot: &Snapshot,
    table: TableId,
    relationship: RelationshipId,
    n: u32,
) -> Result<Vec<Value>> {
    let relationship = &snapshot.schema[table][relationship];
    let target = &snapshot.schema[relationship.target];
    let ruled = |column: &&ColumnId| {
        snapshot.rules.derivations.iter().any(|d| d.table == relationship.target && d.column == **column)
    };
    match relationship.target_columns.iter().find(ruled) {
        None => {
            let value = |column: &ColumnId| Value::Drawn(Drawn { row: n, column: column.0 });
            Ok(relationship.target_columns.iter().map(value).collect())
        }
        Some(column) => {
            let detail = format!(
                "A rule sets `{}.{}`, to which `{}` refers: a resource of the same request cannot be named by `lid`.",
                target.name, target[*column].name, relationship.name
            );
            Err(Error::new(ErrorCode::Forbidden, detail).into())
        }
    }
}
