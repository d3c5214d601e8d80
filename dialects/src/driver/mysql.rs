//! MySQL and MariaDB: exclusive connections, one statement at a time, each answer read before the next is sent.

mod connect;
mod connection;
mod decode;
mod encode;
mod error;

use std::sync::Arc;

use connect::Connector;
use connection::Connection;
pub(super) use decode::decode;

use super::lease::{Lease, Leases};
use super::stream::Sink;
use super::{Options, PoolStatus, Rows, Script, Step, script_went_on};
use crate::Result;
use crate::render::Statement;

/// The connections to one server.
pub(super) struct Pool {
    connector: Arc<Connector>,
    leases: Arc<Leases<Connection>>,
}

impl Pool {
    pub(super) fn open(url: &str, options: Options) -> Result<Self> {
        Ok(Self { leases: Leases::new(&options), connector: Arc::new(Connector::new(url, options)?) })
    }

    pub(super) async fn run(&self, statements: Vec<Statement>) -> Result<Vec<Rows>> {
        let mut lease = self.lease().await?;
        let answer = lease.connection()?.run_all(statements).await;
        // Outside of a transaction an error leaves nothing behind; a broken connection knows that it is.
        lease.give_back();
        answer
    }

    pub(super) async fn transact<S: Script>(&self, mut script: S) -> Result<S::Output> {
        let mut lease = self.lease().await?;
        let connection = lease.connection()?;
        let mut answer = Ok(Vec::new());
        let mut over = false;
        let outcome = loop {
            answer = match script.next(answer) {
                Step::Done(output) => break Ok(output),
                Step::Run(_) | Step::Commit(_) if over => break Err(script_went_on()),
                Step::Run(statements) => connection.step(statements, false).await,
                Step::Commit(statements) => {
                    over = true;
                    connection.step(statements, true).await
                }
            };
            over |= answer.is_err();
        };
        if connection.leave().await {
            lease.give_back();
        }
        outcome
    }

    /// Its session is set up for this one statement, and so the connection is not used again.
    pub(super) async fn stream(&self, statement: Statement, sink: Sink) -> Result<()> {
        let mut lease = self.lease().await?;
        let connector = Arc::clone(&self.connector);
        tokio::spawn(async move {
            let Ok(connection) = lease.connection() else { return };
            let id = connection.id();
            let ended = tokio::select! {
                outcome = connection.stream(statement, &sink) => Some(outcome),
                () = sink.abandoned() => None,
            };
            if ended.is_none() {
                connector.kill(id).await;
            }
            lease.discard();
            if let Some(outcome) = ended {
                sink.end(outcome).await;
            }
        });
        Ok(())
    }

    pub(super) async fn execute_script(&self, sql: &str) -> Result<()> {
        self.connector.connect().await?.execute_script(sql).await
    }

    pub(super) fn status(&self) -> PoolStatus {
        self.leases.status()
    }

    pub(super) fn close(&self) {
        self.leases.close();
    }

    /// A connection that lives: idle ones do not notice when the server goes away.
    async fn lease(&self) -> Result<Lease<Connection>> {
        loop {
            let mut lease = self.leases.lease(self.connector.connect()).await?;
            if lease.connection()?.is_awake(self.connector.patience()).await {
                return Ok(lease);
            }
            // The others will be no better.
            self.leases.forget_idle();
        }
    }
}
