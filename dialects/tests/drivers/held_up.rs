//! Reads of PostgreSQL share connections, on which one that takes long is in the way of others.

use std::future::Future;
use std::time::Duration;

use dialects::{Dialect, Kind, Options, Pool, Value};
use futures_util::future::join_all;

use super::database::{Database, Held, one_int, options};

const TABLES: &str = "create table t (id int); create table u (id int); insert into u values (7)";

/// Does something while a table is locked as by a migration, and so many read it in vain.
async fn while_locked<F: Future>(pool: &Pool, url: &str, readers: usize, work: F) -> F::Output {
    let other = Pool::open(url, Options::default()).unwrap();
    let (held, reached) = Held::new(vec![super::database::plain("lock table t")]);
    let mut locked = Box::pin(other.transact(held));
    tokio::select! { biased; _ = &mut locked => panic!("it waits"), _ = reached => {} }
    let mut blocked = Box::pin(join_all((0..readers).map(|_| pool.run(vec![one_int("select id from t")]))));
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    let begun =
        async { while other.run(vec![one_int(waiting)]).await.unwrap()[0].values(0) == [Value::Int(0)] {} };
    tokio::select! { _ = &mut blocked => panic!("they wait"), () = begun => {} }
    let done = tokio::select! { _ = &mut blocked => panic!("they wait"), done = work => done };
    locked.await.unwrap().unwrap();
    blocked.await;
    done
}

fn patient(connections_max: usize) -> Options {
    let long = Duration::from_secs(60);
    Options { connections_max, lock_timeout: long, statement_timeout: long, ..options() }
}

async fn read(pool: &Pool) -> Vec<Value> {
    pool.run(vec![one_int("select id from u")]).await.unwrap()[0].values(0)
}

#[tokio::test]
async fn a_table_that_is_locked_holds_up_no_other() {
    let database = Database::with(Dialect::Postgres, TABLES).await;
    let pool = Pool::open(&database.url, patient(16)).unwrap();
    read(&pool).await;
    for readers in [1, 6] {
        while_locked(&pool, &database.url, readers, async {
            // Those who come at once, and those who come when it is known.
            for _ in 0..5 {
                let answers = join_all((0..8).map(|_| read(&pool))).await;
                assert!(answers.iter().all(|answer| *answer == [Value::Int(7)]));
            }
            pool.ping().await.unwrap();
        })
        .await;
    }
    read(&pool).await;
    drop(pool);
    database.drop().await;
}

#[tokio::test]
async fn a_database_all_of_whose_connections_are_blocked_answers() {
    let database = Database::with(Dialect::Postgres, TABLES).await;
    let pool = Pool::open(&database.url, patient(4)).unwrap();
    read(&pool).await;
    while_locked(&pool, &database.url, 2, async {
        while pool.status().busy == 0 {
            tokio::task::yield_now().await;
        }
        pool.ping().await.unwrap();
        // Half of them, at most, are for such reads.
        let refused = pool.run(vec![one_int("select id from u")]).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Exhausted);
    })
    .await;
    read(&pool).await;
    drop(pool);
    database.drop().await;
}
