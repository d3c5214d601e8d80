//! Every type there and back, alone and among several rows.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use dialects::sql::{
    Alias, Expr, Insert, Item, Order, Query, Select, SqlType, TableName, TypedColumn, Update,
};
use dialects::{AddressKind, Dialect, IntKind, Kind, Result, Value, ValueType, render};

use super::database::Database;

const TEXT: ValueType = ValueType::Text { length: None };

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn numeric(precision: u32, scale: u32) -> ValueType {
    ValueType::Decimal { precision: Some(precision), scale: Some(scale) }
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> NaiveTime {
    text.parse().unwrap()
}

fn stamp(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn table() -> TableName {
    TableName { schema: None, name: "v".into() }
}

fn array(elements: Vec<Value>) -> Value {
    Value::Array(elements)
}

fn column(name: &str, declared: &str) -> TypedColumn {
    TypedColumn { name: name.into(), ty: SqlType { text: declared.into(), array: declared.ends_with("[]") } }
}

/// One row, two rows, then two rows changed at once: rows 1 to 3 hold the value, null and the value.
fn writes(declared: &str, value: &Value) -> [Query; 3] {
    let insert = |rows: Vec<Vec<Value>>| {
        let columns = vec![column("k", "integer"), column("x", declared)];
        Query::Insert(Insert { table: table(), columns, rows, returning: vec![] })
    };
    let update = |rows| Update {
        table: table(),
        key: vec![column("k", "integer")],
        set: vec![column("x", declared)],
        rows,
        guard: None,
        returning: vec![],
    };
    let (one, two, three) = (Value::Int(1), Value::Int(2), Value::Int(3));
    [
        insert(vec![vec![one, value.clone()]]),
        insert(vec![vec![two.clone(), value.clone()], vec![three.clone(), Value::Null]]),
        Query::Update(update(vec![(vec![two], vec![Value::Null]), (vec![three], vec![value.clone()])])),
    ]
}

/// Writes a value in all these ways and reads it back.
async fn round_trip(database: &Database, declared: &str, ty: ValueType, value: Value) -> Result<Vec<Value>> {
    let pool = &database.pool;
    pool.execute_script(&format!("create table v (k int, x {declared})")).await?;
    let mut outcome = Ok(Vec::new());
    for query in writes(declared, &value) {
        if let Err(error) = pool.run(render::render(pool.dialect(), &query)).await {
            outcome = Err(error);
        }
    }
    if outcome.is_ok() {
        let items = vec![Item { expr: Expr::column(Alias(0), "x"), ty }];
        let order = vec![Order { expr: Expr::column(Alias(0), "k"), descending: false, nullable: false }];
        let select = Select { items, order, from: Some((table().into(), Alias(0))), ..Select::default() };
        let rows = pool.run(render::render(pool.dialect(), &Query::Select(select))).await?.remove(0);
        outcome = Ok((0..rows.len()).flat_map(|row| rows.values(row)).collect());
    }
    pool.execute_script("drop table v").await?;
    outcome
}

async fn check(dialect: Dialect, set_up: &str, cases: Vec<(&str, ValueType, Value)>) {
    let database = Database::with(dialect, set_up).await;
    let mut wrong = Vec::new();
    for (declared, ty, value) in cases {
        let expect = vec![value.clone(), Value::Null, value.clone()];
        match round_trip(&database, declared, ty, value).await {
            Ok(values) if values == expect && same_kinds(&values, &expect) => {}
            other => wrong.push(format!("{declared}: {other:?}, not {expect:?}")),
        }
    }
    assert!(wrong.is_empty(), "{dialect}\n{}", wrong.join("\n"));
    database.drop().await;
}

/// `Int(1)` equals `Decimal(1)`; here the difference matters.
fn same_kinds(left: &[Value], right: &[Value]) -> bool {
    left.iter().zip(right).all(|(a, b)| std::mem::discriminant(a) == std::mem::discriminant(b))
}

#[tokio::test]
async fn postgres_keeps_every_value() {
    let int = ValueType::Int(IntKind::I32);
    let set_up = "create type mood as enum ('sad', 'very happy'); create domain short as varchar(5); set time zone 'Asia/Tokyo'";
    check(
        Dialect::Postgres,
        set_up,
        vec![
            ("boolean", ValueType::Bool, Value::Bool(true)),
            ("smallint", ValueType::Int(IntKind::I16), Value::Int(-32768)),
            ("integer", ValueType::Int(IntKind::I32), Value::Int(2147483647)),
            ("bigint", ValueType::Int(IntKind::I64), Value::Int(i64::MIN)),
            ("numeric(38,10)", numeric(38, 10), decimal("1234567890123456789012345678.0123456789")),
            ("numeric(38,10)", numeric(38, 10), decimal("-0.0000000001")),
            ("numeric", numeric(1, 1), decimal("0")),
            ("numeric", numeric(1, 1), Value::text("NaN")),
            ("numeric", numeric(1, 1), Value::text("-Infinity")),
            ("real", ValueType::Float { bits: 32 }, Value::Float(0.1)),
            ("double precision", ValueType::Float { bits: 64 }, Value::Float(1e300)),
            ("double precision", ValueType::Float { bits: 64 }, Value::Float(f64::INFINITY)),
            ("text", TEXT, Value::text("😀 \"quoted\" \\ {,} 'x' null")),
            ("text", TEXT, Value::text("")),
            ("character varying(5)", TEXT, Value::text("ä😀")),
            ("character(5)", TEXT, Value::text("ab")),
            ("short", TEXT, Value::text("abc")),
            ("uuid", ValueType::Uuid, Value::text("0b0e5a3c-91f5-4d1c-8f4e-0123456789ab")),
            ("date", ValueType::Date, Value::Date(date("2024-02-29"))),
            ("date", ValueType::Date, Value::Date(date("-0044-03-15"))),
            ("date", ValueType::Date, Value::text("infinity")),
            ("time", ValueType::Time, Value::Time(time("23:59:59.999999"))),
            ("timestamp", ValueType::Timestamp, Value::Timestamp(stamp("1969-12-31T23:59:59.000001"))),
            (
                "timestamp(3) with time zone",
                ValueType::TimestampTz,
                Value::TimestampTz(stamp("2024-03-31T01:30:00.250")),
            ),
            ("timestamptz", ValueType::TimestampTz, Value::text("-infinity")),
            ("json", ValueType::Json, Value::Json("{\"a\" : 1.0}".into())),
            ("jsonb", ValueType::Json, Value::Json("{\"a\": 1.00}".into())),
            ("bytea", ValueType::Bytes, Value::Bytes(vec![0, 255, 92, 34])),
            ("mood", ValueType::Enum, Value::text("very happy")),
            ("inet", ValueType::Other, Value::text("10.0.0.1/8")),
            ("inet", ValueType::Address(AddressKind::Inet), Value::text("2001:db8::1/64")),
            ("cidr", ValueType::Address(AddressKind::Cidr), Value::text("10.0.0.0/32")),
            ("macaddr", ValueType::Address(AddressKind::Mac), Value::text("08:00:2b:01:02:03")),
            ("macaddr8", ValueType::Address(AddressKind::Mac64), Value::text("08:00:2b:01:02:03:04:05")),
            ("time", ValueType::Time, Value::text("24:00:00")),
            ("timetz", ValueType::TimeTz, Value::text("23:59:59.5-03:30:45")),
            ("interval", ValueType::Interval, Value::text("P-1Y-2M3DT-4H-5M-6.5S")),
            ("bit(3)", ValueType::Bits { length: Some(3), varying: false }, Value::text("101")),
            ("bit varying", ValueType::Bits { length: None, varying: true }, Value::text("1010101010")),
            ("integer[]", int.array(), array(vec![Value::Int(1), Value::Null, Value::Int(3)])),
            ("integer[]", int.array(), array(vec![])),
            (
                "integer[]",
                int.array(),
                array(vec![array(vec![Value::Int(1); 2]), array(vec![Value::Null; 2])]),
            ),
            (
                "text[]",
                TEXT.array(),
                array(["a,b", "\"\\{}'", "NULL", "", "😀"].into_iter().map(Value::text).collect()),
            ),
            ("numeric(5,2)[]", numeric(5, 2).array(), array(vec![decimal("1.50"), decimal("-0.01")])),
            ("mood[]", ValueType::Enum.array(), array(vec![Value::text("very happy"), Value::Null])),
            ("interval[]", ValueType::Interval.array(), array(vec![Value::text("P1M"), Value::text("PT1S")])),
            (
                "int4range[]",
                ValueType::Other.array(),
                array(vec![Value::text("[1,5)"), Value::text("empty")]),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn mysql_keeps_every_value() {
    check(
        Dialect::Mysql,
        "select 1",
        vec![
            ("tinyint(1)", ValueType::Bool, Value::Bool(true)),
            ("bit(1)", ValueType::Bool, Value::Bool(true)),
            ("tinyint", ValueType::Int(IntKind::I8), Value::Int(-128)),
            ("mediumint unsigned", ValueType::Int(IntKind::U24), Value::Int(16_777_215)),
            ("bigint", ValueType::Int(IntKind::I64), Value::Int(i64::MIN)),
            ("bigint unsigned", ValueType::Int(IntKind::U64), decimal("18446744073709551615")),
            ("year", ValueType::Int(IntKind::Year), Value::Int(2024)),
            ("decimal(38,10)", numeric(38, 10), decimal("1234567890123456789012345678.0123456789")),
            ("float", ValueType::Float { bits: 32 }, Value::Float(0.1)),
            ("double", ValueType::Float { bits: 64 }, Value::Float(1e300)),
            ("varchar(50) character set utf8mb4", TEXT, Value::text("😀 \"quoted\" \\ 'x'")),
            ("varchar(5) character set latin1", TEXT, Value::text("äöü")),
            ("uuid", ValueType::Uuid, Value::text("0b0e5a3c-91f5-4d1c-8f4e-0123456789ab")),
            ("date", ValueType::Date, Value::Date(date("2024-02-29"))),
            ("time(6)", ValueType::Time, Value::Time(time("23:59:59.999999"))),
            ("time", ValueType::Time, Value::text("-30:00:01")),
            ("datetime(6)", ValueType::Timestamp, Value::Timestamp(stamp("1969-12-31T23:59:59.000001"))),
            (
                "timestamp(6) null",
                ValueType::TimestampTz,
                Value::TimestampTz(stamp("2024-03-31T01:30:00.250")),
            ),
            ("json", ValueType::Json, Value::Json("{\"a\": 1.0}".into())),
            ("longblob", ValueType::Bytes, Value::Bytes(vec![0, 255, 92, 34])),
            ("enum('sad','happy')", ValueType::Enum, Value::text("happy")),
            ("inet6", ValueType::Address(AddressKind::V6), Value::text("2001:db8::1")),
            ("bit(10)", ValueType::Bits { length: Some(10), varying: false }, Value::text("0000000101")),
            ("bit(64)", ValueType::Bits { length: Some(64), varying: false }, Value::text("1".repeat(64))),
            ("set('red','green')", ValueType::Set, Value::text("red,green")),
        ],
    )
    .await;
}

#[tokio::test]
async fn sqlite_keeps_every_value() {
    check(
        Dialect::Sqlite,
        "select 1",
        vec![
            ("boolean", ValueType::Bool, Value::Bool(true)),
            ("integer", ValueType::Int(IntKind::Dynamic), Value::Int(i64::MIN)),
            ("decimal(15,2)", numeric(15, 2), decimal("9999999999999.99")),
            ("text", numeric(30, 2), decimal("1234567890123456789012345678.01")),
            ("real", ValueType::Float { bits: 64 }, Value::Float(1e300)),
            ("varchar(9)", TEXT, Value::text("😀 \"'")),
            ("date", ValueType::Date, Value::Date(date("2024-02-29"))),
            ("time", ValueType::Time, Value::Time(time("23:59:59.999999"))),
            ("datetime", ValueType::Timestamp, Value::Timestamp(stamp("1969-12-31T23:59:59.000001"))),
            ("timestamptz", ValueType::TimestampTz, Value::TimestampTz(stamp("2024-03-31T01:30:00.250"))),
            ("json", ValueType::Json, Value::Json("{\"a\": 1.0}".into())),
            ("blob", ValueType::Bytes, Value::Bytes(vec![0, 255])),
            ("text", ValueType::Other, Value::text("x")),
        ],
    )
    .await;
}

#[tokio::test]
async fn values_that_a_type_cannot_be_are_data_errors() {
    let cases = [
        (Dialect::Postgres, "integer", Value::text("many")),
        (Dialect::Postgres, "integer", Value::Int(i64::MAX)),
        (Dialect::Postgres, "numeric(4,2)", decimal("12345")),
        (Dialect::Postgres, "uuid", Value::text("no uuid")),
        (Dialect::Postgres, "date", Value::text("soon")),
        (Dialect::Postgres, "character varying(2)", Value::text("long")),
        (Dialect::Postgres, "character(2)", Value::text("long")),
        (Dialect::Postgres, "bit(3)", Value::text("10101")),
        (Dialect::Postgres, "text", Value::text("nul \0 inside")),
        (Dialect::Postgres, "jsonb", Value::Json("{".into())),
        (Dialect::Mysql, "int", Value::text("many")),
        (Dialect::Mysql, "int", Value::Int(i64::MAX)),
        (Dialect::Mysql, "decimal(4,2)", decimal("12345")),
        (Dialect::Mysql, "date", Value::text("soon")),
        (Dialect::Mysql, "varchar(2)", Value::text("long")),
        (Dialect::Mysql, "enum('a')", Value::text("b")),
        (Dialect::Mysql, "double", Value::Float(f64::NAN)),
        (Dialect::Sqlite, "integer primary key", Value::text("many")),
    ];
    for dialect in super::database::ALL {
        let database = Database::new(dialect).await;
        for (_, declared, value) in cases.iter().filter(|case| case.0 == dialect) {
            let error = round_trip(&database, declared, TEXT, value.clone()).await.unwrap_err();
            assert_eq!(error.kind, Kind::Data, "{dialect} {declared}: {error}");
        }
        database.drop().await;
    }
}
