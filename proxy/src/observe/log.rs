//! Log lines: text for people, JSON for machines, to standard error. Never a query string, a body, a header or a secret.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use super::Observation;

/// How lines look (`RULEGATE_LOG_FORMAT`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging for the whole process. `level` is a filter of `tracing` (`info`, `debug`, `proxy=debug,warn`); what cannot be
/// read is refused. A second call changes nothing.
pub fn start(format: LogFormat, level: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(level).map_err(|e| format!("log level {level:?}: {e}"))?;
    let colour = std::io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    // An error here means that a log is there already: tests start several servers in one process.
    let _ = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_target(false).try_init(),
    };
    Ok(())
}

/// A line for an answered request. A bug is an error, what could not be served a warning; what the client got wrong is neither.
pub(super) fn request(seen: &Observation<'_>) {
    let elapsed_ms = seen.elapsed.as_secs_f64() * 1000.0;
    let errors = seen.errors.map(words);
    let errors = errors.as_deref();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id = seen.request_id,
                method = seen.method,
                path = seen.path,
                operation = seen.operation,
                status = seen.status,
                elapsed_ms,
                errors,
                "request"
            )
        };
    }
    match seen.status {
        500 => line!(error),
        501.. => line!(warn),
        _ => line!(debug),
    }
}

fn words(errors: &crate::Errors) -> String {
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    all.join("; ")
}
