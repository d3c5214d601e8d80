//! Content codings over a socket: the same answers, smaller, with ETags of their own.

use dialects::Dialect;
use proxy::server::Settings;
use tests::Database;
use tests::server::Server;
use tests::server::h2::H2Client;
use tests::shop::SHOP;

const CODINGS: [&str; 3] = ["zstd", "br", "gzip"];

async fn shop() -> (Database, Server) {
    let database = Database::create(Dialect::Sqlite).await;
    database.execute(&(SHOP.sql)(Dialect::Sqlite)).await;
    let server = Server::start(&database, SHOP, Settings::default()).await;
    (database, server)
}

#[tokio::test]
async fn an_answer_says_the_same_in_every_coding_and_head_says_how_long_it_is() {
    let (_database, server) = shop().await;
    let line = "GET /api/orders?include=items.product,customer";
    let plain = server.ask(line, &[]).await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
    assert_eq!(plain.header("vary"), Some("Accept, Accept-Encoding"));
    let h2 = H2Client::new(server.connect().await).await;
    for coding in CODINGS {
        let accept = [("accept-encoding", coding)];
        let coded = server.ask(line, &accept).await;
        assert_eq!(coded.header("content-encoding"), Some(coding));
        assert_eq!(coded.header("vary"), Some("Accept, Accept-Encoding"));
        assert!(coded.body.len() * 3 < plain.body.len(), "{coding}: {}", coded.body.len());
        assert_eq!(coded.plain(), plain.body, "{coding}");
        assert_eq!(h2.ask(line, &accept, b"").await.plain(), plain.body, "{coding}");
        let head = server.ask(&line.replace("GET", "HEAD"), &accept).await;
        for name in ["content-encoding", "content-length", "vary", "etag", "content-type"] {
            assert_eq!(head.header(name), coded.header(name), "{coding} {name}");
        }
        assert!(head.body.is_empty());
    }
}

#[tokio::test]
async fn errors_are_coded_too_short_answers_are_not_and_what_cannot_be_met_is_refused() {
    let (_database, server) = shop().await;
    let long = format!("GET /api/orders?filter[nothing]={}", "x".repeat(1000));
    let parameters: String = (0..9).map(|n| format!("&nothing{n}=1")).collect();
    let error = server.ask(&(long + &parameters), &[("accept-encoding", "gzip")]).await;
    assert_eq!((error.status, error.header("content-encoding")), (400, Some("gzip")));
    let document: serde_json::Value = serde_json::from_slice(&error.plain()).unwrap();
    assert_eq!(document["errors"][0]["status"], "400");
    let short = server.ask("GET /api/tags/tea?fields[tags]=", &[("accept-encoding", "gzip")]).await;
    assert_eq!((short.status, short.header("content-encoding")), (200, None));
    let only = server.ask("GET /api/tags/tea?fields[tags]=", &[("accept-encoding", "gzip, *;q=0")]).await;
    assert_eq!((only.header("content-encoding"), only.plain()), (Some("gzip"), short.body));
    server.ask("GET /api/tags", &[("accept-encoding", "*;q=0")]).await.refused(406, "not-acceptable");
    server.ask("GET /api/tags", &[("accept-encoding", "br;q=x")]).await.refused(400, "malformed-request");
    let nothing = server.ask("OPTIONS /api/tags", &[("accept-encoding", "br, *;q=0")]).await;
    assert_eq!((nothing.status, nothing.header("content-encoding")), (204, None));
}

#[tokio::test]
async fn an_etag_belongs_to_a_coding_and_is_understood_in_every_one() {
    let (database, server) = shop().await;
    database.execute(&format!("update orders set notes = '{}' where id = 1", "tea ".repeat(400))).await;
    let plain = server.ask("GET /api/orders/1", &[]).await.header("etag").unwrap().to_owned();
    let mut tags = vec![plain.clone()];
    for coding in CODINGS {
        let coded = server.ask("GET /api/orders/1", &[("accept-encoding", coding)]).await;
        let tag = coded.header("etag").unwrap().to_owned();
        assert!(!tags.contains(&tag), "{tag} is another representation's");
        let none = [("accept-encoding", coding), ("if-none-match", &tag)];
        let fresh = server.ask("GET /api/orders/1", &none).await;
        assert_eq!((fresh.status, fresh.header("etag")), (304, Some(tag.as_str())));
        assert_eq!(fresh.header("vary"), Some("Accept, Accept-Encoding"));
        tags.push(tag);
    }
    let json = ("content-type", "application/vnd.api+json");
    for (n, _) in CODINGS.iter().enumerate() {
        let current = server.ask("GET /api/orders/1", &[("accept-encoding", CODINGS[n])]).await;
        let tag = current.header("etag").unwrap();
        let body = format!(
            r#"{{"data": {{"type": "orders", "id": "1", "attributes": {{"notes": "{}{n}"}}}}}}"#,
            "x".repeat(2000)
        );
        let changed =
            server.ask_with("PATCH /api/orders/1", &[json, ("if-match", tag)], body.as_bytes()).await;
        assert_eq!(changed.status, 200);
        let again = server.ask_with("PATCH /api/orders/1", &[json, ("if-match", tag)], body.as_bytes()).await;
        again.refused(412, "precondition-failed");
    }
}
