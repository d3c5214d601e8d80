//! SQL tree → text with placeholders and parameters.
//!
//! The walk over the tree is here and in `render/{select,write,expr,call}.rs`; what the dialects merely *spell* differently
//! is in `render/{postgres,mysql,sqlite}.rs`. Example: a filter on `id` becomes `"t0"."id" = $1::int4` with one
//! parameter, `` `t0`.`id` = ? `` on MySQL.

mod call;
mod expr;
mod mysql;
mod postgres;
mod select;
mod sqlite;
#[cfg(test)]
mod tests;
mod write;

use crate::sql::{Alias, Query, TableName};
use crate::{Dialect, Value, ValueType};

/// One statement, ready for a driver. The text depends on the shape of the tree alone, never on values, so that it
/// can be prepared once. (A LIMIT counts as shape: as a parameter it would keep PostgreSQL from reusing its plan.)
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// SQL with the dialect's placeholders.
    pub text: String,
    /// What they stand for, in order.
    pub params: Vec<Param>,
    /// How the columns of the answer are decoded, in order; empty: no rows are expected.
    pub columns: Vec<ValueType>,
}

impl Statement {
    /// Whether it only reads, as far as its first word tells: running it again does no harm.
    pub fn is_read(&self) -> bool {
        let word = self.text.split(' ').next().unwrap_or_default();
        word.eq_ignore_ascii_case("select") || word.eq_ignore_ascii_case("explain")
    }
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// One value.
    One(Value),
    /// An array of values (PostgreSQL's `= any($1)` and `unnest($1)`).
    Many(Vec<Value>),
}

/// Spells a query in a dialect. Some queries need several statements (SQLite updates row by row; a MySQL insert of
/// rows is one): they are run in order, and their answers are concatenated.
pub fn render(dialect: Dialect, query: &Query) -> Vec<Statement> {
    match query {
        Query::Select(select) => vec![select::statement(dialect, select)],
        Query::Insert(insert) => write::insert(dialect, insert),
        Query::Update(update) => write::update(dialect, update),
        Query::Delete(delete) => write::delete(dialect, delete),
        Query::Advisory(advisory) => match dialect {
            Dialect::Postgres => vec![postgres::advisory(advisory)],
            Dialect::Mysql | Dialect::Sqlite => Vec::new(),
        },
        Query::Explain(select) => select::explanation(dialect, select).into_iter().collect(),
    }
}

/// A statement in the making.
struct Writer {
    dialect: Dialect,
    text: String,
    params: Vec<Param>,
    /// Whether columns of alias 0 are written without it (SQLite's RETURNING knows no alias).
    bare: bool,
}

impl Writer {
    fn new(dialect: Dialect) -> Self {
        Self { dialect, text: String::with_capacity(128), params: Vec::new(), bare: false }
    }

    fn finish(self, columns: Vec<ValueType>) -> Statement {
        Statement { text: self.text, params: self.params, columns }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A quoted name.
    fn name(&mut self, name: &str) {
        let quote = match self.dialect {
            Dialect::Mysql => '`',
            Dialect::Postgres | Dialect::Sqlite => '"',
        };
        self.text.push(quote);
        for c in name.chars() {
            if c == quote {
                self.text.push(quote);
            }
            self.text.push(c);
        }
        self.text.push(quote);
    }

    fn table(&mut self, table: &TableName) {
        if let Some(schema) = &table.schema {
            self.name(schema);
            self.push(".");
        }
        self.name(&table.name);
    }

    fn alias(&mut self, alias: Alias) {
        self.push("t");
        self.push(&alias.0.to_string());
    }

    fn table_as(&mut self, table: &TableName, alias: Alias) {
        self.table(table);
        self.push(" as ");
        self.alias(alias);
    }

    fn column(&mut self, alias: Alias, name: &str) {
        if !(self.bare && alias == Alias(0)) {
            self.alias(alias);
            self.push(".");
        }
        self.name(name);
    }

    /// A placeholder, and the parameter it stands for.
    fn bind(&mut self, param: Param) {
        self.params.push(param);
        match self.dialect {
            Dialect::Postgres => {
                self.push("$");
                let number = self.params.len().to_string();
                self.push(&number);
            }
            Dialect::Mysql | Dialect::Sqlite => self.push("?"),
        }
    }

    fn value(&mut self, value: &Value) {
        self.bind(Param::One(value.clone()));
    }

    /// Each item in turn, separated.
    fn list<T>(&mut self, items: &[T], separator: &str, mut each: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            each(self, item);
        }
    }
}
