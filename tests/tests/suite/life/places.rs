//! Too few descriptors or connections for all who come: they are told to come again, health is answered all the while, and it passes.

use std::time::Duration;

use dialects::Dialect;
use tests::life::caller::{Caller, Failed, Service};
use tests::life::process::{Process, Start};
use tests::server::Reply;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{PROGRAM, project, shop};

/// More than there are descriptors for.
const CLIENTS: usize = 500;

/// How long a probe of Kubernetes waits.
const PROBE: Duration = Duration::from_secs(1);

async fn is_alive(process: &Process) {
    let asked = tokio::time::timeout(PROBE, process.status("/livez")).await;
    assert_eq!(asked, Ok(Some(200)), "{}", process.told());
}

/// Whether it was served; else it must have been told when to come again, or never have been heard.
fn served(answer: Result<Reply, Failed>) -> bool {
    match answer {
        Ok(reply) if reply.status == 200 => true,
        Ok(reply) => {
            assert!(matches!(reply.status, 429 | 503) && reply.header("retry-after").is_some(), "{reply:?}");
            false
        }
        Err(failed) => panic!("{failed:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_too_few_descriptors_clients_wait_or_are_sent_away_and_health_is_answered() {
    for dialect in [Dialect::Postgres, Dialect::Sqlite] {
        let (database, project) = (shop(dialect).await, project(""));
        let start = Start { descriptors: Some(64), ..Start::new(PROGRAM, &project, &database.url) };
        let process = start.ready().await;
        // They ask once, and keep their connections.
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let mut caller = Caller::new(&Service::at(start.api));
            clients.spawn(async move { (caller.ask("GET /api/orders/1", &[], b"").await, caller) });
        }
        let (mut idle, mut answered) = (Vec::new(), 0);
        while let Some(client) = clients.join_next().await {
            let (answer, caller) = client.unwrap();
            answered += usize::from(served(answer));
            idle.push(caller);
            if idle.len().is_multiple_of(50) {
                is_alive(&process).await;
            }
        }
        assert!(answered > 0 && answered < CLIENTS, "{dialect}: {answered}");
        // The idle give way to those who come.
        let begun = std::time::Instant::now();
        while !served(Caller::new(&Service::at(start.api)).ask("GET /api/orders/1", &[], b"").await) {
            assert!(begun.elapsed() < Duration::from_secs(5), "{dialect}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        is_alive(&process).await;
        assert!(!process.told().contains("could not be accepted"), "{}", process.told());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_gives_way_too() {
    let (database, project) = (shop(Dialect::Sqlite).await, project(""));
    let start = Start { descriptors: Some(64), ..Start::new(PROGRAM, &project, &database.url) };
    let process = start.ready().await;
    let mut silent = Vec::new();
    for number in 0..CLIENTS {
        let mut stream = TcpStream::connect(start.api).await.unwrap();
        if number.is_multiple_of(2) {
            stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        }
        silent.push(stream);
    }
    is_alive(&process).await;
    drop(silent);
    let begun = std::time::Instant::now();
    while !served(Caller::new(&Service::at(start.api)).ask("GET /api/orders/1", &[], b"").await) {
        assert!(begun.elapsed() < Duration::from_secs(15));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_silent_on_the_admin_listener_keeps_no_probe_out() {
    let (database, project) = (shop(Dialect::Sqlite).await, project(""));
    let start = Start::new(PROGRAM, &project, &database.url);
    let process = start.ready().await;
    let mut silent = Vec::new();
    for number in 0..200_usize {
        let mut stream = TcpStream::connect(start.admin).await.unwrap();
        // Nothing, half a head, half a body.
        let sent: &[u8] = match number {
            0..10 => b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na",
            _ if number.is_multiple_of(2) => b"GET /livez HTTP/1.1\r\nHo",
            _ => b"",
        };
        stream.write_all(sent).await.unwrap();
        silent.push(stream);
        if [8, 16, 40, 100, 199].contains(&number) {
            is_alive(&process).await;
        }
    }
    is_alive(&process).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_silent_on_the_admin_listener_does_not_stay() {
    let (database, project) = (shop(Dialect::Sqlite).await, project(""));
    let start = Start::new(PROGRAM, &project, &database.url);
    let _process = start.ready().await;
    let mut silent = TcpStream::connect(start.admin).await.unwrap();
    silent.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(8), silent.read_to_end(&mut answer));
    assert!(ended.await.is_ok(), "it is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_all_connections_of_the_database_taken_writes_are_told_to_come_again() {
    let database = shop(Dialect::Postgres).await;
    let project = project("database: {pool: {max: 3, acquire_timeout_ms: 300, lock_timeout_ms: 8000}}");
    let start = Start::new(PROGRAM, &project, &database.url);
    let process = start.ready().await;
    let patch = async || {
        let body = br#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": 2}}}"#;
        let headers = [("Content-Type", "application/vnd.api+json")];
        served(Caller::new(&Service::at(start.api)).ask("PATCH /api/items/1", &headers, body).await)
    };
    // Somebody else holds the row.
    let hold = "begin; select 1 from items where id = 1 for update; select pg_sleep(3); commit";
    let held = async { database.execute(hold).await };
    let crowd = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (written, ()) = tokio::join!(futures_util::future::join_all((0..40).map(|_| patch())), async {
            is_alive(&process).await;
            assert_eq!(process.metric("rulegate_db_pool_connections{state=\"busy\"}").await, Some(2.0));
        });
        assert!(written.iter().filter(|written| !**written).count() >= 38, "{written:?}");
    };
    tokio::join!(held, crowd);
    assert!(patch().await);
    assert_eq!(process.metric("rulegate_db_pool_connections{state=\"busy\"}").await, Some(0.0));
}
