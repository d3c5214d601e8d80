//! SQLite's `sqlite_master` and pragmas → [`Catalog`].
//!
//! The declared type decides what a column holds, though a cell may contradict it. A table without a primary key is reached by its
//! rowid, under whichever of its names no column has taken. The expression of a generated column stands in no pragma.

use std::collections::{HashMap, HashSet};

use dialects::sql::SqlType;
use dialects::{Dialect, IntKind, Param, Pool, Result, Rows, Value, ValueType};

use super::assemble::{self, Assembly, Record};
use super::{Catalog, Column, ForeignKey, Table};
use crate::schema::ColumnDefault;

/// How many columns each query of `sqlite.sql` answers.
const WIDTHS: [usize; 5] = [8, 5, 5, 10, 4];

/// Likewise `sqlite_columns.sql`.
const COLUMN_WIDTH: usize = 8;

/// Reads the main database of the connection.
pub(super) async fn read(pool: &Pool) -> Result<Catalog> {
    let answers = assemble::ask(pool, include_str!("sqlite.sql"), &WIDTHS).await?;
    let mut assembly = Assembly::new(Dialect::Sqlite, answers.first());
    assembly.columns(columns(pool, Value::Null).await?.first(), column);
    for name in fragile(answers.first()) {
        // A view whose tables are gone and a virtual table whose module is missing cannot be read by anybody: they are left out.
        if let Ok(answer) = columns(pool, Value::Text(name)).await {
            assembly.columns(answer.first(), column);
        }
    }
    assembly.keys(answers.get(1));
    assembly.keys(answers.get(2));
    assembly.foreign_keys(answers.get(3));
    assembly.indexes(answers.get(4));
    add_rowids(assembly.tables_mut(), &rowless(answers.first()));
    spell_foreign_keys(assembly.tables_mut());
    Ok(assembly.finish())
}

/// The columns of one table, or (null) of all ordinary ones.
async fn columns(pool: &Pool, table: Value) -> Result<Vec<Rows>> {
    let sql = include_str!("sqlite_columns.sql");
    pool.run(assemble::statements(sql, &[COLUMN_WIDTH], &[Param::One(table)])).await
}

/// Views and virtual tables, one of which would spoil the answer for all.
fn fragile(tables: Option<&Rows>) -> Vec<String> {
    assemble::records(tables)
        .filter(|record| record.word(6) != "table")
        .map(|record| record.word(1))
        .collect()
}

/// Tables without a rowid.
fn rowless(tables: Option<&Rows>) -> HashSet<String> {
    assemble::records(tables).filter(|record| record.flag(7)).map(|record| record.word(1)).collect()
}

fn add_rowids(tables: &mut [Table], rowless: &HashSet<String>) {
    for table in tables.iter_mut().filter(|table| !table.view && table.key.is_empty()) {
        if !rowless.contains(&table.name.name) {
            table.rowid = rowid_name(table);
        }
    }
}

/// The first of the rowid's names that no column has.
fn rowid_name(table: &Table) -> Option<String> {
    let taken = |name: &&str| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken(name)).map(str::to_owned)
}

/// Foreign keys are declared in any case, and without target columns they mean the target's primary key.
fn spell_foreign_keys(tables: &mut [Table]) {
    let by_name: HashMap<String, &Table> =
        tables.iter().map(|t| (t.name.name.to_ascii_lowercase(), t)).collect();
    let spell = |table: &Table| {
        let target = |key: &ForeignKey| by_name.get(&key.target.name.to_ascii_lowercase()).copied();
        let keys = table.foreign_keys.iter();
        keys.filter_map(|key| spelled(table, target(key)?, key)).collect::<Vec<_>>()
    };
    let keys: Vec<Vec<ForeignKey>> = tables.iter().map(spell).collect();
    for (table, keys) in tables.iter_mut().zip(keys) {
        table.foreign_keys = keys;
    }
}

/// A foreign key in the words of the tables at its ends; none when it leads nowhere.
fn spelled(table: &Table, target: &Table, key: &ForeignKey) -> Option<ForeignKey> {
    let columns: Vec<String> =
        key.columns.iter().map(|name| spelled_column(table, name)).collect::<Option<_>>()?;
    let target_columns = match key.target_columns.iter().all(String::is_empty) {
        true => Some(target.key.clone()).filter(|of_target| of_target.len() == columns.len())?,
        false => key.target_columns.iter().map(|name| spelled_column(target, name)).collect::<Option<_>>()?,
    };
    Some(ForeignKey {
        name: format!("{}_{}_fkey", table.name.name, columns.join("_")),
        columns,
        target: target.name.clone(),
        target_columns,
        ..key.clone()
    })
}

fn spelled_column(table: &Table, name: &str) -> Option<String> {
    table
        .columns
        .iter()
        .find(|column| column.name.eq_ignore_ascii_case(name))
        .map(|column| column.name.clone())
}

fn column(record: Record<'_>) -> Column {
    let (declared, rowid) = (record.word(3), record.flag(7));
    Column {
        name: record.word(2),
        ty: value_type(&declared),
        sql_type: SqlType::scalar(declared),
        enum_values: Vec::new(),
        loose: false,
        nullable: !record.flag(4) && !rowid,
        default: if rowid { ColumnDefault::Generated } else { default(record.text(5)) },
        renewed: false,
        generated: matches!(record.word(6).as_str(), "2" | "3").then(String::new),
        comment: None,
    }
}

/// The column that stands for the implicit rowid.
pub(crate) fn rowid_column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        ty: ValueType::Int(IntKind::Dynamic),
        sql_type: SqlType::scalar("INTEGER"),
        enum_values: Vec::new(),
        loose: false,
        nullable: false,
        default: ColumnDefault::Generated,
        renewed: false,
        generated: None,
        comment: None,
    }
}

fn default(text: Option<String>) -> ColumnDefault {
    match text {
        Some(text) if !text.eq_ignore_ascii_case("null") => ColumnDefault::Expression(text),
        _ => ColumnDefault::None,
    }
}

/// What a declared type promises. Types that SQLite's users write are known by name, others by SQLite's own rules of affinity
/// (<https://sqlite.org/datatype3.html>, section 3.1).
fn value_type(declared: &str) -> ValueType {
    let (name, first, second) = split(declared);
    match name.as_str() {
        "BOOLEAN" | "BOOL" => ValueType::Bool,
        "INTEGER" | "INT" => ValueType::Int(IntKind::Dynamic),
        "BIGINT" | "INT8" | "UNSIGNED BIG INT" => ValueType::Int(IntKind::I64),
        "INT4" | "MEDIUMINT" => ValueType::Int(IntKind::I32),
        "SMALLINT" | "TINYINT" | "INT2" => ValueType::Int(IntKind::I16),
        "DECIMAL" | "NUMERIC" | "DEC" | "NUMBER" => {
            ValueType::Decimal { precision: first, scale: first.map(|_| second.unwrap_or(0)) }
        }
        "MONEY" => ValueType::Decimal { precision: None, scale: None },
        "UUID" | "GUID" => ValueType::Uuid,
        "DATE" => ValueType::Date,
        "TIME" => ValueType::Time,
        "DATETIME" | "TIMESTAMP" => ValueType::Timestamp,
        "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => ValueType::TimestampTz,
        "JSON" | "JSONB" => ValueType::Json,
        "BINARY" | "VARBINARY" | "BYTEA" => ValueType::Bytes,
        _ => affinity(&name, first),
    }
}

fn affinity(name: &str, length: Option<u32>) -> ValueType {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["INT"]) {
        ValueType::Int(IntKind::Dynamic)
    } else if has(&["CHAR", "CLOB", "TEXT", "STRING"]) {
        ValueType::Text { length }
    } else if has(&["BLOB"]) {
        ValueType::Bytes
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        ValueType::Float { bits: 64 }
    } else {
        ValueType::Other
    }
}

/// `numeric ( 10, 2 )` → `NUMERIC`, 10, 2.
fn split(declared: &str) -> (String, Option<u32>, Option<u32>) {
    let (name, rest) = declared.split_once('(').unwrap_or((declared, ""));
    let mut numbers = rest.split([',', ')']).map(|number| number.trim().parse().ok());
    let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
    (name.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase(), first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_decide() {
        let text = |length| ValueType::Text { length };
        let decimal = |precision, scale| ValueType::Decimal { precision, scale };
        let cases = [
            ("integer", ValueType::Int(IntKind::Dynamic)),
            ("BIGINT", ValueType::Int(IntKind::I64)),
            ("INT UNSIGNED", ValueType::Int(IntKind::Dynamic)),
            ("numeric ( 10, 2 )", decimal(Some(10), Some(2))),
            ("DECIMAL(8)", decimal(Some(8), Some(0))),
            ("NUMERIC", decimal(None, None)),
            ("double precision", ValueType::Float { bits: 64 }),
            ("NVARCHAR(40)", text(Some(40))),
            ("character varying(9)", text(Some(9))),
            ("CLOB", text(None)),
            ("DATETIME", ValueType::Timestamp),
            ("blob", ValueType::Bytes),
            ("", ValueType::Other),
            ("ANY", ValueType::Other),
        ];
        for (declared, expect) in cases {
            assert_eq!(value_type(declared), expect, "{declared}");
        }
    }
}
