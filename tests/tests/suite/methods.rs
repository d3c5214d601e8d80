//! Methods: what may be asked of which place, and how the answers to HEAD and OPTIONS relate to the others.

use http::Method;
use tests::client::{request, with_header};
use tests::on_every_database;
use tests::shop::SHOP;

/// A place, and what its `Allow` says.
const PLACES: &[(&str, &str)] = &[
    ("*", "OPTIONS"),
    ("/", "GET, HEAD, OPTIONS"),
    ("/docs/errors", "GET, HEAD, OPTIONS"),
    ("/api/", "GET, HEAD, OPTIONS"),
    ("/api/operations", "OPTIONS, POST"),
    ("/api/orders", "GET, HEAD, OPTIONS, POST"),
    ("/api/orders/1", "GET, HEAD, OPTIONS, PATCH, DELETE"),
    ("/api/orders/1/items", "GET, HEAD, OPTIONS"),
    ("/api/orders/1/relationships/items", "GET, HEAD, OPTIONS, POST, PATCH, DELETE"),
];

#[tokio::test]
async fn options_tell_what_a_place_answers_and_everything_else_is_405() {
    on_every_database(SHOP, async |shop| {
        for (place, allow) in PLACES {
            let options = shop.send(request(Method::OPTIONS, place)).await;
            options.expect(204);
            assert_eq!(options.headers["allow"], *allow, "{place}");
            for method in [Method::PUT, Method::TRACE, Method::from_bytes(b"BREW").unwrap()] {
                let refused = shop.send(request(method, place)).await;
                refused.refused(405, "method-not-allowed");
                assert_eq!(refused.headers["allow"], *allow, "{place}");
            }
        }
        shop.send(request(Method::OPTIONS, "/api/nothing")).await.refused(404, "not-found");
        shop.send(request(Method::OPTIONS, "/api/nothing/1")).await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn head_says_what_get_says_and_a_trailing_slash_changes_nothing() {
    on_every_database(SHOP, async |shop| {
        for place in ["/api", "/api/orders", "/api/orders/1", "/api/orders/1/customer", "/api/orders/4711"] {
            let get = shop.get(place).await;
            let head = shop.send(request(Method::HEAD, place)).await;
            assert_eq!((get.status, &get.headers), (head.status, &head.headers), "{place}");
            let slash = shop.get(&format!("{place}/")).await;
            assert_eq!((get.status, &get.headers), (slash.status, &slash.headers), "{place}/");
        }
    })
    .await;
}

#[tokio::test]
async fn every_answer_varies_by_accept_and_is_json_api() {
    on_every_database(SHOP, async |shop| {
        for accept in ["*/*", "application/json", "text/html, application/*;q=0.1", "text/html"] {
            let answer =
                shop.send(with_header(request(Method::GET, "/api/orders/1"), "accept", accept)).await;
            assert_eq!(answer.headers["content-type"], "application/vnd.api+json", "{accept}");
            assert_eq!(answer.headers["vary"], "Accept", "{accept}");
        }
    })
    .await;
}
