//! Rows of text from catalogue queries → [`Catalog`].
//!
//! All dialects answer in the same shapes, every column as text, one row per table, column, key column or foreign key column:
//!
//! | query | columns |
//! | --- | --- |
//! | tables | schema, name, in default schema, view, comment, triggers |
//! | columns | schema, table, then what the dialect needs |
//! | keys | schema, table, key name, primary, column (null: the key is over an expression or a prefix) |
//! | indexes | schema, table, index name, column (null: an expression) |
//! | foreign keys | schema, table, name, column, target schema, target table, target column, on delete, on update, deferred; PostgreSQL: kept on delete |

use std::collections::HashMap;

use dialects::sql::TableName;
use dialects::{Cell, Dialect, Param, Pool, Result, Rows, Statement, ValueType};

use super::{Catalog, Column, ForeignKey, OWN_TABLES, Table, Unique};
use crate::schema::Action;

/// A catalogue under construction.
pub(super) struct Assembly {
    dialect: Dialect,
    tables: Vec<Table>,
    positions: HashMap<TableName, usize>,
}

/// One row of an answer.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    rows: &'a Rows,
    row: usize,
}

/// Runs the queries of a `.sql` file.
pub(super) async fn ask(pool: &Pool, sql: &str, widths: &[usize]) -> Result<Vec<Rows>> {
    pool.run(statements(sql, widths, &[])).await
}

/// The queries of a `.sql` file, which ends each with `;` at a line's end; `widths` are their numbers of columns.
pub(super) fn statements(sql: &str, widths: &[usize], params: &[Param]) -> Vec<Statement> {
    let statement = |(text, width): (String, &usize)| Statement {
        text,
        params: params.to_vec(),
        columns: vec![ValueType::Text { length: None }; *width],
    };
    queries(sql).zip(widths).map(statement).collect()
}

/// The queries without the comment lines above them: a driver tells reads by their first word.
fn queries(sql: &str) -> impl Iterator<Item = String> {
    let code =
        |query: &str| query.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
    sql.split(";\n").map(move |query| code(query).trim().to_owned()).filter(|query| !query.is_empty())
}

/// The rows of an answer; none where there is no answer.
pub(super) fn records(answer: Option<&Rows>) -> impl Iterator<Item = Record<'_>> {
    answer.into_iter().flat_map(|rows| (0..rows.len()).map(move |row| Record { rows, row }))
}

impl Record<'_> {
    /// A cell's text.
    pub(super) fn text(&self, column: usize) -> Option<String> {
        match self.rows.cell(self.row, column) {
            Cell::Null => None,
            Cell::Text(text) => Some(text.into_owned()),
            Cell::Int(number) => Some(number.to_string()),
            Cell::Bool(flag) => Some(flag.to_string()),
            Cell::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        }
    }

    /// A cell's text, empty for null.
    pub(super) fn word(&self, column: usize) -> String {
        self.text(column).unwrap_or_default()
    }

    /// A cell's text unless it is empty.
    pub(super) fn comment(&self, column: usize) -> Option<String> {
        self.text(column).filter(|text| !text.is_empty())
    }

    /// A yes or no.
    pub(super) fn flag(&self, column: usize) -> bool {
        matches!(self.word(column).as_str(), "true" | "t" | "1")
    }

    /// A count.
    pub(super) fn number(&self, column: usize) -> Option<u32> {
        self.text(column)?.parse().ok()
    }

    fn table_name(&self, column: usize) -> TableName {
        TableName { schema: self.text(column), name: self.word(column + 1) }
    }
}

impl Assembly {
    /// Starts from the tables.
    pub(super) fn new(dialect: Dialect, tables: Option<&Rows>) -> Self {
        let tables: Vec<Table> = records(tables).map(table).collect();
        let positions = tables.iter().enumerate().map(|(n, table)| (table.name.clone(), n)).collect();
        Self { dialect, tables, positions }
    }

    /// Adds what belongs to the table that a row names, unless that table is left out.
    fn each(&mut self, answer: Option<&Rows>, mut add: impl FnMut(&mut Table, Record<'_>)) {
        for record in records(answer) {
            let position = self.positions.get(&record.table_name(0)).copied();
            if let Some(table) = position.and_then(|n| self.tables.get_mut(n)) {
                add(table, record);
            }
        }
    }

    /// Adds columns, as the dialect reads them.
    pub(super) fn columns(&mut self, answer: Option<&Rows>, read: impl Fn(Record<'_>) -> Column) {
        self.each(answer, |table, record| table.columns.push(read(record)));
    }

    /// Adds primary and unique keys.
    pub(super) fn keys(&mut self, answer: Option<&Rows>) {
        self.each(answer, add_key_column);
        for table in &mut self.tables {
            table.uniques.retain(|unique| !unique.columns.iter().any(String::is_empty));
        }
    }

    /// Adds indexes.
    pub(super) fn indexes(&mut self, answer: Option<&Rows>) {
        let mut last = None;
        self.each(answer, |table, record| {
            let index = Some((record.table_name(0), record.word(2)));
            if last != index {
                table.indexes.push(Vec::new());
                last = index;
            }
            table.indexes.last_mut().into_iter().for_each(|columns| columns.push(record.word(3)));
        });
        for columns in self.tables.iter_mut().flat_map(|table| &mut table.indexes) {
            let whole = columns.iter().take_while(|column| !column.is_empty()).count();
            columns.truncate(whole);
        }
    }

    /// Adds foreign keys.
    pub(super) fn foreign_keys(&mut self, answer: Option<&Rows>) {
        self.each(answer, add_foreign_key_column);
    }

    /// The catalogue, without what has no column that can be read, and without the product's own tables.
    pub(super) fn finish(mut self) -> Catalog {
        let own = |table: &Table| table.in_default_schema && OWN_TABLES.contains(&table.name.name.as_str());
        self.tables.retain(|table| !table.columns.is_empty() && !own(table));
        Catalog { dialect: self.dialect, tables: self.tables }
    }

    /// The tables, for what only one dialect knows.
    pub(super) fn tables_mut(&mut self) -> &mut [Table] {
        &mut self.tables
    }
}

fn table(record: Record<'_>) -> Table {
    Table {
        name: record.table_name(0),
        in_default_schema: record.flag(2),
        view: record.flag(3),
        comment: record.comment(4),
        columns: Vec::new(),
        key: Vec::new(),
        rowid: None,
        uniques: Vec::new(),
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        triggers: record.flag(5),
    }
}

/// A column of a key; the rows of one key follow each other.
fn add_key_column(table: &mut Table, record: Record<'_>) {
    let (name, column) = (record.word(2), record.word(4));
    if record.flag(3) {
        return table.key.push(column);
    }
    match table.uniques.last_mut() {
        Some(unique) if unique.name == name => unique.columns.push(column),
        _ => table.uniques.push(Unique { name, columns: vec![column] }),
    }
}

/// A column of a foreign key; the rows of one foreign key follow each other.
fn add_foreign_key_column(table: &mut Table, record: Record<'_>) {
    let (name, column, target_column) = (record.word(2), record.word(3), record.word(6));
    let kept = record.flag(10).then(|| column.clone());
    match table.foreign_keys.last_mut() {
        Some(key) if key.name == name => {
            key.columns.push(column);
            key.target_columns.push(target_column);
            key.kept_on_delete.extend(kept);
        }
        _ => table.foreign_keys.push(ForeignKey {
            name,
            columns: vec![column],
            target: record.table_name(4),
            target_columns: vec![target_column],
            on_delete: action(&record.word(7)),
            on_update: action(&record.word(8)),
            deferred: record.flag(9),
            kept_on_delete: kept.into_iter().collect(),
        }),
    }
}

/// A foreign key action, in words (`SET NULL`) or in PostgreSQL's letters (`n`).
fn action(word: &str) -> Action {
    match word {
        "r" | "RESTRICT" => Action::Restrict,
        "c" | "CASCADE" => Action::Cascade,
        "n" | "SET NULL" => Action::SetNull,
        "d" | "SET DEFAULT" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_asks_its_queries_one_by_one() {
        let files = [include_str!("postgres.sql"), include_str!("mysql.sql"), include_str!("sqlite.sql")];
        assert_eq!(files.map(|sql| queries(sql).count()), [6, 6, 5]);
    }
}
