//! `rulegate verify`: the rules against the stored rows. Exit codes: 0 fine, 1 rows are not as the rules say, 2 usage or error.

mod json;
mod progress;
mod text;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use dialects::Pool;

use super::{Failure, SourceArgs, open, runtime, serving};
use crate::config::Config;
use crate::run::verify::{self, Context, News, Options, Report};
use crate::state::load::load;
use progress::Ticker;

/// How long one statement may take: it looks at many rows, and nobody waits for it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Compare every stored derivation and every constraint with the rows of the database; with --repair, mend what differs.
///
/// Derivations go first, each after all that it reads, and each is compared with what its inputs are stored as. Can run while clients
/// write. With the table that `rulegate setup` makes, what was verified is remembered, and a run that was cut off can go on.
///
/// --repair locks each row that differs, and what is above it, looks again what is right, and writes it as any other change: what depends on
/// it follows. Nothing is refused by a constraint then, and broken constraints are listed at the end.
///
/// Exit codes: 0 everything is (or was made) as the rules say, 1 rows are not, 2 wrong usage or an error.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Mend the derived values that differ, while clients write; broken constraints are only told
    #[arg(long)]
    repair: bool,
    /// Go on where an interrupted run stopped; without one, begin
    #[arg(long)]
    resume: bool,
    /// How the report looks
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Rows looked at by one statement
    #[arg(long, value_name = "ROWS", default_value = "10000", value_parser = clap::value_parser!(u64).range(1..))]
    batch_rows: u64,
    /// Rows listed for each rule, at most
    #[arg(long, value_name = "ROWS", default_value = "20")]
    list: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
}

pub(super) fn run(args: VerifyArgs) -> Result<(), Failure> {
    let report = verify(args).map_err(|failure| Failure::usage(failure.text))?;
    if report.stopped {
        return Err(Failure::usage(
            "stopped; `--resume` goes on from there, where `rulegate setup` has made the table for it",
        ));
    }
    match report.is_fine() {
        true => Ok(()),
        false => Err(Failure::problems(text::verdict(&report))),
    }
}

fn verify(args: VerifyArgs) -> Result<Report, Failure> {
    let options = Options {
        batch_rows: args.batch_rows,
        listed_max: args.list,
        repair: args.repair,
        resume: args.resume,
    };
    let mut config = Config::load(args.source.given())?;
    config.database.statement_timeout = STATEMENT_TIMEOUT;
    let stop = Arc::new(AtomicBool::new(false));
    runtime()?.block_on(async {
        let pool = open(&config)?;
        stop_on_signal(stop.clone());
        let report = carry_out(&pool, &config, options, args.format, &stop).await?;
        match args.format {
            Format::Text => super::out::write(text::end(&report)),
            Format::Json => outln!("{:#}", json::report(&report)),
        }
        pool.close().await;
        Ok(report)
    })
}

async fn carry_out(
    pool: &Arc<Pool>,
    config: &Config,
    options: Options,
    format: Format,
    stop: &AtomicBool,
) -> Result<Report, Failure> {
    let loaded = load(pool, &config.blueprint).await.map_err(|error| serving::failure(&error))?;
    let snapshot = Arc::new(loaded.snapshot);
    let mut ticker = Ticker::default();
    let mut watch = |news: News<'_>| {
        match news {
            News::Batch(rule) => ticker.tick(rule),
            News::Rule(rule) => {
                ticker.clear();
                if format == Format::Text {
                    super::out::write(text::rule(rule));
                }
            }
        }
        match stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let report = verify::run(Context { pool, snapshot: &snapshot }, options, &mut watch).await;
    ticker.clear();
    report.map_err(Failure::usage)
}

/// The first signal stops after the batch under way, the second at once.
fn stop_on_signal(stop: Arc<AtomicBool>) {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(2);
            }
        }
    });
}
