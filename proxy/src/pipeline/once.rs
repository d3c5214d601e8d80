//! `Idempotency-Key`: a write that is sent again is not done again (draft-ietf-httpapi-idempotency-key-header).

use std::collections::BTreeSet;

use http::HeaderName;
use http::header::IF_MATCH;
use rules::policy::{Actor, Authority};
use xxhash_rust::xxh3::xxh3_128;

use super::header;
use crate::exchange::Request;
use crate::run::receipts::Key;
use crate::{Error, ErrorCode, Result};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Most characters of a key.
const LENGTH_MAX: usize = 255;

/// What names a request that may be sent again; nothing, where it has no key. A key may stand in quotes. Where access rules are configured, answers are
/// somebody's own, so that it must be known whose.
pub(super) fn key(request: &Request, actor: &Actor, authority: &Authority) -> Result<Option<Key>> {
    let Some(text) = header(&request.headers, IDEMPOTENCY_KEY)? else { return Ok(None) };
    let text = text.trim();
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let fits = (1..=LENGTH_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        let detail = format!("A key is 1 to {LENGTH_MAX} visible ASCII characters, without spaces.");
        return Err(Error::new(ErrorCode::MalformedRequest, detail).header("Idempotency-Key").into());
    }
    if !authority.is_open() && actor.id.is_none() {
        let detail = "A key needs a token with a `sub`: nobody is known whose it could be.";
        return Err(Error::new(ErrorCode::MalformedRequest, detail).header("Idempotency-Key").into());
    }
    let (name, key) = (actor.id.clone().unwrap_or_default(), key.to_owned());
    Ok(Some(Key { actor: name, key, fingerprint: fingerprint(request, actor, authority)? }))
}

/// What makes a request another one: where it goes, what it asks and what it brings; and whom its answer is for, by their roles and by what access
/// rules know of them.
fn fingerprint(request: &Request, actor: &Actor, authority: &Authority) -> Result<String> {
    let condition = header(&request.headers, IF_MATCH)?.unwrap_or_default();
    let parts = [request.method.as_str(), &request.path, &request.query, condition];
    let mut text = parts.join("\n");
    for role in actor.roles.iter().collect::<BTreeSet<_>>() {
        text += &format!("\n{role:?}");
    }
    for name in authority.claims() {
        text += &format!("\n{name:?}: {:?}", actor.find(name));
    }
    text.push('\n');
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&request.body);
    Ok(format!("{:032x}", xxh3_128(&bytes)))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    fn request(key: &str, body: &'static str) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_str(key).unwrap());
        let (path, query) = ("/api/orders".into(), String::new());
        Request { method: Method::POST, path, query, headers, body: body.into() }
    }

    #[test]
    fn a_key_may_stand_in_quotes_and_a_request_has_one_fingerprint() {
        let key = |text: &str, body| {
            key(&request(text, body), &Actor::anonymous(), &Authority::open()).unwrap().unwrap()
        };
        assert_eq!(key("\"8e03-9b\"", "x"), key("8e03-9b", "x"));
        assert_ne!(key("8e03-9b", "x").fingerprint, key("8e03-9b", "y").fingerprint);
    }

    #[test]
    fn where_answers_are_somebodys_own_a_key_is_too() {
        let ann = Actor { id: Some("ann".into()), ..Actor::anonymous() };
        let granted = Authority::new(Vec::new());
        assert!(key(&request("a", ""), &Actor::anonymous(), &granted).is_err());
        assert_eq!(key(&request("a", ""), &ann, &granted).unwrap().unwrap().actor, "ann");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "\"\"", "a b", &"x".repeat(256)] {
            assert!(key(&request(text, ""), &Actor::anonymous(), &Authority::open()).is_err(), "{text}");
        }
    }
}
