//! The `auth` part of `rulegate.yaml`: who may be whom. What contradicts itself is a problem, because what was meant cannot be known.

use std::path::Path;

use serde::Deserialize;

use super::file::named;
use crate::auth::{Algorithm, Pace, Settings, checked};

/// The part as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Auth {
    jwt: Option<Jwt>,
    anonymous_role: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Jwt {
    algorithms: Option<Vec<String>>,
    secret_file: Option<String>,
    secret_env: Option<String>,
    public_key_file: Option<String>,
    jwks_url: Option<String>,
    issuer: Option<String>,
    audience: Vec<String>,
    leeway_s: Option<u64>,
    roles_claim: Option<String>,
}

/// Farther apart than this, clocks are wrong.
const LEEWAY_S_MAX: u64 = 600;

impl Auth {
    /// What it means: files relative to the project.
    pub(super) fn settings(&self, project: &Path) -> Settings {
        let default = Settings::default();
        let none = Jwt::default();
        let jwt = self.jwt.as_ref().unwrap_or(&none);
        let file = |name: &Option<String>| named(name).map(|file| project.join(file));
        let text = |text: &Option<String>| named(text).map(str::to_owned);
        Settings {
            algorithms: jwt.algorithms(),
            secret_file: file(&jwt.secret_file),
            secret_env: text(&jwt.secret_env),
            public_key_file: file(&jwt.public_key_file),
            jwks_url: text(&jwt.jwks_url),
            issuer: text(&jwt.issuer),
            audience: jwt.audience.clone(),
            leeway_s: jwt.leeway_s.unwrap_or(default.leeway_s),
            roles_claim: text(&jwt.roles_claim).unwrap_or(default.roles_claim),
            anonymous_role: text(&self.anonymous_role),
            pace: Pace::default(),
        }
    }

    /// What makes no sense, by path.
    pub(super) fn problems(&self) -> Vec<(&'static str, String)> {
        match &self.jwt {
            None => vec![("auth", "needs `auth.jwt`: how tokens are checked".into())],
            Some(jwt) => jwt.problems(),
        }
    }
}

impl Jwt {
    fn algorithms(&self) -> Vec<Algorithm> {
        match &self.algorithms {
            None => Settings::default().algorithms,
            Some(names) => names.iter().filter_map(|name| Algorithm::named(name)).collect(),
        }
    }

    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Some(url) = named(&self.jwks_url)
            && let Err(problem) = checked(url)
        {
            problems.push(("auth.jwt.jwks_url", problem));
        }
        if self.leeway_s.is_some_and(|leeway| leeway > LEEWAY_S_MAX) {
            problems.push(("auth.jwt.leeway_s", format!("must be {LEEWAY_S_MAX} at most")));
        }
        if self.audience.iter().any(String::is_empty) {
            problems.push(("auth.jwt.audience", "must not name nobody".into()));
        }
        problems.extend(self.contradiction().map(|(path, words)| (path, words.to_owned())));
        problems
    }

    /// Algorithms and keys that do not fit together.
    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let algorithms = self.algorithms();
        let secret = named(&self.secret_file).or(named(&self.secret_env)).is_some();
        let public = named(&self.public_key_file).or(named(&self.jwks_url)).is_some();
        let with_secret = algorithms.iter().any(|algorithm| algorithm.needs_secret());
        let with_public = algorithms.iter().any(|algorithm| !algorithm.needs_secret());
        let path = "auth.jwt.algorithms";
        match () {
            () if !secret && !public => Some((
                "auth.jwt",
                "needs a key: `secret_file`, `secret_env`, `public_key_file` or `jwks_url`",
            )),
            () if algorithms.is_empty() => Some((path, "must name one at least")),
            () if self.algorithms.is_none() && public => {
                Some(("auth.jwt", "needs `algorithms`: those that the issuer signs with, such as [RS256]"))
            }
            () if with_secret && !secret => {
                Some((path, "has HS…, which needs `auth.jwt.secret_file` or `auth.jwt.secret_env`"))
            }
            () if with_public && !public => Some((
                path,
                "has algorithms of public keys, which need `auth.jwt.public_key_file` or `auth.jwt.jwks_url`",
            )),
            () if secret && !with_secret => Some((path, "has no HS…, and a secret is for nothing else")),
            () if public && !with_public => {
                Some((path, "has HS… alone, and public keys are for RS…, PS…, ES… and EdDSA"))
            }
            () => None,
        }
    }
}
