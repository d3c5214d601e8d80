//! The engine's own catalogue, as it is: plain data, names as the database spells them, nothing decided yet.
//!
//! Each dialect asks a few set-based queries (`catalog/*.sql`) whose answers are rows of text in the same shapes, put together by
//! `assemble`. What the connected role cannot read, system tables and what extensions own is left out.

mod assemble;
mod mysql;
mod postgres;
mod sqlite;

pub(crate) use sqlite::rowid_column;

use dialects::sql::{SqlType, TableName};
use dialects::{Dialect, Pool, ValueType};

use crate::schema::{Action, ColumnDefault};

/// Where it is remembered which rules were verified.
pub const VERIFICATIONS: &str = "rulegate_verifications";

/// Where it is kept what was answered to requests that may be repeated.
pub const IDEMPOTENCY: &str = "rulegate_idempotency";

/// The product's own tables, which are no part of anybody's schema.
pub const OWN_TABLES: [&str; 2] = [VERIFICATIONS, IDEMPOTENCY];

/// Everything a database says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    /// What it speaks.
    pub dialect: Dialect,
    /// Its tables and views, in no particular order.
    pub tables: Vec<Table>,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name; PostgreSQL: always with its schema.
    pub name: TableName,
    /// Whether it lives in the connection's default schema.
    pub in_default_schema: bool,
    /// A view, materialized or not.
    pub view: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in key order; empty: none.
    pub key: Vec<String>,
    /// SQLite: the name under which the implicit rowid can be reached, when it is the only key.
    pub rowid: Option<String>,
    /// Unique constraints and indexes over whole columns, without a predicate.
    pub uniques: Vec<Unique>,
    /// The columns of its indexes, keys included, each up to the first that is no whole column; partial ones are left out.
    pub indexes: Vec<Vec<String>>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// It has enabled triggers (or, on PostgreSQL, rewrite rules).
    pub triggers: bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub ty: ValueType,
    /// Its type in the database's words.
    pub sql_type: SqlType,
    /// The words of an enum; empty for other types.
    pub enum_values: Vec<String>,
    /// Texts of other letters may be equal to its own: its collation is not deterministic. (Known of PostgreSQL alone.)
    pub loose: bool,
    /// Whether it can be null.
    pub nullable: bool,
    /// Where its value comes from when nobody gives one.
    pub default: ColumnDefault,
    /// Set anew whenever its row changes.
    pub renewed: bool,
    /// Computed from other columns; the expression's text, empty where the catalogue does not tell it.
    pub generated: Option<String>,
    /// Its comment.
    pub comment: Option<String>,
}

/// A unique constraint or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table it refers to.
    pub target: TableName,
    /// The columns it refers to, pairwise.
    pub target_columns: Vec<String>,
    /// On delete of the row referred to.
    pub on_delete: Action,
    /// On update of the key referred to.
    pub on_update: Action,
    /// Checked at COMMIT.
    pub deferred: bool,
    /// Those of its columns that `set null` and `set default` leave alone.
    pub kept_on_delete: Vec<String>,
}

/// Reads the catalogue of a live database.
pub(crate) async fn read(pool: &Pool) -> Result<Catalog, crate::Error> {
    let catalog = match pool.dialect() {
        Dialect::Postgres => postgres::read(pool).await,
        Dialect::Mysql => mysql::read(pool).await,
        Dialect::Sqlite => sqlite::read(pool).await,
    };
    Ok(catalog?)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use dialects::IntKind;

    /// A table of integer columns, for the tests of this crate.
    pub(crate) fn table(schema: Option<&str>, name: &str, columns: &[&str], key: &[&str]) -> Table {
        Table {
            name: TableName { schema: schema.map(str::to_owned), name: name.to_owned() },
            in_default_schema: schema.is_none_or(|schema| schema == "public"),
            view: false,
            comment: None,
            columns: columns.iter().map(|name| column(name)).collect(),
            key: key.iter().map(|name| (*name).to_owned()).collect(),
            rowid: None,
            uniques: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            triggers: false,
        }
    }

    fn column(name: &str) -> Column {
        Column {
            name: name.to_owned(),
            ty: ValueType::Int(IntKind::I32),
            sql_type: SqlType::scalar("integer"),
            enum_values: Vec::new(),
            loose: false,
            nullable: true,
            default: ColumnDefault::None,
            renewed: false,
            generated: None,
            comment: None,
        }
    }

    impl Table {
        /// Adds a foreign key.
        pub(crate) fn referring(mut self, columns: &[&str], target: &str, target_columns: &[&str]) -> Self {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            self.foreign_keys.push(ForeignKey {
                name: format!("{}_{}_fkey", self.name.name, columns.join("_")),
                columns: owned(columns),
                target: TableName { schema: self.name.schema.clone(), name: target.to_owned() },
                target_columns: owned(target_columns),
                on_delete: Action::NoAction,
                on_update: Action::NoAction,
                deferred: false,
                kept_on_delete: Vec::new(),
            });
            self
        }
    }
}
