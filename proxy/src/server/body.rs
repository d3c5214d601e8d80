//! Bodies: counted while they arrive, refused as soon as they are too long, too slow, or too many at once.
//!
//! No transaction is begun and no place in the queue is taken before a body is complete, so that slow clients hold nothing but
//! what they have sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use pingora_core::ErrorType;
use pingora_proxy::Session;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::gateway::Stop;
use super::{Settings, head, wire};
use crate::{Error, ErrorCode};

/// The unit in which memory is counted out.
const BLOCK_BYTES: usize = 1024;

/// Reads bodies within what one and what all of them may take.
pub(super) struct Bodies {
    blocks: Arc<Semaphore>,
    body_bytes: usize,
    timeout: Duration,
    silence_timeout: Duration,
}

/// Memory that one body takes.
#[derive(Debug, Default)]
pub(super) struct Held(Option<OwnedSemaphorePermit>);

impl Bodies {
    pub(super) fn new(settings: &Settings) -> Self {
        let blocks = settings.bodies_bytes / BLOCK_BYTES;
        Self {
            blocks: Arc::new(Semaphore::new(blocks.min(Semaphore::MAX_PERMITS))),
            body_bytes: settings.body_bytes,
            timeout: settings.request_timeout,
            silence_timeout: settings.silence_timeout,
        }
    }

    /// The whole body.
    pub(super) async fn read(&self, session: &mut Session) -> Result<(Bytes, Held), Stop> {
        if session.is_body_empty() {
            return Ok((Bytes::new(), Held::default()));
        }
        if declared_bytes(session).is_some_and(|bytes| bytes > self.body_bytes as u64) {
            return Err(Stop::Refused(self.too_large().into()));
        }
        if awaits_permission(session) {
            session.write_continue_response().await.map_err(Stop::Gone)?;
        }
        match tokio::time::timeout(self.timeout, self.collect(session)).await {
            Ok(collected) => collected,
            Err(_) => Err(Stop::Refused(too_slow().into())),
        }
    }

    async fn collect(&self, session: &mut Session) -> Result<(Bytes, Held), Stop> {
        let mut body = BytesMut::new();
        let mut held = Held::default();
        while let Some(chunk) = self.chunk(session).await? {
            if body.len() + chunk.len() > self.body_bytes {
                return Err(Stop::Refused(self.too_large().into()));
            }
            body.extend_from_slice(&chunk);
            held.grow(&self.blocks, body.len()).map_err(Stop::Refused)?;
        }
        Ok((body.freeze(), held))
    }

    /// The next piece. pingora bounds the wait for it on HTTP/1 alone.
    async fn chunk(&self, session: &mut Session) -> Result<Option<Bytes>, Stop> {
        match tokio::time::timeout(self.silence_timeout, session.read_request_body()).await {
            Ok(chunk) => chunk.map_err(interrupted),
            Err(_) => Err(Stop::Refused(too_slow().into())),
        }
    }

    fn too_large(&self) -> Error {
        let detail = format!("The body is longer than {} bytes.", self.body_bytes);
        Error::new(ErrorCode::BodyTooLarge, detail).with_meta("maximum", self.body_bytes)
    }
}

impl Held {
    /// Makes it hold so many bytes.
    fn grow(&mut self, blocks: &Arc<Semaphore>, bytes: usize) -> crate::Result<()> {
        let held = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let lacking = bytes.div_ceil(BLOCK_BYTES).saturating_sub(held);
        let more = blocks.clone().try_acquire_many_owned(u32::try_from(lacking).unwrap_or(u32::MAX));
        let more =
            more.map_err(|_| Error::new(ErrorCode::Overloaded, "Too many bodies are being received."))?;
        match &mut self.0 {
            Some(permit) => permit.merge(more),
            None => self.0 = Some(more),
        }
        Ok(())
    }
}

fn declared_bytes(session: &Session) -> Option<u64> {
    session.req_header().headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// RFC 9110, 10.1.1.
fn awaits_permission(session: &Session) -> bool {
    let expect = session.req_header().headers.get(EXPECT);
    expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A read that failed: the client is slow, sends nonsense, or is gone.
fn interrupted(error: Box<pingora_core::Error>) -> Stop {
    match error.etype() {
        ErrorType::ReadTimedout => Stop::Refused(too_slow().into()),
        _ if wire::is_malformed(&error) => Stop::Refused(malformed().into()),
        _ => Stop::Gone(error),
    }
}

pub(super) fn too_slow() -> Error {
    Error::new(ErrorCode::Timeout, "The body did not arrive in time.")
}

pub(super) fn malformed() -> Error {
    head::malformed("The body is not framed as its headers say.")
}
