//! `rulegate-footprint [--program target/release/rulegate] [--database postgres|mysql|sqlite|all] [--tables 50] [--seconds 60]`: how long a process takes
//! from its start until it is ready, how much memory it has when nobody asks, and how much at most under mixed load. Exit code 1: more than is
//! promised, 2: usage.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be taken has failed")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use dialects::Dialect;
use tests::database::{ALL, named};
use tests::life::caller::{Caller, Service};
use tests::life::folder::Folder;
use tests::life::load::{Load, failures};
use tests::life::process::Start;
use tests::shop::SHOP;
use tests::{Database, wide};

const USAGE: &str = "rulegate-footprint [--program target/release/rulegate] [--database postgres|mysql|sqlite|all] [--tables 50] [--seconds 60]";

/// What is promised.
const READY: Duration = Duration::from_secs(1);
const IDLE_BYTES: u64 = 30 * 1_000_000;
const LOAD_BYTES: u64 = 100 * 1_000_000;

/// Clients that read and write in turn, as fast as they are answered but for this.
const CLIENTS: usize = 16;
const PACE: Duration = Duration::from_millis(2);

struct Arguments {
    program: String,
    dialects: Vec<Dialect>,
    tables: usize,
    load: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let Some(arguments) = parse(&given) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut code = ExitCode::SUCCESS;
    for dialect in &arguments.dialects {
        if !measure(&arguments, *dialect).await {
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn parse(given: &[String]) -> Option<Arguments> {
    let program = "target/release/rulegate".to_owned();
    let mut arguments =
        Arguments { program, dialects: ALL.to_vec(), tables: 50, load: Duration::from_secs(60) };
    for pair in given.chunks(2) {
        match pair {
            [name, value] if name == "--program" => arguments.program = value.clone(),
            [name, value] if name == "--database" => arguments.dialects = named(value)?,
            [name, value] if name == "--tables" => arguments.tables = value.parse().ok()?,
            [name, value] if name == "--seconds" => arguments.load = Duration::from_secs(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(arguments)
}

/// Whether all is as promised.
async fn measure(arguments: &Arguments, dialect: Dialect) -> bool {
    let database = Database::create(dialect).await;
    database.execute(&(SHOP.sql)(dialect)).await;
    database.execute("update customers set credit_limit = 1000000").await;
    wide::create(&database, arguments.tables).await;
    let project = Folder::new(SHOP.rules);
    let start = Start::new(&arguments.program, &project, &database.url);
    let begun = Instant::now();
    let mut process = start.ready().await;
    let ready = begun.elapsed();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = process.memory();
    let load = Load::start(CLIENTS, PACE, &Service::at(start.api)).await;
    let (begun, mut most) = (Instant::now(), idle);
    while begun.elapsed() < arguments.load {
        read_much(&start).await;
        most = most.max(process.memory());
    }
    let samples = load.end().await;
    let failed = failures(&samples).len();
    process.stopped().await;
    println!(
        "{dialect}: {} tables ready after {} ms, {:.1} MB idle, {:.1} MB at most under load ({} requests in {} s, {failed} not served)",
        arguments.tables,
        ready.as_millis(),
        megabytes(idle),
        megabytes(most),
        samples.len(),
        arguments.load.as_secs()
    );
    ready < READY && idle < IDLE_BYTES && most < LOAD_BYTES
}

/// Big pages with all that belongs to them, all of a collection, and the description of everything.
async fn read_much(start: &Start) {
    let mut caller = Caller::new(&Service::at(start.api));
    for target in [
        "/api/orders?page[size]=1000&include=items.product,customer",
        "/api/items?sort=-amount",
        "/openapi.json",
    ] {
        caller.ask(&format!("GET {target}"), &[], b"").await.unwrap();
    }
    caller.ask("GET /api/items", &[("Accept", "text/csv")], b"").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
