//! Which pages of other origins may read answers (Fetch standard, "CORS protocol"): those that are named, and no others.
//!
//! Credentials that a browser adds by itself (cookies) are never admitted; what a page sends in `Authorization` is.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::respond::vary;
use crate::exchange::Response;

/// The origins.
pub(super) struct Cors(Vec<String>);

/// Methods of the API. Where one of them is not answered, the page reads the 405.
const METHODS: &str = "GET, HEAD, POST, PATCH, DELETE";

/// What a page may send besides what every page may.
const HEADERS: &str = "Accept, Authorization, Cache-Control, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, \
    Rulegate-Trace, Traceparent, Tracestate, X-Request-Id";

/// What a page may read besides what every page may.
const EXPOSED: &str = "Allow, Content-Disposition, ETag, Location, Preference-Applied, Retry-After, Server-Timing, WWW-Authenticate, X-Request-Id";

/// How long a browser remembers what it was told, in seconds.
const MAX_AGE_S: &str = "600";

impl Cors {
    pub(super) fn new(origins: &[String]) -> Self {
        Self(origins.to_vec())
    }

    /// The answer to a browser that asks whether a page may ask, where it may.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let asked = *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        (asked && self.admitted(headers).is_some()).then(|| {
            Response::empty(StatusCode::NO_CONTENT)
                .header(ACCESS_CONTROL_ALLOW_METHODS, METHODS)
                .header(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS)
                .header(ACCESS_CONTROL_MAX_AGE, MAX_AGE_S)
        })
    }

    /// Says in an answer who may read it.
    pub(super) fn admit(&self, asked: &HeaderMap, answer: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        vary(answer, "Origin");
        if let Some(origin) = self.admitted(asked) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }

    /// The origin of a request, where it is one of those.
    fn admitted<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let (origin, None) = (origins.next()?, origins.next()) else { return None };
        self.0.iter().any(|own| own.as_bytes() == origin.as_bytes()).then_some(origin)
    }
}

/// Whether a text is an origin as browsers write it: `https://shop.example`, `http://localhost:3000`.
pub(crate) fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._[]:".contains(&b);
    ["http", "https"].contains(&scheme)
        && !host.is_empty()
        && host.bytes().all(named)
        && port.parse::<u16>().is_ok_and(|number| number.to_string() == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_perhaps_a_port() {
        for (text, expect) in [
            ("https://shop.example", true),
            ("http://localhost:3000", true),
            ("http://[::1]:3000", true),
            ("https://shop.example/", false),
            ("https://Shop.example", false),
            ("https://shop.example:0443", false),
            ("https://*.example", false),
            ("shop.example", false),
            ("ftp://shop.example", false),
            ("https://", false),
            ("*", false),
            ("null", false),
        ] {
            assert_eq!(is_origin(text), expect, "{text}");
        }
    }

    #[test]
    fn only_the_named_origins_are_admitted() {
        let cors = Cors::new(&["https://a.example".to_owned()]);
        for (asked, expect) in [
            (headers(&[("origin", "https://a.example")]), Some("https://a.example")),
            (headers(&[("origin", "https://b.example")]), None),
            (headers(&[("origin", "https://a.example.evil.example")]), None),
            (headers(&[("origin", "http://a.example")]), None),
            (headers(&[("origin", "null")]), None),
            (headers(&[]), None),
        ] {
            let mut answer = headers(&[("vary", "Accept")]);
            cors.admit(&asked, &mut answer);
            let admitted = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|origin| origin.to_str().unwrap());
            assert_eq!(admitted, expect, "{asked:?}");
            assert_eq!(answer["vary"], "Accept, Origin");
            assert!(!answer.contains_key("access-control-allow-credentials"));
        }
        let mut none = HeaderMap::new();
        Cors::new(&[]).admit(&headers(&[("origin", "https://a.example")]), &mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn a_browser_that_asks_first_is_told_what_a_page_may_send() {
        let cors = Cors::new(&["https://a.example".to_owned()]);
        let asked = headers(&[("origin", "https://a.example"), ("access-control-request-method", "PATCH")]);
        let answer = cors.preflight(&Method::OPTIONS, &asked).unwrap();
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.headers[ACCESS_CONTROL_ALLOW_METHODS], METHODS);
        assert!(answer.headers[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("Content-Type"));
        for (method, asked) in [
            (Method::GET, asked),
            (Method::OPTIONS, headers(&[("origin", "https://a.example")])),
            (
                Method::OPTIONS,
                headers(&[("origin", "https://b.example"), ("access-control-request-method", "PATCH")]),
            ),
        ] {
            assert!(cors.preflight(&method, &asked).is_none(), "{method} {asked:?}");
        }
    }
}
