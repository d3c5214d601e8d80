//! Connecting: the URL, TLS and what every session is set to.

use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::cancel::{Peer, Stop};
use super::connection::{self, Connection};
use super::error::translate_connect;
use crate::driver::Options;
use crate::driver::address::{self, invalid};
use crate::driver::tls::{Current, Tls, TlsMode};
use crate::{Error, Kind, Result};

/// Makes connections.
pub(super) struct Connector {
    config: Config,
    tls: Current<MakeRustlsConnect>,
    has_identity: bool,
    pub(super) options: Options,
}

/// What moves a connection on, while it is polled.
type Driven = tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Autocommit statements of many requests.
    Shared,
    /// One transaction at a time. Outside of one it is read-only, so that nothing is written should a BEGIN fail
    /// while the statements behind it are already on their way.
    Exclusive,
}

/// A peer that acknowledges nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);

impl Connector {
    pub(super) fn new(url: &str, options: Options) -> Result<Self> {
        let (url, tls) = address::without_tls(url, &options.tls)?;
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            invalid(format!("the PostgreSQL URL is not valid: {}", root_cause(&error)))
        })?;
        config.ssl_mode(match tls.mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
        if config.get_application_name().is_none() {
            config.application_name(&options.application_name);
        }
        config.connect_timeout(options.acquire_timeout);
        config.tcp_user_timeout(SILENCE_MAX).keepalives_idle(SILENCE_MAX);
        let has_identity = tls.has_identity();
        Ok(Self { config, tls: Current::new(tls, connect_by)?, has_identity, options })
    }

    /// A connection that runs statements.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Connection> {
        let tls = self.tls.get(connect_by);
        let (client, connection, peer) = self.dial_by(tls.clone()).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a connection to PostgreSQL was lost");
            }
        });
        // Not behind a pooler, which hands each statement to another session.
        let sealed = purpose == Purpose::Exclusive && self.options.cached_statements;
        let takes_writes = if sealed {
            connection::seal(&client).await.map_err(|error| translate_connect(&error))?
        } else {
            true
        };
        let stop = Stop { token: client.cancel_token(), tls, peer };
        Ok(Connection::new(client, stop, &self.options, takes_writes))
    }

    /// A connection, and what moves it on.
    pub(super) async fn dial(&self) -> Result<(Client, Driven)> {
        let (client, driven, _) = self.dial_by(self.tls.get(connect_by)).await?;
        Ok((client, driven))
    }

    async fn dial_by(&self, tls: MakeRustlsConnect) -> Result<(Client, Driven, Option<Peer>)> {
        let mut config = self.config.clone();
        if self.options.cached_statements {
            let ours = settings(&self.options);
            let theirs = config.get_options().unwrap_or_default();
            config.options(format!("{theirs} {ours}"));
        }
        let connected = tokio::time::timeout(self.options.acquire_timeout, reach(&config, tls)).await;
        connected.map_err(|_| late())?.map_err(|error| self.explained(translate_connect(&error)))
    }

    /// The server's own words leave open what is missing.
    fn explained(&self, error: Error) -> Error {
        let wants = error.detail.contains("client certificate") && !self.has_identity;
        let hint = if wants { ": name one in database.tls.cert_file, and its key in key_file" } else { "" };
        Error { detail: error.detail + hint, ..error }
    }
}

/// The first that can be connected to.
async fn reach(
    config: &Config,
    tls: MakeRustlsConnect,
) -> std::result::Result<(Client, Driven, Option<Peer>), tokio_postgres::Error> {
    let mut failed = None;
    for peer in Peer::all(config).await {
        match config.clone().hostaddr(peer.address.ip()).connect(tls.clone()).await {
            Ok((client, driven)) => return Ok((client, driven, Some(peer))),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => config.connect(tls).await.map(|(client, driven)| (client, driven, None)),
    }
}

fn connect_by(tls: &Tls) -> Result<MakeRustlsConnect> {
    Ok(MakeRustlsConnect::new(tls.client_config()?))
}

/// A connection that was not there in time.
pub(super) fn late() -> Error {
    Error::new(Kind::Unavailable, "the server did not answer in time")
}

/// Set at start-up, without a round trip. (Not behind a pooler in transaction mode, which refuses such options: there the
/// role or the database must bring its time-outs.)
fn settings(options: &Options) -> String {
    let settings = [
        ("statement_timeout", options.statement_timeout.as_millis().to_string()),
        ("lock_timeout", options.lock_timeout.as_millis().to_string()),
        ("default_transaction_isolation", "read\\ committed".to_owned()),
        ("DateStyle", "ISO".to_owned()),
        ("IntervalStyle", "postgres".to_owned()),
        ("TimeZone", "UTC".to_owned()),
        ("standard_conforming_strings", "on".to_owned()),
    ];
    settings.iter().map(|(name, value)| format!("-c {name}={value}")).collect::<Vec<_>>().join(" ")
}

fn root_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}
