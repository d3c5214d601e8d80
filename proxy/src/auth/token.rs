//! The text of a token → its parts (RFC 7515, "JWS Compact Serialization"; RFC 7519). Nothing is believed yet: what it claims is read only after its
//! signature has been checked.
//!
//! Of the header, `alg` and `kid` count. Keys that it brings along (`jwk`, `x5c`) or points to (`jku`, `x5u`) are never looked at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json};

use super::algorithm::Algorithm;
use super::fault::Fault;
use crate::jsonapi::document::read_json;

/// Most bytes of a token.
pub(super) const BYTES_MAX: usize = 8 * 1024;

/// Deepest nesting of what it claims.
const DEPTH_MAX: usize = 16;

/// A token that is well formed.
pub(super) struct Token<'a> {
    /// How it says that it was signed.
    pub(super) algorithm: Algorithm,
    /// The key that it names.
    pub(super) key_id: Option<String>,
    /// What is signed.
    pub(super) signed: &'a [u8],
    /// With what.
    pub(super) signature: Vec<u8>,
    payload: &'a str,
}

impl<'a> Token<'a> {
    /// Takes it apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        if text.len() > BYTES_MAX {
            return Err(Fault::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Fault::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Fault::Malformed)?;
        if payload.contains('.') {
            return Err(Fault::Malformed);
        }
        let (header, signature) = (object(header)?, decoded(signature)?);
        let algorithm = algorithm(&header)?;
        let key_id = key_id(&header)?;
        Ok(Self { algorithm, key_id, signed: signed.as_bytes(), signature, payload })
    }

    /// What it claims.
    pub(super) fn claims(&self) -> Result<Map<String, Json>, Fault> {
        object(self.payload)
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed)
}

/// An object of JSON in which no name stands twice.
fn object(part: &str) -> Result<Map<String, Json>, Fault> {
    match read_json(&decoded(part)?, DEPTH_MAX) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(Fault::Malformed),
    }
}

/// The algorithm. What must be understood (`crit`) or changes what is signed (`b64`, `zip`) is refused, and so are tokens of other purposes
/// (`typ`; RFC 8725, 3.11).
fn algorithm(header: &Map<String, Json>) -> Result<Algorithm, Fault> {
    if ["crit", "b64", "zip", "enc"].iter().any(|name| header.contains_key(*name)) {
        return Err(Fault::Malformed);
    }
    let purpose = match header.get("typ") {
        None => String::from("jwt"),
        Some(Json::String(purpose)) => purpose.to_ascii_lowercase(),
        Some(_) => return Err(Fault::Malformed),
    };
    if purpose != "jwt" && purpose != "application/jwt" && !purpose.ends_with("at+jwt") {
        return Err(Fault::Purpose);
    }
    match header.get("alg") {
        Some(Json::String(name)) => {
            Algorithm::named(name).ok_or(Fault::Signature("an algorithm that is not known"))
        }
        _ => Err(Fault::Malformed),
    }
}

/// Only ever compared.
fn key_id(header: &Map<String, Json>) -> Result<Option<String>, Fault> {
    match header.get("kid") {
        None => Ok(None),
        Some(Json::String(id)) => Ok(Some(id.clone())),
        Some(_) => Err(Fault::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(header: &str) -> String {
        format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn a_token_has_three_parts_and_a_header_that_can_be_trusted_to_mean_one_thing() {
        for header in [
            r#"{"alg":"HS256"}"#,
            r#"{"typ":"JWT","alg":"HS256"}"#,
            r#"{"typ":"at+jwt","alg":"HS256","kid":"../etc/passwd","jku":"https://evil.example"}"#,
        ] {
            assert!(Token::parse(&text(header)).is_ok(), "{header}");
        }
        for header in [
            "",
            "[]",
            r#""HS256""#,
            r#"{"alg":"none"}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{}"#,
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","kid":7}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","typ":"dpop+jwt"}"#,
            r#"{"alg":"HS256"} {}"#,
        ] {
            assert!(Token::parse(&text(header)).is_err(), "{header}");
        }
        let sound = text(r#"{"alg":"HS256"}"#);
        for broken in ["", ".", "..", "...", "e30", &sound[1..], &format!("{sound}."), &format!("{sound}=")] {
            assert!(Token::parse(broken).is_err(), "{broken}");
        }
    }
}
