//! Whether requests can be served: asked often, so that the database is asked at most once a second.

use std::time::{Duration, Instant};

use dialects::Pool;
use tokio::sync::Mutex;

/// How long an answer of the database is good for.
const FRESH: Duration = Duration::from_secs(1);

/// How long the database may take to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether requests can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// They can.
    Ready,
    /// There is no snapshot yet.
    Loading,
    /// The database does not answer.
    DatabaseAway,
    /// The server is stopping.
    Stopping,
}

/// What the database answered last.
#[derive(Debug, Default)]
pub(crate) struct Health {
    last: Mutex<Option<(Instant, bool)>>,
}

impl Health {
    /// Whether the database answers, from memory when that is fresh. Who asks meanwhile waits for the same answer.
    pub(crate) async fn database_up(&self, pool: &Pool) -> bool {
        let mut last = self.last.lock().await;
        match *last {
            Some((asked, up)) if asked.elapsed() < FRESH => up,
            _ => {
                let up = answers(pool).await;
                *last = Some((Instant::now(), up));
                up
            }
        }
    }
}

async fn answers(pool: &Pool) -> bool {
    matches!(tokio::time::timeout(PING_TIMEOUT, pool.ping()).await, Ok(Ok(())))
}

impl Readiness {
    /// What it means, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Loading => "the schema has not been read yet",
            Self::DatabaseAway => "the database does not answer",
            Self::Stopping => "stopping",
        }
    }
}
