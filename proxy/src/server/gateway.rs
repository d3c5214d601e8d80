//! One request through pingora's hooks: receive it within the limits, have it answered, send the answer, tell what happened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::header::{CONTENT_ENCODING, EXPECT};
use http::{HeaderName, HeaderValue, Method, Version};
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error as PingoraError, ErrorType};
use pingora_http::RequestHeader;
use pingora_proxy::{ProxyHttp, Session};
use rules::policy::Actor;

use super::body::{self, Bodies};
use super::cors::Cors;
use super::guard::Guard;
use super::traffic::{InFlight, Traffic};
use super::{coding, head, refusal, respond};
use crate::app::App;
use crate::exchange::{Request, Response};
use crate::observe::{self, Cut, Observation};
use crate::pipeline::Answer;
use crate::{Error, ErrorCode, Errors};

/// Names a request in answers and logs; a client's own is kept when it is harmless.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The hooks.
pub(super) struct Gateway {
    app: Arc<App>,
    traffic: Traffic,
    guard: Guard,
    bodies: Bodies,
    cors: Cors,
}

/// What is remembered while one request is served.
pub(super) struct Context {
    started: Instant,
    _in_flight: InFlight,
    _counted: observe::Running,
}

/// A request as it has arrived.
struct Received {
    actor: Arc<Actor>,
    request: Request,
    /// Of its body: given back when this is dropped.
    _memory: body::Held,
}

/// Why there is no request to answer.
pub(super) enum Stop {
    /// It is refused.
    Refused(Errors),
    /// The client is gone: there is nobody to tell.
    Gone(Box<PingoraError>),
}

impl Gateway {
    pub(super) fn new(app: Arc<App>, traffic: Traffic) -> Self {
        let guard = Guard::new(&app.settings);
        let bodies = Bodies::new(&app.settings);
        let cors = Cors::new(&app.settings.cors_origins);
        Self { app, traffic, guard, bodies, cors }
    }

    async fn answer(&self, session: &mut Session, id: &HeaderValue) -> Result<Answer, Box<PingoraError>> {
        let header = session.req_header();
        if let Some(response) = self.cors.preflight(&header.method, &header.headers) {
            return Ok(Answer { response, resource: None, operation: "other", errors: None });
        }
        match self.receive(session, id).await {
            Ok(Received { actor, request, _memory }) => {
                let (app, safe) = (self.app.clone(), request.method.is_safe());
                // In a box: thousands of bytes would else be copied from bound to bound.
                let work = Box::pin(async move { app.answer(&actor, request).await });
                Ok(if safe { self.guard.read(id, work).await } else { self.guard.write(id, work).await })
            }
            Err(Stop::Refused(errors)) => {
                // What such a client sends next may not be a request at all, or the body of this one.
                if !errors.iter().all(|error| error.code.status() == 401)
                    || !session.as_downstream_mut().is_body_empty()
                {
                    session.set_keepalive(None);
                }
                Ok(refusal::answer(errors, id))
            }
            Err(Stop::Gone(error)) => Err(error),
        }
    }

    /// The whole request and who sends it, which is known before the body is read.
    async fn receive(&self, session: &mut Session, id: &HeaderValue) -> Result<Received, Stop> {
        let header = session.req_header();
        check_header(header, &self.app).map_err(Stop::Refused)?;
        let actor = self.app.actor(header.uri.path(), &header.headers).await.map_err(Stop::Refused)?;
        let (body, _memory) = self.bodies.read(session).await?;
        let header = session.req_header();
        let mut headers = header.headers.clone();
        headers.insert(REQUEST_ID, id.clone());
        coding::without_endings(&mut headers);
        let request = Request {
            method: header.method.clone(),
            path: header.uri.path().to_owned(),
            query: header.uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
        };
        Ok(Received { actor, request, _memory })
    }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context {
            started: Instant::now(),
            _in_flight: self.traffic.enter(),
            _counted: self.app.metrics.running(),
        }
    }

    async fn request_filter(
        &self,
        session: &mut Session,
        context: &mut Context,
    ) -> Result<bool, Box<PingoraError>> {
        let silence = self.app.settings.silence_timeout;
        session.set_read_timeout(Some(silence));
        session.set_write_timeout(Some(silence));
        let id = request_id(session.req_header());
        let mut answer = self.answer(session, &id).await?;
        if answer.response.rest.is_some() && session.req_header().version == Version::HTTP_10 {
            answer = refusal::answer(endless().into(), &id);
        }
        let told = Response::empty(answer.response.status);
        let mut response = std::mem::replace(&mut answer.response, told);
        self.cors.admit(&session.req_header().headers, &mut response.headers);
        let sent = respond::send(session, response, &id, self.app.stopping(), &self.traffic).await;
        let cut = sent.as_ref().ok().and_then(Option::as_ref);
        self.observe(session.req_header(), &answer, &id, context.started.elapsed(), cut);
        match sent? {
            None => Ok(true),
            // Anything but an error would send the end that is not to be told.
            Some(cut) => PingoraError::e_explain(ErrorType::WriteError, cut.words).map_err(|e| e.into_down()),
        }
    }

    /// Everything is answered in `request_filter`.
    async fn upstream_peer(
        &self,
        _session: &mut Session,
        _context: &mut Context,
    ) -> Result<Box<HttpPeer>, Box<PingoraError>> {
        PingoraError::e_explain(ErrorType::InternalError, "no upstream is configured")
    }
}

impl Gateway {
    fn observe(
        &self,
        header: &RequestHeader,
        answer: &Answer,
        id: &HeaderValue,
        elapsed: Duration,
        cut: Option<&Cut>,
    ) {
        let observation = Observation {
            request_id: id.to_str().unwrap_or_default(),
            method: header.method.as_str(),
            path: header.uri.path(),
            resource: answer.resource.as_deref(),
            operation: answer.operation,
            status: answer.response.status.as_u16(),
            elapsed,
            errors: answer.errors.as_ref(),
            cut,
        };
        observe::observe(&self.app.metrics, &observation);
    }
}

/// What can be refused before the body is read, whatever protocol it came by.
fn check_header(header: &RequestHeader, app: &App) -> crate::Result<()> {
    let settings = &app.settings;
    let url = header.raw_path();
    if url.len() > settings.url_bytes {
        let detail = format!("The URL has {} bytes, the most is {}.", url.len(), settings.url_bytes);
        return Err(Error::new(ErrorCode::UriTooLong, detail).into());
    }
    let bytes: usize = header.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > settings.header_bytes {
        let detail = format!("The headers have {bytes} bytes, the most is {}.", settings.header_bytes);
        return Err(Error::new(ErrorCode::HeadersTooLarge, detail).into());
    }
    if !header.raw_path_is_utf8() || header.method == Method::CONNECT {
        return Err(head::malformed("The request line cannot be understood.").into());
    }
    let mut expect = header.headers.get_all(EXPECT).iter();
    if expect.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(head::malformed("Nothing but 100-continue can be expected.").header("Expect").into());
    }
    coding::Wanted::of(&header.headers)?;
    check_coding(header)
}

/// Bodies are taken as they are: a small one could unfold to a giant.
fn check_coding(header: &RequestHeader) -> crate::Result<()> {
    let mut codings = header.headers.get_all(CONTENT_ENCODING).iter();
    match codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        true => Ok(()),
        false => {
            let detail = "Bodies are taken as they are: send no Content-Encoding.";
            Err(Error::new(ErrorCode::UnsupportedMediaType, detail).header("Content-Encoding").into())
        }
    }
}

fn endless() -> Error {
    let detail = "An export needs HTTP/1.1 or HTTP/2: in HTTP/1.0 nobody could tell its end from a failure.";
    Error::new(ErrorCode::NotAcceptable, detail).header("Accept")
}

/// The client's own id, or a new one.
fn request_id(header: &RequestHeader) -> HeaderValue {
    let given = header.headers.get(REQUEST_ID).filter(|value| harmless(value.as_bytes()));
    given.cloned().unwrap_or_else(fresh_id)
}

/// An id that nobody has chosen.
pub(super) fn fresh_id() -> HeaderValue {
    let id = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

fn harmless(id: &[u8]) -> bool {
    (1..=64).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
}
