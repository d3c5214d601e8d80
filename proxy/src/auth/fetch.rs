//! One GET of a document at a URL, over a connection of its own, bounded in time and size. Redirects are not followed: whoever can send one could name
//! any keys.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// How long all of it may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest document.
const BYTES_MAX: usize = 1024 * 1024;

/// A URL, and how to reach it.
pub(super) struct Source {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
}

impl Source {
    /// Of a URL. Errors: words about what is wrong with it.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let url = checked(url)?;
        let tls = match url.scheme() {
            "https" => Some(Arc::new(tls()?)),
            _ => None,
        };
        Ok(Self { url, tls })
    }

    /// The document.
    pub(super) async fn get(&self) -> Result<Bytes, String> {
        match tokio::time::timeout(TIMEOUT, self.document()).await {
            Ok(document) => document,
            Err(_) => Err(format!("there was no answer within {} s", TIMEOUT.as_secs())),
        }
    }

    async fn document(&self) -> Result<Bytes, String> {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = self.url.port_or_known_default().unwrap_or(443);
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
        match &self.tls {
            None => self.ask(stream).await,
            Some(tls) => {
                let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
                let stream = TlsConnector::from(tls.clone()).connect(name, stream).await;
                self.ask(stream.map_err(|error| error.to_string())?).await
            }
        }
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Bytes, String> {
        let words = |error: hyper::Error| error.to_string();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
        let asking = async {
            let answer = sender.send_request(self.request()?).await.map_err(words)?;
            if answer.status() != StatusCode::OK {
                return Err(format!("the answer is {}", answer.status()));
            }
            let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await;
            body.map(|body| body.to_bytes()).map_err(|error| error.to_string())
        };
        tokio::pin!(asking, connection);
        tokio::select! {
            document = &mut asking => document,
            // It ends with the answer, which may still be read.
            _ = &mut connection => asking.await,
        }
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, String> {
        let host = self.url.host_str().unwrap_or_default();
        let host = self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Request::get(format!("{}{query}", self.url.path()))
            .header(HOST, host)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("rulegate/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| error.to_string())
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
        ("http", Some(host)) if is_this_machine(&host) => Ok(url),
        _ => Err("must begin with `https://`, or with `http://` where it is on this machine (127.0.0.1, [::1], localhost)"
            .into()),
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Trust in the certificates of the system (or of `SSL_CERT_FILE`), and in no others.
fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(
            "the system has no root certificates: install them, or name a file of them in SSL_CERT_FILE"
                .into(),
        );
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
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
