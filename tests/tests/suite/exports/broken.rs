//! Exports that come to no end: the reader leaves or dawdles, the database is gone, there are too many, the server stops.

use std::time::{Duration, Instant};

use dialects::{Dialect, IntKind, Options, Pool, Statement, Value, ValueType};
use proxy::app::App;
use proxy::server::{Settings, Stopped};
use proxy::state::load::Blueprint;
use std::sync::Arc;
use tests::Database;
use tests::database::ALL;
use tests::server::h2::H2Client;
use tests::server::{Reply, Server, read_all};
use tests::service::Fixture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Rows that no socket holds.
const HEAP: Fixture = Fixture { sql: heap, rules: &[] };
const ROWS: usize = 60_000;

fn heap(dialect: Dialect) -> String {
    let fill = match dialect {
        Dialect::Postgres => format!("select n, repeat('x', 1000) from generate_series(1, {ROWS}) n"),
        Dialect::Mysql => format!("select seq, repeat('x', 1000) from seq_1_to_{ROWS}"),
        Dialect::Sqlite => format!(
            "with recursive s(n) as (select 1 union all select n + 1 from s where n < {ROWS}) \
             select n, printf('%.*c', 1000, 'x') from s"
        ),
    };
    format!(
        "create table heap (id integer primary key, body varchar(1000) not null); insert into heap {fill};"
    )
}

async fn serve(dialect: Dialect, settings: Settings) -> (Database, Server) {
    let database = Database::create(dialect).await;
    database.execute(&heap(dialect)).await;
    let server = Server::start(&database, HEAP, settings).await;
    (database, server)
}

/// Begins an export and reads its first bytes.
async fn begin(server: &Server) -> (TcpStream, Vec<u8>) {
    let mut stream = server.connect().await;
    let request = "GET /api/heap HTTP/1.1\r\nHost: localhost\r\nAccept: text/csv\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = vec![0; 4096];
    stream.read_exact(&mut first).await.unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&first));
    (stream, first)
}

/// The exports that the server works on, by the database's own numbers.
async fn running(database: &Database) -> Vec<Value> {
    let text = match database.dialect() {
        Dialect::Postgres => {
            "select pid::bigint from pg_stat_activity where state <> 'idle' and query like 'select t0%heap%' \
             and datname = current_database()"
        }
        Dialect::Mysql => {
            "select id from information_schema.processlist where info like 'select t0%heap%' and db = database()"
        }
        Dialect::Sqlite => return Vec::new(),
    };
    let columns = vec![ValueType::Int(IntKind::I64)];
    let statement = Statement { text: text.into(), params: Vec::new(), columns };
    let rows = database.pool.run(vec![statement]).await.unwrap().remove(0);
    (0..rows.len()).map(|row| rows.values(row).remove(0)).collect()
}

/// Waits until the metrics have this line.
async fn counted(server: &Server, line: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while !server.app.metrics.render().unwrap().contains(line) {
        assert!(Instant::now() < until, "{line} is not in {}", server.app.metrics.render().unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn quiet(database: &Database) {
    let until = Instant::now() + Duration::from_secs(20);
    while !running(database).await.is_empty() || database.pool.status().busy > 0 {
        assert!(Instant::now() < until, "{}: it runs on", database.dialect());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_its_statement_along() {
    for dialect in ALL {
        let (database, server) = serve(dialect, Settings::default()).await;
        let (stream, _) = begin(&server).await;
        assert!(
            dialect == Dialect::Sqlite || running(&database).await.len() == 1,
            "{dialect}: it is under way"
        );
        drop(stream);
        counted(&server, "rulegate_exports_cut_total{by=\"client\"} 1").await;
        quiet(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_resets_its_stream_leaves_the_connection_to_others() {
    let (database, server) = serve(Dialect::Postgres, Settings::default()).await;
    let (mut client, connection) = h2::client::handshake(server.connect().await).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::builder().uri("http://localhost/api/heap").header("accept", "text/csv");
    let (answer, mut sent) = client.send_request(request.body(()).unwrap(), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    sent.send_reset(h2::Reason::CANCEL);
    quiet(&database).await;
    let request = http::Request::builder().uri("http://localhost/api/heap/1");
    let (answer, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_cut_off() {
    for dialect in ALL {
        let settings = Settings { silence_timeout: Duration::from_millis(300), ..Settings::default() };
        let (database, server) = serve(dialect, settings).await;
        let (mut stream, mut answer) = begin(&server).await;
        counted(&server, "rulegate_exports_cut_total{by=\"client\"} 1").await;
        quiet(&database).await;
        answer.extend(read_all(&mut stream).await);
        assert!(Reply::parse(&answer, false).is_none(), "{dialect}: it looks whole");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_gets_all_of_it() {
    for dialect in ALL {
        let settings = Settings { request_timeout: Duration::from_millis(1500), ..Settings::default() };
        let (_database, server) = serve(dialect, settings).await;
        let (mut stream, mut answer) = begin(&server).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut piece = vec![0; 1 << 20];
        while !answer.ends_with(b"0\r\n\r\n") {
            let count = stream.read(&mut piece).await.unwrap();
            assert!(count > 0, "{dialect}: it is cut off");
            answer.extend_from_slice(&piece[..count]);
        }
        let body = Reply::parse(&answer, false).unwrap().body;
        assert_eq!(body.iter().filter(|byte| **byte == b'\n').count(), ROWS + 1, "{dialect}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_breaks_the_export() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let (database, server) = serve(dialect, Settings::default()).await;
        let (mut stream, mut answer) = begin(&server).await;
        kill(&database).await;
        answer.extend(read_all(&mut stream).await);
        assert!(
            answer.len() > 100_000 && Reply::parse(&answer, false).is_none(),
            "{dialect}: it looks whole"
        );
        counted(&server, "rulegate_exports_cut_total{by=\"database\"} 1").await;

        let (mut client, connection) = h2::client::handshake(server.connect().await).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::builder().uri("http://localhost/api/heap").header("accept", "text/csv");
        let (response, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        let mut data = response.await.unwrap().into_body();
        kill(&database).await;
        let reset = loop {
            match data.data().await {
                Some(Ok(piece)) => data.flow_control().release_capacity(piece.len()).unwrap(),
                Some(Err(error)) => break error.reason(),
                None => panic!("{dialect}: it looks whole"),
            }
        };
        assert_eq!(reset, Some(h2::Reason::INTERNAL_ERROR), "{dialect}");
        counted(&server, "rulegate_exports_cut_total{by=\"database\"} 2").await;
        quiet(&database).await;
        let whole = H2Client::new(server.connect().await).await;
        let whole =
            whole.ask("GET /api/heap?filter[id][lt]=3&fields[heap]=", &[("accept", "text/csv")], b"").await;
        assert_eq!(whole.body, b"id\r\n1\r\n2\r\n", "{dialect}");
    }
}

/// Ends the connections of all exports.
async fn kill(database: &Database) {
    let exports = running(database).await;
    assert_eq!(exports.len(), 1);
    for id in exports {
        let Value::Int(id) = id else { panic!("{id:?}") };
        database
            .execute(&match database.dialect() {
                Dialect::Postgres => format!("select pg_terminate_backend({id})"),
                _ => format!("kill {id}"),
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_bound_it_is_503_and_other_requests_are_served() {
    for dialect in ALL {
        let database = Database::create(dialect).await;
        database.execute(&heap(dialect)).await;
        let options = Options { connections_max: 4, ..database.options.clone() };
        let pool = Arc::new(Pool::open(&database.url, options).unwrap());
        let app = Arc::new(App::new(pool.clone(), Settings::default()).unwrap());
        app.start(&Blueprint::default()).await.unwrap();
        let server = Server::of(app);
        let (first, second) = (begin(&server).await, begin(&server).await);
        let third = server.ask("GET /api/heap", &[("accept", "text/csv")]).await;
        third.refused(503, "overloaded");
        assert!(third.header("retry-after").is_some());
        assert_eq!(server.ask("GET /api/heap", &[]).await.status, 200);
        assert_eq!(server.ask("HEAD /api/heap", &[("accept", "text/csv")]).await.status, 200);
        drop((first, second));
        counted(&server, "rulegate_exports_cut_total{by=\"client\"} 2").await;
        quiet(&database).await;
        let url = "GET /api/heap?filter[id]=1&fields[heap]=";
        let until = Instant::now() + Duration::from_secs(10);
        while server.ask(url, &[("accept", "text/csv")]).await.status != 200 {
            assert!(Instant::now() < until, "{dialect}: no place became free");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_exports_that_are_read_and_cuts_them_at_its_deadline() {
    for dialect in ALL {
        let (database, server) = serve(dialect, Settings::default()).await;
        let (mut stream, mut answer) = begin(&server).await;
        let reader = tokio::spawn(async move {
            answer.extend(read_all(&mut stream).await);
            answer
        });
        assert_eq!(server.running.stop(Duration::from_secs(60)).await, Stopped::Drained, "{dialect}");
        assert!(Reply::parse(&reader.await.unwrap(), false).is_some(), "{dialect}");

        let server = Server::of(server.app);
        let (mut stream, mut answer) = begin(&server).await;
        assert_eq!(server.running.stop(Duration::from_millis(200)).await, Stopped::Cut(1), "{dialect}");
        quiet(&database).await;
        answer.extend(read_all(&mut stream).await);
        assert!(Reply::parse(&answer, false).is_none(), "{dialect}: it looks whole");
        let metrics = server.app.metrics.render().unwrap();
        assert!(metrics.contains("rulegate_exports_cut_total{by=\"server\"} 1"), "{metrics}");
    }
}
