//! Sending an answer: length, security headers, HEAD, and the end of a connection.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use pingora_core::Error as PingoraError;
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use super::gateway::REQUEST_ID;
use crate::exchange::Response;

/// Written at once, under one time-out each: a client that takes less is too slow.
const CHUNK_BYTES: usize = 64 * 1024;

/// How long what a refused client still sends is read and dropped: a connection closed on unread data is reset, and
/// the client would never see why it was refused.
const LINGER: Duration = Duration::from_secs(1);

/// How long a connection may be idle, in seconds; the front's bound is the one that counts.
const KEEP_ALIVE_S: u64 = 75;

/// What every answer carries unless it says otherwise.
const DEFAULT_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
];

/// Sends it. `closing`: the connection is not kept.
pub(super) async fn send(
    session: &mut Session,
    response: &Response,
    id: &HeaderValue,
    closing: bool,
) -> Result<(), Box<PingoraError>> {
    let header = header(response, id)?;
    if session.get_keepalive().is_some() {
        session.set_keepalive((!closing).then_some(KEEP_ALIVE_S));
    }
    let unread = !session.is_body_done();
    let bodiless = session.req_header().method == Method::HEAD || !may_have_body(response.status);
    session.write_response_header(Box::new(header), bodiless).await?;
    if !bodiless {
        write_body(session, response.body.clone()).await?;
    }
    if unread {
        linger(session).await;
    }
    Ok(())
}

fn header(response: &Response, id: &HeaderValue) -> Result<ResponseHeader, Box<PingoraError>> {
    let mut header = ResponseHeader::build_no_case(response.status, Some(response.headers.len() + 8))?;
    for (name, value) in &DEFAULT_HEADERS {
        header.insert_header(name, value)?;
    }
    for name in response.headers.keys() {
        header.remove_header(name);
    }
    for (name, value) in &response.headers {
        header.append_header(name, value)?;
    }
    header.insert_header(REQUEST_ID, id)?;
    if may_have_body(response.status) {
        header.set_content_length(response.body.len())?;
    }
    Ok(header)
}

/// RFC 9110, 8.6: neither body nor length.
fn may_have_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) && !status.is_informational()
}

async fn write_body(session: &mut Session, mut body: Bytes) -> Result<(), Box<PingoraError>> {
    while body.len() > CHUNK_BYTES {
        let chunk = body.split_to(CHUNK_BYTES);
        session.write_response_body(Some(chunk), false).await?;
    }
    session.write_response_body(Some(body), true).await
}

async fn linger(session: &mut Session) {
    // Whatever comes of it, the answer has been sent.
    let _ = tokio::time::timeout(LINGER, session.drain_request_body()).await;
}
