//! A database that goes and comes back, or does nothing for a while: clients are told at once to come again, it is served again by itself, and no
//! connection is left behind.

use std::time::{Duration, Instant};

use dialects::Dialect;
use tests::Database;
use tests::life::caller::{Caller, Service};
use tests::life::folder::Folder;
use tests::life::load::{Load, Sample, failures, p99};
use tests::life::process::{Process, Start};
use tests::life::soak;
use tests::private::Private;

use super::{PROGRAM, fill, project};

const CLIENTS: usize = 10;
const PACE: Duration = Duration::from_millis(50);

const POOL: usize = 8;
const ACQUIRE: Duration = Duration::from_millis(500);
const STATEMENT: Duration = Duration::from_millis(1500);

const CONFIGURATION: &str =
    "database: {pool: {max: 8, acquire_timeout_ms: 500, statement_timeout_ms: 1500, lock_timeout_ms: 1000}}";

/// How long it takes at most until it is served again.
const RECOVERY: Duration = Duration::from_secs(5);

/// How long it is away.
fn while_away() -> Duration {
    Duration::from_secs(if soak() { 15 } else { 3 })
}

/// A server of its own with the shop in it.
async fn server(dialect: Dialect) -> (Private, Database) {
    let mut server = Private::new(dialect);
    server.start().await;
    server.execute("create database shop").await;
    let database = Database::foreign(&server.url("shop"));
    fill(&database).await;
    (server, database)
}

/// What was asked from one moment until another.
fn between(samples: &[Sample], from: Instant, until: Instant) -> Vec<Sample> {
    samples.iter().filter(|sample| sample.at >= from && sample.at < until).cloned().collect()
}

/// That it is served again in time, for good: all that is asked from then on.
fn recovered(samples: &[Sample], back: Instant) {
    let late = between(samples, back + RECOVERY, Instant::now());
    assert!(late.len() > CLIENTS, "{}", late.len());
    assert_eq!(failures(&late), [""; 0]);
}

/// That nobody was answered anything but "come again", and when.
fn refused(samples: &[Sample]) {
    for sample in samples.iter().filter(|sample| !sample.is_served()) {
        assert_eq!(sample.answer, Ok((503, true)), "{}", sample.words);
    }
}

/// That no more connections are open than there may be, and none is taken.
async fn nothing_leaks(process: &Process, database: &Database) {
    assert_eq!(process.metric("rulegate_db_pool_connections{state=\"busy\"}").await, Some(0.0));
    let count = match database.dialect() {
        Dialect::Postgres => {
            "select count(*) from pg_stat_activity where datname = 'shop' and pid <> pg_backend_pid()"
        }
        _ => {
            "select count(*) from information_schema.processlist where db = 'shop' and id <> connection_id()"
        }
    };
    let open: usize = database.rows(count, 1).await[0][0].parse().unwrap();
    // The one that listens, and the other one of this test.
    assert!(open <= POOL + 2, "{open}");
}

async fn start(server: &Private) -> (Folder, Start) {
    let project = project(CONFIGURATION);
    let start = Start::new(PROGRAM, &project, &server.url("shop"));
    (project, start)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_clients_are_told_at_once_and_when_it_is_back_they_are_served() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let (mut server, database) = server(dialect).await;
        let (_project, start) = start(&server).await;
        let process = start.ready().await;
        let load = Load::start(CLIENTS, PACE, &Service::at(start.api)).await;
        tokio::time::sleep(PACE * 10).await;
        let gone = Instant::now();
        server.stop();
        let away = Instant::now();
        tokio::time::sleep(while_away()).await;
        assert_eq!(process.status("/livez").await, Some(200));
        assert_eq!(process.status("/readyz").await, Some(503));
        let returns = Instant::now();
        server.start().await;
        let back = Instant::now();
        tokio::time::sleep(RECOVERY + PACE * 10).await;
        let samples = load.end().await;
        refused(&samples);
        let meanwhile = between(&samples, away, returns);
        assert!(meanwhile.len() > CLIENTS && meanwhile.iter().all(|sample| !sample.is_served()));
        let slowest = p99(between(&samples, gone, returns).iter());
        assert!(slowest < ACQUIRE + Duration::from_secs(1), "{dialect}: {slowest:?}");
        recovered(&samples, back);
        nothing_leaks(&process, &database).await;
        database.pool.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_nothing_for_a_while_holds_clients_no_longer_than_a_statement_may_take() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let (server, database) = server(dialect).await;
        let (_project, start) = start(&server).await;
        let process = start.ready().await;
        let load = Load::start(CLIENTS, PACE, &Service::at(start.api)).await;
        tokio::time::sleep(PACE * 10).await;
        let stalled = Instant::now();
        server.stall();
        tokio::time::sleep(while_away() + STATEMENT * 2).await;
        assert_eq!(process.status("/livez").await, Some(200));
        assert_eq!(process.status("/readyz").await, Some(503));
        let back = Instant::now();
        server.go_on();
        tokio::time::sleep(RECOVERY + PACE * 10).await;
        let samples = load.end().await;
        let meanwhile = between(&samples, stalled, back);
        let slowest = meanwhile.iter().map(|sample| sample.elapsed).max().unwrap();
        // What was under way when it stalled waits for its statement, what comes later for a connection.
        assert!(slowest < STATEMENT * 2 + ACQUIRE + Duration::from_secs(1), "{dialect}: {slowest:?}");
        assert!(meanwhile.len() > CLIENTS * 3, "{dialect}: {}", meanwhile.len());
        for sample in samples.iter().filter(|sample| !sample.is_served()) {
            assert!(matches!(sample.answer, Ok((503, true) | (504, _))), "{sample:?}");
        }
        recovered(&samples, back);
        nothing_leaks(&process, &database).await;
        database.pool.close().await;
    }
}

/// Without notices: nothing but the reload itself tells of the change.
const UNHEARD: &str = "database: {pool: {statements: unnamed, acquire_timeout_ms: 500}}";

async fn told(process: &Process, words: &str) {
    let begun = Instant::now();
    while !process.told().contains(words) {
        assert!(begun.elapsed() < RECOVERY, "{}", process.told());
        tokio::time::sleep(PACE).await;
    }
}

async fn has(process: &Process, start: &Start, attribute: &str) {
    let begun = Instant::now();
    loop {
        let shown = Caller::new(&Service::at(start.api)).ask("GET /api/customers/1", &[], b"").await.unwrap();
        if shown.status == 200 && shown.json()["data"]["attributes"].get(attribute).is_some() {
            return;
        }
        assert!(begun.elapsed() < RECOVERY, "{}", process.told());
        tokio::time::sleep(PACE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_that_meets_an_absent_database_is_made_up_for_whatever_its_cause() {
    const SUCCESSFUL: &str = "rulegate_snapshot_last_reload_successful";
    let (mut server, database) = server(Dialect::Postgres).await;
    let project = project(UNHEARD);
    let start = Start::new(PROGRAM, &project, &server.url("shop"));
    let process = start.ready().await;
    for column in ["first", "second"] {
        database.execute(&format!("alter table customers add column {column} integer")).await;
        server.stop();
        if column == "first" {
            process.signal("HUP");
        } else {
            let refused = process.ask("POST /reload").await.unwrap();
            let words = String::from_utf8(refused.body).unwrap();
            assert!(refused.status == 503 && words.contains("tried again"), "{words}");
        }
        told(&process, "not reloaded yet: it is tried again").await;
        assert_eq!(process.metric(SUCCESSFUL).await, Some(1.0));
        server.start().await;
        has(&process, &start, column).await;
    }
    database.pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_the_database_does_not_count_as_files_that_are_refused() {
    let project = project("");
    let nowhere = format!("postgres://postgres@{}/shop", tests::life::address());
    let process = Start::new(PROGRAM, &project, &nowhere).spawn();
    told(&process, "the database cannot be read").await;
    assert_eq!(process.metric("rulegate_snapshot_last_reload_successful").await, Some(1.0));
}
