//! Transactions told by scripts.

use dialects::{Dialect, Kind, Step, Value};

use super::database::{ALL, Database, Steps, one_int, plain};

const T: &str = "create table t (id int primary key, qty int)";

async fn count(database: &Database) -> Value {
    let rows = database.pool.run(vec![one_int("select count(*) from t")]).await.unwrap();
    rows[0].values(0).remove(0)
}

#[tokio::test]
async fn a_transaction_commits_whole_or_not_at_all() {
    for dialect in ALL {
        let database = Database::with(dialect, T).await;
        let good = Steps::new(vec![
            Step::Run(vec![plain("insert into t values (1, 1)")]),
            Step::Commit(vec![plain("insert into t values (2, 1)"), plain("update t set qty = 1")]),
        ]);
        let answers = database.pool.transact(good).await.unwrap().unwrap();
        assert_eq!(answers[2][1].affected(), 2, "matched rows count, changed or not");
        let half = Steps::new(vec![
            Step::Run(vec![plain("insert into t values (3, 1)")]),
            Step::Commit(vec![plain("insert into t values (4, 1)"), plain("insert into t values (1, 1)")]),
        ]);
        assert_eq!(database.pool.transact(half).await.unwrap().unwrap_err().kind, Kind::Unique);
        let left = Steps::new(vec![Step::Run(vec![plain("insert into t values (5, 1)")])]);
        database.pool.transact(left).await.unwrap().unwrap();
        assert_eq!(count(&database).await, Value::Int(2), "{dialect}");
        database.drop().await;
    }
}

#[tokio::test]
async fn all_in_one_flush_with_an_error_commits_nothing() {
    let database = Database::with(Dialect::Postgres, T).await;
    let script = Steps::new(vec![Step::Commit(vec![
        plain("insert into t values (1, 1)"),
        plain("select 1 / (1 - 1)"),
        plain("insert into t values (2, 1)"),
    ])]);
    let error = database.pool.transact(script).await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::Data);
    assert_eq!(count(&database).await, Value::Int(0));
    database.drop().await;
}
