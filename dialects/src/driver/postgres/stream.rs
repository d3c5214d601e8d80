//! One statement on an exclusive connection, its rows handed on as they come.

use std::pin::pin;

use futures_util::TryStreamExt as _;

use super::connection::Connection;
use super::error::translate;
use crate::Result;
use crate::driver::lease::Lease;
use crate::driver::rows::Data;
use crate::driver::stream::{Measure, Sink};
use crate::render::Statement;

/// Runs the statement until it ends or nobody takes its rows any more: then it is cancelled, and the connection closed.
pub(super) async fn stream(mut lease: Lease<Connection>, statement: Statement, sink: Sink) {
    let Ok(connection) = lease.connection() else { return };
    let ended = tokio::select! {
        outcome = hand_on(connection, &statement, &sink) => Some(outcome),
        () = sink.abandoned() => None,
    };
    let Some(outcome) = ended else {
        connection.cancel().await;
        return lease.discard();
    };
    // COMMIT ends a failed transaction as well.
    match connection.control("commit").await {
        Ok(_) => lease.give_back(),
        Err(_) => lease.discard(),
    }
    sink.end(outcome).await;
}

async fn hand_on(connection: &Connection, statement: &Statement, sink: &Sink) -> Result<()> {
    let rows = connection.stream(statement).await.map_err(|error| translate(&error))?;
    let (mut rows, mut batch, mut measure) = (pin!(rows), Vec::new(), Measure::default());
    while let Some(row) = rows.try_next().await.map_err(|error| translate(&error))? {
        let full = measure.add(row.raw_size_bytes());
        batch.push(row);
        if full {
            sink.send(Data::Postgres(std::mem::take(&mut batch))).await;
        }
    }
    sink.send(Data::Postgres(batch)).await;
    Ok(())
}
