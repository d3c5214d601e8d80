//! The document behind a JWKS URL → keys (RFC 7517, RFC 7518 section 6, RFC 8037). What is not for checking signatures, or of a kind that is
//! not known, is left out; a secret never comes from there.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::algorithm::Algorithm;
use super::key::{Key, Material};

/// Most keys of a set.
const KEYS_MAX: usize = 100;

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys that can be used.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Key>, String> {
    let document: Document = serde_json::from_slice(text).map_err(|_| "it is no set of keys".to_owned())?;
    if document.keys.len() > KEYS_MAX {
        return Err(format!("it has more than {KEYS_MAX} keys"));
    }
    let keys: Vec<Key> = document.keys.into_iter().filter_map(key).collect();
    if keys.is_empty() { Err("there is no key in it that can be used".into()) } else { Ok(keys) }
}

fn key(json: serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(json).ok()?;
    if jwk.used_for.as_deref().is_some_and(|used_for| used_for != "sig") {
        return None;
    }
    if jwk.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|it| it == "verify")) {
        return None;
    }
    let algorithm = match &jwk.alg {
        Some(name) => Some(Algorithm::named(name)?),
        None => None,
    };
    let material = jwk.material()?;
    Some(Key { id: jwk.kid, algorithm, material })
}

impl Jwk {
    fn material(&self) -> Option<Material> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Material::rsa(&decoded(&self.n)?, &decoded(&self.e)?),
            ("EC", Some("P-256")) => self.point(32).map(Material::P256),
            ("EC", Some("P-384")) => self.point(48).map(Material::P384),
            ("OKP", Some("Ed25519")) => decoded(&self.x).filter(|key| key.len() == 32).map(Material::Ed25519),
            _ => None,
        }
    }

    fn point(&self, length: usize) -> Option<Vec<u8>> {
        let (x, y) = (decoded(&self.x)?, decoded(&self.y)?);
        (x.len() == length && y.len() == length).then(|| [&[4][..], &x, &y].concat())
    }
}

fn decoded(text: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_deref()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn ed25519(more: &[(&str, &str)]) -> Json {
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([7; 32])});
        for (name, value) in more {
            key[*name] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        }
        key
    }

    #[track_caller]
    fn kids(keys: Vec<Json>, expect: &[&str]) {
        let found = parse(json!({"keys": keys}).to_string().as_bytes()).unwrap_or_default();
        let kids: Vec<&str> = found.iter().map(|key| key.id.as_deref().unwrap_or_default()).collect();
        assert_eq!(kids, expect);
    }

    #[test]
    fn what_is_not_for_signatures_or_not_known_is_left_out() {
        kids(
            vec![
                ed25519(&[("kid", "a")]),
                ed25519(&[("kid", "b"), ("use", "enc")]),
                ed25519(&[("kid", "c"), ("use", "sig"), ("key_ops", r#"["verify"]"#), ("alg", "EdDSA")]),
                ed25519(&[("kid", "d"), ("key_ops", r#"["encrypt"]"#)]),
                ed25519(&[("kid", "e"), ("alg", "none")]),
                ed25519(&[("kid", "f"), ("crv", "X25519")]),
                ed25519(&[("kid", "g"), ("x", "AAAA")]),
                json!({"kty": "oct", "kid": "h", "k": "c2VjcmV0"}),
                json!({"kty": "AKP", "kid": "i"}),
                json!(5),
                json!({"kty": "EC", "crv": "P-256", "kid": "j", "x": "AAAA", "y": "AAAA"}),
                json!({"kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB"}),
                ed25519(&[]),
            ],
            &["a", "c", ""],
        );
    }

    #[test]
    fn a_set_without_keys_or_with_far_too_many_is_none() {
        for text in
            ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []}"#, r#"{"keys": [{"kty": "oct", "k": "AA"}]}"#]
        {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(json!({"keys": vec![ed25519(&[]); 101]}).to_string().as_bytes()).is_err());
    }
}
