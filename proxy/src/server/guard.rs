//! Bounds around the work itself: how much at once, how long, and what becomes of a bug.
//!
//! A read that takes too long is dropped. A write is not: dropping it could interrupt its COMMIT. It goes on to its own end, bounded by the
//! database's time-outs, and the client is told that the outcome is not known.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::HeaderValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::gateway::REQUEST_ID;
use super::{Settings, refusal};
use crate::app::App;
use crate::exchange::Request;
use crate::pipeline::Answer;
use crate::{Error, ErrorCode};

/// The bounds.
pub(super) struct Guard {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    queue_timeout: Duration,
    request_timeout: Duration,
}

impl Guard {
    pub(super) fn new(settings: &Settings) -> Self {
        let places = settings.concurrent_requests.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            queue: Arc::new(Semaphore::new(places)),
            queue_timeout: settings.queue_timeout,
            request_timeout: settings.request_timeout,
        }
    }

    /// The answer, whatever happens.
    pub(super) async fn answer(&self, app: &Arc<App>, request: Request) -> Answer {
        let id = request.headers.get(REQUEST_ID).cloned().unwrap_or(HeaderValue::from_static("-"));
        match self.place().await {
            None => refusal::answer(overloaded().into(), &id),
            Some(place) if request.method.is_safe() => self.read(app, request, &id, place).await,
            Some(place) => self.write(app, request, &id, place).await,
        }
    }

    /// A place to work, at once or after a short wait.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        let _waiting = self.queue.try_acquire().ok()?;
        let place = self.places.clone().acquire_owned();
        tokio::time::timeout(self.queue_timeout, place).await.ok()?.ok()
    }

    async fn read(
        &self,
        app: &Arc<App>,
        request: Request,
        id: &HeaderValue,
        _place: OwnedSemaphorePermit,
    ) -> Answer {
        match tokio::time::timeout(self.request_timeout, caught(app, request, id)).await {
            Ok(answer) => answer,
            Err(_) => refusal::answer(self.too_long(ErrorCode::Timeout).into(), id),
        }
    }

    async fn write(
        &self,
        app: &Arc<App>,
        request: Request,
        id: &HeaderValue,
        place: OwnedSemaphorePermit,
    ) -> Answer {
        let (app, own_id) = (app.clone(), id.clone());
        let work = tokio::spawn(async move {
            let _place = place;
            caught(&app, request, &own_id).await
        });
        match tokio::time::timeout(self.request_timeout, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => refusal::answer(bug("the task was cancelled").into(), id),
            Err(_) => refusal::answer(self.too_long(ErrorCode::CommitUnknown).into(), id),
        }
    }

    fn too_long(&self, code: ErrorCode) -> Error {
        Error::new(code, format!("There was no answer after {} ms.", self.request_timeout.as_millis()))
    }
}

/// The pipeline's answer; a panic in it is a bug, not the end of the connection.
async fn caught(app: &Arc<App>, request: Request, id: &HeaderValue) -> Answer {
    match AssertUnwindSafe(app.answer(request)).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => refusal::answer(bug(&words(panic.as_ref())).into(), id),
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic").to_owned()
}

fn bug(words: &str) -> Error {
    Error::new(ErrorCode::Internal, "The request could not be served.").logged(words)
}

fn overloaded() -> Error {
    Error::new(ErrorCode::Overloaded, "Too many requests are being served at once.")
}
