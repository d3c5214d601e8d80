//! The admin listener: health for orchestrators, metrics for Prometheus, the version. It answers while the API does not.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, Response, StatusCode};
use pingora_core::apps::http_app::ServeHttp;
use pingora_core::protocols::http::ServerSession;
use serde_json::json;

use crate::app::App;
use crate::app::reload::ReloadError;
use crate::state::Readiness;
use crate::state::load::LoadError;

/// Answers on the admin listener.
pub(super) struct Admin {
    app: Arc<App>,
}

/// A status, a media type and a text.
struct Page(StatusCode, &'static str, String);

impl Admin {
    pub(super) fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// From this machine alone, and from no page in a browser on it.
    async fn reload(&self, session: &ServerSession) -> Page {
        let header = session.req_header();
        let peer = session.client_addr().and_then(|address| address.as_inet());
        let here = peer.is_some_and(|address| address.ip().to_canonical().is_loopback());
        if header.method != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "POST only");
        }
        if !here || header.headers.contains_key(http::header::ORIGIN) {
            return text(StatusCode::FORBIDDEN, "only a program on this machine may ask for a reload");
        }
        match self.app.reload("asked for by POST /reload").await {
            Ok(done) => {
                let body = json!({"hash": done.hash, "warnings": done.warnings, "restart": done.restart});
                Page(StatusCode::OK, "application/json", body.to_string())
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

#[async_trait]
impl ServeHttp for Admin {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let header = session.req_header();
        let head = header.method == Method::HEAD;
        let page = match header.uri.path() {
            "/reload" => self.reload(session).await,
            path => self.page(&header.method, path).await,
        };
        answer(page, head)
    }
}

fn answer(Page(status, media_type, body): Page, head: bool) -> Response<Vec<u8>> {
    let mut answer = Response::new(Vec::new());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(media_type));
    headers.insert(http::header::CONTENT_LENGTH, body.len().into());
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, http::HeaderValue::from_static("nosniff"));
    headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    if !head {
        *answer.body_mut() = body.into_bytes();
    }
    answer
}

fn text(status: StatusCode, words: &str) -> Page {
    Page(status, "text/plain; charset=utf-8", format!("{words}\n"))
}

/// What is wrong with the files is for whoever wrote them; what else fails may work another time.
fn failed(error: &ReloadError) -> StatusCode {
    match error {
        ReloadError::Load(LoadError::Database(_)) | ReloadError::NotStarted => {
            StatusCode::SERVICE_UNAVAILABLE
        }
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
