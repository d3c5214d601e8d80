//! Bounds around the work itself: how much at once, how long, and what becomes of a bug.
//!
//! A read that takes too long is dropped. A write is not: dropping it could interrupt its COMMIT. It goes on to its own end, bounded by the
//! database's time-outs, and the client is told that the outcome is not known.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::HeaderValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Settings, refusal};
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

    /// The answer to a request that changes nothing.
    pub(super) async fn read(&self, id: &HeaderValue, work: impl Future<Output = Answer>) -> Answer {
        let Some(_place) = self.place().await else { return refusal::answer(overloaded().into(), id) };
        match tokio::time::timeout(self.request_timeout, caught(id, work)).await {
            Ok(answer) => answer,
            Err(_) => refusal::answer(self.too_long(ErrorCode::Timeout).into(), id),
        }
    }

    /// The answer to a request that may change something. Its place is taken until it has ended, however long that takes.
    pub(super) async fn write(
        &self,
        id: &HeaderValue,
        work: impl Future<Output = Answer> + Send + 'static,
    ) -> Answer {
        let Some(place) = self.place().await else { return refusal::answer(overloaded().into(), id) };
        let own_id = id.clone();
        let work = tokio::spawn(async move {
            let _place = place;
            caught(&own_id, work).await
        });
        match tokio::time::timeout(self.request_timeout, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => refusal::answer(bug("the task was cancelled").into(), id),
            Err(_) => refusal::answer(self.too_long(ErrorCode::CommitUnknown).into(), id),
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

    fn too_long(&self, code: ErrorCode) -> Error {
        Error::new(code, format!("There was no answer after {} ms.", self.request_timeout.as_millis()))
    }
}

/// The work's answer; a panic in it is a bug, not the end of the connection.
async fn caught(id: &HeaderValue, work: impl Future<Output = Answer>) -> Answer {
    match AssertUnwindSafe(work).catch_unwind().await {
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

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use http::StatusCode;
    use tokio::sync::Notify;

    use super::*;
    use crate::exchange::Response;

    const ID: HeaderValue = HeaderValue::from_static("r1");

    fn guard(places: usize) -> Guard {
        let short = Duration::from_millis(50);
        let settings = Settings {
            concurrent_requests: places,
            queue_timeout: short,
            request_timeout: short,
            ..Settings::default()
        };
        Guard::new(&settings)
    }

    fn done() -> Answer {
        Answer { response: Response::empty(StatusCode::OK), resource: None, operation: "read", errors: None }
    }

    #[track_caller]
    fn code(answer: &Answer) -> &'static str {
        answer.errors.as_ref().map_or("none", |errors| errors.iter().next().unwrap().code.code())
    }

    #[tokio::test]
    async fn a_panic_is_answered_with_500() {
        let panics = || async { panic!("a bug") };
        for answer in [guard(1).read(&ID, panics()).await, guard(1).write(&ID, panics()).await] {
            assert_eq!((answer.response.status.as_u16(), code(&answer)), (500, "internal"));
            assert!(!String::from_utf8_lossy(&answer.response.body).contains("a bug"));
        }
    }

    #[tokio::test]
    async fn a_read_that_takes_too_long_is_given_up() {
        let answer = guard(1).read(&ID, pending()).await;
        assert_eq!((answer.response.status.as_u16(), code(&answer)), (504, "timeout"));
    }

    #[tokio::test]
    async fn a_write_that_takes_too_long_goes_on_and_its_outcome_is_said_to_be_unknown() {
        let (go, gone) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let work = {
            let (go, gone) = (go.clone(), gone.clone());
            async move {
                go.notified().await;
                gone.notify_one();
                done()
            }
        };
        let answer = guard(1).write(&ID, work).await;
        assert_eq!((answer.response.status.as_u16(), code(&answer)), (503, "commit-unknown"));
        go.notify_one();
        gone.notified().await;
    }

    #[tokio::test]
    async fn beyond_the_places_and_the_queue_it_says_busy() {
        let guard = guard(1);
        let _taken = guard.place().await.unwrap();
        let answer = guard.read(&ID, ready(done())).await;
        assert_eq!((answer.response.status.as_u16(), code(&answer)), (503, "overloaded"));
        assert!(answer.response.headers.contains_key(http::header::RETRY_AFTER));
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_free_place() {
        let guard = guard(1);
        let taken = guard.place().await.unwrap();
        let free = async {
            tokio::task::yield_now().await;
            drop(taken);
        };
        let id = ID;
        let (answer, ()) = tokio::join!(guard.read(&id, ready(done())), free);
        assert_eq!(code(&answer), "none");
    }
}
