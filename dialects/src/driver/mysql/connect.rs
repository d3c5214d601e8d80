//! Connecting: the URL, TLS and what every session is set to.

use std::time::Duration;

use mysql_async::{ClientIdentity, Conn, DriverError, Opts, OptsBuilder, SslOpts};

use super::connection::Connection;
use super::error::translate_connect;
use crate::driver::Options;
use crate::driver::address::{self, invalid};
use crate::driver::tls::{Current, Tls, TlsMode};
use crate::{Error, Kind, Result};

/// Makes connections.
pub(super) struct Connector {
    /// Without TLS.
    plain: Opts,
    /// With it.
    tls: Current<Opts>,
    mode: TlsMode,
    has_identity: bool,
    options: Options,
}

/// A peer that acknowledges nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How many prepared statements a connection keeps.
const STATEMENTS_KEPT: usize = 512;

impl Connector {
    pub(super) fn new(url: &str, options: Options) -> Result<Self> {
        let (url, tls) = address::without_tls(url, &options.tls)?;
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
        let plain: Opts = builder.ssl_opts(None::<SslOpts>).into();
        let (mode, has_identity) = (tls.mode, tls.has_identity());
        let tls = Current::new(tls, |tls| protected(&plain, tls))?;
        Ok(Self { plain, tls, mode, has_identity, options })
    }

    pub(super) async fn connect(&self) -> Result<Connection> {
        let connected = tokio::time::timeout(self.options.acquire_timeout, self.dial()).await;
        let conn = connected
            .map_err(|_| Error::new(Kind::Unavailable, "the server did not answer in time"))?
            .map_err(|error| self.explained(translate_connect(&error)))?;
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
        if self.mode == TlsMode::Disable {
            return Conn::new(self.plain.clone()).await;
        }
        match Conn::new(self.tls.get(|tls| protected(&self.plain, tls))).await {
            // A server that has none, and nobody who insists.
            Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer))
                if self.mode == TlsMode::Prefer =>
            {
                Conn::new(self.plain.clone()).await
            }
            connected => connected,
        }
    }

    /// A server that wants a certificate denies access without a word about it.
    fn explained(&self, error: Error) -> Error {
        let wants = error.detail.contains("Access denied") && !self.has_identity;
        let hint = match wants {
            true => " (or the user may need a client certificate: database.tls.cert_file and key_file)",
            false => "",
        };
        Error { detail: error.detail + hint, ..error }
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

/// The driver reads nothing itself, so that what is wrong with a file is said in our words, and keeps what it makes of these for as long as they live.
fn protected(plain: &Opts, tls: &Tls) -> Result<Opts> {
    if tls.mode == TlsMode::Disable {
        return Ok(plain.clone());
    }
    tls.client_config()?;
    let identity = tls.identity()?.map(|(chain, key)| ClientIdentity::new(chain.into(), key.into()));
    let opts = SslOpts::default().with_client_identity(identity);
    let opts = match tls.mode {
        TlsMode::Disable | TlsMode::Prefer => {
            opts.with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true)
        }
        // The driver cannot trust a certificate and leave its name alone (it overlooks the error that rustls has for that), so `verify-ca`
        // asks for the name as well.
        TlsMode::VerifyCa | TlsMode::VerifyFull => {
            let trusted = tls.trusted()?.into_iter().map(|certificate| certificate.to_vec().into());
            opts.with_disable_built_in_roots(true).with_root_certs(trusted.collect())
        }
    };
    Ok(OptsBuilder::from_opts(plain.clone()).ssl_opts(opts).into())
}
