//! What a server says when it starts: where, what, and how open. To people on standard output, to machines as lines of the log.

use std::fmt::Display;
use std::net::SocketAddr;

use dialects::Dialect;

use super::serving::Serving;
use crate::auth::Settings;
use crate::config::Config;
use crate::observe::is_json;
use crate::state::Snapshot;

/// That nobody is asked who he is.
pub(super) const OPEN: &str = "no authentication: everything is open to whoever reaches the address";

/// A line about what it does.
pub(super) fn say(line: impl Display) {
    match is_json() {
        true => tracing::info!("{line}"),
        false => outln!("  {line}"),
    }
}

/// A line about what somebody should look at.
fn warn(line: impl Display) {
    match is_json() {
        true => tracing::warn!("{line}"),
        false => outln!("  WARNING: {line}"),
    }
}

/// Where it listens.
pub(super) fn listening(config: &Config, serving: &Serving) {
    let title = format!("rulegate {} in front of {}", env!("CARGO_PKG_VERSION"), config.database_url);
    match is_json() {
        true => tracing::info!("{title}"),
        false => outln!("{title}"),
    }
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    say(format!("API    {scheme}://{}{}/", shown(serving.api()), config.blueprint.api.prefix));
    if let Some(upstream) = &config.server.upstream {
        say(format!("others {}", upstream.target));
    }
    say(format!("admin  http://{}/  (livez readyz startupz metrics version)", shown(serving.admin())));
}

/// What it serves, once the database has been read.
pub(super) fn loaded(config: &Config, snapshot: &Snapshot) {
    say(summary(config, snapshot));
    for table in snapshot.schema.keyless() {
        say(format!(
            "`{}` is not served: it has no primary key (`key` in model.yaml names columns that are one)",
            table.name
        ));
    }
    for sentence in introspect::advice::inexact(&snapshot.schema) {
        warn(sentence);
    }
    for stray in &config.strays {
        warn(stray);
    }
    if config.server.upstream.as_ref().is_some_and(|upstream| upstream.secret.is_none()) {
        warn("no upstream.secret_file: the application behind is not told who asks");
    }
    if let Some(sentence) = nothing_granted(config) {
        warn(sentence);
    }
    match &config.auth {
        None => warn(OPEN),
        Some(auth) => guarded(auth),
    }
}

/// How it is found out who asks.
fn guarded(auth: &Settings) {
    let algorithms: Vec<&str> = auth.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    say(format!("bearer tokens by {}, roles from `{}`", algorithms.join(", "), auth.roles_claim));
    if let Some(role) = &auth.anonymous_role {
        say(format!("requests without a token have the role `{role}`"));
    }
    if auth.audience.is_empty() && auth.algorithms.iter().any(|algorithm| !algorithm.needs_secret()) {
        warn("no auth.jwt.audience: what the issuer made for other services is accepted here too");
    }
}

/// That nobody may do anything, where that is so.
pub(super) fn nothing_granted(config: &Config) -> Option<&'static str> {
    let nothing = config.blueprint.auth && config.blueprint.access_files.is_empty();
    nothing.then_some("nothing is granted to anybody: there is no file in access/ yet")
}

/// "11 tables on PostgreSQL, 9 rules from 2 files, access rules from 1 file".
pub(super) fn summary(config: &Config, snapshot: &Snapshot) -> String {
    let tables = snapshot.schema.tables.iter().filter(|table| table.is_resource() && !table.hidden).count();
    let all = &snapshot.rules;
    let refusing = all.constraints.len() + all.transitions.len();
    let rules = match all.derivations.len() + all.virtuals.len() + refusing {
        0 => "no rules".to_owned(),
        rules => {
            format!("{} from {}", count(rules, "rule"), count(config.blueprint.rule_files.len(), "file"))
        }
    };
    let access = match config.blueprint.access_files.len() {
        0 => String::new(),
        files => format!(", access rules from {}", count(files, "file")),
    };
    format!("{} on {}, {rules}{access}", count(tables, "table"), product(snapshot.schema.dialect))
}

pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

fn product(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "PostgreSQL",
        Dialect::Mysql => "MySQL/MariaDB",
        Dialect::Sqlite => "SQLite",
    }
}

/// An address that can be opened from this machine: `0.0.0.0` is everywhere, but nowhere to go.
pub(super) fn shown(address: SocketAddr) -> SocketAddr {
    let mut shown = address;
    if address.ip().is_unspecified() {
        let loopback = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        shown.set_ip(loopback);
    }
    shown
}
