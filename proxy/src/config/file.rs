//! `rulegate.yaml` as it is written, every key optional, and what it says in the types of those who use it.

use std::path::Path;

use introspect::problem::Place;
use introspect::{Problem, yaml};
use serde::Deserialize;

use super::auth::Auth;
use super::keys::{self, Places};
use super::traces::Traces;
use super::upstream::Upstream;
use super::{ConfigError, milliseconds};
use crate::auth;
use crate::server::tls::TlsFiles;
use crate::server::upstream::UpstreamSettings;
use crate::server::{Settings, is_origin};
use crate::state::{ApiSettings, Limits, Numbers, OptimisticLocking};

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    database: Database,
    pub(super) server: Server,
    api: Api,
    optimistic_locking: Option<Locking>,
    writes: Writes,
    log: Log,
    limits: FileLimits,
    trace: Trace,
    pub(super) tracing: Traces,
    auth: Option<Auth>,
    upstream: Upstream,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Database {
    url: Option<String>,
    url_file: Option<String>,
    pool: PoolKeys,
    tls: DatabaseTls,
    replicas: Vec<String>,
    replicas_file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DatabaseTls {
    mode: Option<String>,
    ca_file: Option<String>,
    cert_file: Option<String>,
    key_file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PoolKeys {
    max: Option<usize>,
    acquire_timeout_ms: Option<u64>,
    statement_timeout_ms: Option<u64>,
    lock_timeout_ms: Option<u64>,
    statements: Option<Statements>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Statements {
    Cached,
    Unnamed,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Server {
    pub(super) listen: Option<String>,
    pub(super) admin_listen: Option<String>,
    reuse_port: bool,
    drain_ms: Option<u64>,
    public_url: Option<String>,
    reload_token_file: Option<String>,
    cors: Cors,
    tls: Tls,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cors {
    origins: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tls {
    cert_file: Option<String>,
    key_file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Api {
    prefix: Option<String>,
    page_size: Option<u64>,
    page_size_max: Option<u64>,
    include_depth: Option<usize>,
    totals: Option<Totals>,
    numbers: Option<NumberStyle>,
    foreign_key_attributes: Option<bool>,
    server_timing: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Totals {
    OnRequest,
    Exact,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NumberStyle {
    Safe,
    Number,
    String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Locking {
    Off,
    Optional,
    Required,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Writes {
    tries: Option<u32>,
    strict_derived: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Log {
    slow_statement_ms: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Trace {
    roles: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FileLimits {
    body_bytes: Option<usize>,
    header_bytes: Option<usize>,
    url_bytes: Option<usize>,
    json_depth: Option<usize>,
    filter_terms: Option<usize>,
    include_rows: Option<usize>,
    operations: Option<usize>,
    transaction_rows: Option<usize>,
    request_timeout_ms: Option<u64>,
    concurrent_requests: Option<usize>,
    concurrent_exports: Option<usize>,
    requests_per_second: Option<u32>,
}

/// Reads the file's text, or finds every wrong key, else the first value of a wrong type, else every value that makes no sense.
pub(super) fn parse(name: &str, text: &str) -> Result<File, Vec<Problem>> {
    let tree = yaml::parse(name, text).map_err(|problem| vec![problem])?;
    if tree.content == yaml::Content::Null {
        return Ok(File::default());
    }
    let places = keys::check(name, &tree)?;
    let file: File = serde_saphyr::from_str(text).map_err(|error| vec![wrong_type(name, &error)])?;
    match file.senseless(name, &places) {
        problems if problems.is_empty() => Ok(file),
        problems => Err(problems),
    }
}

fn wrong_type(name: &str, error: &serde_saphyr::Error) -> Problem {
    let place = error.location().map_or(Place::START, |at| Place {
        line: usize::try_from(at.line()).unwrap_or(1),
        column: usize::try_from(at.column()).unwrap_or(1),
        span: (0, 0),
    });
    let message = error.without_snippet().to_string();
    Problem { file: name.into(), place, message, hint: None }
}

impl File {
    /// Values of the right type that make no sense.
    fn senseless(&self, name: &str, places: &Places) -> Vec<Problem> {
        let found =
            self.zeros().into_iter().map(|path| (path, "must be greater than 0")).chain(self.clashes());
        let found = found.map(|(path, words)| (path, words.to_owned()));
        let found = found.chain(self.auth.iter().flat_map(Auth::problems));
        let others = self.upstream.problems().into_iter().chain(self.tracing.problems());
        let found = found.chain(others.map(|(path, words)| (path, words.to_owned())));
        let place = |path: &str| places.get(path).copied().unwrap_or(Place::START);
        let problem = |(path, words): (&str, String)| Problem {
            file: name.into(),
            place: place(path),
            message: format!("`{path}` {words}"),
            hint: None,
        };
        found.map(problem).collect()
    }

    fn zeros(&self) -> Vec<&'static str> {
        let (pool, api, limits) = (&self.database.pool, &self.api, &self.limits);
        let numbers = [
            ("database.pool.max", pool.max.map(|n| n as u64)),
            ("database.pool.acquire_timeout_ms", pool.acquire_timeout_ms),
            ("database.pool.statement_timeout_ms", pool.statement_timeout_ms),
            ("database.pool.lock_timeout_ms", pool.lock_timeout_ms),
            ("api.page_size", api.page_size),
            ("api.page_size_max", api.page_size_max),
            ("writes.tries", self.writes.tries.map(u64::from)),
            ("limits.body_bytes", limits.body_bytes.map(|n| n as u64)),
            ("limits.header_bytes", limits.header_bytes.map(|n| n as u64)),
            ("limits.url_bytes", limits.url_bytes.map(|n| n as u64)),
            ("limits.json_depth", limits.json_depth.map(|n| n as u64)),
            ("limits.include_rows", limits.include_rows.map(|n| n as u64)),
            ("limits.operations", limits.operations.map(|n| n as u64)),
            ("limits.transaction_rows", limits.transaction_rows.map(|n| n as u64)),
            ("limits.request_timeout_ms", limits.request_timeout_ms),
            ("limits.concurrent_requests", limits.concurrent_requests.map(|n| n as u64)),
            ("limits.concurrent_exports", limits.concurrent_exports.map(|n| n as u64)),
        ];
        numbers.into_iter().filter(|(_, number)| *number == Some(0)).map(|(path, _)| path).collect()
    }

    fn clashes(&self) -> Vec<(&'static str, &'static str)> {
        let mut clashes = Vec::new();
        let api = self.api();
        if api.page_size > api.page_size_max {
            clashes.push(("api.page_size", "is greater than `api.page_size_max`"));
        }
        if !well_formed_prefix(&api.prefix) {
            clashes
                .push(("api.prefix", "must look like `/api`: it begins with a slash and ends without one"));
        }
        if self.url().is_some() && self.url_file().is_some() {
            clashes.push(("database.url_file", "and `database.url` exclude each other"));
        }
        for (path, address) in
            [("server.listen", &self.server.listen), ("server.admin_listen", &self.server.admin_listen)]
        {
            if address.as_deref().is_some_and(|address| !is_address(address)) {
                clashes.push((path, "must be an address and a port: `127.0.0.1:8080`"));
            }
        }
        if named(&self.server.public_url)
            .is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            clashes.push(("server.public_url", "must begin with `https://` or `http://`"));
        }
        if !self.server.cors.origins.iter().all(|origin| is_origin(origin)) {
            clashes.push((
                "server.cors.origins",
                "must be exact: `https://shop.example`, with neither path nor `*`",
            ));
        }
        let Tls { cert_file, key_file } = &self.server.tls;
        let of_database = &self.database.tls;
        match (named(&of_database.cert_file), named(&of_database.key_file)) {
            (Some(_), None) => clashes.push(("database.tls.cert_file", "needs `database.tls.key_file`")),
            (None, Some(_)) => clashes.push(("database.tls.key_file", "needs `database.tls.cert_file`")),
            _ => {}
        }
        match (named(cert_file), named(key_file)) {
            (Some(_), None) => clashes.push(("server.tls.cert_file", "needs `server.tls.key_file`")),
            (None, Some(_)) => clashes.push(("server.tls.key_file", "needs `server.tls.cert_file`")),
            _ => {}
        }
        clashes
    }

    /// The database, where the file names it.
    pub(super) fn url(&self) -> Option<String> {
        named(&self.database.url).map(str::to_owned)
    }

    /// The file that names the database.
    pub(super) fn url_file(&self) -> Option<&str> {
        named(&self.database.url_file)
    }

    /// The URLs of replicas.
    pub(super) fn replicas(&self) -> &[String] {
        &self.database.replicas
    }

    /// The file that names replicas.
    pub(super) fn replicas_file(&self) -> Option<&str> {
        named(&self.database.replicas_file)
    }

    /// The certificate of the API's listener, where there is one: files relative to the project.
    pub(super) fn tls(&self, project: &Path) -> Option<TlsFiles> {
        let Tls { cert_file, key_file } = &self.server.tls;
        let (certificates, key) = (project.join(named(cert_file)?), project.join(named(key_file)?));
        Some(TlsFiles { certificates, key })
    }

    /// How it is found out who asks; absent: everything is open.
    pub(super) fn auth(&self, project: &Path) -> Option<auth::Settings> {
        self.auth.as_ref().map(|auth| auth.settings(project))
    }

    /// How to connect: files relative to the project.
    pub(super) fn options(&self, project: &Path) -> dialects::Options {
        let (pool, default) = (&self.database.pool, dialects::Options::default());
        dialects::Options {
            connections_max: pool.max.unwrap_or(default.connections_max),
            streams_max: self.limits.concurrent_exports.unwrap_or(default.streams_max),
            acquire_timeout: pool.acquire_timeout_ms.map_or(default.acquire_timeout, milliseconds),
            statement_timeout: pool.statement_timeout_ms.map_or(default.statement_timeout, milliseconds),
            lock_timeout: pool.lock_timeout_ms.map_or(default.lock_timeout, milliseconds),
            tls: self.database.tls.options(project),
            application_name: application_name(),
            cached_statements: pool.statements.is_none_or(|it| it == Statements::Cached),
        }
    }

    /// What the server allows.
    pub(super) fn settings(&self, project: &Path) -> Settings {
        let (limits, default) = (&self.limits, Settings::default());
        Settings {
            body_bytes: limits.body_bytes.unwrap_or(default.body_bytes),
            header_bytes: limits.header_bytes.unwrap_or(default.header_bytes),
            url_bytes: limits.url_bytes.unwrap_or(default.url_bytes),
            request_timeout: limits.request_timeout_ms.map_or(default.request_timeout, milliseconds),
            drain: self.server.drain_ms.map_or(default.drain, milliseconds),
            reuse_port: self.server.reuse_port,
            cors_origins: self.server.cors.origins.clone(),
            reload_token: named(&self.server.reload_token_file).map(|file| project.join(file)),
            concurrent_requests: limits.concurrent_requests.unwrap_or(default.concurrent_requests),
            requests_per_second: limits.requests_per_second.unwrap_or(default.requests_per_second),
            ..default
        }
    }

    /// The application behind.
    pub(super) fn upstream(&self, project: &Path) -> Result<Option<UpstreamSettings>, ConfigError> {
        self.upstream.settings(project)
    }

    /// How the API looks.
    pub(super) fn api(&self) -> ApiSettings {
        let (api, default) = (&self.api, ApiSettings::default());
        let public_url = self.server.public_url.as_deref().unwrap_or_default();
        ApiSettings {
            prefix: api.prefix.clone().unwrap_or(default.prefix),
            public_url: public_url.trim_end_matches('/').to_owned(),
            page_size: api.page_size.unwrap_or(default.page_size),
            page_size_max: api.page_size_max.unwrap_or(default.page_size_max),
            include_depth: api.include_depth.unwrap_or(default.include_depth),
            totals_exact: api.totals == Some(Totals::Exact),
            numbers: api.numbers.map_or(default.numbers, Numbers::from),
            foreign_key_attributes: api.foreign_key_attributes.unwrap_or(default.foreign_key_attributes),
            optimistic_locking: self.optimistic_locking.map_or(default.optimistic_locking, Into::into),
            server_timing: api.server_timing.unwrap_or(default.server_timing),
            trace_roles: self.trace.roles.clone(),
        }
    }

    /// What the pipeline allows.
    pub(super) fn limits(&self) -> Limits {
        let (limits, default) = (&self.limits, Limits::default());
        Limits {
            json_depth: limits.json_depth.unwrap_or(default.json_depth),
            filter_terms: limits.filter_terms.unwrap_or(default.filter_terms),
            include_rows: limits.include_rows.unwrap_or(default.include_rows),
            operations: limits.operations.unwrap_or(default.operations),
            transaction_rows: limits.transaction_rows.unwrap_or(default.transaction_rows),
            tries: self.writes.tries.unwrap_or(default.tries),
            slow_statement: match self.log.slow_statement_ms {
                Some(0) => None,
                Some(count) => Some(milliseconds(count)),
                None => default.slow_statement,
            },
            strict_derived: self.writes.strict_derived.unwrap_or(default.strict_derived),
        }
    }
}

impl DatabaseTls {
    fn options(&self, project: &Path) -> dialects::TlsOptions {
        let file = |name: &Option<String>| named(name).map(|name| project.join(name));
        dialects::TlsOptions {
            mode: named(&self.mode).and_then(dialects::TlsMode::parse),
            ca_file: file(&self.ca_file),
            cert_file: file(&self.cert_file),
            key_file: file(&self.key_file),
        }
    }
}

/// Product and instance, as PostgreSQL shows them: `rulegate@shop-7d9f`, by the name of the host, which is that of the pod.
fn application_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => "rulegate".to_owned(),
        host => format!("rulegate@{host}"),
    }
}

/// `host:port`
fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// An empty text names nothing.
pub(super) fn named(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

fn well_formed_prefix(prefix: &str) -> bool {
    let segments = prefix.strip_prefix('/').map(|rest| rest.split('/'));
    segments.is_some_and(|mut all| {
        all.all(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)))
    })
}

impl From<NumberStyle> for Numbers {
    fn from(style: NumberStyle) -> Self {
        match style {
            NumberStyle::Safe => Self::Safe,
            NumberStyle::Number => Self::Number,
            NumberStyle::String => Self::String,
        }
    }
}

impl From<Locking> for OptimisticLocking {
    fn from(locking: Locking) -> Self {
        match locking {
            Locking::Off => Self::Off,
            Locking::Optional => Self::Optional,
            Locking::Required => Self::Required,
        }
    }
}
