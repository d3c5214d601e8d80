//! "Content Negotiation".

use http::Method;
use proxy::jsonapi::media::{ATOMIC, CURSOR_PAGINATION, JSON_API};
use serde_json::json;
use tests::client::{request, with_body, with_header};
use tests::document::linkage;
use tests::on_every_database;
use tests::shop::SHOP;

#[tokio::test]
async fn an_accept_is_met_by_any_instance_without_foreign_parameters() {
    let own = |parameters: &str| format!("{JSON_API}{parameters}");
    let atomic = own(&format!(";ext=\"{ATOMIC}\""));
    let other = own(";ext=\"https://elsewhere.example/ext\"");
    let cases = [
        (own(""), 200),
        (own(";charset=utf-8"), 406),
        (own(";charset=utf-8, application/vnd.api+json;version=1"), 406),
        (format!("{}, {}", own(";charset=utf-8"), own(";q=0.1")), 200),
        (other.clone(), 406),
        (atomic.clone(), 406),
        (format!("{other}, {atomic}"), 406),
        (format!("{other}, {JSON_API}"), 200),
        (own(";profile=\"https://elsewhere.example/profile\""), 200),
    ];
    on_every_database(SHOP, async |shop| {
        for (accept, status) in &cases {
            let answer = shop.get_with("/api/orders/1", "accept", accept).await;
            assert_eq!(answer.status, *status, "{accept}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_content_type_takes_no_other_parameters_and_no_other_extension() {
    on_every_database(SHOP, async |shop| {
        let document = json!({"data": {"type": "orders", "id": "7", "attributes": {"notes": "x"}}});
        for (parameters, status) in [
            ("", 200),
            (";profile=\"https://elsewhere.example/profile\"", 200),
            (";profile=\"https://elsewhere.example/a https://elsewhere.example/b\"", 200),
            (";charset=utf-8", 415),
            (";version=1.1", 415),
            (";ext=\"https://elsewhere.example/ext\"", 415),
            (";ext=\"https://jsonapi.org/ext/atomic\"", 415),
        ] {
            let sent = with_body(request(Method::PATCH, "/api/orders/7"), &document);
            let sent = with_header(sent, "content-type", &format!("{JSON_API}{parameters}"));
            assert_eq!(shop.send(sent).await.status, status, "{parameters}");
        }
    })
    .await;
}

#[tokio::test]
async fn profiles_are_applied_where_they_are_known_and_ignored_elsewhere() {
    on_every_database(SHOP, async |shop| {
        for (profiles, applied) in [
            ("https://elsewhere.example/profile".to_owned(), false),
            (CURSOR_PAGINATION.to_owned(), true),
            (format!("https://elsewhere.example/profile {CURSOR_PAGINATION}"), true),
        ] {
            let accept = format!("{JSON_API};profile=\"{profiles}\"");
            let answer = shop.get_with("/api/orders", "accept", &accept).await;
            let media_type = answer.headers["content-type"].to_str().unwrap();
            let expect = format!("{JSON_API};profile=\"{CURSOR_PAGINATION}\"");
            assert_eq!(media_type, if applied { expect.as_str() } else { JSON_API });
            let named = answer.expect(200)["jsonapi"].get("profile").cloned();
            assert_eq!(named, applied.then(|| json!([CURSOR_PAGINATION])));
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_document_says_of_itself_negotiates_nothing() {
    on_every_database(SHOP, async |shop| {
        let claims = json!({"version": "9.9", "ext": [ATOMIC], "profile": [CURSOR_PAGINATION]});
        let sent = json!({"jsonapi": claims, "data": {"type": "tags", "id": "new"}});
        let made = shop.post("/api/tags", sent).await;
        assert_eq!(made.headers["content-type"], JSON_API);
        assert_eq!(made.expect(201)["jsonapi"], json!({"version": "1.1"}));
        let operations = json!({"jsonapi": {"ext": [ATOMIC]}, "atomic:operations": []});
        shop.post("/api/operations", operations).await.refused(415, "unsupported-media-type");
        let sent = json!({"jsonapi": claims, "data": linkage("tags", &["new"])});
        shop.relate(Method::POST, "/api/products/1/relationships/tags", sent["data"].clone())
            .await
            .expect(204);
    })
    .await;
}
