//! Tables whose triggers the model file trusts: what was written is read again before the commit, and must stand there as the engine
//! left it.
//!
//! Compared are the columns that rules know of. A trigger may do to the others what it likes.

use dialects::render::render;
use dialects::sql::Query;
use dialects::{Rows, Statement, Value};
use introspect::{Column, ColumnId, TableId};
use rules::change::{Change, Image, Key, RowId};

use super::stage::Stage;
use crate::plan::lower::lookup;
use crate::state::Snapshot;
use crate::{Error, ErrorCode};

/// The written rows of such tables.
pub(super) struct Comparison {
    tables: Vec<(TableId, Vec<Row>)>,
}

/// A row as it must stand there.
struct Row {
    id: RowId,
    /// `None`: the database draws it.
    key: Option<Key>,
    /// `None`: it must be gone.
    after: Option<Image>,
}

impl Comparison {
    /// What is to be compared; `None`: nothing.
    pub(super) fn of(snapshot: &Snapshot, changes: &[Change]) -> Option<Self> {
        let trusted = |change: &&Change| snapshot.schema[change.id.table].triggers_trusted;
        let mut tables: Vec<(TableId, Vec<Row>)> = Vec::new();
        for change in changes.iter().filter(trusted) {
            let table = change.id.table;
            let row =
                Row { id: change.id.clone(), key: change.id.key().cloned(), after: change.after.clone() };
            match tables.iter_mut().find(|(known, _)| *known == table) {
                Some((_, rows)) => rows.push(row),
                None => tables.push((table, vec![row])),
            }
        }
        (!tables.is_empty()).then_some(Self { tables })
    }

    /// Puts what the database has drawn into the new rows, and into those that refer to them.
    pub(super) fn settle(&mut self, snapshot: &Snapshot, stage: &Stage) {
        for (table, row) in
            self.tables.iter_mut().flat_map(|(table, rows)| rows.iter_mut().map(|r| (*table, r)))
        {
            row.after = row.after.as_ref().map(|image| stage.settled(snapshot, &row.id, image));
            let made = || row.after.as_ref()?.key(&snapshot.schema, table);
            row.key = row.key.take().or_else(made);
        }
    }

    /// One query for each table.
    pub(super) fn statements(&self, snapshot: &Snapshot) -> Vec<Statement> {
        let query = |(table, rows): &(TableId, Vec<Row>)| {
            let mut select = lookup::select(&snapshot.schema, *table, snapshot.facts.columns(*table));
            let of = &snapshot.schema[*table];
            let keys = rows.iter().filter_map(|row| row.key.clone()).collect();
            select.filter = Some(lookup::key_is(of, &of.key, keys));
            render(snapshot.schema.dialect, &Query::Select(select))
        };
        self.tables.iter().flat_map(query).collect()
    }

    /// The first row that stands there otherwise than it was written.
    pub(super) fn differs(&self, snapshot: &Snapshot, answers: &[Rows]) -> Option<Error> {
        self.tables.iter().zip(answers).find_map(|((table, rows), found)| {
            rows.iter().find_map(|row| row.differs(snapshot, *table, found))
        })
    }
}

impl Row {
    fn differs(&self, snapshot: &Snapshot, table: TableId, found: &Rows) -> Option<Error> {
        let of = &snapshot.schema[table];
        let columns = snapshot.facts.columns(table);
        let found = (0..found.len()).map(|n| image(of.columns.len(), columns, found.values(n)));
        let found = found.into_iter().find(|image| image.values(&of.key) == self.key);
        match (&self.after, &found) {
            (None, None) => None,
            (Some(after), Some(found)) => {
                let column = columns.iter().find(|c| !same(&of[**c], after.value(**c), found.value(**c)))?;
                let words = format!("{:?}, not {:?}", found.value(*column), after.value(*column));
                Some(refusal(
                    &of.name,
                    &format!("left `{}` otherwise than it was written", of[*column].name),
                    words,
                ))
            }
            (Some(_), None) => Some(refusal(&of.name, "kept a row from being written", String::new())),
            (None, Some(_)) => Some(refusal(&of.name, "kept a row from being removed", String::new())),
        }
    }
}

fn image(width: usize, columns: &[ColumnId], values: Vec<Value>) -> Image {
    let mut image = Image::empty(width);
    columns.iter().zip(values).for_each(|(column, value)| image.set(*column, value));
    image
}

/// Whether a column holds what was written; what the engine does not know is as the database likes. `char(5)` comes back padded, JSON
/// in an order of its own.
fn same(column: &Column, written: Option<&Value>, found: Option<&Value>) -> bool {
    match (written, found) {
        (None, _) => true,
        (Some(Value::Text(written)), Some(Value::Text(found))) if is_padded(column) => {
            written.trim_end_matches(' ') == found.trim_end_matches(' ')
        }
        (Some(Value::Json(_)), Some(Value::Json(_))) => true,
        (written, found) => written == found,
    }
}

fn is_padded(column: &Column) -> bool {
    ["char", "bpchar"].iter().any(|word| column.sql_type.text.split('(').next() == Some(word))
}

fn refusal(table: &str, did: &str, words: String) -> Error {
    let detail = format!("A trigger of `{table}` {did}. Nothing was done.");
    Error::new(ErrorCode::TriggerInterfered, detail).logged(words)
}
