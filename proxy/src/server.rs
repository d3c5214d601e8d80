//! HTTP in front: pingora inside our own runtime, on listeners that are bound already (port 0 works).
//!
//! The server knows limits, time-outs, connections and the graceful stop. What a request means is the pipeline's affair; it is
//! reached through [`App`] alone.

mod admin;
mod body;
mod bounds;
mod chunks;
mod coding;
mod cors;
mod export;
mod front;
mod gateway;
mod guard;
mod head;
mod late;
mod rate;
mod refusal;
mod respond;
mod security;
mod telling;
#[cfg(test)]
mod tests;
pub mod tls;
mod traffic;
mod upgrade;
pub mod upstream;
mod wire;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pingora_core::apps::ServerApp;
use pingora_core::listeners::tls::TlsSettings;
use pingora_core::server::{Fds, ListenFds};
use pingora_core::services::{Service as _, listening};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
pub(crate) use cors::is_origin;
pub(crate) use refusal::refuse;
use tls::Certificates;
use traffic::Traffic;
use upstream::UpstreamSettings;

/// What the server allows a request, whatever it means.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Longest body.
    pub body_bytes: usize,
    /// Longest headers, all together.
    pub header_bytes: usize,
    /// Longest path and query.
    pub url_bytes: usize,
    /// How long a request may take; its body may take as long to arrive.
    pub request_timeout: Duration,
    /// How long a connection may be idle between requests.
    pub idle_timeout: Duration,
    /// How long all of a request's headers may take to arrive, from their first byte on.
    pub header_timeout: Duration,
    /// How long a client may be silent within a body, or not take what is sent.
    pub silence_timeout: Duration,
    /// How many requests are worked on at once; as many again may wait.
    pub concurrent_requests: usize,
    /// How long one may wait for its turn.
    pub queue_timeout: Duration,
    /// The origins whose pages may read answers.
    pub cors_origins: Vec<String>,
    /// The file with the token that allows a reload from another machine.
    pub reload_token: Option<PathBuf>,
    /// How many requests one actor may send in a second, or one address where nobody is known; 0: as many as come.
    pub requests_per_second: u32,
    /// The application behind, to which what is not ours is passed on.
    pub upstream: Option<UpstreamSettings>,
    /// Memory for all bodies that are being received or worked on.
    pub bodies_bytes: usize,
}

/// A server that runs, until [`stop`](Self::stop).
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    shutdown: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    traffic: Traffic,
    late: Option<late::Late>,
}

/// How long answers that are cut may take to end.
const CUT: Duration = Duration::from_secs(2);

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request was answered.
    Drained,
    /// So many were cut off.
    Cut(usize),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            header_bytes: 32 * 1024,
            url_bytes: 8 * 1024,
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            header_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(15),
            concurrent_requests: 1024,
            queue_timeout: Duration::from_secs(1),
            cors_origins: Vec::new(),
            reload_token: None,
            requests_per_second: 0,
            upstream: None,
            bodies_bytes: 256 * 1024 * 1024,
        }
    }
}

/// Binds an address such as `127.0.0.1:8080`.
pub fn bind(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}

/// Serves the API, over TLS where there are certificates.
pub fn serve(
    app: Arc<App>,
    listener: TcpListener,
    certificates: Option<&Arc<Certificates>>,
) -> io::Result<Running> {
    let tls = || certificates.map(Certificates::settings).transpose().map_err(io::Error::other);
    let traffic = Traffic::default();
    let late = late::Late::new(&listener, app.clone(), traffic.clone(), tls()?)?;
    let front = front::Front::new(app, traffic.clone());
    Ok(Running { late: Some(late), ..start("api", front, listener, traffic, tls()?)? })
}

/// Serves health, metrics and version.
pub fn serve_admin(app: Arc<App>, listener: TcpListener) -> io::Result<Running> {
    start("admin", admin::Admin::new(app), listener, Traffic::default(), None)
}

fn start<A>(
    name: &str,
    app: A,
    listener: TcpListener,
    traffic: Traffic,
    tls: Option<TlsSettings>,
) -> io::Result<Running>
where
    A: ServerApp + Send + Sync + 'static,
{
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let (shutdown, watch) = watch::channel(false);
    let mut service = listening::Service::new(name.to_owned(), app);
    match tls {
        None => service.add_tcp(&address.to_string()),
        Some(tls) => service.add_tls_with_settings(&address.to_string(), None, tls),
    }
    let inherited = descriptors(&address, listener);
    let accepting = tokio::spawn(async move { service.start_service(Some(inherited), watch, 1).await });
    Ok(Running { address, shutdown, accepting, traffic, late: None })
}

/// pingora takes listeners over by address, as it does from a process that it replaces.
fn descriptors(address: &SocketAddr, listener: TcpListener) -> ListenFds {
    let mut descriptors = Fds::new();
    descriptors.add(address.to_string(), listener.into_raw_fd());
    Arc::new(descriptors.into())
}

impl Running {
    /// Stops accepting, closes connections as they become idle, lets running requests finish for at most `grace`.
    pub async fn stop(self, grace: Duration) -> Stopped {
        // An error would mean that the service has ended by itself.
        let _ = self.shutdown.send(true);
        let _ = self.accepting.await;
        if let Some(late) = self.late {
            late.answer().await;
        }
        match tokio::time::timeout(grace, self.traffic.idle()).await {
            Ok(()) => Stopped::Drained,
            Err(_) => {
                let count = self.traffic.running();
                self.traffic.cut();
                // For them to have their statements stopped.
                let _ = tokio::time::timeout(CUT, self.traffic.idle()).await;
                Stopped::Cut(count)
            }
        }
    }
}
