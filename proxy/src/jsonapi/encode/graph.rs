//! The rows of an answer, level by level, and how they hang together.
//!
//! Level 0 is the primary data; every included relationship is a level that hangs on an earlier one. A row may stand on several levels;
//! a document shows it once, with the linkage of all of them.

use std::collections::HashMap;

use dialects::{Cell, Rows, ValueType};
use introspect::{ColumnId, RelationshipId, Schema, TableId};

use super::resource::to_one;
use super::text::text;
use crate::jsonapi::layout::Layout;
use crate::jsonapi::{id, json};
use crate::plan::page::Between;

/// The rows of one statement.
#[derive(Debug)]
pub struct Level {
    /// Their table.
    pub table: TableId,
    /// They.
    pub rows: Rows,
    /// How many of them belong to the answer: a page is read with one row more.
    pub len: usize,
    /// Where their cells stand.
    pub layout: Layout,
    /// The level and the relationship that they are included for; the primary data has none.
    pub parent: Option<(usize, RelationshipId)>,
}

/// All levels of an answer.
#[derive(Debug)]
pub struct Graph<'a> {
    schema: &'a Schema,
    levels: Vec<Level>,
    /// By level: rows by the values that tie them to the rows that they are included for.
    linked: Vec<HashMap<Vec<u8>, Vec<usize>>>,
    /// By level: which resource each of its rows is. Empty where nothing is included.
    rows: Vec<Vec<usize>>,
    resources: Vec<Resource>,
}

/// What one or several rows show.
#[derive(Debug)]
struct Resource {
    id: String,
    /// Where it stands.
    places: Vec<Place>,
}

/// A row of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The level.
    pub level: usize,
    /// The row.
    pub row: usize,
}

impl Level {
    /// A cell of a row.
    pub fn cell(&self, row: usize, column: ColumnId) -> Cell<'_> {
        self.layout.cell(&self.rows, row, column)
    }

    /// The cursor on a row; nothing where it would be too long.
    pub fn cursor(&self, row: usize, between: &Between) -> Option<String> {
        self.layout.cursor(&self.rows, row)?.text(between.order)
    }

    /// The values of some columns of a row as one text; nothing where one of them is null.
    pub fn link_text(&self, row: usize, columns: &[ColumnId]) -> Option<Vec<u8>> {
        link_text(columns.iter().map(|column| self.cell(row, *column)))
    }
}

impl<'a> Graph<'a> {
    /// Ties the levels together.
    pub fn new(schema: &'a Schema, levels: Vec<Level>) -> Self {
        let mut graph =
            Self { schema, linked: Vec::new(), rows: Vec::new(), resources: Vec::new(), levels: Vec::new() };
        if levels.len() > 1 {
            graph.linked = levels.iter().map(linked).collect();
            graph.identify(&levels);
        }
        graph.levels = levels;
        graph
    }

    fn identify(&mut self, levels: &[Level]) {
        let mut known = HashMap::new();
        for (level, rows) in levels.iter().enumerate() {
            let table = &self.schema[rows.table];
            let mut numbers = Vec::with_capacity(rows.len);
            for row in 0..rows.len {
                let id = id::of_cells(table, &|column| rows.cell(row, column));
                let number = *known.entry((rows.table, id.clone())).or_insert(self.resources.len());
                if number == self.resources.len() {
                    self.resources.push(Resource { id, places: Vec::new() });
                }
                if let Some(resource) = self.resources.get_mut(number) {
                    resource.places.push(Place { level, row });
                }
                numbers.push(number);
            }
            self.rows.push(numbers);
        }
    }

    /// The primary data.
    pub fn primary(&self) -> Option<&Level> {
        self.levels.first()
    }

    /// The included resources, each once, none that is primary.
    pub fn included(&self) -> impl Iterator<Item = (&Level, Place)> {
        let places = self
            .levels
            .iter()
            .enumerate()
            .skip(1)
            .flat_map(|(level, rows)| (0..rows.len).map(move |row| (rows, Place { level, row })));
        places.filter(|(_, place)| self.everywhere(*place).first() == Some(place))
    }

    /// Writes the `data` of a relationship that the row's own columns do not tell; false where it is not loaded.
    pub fn linkage(&self, out: &mut Vec<u8>, place: Place, relationship: RelationshipId) -> bool {
        let Some(level) = self.levels.get(place.level) else { return false };
        let of = &self.schema[level.table][relationship];
        if let Some(key) = level.layout.linkage(&level.rows, place.row, relationship) {
            to_one(out, &self.schema[of.target], key);
            return true;
        }
        let Some((parent, below)) = self.below(place, relationship) else { return false };
        let rows = self.rows_below(parent, below, &of.columns);
        out.push(b'[');
        let resources = rows.iter().filter_map(|row| self.resource(Place { level: below, row: *row }));
        for resource in resources {
            json::comma(out);
            identifier(out, &self.schema[of.target].name, &resource.id);
        }
        out.push(b']');
        true
    }

    /// The level that is included for a relationship of a resource, wherever that resource stands.
    fn below(&self, place: Place, relationship: RelationshipId) -> Option<(Place, usize)> {
        self.everywhere(place).iter().find_map(|place| {
            let hangs = |level: &Level| level.parent == Some((place.level, relationship));
            self.levels.iter().position(hangs).map(|below| (*place, below))
        })
    }

    fn rows_below(&self, parent: Place, below: usize, columns: &[ColumnId]) -> &[usize] {
        let link = self.levels.get(parent.level).and_then(|level| level.link_text(parent.row, columns));
        let rows = link.and_then(|link| self.linked.get(below)?.get(&link));
        rows.map_or(&[], Vec::as_slice)
    }

    /// Every place of the resource that stands at a place.
    fn everywhere(&self, place: Place) -> &[Place] {
        self.resource(place).map_or(&[], |resource| &resource.places)
    }

    fn resource(&self, place: Place) -> Option<&Resource> {
        self.resources.get(*self.rows.get(place.level)?.get(place.row)?)
    }
}

fn linked(level: &Level) -> HashMap<Vec<u8>, Vec<usize>> {
    let mut linked: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    if level.layout.is_linked() {
        for row in 0..level.len {
            if let Some(link) = link_text(level.layout.link(&level.rows, row).into_iter()) {
                linked.entry(link).or_default().push(row);
            }
        }
    }
    linked
}

/// Values as one text, by which rows are tied; nothing where one of them is null.
fn link_text<'c>(cells: impl Iterator<Item = Cell<'c>>) -> Option<Vec<u8>> {
    let mut link = Vec::with_capacity(16);
    for cell in cells {
        if matches!(cell, Cell::Null) {
            return None;
        }
        text(&mut link, ValueType::Other, &cell);
        link.push(0x1f);
    }
    Some(link)
}

fn identifier(out: &mut Vec<u8>, ty: &str, id: &str) {
    super::resource::identifier_open(out, ty, id);
    out.push(b'}');
}
