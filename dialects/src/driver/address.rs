//! Database URLs: which dialect, and the parameters that are ours rather than the driver's.

use std::path::PathBuf;

use super::tls::{Tls, TlsMode, TlsOptions};
use crate::{Dialect, Error, Kind, Result};

/// The dialect a URL speaks of.
pub(super) fn dialect(url: &str) -> Result<Dialect> {
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => Ok(Dialect::Postgres),
        Some("mysql" | "mariadb") => Ok(Dialect::Mysql),
        _ if url.starts_with("sqlite:") => Ok(Dialect::Sqlite),
        _ => Err(invalid(
            "the database URL must begin with postgres://, mysql:// or sqlite: (postgres://user:password@host:5432/database); \
             the form `host=… password=…` of libpq is not understood",
        )),
    }
}

/// An unusable URL. The text never shows it: it may hold a password.
pub(super) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(Kind::Other, detail)
}

/// Where an SQLite database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SqlitePlace {
    /// In memory, for as long as the pool lives.
    Memory,
    /// In a file.
    File {
        path: PathBuf,
        /// Make it when it is missing.
        create: bool,
        /// Never write to it.
        read_only: bool,
    },
}

/// Reads `sqlite::memory:`, `sqlite:relative.db`, `sqlite://relative.db` or `sqlite:///absolute.db`, with `?mode=ro|rw|rwc`.
pub(super) fn sqlite(url: &str) -> Result<SqlitePlace> {
    let rest = url.strip_prefix("sqlite:").unwrap_or(url);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    if path == ":memory:" {
        return Ok(SqlitePlace::Memory);
    }
    if path.is_empty() {
        return Err(invalid("the SQLite URL names no file: write sqlite://path/to/file.db"));
    }
    let (mut create, mut read_only) = (false, false);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match (name.as_ref(), value.as_ref()) {
            ("mode", "memory") => return Ok(SqlitePlace::Memory),
            ("mode", mode @ ("ro" | "rw" | "rwc")) => (create, read_only) = (mode == "rwc", mode == "ro"),
            _ => {
                return Err(invalid(format!(
                    "the SQLite URL has an unknown parameter `{name}`: only mode=ro, rw or rwc"
                )));
            }
        }
    }
    Ok(SqlitePlace::File { path: PathBuf::from(path), create, read_only })
}

/// A URL without its TLS parameters, and what they and the options come to; the URL is asked first. (It may name several hosts, with a port each:
/// what is known as a URL elsewhere does not.)
pub(super) fn without_tls(url: &str, options: &TlsOptions) -> Result<(String, Tls)> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut tls, mut kept) = (options.clone(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "sslmode" | "ssl-mode" => tls.mode = Some(TlsMode::parse(&value).ok_or_else(unknown_mode)?),
            "sslrootcert" | "ssl-ca" => tls.ca_file = Some(PathBuf::from(value.as_ref())),
            "sslcert" | "ssl-cert" => tls.cert_file = Some(PathBuf::from(value.as_ref())),
            "sslkey" | "ssl-key" => tls.key_file = Some(PathBuf::from(value.as_ref())),
            _ => kept.push((name.into_owned(), value.into_owned())),
        }
    }
    let tls = Tls::new(tls, default_mode(base, &kept))?;
    // As `%20`, because drivers do not read `+` as a space.
    let pairs = kept.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    Ok((format!("{base}{mark}{query}"), tls))
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn unknown_mode() -> Error {
    invalid("unknown sslmode in the database URL: disable, prefer, require, verify-ca or verify-full")
}

/// Off where every host is this machine.
fn default_mode(base: &str, parameters: &[(String, String)]) -> TlsMode {
    let authority = base.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    let named = parameters.iter().filter(|(name, _)| matches!(name.as_str(), "host" | "hostaddr"));
    let all = named.map(|(_, hosts)| hosts.as_str()).chain([hosts]).flat_map(|hosts| hosts.split(','));
    match all.map(without_port).all(is_this_machine) {
        true => TlsMode::Disable,
        false => TlsMode::Prefer,
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Paths are those of sockets.
fn is_this_machine(host: &str) -> bool {
    matches!(host, "" | "localhost" | "127.0.0.1" | "[::1]" | "::1")
        || host.starts_with('/')
        || host.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("%2f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, create: bool, read_only: bool) -> SqlitePlace {
        SqlitePlace::File { path: path.into(), create, read_only }
    }

    #[test]
    fn sqlite_urls_name_a_file_or_memory() {
        for (url, expect) in [
            ("sqlite::memory:", SqlitePlace::Memory),
            ("sqlite://:memory:", SqlitePlace::Memory),
            ("sqlite://a.db", file("a.db", false, false)),
            ("sqlite:a.db?mode=rwc", file("a.db", true, false)),
            ("sqlite:///tmp/a.db?mode=ro", file("/tmp/a.db", false, true)),
        ] {
            assert_eq!(sqlite(url).unwrap(), expect, "{url}");
        }
        assert!(sqlite("sqlite://a.db?mode=odd").is_err());
        assert!(sqlite("sqlite://").is_err());
    }

    #[test]
    fn an_unknown_form_is_refused_without_showing_it_and_told_what_to_write() {
        for url in [
            "oracle://scott:tiger@host",
            "host=127.0.0.1 password=tiger",
            "postgres:host=127.0.0.1 password=tiger",
            "mysql:scott:tiger=x@host",
            "",
        ] {
            let error = dialect(url).unwrap_err().to_string();
            assert!(!error.contains("tiger"), "{error}");
            assert!(error.contains("postgres://user:password@") && error.contains("libpq"), "{error}");
        }
    }

    #[test]
    fn tls_parameters_are_taken_off_the_url() {
        for (url, rest, mode) in [
            ("postgres://u@db/x", "postgres://u@db/x", TlsMode::Prefer),
            ("postgres://u@localhost/x", "postgres://u@localhost/x", TlsMode::Disable),
            ("postgres://u:p@a@db:1,[::1]:2/x", "postgres://u:p@a@db:1,[::1]:2/x", TlsMode::Prefer),
            ("postgres://127.0.0.1:1,[::1]:2/x", "postgres://127.0.0.1:1,[::1]:2/x", TlsMode::Disable),
            ("postgres:///x?host=/tmp,db", "postgres:///x?host=%2Ftmp%2Cdb", TlsMode::Prefer),
            ("postgres:///x?host=/tmp&sslmode=disable", "postgres:///x?host=%2Ftmp", TlsMode::Disable),
            ("mysql://u@db/x?ssl-mode=VERIFY_IDENTITY", "mysql://u@db/x", TlsMode::VerifyFull),
            ("postgres://db/x?sslmode=require&sslrootcert=/ca.pem", "postgres://db/x", TlsMode::VerifyFull),
            ("postgres://localhost/x?sslrootcert=/ca.pem", "postgres://localhost/x", TlsMode::VerifyFull),
            ("mysql://db/x?ssl-cert=/c.pem&ssl-key=/k.pem", "mysql://db/x", TlsMode::VerifyFull),
        ] {
            let (plain, tls) = without_tls(url, &TlsOptions::default()).unwrap();
            assert_eq!((plain.as_str(), tls.mode), (rest, mode));
        }
    }

    #[test]
    fn a_url_is_asked_before_the_options() {
        let options = TlsOptions { mode: Some(TlsMode::VerifyCa), ..TlsOptions::default() };
        for (url, mode) in [
            ("postgres://db/x", TlsMode::VerifyCa),
            ("postgres://localhost/x", TlsMode::VerifyCa),
            ("postgres://db/x?sslmode=disable", TlsMode::Disable),
        ] {
            assert_eq!(without_tls(url, &options).unwrap().1.mode, mode, "{url}");
        }
    }

    #[test]
    fn files_that_would_not_be_looked_at_are_refused() {
        for query in [
            "sslmode=maybe",
            "sslcert=/c.pem",
            "sslkey=/k.pem",
            "sslmode=disable&sslrootcert=/ca.pem",
            "sslmode=disable&sslcert=/c.pem&sslkey=/k.pem",
            "sslmode=prefer&sslrootcert=/ca.pem",
        ] {
            assert!(
                without_tls(&format!("postgres://db/x?{query}"), &TlsOptions::default()).is_err(),
                "{query}"
            );
        }
    }
}
