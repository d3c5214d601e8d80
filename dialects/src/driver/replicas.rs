//! Replicas: what only reads may be read from one of them, as old as it may be, and from the primary where it cannot answer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Driver, Options, RowStream, Rows, Streams};
use crate::render::Statement;
use crate::{Dialect, Error, Kind, Result};

/// All replicas of a primary.
#[derive(Default)]
pub(super) struct Replicas {
    all: Vec<Arc<Replica>>,
    turn: AtomicUsize,
}

/// One of them.
struct Replica {
    driver: Driver,
    /// It was away: not asked again before this.
    rests_until: Mutex<Option<Instant>>,
    patience: Duration,
}

/// The replica that one request reads from: the same for all of it, until it fails once.
#[derive(Clone)]
pub(super) struct Reader {
    replica: Arc<Replica>,
    failed: Arc<AtomicBool>,
}

/// How long a replica that was away is left alone.
const REST: Duration = Duration::from_secs(5);

impl Replicas {
    /// Errors: the place of one that cannot be used, and why.
    pub(super) fn open(
        dialect: Dialect,
        urls: &[&str],
        options: &Options,
    ) -> std::result::Result<Self, (usize, Error)> {
        let open = |(place, url): (usize, &&str)| {
            let driver = Replica::open(dialect, url, options).map_err(|error| (place, error))?;
            let patience = options.statement_timeout;
            Ok(Arc::new(Replica { driver, rests_until: Mutex::default(), patience }))
        };
        Ok(Self {
            all: urls.iter().enumerate().map(open).collect::<std::result::Result<_, _>>()?,
            ..Self::default()
        })
    }

    /// The next one in turn that does not rest.
    pub(super) fn reader(&self) -> Option<Reader> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        let (before, from) = self.all.split_at_checked(first)?;
        let replica = from.iter().chain(before).find(|replica| !replica.rests())?.clone();
        Some(Reader { replica, failed: Arc::default() })
    }

    /// How many are asked, and how many there are.
    pub(super) fn status(&self) -> (usize, usize) {
        (self.all.iter().filter(|replica| !replica.rests()).count(), self.all.len())
    }

    pub(super) fn connections_max(&self) -> usize {
        self.all.iter().map(|replica| replica.driver.connections_max()).sum()
    }

    pub(super) fn close(&self) {
        self.all.iter().for_each(|replica| replica.driver.close());
    }
}

impl Replica {
    fn open(dialect: Dialect, url: &str, options: &Options) -> Result<Driver> {
        let driver = Driver::open(url, options.clone())?;
        match driver.dialect() == dialect && dialect != Dialect::Sqlite {
            true => Ok(driver),
            false => {
                Err(super::address::invalid("a replica is of the same kind as the primary, and a server"))
            }
        }
    }

    fn rests(&self) -> bool {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn rest(&self, error: &Error) {
        if !self.rests() {
            tracing::warn!(%error, "a replica of the database is away: the primary is read");
        }
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }
}

impl Reader {
    /// What the replica answers; nothing where the primary is to be asked.
    pub(super) async fn run(&self, statements: &[Statement]) -> Option<Result<Vec<Rows>>> {
        if self.failed.load(Ordering::Relaxed) || !statements.iter().all(Statement::is_read) {
            return None;
        }
        let asked = tokio::time::timeout(self.replica.patience, self.replica.driver.run(statements.to_vec()));
        let answer =
            asked.await.unwrap_or_else(|_| Err(Error::new(Kind::Unavailable, "it did not answer in time")));
        self.settled(answer)
    }

    /// Likewise, for a statement whose rows are taken one by one: once it has begun, nobody else is asked.
    pub(super) async fn stream(&self, streams: &Streams, statement: &Statement) -> Option<Result<RowStream>> {
        if self.failed.load(Ordering::Relaxed) {
            return None;
        }
        let opened = streams.open(&self.replica.driver, statement.clone()).await;
        self.settled(opened)
    }

    /// A value that does not fit, or a statement that takes too long, is the same on the primary. All else may be the replica's own: it is
    /// away, knows a table not yet, or cannot read on because of what it is to replay.
    fn settled<T>(&self, answer: Result<T>) -> Option<Result<T>> {
        match answer {
            Err(error) if !matches!(error.kind, Kind::Data | Kind::Timeout) => {
                self.failed.store(true, Ordering::Relaxed);
                if error.kind == Kind::Unavailable {
                    self.replica.rest(&error);
                }
                None
            }
            answer => Some(answer),
        }
    }
}
