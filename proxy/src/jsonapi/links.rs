//! Links: paths under the API's prefix, or under the configured public base; never made from the Host header.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::route::Endpoint;
use crate::state::ApiSettings;

/// What stands encoded in a path segment: all but the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `/api`, with the public base before it where one is configured.
pub fn base(api: &ApiSettings) -> String {
    format!("{}{}", api.public_url.trim_end_matches('/'), api.prefix.trim_end_matches('/'))
}

/// `/api/orders`.
pub fn collection(api: &ApiSettings, ty: &str) -> String {
    format!("{}/{}", base(api), segment(ty))
}

/// `/api/orders/7`: `links.self` of the resource, and its `Location`.
pub fn resource(api: &ApiSettings, ty: &str, id: &str) -> String {
    format!("{}/{}", collection(api, ty), segment(id))
}

/// `/api/orders/7/customer`.
pub fn related(api: &ApiSettings, ty: &str, id: &str, relationship: &str) -> String {
    format!("{}/{}", resource(api, ty, id), segment(relationship))
}

/// `/api/orders/7/relationships/customer`.
pub fn linkage(api: &ApiSettings, ty: &str, id: &str, relationship: &str) -> String {
    format!("{}/relationships/{}", resource(api, ty, id), segment(relationship))
}

/// The path of an endpoint, in its one canonical form.
pub fn of(api: &ApiSettings, endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Server | Endpoint::Page(_) | Endpoint::Index => format!("{}/", base(api)),
        Endpoint::Operations => collection(api, "operations"),
        Endpoint::Collection { ty } => collection(api, ty),
        Endpoint::Resource { ty, id } => resource(api, ty, id),
        Endpoint::Related { ty, id, relationship: name } => related(api, ty, id, name),
        Endpoint::Linkage { ty, id, relationship: name } => linkage(api, ty, id, name),
    }
}

/// One path segment, percent-encoded.
pub fn segment(text: &str) -> String {
    // A segment of dots alone would be taken for the folder or its parent.
    match text {
        "." => "%2E".into(),
        ".." => "%2E%2E".into(),
        _ => utf8_percent_encode(text, SEGMENT).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_keep_only_unreserved_characters() {
        for (text, expect) in
            [("Smith.20~2", "Smith.20~2"), ("a/b c", "a%2Fb%20c"), ("ü", "%C3%BC"), ("..", "%2E%2E")]
        {
            assert_eq!(segment(text), expect);
        }
    }

    #[test]
    fn links_are_absolute_paths_or_use_the_public_base() {
        let mut api = ApiSettings::default();
        assert_eq!(resource(&api, "orders", "7"), "/api/orders/7");
        assert_eq!(linkage(&api, "orders", "7", "customer"), "/api/orders/7/relationships/customer");
        api.public_url = "https://shop.example/".into();
        assert_eq!(collection(&api, "orders"), "https://shop.example/api/orders");
    }
}
