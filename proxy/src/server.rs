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
mod listen;
mod places;
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
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::app::App;
pub(crate) use cors::is_origin;
use listen::Listening;
use places::Places;
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
    /// How long a stop goes on accepting connections, each answer telling that it is the last.
    pub drain: Duration,
    /// Whether other processes may listen where this one does: then it does so only when it has something to serve.
    pub reuse_port: bool,
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
    /// The file with the token that a reload needs; without, it is for programs on this machine.
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
    drain: Duration,
    shutdown: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    traffic: Traffic,
}

/// How many connections may wait to be accepted: as many as the system lets.
const BACKLOG: i32 = 65_535;

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
            drain: Duration::ZERO,
            reuse_port: false,
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

/// Binds an address that other processes may bind, too, if they say so likewise. Nobody is heard there before it is served.
pub fn bind_shared(address: &str) -> io::Result<TcpListener> {
    let mut last = io::ErrorKind::InvalidInput.into();
    for address in address.to_socket_addrs()? {
        match bind_beside(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind_beside(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Serves the API, over TLS where there are certificates.
pub fn serve(
    app: Arc<App>,
    listener: TcpListener,
    certificates: Option<&Arc<Certificates>>,
) -> io::Result<Running> {
    let tls = certificates.map(Certificates::settings).transpose().map_err(io::Error::other)?;
    let traffic = Traffic::default();
    let (drain, patience) = (app.settings.drain, app.settings.header_timeout);
    let each = if app.settings.upstream.is_some() { 2 } else { 1 };
    let places = Places::of_process(app.connections_max(), each);
    let server = Arc::new(front::Front::new(app, traffic.clone(), places.clone()));
    let tls = tls.map(|tls| Arc::new(tls.build()));
    let listening = Listening { listener: listener_of(listener)?, tls, patience, places, server };
    start(listening, traffic, drain)
}

/// Serves health, metrics and version.
pub fn serve_admin(app: Arc<App>, listener: TcpListener) -> io::Result<Running> {
    let (patience, places) = (app.settings.header_timeout, admin::places());
    let server = Arc::new(admin::Admin::new(app, places.clone()));
    let listening = Listening { listener: listener_of(listener)?, tls: None, patience, places, server };
    start(listening, Traffic::default(), Duration::ZERO)
}

/// It must be one that listens, and does not block.
fn listener_of(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    let socket = Socket::from(listener);
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(socket.into())
}

fn start<S: listen::Serve>(
    listening: Listening<S>,
    traffic: Traffic,
    drain: Duration,
) -> io::Result<Running> {
    let address = listening.listener.local_addr()?;
    let (shutdown, watch) = watch::channel(false);
    let accepting = tokio::spawn(listening.run(watch));
    Ok(Running { address, drain, shutdown, accepting, traffic })
}

impl Running {
    /// Stops accepting, when it has drained; closes connections as they become idle, lets running requests finish for at most `grace`.
    pub async fn stop(self, grace: Duration) -> Stopped {
        tokio::time::sleep(self.drain).await;
        // An error would mean that it has ended by itself.
        let _ = self.shutdown.send(true);
        let end = Instant::now() + front::FAREWELL + grace;
        // Where there is no place left, those who wait for one are cut off with the others.
        let _ = tokio::time::timeout_at(end, self.accepting).await;
        tokio::time::sleep(front::FAREWELL).await;
        match tokio::time::timeout_at(end, self.traffic.idle()).await {
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
