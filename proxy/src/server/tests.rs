//! The server over a socket: limits, malformed requests, slow clients, the graceful stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dialects::Pool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::state::load::Blueprint;

/// A server in front of an empty database in memory.
struct Fixture {
    app: Arc<App>,
    api: Running,
}

impl Fixture {
    async fn start(settings: Settings) -> Self {
        let fixture = Self::unloaded(settings).await;
        fixture.app.start(&Blueprint::default()).await.unwrap();
        fixture
    }

    async fn unloaded(settings: Settings) -> Self {
        let pool = Arc::new(Pool::open("sqlite::memory:", dialects::Options::default()).unwrap());
        let app = Arc::new(App::new(pool, settings).unwrap());
        let api = serve(app.clone(), bind("127.0.0.1:0").unwrap(), None).unwrap();
        Self { app, api }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.api.address).await.unwrap()
    }

    /// Sends raw bytes and reads until the server closes.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        read_all(&mut stream).await
    }

    /// One request on a connection of its own.
    async fn get(&self, path: &str, headers: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        self.raw(head.as_bytes()).await
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads one answer of a kept connection; its body has the length that its headers say.
async fn read_one(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap();
        answer.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let complete = text.split_once("\r\n\r\n").is_some_and(|(head, body)| body.len() >= length(head));
        if complete || count == 0 {
            return text;
        }
    }
}

fn length(head: &str) -> usize {
    let head = head.to_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    line.map_or(0, |number| number.trim().parse().unwrap())
}

/// That an answer is a JSON:API error document with this status and code.
#[track_caller]
fn refused(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.to_lowercase().contains("content-type: application/vnd.api+json"), "{head}");
    let document: serde_json::Value = serde_json::from_str(body).unwrap();
    let error = &document["errors"][0];
    assert_eq!((&error["code"], &error["status"]), (&code.into(), &status.to_string().into()), "{body}");
    assert!(error["id"].as_str().is_some_and(|id| !id.is_empty()), "{body}");
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_security_headers() {
    let server = Fixture::start(Settings::default()).await;
    let answer = server.get("/nowhere", "X-Request-Id: abc-1\r\n").await;
    refused(&answer, 404, "not-found");
    let head = answer.to_lowercase();
    for header in ["x-request-id: abc-1", "x-content-type-options: nosniff", "content-security-policy:"] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    let other = server.get("/nowhere", "X-Request-Id: <script>\r\n").await;
    assert!(!other.contains("script") && other.to_lowercase().contains("x-request-id: "), "{other}");
}

#[tokio::test]
async fn before_the_schema_is_read_the_api_says_when_to_come_back() {
    let server = Fixture::unloaded(Settings::default()).await;
    let answer = server.get("/api/", "").await;
    refused(&answer, 503, "unavailable");
    assert!(answer.to_lowercase().contains("retry-after: "), "{answer}");
}

#[tokio::test]
async fn what_is_too_long_is_refused_by_its_kind() {
    let settings = Settings { body_bytes: 100, header_bytes: 500, url_bytes: 50, ..Settings::default() };
    let server = Fixture::start(settings).await;
    refused(&server.get(&format!("/{}", "a".repeat(50)), "").await, 414, "uri-too-long");
    refused(&server.get("/", &format!("X-Long: {}\r\n", "a".repeat(500))).await, 431, "headers-too-large");
    let body = "a".repeat(101);
    let declared = format!("POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n{body}");
    refused(&server.raw(declared.as_bytes()).await, 413, "body-too-large");
    let chunked = format!(
        "POST /api/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n{body}\r\n0\r\n\r\n"
    );
    refused(&server.raw(chunked.as_bytes()).await, 413, "body-too-large");
}

#[tokio::test]
async fn a_giant_body_is_refused_while_it_is_still_being_sent() {
    let server = Fixture::start(Settings::default()).await;
    let mut stream = server.connect().await;
    let head = "POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let sender = async {
        let block = vec![b'a'; 64 * 1024];
        while stream.write_all(&block).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), sender).await.expect("the server closes");
}

#[tokio::test]
async fn all_bodies_together_take_bounded_memory() {
    let server = Fixture::start(Settings { bodies_bytes: 2048, ..Settings::default() }).await;
    let body = "a".repeat(4096);
    let request = format!("POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4096\r\n\r\n{body}");
    refused(&server.raw(request.as_bytes()).await, 503, "overloaded");
}

#[tokio::test]
async fn a_request_that_is_framed_twice_is_refused() {
    let server = Fixture::start(Settings::default()).await;
    let head =
        "POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answer = server.raw(head.as_bytes()).await;
    refused(&answer, 400, "malformed-request");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn nonsense_is_refused_and_the_server_lives() {
    let server = Fixture::start(Settings::default()).await;
    for nonsense in [
        "\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "A / HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n",
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ] {
        let answer = server.raw(nonsense.as_bytes()).await;
        refused(&answer, 400, "malformed-request");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        assert!(answer.to_lowercase().contains("x-content-type-options: nosniff"), "{answer}");
    }
    let chunk = "POST /api/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    refused(&server.raw(chunk.as_bytes()).await, 400, "malformed-request");
    refused(&server.get("/nowhere", "").await, 404, "not-found");
}

#[tokio::test]
async fn a_client_that_dribbles_its_headers_is_cut_off() {
    let server =
        Fixture::start(Settings { header_timeout: Duration::from_millis(300), ..Settings::default() }).await;
    let mut stream = server.connect().await;
    let started = Instant::now();
    for byte in "GET / HTTP/1.1\r\nHost: a-host-whose-name-takes-a-very-long-time-to-arrive\r\n\r\n".bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(read_all(&mut stream).await, "");
    assert!(started.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn a_client_that_dribbles_its_body_is_refused() {
    let server =
        Fixture::start(Settings { request_timeout: Duration::from_millis(200), ..Settings::default() }).await;
    let mut stream = server.connect().await;
    let head = "POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab";
    stream.write_all(head.as_bytes()).await.unwrap();
    refused(&read_one(&mut stream).await, 504, "timeout");
}

#[tokio::test]
async fn a_connection_is_kept_between_requests() {
    let server = Fixture::start(Settings::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let answer = read_one(&mut stream).await;
        assert!(answer.to_lowercase().contains("connection: keep-alive"), "{answer}");
        refused(&answer, 404, "not-found");
    }
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_in_their_order_each_judged_alone() {
    let server = Fixture::start(Settings::default()).await;
    let get = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n";
    let post = "POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    let options = "OPTIONS /api/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    let bad = "GET /nowhere HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n";
    let answers = server.raw([get, post, options, "\r\n", get, bad, get].concat().as_bytes()).await;
    let statuses: Vec<&str> =
        answers.lines().filter_map(|line| line.split_once("HTTP/1.1 ")?.1.get(..3)).collect();
    assert_eq!(statuses, ["404", "404", "204", "404", "400"], "{answers}");
}

#[tokio::test]
async fn a_body_in_a_coding_or_an_expectation_that_is_not_met_is_refused() {
    let server = Fixture::start(Settings::default()).await;
    refused(&server.get("/api/", "Content-Encoding: gzip\r\n").await, 415, "unsupported-media-type");
    refused(&server.get("/nowhere", "Content-Encoding: identity\r\n").await, 404, "not-found");
    refused(&server.get("/api/", "Expect: a-miracle\r\n").await, 400, "malformed-request");
}

#[tokio::test]
async fn head_has_the_length_but_not_the_body() {
    let server = Fixture::start(Settings::default()).await;
    let answer = server.raw(b"HEAD /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(length(head) > 0 && body.is_empty(), "{answer}");
}

#[tokio::test]
async fn a_body_is_asked_for_when_the_client_waits_for_that() {
    let server = Fixture::start(Settings::default()).await;
    let mut stream = server.connect().await;
    let head = "POST /api/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.unwrap();
    assert!(first.starts_with(b"HTTP/1.1 100 Continue"), "{}", String::from_utf8_lossy(&first));
    stream.write_all(b"{}").await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test]
async fn a_stop_waits_for_the_request_under_way_and_closes_idle_connections() {
    let server = Fixture::start(Settings::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_one(&mut idle).await;
    let mut busy = server.connect().await;
    busy.write_all(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{").await.unwrap();
    while server.api.traffic.running() == 0 {
        tokio::task::yield_now().await;
    }
    let address = server.api.address;
    server.app.stop();
    let stopping = tokio::spawn(server.api.stop(Duration::from_secs(5)));
    assert_eq!(read_all(&mut idle).await, "");
    // The listener closes in its own time, but without waiting for the request.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    busy.write_all(b"}").await.unwrap();
    let answer = read_all(&mut busy).await;
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(stopping.await.unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn a_stop_answers_every_request_that_was_sent_before_it() {
    let server = Fixture::start(Settings::default()).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = server.connect().await;
        client.write_all(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        clients.push(client);
    }
    server.app.stop();
    let stopping = tokio::spawn(server.api.stop(Duration::from_secs(5)));
    for mut client in clients {
        refused(&read_all(&mut client).await, 404, "not-found");
    }
    assert_eq!(stopping.await.unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let server = Fixture::start(Settings::default()).await;
    let mut busy = server.connect().await;
    busy.write_all(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{").await.unwrap();
    while server.api.traffic.running() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.api.stop(Duration::from_millis(50)).await, Stopped::Cut(1));
}

#[tokio::test]
async fn the_admin_listener_tells_health_metrics_and_version() {
    let mut server = Fixture::unloaded(Settings::default()).await;
    let api = std::mem::replace(
        &mut server.api,
        serve_admin(server.app.clone(), bind("127.0.0.1:0").unwrap()).unwrap(),
    );
    let status = async |server: &Fixture, path: &str| server.get(path, "").await[9..12].to_owned();
    for (path, expect) in [("/livez", "200"), ("/readyz", "503"), ("/startupz", "503"), ("/version", "200")] {
        assert_eq!(status(&server, path).await, expect, "{path} while loading");
    }
    server.app.start(&Blueprint::default()).await.unwrap();
    for (path, expect) in [("/readyz", "200"), ("/startupz", "200"), ("/metrics", "200"), ("/nowhere", "404")]
    {
        assert_eq!(status(&server, path).await, expect, "{path} when loaded");
    }
    server.app.stop();
    assert_eq!(status(&server, "/readyz").await, "503");
    assert_eq!(status(&server, "/livez").await, "200");
    api.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn answered_requests_show_in_the_metrics() {
    let server = Fixture::start(Settings::default()).await;
    server.get("/nowhere", "").await;
    let text = server.app.metrics_text().await.unwrap();
    assert!(text.contains(r#"status="404"} 1"#), "{text}");
    assert!(!text.contains("nowhere"), "{text}");
    assert!(text.contains("rulegate_http_requests_running 0"), "{text}");
}
