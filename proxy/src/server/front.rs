//! Connections: which protocol is spoken, and one request after the other for pingora's proxy.
//!
//! HTTP/1 heads are waited for and judged here, within a bound of time for all of a head: pingora bounds each read alone, so that a byte now
//! and then would hold a connection for ever. Of HTTP/2, pingora keeps the connection.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pingora_core::apps::{HttpServerApp as _, HttpServerOptions, ReusedHttpStream, ServerApp as _};
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::{H2Options, default_h2_options};
use pingora_core::protocols::{ALPN, Shutdown, Stream};
use pingora_core::server::ShutdownWatch;
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::{HttpProxy, http_proxy};
use tokio::sync::watch;

use super::gateway::{self, Gateway};
use super::listen::Serve;
use super::places::Places;
use super::traffic::Traffic;
use super::wire::{Cut, Wire};
use super::{Settings, refusal, respond};
use crate::app::App;
use crate::observe::{self, Observation};
use crate::{Error, ErrorCode, Errors};

/// How long connections have, when the server accepts no more, to send one more request and be told that it was the last.
pub(super) const FAREWELL: Duration = Duration::from_millis(300);

/// How long a client for whom there is no place may take to send its request.
const STANDING: Duration = Duration::from_secs(1);

/// The application that pingora hands connections to.
pub(super) struct Front {
    app: Arc<App>,
    proxy: Arc<HttpProxy<Gateway>>,
    traffic: Traffic,
    places: Places,
}

impl Front {
    pub(super) fn new(app: Arc<App>, traffic: Traffic, places: Places) -> Self {
        let gateway = Gateway::new(app.clone(), traffic.clone());
        let mut proxy = http_proxy(&Arc::new(ServerConf::default()), gateway);
        proxy.server_options = Some(server_options(&app.settings));
        proxy.h2_options = Some(h2_options(&app.settings));
        Self { app, proxy: Arc::new(proxy), traffic, places }
    }

    /// Whether HTTP/2 is spoken; nothing when the client says nothing.
    async fn is_h2(&self, wire: &mut Wire, stream_is_h2: bool, shutdown: &ShutdownWatch) -> Option<bool> {
        if stream_is_h2 {
            return Some(true);
        }
        self.awaited(wire, shutdown).await?;
        tokio::time::timeout(self.app.settings.header_timeout, wire.begins_h2()).await.ok()?.ok()
    }

    /// HTTP/1, to the end of the connection.
    async fn http1(&self, mut wire: Wire, shutdown: &ShutdownWatch) {
        while let Some(next) = self.one(wire, shutdown).await {
            wire = next;
        }
    }

    /// One request; the connection when it can be used again.
    async fn one(&self, mut wire: Wire, shutdown: &ShutdownWatch) -> Option<Wire> {
        self.awaited(&mut wire, shutdown).await?;
        let settings = &self.app.settings;
        match tokio::time::timeout(settings.header_timeout, wire.next(settings)).await.ok()? {
            Ok(()) => {}
            Err(Cut::Refused(errors)) => {
                self.refuse(wire, errors).await;
                return None;
            }
            Err(Cut::Gone) => return None,
        }
        let upgraded = wire.upgraded();
        let session = ServerSession::new_http1(Box::new(wire));
        let reused = tokio::select! {
            biased;
            reused = self.proxy.process_new_http(session, shutdown) => reused,
            () = parted(upgraded, shutdown.clone()) => None,
        };
        let (stream, _) = reused.map(ReusedHttpStream::consume)?;
        let wire = stream.into_any().downcast::<Wire>().ok()?;
        wire.has_passed().then_some(*wire)
    }

    /// Waits for the first bytes of a request.
    async fn awaited(&self, wire: &mut Wire, shutdown: &ShutdownWatch) -> Option<()> {
        if !wire.is_idle() {
            return Some(());
        }
        let filled = tokio::time::timeout(self.app.settings.idle_timeout, wire.fill());
        tokio::select! {
            biased;
            filled = filled => filled.ok()?.ok()?.then_some(()),
            () = farewell(shutdown.clone()) => None,
            () = self.places.wanted() => None,
        }
    }

    /// Answers what is no request, and closes.
    async fn refuse(&self, mut wire: Wire, errors: Errors) {
        let _in_flight = self.traffic.enter();
        let started = Instant::now();
        let id = gateway::fresh_id();
        let answer = refusal::answer(errors, &id);
        let bytes = respond::raw(&answer.response, &id, wire.is_tls());
        wire.send(&bytes, self.app.settings.silence_timeout).await;
        let seen = Observation::refused(&answer, &id, started.elapsed());
        observe::observe(&self.app.metrics, &self.app.repeats, &seen);
        Shutdown::shutdown(&mut wire).await;
    }
}

impl Serve for Front {
    async fn serve(self: Arc<Self>, stream: Stream, shutdown: ShutdownWatch) {
        let negotiated = matches!(stream.selected_alpn_proto(), Some(ALPN::H2));
        let mut wire = Wire::new(stream);
        match self.is_h2(&mut wire, negotiated, &shutdown).await {
            None => {}
            Some(false) => self.http1(wire, &shutdown).await,
            Some(true) => {
                wire.open();
                let parting = self.app.parting();
                // Told to go as soon as it can go elsewhere; whoever comes later, when no more are accepted.
                let told = if *parting.borrow() { shutdown } else { parting };
                self.proxy.process_new(Box::new(wire), &told).await;
            }
        }
    }

    /// Its request is read, because a connection that is closed on unread data is reset, and its client would not see the answer.
    async fn turn_away(self: Arc<Self>, stream: Stream, _: ShutdownWatch) {
        let mut wire = Wire::new(stream);
        let head = tokio::time::timeout(STANDING, wire.next(&self.app.settings)).await;
        if matches!(head, Ok(Ok(()) | Err(Cut::Refused(_)))) {
            let error = Error::new(ErrorCode::Overloaded, "There are as many connections as there may be.");
            self.refuse(wire, error.into()).await;
        }
    }
}

/// Ends some time after the stop has begun.
async fn farewell(mut shutdown: ShutdownWatch) {
    // An error means that the service has ended.
    let _ = shutdown.wait_for(|stopping| *stopping).await;
    tokio::time::sleep(FAREWELL).await;
}

/// Ends when a connection that has become one of another protocol must end, because the server stops: nobody knows how long it would last.
async fn parted(mut upgraded: watch::Receiver<bool>, shutdown: ShutdownWatch) {
    let has_parted = upgraded.wait_for(|done| *done).await.is_ok();
    if !has_parted {
        pending::<()>().await;
    }
    farewell(shutdown).await;
}

fn server_options(settings: &Settings) -> HttpServerOptions {
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    // Refused by the gateway, with a document.
    options.allow_connect_method_proxying = true;
    options.h2_idle_timeout = Some(settings.idle_timeout);
    options
}

/// The codec's own bound on headers is above ours, so that ours can be told with a document.
fn h2_options(settings: &Settings) -> H2Options {
    let mut options = default_h2_options();
    let bytes = 2 * (settings.header_bytes + settings.url_bytes);
    options.max_header_list_size(u32::try_from(bytes).unwrap_or(u32::MAX));
    options
}
