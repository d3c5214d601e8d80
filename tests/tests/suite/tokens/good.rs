//! What is let in, as whom, and what is open to everybody.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proxy::auth::{Algorithm, Authenticator, Settings, Signer};
use proxy::server;
use proxy::state::load::Blueprint;
use serde_json::{Map, Value as Json, json};
use tests::issuer::{Jwks, Pair, now};
use tests::server::{PATIENCE, Server, read_all};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Folder, SECRET, shop, start, start_with};

/// A token by the secret, with these claims and an end.
pub(super) fn token(claims: Json) -> String {
    let mut all = json!({"exp": now() + 300});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    signed(all.as_object().unwrap())
}

fn signed(claims: &Map<String, Json>) -> String {
    Signer::secret(SECRET.as_bytes()).token(Algorithm::Hs256, None, claims).unwrap()
}

pub(super) fn with_secret(folder: &Folder, settings: Settings) -> Authenticator {
    folder.write("secret", SECRET);
    Authenticator::new(Settings { secret_file: Some(folder.path("secret")), ..settings }).unwrap()
}

async fn status(server: &Server, line: &str, token: &str) -> u16 {
    server.ask(line, &[("Authorization", &format!("Bearer {token}"))]).await.status
}

#[tokio::test]
async fn good_tokens_of_every_algorithm_are_let_in() {
    let (folder, database) = (Folder::new(), shop().await);
    let secret = "s".repeat(64);
    folder.write("secret", &format!("{secret}\n"));
    let pairs = [Pair::rsa("r", "rsa"), Pair::p256("p"), Pair::p384("q"), Pair::ed25519("e")];
    folder.write("keys.pem", &pairs.iter().map(|pair| format!("A key:\n{}", pair.pem)).collect::<String>());
    let jwks = Jwks::start(&pairs.iter().collect::<Vec<_>>()).await;
    let all: Vec<Algorithm> = Algorithm::NAMES.iter().map(|name| Algorithm::named(name).unwrap()).collect();
    let secret =
        Settings { secret_file: Some(folder.path("secret")), algorithms: all, ..Settings::default() };
    let of_file = Settings { public_key_file: Some(folder.path("keys.pem")), ..secret.clone() };
    let of_url = Settings { jwks_url: Some(jwks.url()), ..secret };
    for settings in [of_file, of_url] {
        let server = start(&database, Authenticator::new(settings).unwrap()).await;
        let secret = Pair { signer: Signer::Secret(vec![b's'; 64]), ..Pair::p256("s") };
        let mut let_in = 0;
        for pair in pairs.iter().chain([&secret]) {
            for algorithm in pair.signer.algorithms() {
                let token = pair.token_by(*algorithm, json!({"sub": "ann"}));
                for _ in 0..2 {
                    assert_eq!(status(&server, "GET /api/orders/1", &token).await, 200, "{algorithm:?}");
                }
                let_in += 1;
            }
        }
        assert_eq!(let_in, Algorithm::NAMES.len());
    }
    assert_eq!(jwks.asked(), 1);
}

#[tokio::test]
async fn the_actor_is_as_the_token_says() {
    let (folder, database) = (Folder::new(), shop().await);
    let evil = Jwks::start(&[]).await;
    let server = start(&database, with_secret(&folder, Settings::default())).await;
    let claims = json!({"sub": "ann", "roles": ["sales", "till"], "region": "north", "n": 1, "exp": now() - 20, "nbf": now() + 20});
    let header = json!({"alg": "HS256", "jku": evil.url(), "kid": "whatever", "typ": "at+JWT", "x5t": "AA"});
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let parts = format!("{}.{}", part(&header), part(&claims));
    let signature = Signer::secret(SECRET.as_bytes()).sign(Algorithm::Hs256, parts.as_bytes()).unwrap();
    let token = format!("{parts}.{}", URL_SAFE_NO_PAD.encode(signature));
    for scheme in ["Bearer ", "bearer ", "BEARER   "] {
        let reply = server.ask("GET /api/orders/1", &[("Authorization", &format!("{scheme}{token}"))]).await;
        assert_eq!(reply.status, 200, "{scheme}");
    }
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let actor = server.app.actor("/api/orders/1", &headers).await.unwrap();
    assert_eq!((actor.id.as_deref(), actor.roles.join(" ")), (Some("ann"), "sales till".to_owned()));
    assert_eq!(actor.claim("region"), dialects::Value::Text("north".into()));
    assert_eq!(evil.asked(), 0, "keys that a token names are never fetched");
}

#[tokio::test]
async fn a_token_that_was_let_in_is_refused_from_its_end_on() {
    let (folder, database) = (Folder::new(), shop().await);
    let server = start(&database, with_secret(&folder, Settings::default())).await;
    let token = token(json!({"exp": now() - 28}));
    assert_eq!(status(&server, "GET /api/orders/1", &token).await, 200);
    let ended = async { while status(&server, "GET /api/orders/1", &token).await == 200 {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    let reply = server.ask("GET /api/orders/1", &[("Authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(reply.json()["errors"][0]["detail"], "The token has expired.");
}

#[tokio::test]
async fn without_a_token_one_has_the_anonymous_role_or_is_refused_and_a_bad_token_is_never_none() {
    let (folder, database) = (Folder::new(), shop().await);
    let closed = start(&database, with_secret(&folder, Settings::default())).await;
    let anonymous_role = Some("visitor".to_owned());
    let settings = Settings { anonymous_role, ..Settings::default() };
    let open = start(&database, with_secret(&folder, settings)).await;
    let reply = closed.ask("GET /api/orders/1", &[]).await;
    reply.refused(401, "unauthorized");
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"rulegate\""));
    assert_eq!(open.ask("GET /api/orders/1", &[]).await.status, 200);
    let actor = open.app.actor("/api/orders/1", &http::HeaderMap::new()).await.unwrap();
    assert_eq!((actor.id.clone(), actor.roles.clone()), (None, vec!["visitor".to_owned()]));
    let expired = token(json!({"exp": 1}));
    for server in [&closed, &open] {
        for bad in ["", "a.b.c", &expired] {
            let reply = server.ask("GET /api/orders/1", &[("Authorization", &format!("Bearer {bad}"))]).await;
            reply.refused(401, "invalid-token");
        }
        server
            .ask("GET /api/orders/1", &[("Authorization", "Basic YTpi")])
            .await
            .refused(401, "unauthorized");
    }
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", token(json!({"sub": "ann"}))).parse().unwrap());
    assert!(open.app.actor("/api/orders/1", &headers).await.unwrap().roles.is_empty());
}

#[tokio::test]
async fn what_shows_nothing_of_the_schema_is_open_and_nothing_else() {
    let (folder, database) = (Folder::new(), shop().await);
    let settings = server::Settings { cors_origins: vec!["https://a.example".into()], ..Default::default() };
    let guarded = Blueprint { auth: true, ..Blueprint::default() };
    let server = start_with(&database, with_secret(&folder, Settings::default()), settings, &guarded).await;
    for (line, expect) in [
        ("GET /", 303),
        ("GET /docs", 303),
        ("GET /docs/", 200),
        ("HEAD /docs/", 200),
        ("GET /docs/start.js", 200),
        ("GET /docs/errors", 200),
        ("GET /openapi.json", 200),
        ("HEAD /openapi.json", 200),
        ("GET /api", 401),
        ("GET /api/", 401),
        ("HEAD /api/orders", 401),
        ("OPTIONS /api/orders", 401),
        ("OPTIONS *", 401),
        ("GET /api/orders", 401),
        ("GET /api/nothing", 401),
        ("GET /api/orders/1/items", 401),
        ("DELETE /api/orders/1", 401),
        ("POST /api/operations", 401),
        ("PUT /api/orders/1", 401),
        ("GET /nowhere", 401),
        ("GET /openapi.json/", 401),
        ("GET /%64ocs/", 401),
        ("GET //docs/", 401),
    ] {
        assert_eq!(server.ask(line, &[]).await.status, expect, "{line}");
    }
    let asks_first = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "PATCH")];
    assert_eq!(server.ask("OPTIONS /api/orders/1", &asks_first).await.status, 204);
    let other = [("Origin", "https://b.example"), ("Access-Control-Request-Method", "PATCH")];
    assert_eq!(server.ask("OPTIONS /api/orders/1", &other).await.status, 401);
    let shown = server.ask("GET /openapi.json", &[]).await;
    assert!(!String::from_utf8_lossy(&shown.body).contains("orders"));
    let bad = [("Authorization", "Bearer a.b.c")];
    server.ask("GET /openapi.json", &bad).await.refused(401, "invalid-token");
    let somebody = token(json!({"sub": "ann", "roles": ["nobody-grants-this"]}));
    assert_eq!(status(&server, "GET /api/", &somebody).await, 200);
    assert_eq!(status(&server, "GET /api/orders", &somebody).await, 403);
}

#[tokio::test]
async fn a_body_is_not_waited_for_and_a_connection_is_kept_where_there_is_none() {
    let (folder, database) = (Folder::new(), shop().await);
    let server = start(&database, with_secret(&folder, Settings::default())).await;
    let mut stream = server.connect().await;
    stream.write_all(b"POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 401") && answer.to_lowercase().contains("connection: close"),
        "{answer}"
    );
    let mut stream = server.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET /api/orders HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"]}") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 401") && !answer.to_lowercase().contains("connection: close"),
            "{answer}"
        );
    }
}
