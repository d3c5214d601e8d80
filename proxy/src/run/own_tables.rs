//! The product's own tables, which nothing but `rulegate setup` makes.

use dialects::{Dialect, IntKind, Pool, Statement, Value, ValueType};

/// Whether one of them is there.
pub(super) async fn exists(pool: &Pool, table: &str) -> dialects::Result<bool> {
    let text = match pool.dialect() {
        Dialect::Postgres => {
            format!("select count(*) from pg_catalog.pg_class where oid = pg_catalog.to_regclass('{table}')")
        }
        Dialect::Mysql => format!(
            "select count(*) from information_schema.tables where table_schema = database() and table_name = '{table}'"
        ),
        Dialect::Sqlite => {
            format!("select count(*) from sqlite_master where type = 'table' and name = '{table}'")
        }
    };
    let columns = vec![ValueType::Int(IntKind::I64)];
    let answers = pool.run(vec![Statement { text, params: Vec::new(), columns }]).await?;
    Ok(answers.first().map(|rows| rows.cell(0, 0).into_value()) == Some(Value::Int(1)))
}
