//! `rulegate token` as people run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use proxy::auth::{self, Authenticator};
use proxy::config::{self, Given};
use serde_json::{Value as Json, json};

/// A project folder that goes with the test.
struct Project(PathBuf);

impl Project {
    fn new(settings: &str) -> Self {
        let name = format!("rulegate-token-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let project = Self(std::env::temp_dir().join(name));
        std::fs::create_dir(&project.0).unwrap();
        project.write("rulegate.yaml", settings);
        project.write("secret", "0123456789abcdef0123456789abcdef\n");
        project
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rulegate"));
        command.arg("token").args(arguments).current_dir(&self.0).env_remove("RULEGATE_PROJECT");
        command.env("SHOP_SECRET", "fedcba9876543210fedcba9876543210").output().unwrap()
    }

    /// The one line that is printed, which is a token.
    #[track_caller]
    fn token(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.stderr.is_empty() && text.lines().count() == 1, "{text}");
        text.trim_end().to_owned()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], part: &str) {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn part(token: &str, place: usize) -> Json {
    let part = token.split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn in_a_project_it_just_works() {
    let project = Project::new(
        "auth: {jwt: {secret_file: secret, issuer: 'https://shop.example', audience: [till, shop], roles_claim: realm_access.roles}}\n",
    );
    let token =
        project.token(&["--sub", "ann", "--role", "sales", "--role", "admin", "--claim", "region=north"]);
    let given = Given { project: Some(project.0.clone()), ..Given::default() };
    let settings = config::auth_settings(&given).unwrap().unwrap();
    let authenticator = Authenticator::new(settings).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    let actor = auth::actor(Some(&authenticator), "/api/orders", &headers).await.unwrap();
    assert_eq!(
        (actor.id.as_deref(), &actor.roles[..]),
        (Some("ann"), &["sales".to_owned(), "admin".to_owned()][..])
    );
    assert_eq!(actor.claim("region"), dialects::Value::Text("north".into()));
}

#[test]
fn flags_say_otherwise() {
    let project = Project::new("auth: {jwt: {secret_file: secret, issuer: i, audience: [a]}}\n");
    let arguments = "--secret-env SHOP_SECRET --algorithm HS384 --kid k1 --sub bob --issuer j --audience b --audience c --expires-in 90s --claim";
    let arguments: Vec<&str> = arguments.split(' ').chain(["xs=[1,\"a\"]"]).collect();
    let token = project.token(&arguments);
    assert_eq!(part(&token, 0), json!({"alg": "HS384", "typ": "JWT", "kid": "k1"}));
    let claims = part(&token, 1);
    let expect = json!(["bob", "j", ["b", "c"], [1, "a"]]);
    assert_eq!(json!([claims["sub"], claims["iss"], claims["aud"], claims["xs"]]), expect);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 90);
    assert!(claims.get("roles").is_none());
}

#[test]
fn what_cannot_be_is_told() {
    let project = Project::new("");
    project.refused(&[], "no key is named");
    project.refused(&["--secret-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set");
    project.refused(&["--secret-file", "nowhere"], "nowhere: No such file");
    project.refused(&["--private-key-file", "secret"], "secret holds no private key in PEM");
    project.refused(&["--secret-file", "secret", "--secret-env", "SHOP_SECRET"], "cannot be used with");
    project.refused(&["--secret-file", "secret", "--algorithm", "none"], "there are: HS256");
    project.refused(&["--secret-file", "secret", "--algorithm", "RS256"], "the key is not for RS256");
    project.refused(&["--secret-file", "secret", "--claim", "exp=1"], "a flag of its own");
    project.refused(&["--secret-file", "secret", "--claim", "a=1", "--claim", "a=2"], "given twice");
    project.refused(&["--secret-file", "secret", "--expires-in", "1"], "its unit");
    project.write("rulegate.yaml", "auth: {jwt: {algorithms: [RS256], public_key_file: p}}\n");
    project.refused(&[], "no key is named");
    project.refused(&["--secret-file", "secret"], "auth.jwt.algorithms has none");
    project.write("rulegate.yaml", "auth: {jwt: {algorithm: [RS256]}}\n");
    project.refused(&[], "did you mean `auth.jwt.algorithms`?");
}
