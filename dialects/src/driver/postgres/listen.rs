//! LISTEN: a connection of its own, on which the server says when something was notified.
//! <https://www.postgresql.org/docs/current/sql-listen.html>

use std::future::poll_fn;

use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client};

use super::connect::Connector;
use super::error::translate;
use crate::Result;

/// Hears what is notified on one channel.
pub struct Listener {
    /// The connection ends with it.
    _client: Client,
    heard: mpsc::Receiver<()>,
}

impl Listener {
    pub(super) async fn connect(connector: &Connector, channel: &'static str) -> Result<Self> {
        let (client, mut connection) = connector.dial().await?;
        // One place: however often something is notified before it is asked for, it is heard once.
        let (tell, heard) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notification(_)) => drop(tell.try_send(())),
                    Ok(_) => {}
                    Err(error) => return tracing::warn!(%error, "the connection that listens was lost"),
                }
            }
        });
        client.batch_execute(&format!("listen \"{channel}\"")).await.map_err(|error| translate(&error))?;
        Ok(Self { _client: client, heard })
    }

    /// Waits until something has been notified since it was last asked; `false`: the connection was lost.
    pub async fn notified(&mut self) -> bool {
        self.heard.recv().await.is_some()
    }

    /// Forgets what has been notified so far.
    pub fn forget(&mut self) {
        while self.heard.try_recv().is_ok() {}
    }
}
