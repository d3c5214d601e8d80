//! The application behind: what is not Rulegate's own is passed on to it, as it came, with who asks in a signed header.
//!
//! Bodies stream both ways and are not kept; the limits of heads and the framing of HTTP/1 hold as for the API. A connection that becomes a
//! WebSocket is carried on until one side ends it.

mod failure;
mod headers;
mod identity;
mod passage;
mod target;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderName;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error as PingoraError, ErrorType};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Settings;
use crate::{Error, ErrorCode};
pub(super) use failure::{broken, error};
pub(super) use headers::{Origin, hand_on, is_upgrade};
use identity::Identity;
pub use identity::Secret;
pub(super) use passage::Passage;
pub use target::Target;

/// The `upstream` part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// Where it listens.
    pub target: Target,
    /// The header that tells it who asks.
    pub header: HeaderName,
    /// What that header is signed with; without, there is none.
    pub secret: Option<Secret>,
    /// How long that header counts, in seconds.
    pub ttl_s: u64,
}

/// How long a connection to it may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection is kept for the next request.
const KEPT: Duration = Duration::from_secs(30);

/// How long a WebSocket may be silent.
pub(super) const WEBSOCKET_SILENCE: Duration = Duration::from_secs(600);

/// How long addresses are remembered.
const FRESH: Duration = Duration::from_secs(5);

/// Passes requests on.
pub(super) struct Upstream {
    target: Target,
    header: HeaderName,
    identity: Option<Identity>,
    places: Arc<Semaphore>,
    silence: Duration,
    write_silence: Duration,
    known: Mutex<Option<(Instant, Vec<SocketAddr>)>>,
}

impl Upstream {
    /// The one that is configured.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        let own = settings.upstream.as_ref()?;
        let identity =
            own.secret.as_ref().map(|secret| Identity::new(secret, own.target.authority(), own.ttl_s));
        let places = settings.concurrent_requests.clamp(1, Semaphore::MAX_PERMITS);
        Some(Self {
            target: own.target.clone(),
            header: own.header.clone(),
            identity,
            places: Arc::new(Semaphore::new(places)),
            silence: settings.request_timeout,
            write_silence: settings.silence_timeout,
            known: Mutex::default(),
        })
    }

    /// A place for one more request. They are not those of the API: streams that stay open for hours do not take its places away.
    pub(super) fn place(&self) -> crate::Result<OwnedSemaphorePermit> {
        let place = self.places.clone().try_acquire_owned();
        place.map_err(|_| Error::new(ErrorCode::Overloaded, "Too many requests are being passed on.").into())
    }

    /// Where to connect to, the one after the other until one of them answers.
    pub(super) async fn peer(&self, passage: &mut Passage) -> Result<Box<HttpPeer>, Box<PingoraError>> {
        if passage.addresses.is_empty() {
            passage.addresses = self.addresses().await?;
        }
        let Some(address) = passage.address() else {
            return PingoraError::e_explain(ErrorType::ConnectNoRoute, "it has no address")
                .map_err(|e| e.into_up());
        };
        let mut peer = HttpPeer::new(address, self.target.tls, self.target.host.clone());
        peer.options.connection_timeout = Some(CONNECT);
        peer.options.total_connection_timeout = Some(CONNECT);
        peer.options.read_timeout = Some(if passage.upgrades { WEBSOCKET_SILENCE } else { self.silence });
        peer.options.write_timeout = Some(self.write_silence);
        peer.options.idle_timeout = Some(KEPT);
        Ok(Box::new(peer))
    }

    /// Of its name, asked for now and then.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, Box<PingoraError>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, addresses)) = known.filter(|(since, _)| since.elapsed() < FRESH) {
            return Ok(addresses);
        }
        let asked = tokio::net::lookup_host((self.target.host.as_str(), self.target.port));
        let found = match tokio::time::timeout(CONNECT, asked).await {
            Ok(found) => found.map_err(|error| unresolved(error).into_up())?,
            Err(_) => {
                return PingoraError::e_explain(ErrorType::ConnectTimedout, "the name server")
                    .map_err(|e| e.into_up());
            }
        };
        let addresses: Vec<SocketAddr> = found.collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), addresses.clone()));
        Ok(addresses)
    }
}

fn unresolved(error: std::io::Error) -> Box<PingoraError> {
    PingoraError::because(ErrorType::ConnectNoRoute, "its name has no address", error)
}
