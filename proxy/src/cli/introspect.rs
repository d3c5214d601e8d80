//! `rulegate introspect`: the schema as stable text.

use clap::Args;

use super::{Failure, SourceArgs, open, runtime};
use crate::config::Config;

/// Print the schema as Rulegate sees it: resources, attributes, keys and relationships, in stable text.
#[derive(Debug, Args)]
pub(super) struct IntrospectArgs {
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) fn run(args: IntrospectArgs) -> Result<(), Failure> {
    let config = Config::load(args.source.given())?;
    runtime()?.block_on(async {
        let pool = open(&config)?;
        let overlay = config.blueprint.overlay.as_ref();
        let schema = ::introspect::introspect(&pool, overlay).await.map_err(Failure::problems)?;
        super::out::write(::introspect::print::print(&schema));
        Ok(())
    })
}
