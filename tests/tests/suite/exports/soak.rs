//! `RULEGATE_SOAK=1`: five million rows, read quickly and slowly, in little memory; and a page far behind at the price of the first.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dialects::Dialect;
use serde_json::Value as Json;
use tests::Database;
use tests::server::Reply;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ROWS: u64 = 5_000_000;

/// The most memory that the process may hold meanwhile.
const RESIDENT_MAX: u64 = 100 * 1024 * 1024;

/// How long a slow reader dawdles.
const SLOW: Duration = Duration::from_secs(20);

/// By which a page has cursors.
const PROFILE: &str =
    "application/vnd.api+json;profile=\"https://jsonapi.org/profiles/ethanresnick/cursor-pagination\"";

/// The page that is compared with the first.
const FAR_PAGE: u64 = 50_000;

fn fill(dialect: Dialect) -> String {
    let table = "create table readings (id integer primary key, sensor integer not null, at timestamp not null, \
                 level decimal(12,3) not null, note varchar(40));";
    match dialect {
        Dialect::Postgres => format!(
            "set statement_timeout = 0; {table} insert into readings select n, n % 977, timestamp '2020-01-01' + n * interval '1 second', n / 1000.0, \
             case when n % 3 = 0 then 'reading \"' || n || '\"' end from generate_series(1, {ROWS}) n; analyze readings;"
        ),
        _ => format!(
            "{table} with recursive s(n) as (select 1 union all select n + 1 from s where n < {ROWS}) \
             insert into readings select n, n % 977, datetime(1577836800 + n, 'unixepoch'), n / 1000.0, \
             case when n % 3 = 0 then 'reading \"' || n || '\"' end from s;"
        ),
    }
}

/// The binary in front of a database, ended with the test.
struct Binary {
    child: std::process::Child,
    address: String,
}

impl Binary {
    async fn start(database: &Database) -> Self {
        let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (api, admin) = (port().to_string(), port().to_string());
        let url = database.url.replace("?mode=rwc", "");
        let child = Command::new(binary())
            .args(["serve", "--listen", &api, "--admin-listen", &admin])
            .env("RULEGATE_DATABASE_URL", url)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let binary = Self { child, address: api };
        let until = Instant::now() + Duration::from_secs(30);
        while !binary.is_ready().await {
            assert!(Instant::now() < until, "it does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        binary
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(&self.address).await else { return false };
        let head = "GET /api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = Vec::new();
        stream.write_all(head.as_bytes()).await.is_ok()
            && stream.read_to_end(&mut answer).await.is_ok()
            && answer.starts_with(b"HTTP/1.1 200 ")
    }

    /// The most memory that it has held, in bytes.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    async fn ask(&self, path: &str, accept: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn get(&self, path: &str, accept: &str) -> Json {
        let mut answer = Vec::new();
        self.ask(path, accept).await.read_to_end(&mut answer).await.unwrap();
        let reply = Reply::parse(&answer, false).unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    /// Reads an export to its end, at first slowly where that is asked. Tells how many lines it has.
    async fn export(&self, accept: &str, slowly: Option<Duration>) -> u64 {
        let mut stream = self.ask("/api/readings", accept).await;
        let (mut piece, mut lines, mut tail) = (vec![0; 256 * 1024], 0, Vec::new());
        let slow = Instant::now() + slowly.unwrap_or_default();
        loop {
            let count = stream.read(&mut piece).await.unwrap();
            if count == 0 {
                break;
            }
            // The framing has line ends of its own, but no chunk begins with what ends a line of the export here.
            lines += piece[..count].iter().filter(|byte| **byte == b'\n').count() as u64;
            tail.extend_from_slice(&piece[..count]);
            tail.drain(..tail.len().saturating_sub(7));
            if Instant::now() < slow {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        assert_eq!(tail, b"\r\n0\r\n\r\n", "it has no end");
        lines
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary that the workspace builds: `RULEGATE_BINARY`, or beside this test.
fn binary() -> std::path::PathBuf {
    if let Some(path) = std::env::var_os("RULEGATE_BINARY") {
        return path.into();
    }
    let own = std::env::current_exe().unwrap();
    let path = own.parent().unwrap().parent().unwrap().join("rulegate");
    assert!(path.exists(), "build it first: cargo build -p rulegate");
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn five_million_rows_are_exported_in_little_memory() {
    if std::env::var_os("RULEGATE_SOAK").is_none() {
        return;
    }
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let database = Database::create(dialect).await;
        database.execute(&fill(dialect)).await;
        let server = Binary::start(&database).await;
        for (accept, lines_min) in [("application/x-ndjson", ROWS), ("text/csv", ROWS + 1)] {
            for slowly in [None, Some(SLOW)] {
                let started = Instant::now();
                let lines = server.export(accept, slowly).await;
                let (elapsed, resident) = (started.elapsed(), server.resident());
                println!(
                    "{dialect} {accept} slowly {slowly:?}: {lines} lines, {elapsed:.1?}, at most {resident} bytes"
                );
                assert!(lines >= lines_min, "{dialect} {accept}: {lines}");
                assert!(resident < RESIDENT_MAX, "{dialect} {accept}: {resident} bytes");
            }
        }
        pages_cost_the_same(&server, dialect).await;
    }
}

/// The first page and one far behind, reached by a cursor, by medians.
async fn pages_cost_the_same(server: &Binary, dialect: Dialect) {
    let before = (FAR_PAGE - 1) * 20;
    let document = server.get(&format!("/api/readings?filter[id]={before}"), PROFILE).await;
    let cursor = document["data"][0]["meta"]["page"]["cursor"].as_str().unwrap();
    let urls = ["/api/readings".to_owned(), format!("/api/readings?page[after]={cursor}")];
    let far = server.get(&urls[1], PROFILE).await;
    assert_eq!(far["data"][0]["id"], (before + 1).to_string());
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        for (times, url) in times.iter_mut().zip(&urls) {
            let started = Instant::now();
            server.get(url, PROFILE).await;
            times.push(started.elapsed());
        }
    }
    let [first, last] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    println!("{dialect} page 1: {first:?}, page {FAR_PAGE}: {last:?}");
    assert!(last < first.mul_f64(1.5), "{dialect}: page 1 {first:?}, page {FAR_PAGE} {last:?}");
}
