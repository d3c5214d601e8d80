//! Transactions told by scripts.

use dialects::{Dialect, Kind, Pool, Result, Rows, Script, Step, Value};

use super::database::{ALL, Database, Steps, one_int, options, plain};

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

#[tokio::test]
async fn a_statement_that_cannot_be_sent_holds_back_the_commit() {
    for dialect in ALL {
        let database = Database::with(dialect, T).await;
        let short = plain(if dialect == Dialect::Postgres { "select $1::int4" } else { "select ?" });
        let script = Steps::new(vec![Step::Commit(vec![plain("insert into t values (1, 1)"), short])]);
        let outcome = database.pool.transact(script).await.unwrap();
        assert!(outcome.is_err(), "{dialect}");
        assert_eq!(count(&database).await, Value::Int(0), "{dialect}");
        database.drop().await;
    }
}

/// A script in SQLite's writer thread that waits there until it is told to go on.
struct Waiting {
    statements: Vec<&'static str>,
    over: bool,
    reached: std::sync::mpsc::Sender<()>,
    go_on: std::sync::mpsc::Receiver<()>,
}

impl Script for Waiting {
    type Output = ();

    fn next(&mut self, answer: Result<Vec<Rows>>) -> Step<()> {
        assert!(answer.is_ok());
        if self.over {
            return Step::Done(());
        }
        match self.statements.pop() {
            Some(statement) => Step::Run(vec![plain(statement)]),
            None => {
                self.reached.send(()).unwrap();
                self.go_on.recv().unwrap();
                self.over = true;
                Step::Commit(vec![])
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_rolls_back_what_nobody_waits_for() {
    let database = Database::with(Dialect::Sqlite, T).await;
    let ((reached, has_reached), (go, go_on)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let script = Waiting { statements: vec!["insert into t values (1, 1)"], over: false, reached, go_on };
    let mut abandoned = Box::pin(database.pool.transact(script));
    let signal = tokio::task::spawn_blocking(move || has_reached.recv().unwrap());
    tokio::select! { biased; _ = &mut abandoned => panic!("it waits"), _ = signal => {} }
    drop(abandoned);
    go.send(()).unwrap();
    let next = Steps::new(vec![Step::Commit(vec![plain("insert into t values (2, 1)")])]);
    database.pool.transact(next).await.unwrap().unwrap();
    assert_eq!(count(&database).await, Value::Int(1));
    database.drop().await;
}

#[tokio::test]
async fn a_panic_in_a_script_rolls_back_and_leaves_the_writer_alive() {
    let database = Database::with(Dialect::Sqlite, T).await;
    let (reached, gone) = std::sync::mpsc::channel();
    drop(gone);
    let (_go, go_on) = std::sync::mpsc::channel();
    let script = Waiting { statements: vec!["insert into t values (1, 1)"], over: false, reached, go_on };
    assert_eq!(database.pool.transact(script).await.unwrap_err().kind, Kind::Other);
    assert_eq!(count(&database).await, Value::Int(0));
    let next = Steps::new(vec![Step::Commit(vec![plain("insert into t values (2, 1)")])]);
    database.pool.transact(next).await.unwrap().unwrap();
    database.drop().await;
}

#[tokio::test]
async fn sqlite_readers_do_not_wait_for_the_writer_and_see_what_is_committed() {
    let database = Database::with(Dialect::Sqlite, T).await;
    let write =
        |id: i32| Steps::new(vec![Step::Commit(vec![plain(&format!("insert into t values ({id}, 1)"))])]);
    for id in 1..50 {
        database.pool.transact(write(id)).await.unwrap().unwrap();
        assert_eq!(count(&database).await, Value::Int(id.into()));
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_writes_to_the_sqlite_file_is_a_conflict() {
    let database = Database::with(Dialect::Sqlite, T).await;
    let other = Pool::open(&database.url, options()).unwrap();
    let ((reached, has_reached), (go, go_on)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let script = Waiting { statements: vec!["insert into t values (1, 1)"], over: false, reached, go_on };
    let holding = tokio::spawn(async move { other.transact(script).await });
    tokio::task::spawn_blocking(move || has_reached.recv().unwrap()).await.unwrap();
    let second = Steps::new(vec![Step::Commit(vec![plain("insert into t values (2, 1)")])]);
    assert_eq!(database.pool.transact(second).await.unwrap().unwrap_err().kind, Kind::Conflict);
    go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    assert_eq!(count(&database).await, Value::Int(1));
    database.drop().await;
}
