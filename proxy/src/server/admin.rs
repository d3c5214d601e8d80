//! The admin listener: health for orchestrators, metrics for Prometheus, the version. It answers while the API does not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use pingora_core::apps::HttpServerApp as _;
use pingora_core::apps::http_app::ServeHttp;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::{Shutdown, Stream};
use pingora_core::server::ShutdownWatch;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokio::time::timeout;

use super::listen::Serve;
use super::places::Places;
use super::security::secure;
use super::wire::{Cut, Wire};
use super::{gateway, refusal, respond};
use crate::Errors;
use crate::app::App;
use crate::app::reload::ReloadError;
use crate::state::Readiness;

/// Connections at once: probes, a scrape or two, an operator.
const PLACES: usize = 8;

/// How long one that has sent no whole head keeps its place when another wants it.
const RESTED: Duration = Duration::from_millis(50);

/// How long a head may take, from the connection or the last answer on.
const HEAD: Duration = Duration::from_secs(5);

/// How long a client may be silent within a body, or not take what is sent.
const SILENCE: Duration = Duration::from_secs(5);

/// How long a request and its answer may take where all places are taken.
const STANDING: Duration = Duration::from_secs(1);

/// Answers on the admin listener.
pub(super) struct Admin {
    app: Arc<App>,
    places: Places,
}

/// A status, a media type and a text.
struct Page(StatusCode, &'static str, String);

impl Admin {
    pub(super) fn new(app: Arc<App>, places: Places) -> Self {
        Self { app, places }
    }

    /// One request; the connection when it can be used again.
    async fn one(self: &Arc<Self>, mut wire: Wire, shutdown: &ShutdownWatch) -> Option<Wire> {
        let head = tokio::select! {
            biased;
            head = timeout(HEAD, wire.next(&self.app.settings)) => head.ok()?,
            () = self.places.wanted() => return None,
        };
        match head {
            Ok(()) => {}
            Err(Cut::Refused(errors)) => {
                refuse(wire, errors).await;
                return None;
            }
            Err(Cut::Gone) => return None,
        }
        let mut session = ServerSession::new_http1(Box::new(wire));
        session.set_read_timeout(Some(SILENCE));
        session.set_write_timeout(Some(SILENCE));
        let (stream, _) = self.process_new_http(session, shutdown).await?.consume();
        let wire = stream.into_any().downcast::<Wire>().ok()?;
        wire.has_passed().then_some(*wire)
    }

    /// For whoever has the token, and where there is none for a program on this machine; for no page in a browser.
    async fn reload(&self, session: &ServerSession) -> Page {
        let header = session.req_header();
        let peer = session.client_addr().and_then(|address| address.as_inet());
        let here = peer.is_some_and(|address| address.ip().to_canonical().is_loopback());
        if header.method != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "POST only");
        }
        if header.headers.contains_key(http::header::ORIGIN) {
            return text(StatusCode::FORBIDDEN, "a page in a browser may not ask for a reload");
        }
        if let Some(refusal) =
            token_refusal(self.app.settings.reload_token.as_deref(), &header.headers, here).await
        {
            return refusal;
        }
        match self.app.reload("asked for by POST /reload").await {
            Ok(done) => {
                let body = json!({"hash": done.hash, "warnings": done.warnings, "restart": done.restart});
                Page(StatusCode::OK, "application/json", body.to_string())
            }
            Err(error) if error.passes() => {
                let words = format!("{error}\nIt is tried again until the database can be read.");
                text(StatusCode::SERVICE_UNAVAILABLE, &words)
            }
            Err(error) => text(failed(&error), &error.to_string()),
        }
    }

    async fn page(&self, method: &Method, path: &str) -> Page {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "GET only");
        }
        match path {
            "/livez" => text(StatusCode::OK, "alive"),
            "/readyz" => readiness(&self.app.readiness().await),
            "/startupz" => startup(&self.app),
            "/metrics" => metrics(&self.app).await,
            "/version" => version(),
            _ => text(
                StatusCode::NOT_FOUND,
                "there are /livez, /readyz, /startupz, /metrics, /version and /reload",
            ),
        }
    }
}

impl Serve for Admin {
    async fn serve(self: Arc<Self>, stream: Stream, shutdown: ShutdownWatch) {
        let mut next = Some(Wire::new(stream));
        while let Some(wire) = next {
            next = self.one(wire, &shutdown).await;
        }
    }

    /// Whoever asks for health is answered whoever else is there: in a short time, and once.
    async fn turn_away(self: Arc<Self>, stream: Stream, shutdown: ShutdownWatch) {
        let _ = timeout(STANDING, self.one(Wire::new(stream), &shutdown)).await;
    }
}

/// The places of the admin listener.
pub(super) fn places() -> Places {
    Places::new(PLACES, RESTED)
}

/// Answers what is no request, and closes.
async fn refuse(mut wire: Wire, errors: Errors) {
    let id = gateway::fresh_id();
    let answer = refusal::answer(errors, &id);
    wire.send(&respond::raw(&answer.response, &id, false), SILENCE).await;
    Shutdown::shutdown(&mut wire).await;
}

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        if !session.is_body_empty() {
            // Nothing here has a use for one, and nobody waits for it.
            session.set_keepalive(None);
        }
        let header = session.req_header();
        let head = header.method == Method::HEAD;
        let page = match header.uri.path() {
            "/reload" => self.reload(session).await,
            path => self.page(&header.method, path).await,
        };
        answer(header.uri.path(), page, head)
    }
}

/// Where there is a token everybody must bring it: in a mesh whoever comes from elsewhere seems to come from this machine.
async fn token_refusal(file: Option<&Path>, headers: &HeaderMap, here: bool) -> Option<Page> {
    let given = headers.get(http::header::AUTHORIZATION);
    let Some(file) = file else {
        let words =
            "only a program on this machine may ask for a reload: there is no `server.reload_token_file`";
        return (!here).then(|| text(StatusCode::FORBIDDEN, words));
    };
    let Some(given) = given else {
        let words = "a reload needs the token of `server.reload_token_file`: `Authorization: Bearer …`";
        return Some(text(StatusCode::UNAUTHORIZED, words));
    };
    match tokio::fs::read(file).await {
        Ok(token) if is_bearer(given.as_bytes(), token.trim_ascii()) => None,
        Ok(_) => Some(text(StatusCode::UNAUTHORIZED, "this is not the token")),
        Err(error) => {
            tracing::error!(file = %file.display(), %error, "the token cannot be read");
            Some(text(StatusCode::SERVICE_UNAVAILABLE, "the token cannot be read; see the log"))
        }
    }
}

/// Whether the header brings the token, which takes equally long however much of it is right. An empty token is none.
fn is_bearer(header: &[u8], token: &[u8]) -> bool {
    let given =
        header.split_at_checked(BEARER.len()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(BEARER));
    !token.is_empty() && given.is_some_and(|(_, given)| bool::from(given.trim_ascii().ct_eq(token)))
}

/// The scheme of a token. <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>
const BEARER: &[u8] = b"Bearer ";

fn answer(path: &str, Page(status, media_type, body): Page, head: bool) -> Response<Vec<u8>> {
    let mut answer = Response::new(Vec::new());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(http::header::CONTENT_LENGTH, body.len().into());
    secure(headers, false);
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let more = match status {
        StatusCode::METHOD_NOT_ALLOWED if path == "/reload" => Some((http::header::ALLOW, "POST")),
        StatusCode::METHOD_NOT_ALLOWED => Some((http::header::ALLOW, "GET, HEAD")),
        StatusCode::UNAUTHORIZED => Some((http::header::WWW_AUTHENTICATE, "Bearer")),
        _ => None,
    };
    headers.extend(more.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if !head {
        *answer.body_mut() = body.into_bytes();
    }
    answer
}

fn text(status: StatusCode, words: &str) -> Page {
    Page(status, "text/plain; charset=utf-8", format!("{words}\n"))
}

/// What is wrong with the files is for whoever wrote them; what has not been read yet may work another time.
fn failed(error: &ReloadError) -> StatusCode {
    match error {
        ReloadError::NotStarted => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn readiness(readiness: &Readiness) -> Page {
    match readiness {
        Readiness::Ready => text(StatusCode::OK, "ready"),
        other => text(StatusCode::SERVICE_UNAVAILABLE, other.words()),
    }
}

fn startup(app: &App) -> Page {
    match app.snapshot() {
        Some(_) => text(StatusCode::OK, "started"),
        None => text(StatusCode::SERVICE_UNAVAILABLE, Readiness::Loading.words()),
    }
}

async fn metrics(app: &App) -> Page {
    match app.metrics_text().await {
        Ok(body) => Page(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", body),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be rendered");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be rendered; see the log")
        }
    }
}

fn version() -> Page {
    let body = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
    Page(StatusCode::OK, "application/json", body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reload_is_for_the_token_and_without_one_for_this_machine() {
        let file = std::env::temp_dir().join(format!("rg-token-{:016x}", fastrand::u64(..)));
        std::fs::write(&file, "s3cret\n").unwrap();
        let empty = file.with_extension("empty");
        std::fs::write(&empty, "\n").unwrap();
        let missing = file.with_extension("missing");
        let (right, wrong, nothing) = (Some("bearer  s3cret"), Some("Bearer s3cre"), Some("Bearer "));
        for (token, given, here, refusal) in [
            (None, None, true, None),
            (None, right, true, None),
            (None, None, false, Some(403)),
            (None, right, false, Some(403)),
            (Some(&file), None, true, Some(401)),
            (Some(&file), right, true, None),
            (Some(&file), right, false, None),
            (Some(&file), None, false, Some(401)),
            (Some(&file), wrong, false, Some(401)),
            (Some(&file), wrong, true, Some(401)),
            (Some(&file), Some("Basic s3cret"), false, Some(401)),
            (Some(&file), Some(""), false, Some(401)),
            (Some(&empty), nothing, false, Some(401)),
            (Some(&missing), right, false, Some(503)),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(given.map(|it| (http::header::AUTHORIZATION, HeaderValue::from_static(it))));
            let page = token_refusal(token.map(|file| file.as_path()), &headers, here).await;
            assert_eq!(page.map(|page| page.0.as_u16()), refusal, "{token:?} {given:?} {here}");
        }
        std::fs::remove_file(&file).unwrap();
        std::fs::remove_file(&empty).unwrap();
    }
}
