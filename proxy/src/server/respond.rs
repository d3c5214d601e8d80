//! Sending an answer: length, security headers, HEAD, and the end of a connection.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, TRANSFER_ENCODING, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use pingora_core::Error as PingoraError;
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use super::coding::{self, Wanted};
use super::export;
use super::gateway::REQUEST_ID;
use super::security::secure;
use super::traffic::Traffic;
use crate::exchange::Response;
use crate::observe::Cut;

/// Written at once, under one time-out each: a client that takes less is too slow.
const CHUNK_BYTES: usize = 64 * 1024;

/// That a connection is kept: how long, the front decides.
const KEPT: u64 = 0;

/// What may be kept of an answer that does not say.
const UNSAID: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Sends it. `closing`: the connection is not kept. What it came to, where it is one that is made while it is sent, is the answer.
pub(super) async fn send(
    session: &mut Session,
    response: Response,
    id: &HeaderValue,
    closing: bool,
    traffic: &Traffic,
) -> Result<Option<Cut>, Box<PingoraError>> {
    let asked = &session.req_header().headers;
    let wanted = Wanted::of(asked).unwrap_or(Wanted::PLAIN);
    let (mut response, coding) = coding::encode(response, wanted).await;
    coding::confirm(&mut response, asked);
    let header = header(&response, id, is_tls(session))?;
    keep(session, closing);
    let bodiless = session.req_header().method == Method::HEAD || !may_have_body(response.status);
    session.write_response_header(Box::new(header), bodiless).await?;
    match response.rest {
        _ if bodiless => {}
        Some(rest) => return Ok(export::send(session, response.body, *rest, coding, traffic).await.err()),
        None => write(session, response.body, true).await?,
    }
    Ok(None)
}

/// Has the connection kept, where the client wants that, unless it closes.
pub(super) fn keep(session: &mut Session, closing: bool) {
    if session.get_keepalive().is_some() {
        session.set_keepalive((!closing).then_some(KEPT));
    }
}

/// The same as bytes of HTTP/1.1, for a connection that pingora does not see, and that is closed afterwards.
pub(super) fn raw(response: &Response, id: &HeaderValue, tls: bool) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\n", response.status).into_bytes();
    let mut field = |name: &[u8], value: &[u8]| {
        bytes.extend([name, b": ", value, b"\r\n"].concat());
    };
    for (name, value) in &headers(response, id, tls) {
        field(name.as_str().as_bytes(), value.as_bytes());
    }
    field(b"content-length", response.body.len().to_string().as_bytes());
    field(b"connection", b"close");
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&response.body);
    bytes
}

/// Whether it came by TLS.
pub(super) fn is_tls(session: &Session) -> bool {
    session.as_downstream().digest().is_some_and(|digest| digest.ssl_digest.is_some())
}

fn header(response: &Response, id: &HeaderValue, tls: bool) -> Result<ResponseHeader, Box<PingoraError>> {
    let headers = headers(response, id, tls);
    let mut header = ResponseHeader::build_no_case(response.status, Some(headers.len() + 3))?;
    for (name, value) in &headers {
        header.append_header(name, value)?;
    }
    match response.rest {
        Some(_) => header.insert_header(TRANSFER_ENCODING, "chunked")?,
        None if may_have_body(response.status) => header.set_content_length(response.body.len())?,
        None => {}
    }
    Ok(header)
}

/// The answer's own headers, and those of every answer.
fn headers(response: &Response, id: &HeaderValue, tls: bool) -> HeaderMap {
    let mut headers = response.headers.clone();
    headers.entry(CACHE_CONTROL).or_insert(UNSAID);
    secure(&mut headers, tls);
    headers.insert(REQUEST_ID, id.clone());
    if response.status != StatusCode::NO_CONTENT {
        vary(&mut headers, "Accept-Encoding");
    }
    headers
}

/// Adds to what an answer depends on besides the URL.
pub(super) fn vary(headers: &mut HeaderMap, name: &'static str) {
    let before = headers.get(VARY).and_then(|names| names.to_str().ok());
    let names = before.map_or(name.to_owned(), |names| format!("{names}, {name}"));
    headers.insert(VARY, HeaderValue::from_str(&names).unwrap_or(HeaderValue::from_static("*")));
}

/// RFC 9110, 8.6: neither body nor length.
fn may_have_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) && !status.is_informational()
}

/// Writes a part of the body, or all of it.
pub(super) async fn write(
    session: &mut Session,
    mut part: Bytes,
    is_last: bool,
) -> Result<(), Box<PingoraError>> {
    while part.len() > CHUNK_BYTES {
        let chunk = part.split_to(CHUNK_BYTES);
        session.write_response_body(Some(chunk), false).await?;
    }
    session.write_response_body(Some(part), is_last).await
}
