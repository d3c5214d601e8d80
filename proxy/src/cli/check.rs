//! `rulegate check`: the project's files against the live schema.

use std::io::IsTerminal as _;

use clap::Args;
use rules::problem::render_warnings;

use super::{Failure, SourceArgs, announce, open, runtime, serving, trust};
use crate::config::Config;
use crate::state::load::{Loaded, load};

/// Check the project's files against the database: prints every problem with its place, exit code 1 if there is one.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// End with exit code 1 for warnings too
    #[arg(long)]
    strict: bool,
    /// Print which columns the rules derive from which, as a Mermaid diagram, and nothing else
    #[arg(long)]
    graph: bool,
}

pub(super) fn run(args: CheckArgs) -> Result<(), Failure> {
    let config = Config::load(args.source.given())?;
    config.authenticator().map_err(Failure::problems)?;
    runtime()?.block_on(async {
        let pool = open(&config)?;
        let loaded = load(&pool, &config.blueprint).await.map_err(|error| serving::failure(&error))?;
        // What the files say is told first.
        config.blueprint.servable().map_err(|error| serving::failure(&error))?;
        if args.graph {
            super::out::write(rules::graph::mermaid(&loaded.snapshot.schema, &loaded.snapshot.rules));
            return Ok(());
        }
        if let Some(sentence) = announce::nothing_granted(&config) {
            outln!("note: {sentence}");
        }
        for advice in introspect::advice::advice(&loaded.snapshot.schema) {
            outln!("note: {advice}");
        }
        for constraint in loaded.snapshot.rules.constraints.iter().filter(|constraint| !constraint.recheck) {
            outln!(
                "note: `{}` is not checked again when a row above changes (recheck: false)",
                constraint.name
            );
        }
        for line in trust::lines(&pool, &loaded.snapshot).await {
            outln!("note: {line}");
        }
        let warnings = warnings(&config, &loaded);
        let summary = announce::summary(&config, &loaded.snapshot);
        match loaded.warnings.len() + loaded.privileges.len() + config.strays.len() {
            0 => outln!("no problems: {summary}"),
            count if args.strict => return Err(Failure::problems(format!("{warnings}\n{}", warned(count)))),
            count => outln!("{warnings}\nno problems, {}: {summary}", warned(count)),
        }
        Ok(())
    })
}

fn warned(count: usize) -> String {
    announce::count(count, "warning")
}

fn warnings(config: &Config, loaded: &Loaded) -> String {
    let of_files =
        render_warnings(&loaded.warnings, &config.blueprint.files(), std::io::stdout().is_terminal());
    let others =
        config.strays.iter().chain(&loaded.privileges).map(|sentence| format!("warning: {sentence}"));
    let all = [of_files].into_iter().filter(|text| !text.is_empty()).chain(others);
    all.collect::<Vec<_>>().join("\n")
}
