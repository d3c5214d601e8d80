//! The Atomic Operations extension.

use http::Method;
use proxy::jsonapi::media::{ATOMIC, JSON_API_ATOMIC};
use serde_json::json;
use tests::client::{operations_request, request};
use tests::document::{add, remove, update};
use tests::shop::SHOP;
use tests::{Document, on_every_database};

#[tokio::test]
async fn results_stand_where_their_operations_stood() {
    on_every_database(SHOP, async |shop| {
        let answer = shop
            .operations(vec![
                remove("items", "9"),
                add(Document::of("tags").id("new")),
                remove("orders", "7"),
                update(Document::of("items").id("1").attribute("quantity", 2)),
                json!({"op": "update", "ref": {"type": "orders", "id": "1", "relationship": "sales_rep"}, "data": null}),
                json!({"op": "add", "ref": {"type": "products", "id": "1", "relationship": "tags"}, "data": [{"type": "tags", "id": "new"}]}),
                json!({"op": "remove", "ref": {"type": "products", "id": "2", "relationship": "tags"}, "data": [{"type": "tags", "id": "iron"}]}),
            ])
            .await;
        assert_eq!(answer.headers["content-type"], JSON_API_ATOMIC);
        let document = answer.expect(200);
        assert_eq!(document["jsonapi"]["ext"], json!([ATOMIC]));
        let results = document["atomic:results"].as_array().unwrap();
        assert_eq!(results.len(), 7);
        for n in [0, 2, 4, 5, 6] {
            assert_eq!(results[n], json!({}), "{n}");
        }
        assert_eq!(results[1]["data"]["id"], "new");
        assert_eq!(results[3]["data"]["attributes"]["amount"].to_string(), "25.00");
    })
    .await;
}

#[tokio::test]
async fn operations_without_anything_to_show_are_answered_with_nothing() {
    on_every_database(SHOP, async |shop| {
        let answer = shop.operations(vec![remove("items", "9"), remove("orders", "7")]).await;
        answer.expect(204);
        shop.get("/api/items/9").await.refused(404, "not-found");
        shop.get("/api/orders/7").await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn an_operation_sees_what_those_before_it_have_done() {
    on_every_database(SHOP, async |shop| {
        let label = |text: &str| update(Document::of("tags").id("new").attribute("label", text));
        let tags = |op: &str| json!({"op": op, "ref": {"type": "products", "id": "3", "relationship": "tags"}, "data": [{"type": "tags", "id": "new"}]});
        let answer = shop
            .operations(vec![add(Document::of("tags").id("new")), label("a"), label("b"), tags("add"), tags("remove"), tags("add")])
            .await
            .expect(200);
        assert_eq!(answer["atomic:results"][0]["data"]["attributes"]["label"], "b");
        let tags = shop.get("/api/products/3/relationships/tags").await.expect(200);
        assert_eq!(tags["data"], json!([{"type": "tags", "id": "new"}]));
        shop.operations(vec![label("c"), add(Document::of("tags").id("new"))]).await.refused(409, "duplicate");
        assert_eq!(shop.get("/api/tags/new").await.expect(200)["data"]["attributes"]["label"], "b");
    })
    .await;
}

#[tokio::test]
async fn operations_are_posted_and_nothing_else() {
    on_every_database(SHOP, async |shop| {
        for method in [Method::GET, Method::PATCH, Method::DELETE, Method::PUT] {
            let mut sent = operations_request(vec![remove("orders", "7")]);
            sent.method = method;
            let refused = shop.send(sent).await;
            refused.refused(405, "method-not-allowed");
            assert_eq!(refused.headers["allow"], "OPTIONS, POST");
        }
        shop.send(request(Method::GET, "/api/orders/7")).await.expect(200);
    })
    .await;
}
