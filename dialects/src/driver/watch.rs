//! Who is told of every call of the database: which statements were sent at once, how long they took, and what they came to. Their text
//! holds no values.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Rows, Script, Step};
use crate::render::Statement;
use crate::{Error, Result};

/// Is told of every call.
#[derive(Clone)]
pub struct Watcher(Arc<dyn Fn(&Call<'_>) + Send + Sync>);

/// Statements that were sent at once, or one by one where the database takes no more.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The text of each, without values. None: a transaction ended with nothing to run.
    pub texts: &'a [String],
    /// When it began.
    pub started: Instant,
    /// How long it took, the wait for a connection included where that is no transaction's.
    pub elapsed: Duration,
    /// Why it failed.
    pub error: Option<&'a Error>,
    /// Rows were read one by one, at the pace of whoever took them.
    pub streamed: bool,
}

/// A call that is under way.
pub(super) struct Begun {
    watcher: Watcher,
    texts: Vec<String>,
    started: Instant,
}

/// A script whose every step is told.
pub(super) struct Watched<S> {
    script: S,
    watcher: Watcher,
    begun: Option<Begun>,
}

impl Watcher {
    /// Whom to tell.
    pub fn new(told: impl Fn(&Call<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    pub(super) fn begin(&self, statements: &[Statement]) -> Begun {
        let texts = statements.iter().map(|statement| statement.text.clone()).collect();
        Begun { watcher: self.clone(), texts, started: Instant::now() }
    }
}

impl Begun {
    pub(super) fn end(&self, error: Option<&Error>, streamed: bool) {
        let (texts, started) = (&self.texts[..], self.started);
        (self.watcher.0)(&Call { texts, started, elapsed: started.elapsed(), error, streamed });
    }
}

impl<S> Watched<S> {
    pub(super) fn new(script: S, watcher: Watcher) -> Self {
        Self { script, watcher, begun: None }
    }
}

impl<S: Script> Script for Watched<S> {
    type Output = S::Output;

    fn next(&mut self, answer: Result<Vec<Rows>>) -> Step<S::Output> {
        if let Some(begun) = self.begun.take() {
            begun.end(answer.as_ref().err(), false);
        }
        let step = self.script.next(answer);
        if let Step::Run(statements) | Step::Commit(statements) = &step {
            self.begun = Some(self.watcher.begin(statements));
        }
        step
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
