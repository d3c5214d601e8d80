//! Tokens as Keycloak and Auth0 make them, with the settings that the documentation shows, and a secret that is exchanged.

use std::path::Path;
use std::sync::Arc;

use proxy::app::App;
use proxy::app::reload::Source;
use proxy::config::project::Project;
use proxy::config::{Config, DatabaseUrl, Given};
use rules::policy::Actor;
use serde_json::{Value as Json, json};
use tests::Database;
use tests::issuer::{Jwks, Pair, now};
use tests::server::Server;

use super::{Folder, shop};

/// The settings of the documentation that hold some words.
fn documented(words: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/authentication.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut blocks = page.split("```yaml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0));
    blocks.find(|block| block.contains(words)).unwrap_or_else(|| panic!("{words}")).to_owned()
}

async fn app(folder: &Folder, database: &Database) -> Arc<App> {
    let url = Some(DatabaseUrl::from(database.url.clone()));
    let given = Given { project: Some(folder.0.clone()), database_url: url, ..Given::default() };
    let config = Config::load(given.clone()).unwrap();
    let (blueprint, authenticator) = (config.blueprint.clone(), config.authenticator().unwrap());
    let source = Source { project: Project::of_files(given, config.clone()), certificates: None };
    let app = App::new(database.pool.clone(), config.server).unwrap().reloading_from(source);
    let app = app.authenticating(authenticator);
    app.start(&blueprint).await.unwrap();
    Arc::new(app)
}

async fn actor(app: &App, token: &str) -> Option<Arc<Actor>> {
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    app.actor("/api/", &headers).await.ok()
}

/// Served with the documented settings, whose URL of keys is replaced by one of the test's.
async fn documented_app(
    words: &str,
    url: &str,
    pair: &Pair,
    folder: &Folder,
    database: &Database,
) -> (Arc<App>, Jwks) {
    let jwks = Jwks::start(&[pair]).await;
    let settings = documented(words);
    assert!(settings.contains(url), "{settings}");
    folder.write("rulegate.yaml", &settings.replace(url, &jwks.url()));
    (app(folder, database).await, jwks)
}

#[tokio::test]
async fn keycloaks_tokens_work_with_the_documented_settings() {
    let (folder, database) = (Folder::new(), shop().await);
    let mut pair = Pair::rsa("FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE", "rsa");
    for (name, value) in [("use", "sig"), ("alg", "RS256"), ("x5t", "abc")] {
        pair.jwk[name] = value.into();
    }
    let url = "https://id.example/realms/shop/protocol/openid-connect/certs";
    let (app, _jwks) = documented_app("realm_access.roles", url, &pair, &folder, &database).await;
    let token = |audience: Json, issuer: &str| {
        pair.token(json!({
            "iat": now(), "auth_time": now() - 5, "jti": "4a21…", "iss": issuer, "aud": audience,
            "sub": "f:0b1:ann", "typ": "Bearer", "azp": "shop-web", "sid": "b1", "acr": "1",
            "allowed-origins": ["https://shop.example"],
            "realm_access": {"roles": ["offline_access", "sales", "uma_authorization"]},
            "resource_access": {"account": {"roles": ["manage-account"]}},
            "scope": "openid profile email", "email_verified": true, "preferred_username": "ann",
        }))
    };
    let issuer = "https://id.example/realms/shop";
    let found = actor(&app, &token(json!(["shop-api", "account"]), issuer)).await.unwrap();
    assert_eq!(found.id.as_deref(), Some("f:0b1:ann"));
    assert_eq!(found.roles, ["offline_access", "sales", "uma_authorization"]);
    assert_eq!(found.claim("preferred_username"), dialects::Value::Text("ann".into()));
    assert!(actor(&app, &token(json!("account"), issuer)).await.is_none());
    assert!(actor(&app, &token(json!("shop-api"), "https://id.example/realms/other")).await.is_none());
}

#[tokio::test]
async fn auth0s_tokens_work_with_the_documented_settings() {
    let (folder, database) = (Folder::new(), shop().await);
    let pair = Pair::rsa("NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg", "rsa_other");
    let url = "https://shop.eu.auth0.com/.well-known/jwks.json";
    let (app, _jwks) = documented_app("https://shop.example/roles", url, &pair, &folder, &database).await;
    let token = pair.token(json!({
        "https://shop.example/roles": ["sales", "till"], "iss": "https://shop.eu.auth0.com/", "sub": "auth0|56042",
        "aud": ["https://api.shop.example", "https://shop.eu.auth0.com/userinfo"], "iat": now(), "azp": "my_client",
        "scope": "openid profile", "gty": "password", "permissions": [],
    }));
    let found = actor(&app, &token).await.unwrap();
    assert_eq!(
        (found.id.as_deref(), &found.roles[..]),
        (Some("auth0|56042"), &["sales".to_owned(), "till".to_owned()][..])
    );
    let server = Server::of(app);
    let bearer = format!("Bearer {token}");
    assert_eq!(server.ask("GET /api/", &[("Authorization", &bearer)]).await.status, 200);
    assert_eq!(server.ask("GET /api/", &[]).await.status, 401);
}

#[tokio::test]
async fn a_secret_that_is_exchanged_counts_from_the_reload_on() {
    let (folder, database) = (Folder::new(), shop().await);
    let secret = |letter: &str| proxy::auth::Signer::secret(letter.repeat(32).as_bytes());
    let token = |letter: &str| {
        let claims = json!({"exp": now() + 300, "sub": "ann", "roles": ["sales"]});
        secret(letter).token(proxy::auth::Algorithm::Hs256, None, claims.as_object().unwrap()).unwrap()
    };
    folder.write("rulegate.yaml", "auth: {jwt: {secret_file: secret}}\n");
    folder.write("secret", &"a".repeat(32));
    let app = app(&folder, &database).await;
    assert!(actor(&app, &token("a")).await.is_some() && actor(&app, &token("b")).await.is_none());
    let before = app.fingerprint();
    folder.write("secret", &"b".repeat(32));
    assert_ne!(app.fingerprint(), before, "the file is watched");
    app.reload("a test").await.unwrap();
    assert!(actor(&app, &token("a")).await.is_none() && actor(&app, &token("b")).await.is_some());
    folder.write("secret", "short");
    assert!(app.reload("a test").await.is_err());
    assert!(actor(&app, &token("b")).await.is_some(), "what was served is served on");
    folder.write("secret", &"b".repeat(32));
    folder.write("rulegate.yaml", "auth: {jwt: {secret_file: secret, issuer: i}, anonymous_role: visitor}\n");
    assert!(app.reload("a test").await.unwrap().restart.is_empty());
    assert!(actor(&app, &token("b")).await.is_none(), "the token names no issuer");
    let nobody = app.actor("/api/", &http::HeaderMap::new()).await.unwrap();
    assert_eq!(nobody.roles, ["visitor"]);
}

#[tokio::test]
async fn authentication_is_switched_on_and_off_by_a_reload_and_everything_is_guarded_as_long_as_it_is_on() {
    let (folder, database) = (Folder::new(), shop().await);
    folder.write("rulegate.yaml", "");
    folder.write("secret", &"a".repeat(32));
    let app = app(&folder, &database).await;
    let server = Server::of(app.clone());
    assert_eq!(server.ask("GET /api/orders", &[]).await.status, 200);
    folder.write("rulegate.yaml", "auth: {jwt: {secret_file: secret}, anonymous_role: visitor}\n");
    app.reload("a test").await.unwrap();
    assert_eq!(server.ask("GET /api/orders", &[]).await.status, 403);
    assert_eq!(server.ask("GET /api/orders", &[("Authorization", "Bearer x")]).await.status, 401);
    folder.write("rulegate.yaml", "");
    app.reload("a test").await.unwrap();
    assert_eq!(server.ask("GET /api/orders", &[]).await.status, 200);
}
