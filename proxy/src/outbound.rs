//! One HTTP/1.1 request to a URL, over a connection of its own: for the few things that are asked of others.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Who says that it asks.
const OURS: HeaderValue = HeaderValue::from_static(concat!("rulegate/", env!("CARGO_PKG_VERSION")));

/// A URL, and how to reach it.
pub(crate) struct Outbound {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
}

impl Outbound {
    /// Of an `http://` or `https://` URL. Errors: words about what is wrong.
    pub(crate) fn new(url: Url) -> Result<Self, String> {
        let tls = match url.scheme() {
            "https" => Some(Arc::new(tls()?)),
            _ => None,
        };
        Ok(Self { url, tls })
    }

    /// Its path and query, for a request.
    pub(crate) fn target(&self) -> String {
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", self.url.path())
    }

    /// What is answered, no longer than `bytes_max`. Errors: words about why there is no answer.
    pub(crate) async fn ask(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
        bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), String> {
        match tokio::time::timeout(timeout, self.connected(request, bytes_max)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("there was no answer within {} s", timeout.as_secs())),
        }
    }

    async fn connected(
        &self,
        request: Request<Bytes>,
        bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), String> {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = self.url.port_or_known_default().unwrap_or(443);
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
        match &self.tls {
            None => self.exchange(stream, request, bytes_max).await,
            Some(tls) => {
                let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
                let stream = TlsConnector::from(tls.clone()).connect(name, stream).await;
                self.exchange(stream.map_err(|error| error.to_string())?, request, bytes_max).await
            }
        }
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Bytes>,
        bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), String> {
        let words = |error: hyper::Error| error.to_string();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
        let asking = async {
            let answer = sender.send_request(self.dressed(request)?).await.map_err(words)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), bytes_max).collect().await;
            body.map(|body| (status, body.to_bytes())).map_err(|error| error.to_string())
        };
        tokio::pin!(asking, connection);
        tokio::select! {
            answer = &mut asking => answer,
            // It ends with the answer, which may still be read.
            _ = &mut connection => asking.await,
        }
    }

    fn dressed(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, String> {
        let host = self.url.host_str().unwrap_or_default();
        let host = self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let host = HeaderValue::try_from(host).map_err(|error| error.to_string())?;
        let mut request = request.map(Full::new);
        request.headers_mut().extend([(HOST, host), (USER_AGENT, OURS)]);
        Ok(request)
    }
}

/// Whether a URL leads to this machine, so that nobody is on the way.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
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
