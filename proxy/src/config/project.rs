//! A project that is read again while it is served: what is in its files now, which of its settings need a restart, and whether the
//! files are other ones than before.
//!
//! Whether they are is looked at, not listened for: a look costs some calls of `stat`, and sees every way in which files are exchanged
//! (in place, by rename, by a symbolic link further up, on a file system of the network).

use std::fs::Metadata;
use std::hash::Hasher as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::{Config, ConfigError, FILE, Given, MODEL};
use crate::auth;
use crate::state::load::{ACCESS, Blueprint, RULES, file_paths};

/// The project that is served.
#[derive(Debug)]
pub struct Project {
    /// What flags and environment say; nothing for a project without files.
    given: Option<Given>,
    /// As it was when the process started.
    started: Config,
}

/// What the files say now.
#[derive(Debug)]
pub struct Reread {
    /// What the next snapshot is made from.
    pub blueprint: Blueprint,
    /// How it is found out who asks.
    pub auth: Option<auth::Settings>,
    /// Keys whose values have changed since the start, and that take effect at the next one.
    pub restart: Vec<&'static str>,
}

impl Project {
    /// Of files.
    pub fn of_files(given: Given, started: Config) -> Self {
        Self { given: Some(given), started }
    }

    /// Without files: it is always the same.
    pub fn fixed(started: Config) -> Self {
        Self { given: None, started }
    }

    /// Reads the files again.
    pub fn read(&self) -> Result<Reread, ConfigError> {
        let Some(given) = &self.given else {
            let Config { blueprint, auth, .. } = self.started.clone();
            return Ok(Reread { blueprint, auth, restart: Vec::new() });
        };
        let now = Config::load(given.clone())?;
        let restart = changed(&self.started, &now);
        Ok(Reread { blueprint: now.blueprint, auth: now.auth, restart })
    }

    /// The same as long as all files are the same, and these others too.
    pub fn fingerprint(&self, others: &[PathBuf]) -> u64 {
        let mut hash = Xxh3::new();
        for path in self.paths().iter().chain(others) {
            hash.write(path.as_os_str().as_encoded_bytes());
            if let Ok(file) = path.metadata() {
                write(&mut hash, &file);
            }
        }
        hash.digest()
    }

    fn paths(&self) -> Vec<PathBuf> {
        let Some(given) = &self.given else { return Vec::new() };
        let folder = given.project.as_deref().unwrap_or(Path::new("."));
        // A folder that cannot be read is told by the load.
        let declared = [RULES, ACCESS].map(|name| file_paths(folder, name).unwrap_or_default());
        let mut paths = declared.concat();
        paths.extend([folder.join(FILE), folder.join(MODEL)]);
        paths.extend(self.started.tls.iter().flat_map(|tls| [tls.certificates.clone(), tls.key.clone()]));
        paths
    }
}

fn write(hash: &mut Xxh3, file: &Metadata) {
    hash.write_u64(file.dev());
    hash.write_u64(file.ino());
    hash.write_u64(file.len());
    for time in [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()] {
        hash.write_i64(time);
    }
}

/// The keys that only a start reads, where they have changed.
fn changed(before: &Config, now: &Config) -> Vec<&'static str> {
    let (limits, other) = (&before.server, &now.server);
    let exports = (before.database.streams_max, now.database.streams_max);
    let database = dialects::Options { streams_max: exports.0, ..now.database.clone() };
    let keys = [
        ("database", before.database_url != now.database_url || before.database != database),
        ("database.replicas", before.replicas != now.replicas),
        ("server.listen", before.listen != now.listen),
        ("server.admin_listen", before.admin_listen != now.admin_listen),
        ("server.reuse_port", limits.reuse_port != other.reuse_port),
        ("server.drain_ms", limits.drain != other.drain),
        ("server.tls", before.tls != now.tls),
        ("server.reload_token_file", limits.reload_token != other.reload_token),
        ("server.cors", limits.cors_origins != other.cors_origins),
        ("limits.body_bytes", limits.body_bytes != other.body_bytes),
        ("limits.header_bytes", limits.header_bytes != other.header_bytes),
        ("limits.url_bytes", limits.url_bytes != other.url_bytes),
        ("limits.request_timeout_ms", limits.request_timeout != other.request_timeout),
        ("limits.concurrent_requests", limits.concurrent_requests != other.concurrent_requests),
        ("limits.requests_per_second", limits.requests_per_second != other.requests_per_second),
        ("tracing", before.tracing != now.tracing),
        ("upstream", limits.upstream != other.upstream),
        ("limits.concurrent_exports", exports.0 != exports.1),
    ];
    keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}
