//! Flags, environment and `rulegate.yaml` → [`Config`], typed and checked; a flag beats the environment beats the file.
//!
//! Unknown keys are problems with a place and a hint. Secrets never print.

mod auth;
mod file;
mod keys;
pub mod project;
mod secret;
mod strays;
#[cfg(test)]
mod tests;
mod traces;
mod upstream;

use std::path::{Path, PathBuf};
use std::time::Duration;

use introspect::{Overlay, Problem};

pub use secret::DatabaseUrl;

use crate::auth::{Authenticator, KeyError, Settings};
use crate::observe::TracerSettings;
use crate::server;
use crate::server::tls::TlsFiles;
use crate::state::load::{ACCESS, Blueprint, RULES, read_files};
use file::File;

/// The JSON Schema of `rulegate.yaml`, by which editors complete and check it.
pub const JSON_SCHEMA: &str = include_str!("config/schema.json");

/// Where the API listens when nobody says.
pub const LISTEN: &str = "127.0.0.1:8080";

/// Where it listens where it is known who asks.
pub const LISTEN_GUARDED: &str = "0.0.0.0:8080";

/// Where health and metrics listen when nobody says.
pub const ADMIN_LISTEN: &str = "127.0.0.1:9090";

/// The project folder's configuration file.
const FILE: &str = "rulegate.yaml";

/// The project folder's model file.
const MODEL: &str = "model.yaml";

/// Everything that is set.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database.
    pub database_url: DatabaseUrl,
    /// Replicas of it.
    pub replicas: Vec<DatabaseUrl>,
    /// How to connect to it.
    pub database: dialects::Options,
    /// Where the API listens.
    pub listen: String,
    /// Where health and metrics listen.
    pub admin_listen: String,
    /// What the server allows.
    pub server: server::Settings,
    /// The API's certificate, where it is served over TLS.
    pub tls: Option<TlsFiles>,
    /// Where traces are sent; absent: there are none.
    pub tracing: Option<TracerSettings>,
    /// How it is found out who asks; absent: everything is open.
    pub auth: Option<Settings>,
    /// What snapshots are made from.
    pub blueprint: Blueprint,
    /// What looks like a part of the project and is none, a sentence each.
    pub strays: Vec<String>,
}

/// What flags and environment say.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The project folder; absent: the working directory, where everything is optional.
    pub project: Option<PathBuf>,
    /// The database.
    pub database_url: Option<DatabaseUrl>,
    /// Where the API listens.
    pub listen: Option<String>,
    /// Where health and metrics listen.
    pub admin_listen: Option<String>,
}

/// What stands in the way of a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or folder cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The configuration file has problems.
    #[error("{}", introspect::problem::render(.problems, std::slice::from_ref(.file), false))]
    Problems {
        /// The problems with their places.
        problems: Vec<Problem>,
        /// The file's name and text.
        file: (String, String),
    },
    /// Nobody says which database.
    #[error(
        "no database is named: give --database-url, set RULEGATE_DATABASE_URL, or write database.url in rulegate.yaml"
    )]
    NoDatabase,
}

impl Config {
    /// Everything put together.
    pub fn load(given: Given) -> Result<Self, ConfigError> {
        let project = given.project.clone().unwrap_or_else(|| PathBuf::from("."));
        let file = read_file(&project, given.project.is_some())?;
        let database_url = database_url(&given, &file, &project)?;
        let replicas = replicas(&file, &project)?;
        let overlay = read_overlay(&project)?;
        let files = |folder| read_files(&project, folder).map_err(unreadable(&project.join(folder)));
        let (rule_files, access_files) = (files(RULES)?, files(ACCESS)?);
        let auth = file.auth(&project);
        let listen = if auth.is_some() { LISTEN_GUARDED } else { LISTEN };
        Ok(Self {
            database_url,
            replicas,
            database: file.options(&project),
            listen: given.listen.or(file.server.listen.clone()).unwrap_or_else(|| listen.into()),
            admin_listen: given
                .admin_listen
                .or(file.server.admin_listen.clone())
                .unwrap_or_else(|| ADMIN_LISTEN.into()),
            server: server::Settings { upstream: file.upstream(&project)?, ..file.settings(&project) },
            tls: file.tls(&project),
            tracing: file.tracing.settings(&project)?,
            blueprint: Blueprint {
                overlay,
                rule_files,
                access_files,
                auth: auth.is_some(),
                api: file.api(),
                limits: file.limits(),
            },
            auth,
            strays: strays::of(&project),
        })
    }
}

impl Config {
    /// Tells who asks, with the keys that the settings name.
    pub fn authenticator(&self) -> Result<Option<Authenticator>, KeyError> {
        self.auth.clone().map(Authenticator::new).transpose()
    }
}

/// How it is found out who asks, for those who need nothing else.
pub fn auth_settings(given: &Given) -> Result<Option<Settings>, ConfigError> {
    let project = given.project.clone().unwrap_or_else(|| PathBuf::from("."));
    Ok(read_file(&project, given.project.is_some())?.auth(&project))
}

/// Where health and metrics listen, for those who need nothing else.
pub fn admin_listen(given: &Given) -> Result<String, ConfigError> {
    let project = given.project.clone().unwrap_or_else(|| PathBuf::from("."));
    let file = read_file(&project, given.project.is_some())?;
    Ok(given.admin_listen.clone().or(file.server.admin_listen).unwrap_or_else(|| ADMIN_LISTEN.into()))
}

/// `rulegate.yaml`, which need not be there; a project folder that was named must.
fn read_file(project: &Path, named: bool) -> Result<File, ConfigError> {
    if named && !project.is_dir() {
        let error = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such folder");
        return Err(unreadable(project)(error));
    }
    match read_optional(&project.join(FILE))? {
        Some(text) => file::parse(FILE, &text).map_err(of_file(FILE, &secret::masked(&text))),
        None => Ok(File::default()),
    }
}

fn read_overlay(project: &Path) -> Result<Option<Overlay>, ConfigError> {
    let text = read_optional(&project.join(MODEL))?;
    text.map(|text| Overlay::parse(MODEL, &text).map_err(of_file(MODEL, &text))).transpose()
}

fn read_optional(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path)(error)),
    }
}

fn database_url(given: &Given, file: &File, project: &Path) -> Result<DatabaseUrl, ConfigError> {
    if let Some(url) = given.database_url.clone().or_else(|| file.url().map(DatabaseUrl::from)) {
        return Ok(url);
    }
    let path = project.join(file.url_file().ok_or(ConfigError::NoDatabase)?);
    let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
    Ok(DatabaseUrl::from(text.trim().to_owned()))
}

/// Those that the file names, and those in the file that it names, one on each line.
fn replicas(file: &File, project: &Path) -> Result<Vec<DatabaseUrl>, ConfigError> {
    let kept = match file.replicas_file() {
        None => String::new(),
        Some(name) => {
            let path = project.join(name);
            std::fs::read_to_string(&path).map_err(unreadable(&path))?
        }
    };
    let lines = kept.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
    Ok(file.replicas().iter().cloned().chain(lines).map(DatabaseUrl::from).collect())
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> ConfigError {
    let path = path.display().to_string();
    |error| ConfigError::Unreadable { path, error }
}

fn of_file(name: &str, text: &str) -> impl FnOnce(Vec<Problem>) -> ConfigError {
    let file = (name.to_owned(), text.to_owned());
    |problems| ConfigError::Problems { problems, file }
}

/// Milliseconds, as the keys that end in `_ms` have them.
fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}
