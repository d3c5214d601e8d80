//! Where the cells of a resource stand in a row of an answer.

use std::collections::HashMap;

use dialects::{Cell, Rows};
use introspect::{ColumnId, RelationshipId};

use super::cursor::Cursor;

/// The columns of an answer whose rows are resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Place by column of the table, as far as columns were read.
    columns: Vec<Option<usize>>,
    /// Places of the key of a to-one's target, where the row's own columns do not hold it.
    linkage: HashMap<RelationshipId, Vec<usize>>,
    /// Places of the values that an included row shares with the row that it was included for.
    link: Vec<usize>,
    /// Places of the values that a cursor on a row is made of.
    cursor: Vec<usize>,
}

impl Layout {
    /// The layout of an answer that begins with these columns.
    pub fn of(columns: &[ColumnId]) -> Self {
        let width = columns.iter().map(|column| column.0 as usize + 1).max().unwrap_or(0);
        let mut places = vec![None; width];
        for (column, at) in columns.iter().zip(0..) {
            if let Some(place) = places.get_mut(column.0 as usize) {
                *place = Some(at);
            }
        }
        Self { columns: places, ..Self::default() }
    }

    /// Adds the key of a to-one's target.
    pub fn add_linkage(&mut self, relationship: RelationshipId, places: Vec<usize>) {
        self.linkage.insert(relationship, places);
    }

    /// Adds the values shared with the row that this one was included for.
    pub fn add_link(&mut self, places: Vec<usize>) {
        self.link = places;
    }

    /// Adds the values that a cursor on a row is made of.
    pub fn add_cursor(&mut self, places: Vec<usize>) {
        self.cursor = places;
    }

    /// The cursor on a row; nothing where there are none.
    pub fn cursor(&self, rows: &Rows, row: usize) -> Option<Cursor> {
        let values = self.cursor.iter().map(|place| rows.stored(row, *place)).collect();
        (!self.cursor.is_empty()).then_some(Cursor::Row(values))
    }

    /// A cell of a row; null where the column was not read.
    pub fn cell<'a>(&self, rows: &'a Rows, row: usize, column: ColumnId) -> Cell<'a> {
        let place = self.columns.get(column.0 as usize).copied().flatten();
        place.map_or(Cell::Null, |place| rows.cell(row, place))
    }

    /// The cells of the key of a to-one's target, where the row's own columns do not hold it.
    pub fn linkage<'a>(
        &self,
        rows: &'a Rows,
        row: usize,
        relationship: RelationshipId,
    ) -> Option<Vec<Cell<'a>>> {
        let places = self.linkage.get(&relationship)?;
        Some(places.iter().map(|place| rows.cell(row, *place)).collect())
    }

    /// The values shared with the row that this one was included for.
    pub fn link<'a>(&self, rows: &'a Rows, row: usize) -> Vec<Cell<'a>> {
        self.link.iter().map(|place| rows.cell(row, *place)).collect()
    }

    /// Whether rows of this layout are included for others.
    pub fn is_linked(&self) -> bool {
        !self.link.is_empty()
    }
}
