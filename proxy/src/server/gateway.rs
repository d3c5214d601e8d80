//! One request through pingora's hooks: receive it within the limits, have it answered, send the answer, tell what happened.
//!
//! What is not ours is let through to the application behind instead, and goes on through pingora's other hooks.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderName, HeaderValue, StatusCode, Version};
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error as PingoraError, ErrorType};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, Session};
use rules::policy::Actor;

use super::body::{self, Bodies};
use super::cors::Cors;
use super::guard::Guard;
use super::rate::Rate;
use super::telling::client;
use super::traffic::{InFlight, Traffic};
use super::upstream::{self, Origin, Passage, Upstream, is_upgrade};
use super::{bounds, coding, refusal, respond, security};
use crate::app::App;
use crate::exchange::{Request, Response};
use crate::observe::{self, Cut, Spans};
use crate::pipeline::Answer;
use crate::route;
use crate::{Error, ErrorCode, Errors};

/// Names a request in answers and logs; a client's own is kept when it is harmless.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The hooks.
pub(super) struct Gateway {
    pub(super) app: Arc<App>,
    traffic: Traffic,
    guard: Guard,
    bodies: Bodies,
    cors: Cors,
    rate: Rate,
    upstream: Option<Upstream>,
}

/// What is remembered while one request is served.
pub(super) struct Context {
    pub(super) started: Instant,
    pub(super) id: HeaderValue,
    /// Who asks, as soon as that is known.
    pub(super) actor: Option<Arc<Actor>>,
    /// What its trace is told, where there are traces.
    pub(super) spans: Option<Arc<Spans>>,
    /// Where it is passed on.
    pub(super) passage: Option<Passage>,
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
        let rate = Rate::new(app.settings.requests_per_second);
        let upstream = Upstream::new(&app.settings);
        Self { app, traffic, guard, bodies, cors, rate, upstream }
    }

    async fn answer(
        &self,
        session: &mut Session,
        context: &mut Context,
    ) -> Result<Answer, Box<PingoraError>> {
        let header = session.req_header();
        if let Some(response) = self.cors.preflight(&header.method, &header.headers) {
            return Ok(Answer { response, resource: None, operation: "other", errors: None });
        }
        let id = &context.id.clone();
        match self.receive(session, context).await {
            Ok(Received { actor, request, _memory }) => {
                let (app, spans, safe) = (self.app.clone(), context.spans.clone(), request.method.is_safe());
                // In a box: thousands of bytes would else be copied from bound to bound.
                let work = Box::pin(async move { app.answer(&actor, spans.as_ref(), request).await });
                Ok(if safe { self.guard.read(id, work).await } else { self.guard.write(id, work).await })
            }
            Err(Stop::Refused(errors)) => Ok(refused(session, errors, id)),
            Err(Stop::Gone(error)) => Err(error),
        }
    }

    /// The whole request and who sends it, which is known before the body is read.
    async fn receive(&self, session: &mut Session, context: &mut Context) -> Result<Received, Stop> {
        let header = session.req_header();
        bounds::check(header, &self.app.settings).map_err(Stop::Refused)?;
        let actor = self.admitted(header.uri.path(), session, context).await.map_err(Stop::Refused)?;
        bounds::check_codings(session.req_header()).map_err(Stop::Refused)?;
        let (body, _memory) = self.bodies.read(session).await?;
        let header = session.req_header();
        let mut headers = header.headers.clone();
        headers.insert(REQUEST_ID, context.id.clone());
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

    /// Who asks for a path, as long as he does not ask too often; whoever shows no sound token is counted by his address.
    async fn admitted(
        &self,
        path: &str,
        session: &Session,
        context: &mut Context,
    ) -> crate::Result<Arc<Actor>> {
        let found = self.app.actor(path, &session.req_header().headers).await;
        context.actor = found.as_ref().ok().cloned();
        let id = context.actor.as_ref().and_then(|actor| actor.id.as_deref());
        self.rate.take(id, client(session))?;
        found
    }

    /// The application behind, where a request is for it. Before the API is ready nothing is passed on.
    pub(super) fn behind(&self, path: &str) -> Option<&Upstream> {
        let upstream = self.upstream.as_ref()?;
        let snapshot = self.app.snapshot()?;
        (!route::is_ours(&snapshot.api.prefix, path)).then_some(upstream)
    }

    /// Lets a request pass to it: with what the API asks for, too.
    async fn let_pass(
        &self,
        upstream: &Upstream,
        session: &mut Session,
        context: &mut Context,
    ) -> crate::Result<()> {
        bounds::check(session.req_header(), &self.app.settings)?;
        self.admitted(NO_PAGE, session, context).await?;
        let upgrades = is_upgrade(session.req_header()) && session.as_downstream_mut().is_body_empty();
        context.passage = Some(Passage::new(upstream.place()?, upgrades));
        if upgrades {
            session.set_read_timeout(Some(upstream::WEBSOCKET_SILENCE));
        }
        respond::keep(session, self.app.stopping());
        Ok(())
    }

    /// Sends an answer of our own, and tells it.
    async fn reply(
        &self,
        session: &mut Session,
        context: &Context,
        mut answer: Answer,
    ) -> Result<Option<Cut>, Box<PingoraError>> {
        let told = Response::empty(answer.response.status);
        let response = std::mem::replace(&mut answer.response, told);
        let sent = respond::send(session, response, &context.id, self.app.stopping(), &self.traffic).await;
        self.observe(session, context, &answer, sent.as_ref().ok().and_then(Option::as_ref));
        sent
    }
}

/// A path at which there is no page that everybody may read.
const NO_PAGE: &str = "";

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context {
            started: Instant::now(),
            id: HeaderValue::from_static("-"),
            actor: None,
            spans: None,
            passage: None,
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
        context.id = request_id(session.req_header());
        context.spans = self.app.spans(&session.req_header().headers);
        if let Some(upstream) = self.behind(session.req_header().uri.path()) {
            let Err(errors) = self.let_pass(upstream, session, context).await else { return Ok(false) };
            let answer = refused(session, errors, &context.id);
            return self.reply(session, context, answer).await.map(|_| true);
        }
        let mut answer = self.answer(session, context).await?;
        if answer.response.rest.is_some() && session.req_header().version == Version::HTTP_10 {
            answer = refusal::answer(endless().into(), &context.id);
        }
        self.cors.admit(&session.req_header().headers, &mut answer.response.headers);
        match self.reply(session, context, answer).await? {
            None => Ok(true),
            // Anything but an error would send the end that is not to be told.
            Some(cut) => PingoraError::e_explain(ErrorType::WriteError, cut.words).map_err(|e| e.into_down()),
        }
    }

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        context: &mut Context,
    ) -> Result<Box<HttpPeer>, Box<PingoraError>> {
        match (&self.upstream, &mut context.passage) {
            (Some(upstream), Some(passage)) => upstream.peer(passage).await,
            _ => PingoraError::e_explain(ErrorType::InternalError, "no upstream is configured"),
        }
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        head: &mut RequestHeader,
        context: &mut Context,
    ) -> Result<(), Box<PingoraError>> {
        let (Some(upstream), Some(actor)) = (&self.upstream, &context.actor) else {
            return PingoraError::e_explain(ErrorType::InternalError, "nobody is known");
        };
        let origin = Origin { client: client(session), tls: respond::is_tls(session), id: &context.id };
        if let Some(spans) = &context.spans {
            upstream::hand_on(head, spans)?;
        }
        upstream.dress(head, actor, &origin)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        head: &mut ResponseHeader,
        context: &mut Context,
    ) -> Result<(), Box<PingoraError>> {
        head.insert_header(REQUEST_ID, context.id.clone())?;
        if respond::is_tls(session) && !head.headers.contains_key(STRICT_TRANSPORT_SECURITY) {
            head.insert_header(STRICT_TRANSPORT_SECURITY, security::TLS_ONLY)?;
        }
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            // What follows may last for hours.
            self.tell(session, context, head.status, None);
        }
        Ok(())
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        context: &mut Context,
        mut error: Box<PingoraError>,
    ) -> Box<PingoraError> {
        error.set_retry(context.passage.as_mut().is_some_and(Passage::missed));
        error
    }

    /// What is to be told, if there is anybody left.
    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &PingoraError,
        context: &mut Context,
    ) -> FailToProxy {
        let nothing = FailToProxy { error_code: 0, can_reuse_downstream: false };
        let Some(error) = upstream::error(error).filter(|_| session.response_written().is_none()) else {
            return nothing;
        };
        let errors = Errors::from(error);
        let mut answer = refusal::answer(errors, &context.id);
        let error_code = answer.response.status.as_u16();
        if let Some(passage) = &mut context.passage {
            passage.told = true;
            answer.operation = "upstream";
        }
        session.set_keepalive(None);
        // A client that takes nothing is not told.
        let _ = self.reply(session, context, answer).await;
        if !session.is_http2() {
            // Else the connection would be reset over what the client still sends, and the answer lost.
            session.shutdown().await;
        }
        FailToProxy { error_code, ..nothing }
    }

    /// Tells what became of what was passed on.
    async fn logging(&self, session: &mut Session, error: Option<&PingoraError>, context: &mut Context) {
        if context.passage.as_ref().is_none_or(|passage| passage.told) {
            return;
        }
        if let Some(status) = session.response_written().map(|head| head.status) {
            self.tell(session, context, status, error.map(upstream::broken).as_ref());
        }
    }
}

/// The answer to what is refused.
fn refused(session: &mut Session, errors: Errors, id: &HeaderValue) -> Answer {
    let understood = errors.iter().all(|error| matches!(error.code.status(), 401 | 429));
    if !understood || !session.as_downstream_mut().is_body_empty() {
        // What such a client sends next may not be a request at all, or the body of this one.
        session.set_keepalive(None);
    }
    refusal::answer(errors, id)
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
