//! `rulegate serve`: the API of a database.

use clap::Args;
use dialects::Pool;

use super::serving::Serving;
use super::{Failure, ListenArgs, SourceArgs, announce, open, runtime, trust};
use crate::config::project::Project;
use crate::config::{Config, Given};
use crate::observe::is_json;
use crate::state::Snapshot;

/// Serve a database: a JSON:API for every table, with the rules of the project.
///
/// Needs no project folder: `rulegate serve --database-url postgres://app@db/shop` works alone. Starts while the database is away
/// and is ready as soon as it answers. SIGTERM and SIGINT stop it when the requests under way are answered.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    listen: ListenArgs,
}

pub(super) fn run(args: ServeArgs) -> Result<(), Failure> {
    let given =
        Given { listen: args.listen.listen, admin_listen: args.listen.admin_listen, ..args.source.given() };
    let config = Config::load(given.clone())?;
    let project = Project::of_files(given, config.clone());
    runtime()?.block_on(async {
        let pool = open(&config)?;
        let serving = Serving::start(&config, project, pool)?;
        announce::listening(&config, &serving);
        // Lines for machines say so anyway.
        if config.auth.is_none() && !is_json() {
            tracing::warn!("{}", announce::OPEN);
        }
        let loaded = async |pool: &Pool, snapshot: &Snapshot| {
            announce::loaded(&config, snapshot);
            for line in trust::lines(pool, snapshot).await {
                announce::say(line);
            }
        };
        serving.until_stopped(&config.blueprint, loaded).await
    })
}
