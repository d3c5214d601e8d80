//! `rulegate openapi`: the OpenAPI document that a server would serve.

use std::io::Write as _;

use clap::Args;

use super::{Failure, SourceArgs, open, runtime, serving};
use crate::config::Config;
use crate::jsonapi::openapi::document;
use crate::state::load::load;

/// Print the OpenAPI 3.1 document of the API, as `serve` answers it under /openapi.json
#[derive(Debug, Args)]
pub(super) struct OpenapiArgs {
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) fn run(args: OpenapiArgs) -> Result<(), Failure> {
    let config = Config::load(args.source.given())?;
    runtime()?.block_on(async {
        let pool = open(&config)?;
        let loaded = load(&pool, &config.blueprint).await.map_err(|error| serving::failure(&error))?;
        let mut out = std::io::stdout().lock();
        out.write_all(&document(&loaded.snapshot)).map_err(Failure::problems)?;
        writeln!(out).map_err(Failure::problems)
    })
}
