//! Both listeners from their start to their graceful end, for every command that serves.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use dialects::Pool;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use crate::app::App;
use crate::app::reload::Source;
use crate::config::Config;
use crate::config::project::Project;
use crate::server::tls::Certificates;
use crate::server::{self, Running, Stopped};
use crate::state::Snapshot;
use crate::state::load::{Blueprint, LoadError};

/// How much longer than a request may take a stop waits for the last one.
const GRACE_MARGIN: Duration = Duration::from_secs(5);

/// Two servers and what they serve.
pub(super) struct Serving {
    app: Arc<App>,
    pool: Arc<Pool>,
    door: Door,
    api: Option<Running>,
    admin: Running,
    signals: Signals,
    hangup: Signal,
    /// Of the files as they were loaded.
    fingerprint: u64,
}

impl Serving {
    /// Listens on both addresses. Nothing is loaded yet: the API answers 503 (where others answer at its address it is not heard), the admin
    /// listener tells why.
    pub(super) fn start(config: &Config, project: Project, pool: Arc<Pool>) -> Result<Self, Failure> {
        let unheard = |error| Failure::problems(format!("signals: {error}"));
        let signals = Signals::new().map_err(unheard)?;
        let hangup = signal(SignalKind::hangup()).map_err(unheard)?;
        let binding = if config.server.reuse_port { server::bind_shared } else { server::bind };
        let api = bind(binding, &config.listen, "--listen", "RULEGATE_LISTEN")?;
        let admin = bind(server::bind, &config.admin_listen, "--admin-listen", "RULEGATE_ADMIN_LISTEN")?;
        let certificates = config.tls.clone().map(Certificates::load).transpose();
        let certificates = certificates.map_err(Failure::problems)?.map(Arc::new);
        let app = App::new(pool.clone(), config.server.clone()).map_err(Failure::problems)?;
        let app = app.tracing(config.tracing.clone());
        let app = app.map_err(|words| Failure::problems(format!("tracing.endpoint: {words}")))?;
        let app = app.authenticating(config.authenticator().map_err(Failure::problems)?);
        let source = Source { project, certificates: certificates.clone() };
        let app = Arc::new(app.reloading_from(source));
        let fingerprint = app.fingerprint();
        let admin = server::serve_admin(app.clone(), admin).map_err(Failure::problems)?;
        let address = api.local_addr().map_err(Failure::problems)?;
        let door = Door { address, listener: Some(api), certificates };
        let mut serving = Self { app, pool, door, api: None, admin, signals, hangup, fingerprint };
        match config.server.reuse_port {
            true => serving.app.heard(false),
            false => serving.open()?,
        }
        Ok(serving)
    }

    /// Has the API be heard, if it is not yet.
    fn open(&mut self) -> Result<(), Failure> {
        if let Some(listener) = self.door.listener.take() {
            let served = server::serve(self.app.clone(), listener, self.door.certificates.as_ref());
            self.api = Some(served.map_err(Failure::problems)?);
            self.app.heard(true);
        }
        Ok(())
    }

    /// Where the API listens.
    pub(super) fn api(&self) -> SocketAddr {
        self.door.address
    }

    /// Where health and metrics listen.
    pub(super) fn admin(&self) -> SocketAddr {
        self.admin.address
    }

    /// Loads, tells `loaded`, and serves until a signal comes; files with problems end it at once.
    pub(super) async fn until_stopped(
        mut self,
        blueprint: &Blueprint,
        loaded: impl AsyncFnOnce(&Pool, &Snapshot),
    ) -> Result<(), Failure> {
        let app = self.app.clone();
        let keys = tokio::spawn({
            let app = app.clone();
            async move { app.keep_keys().await }
        });
        let problems = tokio::select! {
            () = self.signals.stop() => None,
            (notices, started) = async { (app.notices().await, app.start(blueprint).await) } => match started {
                Ok(snapshot) => {
                    self.open()?;
                    loaded(&self.pool, &snapshot).await;
                    tokio::select! {
                        () = self.app.watch(self.fingerprint) => {}
                        () = reload_on(&mut self.hangup, &self.app) => {}
                        () = notices.heed() => {}
                        () = self.app.make_up() => {}
                        () = self.signals.stop() => {}
                    }
                    None
                }
                Err(problems) => Some(problems),
            },
        };
        let stopped = self.stop().await;
        keys.abort();
        problems.map_or(stopped, |problems| Err(failure(&problems)))
    }

    /// Not ready, no new connections, the last answers; a second signal ends the waiting.
    async fn stop(mut self) -> Result<(), Failure> {
        tracing::info!("stopping");
        self.app.stop();
        let grace = self.app.settings.request_timeout + GRACE_MARGIN;
        let stopped = tokio::select! {
            stopped = stop(self.api, grace) => stopped,
            () = self.signals.stop() => return Err(Failure::problems("stopped at once, as asked twice")),
        };
        self.app.end_traces().await;
        self.admin.stop(Duration::ZERO).await;
        self.pool.close().await;
        match stopped {
            Stopped::Drained => Ok(()),
            Stopped::Cut(count) => Err(Failure::problems(format!("{count} requests were cut off"))),
        }
    }
}

/// Where the API is served.
struct Door {
    address: SocketAddr,
    /// As long as it is closed.
    listener: Option<TcpListener>,
    certificates: Option<Arc<Certificates>>,
}

/// Where it was never served, nobody was cut off.
async fn stop(api: Option<Running>, grace: Duration) -> Stopped {
    match api {
        Some(api) => api.stop(grace).await,
        None => Stopped::Drained,
    }
}

/// Reloads at each SIGHUP; ends when there can be no more.
async fn reload_on(hangup: &mut Signal, app: &App) {
    while hangup.recv().await.is_some() {
        // What came of it is in the log and in the metrics; what did not come of it is made up for.
        let _ = app.reload("SIGHUP").await;
    }
}

/// What asks a process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn bind(
    how: impl FnOnce(&str) -> std::io::Result<TcpListener>,
    address: &str,
    flag: &str,
    variable: &str,
) -> Result<TcpListener, Failure> {
    how(address).map_err(|error| {
        let advice = format!("choose another address with {flag} or {variable}");
        Failure::problems(match error.kind() {
            ErrorKind::AddrInUse => format!("{address} is in use: stop what listens there, or {advice}"),
            ErrorKind::InvalidInput => {
                format!("`{address}` is no address and port, such as 127.0.0.1:8080: {advice}")
            }
            _ => format!("cannot listen on {address}: {error}; {advice}"),
        })
    })
}

/// What a failed load tells people.
pub(super) fn failure(error: &LoadError) -> Failure {
    match error {
        LoadError::Problems { problems, files } => Failure::listed(problems, files),
        LoadError::Database(error) => Failure::problems(error),
    }
}
