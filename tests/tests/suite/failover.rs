//! A primary that takes no writes any more is left for the one that does, and a server that never takes any is said to be away for writes.

use std::time::{Duration, Instant};

use dialects::{Dialect, Options, Pool};
use tests::Database;
use tests::private::Private;
use tests::server::Server;

use super::replicas::{T, rename, serve};

/// Until it is written, while the health is asked now and then, as by a probe.
async fn written(server: &Server, to: &str) {
    let begin = Instant::now();
    while rename(server, to).await.status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(15), "no write comes through");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _ = server.app.readiness().await;
    }
}

#[tokio::test]
async fn of_two_hosts_the_one_that_takes_writes_gets_them_also_when_they_change_places() {
    let (first, second) = Private::with_replica(T).await;
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", second.port, first.port);
    let server =
        serve(&format!("postgres://postgres@{hosts}/postgres?target_session_attrs=read-write"), &[]).await;
    assert_eq!(rename(&server, "on the first").await.status, 200);
    // The old primary lives on, and its connections too: it only is told to take no writes.
    first.execute("alter system set default_transaction_read_only = on").await;
    first.execute("select pg_reload_conf()").await;
    second.execute("select pg_promote()").await;
    let pool = Pool::open(&first.url("postgres"), Options::default()).unwrap();
    let fenced = "do $$ begin assert current_setting('default_transaction_read_only') = 'on'; end $$";
    while pool.execute_script(fenced).await.is_err() {
        tokio::task::yield_now().await;
    }
    let _ = server.app.readiness().await;
    written(&server, "on the second").await;
    pool.execute_script("do $$ begin assert (select name from items) = 'on the first'; end $$")
        .await
        .unwrap();
    let pool = Pool::open(&second.url("postgres"), Options::default()).unwrap();
    pool.execute_script("do $$ begin assert (select name from items) = 'on the second'; end $$")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_standby_and_a_database_that_is_read_only_are_read_and_their_writes_are_unavailable() {
    let (_primary, standby) = Private::with_replica(T).await;
    standby.execute("select 1").await;
    let read_only = Database::direct(Dialect::Postgres).await;
    read_only.execute(T).await;
    let name = read_only.url.rsplit('/').next().unwrap();
    read_only.execute(&format!("alter database {name} set default_transaction_read_only = on")).await;
    for url in [standby.url("postgres"), read_only.url.clone()] {
        let server = serve(&url, &[]).await;
        for _ in 0..3 {
            rename(&server, "new").await.refused(503, "no-writes");
            assert_eq!(server.ask("GET /api/items/1", &[]).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_connection_says_whose_it_is() {
    let database = Database::direct(Dialect::Postgres).await;
    let options = Options { application_name: "rulegate@shop-7d9f".into(), ..Options::default() };
    for (query, expect) in [("", "rulegate@shop-7d9f"), ("?application_name=mine", "mine")] {
        let pool = Pool::open(&format!("{}{query}", database.url), options.clone()).unwrap();
        let script = format!("do $$ begin assert current_setting('application_name') = '{expect}'; end $$");
        pool.execute_script(&script).await.unwrap();
    }
}
