//! Rendered reads and writes of many rows, the same on every database.

use dialects::sql::{
    Advisory, Alias, Delete, Expr, Insert, Item, Lock, Order, Query, Select, SqlType, TableName, TypedColumn,
    Update,
};
use dialects::{Dialect, IntKind, Kind, Result, Rows, Step, Value, ValueType, render};

use super::database::{ALL, Database, Steps, one_int, statement};

const T: &str = "create table t (a int not null, b varchar(3) not null, price numeric(8,2), note varchar(10), primary key (a, b))";
const INT: ValueType = ValueType::Int(IntKind::I32);
const TEXT: ValueType = ValueType::Text { length: None };
const PRICE: ValueType = ValueType::Decimal { precision: Some(8), scale: Some(2) };

fn table() -> TableName {
    TableName { schema: None, name: "t".into() }
}

fn typed(name: &str, ty: &str) -> TypedColumn {
    TypedColumn { name: name.into(), ty: SqlType::scalar(ty) }
}

fn key() -> Vec<TypedColumn> {
    vec![typed("a", "integer"), typed("b", "character varying(3)")]
}

fn item(name: &str, ty: ValueType) -> Item {
    Item { expr: Expr::column(Alias(0), name), ty }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn keys(keys: &[(i64, &str)]) -> Vec<Vec<Value>> {
    keys.iter().map(|(a, b)| vec![Value::Int(*a), Value::text(*b)]).collect()
}

async fn run(database: &Database, query: Query) -> Result<Vec<Rows>> {
    database.pool.run(render::render(database.pool.dialect(), &query)).await
}

/// The whole table, in order of its key.
async fn content(database: &Database) -> Vec<Vec<Value>> {
    let select = Select {
        items: vec![item("a", INT), item("b", TEXT), item("price", PRICE), item("note", TEXT)],
        from: Some((table().into(), Alias(0))),
        order: ["a", "b"]
            .map(|name| Order { expr: Expr::column(Alias(0), name), descending: false, nullable: false })
            .into(),
        ..Select::default()
    };
    let rows = run(database, Query::Select(select)).await.unwrap().remove(0);
    (0..rows.len()).map(|row| rows.values(row)).collect()
}

fn row(a: i64, b: &str, price: &str, note: &str) -> Vec<Value> {
    vec![Value::Int(a), Value::text(b), decimal(price), Value::text(note)]
}

async fn filled(dialect: Dialect) -> Database {
    let database = Database::with(dialect, T).await;
    let insert = Insert {
        table: table(),
        columns: [key(), vec![typed("price", "numeric(8,2)"), typed("note", "character varying(10)")]]
            .concat(),
        rows: vec![
            row(1, "x", "1.50", "one"),
            row(1, "y", "2", "it's \"two\""),
            row(2, "x", "3.25", "\\{,}"),
        ],
        returning: if dialect.returning() { vec![item("a", INT)] } else { vec![] },
    };
    let rows = run(&database, Query::Insert(insert)).await.unwrap();
    if dialect.returning() {
        let keys: Vec<_> =
            rows.iter().flat_map(|rows| (0..rows.len()).map(|row| rows.values(row).remove(0))).collect();
        assert_eq!(keys, [Value::Int(1), Value::Int(1), Value::Int(2)]);
    }
    database
}

#[tokio::test]
async fn rows_are_inserted_updated_and_deleted_together() {
    for dialect in ALL {
        let database = filled(dialect).await;
        let update = Update {
            table: table(),
            key: key(),
            set: vec![typed("price", "numeric(8,2)"), typed("note", "character varying(10)")],
            rows: vec![
                (keys(&[(1, "x")]).remove(0), vec![decimal("10.05"), Value::Null]),
                (keys(&[(2, "x")]).remove(0), vec![Value::Null, Value::text("ä😀")]),
            ],
            guard: Some(Expr::IsNull(Box::new(Expr::column(Alias(0), "b")), false)),
            returning: vec![],
        };
        let affected: u64 =
            run(&database, Query::Update(update)).await.unwrap().iter().map(Rows::affected).sum();
        assert_eq!(affected, 2);
        let expect = [
            vec![Value::Int(1), Value::text("x"), decimal("10.05"), Value::Null],
            row(1, "y", "2", "it's \"two\""),
            vec![Value::Int(2), Value::text("x"), Value::Null, Value::text("ä😀")],
        ];
        assert_eq!(content(&database).await, expect, "{dialect}");
        let delete = Delete {
            table: table(),
            key: key(),
            rows: keys(&[(1, "x"), (2, "x"), (9, "x")]),
            guard: None,
            returning: vec![],
        };
        assert_eq!(run(&database, Query::Delete(delete)).await.unwrap()[0].affected(), 2);
        assert_eq!(content(&database).await, [row(1, "y", "2", "it's \"two\"")]);
        database.drop().await;
    }
}

#[tokio::test]
async fn one_row_is_updated_and_deleted_under_a_guard() {
    for dialect in ALL {
        let database = filled(dialect).await;
        let guard = |note: &str| {
            let param = Expr::Param(Value::text(note), Some(SqlType::scalar("character varying(10)")));
            Some(Expr::eq(Expr::Exact(Box::new(Expr::column(Alias(0), "note"))), param))
        };
        for (note, expect) in [("One", 0), ("one", 1)] {
            let update = Update {
                table: table(),
                key: key(),
                set: vec![typed("price", "numeric(8,2)")],
                rows: vec![(keys(&[(1, "x")]).remove(0), vec![decimal("7")])],
                guard: guard(note),
                returning: if dialect.returning() { vec![item("price", PRICE)] } else { vec![] },
            };
            let rows = run(&database, Query::Update(update)).await.unwrap();
            assert_eq!(rows[0].affected(), expect, "{dialect}");
            if dialect.returning() && expect == 1 {
                assert_eq!(rows[0].values(0), [decimal("7")]);
            }
            let delete = Delete {
                table: table(),
                key: key(),
                rows: keys(&[(2, "x")]),
                guard: guard(note),
                returning: vec![],
            };
            assert_eq!(run(&database, Query::Delete(delete)).await.unwrap()[0].affected(), 0);
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn text_that_is_too_long_is_refused_not_cut() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let database = filled(dialect).await;
        for rows in [vec![row(5, "long", "1", "n")], vec![row(5, "long", "1", "n"), row(6, "b", "1", "n")]] {
            let columns =
                [key(), vec![typed("price", "numeric(8,2)"), typed("note", "character varying(10)")]]
                    .concat();
            let insert = Insert { table: table(), columns, rows, returning: vec![] };
            assert_eq!(
                run(&database, Query::Insert(insert)).await.unwrap_err().kind,
                Kind::Data,
                "{dialect}"
            );
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn nulls_come_last_ascending_and_first_descending() {
    for dialect in ALL {
        let database =
            Database::with(dialect, "create table n (v int); insert into n values (2), (null), (1)").await;
        for (descending, offset, expect) in [
            (false, None, vec![Value::Int(1), Value::Int(2), Value::Null]),
            (true, None, vec![Value::Null, Value::Int(2), Value::Int(1)]),
            (false, Some(1), vec![Value::Int(2), Value::Null]),
        ] {
            let select = Select {
                items: vec![item("v", INT)],
                from: Some((TableName { schema: None, name: "n".into() }.into(), Alias(0))),
                order: vec![Order { expr: Expr::column(Alias(0), "v"), descending, nullable: true }],
                offset,
                ..Select::default()
            };
            let rows = run(&database, Query::Select(select)).await.unwrap().remove(0);
            let values: Vec<_> = (0..rows.len()).flat_map(|row| rows.values(row)).collect();
            assert_eq!(values, expect, "{dialect}");
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn keys_are_found_by_lists_of_any_length() {
    for dialect in ALL {
        let database = filled(dialect).await;
        let types = vec![SqlType::scalar("integer"), SqlType::scalar("character varying(3)")];
        let parts = vec![Expr::column(Alias(0), "a"), Expr::column(Alias(0), "b")];
        for (filter, expect) in [
            (Expr::KeyIn(parts.clone(), types.clone(), keys(&[(1, "x"), (2, "y"), (2, "x")])), 2),
            (Expr::KeyIn(parts.clone(), types.clone(), vec![]), 0),
            (
                Expr::In(
                    Box::new(parts[0].clone()),
                    vec![Value::Int(1), Value::Int(7), Value::Int(8)],
                    types[0].clone(),
                ),
                2,
            ),
            (
                Expr::In(
                    Box::new(Expr::Exact(Box::new(parts[1].clone()))),
                    vec![Value::text("X"), Value::text("y ")],
                    types[1].clone(),
                ),
                0,
            ),
            (
                Expr::In(
                    Box::new(Expr::Exact(Box::new(parts[1].clone()))),
                    vec![Value::text("x")],
                    types[1].clone(),
                ),
                2,
            ),
            (Expr::InExprs(Box::new(parts[0].clone()), vec![Expr::Number(2), Expr::Number(-1)]), 1),
        ] {
            let select = Select {
                items: vec![item("a", INT)],
                from: Some((table().into(), Alias(0))),
                filter: Some(filter.clone()),
                lock: Some(Lock::NoKeyUpdate),
                ..Select::default()
            };
            let rows = run(&database, Query::Select(select)).await.unwrap().remove(0);
            assert_eq!(rows.len(), expect, "{dialect}: {filter:?}");
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn advisory_locks_are_postgres_alone_and_taken_in_both_modes_at_once() {
    let locks =
        |dialect| render::render(dialect, &Query::Advisory(Advisory { locks: vec![(3, true), (-1, false)] }));
    assert_eq!(ALL.map(|dialect| locks(dialect).len()), ALL.map(|d| usize::from(d == Dialect::Postgres)));
    let database = Database::new(Dialect::Postgres).await;
    let held = |mode: &str| {
        let own = "pid = pg_backend_pid() and locktype = 'advisory'";
        one_int(&format!("select count(*) from pg_locks where {own} and mode = '{mode}'"))
    };
    let mut statements = locks(Dialect::Postgres);
    statements.extend([held("ExclusiveLock"), held("ShareLock")]);
    let answers = database.pool.transact(Steps::new(vec![Step::Commit(statements)])).await.unwrap().unwrap();
    assert_eq!([1, 2].map(|n| answers[1][n].values(0)), [[Value::Int(1)], [Value::Int(1)]]);
    database.drop().await;
}

#[tokio::test]
async fn a_row_of_defaults_is_inserted() {
    for dialect in ALL {
        let database = Database::with(dialect, "create table d (v int default 7)").await;
        let table = TableName { schema: None, name: "d".into() };
        let insert =
            Insert { table: table.clone(), columns: vec![], rows: vec![vec![], vec![]], returning: vec![] };
        run(&database, Query::Insert(insert)).await.unwrap();
        let sum = Expr::Call(dialects::sql::Function::Sum, vec![Expr::column(Alias(0), "v")]);
        let select = Select {
            items: vec![Item { expr: sum, ty: INT }],
            from: Some((table.into(), Alias(0))),
            ..Select::default()
        };
        assert_eq!(
            run(&database, Query::Select(select)).await.unwrap()[0].values(0),
            [Value::Int(14)],
            "{dialect}"
        );
        database.drop().await;
    }
}

#[tokio::test]
async fn text_in_an_old_character_set_is_updated_in_many_rows_at_once() {
    let database = Database::with(
        Dialect::Mysql,
        "create table t (k varchar(5) character set latin1 primary key, a varchar(5) character set latin1);
         insert into t values ('ä', 'x'), ('ö', 'y')",
    )
    .await;
    let typed = |name: &str| typed(name, "varchar(5)");
    let update = Update {
        table: table(),
        key: vec![typed("k")],
        set: vec![typed("a")],
        rows: vec![
            (vec![Value::text("ä")], vec![Value::text("é")]),
            (vec![Value::text("ö")], vec![Value::Null]),
        ],
        guard: None,
        returning: vec![],
    };
    run(&database, Query::Update(update)).await.unwrap();
    let text = ValueType::Text { length: None };
    let read = statement(Dialect::Mysql, "select a from t order by a is null", vec![], vec![text]);
    let rows = database.pool.run(vec![read]).await.unwrap().remove(0);
    assert_eq!([rows.values(0), rows.values(1)], [vec![Value::text("é")], vec![Value::Null]]);
    database.drop().await;
}
