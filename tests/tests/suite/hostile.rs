//! Requests that nobody means well: each is answered with the status, the code and the place that its case says, nothing in the database is
//! changed, and the server lives.
//!
//! The cases stand in `hostile/*.txt`, parted by empty lines:
//!
//! ```text
//! - what it is
//! POST /api/items
//! Accept: */*
//! > {"data": {"type": "items"}}
//! => 422 required /data
//! ```
//!
//! A body (`> `) is sent as JSON:API unless a header, or `!Content-Type`, says otherwise. Lines with `| ` are sent as they are, each with CRLF,
//! but for those that end with `⟨⟩`. Everywhere, `⟨00ff⟩` are bytes, `⟨ab*3⟩` is `ababab`, and `¶` in it is CRLF. The place is a pointer (`""`:
//! the whole document), a `?parameter` or a header; without one the error must have no `source`, `…` leaves it open, and 200 must be no error.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dialects::Dialect;
use introspect::Overlay;
use proxy::app::App;
use proxy::run::receipts;
use proxy::server::Settings;
use proxy::state::load::Blueprint;
use serde_json::{Value as Json, json};
use tests::Database;
use tests::server::{Reply, Server};
use tests::shop::SHOP;

/// Longer than any of these answers may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Every table, to be compared before and after.
const TABLES: [(&str, usize); 10] = [
    ("employees", 5),
    ("customers", 11),
    ("products", 6),
    ("orders", 8),
    ("items", 6),
    ("tags", 2),
    ("product_tags", 2),
    ("stock", 4),
    ("boxes", 3),
    ("rulegate_idempotency", 6),
];

const SQL: &str = "create table boxes (id integer primary key, side integer, area integer generated always as (side * side) stored);
    insert into boxes (id, side) values (1, 3);
    create view order_sizes as select o.id as order_id, o.item_count as n from orders o;";

const MODEL: &str = "tables: {order_sizes: {key: [order_id]}}\n";

const RULES: &str = r#"derive: {customers.headroom: {as: "credit_limit - balance", virtual: true}}"#;

/// What is sent, and what must come back.
struct Case {
    /// Its file and its first line.
    name: String,
    /// Method and target.
    line: String,
    body: Vec<u8>,
    bytes: Vec<u8>,
    /// It stands there byte by byte.
    raw: bool,
    status: u16,
    /// Code and place of the first error.
    error: Option<(String, Place)>,
}

/// Where an error points.
enum Place {
    Open,
    Source(Json),
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/hostile");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let of_file = |file: &std::path::PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let blocks =
            text.split("\n\n").map(str::trim).filter(|block| !block.is_empty() && !block.starts_with('#'));
        blocks.map(|block| case(&name, block)).collect::<Vec<_>>()
    };
    files.iter().flat_map(of_file).collect()
}

fn case(file: &str, block: &str) -> Case {
    let mut lines: Vec<&str> = block.lines().collect();
    let expect = lines.pop().and_then(|line| line.strip_prefix("=> ")).unwrap_or_else(|| panic!("{block}"));
    let name = format!("{file}: {}", lines.remove(0).strip_prefix("- ").unwrap_or_else(|| panic!("{block}")));
    let (status, error) = expected(expect);
    let marked = |mark: char| {
        let lines = lines.iter().filter_map(move |line| line.strip_prefix(mark));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>()
    };
    let (wire, body) = (marked('|'), spelled(&marked('>').join("\n")));
    if !wire.is_empty() {
        let line = wire[0].to_owned();
        return Case {
            name,
            line,
            body,
            bytes: wire.iter().flat_map(|line| on_wire(line)).collect(),
            raw: true,
            status,
            error,
        };
    }
    let line = String::from_utf8_lossy(&spelled(lines[0])).into_owned();
    let headers: Vec<&str> = lines[1..].iter().copied().filter(|line| !line.starts_with('>')).collect();
    let mut bytes = spelled(&format!("{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", lines[0]));
    let typed = headers.iter().any(|header| header.contains("Content-Type"));
    let media_type =
        if line.contains("/operations") { "; ext=\"https://jsonapi.org/ext/atomic\"" } else { "" };
    if !body.is_empty() && !typed {
        bytes.extend(format!("Content-Type: application/vnd.api+json{media_type}\r\n").bytes());
    }
    for header in headers.iter().filter(|header| !header.starts_with('!')) {
        bytes.extend(spelled(header));
        bytes.extend(b"\r\n");
    }
    if !body.is_empty() {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
    }
    bytes.extend([b"\r\n", &body[..]].concat());
    Case { name, line, body, bytes, raw: false, status, error }
}

/// `422 invalid-value /data/attributes/name`.
fn expected(text: &str) -> (u16, Option<(String, Place)>) {
    let text = String::from_utf8(spelled(text)).unwrap();
    let mut words = text.splitn(3, ' ');
    let (status, code, place) = (words.next().unwrap().parse().unwrap(), words.next(), words.next());
    let place = match place {
        None => Place::Source(Json::Null),
        Some("…") => Place::Open,
        Some("\"\"") => Place::Source(json!({"pointer": ""})),
        Some(place) if place.starts_with('/') => Place::Source(json!({"pointer": place})),
        Some(place) => Place::Source(match place.strip_prefix('?') {
            Some(parameter) => json!({"parameter": parameter}),
            None => json!({"header": place}),
        }),
    };
    (status, code.map(|code| (code.to_owned(), place)))
}

fn on_wire(line: &str) -> Vec<u8> {
    match line.strip_suffix("⟨⟩") {
        Some(line) => spelled(line),
        None => [spelled(line), b"\r\n".to_vec()].concat(),
    }
}

/// With what stands in `⟨⟩` spelled out.
fn spelled(text: &str) -> Vec<u8> {
    let (plain, rest) = text.split_once('⟨').unwrap_or((text, ""));
    let Some((form, rest)) = rest.split_once('⟩') else { return plain.as_bytes().to_vec() };
    let bytes = match form.rsplit_once('*') {
        Some((text, times)) => text.replace('¶', "\r\n").repeat(times.parse().unwrap()).into_bytes(),
        None => {
            (0..form.len() / 2).map(|n| u8::from_str_radix(&form[2 * n..2 * n + 2], 16).unwrap()).collect()
        }
    };
    [plain.as_bytes(), &bytes, &spelled(rest)].concat()
}

/// What is wrong with an answer.
fn surprise(case: &Case, answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let answers = text.matches("HTTP/1.1 ").count();
    let Some(reply) = Reply::parse(answer, false).filter(|_| answers == 1) else {
        return Some(format!("{answers} answers: {text:.300}"));
    };
    let problems = reply.problems(&case.line, &case.body);
    let sound = problems.is_empty() && closes(case, &reply);
    let found = match (&case.error, sound && reply.status == case.status) {
        (_, false) => false,
        (None, true) => true,
        (Some((code, place)), true) => {
            let error = &reply.json()["errors"][0];
            error["code"] == *code && place.is(&error["source"]) && !has_foreign_words(error)
        }
    };
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    (!found).then(|| format!("{}: {} {body:.400} {}", case.name, reply.status, problems.join("; ")))
}

fn closes(case: &Case, reply: &Reply) -> bool {
    !case.raw || reply.header("connection").is_some_and(|value| value == "close")
}

/// Words of a database or a driver, which are for the log alone.
fn has_foreign_words(error: &Json) -> bool {
    let text = error["detail"].to_string().to_lowercase();
    ["sqlstate", "syntax error", "no such column", "constraint failed", "panicked", ".rs:"]
        .iter()
        .any(|words| text.contains(words))
}

impl Place {
    fn is(&self, source: &Json) -> bool {
        match self {
            Self::Open => true,
            Self::Source(place) if place["header"].is_string() => {
                let name = |json: &Json| json["header"].as_str().unwrap_or_default().to_lowercase();
                name(place) == name(source)
            }
            Self::Source(place) => place == source,
        }
    }
}

async fn start(dialect: Dialect) -> (Database, Server) {
    let database = Database::create(dialect).await;
    database.execute(&(SHOP.sql)(dialect)).await;
    database.execute(SQL).await;
    assert!(receipts::create(&database.pool).await.unwrap());
    let rules = SHOP.rules.iter().chain([&("rules/virtual.yaml", RULES)]);
    let blueprint = Blueprint {
        rule_files: rules.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        overlay: Some(Overlay::parse("model.yaml", MODEL).unwrap()),
        ..Blueprint::default()
    };
    let app = Arc::new(App::new(database.pool.clone(), Settings::default()).unwrap());
    app.start(&blueprint).await.unwrap();
    (database, Server::of(app))
}

/// All rows of all tables.
async fn everything(database: &Database) -> Vec<Vec<Vec<String>>> {
    let mut tables = Vec::new();
    for (table, columns) in TABLES {
        tables.push(database.rows(&format!("select * from {table} order by 1, 2"), columns).await);
    }
    tables
}

async fn sends_everything(dialect: Dialect) {
    let (database, server) = start(dialect).await;
    let before = everything(&database).await;
    let first = server.ask("GET /api/orders?include=items", &[]).await;
    let cases = cases();
    assert!(cases.len() >= 300, "{}", cases.len());
    let mut surprises = Vec::new();
    for case in &cases {
        let started = Instant::now();
        let answer = server.raw_within(PATIENCE, &case.bytes).await;
        surprises.extend(surprise(case, &answer));
        if started.elapsed() >= PATIENCE {
            surprises.push(format!("{} is not closed", case.name));
        }
    }
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    assert_eq!(everything(&database).await, before, "something was changed");
    let last = server.ask("GET /api/orders?include=items", &[]).await;
    assert_eq!((last.status, last.json()), (first.status, first.json()));
}

#[tokio::test]
async fn hostile_requests_are_refused_change_nothing_and_leave_the_server_alive_on_postgres() {
    sends_everything(Dialect::Postgres).await;
}

#[tokio::test]
async fn hostile_requests_are_refused_change_nothing_and_leave_the_server_alive_on_mariadb() {
    sends_everything(Dialect::Mysql).await;
}

#[tokio::test]
async fn hostile_requests_are_refused_change_nothing_and_leave_the_server_alive_on_sqlite() {
    sends_everything(Dialect::Sqlite).await;
}
