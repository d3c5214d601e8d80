//! Who asks, for the application behind: a JWT that lives for moments, signed with a secret that both sides know (RFC 7519, HS256).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rules::policy::Actor;
use serde_json::{Map, Value as Json, json};

use crate::auth::{Algorithm, Signer};

/// What signs. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Fewest bytes of a secret: as many as the signature has (RFC 7518, 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// Signs.
pub(super) struct Identity {
    signer: Signer,
    audience: String,
    ttl_s: u64,
}

impl Secret {
    /// Of the bytes of a file, without the space around them. Errors: they are too few.
    pub fn new(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes = bytes.trim_ascii();
        match bytes.len() {
            SECRET_BYTES_MIN.. => Ok(Self(bytes.to_vec())),
            _ => Err("a secret has at least 32 bytes: `openssl rand -base64 48` makes one"),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Identity {
    pub(super) fn new(secret: &Secret, audience: &str, ttl_s: u64) -> Self {
        Self { signer: Signer::Secret(secret.0.clone()), audience: audience.to_owned(), ttl_s }
    }

    /// The token of an actor, made now.
    pub(super) fn token(&self, actor: &Actor) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        self.token_at(actor, now.as_secs())
    }

    fn token_at(&self, actor: &Actor, now_s: u64) -> String {
        // INVARIANT: a secret signs by HS256. No token at all would be one that nobody lets in.
        self.signer.token(Algorithm::Hs256, None, &self.claims(actor, now_s)).unwrap_or_default()
    }

    /// Nobody's has no `sub`.
    fn claims(&self, actor: &Actor, now_s: u64) -> Map<String, Json> {
        let claims = [
            ("iss", "rulegate".into()),
            ("aud", self.audience.as_str().into()),
            ("roles", json!(actor.roles)),
            ("iat", now_s.into()),
            ("exp", now_s.saturating_add(self.ttl_s).into()),
        ];
        let subject = actor.id.as_deref().map(|id| ("sub", id.into()));
        claims.into_iter().chain(subject).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::hmac;

    use super::*;

    #[test]
    fn a_secret_is_long_enough_and_never_shown() {
        assert!(Secret::new(&[b'a'; 31]).is_err());
        assert!(Secret::new(&[b' '; 40]).is_err());
        let secret = Secret::new(&[&[b'a'; 32][..], b"\n"].concat()).unwrap();
        assert_eq!(secret, Secret::new(&[b'a'; 32]).unwrap());
        assert_eq!(format!("{secret:?}"), "…");
    }

    #[test]
    fn a_token_is_signed_and_says_who_for_whom_and_until_when() {
        let secret = Secret::new(b"0123456789abcdef0123456789abcdef").unwrap();
        let identity = Identity::new(&secret, "app:3000", 60);
        let actor = Actor { id: Some("a\"ü".into()), roles: vec!["sales".into()], ..Actor::default() };
        let token = identity.token_at(&actor, 1000);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef0123456789abcdef");
        hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: Json = serde_json::from_slice(&claims).unwrap();
        let expected = json!({"iss": "rulegate", "aud": "app:3000", "roles": ["sales"], "iat": 1000, "exp": 1060, "sub": "a\"ü"});
        assert_eq!(claims, expected);
        assert_eq!(identity.claims(&Actor::anonymous(), 0).get("sub"), None);
    }
}
