//! A request's headers → the [`Actor`] who asks, or why nobody is known: JWT as bearer tokens (RFC 6750, RFC 7519, RFC 8725).
//!
//! What a token says of itself decides nothing: algorithms and keys come from the settings. A token that is not sound is refused, never
//! taken for none.

mod algorithm;
mod cache;
mod claims;
mod fault;
mod fetch;
mod jwk_set;
mod jwks;
mod key;
mod keys;
mod sign;
mod token;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use rules::policy::Actor;

pub use algorithm::Algorithm;
use cache::{Cache, digest_of};
use claims::Claims;
use fault::Fault;
pub(crate) use fetch::checked;
pub use jwks::Pace;
use jwks::{Jwks, Verdict};
use key::Key;
pub use keys::KeyError;
pub use sign::Signer;
use token::Token;

use crate::route::{self, Page};
use crate::{Error, Result};

/// The `auth` part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// A file with a secret.
    pub secret_file: Option<PathBuf>,
    /// An environment variable with a secret.
    pub secret_env: Option<String>,
    /// A file with public keys in PEM.
    pub public_key_file: Option<PathBuf>,
    /// Where an issuer shows its public keys.
    pub jwks_url: Option<String>,
    /// Who must have issued a token; nobody named: anybody who has a key.
    pub issuer: Option<String>,
    /// For whom a token must be, any of these; nobody named: for anybody.
    pub audience: Vec<String>,
    /// How far clocks may differ, in seconds.
    pub leeway_s: u64,
    /// The claim that holds the roles.
    pub roles_claim: String,
    /// The role of requests without a token; none: they are refused.
    pub anonymous_role: Option<String>,
    /// How often keys are fetched.
    pub pace: Pace,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::Hs256],
            secret_file: None,
            secret_env: None,
            public_key_file: None,
            jwks_url: None,
            issuer: None,
            audience: Vec::new(),
            leeway_s: 30,
            roles_claim: "roles".into(),
            anonymous_role: None,
            pace: Pace::default(),
        }
    }
}

/// Tells who asks.
pub struct Authenticator {
    settings: Settings,
    keys: Vec<Key>,
    jwks: Option<Arc<Jwks>>,
    cache: Cache,
    anonymous: Option<Arc<Actor>>,
}

/// Who asks for a path. Without an authenticator: nobody in particular.
pub async fn actor(
    authenticator: Option<&Authenticator>,
    path: &str,
    headers: &HeaderMap,
) -> Result<Arc<Actor>> {
    let Some(authenticator) = authenticator else { return Ok(Arc::default()) };
    let page = route::page(path);
    if matches!(page, Some(Page::Home | Page::DocsFolder | Page::Docs(_) | Page::Errors)) {
        // They show nothing of the schema.
        return Ok(Arc::default());
    }
    match authenticator.actor(headers, now()).await {
        // The page of the documentation opens, over what is shown to somebody without roles.
        Err(Fault::Missing) if page == Some(Page::OpenApi) => Ok(Arc::default()),
        found => found.map_err(|fault| Error::from(fault).into()),
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

impl Authenticator {
    /// With the keys that the settings name. Those behind a URL are fetched when a token needs them.
    pub fn new(settings: Settings) -> std::result::Result<Self, KeyError> {
        Self::following(settings, None)
    }

    /// Likewise, in place of another one: what it has fetched is kept.
    pub fn following(settings: Settings, before: Option<&Self>) -> std::result::Result<Self, KeyError> {
        let keys = keys::read(&settings)?;
        let jwks = match &settings.jwks_url {
            None => None,
            Some(url) => {
                match before.and_then(|before| before.jwks.clone()).filter(|jwks| jwks.url == *url) {
                    Some(jwks) => Some(jwks),
                    None => Some(Arc::new(Jwks::new(url, settings.pace).map_err(KeyError::Url)?)),
                }
            }
        };
        let anonymous = settings.anonymous_role.clone();
        let anonymous = anonymous.map(|role| Arc::new(Actor { roles: vec![role], ..Actor::anonymous() }));
        Ok(Self { settings, keys, jwks, cache: Cache::new(), anonymous })
    }

    /// The files that its keys came from.
    pub fn key_files(&self) -> Vec<PathBuf> {
        self.settings.secret_file.iter().chain(&self.settings.public_key_file).cloned().collect()
    }

    /// Fetches an issuer's keys when it is time to.
    pub async fn keep_fresh(&self) {
        if let Some(jwks) = &self.jwks {
            jwks.keep_fresh().await;
        }
    }

    async fn actor(&self, headers: &HeaderMap, now: u64) -> std::result::Result<Arc<Actor>, Fault> {
        match bearer(headers) {
            Ok(token) => self.verified(token, now).await,
            Err(Fault::Missing) => self.anonymous.clone().ok_or(Fault::Missing),
            Err(fault) => Err(fault),
        }
    }

    /// Who a token speaks of.
    async fn verified(&self, text: &str, now: u64) -> std::result::Result<Arc<Actor>, Fault> {
        if text.len() > token::BYTES_MAX {
            return Err(Fault::TooLong);
        }
        let digest = digest_of(text);
        if let Some(actor) = self.cache.find(&digest, self.generation(), now) {
            return Ok(actor);
        }
        let token = Token::parse(text)?;
        // Before the keys are looked at: what is found out with them does not count for the next ones.
        let generation = self.check_signature(&token).await?;
        let claims: Claims = token.claims()?;
        let until = claims::check(&claims, &self.settings, now)?;
        let actor = Arc::new(claims::actor(claims, &self.settings.roles_claim)?);
        self.cache.keep(digest, actor.clone(), until, generation);
        Ok(actor)
    }

    fn generation(&self) -> u64 {
        self.jwks.as_ref().map_or(0, |jwks| jwks.generation())
    }

    /// The generation of the keys among which one has signed it.
    async fn check_signature(&self, token: &Token<'_>) -> std::result::Result<u64, Fault> {
        if !self.settings.algorithms.contains(&token.algorithm) {
            return Err(Fault::Signature("its algorithm is not one of auth.jwt.algorithms"));
        }
        let generation = self.generation();
        let verdict = self.judge(token);
        if verdict.is_final() {
            return verdict.counts(generation);
        }
        let Some(jwks) = &self.jwks else { return Verdict::UnknownKey.counts(generation) };
        if !jwks.fetch_anew(|| self.judge(token).is_final()).await {
            return Err(Fault::NoKeys);
        }
        let generation = self.generation();
        self.judge(token).counts(generation)
    }

    fn judge(&self, token: &Token<'_>) -> Verdict {
        let (algorithm, id) = (token.algorithm, token.key_id.as_deref());
        let own = self.keys.iter().filter(|key| key.is_for(algorithm, id));
        if own.into_iter().any(|key| key.verifies(algorithm, token.signed, &token.signature)) {
            return Verdict::Signed;
        }
        match self.jwks.as_ref().filter(|_| !algorithm.needs_secret()) {
            Some(jwks) => jwks.judge(algorithm, id, token.signed, &token.signature),
            None => Verdict::NotSigned,
        }
    }
}

impl Verdict {
    /// Whether other keys would make no difference.
    fn is_final(self) -> bool {
        matches!(self, Self::Signed | Self::NotSigned)
    }

    fn counts(self, generation: u64) -> std::result::Result<u64, Fault> {
        match self {
            Self::Signed => Ok(generation),
            Self::NotSigned => Err(Fault::Signature("no key of its algorithm and its name has signed it")),
            Self::UnknownKey => Err(Fault::Signature("it names a key that is not known")),
            Self::NoKeys => Err(Fault::NoKeys),
        }
    }
}

/// The token in the headers.
fn bearer(headers: &HeaderMap) -> std::result::Result<&str, Fault> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Fault::Missing)?;
    if values.next().is_some() {
        return Err(Fault::Header);
    }
    let text = value.to_str().map_err(|_| Fault::Header)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Fault::Scheme);
    }
    let token = token.trim_matches(' ');
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(is_token) {
        return Err(Fault::Header);
    }
    Ok(token)
}

#[cfg(test)]
mod tests;
