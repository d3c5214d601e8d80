//! `rulegate openapi`: the OpenAPI document that a server would serve.

use std::sync::Arc;

use clap::Args;
use rules::policy::{Actor, Authority};

use super::{Failure, SourceArgs, open, runtime, serving};
use crate::config::Config;
use crate::jsonapi::openapi::document;
use crate::state::Snapshot;
use crate::state::load::load;

/// Print the OpenAPI 3.1 document of the API, as `serve` answers it under /openapi.json
#[derive(Debug, Args)]
pub(super) struct OpenapiArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// As somebody with this role sees it; may be given several times. Without: all of it
    #[arg(long, value_name = "NAME")]
    role: Vec<String>,
}

pub(super) fn run(args: OpenapiArgs) -> Result<(), Failure> {
    let config = Config::load(args.source.given())?;
    runtime()?.block_on(async {
        let pool = open(&config)?;
        let loaded = load(&pool, &config.blueprint).await.map_err(|error| serving::failure(&error))?;
        let seen = seen(Arc::new(loaded.snapshot), args.role);
        outln!("{}", String::from_utf8_lossy(&document(&seen)));
        Ok(())
    })
}

fn seen(snapshot: Arc<Snapshot>, roles: Vec<String>) -> Arc<Snapshot> {
    match roles.is_empty() {
        true => Arc::new(snapshot.seen_with(Authority::open())),
        false => snapshot.view(&Actor { roles, ..Actor::anonymous() }),
    }
}
