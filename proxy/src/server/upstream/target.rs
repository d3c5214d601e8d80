//! `http://127.0.0.1:3000` → where the application behind listens. It has no path: what is asked for is asked for there under the same one.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether it is spoken to by TLS.
    pub(super) tls: bool,
    /// A name or an address, without brackets.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// As it is written.
    authority: String,
}

impl Target {
    /// `127.0.0.1:3000`, as it is written.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let no_url = "must be a URL such as `http://127.0.0.1:3000`";
        let uri: Uri = text.parse().map_err(|_| no_url)?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("must begin with `http://` or `https://`"),
        };
        let authority = uri.authority().ok_or(no_url)?;
        if authority.as_str().contains('@') {
            return Err("must name neither a user nor a password");
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err("must have no path: requests keep theirs");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => {
                if tls {
                    443
                } else {
                    80
                }
            }
            Some(port) => port.trim_start_matches(':').parse().map_err(|_| no_url)?,
            None => return Err(no_url),
        };
        if host.is_empty() || port == 0 {
            return Err(no_url);
        }
        Ok(Self { tls, host, port, authority: authority.as_str().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where() {
        for (text, tls, host, port, authority) in [
            ("http://127.0.0.1:3000", false, "127.0.0.1", 3000, "127.0.0.1:3000"),
            ("https://app.example/", true, "app.example", 443, "app.example"),
            ("http://localhost", false, "localhost", 80, "localhost"),
            ("http://[::1]:80", false, "::1", 80, "[::1]:80"),
        ] {
            let target: Target = text.parse().unwrap();
            let found = (target.tls, target.host.as_str(), target.port, target.authority());
            assert_eq!(found, (tls, host, port, authority));
            assert_eq!(target.to_string(), text.trim_end_matches('/'));
        }
    }

    #[test]
    fn what_is_no_such_url_is_refused() {
        for text in [
            "",
            "app",
            "app:3000",
            "ftp://app",
            "http://",
            "http:///x",
            "http://a/b",
            "http://a/?x",
            "http://u:p@a",
            "http://a:0",
            "http://a:99999",
            "http://a:",
            "//a",
            "http://a b",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
    }
}
