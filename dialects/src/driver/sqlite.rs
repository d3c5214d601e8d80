//! SQLite: dedicated threads, each with its own connection. Readers share a bounded queue; one writer runs whole
//! transactions, each as one closure under BEGIN IMMEDIATE. A database in memory has the writer alone.

mod decode;
mod error;
mod functions;
mod session;
mod threads;

use std::sync::Arc;

pub(super) use decode::{Table, decode, stored};
use session::Session;
use threads::Queue;

use super::address::{self, SqlitePlace};
use super::stream::{self, Sink};
use super::{Options, PoolStatus, Rows, Script};
use crate::render::Statement;
use crate::{Error, Kind, Result};

/// The threads of one database.
pub(super) struct Pool {
    place: SqlitePlace,
    readers: Option<Arc<Queue>>,
    writer: Arc<Queue>,
    options: Options,
}

/// How many statements may wait for each thread.
const WAITING_MAX: usize = 64;

impl Pool {
    pub(super) fn open(url: &str, options: Options) -> Result<Self> {
        let place = address::sqlite(url)?;
        let writer =
            threads::start("sqlite-writer", vec![Session::open(&place, false, &options)?], WAITING_MAX)?;
        let readers = match &place {
            SqlitePlace::Memory => None,
            SqlitePlace::File { .. } => Some(Self::readers(&place, &options)?),
        };
        Ok(Self { place, readers, writer, options })
    }

    fn readers(place: &SqlitePlace, options: &Options) -> Result<Arc<Queue>> {
        let count = std::thread::available_parallelism().map_or(2, usize::from);
        let sessions = (0..count).map(|_| Session::open(place, true, options)).collect::<Result<Vec<_>>>()?;
        threads::start("sqlite-reader", sessions, WAITING_MAX * count)
    }

    pub(super) async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        let queue = match &self.readers {
            Some(readers) if statements.iter().all(Statement::is_read) => readers,
            _ => &self.writer,
        };
        let job = move |session: &mut Session| -> Result<Vec<Rows>> {
            statements.into_iter().map(|statement| session.run(statement)).collect()
        };
        self.submit(queue, move |session, _| job(session)).await?
    }

    pub(super) async fn transact<S: Script>(&self, script: S) -> Result<S::Output> {
        self.submit(&self.writer, move |session, abandoned| session.transact(script, abandoned)).await?
    }

    /// How many batches of a stream wait to be taken: of a database in memory all of them, because its one thread can wait for nobody.
    pub(super) fn waiting(&self) -> usize {
        match self.place {
            SqlitePlace::Memory => stream::WAITING_ALL,
            SqlitePlace::File { .. } => stream::WAITING,
        }
    }

    /// In a thread and a session of its own.
    pub(super) async fn stream(&self, statement: Statement, sink: Sink) -> Result<()> {
        if self.place == SqlitePlace::Memory {
            let place = self.writer.reserve(self.options.acquire_timeout).await?;
            place.submit(move |session| session.stream(&statement, sink));
            return Ok(());
        }
        let (place, options) = (self.place.clone(), self.options.clone());
        threads::spawn("sqlite-stream", move || match Session::open(&place, true, &options) {
            Ok(mut session) => session.stream(&statement, sink),
            Err(error) => sink.end_blocking(Err(error)),
        })
    }

    pub(super) async fn execute_script(&self, sql: &str) -> Result<()> {
        let sql = sql.to_owned();
        self.submit(&self.writer, move |session, _| session.execute_batch(&sql)).await?
    }

    pub(super) fn status(&self) -> PoolStatus {
        let queues = self.readers.iter().chain([&self.writer]);
        queues.fold(PoolStatus::default(), |sum, queue| {
            let (threads, busy) = queue.threads();
            PoolStatus {
                connections_max: sum.connections_max + threads,
                idle: sum.idle + threads.saturating_sub(busy),
                busy: sum.busy + busy,
            }
        })
    }

    pub(super) fn close(&self) {
        self.readers.iter().chain([&self.writer]).for_each(|queue| queue.close());
    }

    /// Waits until all connections are closed: the last one puts what is in the log into the file.
    pub(super) async fn closed(&self) {
        for queue in self.readers.iter().chain([&self.writer]) {
            queue.ended().await;
        }
    }

    /// Has a thread of the queue do something. The job can ask whether anybody still waits for its answer.
    async fn submit<T: Send + 'static>(
        &self,
        queue: &Arc<Queue>,
        job: impl FnOnce(&mut Session, &dyn Fn() -> bool) -> T + Send + 'static,
    ) -> Result<T> {
        let place = queue.reserve(self.options.acquire_timeout).await?;
        let (sender, receiver) = tokio::sync::oneshot::channel();
        place.submit(move |session| {
            let answer = job(session, &|| sender.is_closed());
            // Nobody waits any more: there is nobody to tell.
            let _ = sender.send(answer);
        });
        receiver.await.map_err(|_| Error::new(Kind::Other, "the job failed in its thread; the log says how"))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}
