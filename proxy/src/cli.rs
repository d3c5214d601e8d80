//! The command line: one module a command. Exit codes: 0 fine, 1 problems found, 2 usage.

#[macro_use]
mod out;

mod access;
mod announce;
mod check;
mod completions;
mod demo;
mod healthcheck;
mod introspect;
mod openapi;
mod schema;
mod serve;
mod serving;
mod setup;
mod token;
mod trust;
mod verify;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ::introspect::Problem;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use dialects::Pool;

use crate::config::{Config, ConfigError, DatabaseUrl, Given};
use crate::observe::{LogFormat, is_json, start_log};

/// A JSON:API in front of your database, with the rules kept in every write.
///
/// Pointed at a PostgreSQL, MySQL/MariaDB or SQLite database it serves every table at once, without code generation. What must
/// hold about the data stands in rule files, and every write keeps it.
#[derive(Debug, Parser)]
#[command(name = "rulegate", version, arg_required_else_help = true)]
#[command(after_help = "Start with: rulegate demo")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Serve(serve::ServeArgs),
    Introspect(introspect::IntrospectArgs),
    Openapi(openapi::OpenapiArgs),
    Schema(schema::SchemaArgs),
    Check(check::CheckArgs),
    Access(access::AccessArgs),
    Setup(setup::SetupArgs),
    Token(token::TokenArgs),
    Verify(verify::VerifyArgs),
    Healthcheck(healthcheck::HealthcheckArgs),
    Completions(completions::CompletionsArgs),
}

#[derive(Debug, Args)]
struct LogArgs {
    /// What is logged: error, warn, info, debug, trace, or a filter such as `proxy=debug,warn`
    #[arg(long, global = true, env = "RULEGATE_LOG", default_value = "info", hide_env_values = true)]
    log: String,
    /// How log lines look
    #[arg(long, global = true, env = "RULEGATE_LOG_FORMAT", default_value = "text", hide_env_values = true)]
    log_format: LogFormat,
}

/// Which database, and which project.
#[derive(Debug, Args)]
struct SourceArgs {
    /// Folder with rulegate.yaml, rules/ and access/ [default: the working directory; nothing in it is required]
    #[arg(long, value_name = "DIR", env = "RULEGATE_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    /// The database: postgres://…, mysql://…, sqlite://path or sqlite::memory:. A password belongs into the
    /// environment variable, because everybody on the machine sees arguments
    #[arg(long, value_name = "URL", env = "RULEGATE_DATABASE_URL", hide_env_values = true, value_parser = url)]
    database_url: Option<DatabaseUrl>,
}

/// Where to listen.
#[derive(Debug, Args)]
struct ListenArgs {
    /// Where the API listens [default: 127.0.0.1:8080; 0.0.0.0:8080 where rulegate.yaml has `auth`]
    #[arg(long, value_name = "ADDR", env = "RULEGATE_LISTEN", hide_env_values = true)]
    listen: Option<String>,
    /// Where health and metrics listen [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR", env = "RULEGATE_ADMIN_LISTEN", hide_env_values = true)]
    admin_listen: Option<String>,
}

/// Why a command ends badly: what people read, and the exit code.
#[derive(Debug)]
struct Failure {
    text: String,
    code: u8,
}

/// The commands with their flags, as completions and the reference show them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let serves = matches!(cli.command, Command::Serve(_));
    let ended =
        start_log(cli.log.log_format, &cli.log.log).map_err(Failure::usage).and_then(|()| run(cli.command));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            match serves && is_json() {
                true => tracing::error!("{}", failure.text),
                false => eprintln!("{}", failure.text),
            }
            ExitCode::from(failure.code)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Introspect(args) => introspect::run(args),
        Command::Openapi(args) => openapi::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Check(args) => check::run(args),
        Command::Access(args) => access::run(args),
        Command::Setup(args) => setup::run(args),
        Command::Token(args) => token::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Healthcheck(args) => healthcheck::run(args),
        Command::Completions(args) => completions::run(args),
    }
}

impl Failure {
    fn problems(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: 1 }
    }

    /// All problems, each with the text underlined, and how many there are.
    fn listed(problems: &[Problem], files: &[(String, String)]) -> Self {
        let text = rules::problem::render(problems, files, std::io::stderr().is_terminal());
        Self::problems(format!("{text}\n{}", announce::count(problems.len(), "problem")))
    }

    fn usage(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: 2 }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::NoDatabase => Self::usage(error),
            ConfigError::Problems { problems, file } => Self::listed(&problems, &[file]),
            _ => Self::problems(error),
        }
    }
}

impl SourceArgs {
    fn given(self) -> Given {
        Given { project: self.project, database_url: self.database_url, ..Given::default() }
    }
}

fn url(text: &str) -> Result<DatabaseUrl, String> {
    Ok(DatabaseUrl::from(text.to_owned()))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Failure::problems(format!("the runtime cannot start: {error}")))
}

fn open(config: &Config) -> Result<Arc<Pool>, Failure> {
    let shown = |url, error: dialects::Error| Failure::problems(format!("{url}: {}", error.detail));
    let pool = Pool::open(config.database_url.reveal(), config.database.clone());
    let pool = pool.map_err(|error| shown(config.database_url.to_string(), error))?;
    let replicas: Vec<&str> = config.replicas.iter().map(DatabaseUrl::reveal).collect();
    let of = |place| {
        let url = config.replicas.get(place).map(DatabaseUrl::to_string).unwrap_or_default();
        format!("replica {}, {url}", place + 1)
    };
    let pool = pool.with_replicas(&replicas, &config.database);
    pool.map(Arc::new).map_err(|(place, error)| shown(of(place), error))
}
