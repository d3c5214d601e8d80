//! INSERT, UPDATE and DELETE of many rows in as few statements as the dialect allows.
//!
//! PostgreSQL takes rows as one array a column (`unnest`), so that the text does not depend on their number. MySQL takes them all in
//! one statement, SQLite updates row by row (a statement costs it next to nothing).

use super::expr::part;
use super::select::types;
use super::{Statement, Writer, mysql, postgres, sqlite};
use crate::sql::{Alias, Delete, Expr, Insert, Item, SqlType, TypedColumn, Update};
use crate::{Dialect, Value};

type UpdateRow = (Vec<Value>, Vec<Value>);

/// Adds rows.
pub(super) fn insert(dialect: Dialect, insert: &Insert) -> Vec<Statement> {
    if insert.columns.is_empty() {
        return insert.rows.iter().map(|_| insert_rows(dialect, insert, &[])).collect();
    }
    let size = chunk_size(dialect, insert.columns.len(), insert.rows.len());
    insert.rows.chunks(size).map(|rows| insert_rows(dialect, insert, rows)).collect()
}

/// Changes rows.
pub(super) fn update(dialect: Dialect, update: &Update) -> Vec<Statement> {
    let size = match dialect {
        Dialect::Sqlite => 1,
        // The key stands once in each CASE and once in the WHERE.
        Dialect::Mysql => {
            let row = (update.key.len() + 1) * (update.set.len() + 1);
            chunk_size(dialect, row, update.rows.len())
        }
        Dialect::Postgres => update.rows.len().max(1),
    };
    update.rows.chunks(size).map(|rows| update_rows(dialect, update, rows)).collect()
}

/// Removes rows.
pub(super) fn delete(dialect: Dialect, delete: &Delete) -> Vec<Statement> {
    let size = chunk_size(dialect, delete.key.len(), delete.rows.len());
    delete.rows.chunks(size).map(|rows| delete_rows(dialect, delete, rows)).collect()
}

/// How many rows of so many placeholders fit one statement, with a tenth left for conditions.
fn chunk_size(dialect: Dialect, placeholders: usize, rows: usize) -> usize {
    let most = match dialect {
        Dialect::Postgres => return rows.max(1),
        Dialect::Mysql => mysql::PLACEHOLDERS_MAX,
        Dialect::Sqlite => sqlite::PLACEHOLDERS_MAX,
    };
    // Lists are padded to a power of two, so half of what fits is safe.
    (most / 2 / placeholders.max(1)).clamp(1, 4096)
}

fn insert_rows(dialect: Dialect, insert: &Insert, rows: &[Vec<Value>]) -> Statement {
    let mut writer = Writer::new(dialect);
    writer.push("insert into ");
    match dialect {
        Dialect::Mysql => writer.table(&insert.table),
        Dialect::Postgres | Dialect::Sqlite => writer.table_as(&insert.table, Alias(0)),
    }
    match rows {
        [] => writer.push(if dialect == Dialect::Mysql { " () values ()" } else { " default values" }),
        _ => writer.insert_values(&insert.columns, rows),
    }
    writer.returning(&insert.returning);
    writer.finish(types(&insert.returning))
}

fn update_rows(dialect: Dialect, update: &Update, rows: &[UpdateRow]) -> Statement {
    let mut writer = Writer::new(dialect);
    writer.push("update ");
    writer.table_as(&update.table, Alias(0));
    writer.push(" set ");
    match (dialect, rows) {
        (_, [row]) => writer.update_one(update, row),
        (Dialect::Postgres, _) => writer.update_unnested(update, rows),
        (Dialect::Mysql | Dialect::Sqlite, _) => writer.update_cases(update, rows),
    }
    writer.guard(update.guard.as_ref());
    writer.returning(&update.returning);
    writer.finish(types(&update.returning))
}

fn delete_rows(dialect: Dialect, delete: &Delete, rows: &[Vec<Value>]) -> Statement {
    let mut writer = Writer::new(dialect);
    writer.push(if dialect == Dialect::Mysql { "delete t0 from " } else { "delete from " });
    writer.table_as(&delete.table, Alias(0));
    writer.push(" where ");
    match rows {
        [key] => writer.key_equals(&delete.key, key),
        _ => writer.key_among(&delete.key, rows),
    }
    writer.guard(delete.guard.as_ref());
    writer.returning(&delete.returning);
    writer.finish(types(&delete.returning))
}

impl Writer {
    fn insert_values(&mut self, columns: &[TypedColumn], rows: &[Vec<Value>]) {
        self.push(" (");
        self.list(columns, ", ", |writer, column| writer.name(&column.name));
        self.push(")");
        if self.dialect == Dialect::Postgres && rows.len() > 1 {
            self.push(" select ");
            let columns: Vec<_> = columns.iter().collect();
            self.unnested_columns(&columns);
            self.push(" from ");
            return self.unnest(&columns, |index| part(rows, index));
        }
        self.push(" values ");
        self.list(rows, ", ", |writer, row| {
            writer.push("(");
            let pairs: Vec<_> = columns.iter().zip(row).collect();
            writer.list(&pairs, ", ", |writer, (column, value)| writer.assigned(value, &column.ty));
            writer.push(")");
        });
    }

    /// A value for a column, which itself settles the type where the dialect can tell.
    fn assigned(&mut self, value: &Value, ty: &SqlType) {
        match self.dialect {
            Dialect::Postgres => self.param(value, Some(ty)),
            Dialect::Mysql => self.value(&mysql::of_column(value, ty)),
            Dialect::Sqlite => self.value(value),
        }
    }

    fn update_one(&mut self, update: &Update, (key, values): &UpdateRow) {
        let pairs: Vec<_> = update.set.iter().zip(values).collect();
        self.list(&pairs, ", ", |writer, (column, value)| {
            writer.name(&column.name);
            writer.push(" = ");
            writer.assigned(value, &column.ty);
        });
        self.push(" where ");
        self.key_equals(&update.key, key);
    }

    /// `set c = v.c1 from unnest($1::int4[], $2::text[]) as v(c0, c1) where t0.k = v.c0`
    fn update_unnested(&mut self, update: &Update, rows: &[UpdateRow]) {
        let columns: Vec<_> = update.key.iter().chain(&update.set).collect();
        let keys = update.key.len();
        let set: Vec<_> = update.set.iter().enumerate().collect();
        self.list(&set, ", ", |writer, (index, column)| {
            writer.name(&column.name);
            writer.push(" = ");
            writer.unnested(keys + index, &column.ty);
        });
        self.push(" from ");
        self.unnest(&columns, |index| {
            let value = |(key, values): &UpdateRow| key.iter().chain(values).nth(index).cloned();
            rows.iter().map(|row| value(row).unwrap_or(Value::Null)).collect()
        });
        self.push(" where ");
        let key: Vec<_> = update.key.iter().enumerate().collect();
        self.list(&key, " and ", |writer, (index, column)| {
            writer.column(Alias(0), &column.name);
            writer.push(" = ");
            writer.unnested(*index, &column.ty);
        });
    }

    fn unnested_columns(&mut self, columns: &[&TypedColumn]) {
        let columns: Vec<_> = columns.iter().enumerate().collect();
        self.list(&columns, ", ", |writer, (index, column)| writer.unnested(*index, &column.ty));
    }

    /// Arrays cannot be elements of an array here (it would be unrolled whole): they travel as text.
    fn unnested(&mut self, index: usize, ty: &SqlType) {
        self.push(&format!("v.c{index}"));
        if ty.array {
            self.cast_suffix(Some(&postgres::parameter_type(ty)), "");
        }
    }

    fn unnest(&mut self, columns: &[&TypedColumn], values: impl Fn(usize) -> Vec<Value>) {
        let text = SqlType::scalar("text");
        let columns: Vec<_> = columns.iter().enumerate().collect();
        self.push("unnest(");
        self.list(&columns, ", ", |writer, (index, column)| {
            writer.array(values(*index), if column.ty.array { &text } else { &column.ty });
        });
        self.push(") as v(");
        self.list(&columns, ", ", |writer, (index, _)| writer.push(&format!("c{index}")));
        self.push(")");
    }

    /// `set a = case when k = ? then ? … end where k in (…)`: every row that is met has a case of its own. An `else a` would mix the
    /// column's character set with the parameters'.
    fn update_cases(&mut self, update: &Update, rows: &[UpdateRow]) {
        let set: Vec<_> = update.set.iter().enumerate().collect();
        self.list(&set, ", ", |writer, (index, column)| {
            writer.name(&column.name);
            writer.push(" = case");
            for (key, values) in rows {
                writer.push(" when ");
                writer.key_equals(&update.key, key);
                writer.push(" then ");
                writer.assigned(values.get(*index).unwrap_or(&Value::Null), &column.ty);
            }
            writer.push(" end");
        });
        let keys: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
        self.push(" where ");
        self.key_among(&update.key, &keys);
    }

    fn key_equals(&mut self, columns: &[TypedColumn], key: &[Value]) {
        let pairs: Vec<_> = columns.iter().zip(key).collect();
        self.list(&pairs, " and ", |writer, (column, value)| {
            writer.column(Alias(0), &column.name);
            writer.push(" = ");
            writer.param(value, Some(&column.ty));
        });
    }

    fn key_among(&mut self, columns: &[TypedColumn], keys: &[Vec<Value>]) {
        let parts: Vec<_> = columns.iter().map(|column| Expr::column(Alias(0), &column.name)).collect();
        let types: Vec<_> = columns.iter().map(|column| column.ty.clone()).collect();
        self.key_member(&parts, &types, keys);
    }

    fn guard(&mut self, guard: Option<&Expr>) {
        if let Some(guard) = guard {
            self.wrapped(" and ", guard, "");
        }
    }

    fn returning(&mut self, items: &[Item]) {
        if items.is_empty() || !self.dialect.returning() {
            return;
        }
        self.push(" returning ");
        self.bare = self.dialect == Dialect::Sqlite;
        self.items(items);
    }
}
