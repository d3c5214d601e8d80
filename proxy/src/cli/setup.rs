//! `rulegate setup`: the product's own tables.

use clap::Args;
use introspect::catalog::VERIFICATIONS;

use super::{Failure, SourceArgs, open, runtime};
use crate::config::Config;
use crate::run::verify::memory;

/// Create Rulegate's own tables in the database, where they are missing. Nothing else ever creates them.
///
/// `rulegate_verifications` remembers which rules were verified, when, and how far a run has come. The role that `rulegate serve` and
/// `rulegate verify` connect with must be allowed to read it, `verify` also to write it. It is never served, and rules do not see it.
#[derive(Debug, Args)]
pub(super) struct SetupArgs {
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) fn run(args: SetupArgs) -> Result<(), Failure> {
    let config = Config::load(args.source.given())?;
    runtime()?.block_on(async {
        let pool = open(&config)?;
        let failed = |error| Failure::problems(format!("`{VERIFICATIONS}` cannot be set up: {error}"));
        let made = memory::create(&pool).await.map_err(failed)?;
        memory::read(&pool).await.map_err(failed)?;
        match made {
            true => println!("created `{VERIFICATIONS}`: remembers which rules were verified"),
            false => println!("`{VERIFICATIONS}` is there already"),
        }
        Ok(())
    })
}
