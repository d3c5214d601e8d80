//! `rulegate-wide [--database postgres|mysql|sqlite|all] [--tables N]`: how long a schema of many tables with ten columns each takes until the first
//! answer, and then its OpenAPI document. To be built with `--release`.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be taken has failed")]

use std::process::ExitCode;
use std::time::Instant;

use dialects::Dialect;
use proxy::server::Settings;
use tests::database::{ALL, named};
use tests::server::Server;
use tests::service::Fixture;
use tests::{Database, wide};

const USAGE: &str = "rulegate-wide [--database postgres|mysql|sqlite|all] [--tables 2000]";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((dialects, tables)) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    for dialect in dialects {
        let database = Database::create(dialect).await;
        wide::create(&database, tables).await;
        let begun = Instant::now();
        let fixture = Fixture { sql: |_| String::new(), rules: &[] };
        let server = Server::start(&database, fixture, Settings::default()).await;
        server.ask("GET /api/t1?include=parent,t2,t3", &[]).await;
        let served = begun.elapsed();
        let begun = Instant::now();
        let document = server.ask("GET /openapi.json", &[]).await;
        let (described, size) = (begun.elapsed(), document.body.len());
        let begun = Instant::now();
        server.ask("GET /openapi.json", &[]).await;
        println!(
            "{dialect:?}: {tables} tables served after {} ms, /openapi.json ({size} bytes) after {} ms, again after {} ms",
            served.as_millis(),
            described.as_millis(),
            begun.elapsed().as_millis()
        );
    }
    ExitCode::SUCCESS
}

fn parse(arguments: &[String]) -> Option<(Vec<Dialect>, usize)> {
    let (mut dialects, mut tables) = (ALL.to_vec(), 2000);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--database" => dialects = named(value)?,
            [name, value] if name == "--tables" => tables = value.parse().ok()?,
            _ => return None,
        }
    }
    Some((dialects, tables))
}
