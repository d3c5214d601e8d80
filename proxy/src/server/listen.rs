//! From the listener to whoever serves: one connection after the other, within [`Places`]; and the listener's end, at which none is lost.
//!
//! pingora's own loop knows no bound, and drops what the kernel has accepted when it ends. Before the listener is closed it is made deaf: a client
//! whose first packet is not answered sends it again, and is refused then or heard by another process, while one that has been answered would
//! lose its request.

use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::time::Duration;

use pingora_core::listeners::tls::Acceptor;
use pingora_core::protocols::l4::stream::Stream as Socket;
use pingora_core::protocols::{GetSocketDigest as _, SocketDigest, Stream};
use pingora_core::server::ShutdownWatch;
#[cfg(target_os = "linux")]
use socket2::SockFilter;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::places::Places;

/// How long to wait after a connection could not be accepted, for lack of memory or descriptors.
const RESPITE: Duration = Duration::from_millis(100);

/// How long a connection may take from the answer to its first packet until it is in the queue.
const HANDSHAKE: Duration = Duration::from_millis(100);

/// A listener, and whom it hands connections to.
pub(super) struct Listening<S> {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Arc<Acceptor>>,
    /// How long the handshake of TLS may take.
    pub(super) patience: Duration,
    pub(super) places: Places,
    pub(super) server: Arc<S>,
}

/// Who serves connections.
pub(super) trait Serve: Send + Sync + 'static {
    /// One connection, to its end.
    fn serve(
        self: Arc<Self>,
        stream: Stream,
        shutdown: ShutdownWatch,
    ) -> impl Future<Output = ()> + Send + 'static;

    /// One for which there is no place.
    fn turn_away(
        self: Arc<Self>,
        stream: Stream,
        shutdown: ShutdownWatch,
    ) -> impl Future<Output = ()> + Send + 'static;
}

impl<S: Serve> Listening<S> {
    /// Hands connections over until the watch says so, and then what the kernel has accepted until the listener is closed.
    pub(super) async fn run(self, shutdown: ShutdownWatch) {
        let mut told = shutdown.clone();
        loop {
            let stopping = async { told.wait_for(|stopping| *stopping).await.is_ok() };
            tokio::select! {
                biased;
                careful = stopping => match careful {
                    true => return self.close(&shutdown).await,
                    // Nobody is left who could wait for it.
                    false => return,
                },
                accepted = self.accept() => self.take(accepted, &shutdown).await,
            }
        }
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    async fn close(self, shutdown: &ShutdownWatch) {
        if deafen(&self.listener) {
            let end = Instant::now() + HANDSHAKE;
            while let Ok(accepted) = timeout_at(end, self.accept()).await {
                self.take(accepted, shutdown).await;
            }
        }
        // Asked of the kernel: the runtime may not know yet of all that have come.
        while let Some(accepted) = queued(&self.listener) {
            self.take(accepted, shutdown).await;
        }
    }

    async fn take(&self, accepted: io::Result<TcpStream>, shutdown: &ShutdownWatch) {
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => return,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                return sleep(RESPITE).await;
            }
        };
        let place = self.places.take().await;
        let (tls, patience, server) = (self.tls.clone(), self.patience, self.server.clone());
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            // The whole of it, until the end.
            let held = place;
            let Some(stream) = opened(stream, tls, patience).await else { return };
            match held.is_seat {
                true => server.serve(stream, shutdown).await,
                false => server.turn_away(stream, shutdown).await,
            }
        });
    }
}

/// What waits in the listener's queue.
fn queued(listener: &TcpListener) -> Option<io::Result<TcpStream>> {
    loop {
        match SockRef::from(listener).accept() {
            Ok((socket, _)) => {
                let stream = socket.set_nonblocking(true).and_then(|()| TcpStream::from_std(socket.into()));
                return Some(stream);
            }
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
            Err(_) => return None,
        }
    }
}

/// As pingora knows it, its handshake done; nothing, where that fails or takes too long.
async fn opened(stream: TcpStream, tls: Option<Arc<Acceptor>>, patience: Duration) -> Option<Stream> {
    stream.set_nodelay(true).ok()?;
    let digest = SocketDigest::from_raw_fd(stream.as_raw_fd());
    let mut socket = Socket::from(stream);
    socket.set_socket_digest(digest);
    let Some(tls) = tls else { return Some(Box::new(socket)) };
    match timeout(patience, tls.tls_handshake(socket)).await.ok()? {
        Ok(stream) => Some(Box::new(stream)),
        Err(error) => {
            tracing::debug!(%error, "a handshake of TLS has failed");
            None
        }
    }
}

/// Has the kernel begin no more connections; `false` where it cannot: who connects in the moment in which the listener closes is lost there.
#[cfg(target_os = "linux")]
fn deafen(listener: &TcpListener) -> bool {
    let deaf = SockRef::from(listener).attach_filter(&ALL_BUT_FIRST_PACKETS);
    if let Err(error) = &deaf {
        tracing::debug!(%error, "the listener cannot be made deaf before it closes");
    }
    deaf.is_ok()
}

/// Only Linux can.
#[cfg(not(target_os = "linux"))]
fn deafen(_: &TcpListener) -> bool {
    false
}

/// What the kernel hands to the listener: all packets of TCP but those with SYN and without ACK, which begin a connection.
/// <https://www.kernel.org/doc/html/latest/networking/filter.html>; what is loaded from begins with TCP's own header.
#[cfg(target_os = "linux")]
static ALL_BUT_FIRST_PACKETS: [SockFilter; 5] = [
    // ldb [13]: the flags
    SockFilter::new(0x30, 0, 0, 13),
    // and SYN | ACK
    SockFilter::new(0x54, 0, 0, 0x12),
    // jeq SYN, else skip one
    SockFilter::new(0x15, 0, 1, 0x02),
    // ret 0: dropped
    SockFilter::new(0x06, 0, 0, 0),
    // ret -1: kept
    SockFilter::new(0x06, 0, 0, u32::MAX),
];
