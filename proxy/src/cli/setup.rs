//! `rulegate setup`: the product's own tables.

use clap::Args;
use introspect::catalog::{IDEMPOTENCY, VERIFICATIONS};

use super::{Failure, SourceArgs, open, runtime};
use crate::config::Config;
use crate::run::receipts;
use crate::run::verify::memory;

/// Create Rulegate's own tables in the database, where they are missing. Nothing else ever creates them.
///
/// `rulegate_verifications` remembers which rules were verified, when, and how far a run has come. The role that `rulegate serve` and
/// `rulegate verify` connect with must be allowed to read it, `verify` also to write it. `rulegate_idempotency` keeps the answers to requests with an `Idempotency-Key`; `rulegate serve` reads and writes it.
/// Neither is ever served, and rules do not see them.
#[derive(Debug, Args)]
pub(super) struct SetupArgs {
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) fn run(args: SetupArgs) -> Result<(), Failure> {
    let config = Config::load(args.source.given())?;
    runtime()?.block_on(async {
        let pool = open(&config)?;
        let failed = |table| move |error| Failure::problems(format!("`{table}` cannot be set up: {error}"));
        let made = memory::create(&pool).await.map_err(failed(VERIFICATIONS))?;
        memory::read(&pool).await.map_err(failed(VERIFICATIONS))?;
        told(VERIFICATIONS, made, "remembers which rules were verified");
        let made = receipts::create(&pool).await.map_err(failed(IDEMPOTENCY))?;
        told(IDEMPOTENCY, made, "keeps what was answered to requests that may be repeated");
        Ok(())
    })
}

fn told(table: &str, made: bool, what: &str) {
    match made {
        true => outln!("created `{table}`: {what}"),
        false => outln!("`{table}` is there already"),
    }
}
