//! The `upstream` part of `rulegate.yaml`: the application behind, and how it is told who asks.

use std::path::Path;

use http::HeaderName;
use serde::Deserialize;

use super::file::named;
use super::{ConfigError, unreadable};
use crate::server::upstream::{Secret, Target, UpstreamSettings};

/// The part as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Upstream {
    url: Option<String>,
    header: Option<String>,
    secret_file: Option<String>,
    ttl_s: Option<u64>,
}

/// The header that tells who asks when nobody says.
const HEADER: &str = "Rulegate-Actor";

/// How long it counts when nobody says, and at most: it is made anew for each request.
const TTL_S: (u64, u64) = (60, 3600);

/// Headers that mean something else to whoever reads HTTP; with a hyphen at its end: all that begin with it.
const TAKEN: [&str; 12] = [
    "connection",
    "content-",
    "expect",
    "host",
    "keep-alive",
    "proxy-",
    "te",
    "trailer",
    "transfer-",
    "upgrade",
    "x-forwarded-",
    "x-request-id",
];

impl Upstream {
    /// What it means; the secret is read from its file, relative to the project.
    pub(super) fn settings(&self, project: &Path) -> Result<Option<UpstreamSettings>, ConfigError> {
        let Some((target, header)) = self.target().zip(self.header()) else { return Ok(None) };
        let secret = named(&self.secret_file).map(|file| secret(&project.join(file))).transpose()?;
        Ok(Some(UpstreamSettings { target, header, secret, ttl_s: self.ttl_s.unwrap_or(TTL_S.0) }))
    }

    /// What makes no sense, by path.
    pub(super) fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        match named(&self.url).map(str::parse::<Target>) {
            Some(Err(words)) => problems.push(("upstream.url", words)),
            None if named(&self.secret_file).is_some() => {
                problems.push(("upstream.secret_file", "needs `upstream.url`"));
            }
            _ => {}
        }
        if self.header().is_none() {
            let words = "must be a header that means nothing else, such as `Rulegate-Actor`";
            problems.push(("upstream.header", words));
        }
        match self.ttl_s {
            Some(0) => problems.push(("upstream.ttl_s", "must be greater than 0")),
            Some(seconds) if seconds > TTL_S.1 => problems.push(("upstream.ttl_s", "must be 3600 at most")),
            _ => {}
        }
        problems
    }

    fn target(&self) -> Option<Target> {
        named(&self.url)?.parse().ok()
    }

    fn header(&self) -> Option<HeaderName> {
        let name: HeaderName = named(&self.header).unwrap_or(HEADER).parse().ok()?;
        let is = |taken: &str| name == *taken || taken.ends_with('-') && name.as_str().starts_with(taken);
        (!TAKEN.into_iter().any(is)).then_some(name)
    }
}

fn secret(path: &Path) -> Result<Secret, ConfigError> {
    let bytes = std::fs::read(path).map_err(unreadable(path))?;
    Secret::new(&bytes).map_err(|words| {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, words);
        unreadable(path)(error)
    })
}
