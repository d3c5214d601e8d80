//! The rows of one statement as they come, in batches: memory holds a few of them, however many rows there are and however slowly they
//! are taken.
//!
//! A driver fills a [`Sink`], in a task or thread of its own; a [`RowStream`] is what has been filled. Of the two, the stream decides:
//! when it is dropped, the driver has the database stop. An end is told as such, so that rows that merely stopped coming are an error.

use std::fmt;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Rows;
use super::rows::Data;
use super::watch::Begun;
use crate::{Error, Kind, Result, ValueType};

/// Most rows of a batch.
const ROWS_MAX: usize = 500;

/// A batch of so many bytes is full.
const BYTES_FULL: usize = 64 * 1024;

/// How many batches wait to be taken.
pub(super) const WAITING: usize = 1;

/// As many as there are: where rows are in memory anyway.
pub(super) const WAITING_ALL: usize = Semaphore::MAX_PERMITS;

/// The rows of a statement, batch by batch, of one moment. Dropped before its end, it stops the statement.
pub struct RowStream {
    batches: Receiver<Result<Option<Rows>>>,
    /// Told at its end.
    pub(super) watched: Option<Begun>,
}

/// Where a driver puts rows.
pub(super) struct Sink {
    batches: Sender<Result<Option<Rows>>>,
    columns: Vec<ValueType>,
    place: OwnedSemaphorePermit,
}

/// How full a batch is.
#[derive(Debug, Default)]
pub(super) struct Measure {
    rows: usize,
    bytes: usize,
}

/// A stream, and what fills it. `place` is taken until the driver has ended.
pub(super) fn stream(
    columns: &[ValueType],
    waiting: usize,
    place: OwnedSemaphorePermit,
) -> (Sink, RowStream) {
    let (sender, receiver) = channel(waiting);
    (
        Sink { batches: sender, columns: columns.to_vec(), place },
        RowStream { batches: receiver, watched: None },
    )
}

impl RowStream {
    /// The next rows, at least one; nothing behind the last. After that or an error there is nothing to ask for.
    pub async fn next(&mut self) -> Result<Option<Rows>> {
        let stopped = || Err(Error::new(Kind::Unavailable, "the rows stopped before their end"));
        let next = self.batches.recv().await.unwrap_or_else(stopped);
        if let Err(error) = &next
            && let Some(begun) = self.watched.take()
        {
            begun.end(Some(error), true);
        }
        next
    }
}

impl Drop for RowStream {
    fn drop(&mut self) {
        if let Some(begun) = self.watched.take() {
            begun.end(None, true);
        }
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowStream")
    }
}

impl Sink {
    /// Hands a batch on, when there is room for it. Where nobody takes any more it does not come back: that is for [`Self::abandoned`]
    /// to tell, or it would pass for an end.
    pub(super) async fn send(&self, batch: Data) {
        let Some(rows) = self.rows(batch) else { return };
        if self.batches.send(Ok(Some(rows))).await.is_err() {
            std::future::pending().await
        }
    }

    /// Likewise, in a thread. False: nobody takes any more.
    pub(super) fn send_blocking(&self, batch: Data) -> bool {
        match self.rows(batch) {
            Some(rows) => self.batches.blocking_send(Ok(Some(rows))).is_ok(),
            None => true,
        }
    }

    /// Tells how it ended. Its place is free by then.
    pub(super) async fn end(self, outcome: Result<()>) {
        drop(self.place);
        // An error means that there is nobody to tell.
        let _ = self.batches.send(outcome.map(|()| None)).await;
    }

    /// Likewise, in a thread.
    pub(super) fn end_blocking(self, outcome: Result<()>) {
        drop(self.place);
        let _ = self.batches.blocking_send(outcome.map(|()| None));
    }

    /// Waits until nobody takes any more.
    pub(super) async fn abandoned(&self) {
        self.batches.closed().await;
    }

    /// Asks whether nobody takes any more, for as long as it is kept.
    pub(super) fn watch(&self) -> impl Fn() -> bool + Send + 'static {
        let batches = self.batches.downgrade();
        move || batches.upgrade().is_none_or(|batches| batches.is_closed())
    }

    fn rows(&self, data: Data) -> Option<Rows> {
        let rows = Rows { columns: self.columns.clone(), data, affected: 0, last_insert_id: None };
        (!rows.is_empty()).then_some(rows)
    }
}

impl Measure {
    /// Adds a row of so many bytes. True: the batch is full, and the next one begins.
    pub(super) fn add(&mut self, bytes: usize) -> bool {
        self.rows += 1;
        self.bytes += bytes;
        let full = self.rows >= ROWS_MAX || self.bytes >= BYTES_FULL;
        if full {
            *self = Self::default();
        }
        full
    }
}
