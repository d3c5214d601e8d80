//! A whole server in front of a database, and raw connections to it: what goes over the wire, byte by byte.

pub mod h2;
pub mod tls;

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proxy::app::App;
use proxy::server::tls::Certificates;
use proxy::server::{self, Running, Settings};
use proxy::state::load::Blueprint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::conformant::Exchange;
use crate::database::Database;
use crate::service::Fixture;

/// Longer than any answer may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the admin listener answers, which is no JSON:API.
const ADMIN: [&str; 6] = ["/livez", "/metrics", "/readyz", "/reload", "/startupz", "/version"];

/// A server that runs as long as the test's runtime.
pub struct Server {
    /// What it serves.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The listener.
    pub running: Running,
}

/// An answer as it came over the wire.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, its framing taken off.
    pub body: Vec<u8>,
}

impl Server {
    /// Serves a database with the rules of a fixture.
    pub async fn start(database: &Database, fixture: Fixture, settings: Settings) -> Self {
        Self::start_with(database, fixture, settings, None).await
    }

    /// Likewise, over TLS where there are certificates.
    pub async fn start_with(
        database: &Database,
        fixture: Fixture,
        settings: Settings,
        certificates: Option<&Arc<Certificates>>,
    ) -> Self {
        let rule_files = fixture.rules.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
        let app = Arc::new(App::new(database.pool.clone(), settings).unwrap());
        app.start(&Blueprint { rule_files, ..Blueprint::default() }).await.unwrap();
        Self::listen(app, certificates)
    }

    /// Serves what has been loaded already.
    pub fn of(app: Arc<App>) -> Self {
        Self::listen(app, None)
    }

    fn listen(app: Arc<App>, certificates: Option<&Arc<Certificates>>) -> Self {
        let running = server::serve(app.clone(), server::bind("127.0.0.1:0").unwrap(), certificates).unwrap();
        Self { app, address: running.address, running }
    }

    /// A connection.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What is answered to some bytes on a connection of their own, until the server closes or says nothing for too long.
    pub async fn raw(&self, request: &[u8]) -> Vec<u8> {
        self.raw_within(PATIENCE, request).await
    }

    /// Likewise, with a patience of one's own.
    pub async fn raw_within(&self, patience: Duration, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect().await;
        let mut answer = Vec::new();
        let exchange = async {
            // A server that has refused a request reads no more of it.
            let _ = stream.write_all(request).await;
            let _ = stream.read_to_end(&mut answer).await;
        };
        let _ = tokio::time::timeout(patience, exchange).await;
        answer
    }

    /// One request on a connection of its own: the line without the protocol, and header lines.
    pub async fn ask(&self, line: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask_with(line, headers, b"").await
    }

    /// Likewise, with a body.
    pub async fn ask_with(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut head = format!("{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let answer = self.raw(&[head.as_bytes(), b"\r\n", body].concat()).await;
        let reply =
            Reply::parse(&answer, line.starts_with("HEAD ")).unwrap_or_else(|| panic!("{line}: {answer:?}"));
        let of_admin = ADMIN.iter().any(|path| line.split(' ').nth(1) == Some(path));
        let problems = if of_admin { Vec::new() } else { reply.problems(line, body) };
        assert!(problems.is_empty(), "{line}: {}", problems.join("; "));
        reply
    }
}

impl Reply {
    /// Reads what came over a connection that was closed. Nothing where it is no whole answer.
    pub fn parse(bytes: &[u8], bodiless: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, rest) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]);
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let headers = lines.map(|line| line.split_once(": ").map(|(n, v)| (n.to_lowercase(), v.to_owned())));
        let mut reply = Self { status, headers: headers.collect::<Option<_>>()?, body: Vec::new() };
        reply.body = match (reply.header("transfer-encoding"), reply.header("content-length")) {
            _ if bodiless => rest.to_vec(),
            (Some("chunked"), None) => unchunked(rest)?,
            (None, Some(length)) => rest.get(..length.parse().ok()?)?.to_vec(),
            (None, None) => rest.to_vec(),
            _ => return None,
        };
        Some(reply)
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body, its coding taken off.
    pub fn plain(&self) -> Vec<u8> {
        let (mut plain, body) = (Vec::new(), &self.body[..]);
        let read = match self.header("content-encoding") {
            None => return body.to_vec(),
            Some("gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut plain),
            Some("br") => brotli::Decompressor::new(body, 4096).read_to_end(&mut plain),
            Some("zstd") => zstd::Decoder::new(body).unwrap().read_to_end(&mut plain),
            Some(other) => panic!("a coding called {other}"),
        };
        read.unwrap();
        plain
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// What is not as JSON:API wants it; `line`: what was asked, `sent`: the request's body.
    pub fn problems(&self, line: &str, sent: &[u8]) -> Vec<String> {
        let query = line.split_once('?').map_or("", |(_, query)| query);
        let header = |name: &str| self.header(name).map(str::to_owned);
        let body = if self.body.is_empty() { Vec::new() } else { self.plain() };
        Exchange { asked: line, query, sent, status: self.status, header: &header, body: &body }.problems()
    }

    /// That it is a JSON:API error document of this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        assert_eq!(self.header("content-type"), Some("application/vnd.api+json"), "{text}");
        let error = self.json()["errors"][0].clone();
        assert_eq!((&error["code"], &error["status"]), (&code.into(), &status.to_string().into()), "{text}");
    }
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 4 + size..)?;
    }
}

/// Everything until the end, of a connection of any kind.
pub async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    answer
}
