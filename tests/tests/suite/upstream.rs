//! The application behind: what is not ours reaches it whole, with who asks in a signed header, and whatever it does the client is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dialects::Dialect;
use proxy::server::tls::Certificates;
use proxy::server::upstream::{Secret, UpstreamSettings};
use proxy::server::{Settings, Stopped};
use ring::hmac;
use serde_json::{Value as Json, json};
use tests::Database;
use tests::application::{Application, stalled};
use tests::server::h2::H2Client;
use tests::server::tls::Authority;
use tests::server::{PATIENCE, Reply, Server};
use tests::shop::SHOP;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SECRET: &[u8] = b"a secret that both sides know, and nobody else";

/// More than sockets and buffers hold, less than what is sent.
const BUFFERS: u64 = 48 * 1024 * 1024;

/// A body that no limit for the API's bodies would let through.
const LARGE: u64 = 256 * 1024 * 1024;

fn behind(url: &str) -> Settings {
    let upstream = UpstreamSettings {
        target: url.parse().unwrap(),
        header: "rulegate-actor".parse().unwrap(),
        secret: Some(Secret::new(SECRET).unwrap()),
        ttl_s: 60,
    };
    Settings { upstream: Some(upstream), ..Settings::default() }
}

async fn server(settings: Settings) -> Server {
    let database = Database::create(Dialect::Sqlite).await;
    database.execute(&(SHOP.sql)(Dialect::Sqlite)).await;
    Server::start(&database, SHOP, settings).await
}

async fn both() -> (Application, Server) {
    let application = Application::start().await;
    let server = server(behind(&format!("http://{}", application.address))).await;
    (application, server)
}

/// What the application was asked.
fn asked(reply: &Reply) -> Json {
    assert_eq!(reply.header("x-app"), Some("yes"), "{reply:?}");
    reply.json()
}

fn values(asked: &Json, name: &str) -> Vec<String> {
    let fields = asked["headers"].as_array().unwrap().iter();
    fields.filter(|field| field[0] == name).map(|field| field[1].as_str().unwrap().to_owned()).collect()
}

/// One request whose answer need not be JSON:API.
async fn ask(server: &Server, line: &str, headers: &str, body: &[u8]) -> Reply {
    let head = format!("{line} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{headers}\r\n");
    let answer = server.raw(&[head.as_bytes(), body].concat()).await;
    Reply::parse(&answer, line.starts_with("HEAD ")).unwrap_or_else(|| panic!("{line}: {answer:?}"))
}

#[tokio::test]
async fn what_is_not_ours_reaches_it_whole_and_so_does_its_answer() {
    let (_application, server) = both().await;
    for line in ["GET /", "GET /orders?b=%20&a=1", "DELETE /apiary", "PUT /x/../%61pi/;y", "GET //api/orders"]
    {
        let reply = ask(&server, line, "Cookie: a=1; b=2\r\nAuthorization: Bearer t\r\n", b"").await;
        let asked = asked(&reply);
        assert_eq!((reply.status, &asked["line"]), (201, &json!(format!("{line} HTTP/1.1"))));
        assert_eq!(values(&asked, "host"), ["shop.example"]);
        assert_eq!(values(&asked, "cookie"), ["a=1; b=2"]);
        assert_eq!(values(&asked, "authorization"), ["Bearer t"]);
        assert_eq!(values(&asked, "x-request-id"), [reply.header("x-request-id").unwrap()]);
    }
    let body = b"Content-Length: 5\r\nContent-Encoding: own\r\n";
    let posted = ask(&server, "POST /status/418", std::str::from_utf8(body).unwrap(), b"hello").await;
    assert_eq!((posted.status, &asked(&posted)["received"]), (418, &json!(5)));
    assert_eq!(posted.header("content-security-policy"), None, "its pages are its own affair");
    let chunked = ask(&server, "POST /x", "Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n").await;
    assert_eq!(asked(&chunked)["received"], 3);
    assert_eq!(server.ask("GET /api/orders/1", &[]).await.status, 200);
    for path in ["/admin/", "/auth/login"] {
        server.ask(&format!("GET {path}"), &[]).await.refused(404, "not-found");
    }
    let metrics = server.app.metrics_text().await.unwrap();
    let counted = r#"rulegate_http_requests_total{operation="upstream",resource="",status="201"} 6"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn who_asks_is_signed_and_what_clients_say_of_it_is_taken_out() {
    let (application, server) = both().await;
    let forged = "Rulegate-Actor: x\r\nrulegate_actor: x\r\nRULEGATE-ACTOR: y\r\nRulegate.Actor: x\r\nX-Forwarded-For: 1.2.3.4\r\n\
        X_Forwarded_For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Forwarded-Prefix: /x\r\nProxy: http://evil\r\n";
    let asked = asked(&ask(&server, "GET /who", forged, b"").await);
    let own = values(&asked, "rulegate-actor");
    assert_eq!(own.len(), 1);
    let (signed, signature) = own[0].rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let part = |part| serde_json::from_slice::<Json>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(part(head), json!({"alg": "HS256", "typ": "JWT"}));
    let claims = part(claims);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let issued = claims["iat"].as_u64().unwrap();
    assert!(issued <= now && now - issued < 20);
    let expected = json!({"iss": "rulegate", "aud": application.address.to_string(), "roles": [], "iat": issued, "exp": issued + 60});
    assert_eq!(claims, expected, "nobody has no sub");
    assert_eq!(values(&asked, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(values(&asked, "x-forwarded-proto"), ["http"]);
    assert_eq!(values(&asked, "x-forwarded-host"), ["shop.example"]);
    let left = asked.to_string();
    for gone in ["1.2.3.4", "evil", "rulegate_actor", "rulegate.actor", "prefix"] {
        assert!(!left.contains(gone), "{gone}: {left}");
    }
    // Nor can a client have the header dropped on the way.
    let named = ask(&server, "GET /who", "Connection: Rulegate-Actor\r\n", b"").await;
    assert_eq!(values(&self::asked(&named), "rulegate-actor").len(), 1);
}

#[tokio::test]
async fn without_a_secret_there_is_no_header_and_none_can_be_forged() {
    let application = Application::start().await;
    let mut settings = behind(&format!("http://{}", application.address));
    settings.upstream.as_mut().unwrap().secret = None;
    let server = server(settings).await;
    let asked = asked(&ask(&server, "GET /", "Rulegate-Actor: x\r\n", b"").await);
    assert_eq!(values(&asked, "rulegate-actor"), [] as [String; 0]);
}

#[tokio::test]
async fn where_it_is_down_slow_or_no_http_the_client_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = server(behind(&format!("http://{free}"))).await;
    down.ask("GET /", &[]).await.refused(502, "upstream-failed");
    down.ask_with("POST /", &[], &vec![b'x'; 3_000_000]).await.refused(502, "upstream-failed");
    assert_eq!(down.ask("GET /api/orders/1", &[]).await.status, 200);
    server(behind("http://name.invalid:80")).await.ask("GET /", &[]).await.refused(502, "upstream-failed");
    let application = Application::start().await;
    let short = Duration::from_millis(300);
    let settings = behind(&format!("http://{}", application.address));
    let server = server(Settings { request_timeout: short, ..settings }).await;
    server.ask("GET /slow", &[]).await.refused(504, "upstream-timeout");
    server.ask("GET /nonsense", &[]).await.refused(502, "upstream-failed");
    let broken = server.raw(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(broken.ends_with(b"ten bytes."), "an answer that breaks off shows: its length says more");
    let client = H2Client::new(server.connect().await).await;
    let get = http::Request::builder().uri("http://localhost/broken").body(()).unwrap();
    assert!(client.send(get, b"").await.is_err(), "by HTTP/2 as well");
    let metrics = server.app.metrics_text().await.unwrap();
    for (status, count) in [(504, 1), (502, 1), (200, 2)] {
        let line = format!(
            "rulegate_http_requests_total{{operation=\"upstream\",resource=\"\",status=\"{status}\"}} {count}\n"
        );
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_no_application() {
    let authority = Authority::new();
    let certificates = Arc::new(Certificates::load(authority.files()).unwrap());
    let database = Database::create(Dialect::Sqlite).await;
    database.execute(&(SHOP.sql)(Dialect::Sqlite)).await;
    let other = Server::start_with(&database, SHOP, Settings::default(), Some(&certificates)).await;
    let server = server(behind(&format!("https://localhost:{}", other.address.port()))).await;
    server.ask("GET /", &[]).await.refused(502, "upstream-failed");
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_passed_over() {
    let application = Application::start().await;
    // Where the name has an address of IPv6 as well, nobody listens there.
    let server = server(behind(&format!("http://localhost:{}", application.address.port()))).await;
    assert_eq!(ask(&server, "GET /", "", b"").await.status, 201);
}

#[tokio::test]
async fn its_requests_are_bounded_and_framed_as_those_of_the_api() {
    let (application, server) = both().await;
    for (head, body) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "zz\r\nhello"),
        ("Expect: nothing\r\n", ""),
        ("Connection: Host\r\n", ""),
    ] {
        ask(&server, "POST /x", head, body.as_bytes()).await.refused(400, "malformed-request");
    }
    server.ask(&format!("GET /{}", "a".repeat(9000)), &[]).await.refused(414, "uri-too-long");
    server.ask("GET /x", &[("X-Long", &"a".repeat(40_000))]).await.refused(431, "headers-too-large");
    assert_eq!(application.received(), 0);
}

#[tokio::test]
async fn a_client_of_http_2_is_passed_on_by_http_1() {
    let (_application, server) = both().await;
    let client = H2Client::new(server.connect().await).await;
    let reply =
        client.ask("POST /orders?a=1", &[("rulegate_actor", "x"), ("rulegate-actor", "y")], b"hello").await;
    let asked = asked(&reply);
    assert_eq!(
        (reply.status, &asked["line"], &asked["received"]),
        (201, &json!("POST /orders?a=1 HTTP/1.1"), &json!(5))
    );
    assert_eq!(values(&asked, "host"), ["localhost"]);
    assert_eq!(values(&asked, "x-forwarded-host"), ["localhost"]);
    assert!(values(&asked, "rulegate-actor")[0].len() > 100 && values(&asked, "rulegate_actor").is_empty());
    assert_eq!(client.ask("GET /api/orders/1", &[], b"").await.status, 200);
}

#[tokio::test]
async fn a_connection_is_kept_for_requests_of_both_kinds() {
    let (_application, server) = both().await;
    let mut stream = server.connect().await;
    for (path, status) in [("/a", "201"), ("/api/orders/1", "200"), ("/b", "201")] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut answer)).await.unwrap().unwrap();
            assert!(read > 0, "{path}");
        }
        assert!(answer.starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{path}");
    }
}

#[tokio::test]
async fn large_bodies_stream_at_the_pace_of_the_slower_side() {
    let (application, server) = both().await;
    application.reads(false);
    let (mut reader, mut writer) = server.connect().await.into_split();
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let sending = tokio::spawn(async move {
        let head =
            format!("POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {LARGE}\r\n\r\n");
        writer.write_all(head.as_bytes()).await.unwrap();
        let piece = vec![b'x'; 64 * 1024];
        while counted.load(Ordering::Relaxed) < LARGE {
            writer.write_all(&piece).await.unwrap();
            counted.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        writer
    });
    let held = stalled(|| sent.load(Ordering::Relaxed)).await;
    assert!(held < BUFFERS, "{held} bytes are held for an application that reads nothing");
    application.reads(true);
    let mut answer = Vec::new();
    tokio::time::timeout(3 * PATIENCE, reader.read_to_end(&mut answer)).await.unwrap().unwrap();
    sending.await.unwrap();
    assert_eq!(asked(&Reply::parse(&answer, false).unwrap())["received"], LARGE);

    let mut stream = server.connect().await;
    stream.write_all(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let held = stalled(|| application.sent()).await;
    assert!(held < BUFFERS, "{held} bytes are held for a client that reads nothing");
}

#[tokio::test]
async fn a_web_socket_is_carried_until_one_side_ends_it() {
    let (_application, server) = both().await;
    let mut socket = server.connect().await;
    let ask = b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(ask).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tokio::time::timeout(PATIENCE, socket.read_u8()).await.unwrap().unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    for words in [&b"GET /api/orders HTTP/1.1\r\n\r\n"[..], b"\x00\xff\r\n\r\n"] {
        socket.write_all(words).await.unwrap();
        let mut echo = vec![0; words.len()];
        tokio::time::timeout(PATIENCE, socket.read_exact(&mut echo)).await.unwrap().unwrap();
        assert_eq!(echo, words);
    }
    let metrics = server.app.metrics_text().await.unwrap();
    assert!(metrics.contains(r#"operation="upstream",resource="",status="101"} 1"#), "{metrics}");
    // A stop does not wait for it.
    server.app.stop();
    assert_eq!(server.running.stop(PATIENCE).await, Stopped::Drained);
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_stop_waits_for_what_is_being_passed_on() {
    let (application, server) = both().await;
    application.reads(false);
    let mut stream = server.connect().await;
    stream.write_all(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
    while !server.app.metrics_text().await.unwrap().contains("rulegate_http_requests_running 1") {
        tokio::task::yield_now().await;
    }
    server.app.stop();
    let stopping = tokio::spawn(server.running.stop(PATIENCE));
    application.reads(true);
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert_eq!(asked(&Reply::parse(&answer, false).unwrap())["received"], 5);
    assert_eq!(stopping.await.unwrap(), Stopped::Drained);
}
