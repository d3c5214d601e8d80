//! One GET of a document at a URL, bounded in time and size. Redirects are not followed: whoever can send one could name any keys.

use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use url::Url;

use crate::outbound::{Outbound, is_this_machine};

/// How long all of it may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest document.
const BYTES_MAX: usize = 1024 * 1024;

/// A URL, and how to reach it.
pub(super) struct Source(Outbound);

impl Source {
    /// Of a URL. Errors: words about what is wrong with it.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        Ok(Self(Outbound::new(checked(url)?)?))
    }

    /// The document.
    pub(super) async fn get(&self) -> Result<Bytes, String> {
        let request = Request::get(self.0.target()).header(ACCEPT, "application/json").body(Bytes::new());
        let request = request.map_err(|error| error.to_string())?;
        match self.0.ask(request, TIMEOUT, BYTES_MAX).await? {
            (StatusCode::OK, document) => Ok(document),
            (status, _) => Err(format!("the answer is {status}")),
        }
    }
}

/// A URL that is asked for keys. Plain HTTP only reaches this machine: anybody on the way could put in keys of his own.
pub(crate) fn checked(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "must be a URL: `https://id.example/keys`".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must be a URL without user, password and fragment".into());
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(_)) if is_this_machine(&url) => Ok(url),
        _ => Err("must begin with `https://`, or with `http://` where it is on this machine (127.0.0.1, [::1], localhost)"
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_reaches_this_machine_alone() {
        for (url, expect) in [
            ("https://id.example/realms/shop/protocol/openid-connect/certs", true),
            ("https://id.example:8443/keys?v=1", true),
            ("http://127.0.0.1:8080/keys", true),
            ("http://localhost/keys", true),
            ("http://[::1]:8080/keys", true),
            ("http://id.example/keys", false),
            ("http://localhost.example/keys", false),
            ("http://10.0.0.1/keys", false),
            ("https://user:password@id.example/keys", false),
            ("https://id.example/keys#a", false),
            ("file:///etc/keys", false),
            ("ftp://id.example/keys", false),
            ("id.example/keys", false),
            ("https://", false),
        ] {
            assert_eq!(checked(url).is_ok(), expect, "{url}");
        }
    }
}
