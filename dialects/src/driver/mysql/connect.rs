//! Connecting: the URL, TLS and what every session is set to.

use std::path::PathBuf;
use std::time::Duration;

use mysql_async::{Conn, DriverError, Opts, OptsBuilder, SslOpts};

use super::connection::Connection;
use super::error::translate_connect;
use crate::driver::Options;
use crate::driver::address::{self, invalid};
use crate::driver::tls::{Mode, Tls};
use crate::{Error, Kind, Result};

/// Makes connections.
pub(super) struct Connector {
    opts: Opts,
    /// Without TLS, for a server that has none and a URL that does not insist.
    fallback: Option<Opts>,
    options: Options,
}

/// A peer that acknowledges nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How many prepared statements a connection keeps.
const STATEMENTS_KEPT: usize = 512;

impl Connector {
    pub(super) fn new(url: &str, options: Options) -> Result<Self> {
        let (url, tls) = address::without_tls(url)?;
        // The driver reads the certificates when it connects; what is wrong with them is said now.
        tls.client_config()?;
        let url = match url.strip_prefix("mariadb:") {
            Some(rest) => format!("mysql:{rest}"),
            None => url,
        };
        let parsed =
            Opts::from_url(&url).map_err(|error| invalid(format!("the MySQL URL is not valid: {error}")))?;
        let kept = if options.cached_statements { STATEMENTS_KEPT } else { 0 };
        let builder = OptsBuilder::from_opts(parsed)
            .prefer_socket(false)
            .client_found_rows(true)
            .stmt_cache_size(kept)
            .tcp_keepalive(Some(SILENCE_MAX))
            .setup(settings(&options));
        let plain: Opts = builder.clone().ssl_opts(None::<SslOpts>).into();
        let opts = match tls.mode {
            Mode::Disable => plain.clone(),
            _ => builder.ssl_opts(ssl(&tls)?).into(),
        };
        Ok(Self { opts, fallback: (tls.mode == Mode::Prefer).then_some(plain), options })
    }

    pub(super) async fn connect(&self) -> Result<Connection> {
        let connected = tokio::time::timeout(self.options.acquire_timeout, self.dial()).await;
        let conn = connected
            .map_err(|_| Error::new(Kind::Unavailable, "the server did not answer in time"))?
            .map_err(|error| translate_connect(&error))?;
        Ok(Connection::new(conn, self.options.statement_timeout + self.options.lock_timeout))
    }

    /// How long a connection may take to be there.
    pub(super) fn patience(&self) -> Duration {
        self.options.acquire_timeout
    }

    /// Ends a connection and what runs on it, by another one.
    pub(super) async fn kill(&self, id: u32) {
        let killed = async { self.connect().await?.execute_script(&format!("kill {id}")).await };
        if let Err(error) = killed.await {
            tracing::warn!(%error, "a statement of MySQL could not be stopped");
        }
    }

    async fn dial(&self) -> mysql_async::Result<Conn> {
        match (Conn::new(self.opts.clone()).await, &self.fallback) {
            (Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer)), Some(plain)) => {
                Conn::new(plain.clone()).await
            }
            (connected, _) => connected,
        }
    }
}

/// READ COMMITTED, because the server's own default reads old snapshots and locks gaps; a strict mode, because without
/// it values are bent until they fit; enough digits for a division to be rounded to 20.
fn settings(options: &Options) -> Vec<String> {
    let lock_s = options.lock_timeout.as_secs().max(1);
    let (statement_ms, statement_s) =
        (options.statement_timeout.as_millis(), options.statement_timeout.as_secs_f64());
    vec![
        "set session transaction isolation level read committed".to_owned(),
        "set names utf8mb4".to_owned(),
        // The first comment is run by MariaDB alone, the second by MySQL alone.
        format!(
            "set session sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
             ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', innodb_lock_wait_timeout = {lock_s}, \
             div_precision_increment = 21, autocommit = 1 /*M! , max_statement_time = {statement_s} */ \
             /*!80000 , max_execution_time = {statement_ms} */"
        ),
    ]
}

/// The driver cannot trust a certificate and leave its name alone (it overlooks the error that rustls has for that), so
/// `verify-ca` asks for the name as well.
fn ssl(tls: &Tls) -> Result<SslOpts> {
    let opts = SslOpts::default();
    match tls.mode {
        Mode::Disable | Mode::Prefer => {
            Ok(opts.with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true))
        }
        Mode::VerifyCa | Mode::VerifyFull => with_roots(opts.with_disable_built_in_roots(true), tls),
    }
}

fn with_roots(opts: SslOpts, tls: &Tls) -> Result<SslOpts> {
    Ok(opts.with_root_certs(match &tls.root_certificates {
        Some(path) => vec![PathBuf::from(path).into()],
        None => {
            Tls::system_certificates()?.into_iter().map(|certificate| certificate.to_vec().into()).collect()
        }
    }))
}
