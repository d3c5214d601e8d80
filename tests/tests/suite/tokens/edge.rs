//! What depends on who asks besides rows: what the application behind is told, how often one may ask, and what is logged of a denial.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proxy::auth::Settings;
use proxy::server;
use proxy::server::upstream::{Secret, UpstreamSettings};
use proxy::state::load::Blueprint;
use serde_json::{Value as Json, json};
use tests::application::Application;
use tests::log::Log;
use tests::server::{Reply, Server};

use super::good::{token, with_secret};
use super::{Folder, SECRET, shop, start_with};

/// A server in front of an application.
async fn in_front(application: &Application, anonymous_role: Option<&str>, folder: &Folder) -> Server {
    let upstream = UpstreamSettings {
        target: format!("http://{}", application.address).parse().unwrap(),
        header: "rulegate-actor".parse().unwrap(),
        secret: Some(Secret::new(SECRET.as_bytes()).unwrap()),
        ttl_s: 60,
    };
    let settings = server::Settings { upstream: Some(upstream), ..server::Settings::default() };
    let auth = Settings { anonymous_role: anonymous_role.map(str::to_owned), ..Settings::default() };
    start_with(&shop().await, with_secret(folder, auth), settings, &Blueprint::default()).await
}

/// A request whose answer is the application's.
async fn ask(server: &Server, path: &str, headers: &str) -> Reply {
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    Reply::parse(&server.raw(head.as_bytes()).await, false).unwrap()
}

/// What the application was told of who asks.
fn told(reply: &Reply) -> Json {
    let asked = reply.json();
    let fields = asked["headers"].as_array().unwrap();
    let own =
        fields.iter().find(|field| field[0] == "rulegate-actor").unwrap()[1].as_str().unwrap().to_owned();
    let claims = own.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn the_application_behind_is_told_who_asks_and_whoever_is_nobody_does_not_get_there() {
    let (folder, application) = (Folder::new(), Application::start().await);
    let closed = in_front(&application, None, &folder).await;
    for path in ["/", "/x", "/docsy", "/%64ocs/"] {
        closed.ask(&format!("GET {path}"), &[]).await.refused(401, "unauthorized");
        let bad = [("Authorization", "Bearer a.b.c")];
        closed.ask(&format!("GET {path}"), &bad).await.refused(401, "invalid-token");
    }
    assert_eq!(application.requests(), 0);
    let ann = format!(
        "Authorization: Bearer {}\r\n",
        token(json!({"sub": "ann", "roles": ["sales"], "secret": 1}))
    );
    let reply = ask(&closed, "/", &ann).await;
    let claims = told(&reply);
    assert_eq!(
        (&claims["sub"], &claims["roles"], &claims["secret"]),
        (&json!("ann"), &json!(["sales"]), &Json::Null)
    );
    assert!(reply.json().to_string().contains("Bearer "), "the token itself goes with it");
    let open = in_front(&application, Some("visitor"), &folder).await;
    let claims = told(&ask(&open, "/", "").await);
    assert_eq!((claims.get("sub"), &claims["roles"]), (None, &json!(["visitor"])));
    assert_eq!(told(&ask(&open, "/", &ann).await)["sub"], "ann");
    open.ask("GET /", &[("Authorization", "Bearer a.b.c")]).await.refused(401, "invalid-token");
}

#[tokio::test]
async fn every_actor_has_a_rate_of_his_own_and_whoever_shows_no_sound_token_that_of_his_address() {
    let (folder, database) = (Folder::new(), shop().await);
    let settings = server::Settings { requests_per_second: 1, ..server::Settings::default() };
    let authenticator = with_secret(&folder, Settings::default());
    let server = start_with(&database, authenticator, settings, &Blueprint::default()).await;
    let statuses = async |token: &str| {
        let authorization = format!("Bearer {token}");
        let mut statuses = Vec::new();
        for _ in 0..10 {
            statuses.push(server.ask("GET /api/orders/1", &[("Authorization", &authorization)]).await.status);
        }
        statuses
    };
    for (token, status) in
        [(token(json!({"sub": "ann"})), 200), (token(json!({"sub": "bob"})), 200), ("a.b.c".into(), 401)]
    {
        let found = statuses(&token).await;
        assert_eq!(found[..5], [status; 5], "{found:?}");
        assert!(found.contains(&429), "{found:?}");
    }
    // Another token of the same actor is the same actor's.
    let other = statuses(&token(json!({"sub": "ann", "jti": "2"}))).await;
    assert!(other[..5].contains(&429), "{other:?}");
}

#[tokio::test]
async fn a_denial_is_logged_with_who_was_denied_what() {
    let log = Log::start();
    let (folder, database) = (Folder::new(), shop().await);
    let guarded = Blueprint { auth: true, ..Blueprint::default() };
    let authenticator = with_secret(&folder, Settings::default());
    let server = start_with(&database, authenticator, server::Settings::default(), &guarded).await;
    server.ask("GET /api/orders/1?include=s3cret", &[]).await.refused(401, "unauthorized");
    let token = token(json!({"sub": "ann", "roles": ["sales", "support"], "ssn": "s3cret"}));
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/vnd.api+json")];
    let body = br#"{"data": {"type": "orders", "id": "1", "attributes": {"status": "s3cret"}}}"#;
    server.ask_with("PATCH /api/orders/1", &headers, body).await.refused(403, "forbidden");
    let audit = log.of("audit");
    let fields = |line: &Json| {
        ["actor", "roles", "method", "endpoint", "resource", "code", "client"].map(|name| line[name].clone())
    };
    assert_eq!(audit.len(), 2, "{}", log.text());
    let nobody = [
        json!(null),
        json!(null),
        json!("GET"),
        json!("/api/{type}/{id}"),
        json!("orders"),
        json!("unauthorized"),
        json!("127.0.0.1"),
    ];
    assert_eq!(fields(&audit[0]), nobody);
    let ann = [
        json!("ann"),
        json!("sales,support"),
        json!("PATCH"),
        json!("/api/{type}/{id}"),
        json!("orders"),
        json!("forbidden"),
        json!("127.0.0.1"),
    ];
    assert_eq!(fields(&audit[1]), ann);
    let text = log.text();
    assert!(!text.contains("s3cret") && !text.contains(&token), "{text}");
}
