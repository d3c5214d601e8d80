//! Having a server stop what it does for a connection.
//!
//! The request goes over a connection of its own, which the server closes when it has done as told (PostgreSQL's manual, "Canceling
//! Requests in Progress"). Whoever asks must wait for that: PgBouncer up to 1.19.0 ends when its client is the first to close.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::TryFutureExt as _;
use futures_util::future::MapOk;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long the server may take to hear that a statement is to be stopped.
const CANCEL_MAX: Duration = Duration::from_secs(5);

/// Where a connection leads.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    name: String,
    pub(super) address: SocketAddr,
}

/// Stops what the server does for one connection.
#[derive(Clone)]
pub(super) struct Stop {
    pub(super) token: CancelToken,
    pub(super) tls: MakeRustlsConnect,
    /// `None` where only the driver knows: one of several hosts, a Unix socket.
    pub(super) peer: Option<Peer>,
}

impl Peer {
    /// Each address of the one host that is named. Empty where there are several, and where it is found in no name service.
    pub(super) async fn all(config: &Config) -> Vec<Self> {
        let ([Host::Tcp(name)], [], LoadBalanceHosts::Disable) =
            (config.get_hosts(), config.get_hostaddrs(), config.get_load_balance_hosts())
        else {
            return Vec::new();
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let Ok(addresses) = lookup_host((name.as_str(), port)).await else { return Vec::new() };
        addresses.map(|address| Self { name: name.clone(), address }).collect()
    }
}

impl Stop {
    /// Has it stop, and waits until it has been told. A server that is not reached has other reasons to stop.
    pub(super) async fn run(self) {
        match tokio::time::timeout(CANCEL_MAX, self.tell()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a statement of PostgreSQL could not be cancelled"),
            Err(_) => tracing::warn!("a statement of PostgreSQL could not be cancelled in time"),
        }
    }

    async fn tell(mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Some(Peer { name, address }) = self.peer else {
            return Ok(self.token.cancel_query(self.tls).await?);
        };
        let tls: <MakeRustlsConnect as MakeTlsConnect<Patient<TcpStream>>>::TlsConnect =
            MakeTlsConnect::<Patient<TcpStream>>::make_tls_connect(&mut self.tls, &name)?;
        let stream = TcpStream::connect(address).await?;
        Ok(self.token.cancel_query_raw(Patient(stream), Patient(tls)).await?)
    }
}

/// A stream, or what makes one of TLS, that is shut down only when the other side has closed it.
struct Patient<T>(T);

impl<S, T: TlsConnect<S>> TlsConnect<S> for Patient<T> {
    type Stream = Patient<T::Stream>;
    type Error = T::Error;
    type Future = MapOk<T::Future, fn(T::Stream) -> Self::Stream>;

    fn connect(self, stream: S) -> Self::Future {
        self.0.connect(stream).map_ok(Patient as fn(_) -> _)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Patient<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.channel_binding()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    /// What comes before the other side closes means nothing, and neither does how it closes.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut bytes = [0; 64];
            let mut into = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.0).poll_read(context, &mut into)) {
                Ok(()) if !into.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
