//! Rows as expressions see them.

use chrono::NaiveDateTime;
use dialects::Value;
use introspect::{ColumnId, Schema, TableId};

use super::attempt::{Attempt, Found};
use crate::change::{Image, RowId};
use crate::expr::eval::{EvalError, Scope};
use crate::expr::{Event, Place};
use crate::policy::Actor;

/// A row of the attempt, with the rows above it.
pub(super) struct RowScope<'a, 'b> {
    pub(super) attempt: &'b Attempt<'a>,
    pub(super) id: &'b RowId,
    /// The row's own values: as it will be, or as it was when it is removed.
    pub(super) image: &'b Image,
    /// As of when the rows above it are seen.
    pub(super) at: At,
}

/// Which state of rows is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// As the database holds them.
    Before,
    /// As they stand now.
    After,
}

impl Attempt<'_> {
    /// A row as of then, as far as it is known and there.
    pub(super) fn image_at(&self, id: &RowId, at: At) -> Option<&Image> {
        match at {
            At::Before => self.image_before(id),
            At::After => self.image(id),
        }
    }
}

impl RowScope<'_, '_> {
    fn schema(&self) -> &Schema {
        self.attempt.engine.schema
    }

    fn missing(&self, table: TableId, column: ColumnId) -> EvalError {
        let table = &self.schema()[table];
        EvalError::Missing(format!("{}.{}", table.name, table[column].name))
    }
}

impl Scope for RowScope<'_, '_> {
    fn column(&self, place: &Place) -> Result<Value, EvalError> {
        let (mut table, mut image) = (self.id.table, self.image);
        for relationship in &place.path {
            let Some(finder) = self.attempt.parent_finder(table, image, *relationship) else {
                return Ok(Value::Null);
            };
            table = finder.table;
            let above = match self.attempt.found(&finder) {
                Found::Unknown => return Err(self.missing(table, place.column)),
                Found::Absent => None,
                Found::Row(id) => self.attempt.image_at(&id, self.at),
            };
            let Some(above) = above else { return Ok(Value::Null) };
            image = above;
        }
        image.value(place.column).cloned().ok_or_else(|| self.missing(table, place.column))
    }

    fn old(&self, column: ColumnId) -> Result<Value, EvalError> {
        match self.attempt.image_before(self.id) {
            None => Ok(Value::Null),
            Some(image) => image.value(column).cloned().ok_or_else(|| self.missing(self.id.table, column)),
        }
    }

    fn event(&self) -> Event {
        match self.attempt.touched.get(self.id) {
            Some(touched) if touched.before.is_none() => Event::Inserting,
            Some(touched) if touched.after.is_none() => Event::Deleting,
            _ => Event::Updating,
        }
    }

    fn now(&self) -> NaiveDateTime {
        self.attempt.request.now
    }

    fn actor(&self) -> &Actor {
        &self.attempt.request.actor
    }
}
