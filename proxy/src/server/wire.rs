//! A connection, of which pingora gets to read one request at a time: first its head, judged here, then its body up to where it ends.
//!
//! Where a request ends is decided once, by [`head`] and [`Chunks`]; pingora, which is more lenient, cannot come to another end, because
//! it does not see what stands behind it. An HTTP/2 connection is opened as it is, and one that becomes a WebSocket from then on.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf as _, BytesMut};
use pingora_core::protocols::raw_connect::ProxyDigest;
use pingora_core::protocols::tls::SslDigest;
use pingora_core::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream,
    TimingDigest, UniqueID,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufWriter, ReadBuf};
use tokio::sync::watch;

use super::Settings;
use super::chunks::Chunks;
use super::head::{self, Framing};
use super::upgrade::Upgrade;
use crate::{Error, ErrorCode, Errors};

/// What an HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Read at once.
const READ_BYTES: usize = 16 * 1024;

/// Written at once: the head of an answer and a small body.
const WRITE_BYTES: usize = 2 * 1024;

/// How long what a client still sends is read and dropped when its connection is closed, and how much: a connection closed on unread
/// data is reset, and the client would not see the last answer.
const LINGER: (Duration, u64) = (Duration::from_secs(1), 16 * 1024 * 1024);

/// The connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: BufWriter<Stream>,
    /// Read, and not handed out.
    ahead: BytesMut,
    passage: Passage,
    upgrade: Upgrade,
}

/// What may be handed out.
#[derive(Debug)]
enum Passage {
    /// So many bytes, then what follows them.
    Head(usize, Framing),
    /// So many bytes of a body.
    Length(u64),
    /// A body in chunks.
    Chunked(Chunks),
    /// Everything.
    Open,
}

/// Why there is no next request.
#[derive(Debug)]
pub(super) enum Cut {
    /// It is refused.
    Refused(Errors),
    /// The client is gone.
    Gone,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        let stream = BufWriter::with_capacity(WRITE_BYTES, stream);
        Self { stream, ahead: BytesMut::new(), passage: Passage::Length(0), upgrade: Upgrade::default() }
    }

    /// Whether nothing of a next request has come.
    pub(super) fn is_idle(&self) -> bool {
        self.ahead.is_empty()
    }

    /// Whether it is one of TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.stream.get_ref().get_ssl_digest().is_some()
    }

    /// Waits for bytes; false at the end of the connection.
    pub(super) async fn fill(&mut self) -> io::Result<bool> {
        self.ahead.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.ahead).await? > 0)
    }

    /// Whether the client begins to speak HTTP/2.
    pub(super) async fn begins_h2(&mut self) -> io::Result<bool> {
        while PREFACE.starts_with(&self.ahead) && self.ahead.len() < PREFACE.len() {
            if !self.fill().await? {
                return Ok(false);
            }
        }
        Ok(self.ahead.starts_with(PREFACE))
    }

    /// From now on everything is handed out.
    pub(super) fn open(&mut self) {
        self.passage = Passage::Open;
    }

    /// Tells when it has become a connection of another protocol.
    pub(super) fn upgraded(&self) -> watch::Receiver<bool> {
        self.upgrade.watch()
    }

    /// Waits for the head of the next request, and lets it and its body pass when there is nothing wrong with it.
    pub(super) async fn next(&mut self, settings: &Settings) -> Result<(), Cut> {
        let mut seen = 0;
        loop {
            // RFC 9112, 2.2: an empty line before a request is a leftover of the one before.
            if seen == 0 && self.ahead.starts_with(b"\r\n") {
                self.ahead.advance(2);
            }
            if let Some(end) = head::end(&self.ahead, seen).map_err(Cut::Refused)? {
                let head = self.ahead.get(..end).unwrap_or_default();
                let framing = head::check(head).map_err(Cut::Refused)?;
                self.upgrade.ask(framing == Framing::Length(0) && head::asks_for_upgrade(head));
                self.passage = Passage::Head(end, framing);
                return Ok(());
            }
            seen = self.ahead.len();
            if seen > settings.url_bytes + settings.header_bytes + READ_BYTES {
                return Err(Cut::Refused(self.endless(settings).into()));
            }
            if !self.fill().await.map_err(|_| Cut::Gone)? {
                return Err(Cut::Gone);
            }
        }
    }

    /// Sends an answer that is made already. A client that takes nothing for so long is not told.
    pub(super) async fn send(&mut self, answer: &[u8], patience: Duration) {
        let sent = async { self.write_all(answer).await.and(self.flush().await) };
        let _ = tokio::time::timeout(patience, sent).await;
    }

    /// Whether the request that was let pass has passed.
    pub(super) fn has_passed(&self) -> bool {
        match &self.passage {
            Passage::Head(..) | Passage::Open => false,
            Passage::Length(left) => *left == 0,
            Passage::Chunked(chunks) => chunks.is_done(),
        }
    }

    fn endless(&self, settings: &Settings) -> Error {
        let line = self.ahead.iter().position(|b| *b == b'\n').unwrap_or(self.ahead.len());
        match line > settings.url_bytes {
            true => Error::new(
                ErrorCode::UriTooLong,
                format!("The URL is longer than {} bytes.", settings.url_bytes),
            ),
            false => Error::new(
                ErrorCode::HeadersTooLarge,
                format!("The headers are longer than {} bytes.", settings.header_bytes),
            ),
        }
    }

    /// What has been read and may pass, at most `room` bytes.
    fn read_ahead(&mut self, room: usize) -> io::Result<BytesMut> {
        let offered = self.ahead.get(..room.min(self.ahead.len())).unwrap_or_default();
        let count = self.passage.pass(offered)?;
        Ok(self.ahead.split_to(count))
    }

    /// Reads what may pass straight to where it is wanted.
    fn poll_through(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buf.remaining().min(READ_BYTES).min(self.passage.most());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let count = self.passage.pass(part.filled())?;
        self.ahead.extend_from_slice(part.filled().get(count..).unwrap_or_default());
        buf.advance(count);
        Poll::Ready(Ok(()))
    }

    /// Behind a request there is nothing to read until the next one is let pass, but the end of the connection is told.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut first = [0];
        let mut first = ReadBuf::new(&mut first);
        if self.ahead.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut first))?;
            if first.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.ahead.extend_from_slice(first.filled());
        }
        Poll::Pending
    }
}

impl Passage {
    fn body(framing: Framing) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunks::default()),
        }
    }

    /// How many bytes may pass at most.
    fn most(&self) -> usize {
        match self {
            Self::Head(left, _) => *left,
            Self::Length(left) => usize::try_from(*left).unwrap_or(usize::MAX),
            Self::Chunked(_) | Self::Open => usize::MAX,
        }
    }

    /// Lets the first of these bytes pass, and tells how many.
    fn pass(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.most());
        match self {
            Self::Head(left, framing) => {
                *left -= count;
                if *left == 0 {
                    *self = Self::body(*framing);
                }
            }
            Self::Length(left) => *left -= count as u64,
            Self::Chunked(chunks) => {
                return chunks.pass(bytes).map_err(|_| io::ErrorKind::InvalidData.into());
            }
            Self::Open => {}
        }
        Ok(count)
    }
}

/// Whether a body could not be read because it is not framed as bodies are.
pub(super) fn is_malformed(error: &pingora_core::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.has_passed() {
            return self.poll_end(cx);
        }
        if self.ahead.is_empty() {
            return self.poll_through(cx, buf);
        }
        let taken = self.read_ahead(buf.remaining())?;
        buf.put_slice(&taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        if self.upgrade.answered(buf) {
            self.open();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Heads of answers are written in one piece, by the other function.
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[async_trait]
impl Shutdown for Wire {
    async fn shutdown(&mut self) {
        let stream = &mut self.stream;
        let closing = async {
            stream.flush().await?;
            Shutdown::shutdown(stream.get_mut().as_mut()).await;
            tokio::io::copy(&mut stream.take(LINGER.1), &mut tokio::io::sink()).await
        };
        // Whatever comes of it, the answer has been sent.
        let _ = tokio::time::timeout(LINGER.0, closing).await;
    }
}

#[async_trait]
impl Peek for Wire {
    async fn try_peek(&mut self, buf: &mut [u8]) -> io::Result<bool> {
        while self.ahead.len() < buf.len() {
            if !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        buf.copy_from_slice(self.ahead.get(..buf.len()).unwrap_or_default());
        Ok(true)
    }
}

impl UniqueID for Wire {
    fn id(&self) -> i32 {
        self.stream.get_ref().id()
    }
}

impl Ssl for Wire {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.stream.get_ref().get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.stream.get_ref().selected_alpn_proto()
    }
}

impl GetTimingDigest for Wire {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream.get_ref().get_timing_digest()
    }
}

impl GetProxyDigest for Wire {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.stream.get_ref().get_proxy_digest()
    }
}

impl GetSocketDigest for Wire {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream.get_ref().get_socket_digest()
    }
}
