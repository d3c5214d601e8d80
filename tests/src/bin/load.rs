//! `rulegate-load [--database postgres|mysql|sqlite] [--access on|off] [--clients N] [--seconds N] [--seed N]`: random writes on the shop's hot rows, and a
//! comparison of every derived column with its recomputation, meanwhile and afterwards; with access rules that look at rows above, or without. Exit code 1:
//! a promise was broken, 2: usage.

#![allow(clippy::unwrap_used, reason = "a load run that cannot start has failed")]

use std::process::ExitCode;
use std::time::Duration;

use dialects::Dialect;
use tests::database::{ALL, named};
use tests::load::{self, Load};

const USAGE: &str = "rulegate-load [--database postgres|mysql|sqlite|all] [--access on|off] [--clients 64] [--seconds 60] [--seed random]";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((dialects, guarded, load)) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut code = ExitCode::SUCCESS;
    for dialect in dialects {
        let report = load::run(load::shop(dialect, guarded).await, load).await;
        print!("{report}");
        if !report.passed() {
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn parse(arguments: &[String]) -> Option<(Vec<Dialect>, bool, Load)> {
    let (mut dialects, mut guarded) = (ALL.to_vec(), false);
    let mut load = Load { clients: 64, duration: Duration::from_secs(60), seed: fastrand::u64(0..1_000_000) };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--database" => dialects = named(value)?,
            [name, value] if name == "--access" => guarded = on(value)?,
            [name, value] if name == "--clients" => load.clients = value.parse().ok()?,
            [name, value] if name == "--seconds" => load.duration = Duration::from_secs(value.parse().ok()?),
            [name, value] if name == "--seed" => load.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    Some((dialects, guarded, load))
}

fn on(value: &str) -> Option<bool> {
    match value {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}
