//! HTTP/2 and TLS: the same answers by whatever protocol they are asked for.

use std::sync::Arc;

use dialects::Dialect;
use futures_util::future::join_all;
use http::Request;
use proxy::server::Settings;
use proxy::server::tls::Certificates;
use tests::Database;
use tests::server::h2::H2Client;
use tests::server::tls::Authority;
use tests::server::{Reply, Server, read_all};
use tests::shop::SHOP;
use tokio::io::AsyncWriteExt;

async fn database() -> Database {
    let database = Database::create(Dialect::Sqlite).await;
    database.execute(&(SHOP.sql)(Dialect::Sqlite)).await;
    database
}

/// What does not belong to the protocol.
fn essence(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let own = ["date", "connection", "x-request-id"];
    let mut headers = reply.headers.clone();
    headers.retain(|(name, _)| !own.contains(&name.as_str()));
    headers.sort();
    let mut body = String::from_utf8(reply.body.clone()).unwrap();
    if let Some(id) = reply.header("x-request-id") {
        body = body.replace(id, "ID");
    }
    (reply.status, headers, body)
}

#[tokio::test]
async fn http_2_answers_what_http_1_answers_many_at_once() {
    let database = database().await;
    let server = Server::start(&database, SHOP, Settings::default()).await;
    let client = H2Client::new(server.connect().await).await;
    let lines = [
        "GET /api/orders?include=items&sort=-id",
        "GET /api/orders/1",
        "HEAD /api/orders/1",
        "OPTIONS /api/orders/1",
        "GET /api/orders/4711",
        "GET /api/orders?nothing=1",
        "PUT /api/orders",
        "GET /nowhere",
    ];
    let answers = lines.map(|line| client.ask(line, &[], b""));
    let answers = join_all(answers).await;
    for (line, answer) in lines.iter().zip(answers) {
        assert_eq!(essence(&answer), essence(&server.ask(line, &[]).await), "{line}");
    }
}

#[tokio::test]
async fn http_2_writes_and_refuses_like_http_1() {
    let database = database().await;
    let settings = Settings { body_bytes: 500, url_bytes: 200, header_bytes: 2000, ..Settings::default() };
    let server = Server::start(&database, SHOP, settings).await;
    let client = H2Client::new(server.connect().await).await;
    let json = [("content-type", "application/vnd.api+json")];
    let document = br#"{"data": {"type": "tags", "id": "new"}}"#;
    assert_eq!(client.ask("POST /api/tags", &json, document).await.status, 201);
    client.ask("POST /api/tags", &json, document).await.refused(409, "duplicate");
    client.ask("POST /api/tags", &json, &[b' '; 501]).await.refused(413, "body-too-large");
    client.ask(&format!("GET /{}", "a".repeat(200)), &[], b"").await.refused(414, "uri-too-long");
    client.ask("GET /api/", &[("x-long", &"a".repeat(2000))], b"").await.refused(431, "headers-too-large");
    client.ask("GET /api/", &[("content-encoding", "br")], b"").await.refused(415, "unsupported-media-type");
    let connect = Request::builder().method("CONNECT").uri("localhost:80").body(()).unwrap();
    client.send(connect, b"").await.unwrap().refused(400, "malformed-request");
    let two_hosts =
        Request::builder().uri("http://localhost/api/").header("host", "elsewhere").body(()).unwrap();
    assert_eq!(client.send(two_hosts, b"").await.unwrap().status, 400);
    // One request that is cut off by the codec leaves the connection to the others.
    let giant = [("x-giant", &*"a".repeat(8000))];
    let refused = client.ask("GET /api/", &giant, b"").await;
    assert_eq!(refused.status, 431);
    assert_eq!(client.ask("GET /api/tags/new", &[], b"").await.status, 200);
}

#[tokio::test]
async fn tls_offers_both_protocols_and_nothing_else() {
    let (database, authority) = (database().await, Authority::new());
    let certificates = Arc::new(Certificates::load(authority.files()).unwrap());
    let server = Server::start_with(&database, SHOP, Settings::default(), Some(&certificates)).await;
    let stream = authority.connect(&server, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let client = H2Client::new(stream).await;
    assert_eq!(client.ask("GET /api/orders/1", &[], b"").await.status, 200);
    for protocols in [&["http/1.1"][..], &[]] {
        let mut stream = authority.connect(&server, protocols).await.unwrap();
        let get = "GET /api/orders/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(get.as_bytes()).await.unwrap();
        let answer = Reply::parse(&read_all(&mut stream).await, false).unwrap();
        assert_eq!(answer.status, 200, "{protocols:?}");
    }
    assert!(authority.connect(&server, &["spdy/3"]).await.is_err());
    assert!(Authority::new().connect(&server, &[]).await.is_err(), "a stranger's certificate");
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_a_bad_one_changes_nothing() {
    let (database, authority) = (database().await, Authority::new());
    let certificates = Arc::new(Certificates::load(authority.files()).unwrap());
    let server = Server::start_with(&database, SHOP, Settings::default(), Some(&certificates)).await;
    let shown = async || {
        let stream = authority.connect(&server, &["h2"]).await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        assert_eq!(H2Client::new(stream).await.ask("GET /api/", &[], b"").await.status, 200);
        shown
    };
    let old = H2Client::new(authority.connect(&server, &["h2"]).await.unwrap()).await;
    let first = shown().await;
    assert!(!certificates.reload().unwrap(), "nothing has changed");
    let second = authority.issue();
    assert_eq!(shown().await, first);
    assert!(certificates.reload().unwrap());
    assert_eq!(shown().await, second);
    assert_eq!(old.ask("GET /api/", &[], b"").await.status, 200, "what was connected stays so");
    let key = std::fs::read(authority.files().key).unwrap();
    authority.issue();
    for bad in [&key[..], b"", b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n"] {
        std::fs::write(authority.files().key, bad).unwrap();
        assert!(certificates.reload().is_err());
        assert_eq!(shown().await, second);
    }
}

#[tokio::test]
async fn a_page_of_a_named_origin_may_read_every_answer_and_no_other_page_any() {
    let database = database().await;
    let settings = Settings { cors_origins: vec!["https://a.example".into()], ..Settings::default() };
    let server = Server::start(&database, SHOP, settings).await;
    let allowed = |reply: &Reply| reply.header("access-control-allow-origin").map(str::to_owned);
    let preflight = async |origin: &str| {
        let asks = [("Origin", origin), ("Access-Control-Request-Method", "PATCH")];
        server.ask("OPTIONS /api/orders/1", &asks).await
    };
    let named = preflight("https://a.example").await;
    assert_eq!((named.status, allowed(&named)), (204, Some("https://a.example".to_owned())));
    assert!(named.header("access-control-allow-methods").unwrap().contains("PATCH"));
    let other = preflight("https://b.example").await;
    assert_eq!((other.status, allowed(&other)), (204, None));
    assert_eq!(other.header("access-control-allow-methods"), None);
    for (line, status) in [("GET /api/orders/1", 200), ("GET /api/nothing", 404), ("GET /nowhere", 404)] {
        let named = server.ask(line, &[("Origin", "https://a.example")]).await;
        assert_eq!((named.status, allowed(&named)), (status, Some("https://a.example".to_owned())));
        assert!(named.header("access-control-expose-headers").unwrap().contains("ETag"));
        assert_eq!(named.header("access-control-allow-credentials"), None);
        for headers in [&[("Origin", "https://b.example")][..], &[]] {
            let other = server.ask(line, headers).await;
            assert_eq!((other.status, allowed(&other)), (status, None));
            assert_eq!(other.header("vary"), Some("Accept, Origin, Accept-Encoding"));
        }
    }
}
