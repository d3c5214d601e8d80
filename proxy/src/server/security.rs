//! What every answer tells browsers, of the API and of the admin listener: to take it for what it says it is, and to show and load as little
//! as possible.
//!
//! An answer that needs something else says so itself, as the pages of the documentation do with their policy.

use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Unless an answer says otherwise. Pages that `server.cors` admits read by CORS, which does not ask the resource policy.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// That a browser comes back by TLS alone, for a year, to this name: others are not ours to promise for. Said over TLS only: elsewhere it means
/// nothing (RFC 6797, 7.2).
pub(super) const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds what is missing. `tls`: whether the connection is one.
pub(super) fn secure(headers: &mut HeaderMap, tls: bool) {
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    if tls {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(TLS_ONLY);
    }
}
