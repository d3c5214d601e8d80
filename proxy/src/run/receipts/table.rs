//! The table of receipts, in the words of each database.

use dialects::sql::{Alias, BinaryOp, Expr, Item, Select, SqlType, TableName, TypedColumn};
use dialects::{Dialect, IntKind, Pool, Value, ValueType};
use introspect::catalog::IDEMPOTENCY;

use super::Key;
use crate::run::own_tables;

/// Columns and their types as parameters.
type Columns<const N: usize> = [(&'static str, &'static str); N];

pub(super) const KEY: Columns<2> = [("actor", "text"), ("idempotency_key", "text")];
pub(super) const CLAIM: Columns<5> =
    [KEY[0], KEY[1], ("fingerprint", "text"), ("whole", "boolean"), ("created_at_s", "bigint")];
pub(super) const ANSWER: Columns<4> =
    [("status", "integer"), ("headers", "text"), ("body", "bytea"), ("whole", "boolean")];

/// Makes the table, where it is not there. Whether it was made.
pub async fn create(pool: &Pool) -> dialects::Result<bool> {
    if own_tables::exists(pool, IDEMPOTENCY).await? {
        return Ok(false);
    }
    let [actor, key, text, bytes] = match pool.dialect() {
        Dialect::Postgres => ["text", "text", "text", "bytea"],
        Dialect::Mysql => [
            "varchar(255) character set utf8mb4 collate utf8mb4_bin",
            "varchar(255) character set ascii collate ascii_bin",
            "text",
            "longblob",
        ],
        Dialect::Sqlite => ["text", "text", "text", "blob"],
    };
    pool.execute_script(&format!(
        "create table {IDEMPOTENCY} (actor {actor} not null, idempotency_key {key} not null, fingerprint {text} not null, \
         status integer, headers {text}, body {bytes}, whole boolean not null, created_at_s bigint not null, \
         primary key (actor, idempotency_key)); \
         create index {IDEMPOTENCY}_by_age on {IDEMPOTENCY} (created_at_s)"
    ))
    .await?;
    Ok(true)
}

pub(super) fn name() -> TableName {
    TableName { schema: None, name: IDEMPOTENCY.to_owned() }
}

pub(super) fn columns(of: &[(&str, &'static str)]) -> Vec<TypedColumn> {
    of.iter().map(|(name, ty)| TypedColumn { name: (*name).to_owned(), ty: SqlType::scalar(*ty) }).collect()
}

pub(super) fn values_of(key: &Key) -> Vec<Value> {
    vec![Value::text(&key.actor), Value::text(&key.key)]
}

/// The row of a key.
pub(super) fn is(key: &Key) -> Expr {
    let equal = |((name, ty), value): (&(&str, &'static str), Value)| {
        Expr::eq(Expr::column(Alias(0), *name), Expr::Param(value, Some(SqlType::scalar(*ty))))
    };
    Expr::And(KEY.iter().zip(values_of(key)).map(equal).collect())
}

/// Fingerprint and answer of all rows.
pub(super) fn select() -> Select {
    let text = ValueType::Text { length: None };
    let items = [
        ("fingerprint", text),
        ("status", ValueType::Int(IntKind::I32)),
        ("headers", text),
        ("body", ValueType::Bytes),
        ("whole", ValueType::Bool),
    ];
    let items = items.map(|(name, ty)| Item { expr: Expr::column(Alias(0), name), ty }).into();
    Select { items, from: Some((name().into(), Alias(0))), ..Select::default() }
}

/// The keys of some rows from before a second.
pub(super) fn old(before_s: i64, rows_max: usize) -> Select {
    let text = ValueType::Text { length: None };
    let items = KEY.map(|(name, _)| Item { expr: Expr::column(Alias(0), name), ty: text }).into();
    let age = Box::new(Expr::column(Alias(0), "created_at_s"));
    let before = Box::new(Expr::Param(Value::Int(before_s), Some(SqlType::scalar("bigint"))));
    Select {
        items,
        filter: Some(Expr::Binary(BinaryOp::Lt, age, before)),
        limit: Some(rows_max as u64),
        ..select()
    }
}
