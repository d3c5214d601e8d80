//! The rows of one answer, decoded cell by cell when they are asked for.

use std::borrow::Cow;

use super::{mysql, postgres, sqlite};
use crate::value::Cell;
use crate::{Value, ValueType};

/// The rows of one answer.
#[derive(Debug, Default)]
pub struct Rows {
    pub(super) columns: Vec<ValueType>,
    pub(super) data: Data,
    pub(super) affected: u64,
    pub(super) last_insert_id: Option<u64>,
}

/// Rows as the driver delivered them.
#[derive(Debug, Default)]
pub(super) enum Data {
    #[default]
    None,
    Postgres(Vec<tokio_postgres::Row>),
    Mysql(Vec<mysql_async::Row>),
    Sqlite(sqlite::Table),
}

impl Rows {
    /// How many rows.
    pub fn len(&self) -> usize {
        match &self.data {
            Data::None => 0,
            Data::Postgres(rows) => rows.len(),
            Data::Mysql(rows) => rows.len(),
            Data::Sqlite(table) => table.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many columns each row has.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// A cell, decoded as the statement's column type says. Out of range: null; undecodable: text, never a panic.
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let Some(ty) = self.columns.get(column).copied() else { return Cell::Null };
        match &self.data {
            Data::None => Cell::Null,
            Data::Postgres(rows) => {
                rows.get(row).map_or(Cell::Null, |row| fit(postgres::decode(row, column), ty))
            }
            Data::Mysql(rows) => {
                let value = rows.get(row).and_then(|row| row.as_ref(column));
                value.map_or(Cell::Null, |value| mysql::decode(value, ty))
            }
            Data::Sqlite(table) => {
                table.cell(row, column).map_or(Cell::Null, |value| sqlite::decode(value, ty))
            }
        }
    }

    /// A whole row, owned.
    pub fn values(&self, row: usize) -> Vec<Value> {
        (0..self.width()).map(|column| self.cell(row, column).into_value()).collect()
    }

    /// A cell as it must be given back for the database to find it equal: what its column promises is left aside. (SQLite's cells keep
    /// their own type, MySQL's floats of 32 bits their binary value.)
    pub fn stored(&self, row: usize, column: usize) -> Value {
        match &self.data {
            Data::None => Value::Null,
            Data::Postgres(rows) => {
                rows.get(row).map_or(Value::Null, |row| postgres::decode(row, column).into_value())
            }
            Data::Mysql(rows) => match rows.get(row).and_then(|row| row.as_ref(column)) {
                Some(mysql_async::Value::Float(float)) => Value::Float(f64::from(*float)),
                _ => self.cell(row, column).into_value(),
            },
            Data::Sqlite(table) => table.cell(row, column).map_or(Value::Null, sqlite::stored),
        }
    }

    /// Keeps the first rows.
    pub fn truncate(&mut self, len: usize) {
        match &mut self.data {
            Data::None => {}
            Data::Postgres(rows) => rows.truncate(len),
            Data::Mysql(rows) => rows.truncate(len),
            Data::Sqlite(table) => table.truncate(len),
        }
    }

    /// The last row becomes the first.
    pub fn reverse(&mut self) {
        match &mut self.data {
            Data::None => {}
            Data::Postgres(rows) => rows.reverse(),
            Data::Mysql(rows) => rows.reverse(),
            Data::Sqlite(table) => table.reverse(),
        }
    }

    /// Adds the rows of another answer of the same columns, from the same database.
    pub fn append(&mut self, other: Self) {
        match (&mut self.data, other.data) {
            (Data::Postgres(rows), Data::Postgres(others)) => rows.extend(others),
            (Data::Mysql(rows), Data::Mysql(others)) => rows.extend(others),
            (Data::Sqlite(rows), Data::Sqlite(others)) => rows.append(others),
            (Data::None, others) => (self.data, self.columns) = (others, other.columns),
            _ => {}
        }
    }

    /// How many rows the statement wrote (an UPDATE: matched, even where nothing changed); for a SELECT, how many it read.
    pub fn affected(&self) -> u64 {
        self.affected
    }

    /// The first key the database generated for this INSERT (MySQL and SQLite).
    pub fn last_insert_id(&self) -> Option<u64> {
        self.last_insert_id
    }
}

/// Makes a cell that was decoded by its own type into what its column promises, where that loses nothing.
pub(super) fn fit(cell: Cell<'_>, ty: ValueType) -> Cell<'_> {
    match (ty, cell) {
        (ValueType::Int(_), Cell::Decimal(digits)) => match digits.parse() {
            Ok(number) => Cell::Int(number),
            Err(_) => Cell::Decimal(digits),
        },
        (ValueType::Decimal { .. }, Cell::Int(number)) => Cell::Decimal(Cow::Owned(number.to_string())),
        (ValueType::Float { .. }, Cell::Int(number)) => Cell::Float(number as f64),
        (ValueType::Float { .. }, Cell::Decimal(digits)) => match digits.parse() {
            Ok(float) => Cell::Float(float),
            Err(_) => Cell::Decimal(digits),
        },
        (ValueType::Bool, Cell::Int(number @ (0 | 1))) => Cell::Bool(number == 1),
        (ValueType::Json, Cell::Text(text)) => Cell::Json(text),
        (ValueType::TimestampTz, Cell::Timestamp(instant)) => Cell::TimestampTz(instant),
        (_, cell) => cell,
    }
}
