//! What `check` tells about a [`Schema`] although no file is wrong: what is not served, or not all of it, and what to do.

use std::fmt::Write;

use dialects::{Dialect, ValueType};

use crate::schema::{Column, ColumnId, Schema, Table};

/// One sentence or two for each table that deserves it, in the order of the tables.
pub fn advice(schema: &Schema) -> Vec<String> {
    let of = |table| keyless(table).into_iter().chain(nullable_key(table));
    schema.tables.iter().flat_map(of).chain(inexact(schema)).collect()
}

/// What SQLite does not keep as declared, a sentence each: numbers of more than 15 digits become binary floats there, and moments have
/// several texts.
pub fn inexact(schema: &Schema) -> Vec<String> {
    let wide = |ty| matches!(ty, ValueType::Decimal { precision: Some(digits), .. } if digits > 15);
    let told = |table: &Table, column: &Column| {
        format!(
            "`{}.{}` is declared {}: SQLite keeps 15 digits of it, more are refused.",
            table.name, column.name, column.sql_type.text
        )
    };
    let sqlite = schema.tables.iter().filter(|_| schema.dialect == Dialect::Sqlite);
    let decimals = |t| Table::columns(t).filter(|(_, c)| wide(c.ty)).map(move |(_, c)| told(t, c));
    sqlite.flat_map(|table| decimals(table).chain(moments_in_key(table))).collect()
}

/// Keys are found by the text that SQLite keeps, for the sake of their index.
fn moments_in_key(table: &Table) -> impl Iterator<Item = String> {
    let key = table.key.iter().map(|id| &table[*id]);
    key.filter_map(|column| {
        let form = match column.ty {
            ValueType::Date => "2024-05-01",
            ValueType::Time => "13:45:00",
            ValueType::Timestamp | ValueType::TimestampTz => "2024-05-01 13:45:00",
            _ => return None,
        };
        Some(format!(
            "`{}.{}` is part of the key: SQLite finds its rows only where it is stored in the form {form}.",
            table.name, column.name
        ))
    })
}

fn keyless(table: &Table) -> Option<String> {
    if table.is_resource() {
        return None;
    }
    let mut text = format!("`{}` has no key and is not served. ", table.name);
    let entry = yaml(&table.db.name);
    let _ = match candidate(table) {
        Some(columns) => {
            write!(
                text,
                "In model.yaml, under tables, its unique columns make one: {entry}: {{key: [{}]}}",
                names(table, columns)
            )
        }
        None => write!(
            text,
            "In model.yaml, under tables, name columns that tell its rows apart: {entry}: {{key: [...]}}"
        ),
    };
    Some(text)
}

/// Unique columns that are never null.
fn candidate(table: &Table) -> Option<&[ColumnId]> {
    let solid = |columns: &[ColumnId]| columns.iter().all(|id| !table[*id].nullable);
    table.uniques.iter().map(|unique| unique.columns.as_slice()).find(|columns| solid(columns))
}

fn names(table: &Table, columns: &[ColumnId]) -> String {
    columns.iter().map(|id| yaml(&table[*id].db_name)).collect::<Vec<_>>().join(", ")
}

/// A name as YAML takes it anywhere.
fn yaml(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain { name.to_owned() } else { format!("{name:?}") }
}

/// SQLite lets the columns of a primary key be null.
fn nullable_key(table: &Table) -> Option<String> {
    let column = table.key.iter().map(|id| &table[*id]).find(|column| column.nullable)?;
    let text = format!(
        "`{}.{}` is part of the key and can be null: such rows are not served.",
        table.name, column.name
    );
    (!table.view).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::table;
    use crate::{Catalog, catalog, resolve};

    fn check(table: catalog::Table, expect: &[&str]) {
        let catalog = Catalog { dialect: Dialect::Sqlite, tables: vec![table] };
        assert_eq!(advice(&resolve(&catalog, None).unwrap()), expect);
    }

    #[test]
    fn tables_without_a_key_are_told_how_to_get_one() {
        check(
            table(None, "sales view", &["a"], &[]),
            &[
                "`sales_view` has no key and is not served. In model.yaml, under tables, name columns that tell its rows apart: \
               \"sales view\": {key: [...]}",
            ],
        );
        let mut with_unique = table(None, "codes", &["a", "my code"], &[]);
        with_unique.columns.iter_mut().for_each(|column| column.nullable = false);
        with_unique.uniques.push(catalog::Unique { name: "u".into(), columns: vec!["my code".into()] });
        check(
            with_unique,
            &[
                "`codes` has no key and is not served. In model.yaml, under tables, its unique columns make one: \
               codes: {key: [\"my code\"]}",
            ],
        );
    }

    #[test]
    fn decimals_that_sqlite_does_not_keep_are_told() {
        let mut prices = table(None, "prices", &["id", "price"], &["id"]);
        prices.columns[0].nullable = false;
        prices.columns[1].ty = ValueType::Decimal { precision: Some(18), scale: Some(4) };
        prices.columns[1].sql_type.text = "DECIMAL(18,4)".into();
        check(
            prices,
            &["`prices.price` is declared DECIMAL(18,4): SQLite keeps 15 digits of it, more are refused."],
        );
    }

    #[test]
    fn keys_that_can_be_null_are_told() {
        check(
            table(None, "t", &["a"], &["a"]),
            &["`t.a` is part of the key and can be null: such rows are not served."],
        );
    }
}
