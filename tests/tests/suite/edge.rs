//! What every answer carries, how often one client may ask, and that what is denied is logged.

use std::sync::Arc;

use dialects::Dialect;
use proxy::server::tls::Certificates;
use proxy::server::{self, Settings};
use tests::Database;
use tests::log::Log;
use tests::server::h2::H2Client;
use tests::server::tls::Authority;
use tests::server::{Reply, Server, read_all};
use tests::shop::SHOP;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

async fn database() -> Database {
    let database = Database::create(Dialect::Sqlite).await;
    database.execute(&(SHOP.sql)(Dialect::Sqlite)).await;
    database
}

/// What every answer carries; `policy`: how its content policy begins.
#[track_caller]
fn secured(reply: &Reply, policy: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        let found: Vec<&str> =
            reply.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect();
        assert_eq!(found, [value], "{name}: {reply:?}");
    }
    let found = reply.header("content-security-policy").unwrap_or_default();
    assert!(found.starts_with(policy) && found.contains("frame-ancestors 'none'"), "{found}");
}

#[tokio::test]
async fn every_answer_tells_browsers_to_do_little_with_it() {
    let server = Server::start(&database().await, SHOP, Settings::default()).await;
    for line in [
        "GET /api/",
        "GET /api/orders",
        "HEAD /api/orders/1",
        "OPTIONS /api/orders",
        "PUT /api/orders",
        "GET /api/orders?x=1",
        "GET /nowhere",
        "GET /openapi.json",
        "GET /",
        "GET /docs",
        "GET /docs/start.js",
    ] {
        let reply = server.ask(line, &[]).await;
        secured(&reply, "default-src 'none'; frame-ancestors");
        assert_eq!(reply.header("strict-transport-security"), None, "there is no TLS");
    }
    secured(&server.ask("GET /docs/", &[]).await, "default-src 'none'; script-src 'self'");
    secured(&server.ask("GET /docs/errors", &[]).await, "default-src 'none'; style-src");
    let refused = server.raw(b"GET / HTTP/3\r\n\r\n").await;
    secured(&Reply::parse(&refused, false).unwrap(), "default-src 'none'");
}

#[tokio::test]
async fn over_tls_browsers_are_told_to_stay_there() {
    let (database, authority) = (database().await, Authority::new());
    let certificates = Arc::new(Certificates::load(authority.files()).unwrap());
    let server = Server::start_with(&database, SHOP, Settings::default(), Some(&certificates)).await;
    let client = H2Client::new(authority.connect(&server, &["h2"]).await.unwrap()).await;
    for line in ["GET /api/orders/1", "GET /nowhere", "GET /docs/"] {
        let reply = client.ask(line, &[], b"").await;
        assert_eq!(reply.header("strict-transport-security"), Some("max-age=31536000"), "{line}");
    }
    for request in
        ["GET /api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET / HTTP/3\r\n\r\n"]
    {
        let mut stream = authority.connect(&server, &["http/1.1"]).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let reply = Reply::parse(&read_all(&mut stream).await, false).unwrap();
        assert_eq!(reply.header("strict-transport-security"), Some("max-age=31536000"), "{request}");
    }
}

#[tokio::test]
async fn the_admin_listener_says_the_same() {
    let server = Server::start(&database().await, SHOP, Settings::default()).await;
    let admin = server::serve_admin(server.app.clone(), server::bind("127.0.0.1:0").unwrap()).unwrap();
    for path in ["/livez", "/metrics", "/version", "/nowhere", "/reload"] {
        let mut stream = TcpStream::connect(admin.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        secured(&Reply::parse(&read_all(&mut stream).await, false).unwrap(), "default-src 'none'");
    }
}

#[tokio::test]
async fn who_asks_too_often_waits_and_what_he_says_of_himself_changes_nothing() {
    let settings = Settings { requests_per_second: 1, ..Settings::default() };
    let server = Server::start(&database().await, SHOP, settings).await;
    let client = H2Client::new(server.connect().await).await;
    let mut statuses = Vec::new();
    for n in 0..12 {
        let address = format!("10.0.0.{n}");
        let said = [("x-forwarded-for", address.as_str()), ("x-real-ip", &address), ("forwarded", &address)];
        let reply = client.ask("GET /api/orders/1", &said, b"").await;
        if reply.status == 429 {
            reply.refused(429, "too-many-requests");
            assert!(reply.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
            secured(&reply, "default-src 'none'");
        }
        statuses.push(reply.status);
    }
    assert_eq!(statuses[..5], [200; 5], "five at once");
    let limited = statuses.iter().filter(|status| **status == 429).count();
    assert!(limited >= 3, "{statuses:?}");
    // It is one bucket for all that is asked for, and no connection has one of its own.
    server.ask("GET /nowhere", &[]).await.refused(429, "too-many-requests");
    let metrics = server.app.metrics_text().await.unwrap();
    let line = format!(
        r#"rulegate_http_requests_total{{operation="refused",resource="",status="429"}} {}"#,
        limited + 1
    );
    assert!(metrics.contains(&line), "{metrics}");
}

#[tokio::test]
async fn whoever_is_denied_again_and_again_does_not_fill_the_log() {
    let log = Log::start();
    let settings = Settings { requests_per_second: 1, ..Settings::default() };
    let server = Server::start(&database().await, SHOP, settings).await;
    let client = H2Client::new(server.connect().await).await;
    for _ in 0..60 {
        client.ask("GET /api/orders/1", &[], b"").await;
    }
    assert_eq!(log.of("audit").len(), 10, "{}", log.text());
    let told = async {
        while log.of("audit").len() == 10 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(tests::server::PATIENCE, told).await.unwrap();
    let last = log.of("audit").pop().unwrap();
    assert_eq!((&last["status"], &last["code"]), (&429.into(), &"too-many-requests".into()), "{last}");
    assert!(last["more"].as_u64().is_some_and(|more| (30..50).contains(&more)), "{last}");
    assert!(last["message"].as_str().unwrap().ends_with(" more of the same in 10 s"), "{last}");
}

#[tokio::test]
async fn what_is_denied_is_logged_without_what_was_sent() {
    let log = Log::start();
    let settings = Settings { requests_per_second: 1, ..Settings::default() };
    let server = Server::start(&database().await, SHOP, settings).await;
    let sent = [("Authorization", "Bearer s3cret"), ("X-Request-Id", "r7")];
    for _ in 0..5 {
        server.ask("GET /api/orders?filter[status]=s3cret", &sent).await;
    }
    server.ask("GET /api/orders/s3cret?filter[status]=s3cret", &sent).await.refused(429, "too-many-requests");
    let audit = log.of("audit");
    let [line] = &audit[..] else { panic!("{}", log.text()) };
    for (name, value) in [
        ("level", "INFO"),
        ("message", "denied"),
        ("request_id", "r7"),
        ("client", "127.0.0.1"),
        ("method", "GET"),
        ("endpoint", "/api/{type}/{id}"),
        ("resource", "orders"),
        ("code", "too-many-requests"),
    ] {
        assert_eq!(line[name], value, "{name}: {line}");
    }
    assert_eq!(line["status"], 429);
    assert!(!log.text().contains("s3cret"), "{}", log.text());
}
