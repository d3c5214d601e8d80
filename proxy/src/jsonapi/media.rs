//! Content negotiation (JSON:API 1.1, "Content Negotiation").
//!
//! What we speak is `application/vnd.api+json`. Parameters other than `ext` and `profile` are refused, and so is every extension that the
//! endpoint does not speak (only the operations' speaks one); profiles that we do not know are ignored, as the specification says.
//!
//! Collections come in other forms too, where `Accept` names them and likes them better.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::{Error, ErrorCode, Result};

/// The media type of every answer.
pub const JSON_API: &str = "application/vnd.api+json";

/// The URI of the Atomic Operations extension.
pub const ATOMIC: &str = "https://jsonapi.org/ext/atomic";

/// The media type of what the operations' endpoint takes and answers.
pub const JSON_API_ATOMIC: &str = r#"application/vnd.api+json;ext="https://jsonapi.org/ext/atomic""#;

/// The URI of the Cursor Pagination profile.
pub const CURSOR_PAGINATION: &str = "https://jsonapi.org/profiles/ethanresnick/cursor-pagination";

/// The profile's type of the error that a page is larger than any may be.
pub const MAX_SIZE_EXCEEDED: &str =
    "https://jsonapi.org/profiles/ethanresnick/cursor-pagination/max-size-exceeded";

/// The profile's type of the error that rows cannot be paginated in the order asked for.
pub const UNSUPPORTED_SORT: &str =
    "https://jsonapi.org/profiles/ethanresnick/cursor-pagination/unsupported-sort";

/// How clients spell the profile's URI; its own page does it otherwise than the registry.
const CURSOR_PAGINATION_SPELLINGS: [&str; 4] = [
    CURSOR_PAGINATION,
    "https://jsonapi.org/profiles/ethanresnick/cursor-pagination/",
    "http://jsonapi.org/profiles/ethanresnick/cursor-pagination",
    "http://jsonapi.org/profiles/ethanresnick/cursor-pagination/",
];

/// The forms in which a collection is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Page by page, a JSON:API document each.
    #[default]
    Document,
    /// All of it: a line of values for each resource (RFC 4180).
    Csv,
    /// All of it: a line with a resource object each.
    Ndjson,
}

impl Form {
    /// Those that hold all of a collection.
    const EXPORTS: [Self; 2] = [Self::Csv, Self::Ndjson];

    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Document => JSON_API,
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// The Content-Type, which says what the parameters would only choose if there were a choice.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            _ => self.name(),
        }
    }

    /// What its files end in.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Document => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// Whether a media type with these parameters means it.
    fn takes(self, parameters: &[(String, String)]) -> bool {
        parameters.iter().all(|(name, value)| match name.as_str() {
            "charset" => value.eq_ignore_ascii_case("utf-8"),
            "header" => self == Self::Csv && value == "present",
            _ => false,
        })
    }
}

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

/// One of the media types of an `Accept`.
struct Range {
    /// In lower case.
    name: String,
    /// Without the weight.
    parameters: Vec<(String, String)>,
    /// In thousandths; 0: not wanted.
    weight: u16,
}

/// Refuses an `Accept` that leaves no form in which we could answer (406).
///
/// Where JSON:API is named, one of its instances must be without parameters that we do not speak, whatever else is accepted: so the
/// specification says. Where it is not, JSON or a wildcard will do.
pub fn accept(headers: &HeaderMap, extension: Extension) -> Result<()> {
    let ranges = ranges(headers)?;
    if ranges.is_empty() || weight(&ranges, extension) > 0 {
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

/// The form in which a collection is wanted most. Of two that are wanted alike it is the one that is named, and of these a document.
///
/// Errors: 406, as for whatever is no collection; an export must be named.
pub fn form(headers: &HeaderMap) -> Result<Form> {
    let ranges = ranges(headers)?;
    let is_document = |range: &&Range| range.name == JSON_API || range.name == "application/json";
    let named = ranges.iter().any(|range| is_document(&range) && range.weight > 0);
    let own = || ranges.iter().filter(|range| range.name == JSON_API);
    let sound = own().next().is_none() || own().any(|range| range.is_spoken(Extension::None));
    let document = weight(&ranges, Extension::None);
    let of = |form: Form| {
        let meant = ranges.iter().filter(|range| range.name == form.name() && form.takes(&range.parameters));
        (meant.map(|range| range.weight).max().unwrap_or(0), form)
    };
    // The first of those that weigh most.
    let (most, export) =
        Form::EXPORTS.into_iter().rev().map(of).max_by_key(|(weight, _)| *weight).unwrap_or_default();
    match sound {
        true if most > document || (most > 0 && most == document && !named) => Ok(export),
        true if document > 0 || ranges.is_empty() => Ok(Form::Document),
        _ => {
            let detail = "Accept application/vnd.api+json without other parameters than profile, text/csv or application/x-ndjson.";
            Err(Error::new(ErrorCode::NotAcceptable, detail).header("Accept").into())
        }
    }
}

/// The Cursor Pagination profile in the client's spelling, where `Accept` asks for it. Other profiles are ignored, as they must be.
pub fn cursor_pagination(headers: &HeaderMap) -> Result<Option<&'static str>> {
    let own = |range: &Range| range.name == JSON_API && range.weight > 0 && range.is_spoken(Extension::None);
    let asked: Vec<Range> = ranges(headers)?.into_iter().filter(own).collect();
    let parameters = asked.iter().flat_map(|range| &range.parameters).filter(|(name, _)| name == "profile");
    let mut uris = parameters.flat_map(|(_, uris)| uris.split_ascii_whitespace());
    Ok(uris.find_map(|uri| CURSOR_PAGINATION_SPELLINGS.into_iter().find(|known| *known == uri)))
}

/// The media type of a document with a profile applied.
pub fn with_profile(profile: &str) -> String {
    format!("{JSON_API};profile=\"{profile}\"")
}

/// Refuses a document of another media type (415). Called for requests with a body alone.
pub fn content_type(headers: &HeaderMap, extension: Extension) -> Result<()> {
    let refuse = |detail: &str| {
        Err(Error::new(ErrorCode::UnsupportedMediaType, detail.to_owned()).header("Content-Type").into())
    };
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return refuse("Say Content-Type: application/vnd.api+json.") };
    if values.next().is_some() {
        return refuse("Say one Content-Type.");
    }
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

/// How much a document is wanted.
fn weight(ranges: &[Range], extension: Extension) -> u16 {
    let named = |name: &str| ranges.iter().filter(|range| range.name == name).collect::<Vec<_>>();
    let most = |ranges: &[&Range]| ranges.iter().map(|range| range.weight).max().unwrap_or(0);
    let own = named(JSON_API);
    if !own.is_empty() {
        let spoken: Vec<&Range> = own.into_iter().filter(|range| range.is_spoken(extension)).collect();
        return most(&spoken);
    }
    let wildcard = match named("application/*") {
        subtypes if !subtypes.is_empty() => subtypes,
        _ => named("*/*"),
    };
    most(&wildcard).max(most(&named("application/json")))
}

impl Range {
    fn is_spoken(&self, extension: Extension) -> bool {
        self.parameters.iter().all(|(name, value)| match name.as_str() {
            "profile" => true,
            "ext" => extension.speaks(value),
            _ => false,
        })
    }
}

/// The media types of all `Accept` headers. Errors: 400 for a weight that is none.
fn ranges(headers: &HeaderMap) -> Result<Vec<Range>> {
    let mut ranges = Vec::new();
    for value in headers.get_all(ACCEPT) {
        for text in split(&String::from_utf8_lossy(value.as_bytes()), ',') {
            ranges.push(range(&text)?);
        }
    }
    Ok(ranges)
}

fn range(text: &str) -> Result<Range> {
    let mut parts = split(text, ';').into_iter();
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let (weights, parameters): (Vec<_>, Vec<_>) =
        parts.map(|part| parameter(&part)).partition(|(name, _)| name == "q");
    let weight = match weights.first() {
        None => 1000,
        Some((_, weight)) => quality(weight).ok_or_else(|| no_weight(weight))?,
    };
    Ok(Range { name, parameters, weight })
}

/// A weight in thousandths: `1`, `0.5` (RFC 9110, 12.4.2).
pub fn quality(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

fn no_weight(weight: &str) -> Error {
    let detail = format!("{weight:?} is no weight: they go from 0 to 1 with at most three decimals.");
    Error::new(ErrorCode::MalformedRequest, detail).header("Accept")
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
            ("application/vnd.api+json; charset=utf-8, */*", false),
            ("application/vnd.api+json; q=0, */*", false),
            ("application/vnd.api+json; q=0.001", true),
            ("text/html", false),
            ("text/html, */*;q=0.1", true),
            ("application/*", true),
            ("application/*; q=0, */*", false),
            ("application/json; q=0, */*", true),
            ("application/json; q=0", false),
            ("APPLICATION/VND.API+JSON", true),
            ("application/vnd.api+json;", true),
            ("*/*;q=0", false),
            ("*/*; Q=0.000", false),
        ] {
            assert_eq!(accept(&headers(ACCEPT, value), Extension::None).is_ok(), expect, "{value}");
        }
        assert!(accept(&HeaderMap::new(), Extension::None).is_ok());
    }

    #[test]
    fn a_collection_is_exported_where_that_is_wanted_by_name() {
        use Form::{Csv, Document, Ndjson};
        for (value, expect) in [
            ("", Some(Document)),
            ("*/*", Some(Document)),
            ("text/csv", Some(Csv)),
            ("application/x-ndjson", Some(Ndjson)),
            ("TEXT/CSV; charset=UTF-8; header=present", Some(Csv)),
            ("text/csv; header=absent", None),
            ("text/csv; header=absent, */*", Some(Document)),
            ("text/*", None),
            ("text/csv, */*", Some(Csv)),
            ("text/csv, */*;q=0.1", Some(Csv)),
            ("text/csv;q=0.5, */*", Some(Document)),
            ("text/csv, application/x-ndjson", Some(Csv)),
            ("text/csv;q=0.5, application/x-ndjson", Some(Ndjson)),
            ("text/csv, application/vnd.api+json", Some(Document)),
            ("text/csv, application/json, */*", Some(Document)),
            ("text/csv, application/vnd.api+json;q=0.9", Some(Csv)),
            ("text/csv, application/vnd.api+json;q=0", Some(Csv)),
            ("text/csv;q=0", None),
            ("text/csv;q=0, */*;q=0.1", Some(Document)),
            ("text/csv, application/vnd.api+json; charset=utf-8", None),
            ("text/html", None),
        ] {
            assert_eq!(form(&headers(ACCEPT, value)).ok(), expect, "{value}");
        }
        assert_eq!(form(&HeaderMap::new()), Ok(Document));
        assert_eq!(form(&headers(ACCEPT, "text/csv;q=x")).unwrap_err().status(), 400);
    }

    #[test]
    fn a_weight_is_a_number_from_0_to_1() {
        for (weight, expect) in [
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("0.5", Some(500)),
            ("0.", Some(0)),
            ("0.001", Some(1)),
            ("", None),
            ("1.001", None),
            ("2", None),
            ("-1", None),
            (".5", None),
            ("0.1234", None),
            ("0.x", None),
        ] {
            assert_eq!(quality(weight), expect, "{weight}");
        }
        let errors = accept(&headers(ACCEPT, "*/*;q=high"), Extension::None).unwrap_err();
        assert_eq!(errors.status(), 400);
    }

    #[test]
    fn two_content_types_are_none() {
        let mut headers = headers(CONTENT_TYPE, JSON_API);
        headers.append(CONTENT_TYPE, HeaderValue::from_static(JSON_API));
        assert_eq!(content_type(&headers, Extension::None).unwrap_err().status(), 415);
    }

    #[test]
    fn the_cursor_profile_is_found_among_others_as_it_is_spelled() {
        let other = "https://a.example/timestamps";
        for (value, expect) in [
            (with_profile(CURSOR_PAGINATION), Some(0)),
            (format!("{JSON_API}, {JSON_API}; PROFILE=\"{other} {CURSOR_PAGINATION}/\";q=0.5"), Some(1)),
            (
                format!("{JSON_API};profile=\"http://jsonapi.org/profiles/ethanresnick/cursor-pagination/\""),
                Some(3),
            ),
            (format!("{JSON_API};profile=\"{other}\""), None),
            (format!("{JSON_API};profile=\"{CURSOR_PAGINATION}\";q=0, */*"), None),
            (format!("text/html;profile=\"{CURSOR_PAGINATION}\", */*"), None),
            (JSON_API.to_owned(), None),
        ] {
            let found = cursor_pagination(&headers(ACCEPT, &value)).unwrap();
            assert_eq!(found, expect.map(|n: usize| CURSOR_PAGINATION_SPELLINGS[n]), "{value}");
        }
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
