//! The corpus of `bad.txt`: every block is refused with 401, a challenge and a document; nobody is asked for keys that a token points to.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proxy::auth::{Algorithm, Authenticator, Pace, Settings, Signer};
use serde_json::{Value as Json, json};
use tests::Database;
use tests::issuer::{Jwks, Pair, now};
use tests::server::{Reply, Server};

use super::{Folder, SECRET, shop, start};

/// The order of the group of P-256.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// One request.
#[derive(Default)]
struct Case<'a> {
    name: &'a str,
    header: Option<&'a str>,
    claims: Option<&'a str>,
    changed: Vec<(&'a str, Option<&'a str>)>,
    more: Vec<&'a str>,
    sign: Option<&'a str>,
    pattern: Option<&'a str>,
    send: Vec<&'a str>,
    ask: Option<&'a str>,
    code: &'a str,
    detail: Option<&'a str>,
}

impl<'a> Case<'a> {
    fn parse(block: &'a str) -> Self {
        let mut case = Self { code: "invalid-token", ..Self::default() };
        for line in block.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "-" => case.name = rest,
                "header" => case.header = Some(rest),
                "claims" => case.claims = Some(rest),
                "claim" => {
                    let (name, value) = rest.split_once(' ').unwrap();
                    case.changed.push((name, Some(value)));
                }
                "without" => case.changed.push((rest, None)),
                "more" => case.more.push(rest),
                "sign" => case.sign = Some(rest),
                "token" => case.pattern = Some(rest),
                "send" => case.send.push(rest),
                "ask" => case.ask = Some(rest),
                "=>" => {
                    let (code, detail) =
                        rest.split_once(' ').map_or((rest, None), |(code, it)| (code, Some(it)));
                    (case.code, case.detail) = (code, detail);
                }
                _ => panic!("{line}"),
            }
        }
        case
    }

    fn claims(&self) -> String {
        if let Some(claims) = self.claims {
            return claims.to_owned();
        }
        let mut members = vec![
            ("sub", "\"ann\""),
            ("roles", "[\"sales\"]"),
            ("iss", "\"https://id.example\""),
            ("aud", "\"shop\""),
            ("exp", "⟨now+300⟩"),
        ];
        for (name, value) in &self.changed {
            let place = members.iter().position(|(own, _)| own == name).unwrap();
            match value {
                Some(value) => members[place].1 = value,
                None => drop(members.remove(place)),
            }
        }
        let members = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}"));
        let members: Vec<String> = members.chain(self.more.iter().map(|more| (*more).to_owned())).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// Everything that the corpus signs with or points to.
struct World {
    server: Server,
    /// What nobody must ask.
    evil: Jwks,
    evil_jwk: Json,
    keys: Vec<(&'static str, Pair)>,
    _issuer: Jwks,
    _folder: Folder,
    _database: Database,
}

impl World {
    async fn new() -> Self {
        let keys: Vec<(&'static str, Pair)> = vec![
            ("rsa", Pair::rsa("", "rsa")),
            ("rsa-other", Pair::rsa("evil", "rsa_other")),
            ("p256", Pair::p256("")),
            ("p256-other", Pair::p256("")),
            ("p384", Pair::p384("")),
            ("ed25519", Pair::ed25519("")),
            ("ed25519-other", Pair::ed25519("")),
            ("k1", Pair::p256("k1")),
            ("old", Pair::p256("old")),
        ];
        let key = |name: &str| &keys.iter().find(|(own, _)| *own == name).unwrap().1;
        let folder = Folder::new();
        folder.write("secret", &format!("{SECRET}\n"));
        folder.write(
            "keys.pem",
            &["rsa", "p256", "p384", "ed25519"].map(|name| key(name).pem.as_str()).concat(),
        );
        let issuer = Jwks::start(&[key("k1"), key("old")]).await;
        let settings = Settings {
            algorithms: ["HS256", "RS256", "ES256", "EdDSA"]
                .map(|name| Algorithm::named(name).unwrap())
                .into(),
            secret_file: Some(folder.path("secret")),
            public_key_file: Some(folder.path("keys.pem")),
            jwks_url: Some(issuer.url()),
            issuer: Some("https://id.example".into()),
            audience: vec!["shop".into()],
            pace: Pace { at_most_every: Duration::from_millis(10), ..Pace::default() },
            ..Settings::default()
        };
        let database = shop().await;
        let server = start(&database, Authenticator::new(settings).unwrap()).await;
        let claims = || json!({"sub": "ann", "iss": "https://id.example", "aud": ["till", "shop"]});
        for name in ["old", "k1"] {
            let token = format!("Bearer {}", key(name).token(claims()));
            assert_eq!(
                server.ask("GET /api/orders/1", &[("Authorization", &token)]).await.status,
                200,
                "{name}"
            );
        }
        issuer.show(&[key("k1")]);
        let token = format!("Bearer {}", Pair::p256("new").token(claims()));
        assert_eq!(server.ask("GET /api/orders/1", &[("Authorization", &token)]).await.status, 401);
        let evil = Jwks::start(&[key("rsa-other")]).await;
        let evil_jwk = key("rsa-other").jwk.clone();
        Self { server, evil, evil_jwk, keys, _issuer: issuer, _folder: folder, _database: database }
    }

    fn key(&self, name: &str) -> &Pair {
        &self.keys.iter().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("{name}")).1
    }

    /// With what stands in `⟨⟩` put in.
    fn spelled(&self, text: &str) -> String {
        let Some((plain, rest)) = text.split_once('⟨') else { return text.to_owned() };
        let (form, rest) = rest.split_once('⟩').unwrap();
        let put = match form {
            "jku" => self.evil.url(),
            "jwk" => self.evil_jwk.to_string(),
            "0a" => "\n".to_owned(),
            "now" => now().to_string(),
            _ if form.starts_with("now") => {
                (i64::try_from(now()).unwrap() + form[3..].parse::<i64>().unwrap()).to_string()
            }
            _ => {
                let (text, times) = form.rsplit_once('*').unwrap();
                text.repeat(times.parse().unwrap())
            }
        };
        format!("{plain}{put}{}", self.spelled(rest))
    }

    fn signature(&self, how: &str, message: &[u8]) -> Vec<u8> {
        let by = |secret: &[u8], algorithm: &str| {
            let signer = Signer::Secret(secret.to_vec());
            signer.sign(Algorithm::named(algorithm).unwrap(), message).unwrap()
        };
        if how == "nothing" {
            return Vec::new();
        }
        if let Some(length) = how.strip_prefix("zeros:") {
            return vec![0; length.parse().unwrap()];
        }
        let (key, way) = how.rsplit_once(' ').unwrap();
        if let Some(text) = key.strip_prefix("text:") {
            return by(self.spelled(text).as_bytes(), way);
        }
        let raw = |jwk: &Json, name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        match key {
            "secret" => by(SECRET.as_bytes(), way),
            "pem" => by(self.key("rsa").pem.as_bytes(), way),
            "pem-trimmed" => by(self.key("rsa").pem.trim_end().as_bytes(), way),
            "modulus" => by(&raw(&self.key("rsa").jwk, "n"), way),
            "point" => {
                by(&[&[4][..], &raw(&self.key("k1").jwk, "x"), &raw(&self.key("k1").jwk, "y")].concat(), way)
            }
            _ => match Algorithm::named(way) {
                Some(algorithm) => self.key(key).signer.sign(algorithm, message).unwrap(),
                None => twisted(self.key(key).signer.sign(Algorithm::Es256, message).unwrap(), way),
            },
        }
    }

    fn token(&self, case: &Case<'_>) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(self.spelled(text));
        let header = part(case.header.unwrap_or(r#"{"alg":"HS256","typ":"JWT"}"#));
        let claims = part(&case.claims());
        let signed = format!("{header}.{claims}");
        let signature =
            URL_SAFE_NO_PAD.encode(self.signature(case.sign.unwrap_or("secret HS256"), signed.as_bytes()));
        let cut = |text: &str| text.get(..text.len().saturating_sub(1)).unwrap_or_default().to_owned();
        let Some(pattern) = case.pattern else { return format!("{signed}.{signature}") };
        let standard = format!("{signed}.{signature}").replace('-', "+").replace('_', "/");
        pattern
            .replace("{h}", &header)
            .replace("{p}", &claims)
            .replace("{s}", &signature)
            .replace("{h-}", &cut(&header))
            .replace("{p-}", &cut(&claims))
            .replace("{s-}", &cut(&signature))
            .replace("{std}", &standard)
    }

    async fn ask(&self, case: &Case<'_>) -> Reply {
        let token = self.token(case);
        let line = case.ask.unwrap_or("GET /api/orders/1").replace("{token}", &token);
        let mut head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        let send =
            if case.send.is_empty() { vec!["Authorization: Bearer {token}"] } else { case.send.clone() };
        for line in send.iter().filter(|line| **line != "nothing") {
            head += &format!("{}\r\n", line.replace("{token}", &token));
        }
        let answer = self.server.raw(format!("{head}\r\n").as_bytes()).await;
        Reply::parse(&answer, false).unwrap_or_else(|| panic!("{}: {answer:?}", case.name))
    }
}

/// A signature of ES256 that is none.
fn twisted(mut signature: Vec<u8>, how: &str) -> Vec<u8> {
    let order: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&ORDER[2 * n..2 * n + 2], 16).unwrap()).collect();
    match how {
        "r=0" => signature[..32].fill(0),
        "s=0" => signature[32..].fill(0),
        "r=n" => signature[..32].copy_from_slice(&order),
        "s=n" => signature[32..].copy_from_slice(&order),
        "ones" => signature.fill(255),
        "long" => signature.push(0),
        "der" => {
            let number = |bytes: &[u8]| [&[2, 33, 0][..], bytes].concat();
            let both = [number(&signature[..32]), number(&signature[32..])].concat();
            return [&[0x30, 70][..], &both].concat();
        }
        _ => panic!("{how}"),
    }
    signature
}

/// What is wrong with an answer.
fn surprise(case: &Case<'_>, reply: &Reply, token: &str) -> Option<String> {
    let line = case.ask.unwrap_or("GET /api/orders/1");
    let challenge = reply.header("www-authenticate").unwrap_or_default();
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    let error = if reply.status == 401 { reply.json()["errors"][0].clone() } else { Json::Null };
    let detail = error["detail"].as_str().unwrap_or_default();
    let expect = match case.code {
        "unauthorized" => "Bearer realm=\"rulegate\"".to_owned(),
        _ => format!("Bearer realm=\"rulegate\", error=\"invalid_token\", error_description=\"{detail}\""),
    };
    let leaks = token.len() > 20 && (body.contains(token) || challenge.contains(token));
    let problems = reply.problems(&line.replace("{token}", token), b"");
    let sound = reply.status == 401
        && error["code"] == case.code
        && challenge == expect
        && case.detail.is_none_or(|expect| expect == detail)
        && problems.is_empty()
        && !leaks;
    (!sound).then(|| format!("{}: {} {challenge} {body:.300} {problems:?}", case.name, reply.status))
}

#[tokio::test]
async fn bad_tokens_are_refused_with_a_challenge() {
    let world = World::new().await;
    let good = world.ask(&Case::parse("- good")).await;
    assert_eq!(good.status, 200, "{}", String::from_utf8_lossy(&good.body));
    let text = include_str!("bad.txt");
    let cases: Vec<Case<'_>> = text
        .split("\n\n")
        .map(str::trim_end)
        .filter(|block| block.starts_with("- "))
        .map(Case::parse)
        .collect();
    assert!(cases.len() >= 130, "{}", cases.len());
    let mut surprises = Vec::new();
    for case in &cases {
        let reply = world.ask(case).await;
        surprises.extend(surprise(case, &reply, &world.token(case)));
    }
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    assert_eq!(world.evil.asked(), 0, "a token has sent the server somewhere");
    assert_eq!(world.ask(&Case::parse("- good")).await.status, 200);
}

#[test]
fn the_alphabets_differ_in_what_the_corpus_sends() {
    let header = r#"{"alg":"HS256","x":">>>>>>????????"}"#;
    assert_ne!(URL_SAFE_NO_PAD.encode(header), STANDARD_NO_PAD.encode(header));
}
