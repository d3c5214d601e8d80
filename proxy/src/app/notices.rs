//! What the database itself says about a change of its schema: NOTIFY on a channel, of PostgreSQL.

use std::future::pending;
use std::time::Duration;

use dialects::{Kind, Listener};

use super::{App, BACKOFF};

/// The channel.
pub const CHANNEL: &str = "rulegate_reload";

/// How long to wait after a notice for more of them: a migration sends many.
const SETTLE: Duration = Duration::from_millis(200);

/// Heard from before the schema is read for the first time, so that no change of it falls between.
pub struct Notices<'a> {
    app: &'a App,
    listener: Heard,
}

/// How it stands with listening.
enum Heard {
    /// Notices arrive.
    Yes(Listener),
    /// The connection is missing: what is notified meanwhile is missed.
    Lost,
    /// The database has no such thing.
    Never,
}

impl App {
    /// Begins to listen, where the database can be reached by now.
    pub async fn notices(&self) -> Notices<'_> {
        Notices { app: self, listener: self.listen().await }
    }

    async fn listen(&self) -> Heard {
        match self.pool.listen(CHANNEL).await {
            Ok(Some(listener)) => Heard::Yes(listener),
            Ok(None) => Heard::Never,
            Err(error) if matches!(error.kind, Kind::Unavailable | Kind::Exhausted) => {
                tracing::debug!(%error, "not listening for changes of the schema yet");
                Heard::Lost
            }
            Err(error) => {
                tracing::info!(%error, "the database does not tell about changes of the schema");
                Heard::Never
            }
        }
    }
}

impl Notices<'_> {
    /// Reloads at each notice, and when notices may have been missed. Never ends.
    pub async fn heed(mut self) {
        loop {
            let cause = match &mut self.listener {
                Heard::Never => pending().await,
                Heard::Lost => {
                    self.listen_again().await;
                    "the database is heard again"
                }
                Heard::Yes(listener) => {
                    if !listener.notified().await {
                        self.listener = Heard::Lost;
                        continue;
                    }
                    tokio::time::sleep(SETTLE).await;
                    listener.forget();
                    "NOTIFY"
                }
            };
            // What came of it is in the log and in the metrics; what did not come of it is made up for.
            let _ = self.app.reload(cause).await;
        }
    }

    async fn listen_again(&mut self) {
        let mut wait = BACKOFF.0;
        while matches!(self.listener, Heard::Lost) {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(BACKOFF.1);
            self.listener = self.app.listen().await;
        }
    }
}
