//! `rulegate completions`: for shells.

use clap::Args;
use clap_complete::{Shell, generate};

use super::{Failure, command};

/// Print the completions for a shell, for example: rulegate completions bash > /etc/bash_completion.d/rulegate
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut command(), "rulegate", &mut script);
    super::out::write(String::from_utf8_lossy(&script));
    Ok(())
}
