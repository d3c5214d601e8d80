//! New rows that others refer to before the database has drawn their keys.
//!
//! A foreign key that is to point at such a row holds a placeholder, [`Value::Drawn`]: the row and the column of it. The row itself holds the
//! same in that column, so that the two find each other as stored rows do. What turns out to have a value by now (a default that was fetched,
//! what another operation set) takes the placeholder's place at once, the rest when the rows are written.

use dialects::Value;
use dialects::value::Drawn;
use introspect::ColumnId;
use introspect::schema::ColumnDefault;

use super::attempt::Attempt;
use super::rows::Finder;
use crate::change::{Action, Reason, RowId, RowRef};

/// A column that holds a placeholder.
type Reference = (RowId, ColumnId, Drawn);

impl Attempt<'_> {
    /// The new row that a finder leads to.
    pub(super) fn added(&self, finder: &Finder) -> Option<RowId> {
        let named = |id: &&RowId| {
            let image = self.image(id);
            let mut pairs = finder.columns.iter().zip(&finder.values);
            image.is_some_and(|image| pairs.all(|(column, value)| image.value(*column) == Some(value)))
        };
        self.added.get(&finder.table)?.iter().find(named).cloned()
    }

    /// Gives the rows that are referred to their placeholders, and the references what their rows hold by now.
    pub(super) fn settle_references(&mut self) {
        let references = self.references();
        for (_, _, drawn) in &references {
            self.hold_place(*drawn);
        }
        for (id, column, drawn) in references {
            if let Some(value) = self.drawn_value(drawn) {
                self.put(&id, column, value);
            }
        }
    }

    /// All columns that hold a placeholder.
    fn references(&self) -> Vec<Reference> {
        let asked = self.request.operations.iter().any(|operation| match &operation.action {
            Action::Insert(values) | Action::Update(values) => {
                values.values().any(|value| matches!(value, Value::Drawn(_)))
            }
            Action::Relate(relating) => {
                let new = |id: &RowId| matches!(id.row, RowRef::New(_));
                new(&operation.id) || relating.rows.iter().any(new)
            }
            Action::Delete => false,
        });
        let touched = self.touched.iter().filter(|_| asked);
        let of_row = touched.filter_map(|(id, touched)| Some((id, touched.after.as_ref()?)));
        let held = of_row.flat_map(|(id, image)| {
            image.columns().filter_map(move |(column, value)| match value {
                Some(Value::Drawn(drawn)) => Some((id.clone(), column, *drawn)),
                _ => None,
            })
        });
        held.collect()
    }

    /// Puts a placeholder where the database will draw a value.
    fn hold_place(&mut self, drawn: Drawn) {
        let column = ColumnId(drawn.column);
        let Some(id) = self.new_row(drawn.row) else { return };
        if self.image(&id).is_none_or(|image| image.value(column).is_some()) {
            return;
        }
        let schema = self.engine.schema;
        let of = &schema[id.table][column];
        let told = schema.dialect.returning();
        let value = match &of.default {
            ColumnDefault::Generated | ColumnDefault::GeneratedAlways => Some(Value::Drawn(drawn)),
            ColumnDefault::Expression(_) if told => Some(Value::Drawn(drawn)),
            ColumnDefault::None if told && of.generated.is_some() => Some(Value::Drawn(drawn)),
            ColumnDefault::Expression(_) => self.database_default(&id, column),
            ColumnDefault::None => None,
        };
        if let Some(value) = value {
            self.put(&id, column, value);
        }
    }

    /// What a placeholder stands for as things are; `None`: nothing, for the row goes, or has no value there.
    fn drawn_value(&self, drawn: Drawn) -> Option<Value> {
        let mut at = drawn;
        for _ in 0..=self.touched.len() {
            let id = self.new_row(at.row)?;
            match self.image(&id)?.value(ColumnId(at.column))? {
                Value::Null => return None,
                Value::Drawn(next) if *next == at => return Some(Value::Drawn(at)),
                Value::Drawn(next) => at = *next,
                value => return Some(value.clone()),
            }
        }
        None
    }

    /// Whether a finder names a row by what is never drawn.
    pub(super) fn dangles(&self, finder: &Finder) -> bool {
        let lost = |value: &Value| match value {
            Value::Drawn(drawn) => self.drawn_value(*drawn).is_none(),
            _ => false,
        };
        finder.values.iter().any(lost)
    }

    fn new_row(&self, n: u32) -> Option<RowId> {
        self.added.values().flatten().find(|id| id.row == RowRef::New(n)).cloned()
    }

    // ---- what cannot be

    /// Refuses to add a row under the key of one that the same request removes.
    pub(super) fn check_removed_keys(&mut self) {
        for (index, operation) in self.request.operations.iter().enumerate() {
            let Action::Insert(_) = operation.action else { continue };
            let key =
                self.image(&operation.id).and_then(|image| image.key(self.engine.schema, operation.id.table));
            let taken = key.map(|key| RowId::existing(operation.id.table, key));
            if taken.is_some_and(|id| self.removed.contains(&id)) {
                self.violate(operation.id.clone(), Reason::Removed { operation: index });
            }
        }
    }
}
