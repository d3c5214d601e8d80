//! Threads that each own a session and take jobs from a bounded queue.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::session::Session;
use crate::{Error, Kind, Result};

type Work = Box<dyn FnOnce(&mut Session) + Send>;

/// Jobs that wait for a thread.
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    places: Arc<Semaphore>,
    threads: usize,
    /// Closes when the last thread has closed its connection.
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(Work, OwnedSemaphorePermit)>,
    busy: usize,
    closed: bool,
}

/// The right to put one job into a queue.
pub(super) struct Place {
    queue: Arc<Queue>,
    permit: OwnedSemaphorePermit,
}

/// Starts a thread for each session.
pub(super) fn start(name: &str, sessions: Vec<Session>, places: usize) -> Result<Arc<Queue>> {
    let (works, ended) = mpsc::channel(1);
    let queue = Arc::new(Queue {
        state: Mutex::default(),
        wake: Condvar::new(),
        places: Arc::new(Semaphore::new(places)),
        threads: sessions.len(),
        ended: tokio::sync::Mutex::new(ended),
    });
    for session in sessions {
        let (queue, works) = (Arc::clone(&queue), works.clone());
        spawn(name, move || {
            queue.work(session);
            drop(works);
        })?;
    }
    Ok(queue)
}

/// Starts a thread.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread
        .map(drop)
        .map_err(|error| Error::new(Kind::Unavailable, format!("cannot start a thread for SQLite: {error}")))
}

impl Queue {
    /// Waits for a place in the queue.
    pub(super) async fn reserve(self: &Arc<Self>, patience: Duration) -> Result<Place> {
        let places = Arc::clone(&self.places);
        match tokio::time::timeout(patience, places.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { queue: Arc::clone(self), permit }),
            Ok(Err(_)) => Err(Error::new(Kind::Unavailable, "the pool is closed")),
            Err(_) => Err(Error::new(Kind::Exhausted, "too many statements wait for SQLite")),
        }
    }

    /// Lets the threads end when they have done what is queued.
    pub(super) fn close(&self) {
        self.places.close();
        self.state().closed = true;
        self.wake.notify_all();
    }

    /// Waits until they have.
    pub(super) async fn ended(&self) {
        self.ended.lock().await.recv().await;
    }

    /// How many threads there are and how many of them are busy.
    pub(super) fn threads(&self) -> (usize, usize) {
        (self.threads, self.state().busy)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, mut session: Session) {
        while let Some((job, permit)) = self.next() {
            if catch_unwind(AssertUnwindSafe(|| job(&mut session))).is_err() {
                tracing::error!("a job of SQLite's thread panicked; its transaction is rolled back");
            }
            session.tidy();
            self.state().busy -= 1;
            drop(permit);
        }
    }

    fn next(&self) -> Option<(Work, OwnedSemaphorePermit)> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.busy += 1;
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Place {
    /// Puts a job into the reserved place.
    pub(super) fn submit(self, job: impl FnOnce(&mut Session) + Send + 'static) {
        self.queue.state().jobs.push_back((Box::new(job), self.permit));
        self.queue.wake.notify_one();
    }
}
