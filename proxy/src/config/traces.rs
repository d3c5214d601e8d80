//! The `tracing` part of `rulegate.yaml`: where traces are sent, and how many.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::file::named;
use super::{ConfigError, unreadable};
use crate::observe::TracerSettings;
use crate::outbound::is_this_machine;

/// The part as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Traces {
    endpoint: Option<String>,
    headers_file: Option<String>,
    ratio: Option<f64>,
    service_name: Option<String>,
}

/// What a collector calls this service when nobody says.
const SERVICE: &str = "rulegate";

/// Where a collector takes traces when only its address is given.
const PATH: &str = "/v1/traces";

impl Traces {
    /// What it means; the headers are read from their file, relative to the project.
    pub(super) fn settings(&self, project: &Path) -> Result<Option<TracerSettings>, ConfigError> {
        let Some(Ok(endpoint)) = self.endpoint() else { return Ok(None) };
        let headers = named(&self.headers_file).map(|file| headers(&project.join(file))).transpose()?;
        Ok(Some(TracerSettings {
            endpoint,
            headers: headers.unwrap_or_default(),
            ratio: self.ratio.unwrap_or(1.0),
            service: named(&self.service_name).unwrap_or(SERVICE).to_owned(),
        }))
    }

    /// What makes no sense, by path.
    pub(super) fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        let headers = named(&self.headers_file).is_some();
        match self.endpoint() {
            Some(Err(words)) => problems.push(("tracing.endpoint", words)),
            Some(Ok(url)) if headers && url.scheme() == "http" && !is_this_machine(&url) => {
                let words =
                    "must begin with `https://` where `tracing.headers_file` is sent beyond this machine";
                problems.push(("tracing.endpoint", words));
            }
            None if headers => problems.push(("tracing.headers_file", "needs `tracing.endpoint`")),
            _ => {}
        }
        if self.ratio.is_some_and(|ratio| !(0.0..=1.0).contains(&ratio)) {
            problems.push(("tracing.ratio", "must be from 0 to 1"));
        }
        problems
    }

    fn endpoint(&self) -> Option<Result<Url, &'static str>> {
        const WORDS: &str =
            "must be an address, as `http://127.0.0.1:4318`, without user, password and fragment";
        let parsed = named(&self.endpoint)?.parse::<Url>().ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
            plain && matches!(url.scheme(), "http" | "https") && url.has_host()
        });
        Some(parsed.ok_or(WORDS).map(|mut url| {
            if url.path() == "/" {
                url.set_path(PATH);
            }
            url
        }))
    }
}

/// `name: value` on each line. What is wrong is told by the number of the line: the line may be a secret.
fn headers(path: &Path) -> Result<HeaderMap, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(unreadable(path))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line): (usize, &str)| {
        let words = format!("line {} must be a header: `name: value`", number + 1);
        header(line)
            .ok_or_else(|| unreadable(path)(std::io::Error::new(std::io::ErrorKind::InvalidData, words)))
    };
    lines.map(read).collect()
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}
