//! The running product: the database, the snapshot that is served, health and metrics, in one place that everything else is handed.

pub mod notices;
pub mod reload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use dialects::Pool;
use http::HeaderMap;
use rules::policy::Actor;
use tokio::sync::{Notify, watch};

use crate::auth::{self, Authenticator};
use crate::exchange::Request;
use crate::observe::{Metrics, Repeats, Spans, Tracer, TracerSettings};
use crate::pipeline::{self, Answer};
use crate::server::Settings;
use crate::state::health::Health;
use crate::state::load::{Blueprint, LoadError, Loaded, load_to_serve};
use crate::state::{Readiness, Snapshot};
use crate::{Error, ErrorCode};
use reload::Source;

/// How often it is asked whether the keys of an issuer are fresh.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait before the database is asked again, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// The running product.
pub struct App {
    /// What is counted.
    pub metrics: Metrics,
    /// What the log has told already.
    pub repeats: Repeats,
    /// What the server allows.
    pub settings: Settings,
    pool: Arc<Pool>,
    snapshot: ArcSwapOption<Snapshot>,
    authenticator: ArcSwapOption<Authenticator>,
    health: Health,
    /// Whether requests reach it, as far as that is its own affair.
    heard: AtomicBool,
    stopping: watch::Sender<bool>,
    source: Option<Arc<Source>>,
    tracer: Option<Arc<Tracer>>,
    reloading: tokio::sync::Mutex<()>,
    /// Told of each reload that the database has prevented.
    owed: Notify,
}

impl App {
    /// With a database, and nothing loaded yet. Errors: two metrics of one name, which is a bug.
    pub fn new(pool: Arc<Pool>, settings: Settings) -> prometheus::Result<Self> {
        Ok(Self {
            metrics: Metrics::new()?,
            repeats: Repeats::default(),
            settings,
            pool,
            snapshot: ArcSwapOption::empty(),
            authenticator: ArcSwapOption::empty(),
            health: Health::default(),
            heard: AtomicBool::new(true),
            stopping: watch::Sender::new(false),
            source: None,
            tracer: None,
            reloading: tokio::sync::Mutex::default(),
            owed: Notify::new(),
        })
    }

    /// What a reload reads; without, there is no reload.
    pub fn reloading_from(self, source: Source) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }

    /// Where it sends traces; without, there are none. Errors: words about what is wrong with the collector's URL.
    pub fn tracing(self, settings: Option<TracerSettings>) -> Result<Self, String> {
        let tracer = settings.map(|settings| Tracer::start(settings, self.metrics.spans())).transpose()?;
        Ok(Self { tracer, ..self })
    }

    /// Whom it lets in; without, everybody.
    pub fn authenticating(self, authenticator: Option<Authenticator>) -> Self {
        self.authenticator.store(authenticator.map(Arc::new));
        self
    }

    /// Reads the schema and compiles the rules, until it works or the files have problems. While the database is away it is asked again
    /// and again, less and less often.
    pub async fn start(&self, blueprint: &Blueprint) -> Result<Arc<Snapshot>, LoadError> {
        let mut wait = BACKOFF.0;
        loop {
            match load_to_serve(&self.pool, blueprint).await {
                Ok(loaded) => return Ok(self.publish(loaded)),
                Err(LoadError::Database(error)) => {
                    tracing::warn!(%error, retry_ms = wait.as_millis() as u64, "the database cannot be read");
                }
                Err(problems) => return Err(problems),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// Serves from this snapshot from now on; requests under way keep theirs.
    pub fn publish(&self, loaded: Loaded) -> Arc<Snapshot> {
        if !loaded.warnings.is_empty() {
            tracing::warn!(
                warnings = loaded.warnings.len(),
                "there are warnings about rules and access rules: `rulegate check` shows them"
            );
        }
        for sentence in &loaded.privileges {
            tracing::warn!("{sentence}");
        }
        let snapshot = Arc::new(loaded.snapshot);
        self.snapshot.store(Some(snapshot.clone()));
        self.metrics.snapshot(&loaded.hash);
        snapshot
    }

    /// What is served, once the schema has been read.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshot.load_full()
    }

    /// Whether requests can be served.
    pub async fn readiness(&self) -> Readiness {
        match self.stopping() {
            true => Readiness::Stopping,
            false if !self.health.database_up(&self.pool).await => Readiness::DatabaseAway,
            false if self.snapshot.load().is_none() || !self.heard.load(Ordering::Relaxed) => {
                Readiness::Loading
            }
            false => Readiness::Ready,
        }
    }

    /// Everything counted, and database and pool as they are now, in Prometheus' text format.
    pub async fn metrics_text(&self) -> prometheus::Result<String> {
        self.metrics.database(self.health.database_up(&self.pool).await);
        let pool = self.pool.status();
        self.metrics.connections("busy", pool.busy);
        self.metrics.connections("idle", pool.idle);
        self.metrics.connections("max", pool.connections_max);
        let (asked, all) = self.pool.replicas();
        self.metrics.replicas(asked, all - asked);
        self.metrics.render()
    }

    /// How many connections to the database there may be.
    pub(crate) fn connections_max(&self) -> usize {
        self.pool.connections_max()
    }

    /// Whether requests reach it; not ready while they do not.
    pub(crate) fn heard(&self, heard: bool) {
        self.heard.store(heard, Ordering::Relaxed);
    }

    /// From now on not ready, and connections are not kept.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Changes when it begins to stop.
    pub fn parting(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// The spans of a request with these headers, where there are traces.
    pub fn spans(&self, headers: &HeaderMap) -> Option<Arc<Spans>> {
        self.tracer.as_ref().map(|tracer| tracer.begin(headers))
    }

    /// Sends the last traces.
    pub async fn end_traces(&self) {
        if let Some(tracer) = &self.tracer {
            tracer.close().await;
        }
    }

    /// Whether it is stopping.
    pub fn stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

impl App {
    /// Who sends a request with these headers to a path.
    pub async fn actor(&self, path: &str, headers: &HeaderMap) -> crate::Result<Arc<Actor>> {
        auth::actor(self.authenticator.load_full().as_deref(), path, headers).await
    }

    /// Keeps the keys of an issuer fresh. Never ends.
    pub async fn keep_keys(&self) {
        loop {
            if let Some(authenticator) = self.authenticator.load_full() {
                authenticator.keep_fresh().await;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Answers a request of an actor through the pipeline.
    pub async fn answer(&self, actor: &Arc<Actor>, spans: Option<&Arc<Spans>>, request: Request) -> Answer {
        let Some(snapshot) = self.snapshot() else {
            let error = Error::new(ErrorCode::Unavailable, "The schema has not been read yet.");
            return crate::server::refuse(error.into(), &request.headers);
        };
        pipeline::answer(&self.pool, &snapshot, &self.metrics, actor, spans, request).await
    }
}
