//! Autocommit statements: answers, parameters, errors.

use dialects::{Dialect, Kind, Pool, Value, ValueType};

use super::database::{ALL, Database, one_int, options, plain, statement};

const T: &str = "create table t (id int primary key, name varchar(20) not null, qty int check (qty > 0))";

async fn count(database: &Database) -> Value {
    let rows = database.pool.run(vec![one_int("select count(*) from t")]).await.unwrap();
    rows[0].values(0).remove(0)
}

#[tokio::test]
async fn several_statements_answer_in_order() {
    for dialect in ALL {
        let database = Database::with(dialect, T).await;
        let insert = statement(
            dialect,
            "insert into t values ($1, $2, null)",
            vec![Value::Int(1), Value::text("ä😀")],
            vec![],
        );
        let read = statement(
            dialect,
            "select name, qty, id from t",
            vec![],
            vec![
                ValueType::Text { length: Some(20) },
                ValueType::Int(dialects::IntKind::I32),
                ValueType::Int(dialects::IntKind::I32),
            ],
        );
        let rows = database.pool.run(vec![insert, read]).await.unwrap();
        assert_eq!(rows[0].affected(), 1);
        assert_eq!(rows[1].values(0), [Value::text("ä😀"), Value::Null, Value::Int(1)], "{dialect}");
        database.drop().await;
    }
}

#[tokio::test]
async fn errors_have_kinds_and_names() {
    for dialect in ALL {
        let database = Database::with(dialect, T).await;
        database.pool.run(vec![plain("insert into t values (1, 'a', 1)")]).await.unwrap();
        for (sql, kind) in [
            ("insert into t values (1, 'b', 1)", Kind::Unique),
            ("insert into t values (2, null, 1)", Kind::NotNull),
            ("insert into t values (2, 'b', 0)", Kind::Check),
            ("insert into nowhere values (1)", Kind::Other),
        ] {
            let error = database.pool.run(vec![plain(sql)]).await.unwrap_err();
            assert_eq!(error.kind, kind, "{dialect}: {error}");
        }
        assert_eq!(count(&database).await, Value::Int(1));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable() {
    let pool = Pool::open("postgres://postgres@127.0.0.1:1/x", options()).unwrap();
    assert_eq!(pool.ping().await.unwrap_err().kind, Kind::Unavailable);
    let missing = Pool::open("sqlite:///nowhere/at/all.db", options()).err().unwrap();
    assert_eq!(missing.kind, Kind::Unavailable);
    assert!(missing.detail.contains("mode=rwc"));
}

#[tokio::test]
async fn sqlite_in_memory_is_one_database() {
    let pool = Pool::open("sqlite::memory:", options()).unwrap();
    pool.execute_script("create table t (id integer primary key); insert into t values (7)").await.unwrap();
    let rows = pool.run(vec![one_int("select id from t")]).await.unwrap();
    assert_eq!(rows[0].values(0), [Value::Int(7)]);
    assert_eq!(pool.dialect(), Dialect::Sqlite);
}

#[tokio::test]
async fn what_a_trigger_refuses_is_a_check() {
    for (dialect, trigger) in [
        (
            Dialect::Postgres,
            "create function no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$; \
             create trigger t_no before insert on t for each row execute function no()",
        ),
        (
            Dialect::Mysql,
            "create trigger t_no before insert on t for each row begin signal sqlstate '45000'; end",
        ),
        (Dialect::Sqlite, "create trigger t_no before insert on t begin select raise(abort, 'no'); end"),
    ] {
        let database = Database::with(dialect, &format!("{T}; {trigger}")).await;
        let error = database.pool.run(vec![plain("insert into t values (1, 'a', 1)")]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Check, "{dialect}: {error}");
        database.drop().await;
    }
}

#[tokio::test]
async fn foreign_keys_hold_both_ways() {
    for dialect in ALL {
        let script = "create table p (id int primary key); \
                      create table c (p int not null, constraint c_p foreign key (p) references p (id)); \
                      insert into p values (1); insert into c values (1)";
        let database = Database::with(dialect, script).await;
        for (sql, kind) in
            [("insert into c values (2)", Kind::ForeignKey), ("delete from p", Kind::Referenced)]
        {
            let error = database.pool.run(vec![plain(sql)]).await.unwrap_err();
            // SQLite names nothing, and does not tell the two apart.
            let told = dialect != Dialect::Sqlite;
            assert_eq!(error.kind, if told { kind } else { Kind::ForeignKey }, "{dialect}: {error}");
            let name = told.then_some("c_p");
            assert_eq!(error.constraint.as_deref(), name);
        }
        database.drop().await;
    }
}
