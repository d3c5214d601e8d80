//! `rulegate check`: the project's files against the live schema.

use clap::Args;

use super::{Failure, SourceArgs, announce, open, runtime, serving, trust};
use crate::config::Config;
use crate::state::load::load;

/// Check the project's files against the database: prints every problem with its place, exit code 1 if there is one.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) fn run(args: CheckArgs) -> Result<(), Failure> {
    let config = Config::load(args.source.given())?;
    runtime()?.block_on(async {
        let pool = open(&config)?;
        let loaded = load(&pool, &config.blueprint).await.map_err(|error| serving::failure(&error))?;
        for advice in introspect::advice::advice(&loaded.snapshot.schema) {
            println!("note: {advice}");
        }
        for constraint in loaded.snapshot.rules.constraints.iter().filter(|constraint| !constraint.recheck) {
            println!(
                "note: `{}` is not checked again when a row above changes (recheck: false)",
                constraint.name
            );
        }
        for line in trust::lines(&pool, &loaded.snapshot).await {
            println!("note: {line}");
        }
        println!("no problems: {}", announce::summary(&config, &loaded.snapshot));
        Ok(())
    })
}
