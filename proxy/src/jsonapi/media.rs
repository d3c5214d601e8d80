//! Content negotiation (JSON:API 1.1, "Content Negotiation").
//!
//! What we speak is `application/vnd.api+json`. Parameters other than `ext` and `profile` are refused, and so is every extension that the
//! endpoint does not speak (only the operations' speaks one); profiles that we do not know are ignored, as the specification says.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::{Error, ErrorCode, Result};

/// The media type of every answer.
pub const JSON_API: &str = "application/vnd.api+json";

/// The URI of the Atomic Operations extension.
pub const ATOMIC: &str = "https://jsonapi.org/ext/atomic";

/// The media type of what the operations' endpoint takes and answers.
pub const JSON_API_ATOMIC: &str = r#"application/vnd.api+json;ext="https://jsonapi.org/ext/atomic""#;

/// What an endpoint speaks besides JSON:API itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Nothing.
    None,
    /// The Atomic Operations extension, and a document must say that it does.
    Atomic,
}

impl Extension {
    /// Whether all extensions that a media type names (URIs between spaces) are spoken here.
    fn speaks(self, uris: &str) -> bool {
        uris.split_ascii_whitespace().all(|uri| self == Self::Atomic && uri == ATOMIC)
    }
}

/// Refuses an `Accept` that leaves no form in which we could answer (406).
pub fn accept(headers: &HeaderMap, extension: Extension) -> Result<()> {
    let mut ranges = Vec::new();
    for value in headers.get_all(ACCEPT) {
        ranges.extend(split(&String::from_utf8_lossy(value.as_bytes()), ','));
    }
    if ranges.is_empty() || ranges.iter().any(|range| acceptable(range, extension)) {
        return Ok(());
    }
    let detail = match extension {
        Extension::None => {
            "Accept application/vnd.api+json without other parameters than profile.".to_owned()
        }
        Extension::Atomic => format!("Accept {JSON_API_ATOMIC} without other parameters than profile."),
    };
    Err(Error::new(ErrorCode::NotAcceptable, detail).header("Accept").into())
}

/// Refuses a document of another media type (415). Called for requests with a body alone.
pub fn content_type(headers: &HeaderMap, extension: Extension) -> Result<()> {
    let refuse = |detail: &str| {
        Err(Error::new(ErrorCode::UnsupportedMediaType, detail.to_owned()).header("Content-Type").into())
    };
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return refuse("Say Content-Type: application/vnd.api+json.");
    };
    let parts = split(&String::from_utf8_lossy(value.as_bytes()), ';');
    let mut parts = parts.iter();
    if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case(JSON_API)) {
        return refuse("Documents are application/vnd.api+json.");
    }
    let mut spoken = Extension::None;
    for (name, value) in parts.map(|part| parameter(part)) {
        match name.as_str() {
            "profile" => {}
            "ext" if extension.speaks(&value) => {
                spoken = if value.is_empty() { spoken } else { extension };
            }
            "ext" if extension == Extension::None => return refuse("No extension is served here."),
            "ext" => return refuse("No other extension than Atomic Operations is served here."),
            _ => return refuse("The media type takes no other parameters than ext and profile."),
        }
    }
    match spoken == extension {
        true => Ok(()),
        false => refuse(&format!("Operations are {JSON_API_ATOMIC}: say so in Content-Type.")),
    }
}

/// Whether a media range lets us answer: JSON:API with nothing but a profile, JSON, or anything at all.
fn acceptable(range: &str, extension: Extension) -> bool {
    let parts = split(range, ';');
    let Some((name, parameters)) = parts.split_first() else { return false };
    let parameters: Vec<_> = parameters.iter().map(|part| parameter(part)).collect();
    if parameters.iter().any(|(name, value)| name == "q" && value.parse::<f32>().is_ok_and(|q| q <= 0.0)) {
        return false;
    }
    match name.to_ascii_lowercase().as_str() {
        "*/*" | "application/*" | "application/json" => true,
        JSON_API => parameters.iter().all(|(name, value)| {
            matches!(name.as_str(), "profile" | "q") || (name == "ext" && extension.speaks(value))
        }),
        _ => false,
    }
}

/// `name=value` or `name="value"`, the name in lower case.
fn parameter(part: &str) -> (String, String) {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').trim().to_owned())
}

/// The non-empty parts between separators that stand outside of quotes.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for c in text.chars() {
        quoted ^= c == '"';
        match parts.last_mut() {
            Some(part) if c != separator || quoted => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        [(name, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn accept_takes_json_api_without_foreign_parameters() {
        for (value, expect) in [
            ("", true),
            ("*/*", true),
            ("application/json", true),
            ("application/vnd.api+json", true),
            ("text/html, application/vnd.api+json;q=0.5", true),
            ("application/vnd.api+json; profile=\"https://a.example/x,y\"", true),
            ("application/vnd.api+json; charset=utf-8", false),
            ("application/vnd.api+json; ext=\"https://jsonapi.org/ext/atomic\"", false),
            ("application/vnd.api+json; charset=utf-8, application/vnd.api+json", true),
            ("text/html", false),
            ("*/*;q=0", false),
        ] {
            assert_eq!(accept(&headers(ACCEPT, value), Extension::None).is_ok(), expect, "{value}");
        }
        assert!(accept(&HeaderMap::new(), Extension::None).is_ok());
    }

    #[test]
    fn operations_are_negotiated_by_their_extension() {
        for (value, sent, accepted) in [
            (JSON_API_ATOMIC, true, true),
            (
                "application/vnd.api+json; ext=\"https://jsonapi.org/ext/atomic\"; profile=\"https://a.example\"",
                true,
                true,
            ),
            ("application/vnd.api+json", false, true),
            ("application/vnd.api+json; ext=\"\"", false, true),
            (
                "application/vnd.api+json; ext=\"https://jsonapi.org/ext/atomic https://a.example\"",
                false,
                false,
            ),
            ("application/vnd.api+json; ext=\"https://a.example\"", false, false),
            ("application/vnd.api+json; charset=utf-8", false, false),
        ] {
            assert_eq!(
                content_type(&headers(CONTENT_TYPE, value), Extension::Atomic).is_ok(),
                sent,
                "{value}"
            );
            assert_eq!(accept(&headers(ACCEPT, value), Extension::Atomic).is_ok(), accepted, "{value}");
        }
    }

    #[test]
    fn documents_must_be_json_api() {
        for (value, expect) in [
            ("application/vnd.api+json", true),
            ("Application/Vnd.Api+Json; profile=\"https://a.example\"", true),
            ("application/vnd.api+json; charset=utf-8", false),
            ("application/vnd.api+json; ext=\"https://jsonapi.org/ext/atomic\"", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(
                content_type(&headers(CONTENT_TYPE, value), Extension::None).is_ok(),
                expect,
                "{value}"
            );
        }
    }
}
