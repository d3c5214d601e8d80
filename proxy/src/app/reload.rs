//! Reload: the next snapshot from what the files and the database say now, and the certificate from its files.
//!
//! One at a time. Whatever is wrong, what is served goes on being served; the log says why, and the metrics that it is so. Where it is the
//! database that is away, it is tried again until it is there, whatever the cause of the reload.

use std::sync::Arc;
use std::time::Duration;

use super::{App, BACKOFF};
use crate::auth::{self, Authenticator, KeyError};
use crate::config::ConfigError;
use crate::config::project::Project;
use crate::server::tls::{Certificates, TlsError};
use crate::state::load::{LoadError, load_to_serve};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The cause of a reload that has been prevented before.
const AGAIN: &str = "the database could not be read before";

/// What a reload reads.
#[derive(Debug)]
pub struct Source {
    /// The files.
    pub project: Project,
    /// The certificate, where there is one.
    pub certificates: Option<Arc<Certificates>>,
}

/// A reload that worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The name of what is served now, in metrics.
    pub hash: String,
    /// How many warnings there are about the rules.
    pub warnings: usize,
    /// Keys that have changed, and take effect at the next start.
    pub restart: Vec<&'static str>,
}

/// Why what was served is still served.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration or a file cannot be read.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// There is no snapshot of what they say.
    #[error("{0}")]
    Load(#[from] LoadError),
    /// The keys that tokens are checked with.
    #[error("{0}")]
    Keys(#[from] KeyError),
    /// The certificate.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// Nothing has been loaded a first time, or there is nothing to load from.
    #[error("the schema has not been read yet")]
    NotStarted,
}

impl ReloadError {
    /// Whether it is the database alone: then the same reload may work another time.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Load(LoadError::Database(_)))
    }
}

impl App {
    /// Serves what files and database say from now on, or tells why not. `cause` is for the log.
    pub async fn reload(&self, cause: &'static str) -> Result<Reloaded, ReloadError> {
        let _one = self.reloading.lock().await;
        let reloaded = self.next().await;
        match &reloaded {
            Ok(done) => {
                tracing::info!(cause, hash = done.hash, warnings = done.warnings, "reloaded");
                for key in &done.restart {
                    tracing::warn!(key, "has changed, and takes effect at the next start");
                }
            }
            Err(error) if error.passes() => {
                match cause {
                    // Told already.
                    AGAIN => tracing::debug!(cause, %error, "not reloaded yet"),
                    _ => {
                        tracing::warn!(cause, %error, "not reloaded yet: it is tried again until the database can be read");
                    }
                }
                self.owed.notify_one();
            }
            Err(error) => {
                self.metrics.snapshot_failed();
                tracing::error!(cause, %error, "not reloaded: what was served before is served on");
            }
        }
        reloaded
    }

    /// Tries again what the database has prevented, less and less often, until it can be read. Never ends.
    pub async fn make_up(&self) {
        let mut wait = BACKOFF.0;
        loop {
            self.owed.notified().await;
            tokio::time::sleep(wait).await;
            let reloaded = self.reload(AGAIN).await;
            let again = reloaded.is_err_and(|error| error.passes());
            wait = if again { (wait * 2).min(BACKOFF.1) } else { BACKOFF.0 };
        }
    }

    async fn next(&self) -> Result<Reloaded, ReloadError> {
        let source = self.source.clone().filter(|_| self.snapshot().is_some());
        let source = source.ok_or(ReloadError::NotStarted)?;
        let read = tokio::task::spawn_blocking({
            let source = source.clone();
            move || source.project.read()
        });
        let read = read.await.map_err(|_| ReloadError::NotStarted)??;
        let loaded = load_to_serve(&self.pool, &read.blueprint).await?;
        let authenticator = self.next_authenticator(read.auth)?;
        // INVARIANT: nothing is exchanged before all of it has been found sound.
        if let Some(certificates) = &source.certificates {
            certificates.reload()?;
        }
        let (hash, warnings) = (loaded.hash.clone(), loaded.warnings.len());
        self.authenticator.store(authenticator);
        self.publish(loaded);
        Ok(Reloaded { hash, warnings, restart: read.restart })
    }

    /// With the keys that are in the files now, and those of an issuer that have been fetched.
    fn next_authenticator(
        &self,
        settings: Option<auth::Settings>,
    ) -> Result<Option<Arc<Authenticator>>, KeyError> {
        let before = self.authenticator.load_full();
        let next = settings.map(|settings| Authenticator::following(settings, before.as_deref()));
        Ok(next.transpose()?.map(Arc::new))
    }

    /// The same as long as the files of the source are the same.
    pub fn fingerprint(&self) -> u64 {
        let keys = self.authenticator.load_full().map(|it| it.key_files()).unwrap_or_default();
        self.source.as_ref().map_or(0, |source| source.project.fingerprint(&keys))
    }

    /// Reloads whenever the files have changed, and then not for the length of a look. `before`: as they were when they were loaded.
    pub async fn watch(&self, mut before: u64) {
        let mut seen = before;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.fingerprint();
            if now != before && now == seen {
                // What came of it is in the log and in the metrics; what did not come of it is made up for.
                let _ = self.reload("the files have changed").await;
                before = now;
            }
            seen = now;
        }
    }
}
