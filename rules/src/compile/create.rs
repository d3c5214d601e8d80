//! `insert_parent: true` on an aggregate -> the foreign keys that add the parents they are missing.
//!
//! A foreign key tells the columns that it refers to; a row can only come of them when nothing else of it is required, and when the
//! database does not number these rows itself.

use std::collections::BTreeSet;

use introspect::schema::ColumnDefault;
use introspect::{Column, ColumnId, RelationshipId, TableId};

use super::derive::When;
use super::{Compiler, full_name};
use crate::file::{ColumnRule, Text};
use crate::rule::{Aggregate, Derivation, DerivationKind};

impl Compiler<'_> {
    /// The to-one relationships, with the table of each, whose missing parents come.
    pub(super) fn created(
        &mut self,
        declared: &[(&ColumnRule, Derivation)],
    ) -> BTreeSet<(TableId, RelationshipId)> {
        let mut created = BTreeSet::new();
        for (rule, derivation) in declared {
            match (&rule.insert_parent, &derivation.kind) {
                (None, _) => {}
                (Some(key), DerivationKind::Aggregate(aggregate)) => {
                    self.creatable(key, derivation.table, aggregate);
                    created.insert((aggregate.child, aggregate.parent));
                }
                (Some(key), _) => {
                    let hint = "rows come for their children: it belongs to sum, count, min, max or exists";
                    self.problems.at(key, "only an aggregate can insert parents", hint);
                }
            }
        }
        created
    }

    /// Whether a foreign key tells all that a row of the table needs.
    fn creatable(&mut self, key: &Text, table: TableId, aggregate: &Aggregate) {
        let schema = self.schema;
        let named = &schema[table][aggregate.relationship].columns;
        for (id, column) in schema[table].columns() {
            let name = full_name(schema, (table, id));
            // What a trigger left of a row is read again by its key.
            let read_again = schema[table].triggers_trusted && schema[table].key.contains(&id);
            if (read_again || named.contains(&id)) && !is_given(column) {
                let message = format!("`{name}` is numbered by the database: a foreign key cannot choose it");
                self.problems.at(key, message, "let the foreign key refer to columns that clients give");
            } else if !named.contains(&id) && !self.has_value(table, id) {
                let message = format!("`{name}` is required, and no foreign key tells it");
                let hint = format!("declare what it begins with, under `default`: `{name}: …`");
                self.problems.at(key, message, hint);
            }
        }
    }

    /// Whether a new row has a value for a column, or needs none.
    fn has_value(&self, table: TableId, id: ColumnId) -> bool {
        let column = &self.schema[table][id];
        let of_database = column.default != ColumnDefault::None || column.generated.is_some();
        column.nullable || of_database || self.derived.contains_key(&((table, id), When::New))
    }
}

/// Whether a column takes the values that others give it, and never draws one of its own.
fn is_given(column: &Column) -> bool {
    let drawn = matches!(column.default, ColumnDefault::Generated | ColumnDefault::GeneratedAlways);
    !drawn && column.generated.is_none()
}
