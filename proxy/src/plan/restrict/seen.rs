//! Whether somebody may see a row that is at hand, without asking the database.

use chrono::{NaiveDateTime, Utc};
use dialects::Value;
use introspect::{ColumnId, TableId};
use rules::expr::eval::{self, EvalError, Scope};
use rules::expr::{Event, Place};
use rules::policy::{Actor, Rows};

use super::Who;

impl Who {
    /// Whether rows above decide which rows of a table they may see.
    pub fn reads_above(&self, table: TableId) -> bool {
        match self.authority.readable(table) {
            Rows::Where(expr) => expr.places().iter().any(|place| !place.path.is_empty()),
            Rows::All | Rows::None => false,
        }
    }

    /// Whether they may see a row, given in full width. Where rows above decide that, it is not known here, and so not granted.
    pub fn sees(&self, table: TableId, values: &[Value]) -> bool {
        match self.authority.readable(table) {
            Rows::All => true,
            Rows::None => false,
            Rows::Where(expr) => {
                let row = Row { values, actor: &self.actor, now: Utc::now().naive_utc() };
                eval::truth(expr, &row) == Ok(Some(true))
            }
        }
    }
}

/// A row as it stands alone; of one without values nothing can be read.
pub(super) struct Row<'a> {
    pub(super) values: &'a [Value],
    pub(super) actor: &'a Actor,
    pub(super) now: NaiveDateTime,
}

impl Scope for Row<'_> {
    fn column(&self, place: &Place) -> Result<Value, EvalError> {
        let own = self.values.get(place.column.0 as usize).filter(|_| place.path.is_empty());
        own.cloned().ok_or_else(|| EvalError::Missing("a row".into()))
    }

    fn old(&self, _: ColumnId) -> Result<Value, EvalError> {
        Err(EvalError::Missing("the row as it was".into()))
    }

    fn event(&self) -> Event {
        Event::Updating
    }

    fn now(&self) -> NaiveDateTime {
        self.now
    }

    fn actor(&self) -> &Actor {
        self.actor
    }
}
