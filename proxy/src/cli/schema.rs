//! `rulegate schema`: the JSON Schemas of a project's files, for editors.

use clap::{Args, ValueEnum};

use super::Failure;

/// Print the JSON Schema of a project's files, for editors: rulegate schema model > model.schema.json
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of which files
    of: Of,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// rules/*.yaml
    Rules,
    /// access/*.yaml
    Access,
    /// model.yaml
    Model,
    /// rulegate.yaml
    Config,
}

pub(super) fn run(args: SchemaArgs) -> Result<(), Failure> {
    match args.of {
        Of::Rules => super::out::write(rules::JSON_SCHEMA),
        Of::Access => super::out::write(rules::policy::JSON_SCHEMA),
        Of::Model => super::out::write(introspect::overlay::JSON_SCHEMA),
        Of::Config => super::out::write(crate::config::JSON_SCHEMA),
    }
    Ok(())
}
