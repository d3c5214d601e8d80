//! "Creating, Updating and Deleting Resources".

use serde_json::{Value as Json, json};
use tests::service::Fixture;
use tests::shop::{SHOP, item, order};
use tests::{Document, on_every_database};

#[tokio::test]
async fn an_id_that_is_taken_or_not_the_clients_to_choose_is_refused() {
    const DRAWN: Fixture = Fixture {
        sql: |dialect| {
            let key = match dialect {
                dialects::Dialect::Postgres => "uuid primary key default gen_random_uuid()",
                dialects::Dialect::Mysql => "varchar(36) primary key default (uuid())",
                dialects::Dialect::Sqlite => "varchar(36) primary key default (hex(randomblob(16)))",
            };
            format!(
                "create table letters (id {key}, text varchar(20)); create table tags (code varchar(20) primary key);"
            )
        },
        rules: &[],
    };
    on_every_database(DRAWN, async |service| {
        let id = "0b0c7f2e-5a3d-4d1c-9a54-0d8a6f1d2c3b";
        let refused = service.post("/api/letters", Document::of("letters").id(id)).await;
        assert_eq!(refused.refused(403, "client-id-forbidden")["source"]["pointer"], "/data/id");
        service.post("/api/tags", Document::of("tags").id("tea")).await.expect(201);
        service.post("/api/tags", Document::of("tags").id("tea")).await.refused(409, "duplicate");
    })
    .await;
}

#[tokio::test]
async fn a_creation_is_answered_with_the_resource_and_where_it_is() {
    on_every_database(SHOP, async |shop| {
        let made = shop.post("/api/orders", order("1")).await;
        let location = made.headers["location"].to_str().unwrap().to_owned();
        let document = made.expect(201);
        assert_eq!(location, document["data"]["links"]["self"]);
        assert_eq!(shop.get(&location).await.expect(200)["data"], document["data"]);
        let chosen = shop.post("/api/tags", Document::of("tags").id("new")).await;
        assert_eq!(chosen.headers["location"], "/api/tags/new");
        assert_eq!(chosen.expect(201)["data"]["id"], "new");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_sent_stays_as_it_is() {
    on_every_database(SHOP, async |shop| {
        let before = shop.get("/api/orders/2?include=items,sales_rep").await.expect(200);
        shop.patch("/api/orders/2", Document::of("orders").id("2")).await.expect(200);
        assert_eq!(shop.get("/api/orders/2?include=items,sales_rep").await.expect(200), before);
        shop.patch("/api/orders/2", Document::of("orders").id("2").attribute("notes", "x")).await.expect(200);
        let mut after = shop.get("/api/orders/2?include=items,sales_rep").await.expect(200);
        assert_eq!(after["data"]["attributes"]["notes"], "x");
        after["data"]["attributes"]["notes"] = before["data"]["attributes"]["notes"].clone();
        after["data"]["meta"] = before["data"]["meta"].clone();
        assert_eq!(after, before);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_goes_on_elsewhere_is_answered_as_a_get_would() {
    on_every_database(SHOP, async |shop| {
        let quantity = Document::of("items").id("1").attribute("quantity", 2);
        let answer = shop.patch("/api/items/1", quantity).await.expect(200);
        assert_eq!(answer["data"]["attributes"]["amount"].to_string(), "25.00");
        assert_eq!(answer, shop.get("/api/items/1").await.expect(200));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_changed_is_forbidden_and_nothing_else_of_the_request_is_done() {
    on_every_database(SHOP, async |shop| {
        let before = shop.get("/api/orders/1?include=items").await.expect(200);
        let replaced =
            Document::of("orders").id("1").attribute("notes", "x").to_many("items", "items", &["1"]);
        let error = shop.patch("/api/orders/1", replaced).await.refused(403, "relationship-required");
        assert_eq!(error["source"]["pointer"], "/data/relationships/items/data");
        assert_eq!(shop.get("/api/orders/1?include=items").await.expect(200), before);
        let key = Document::of("stock").id("A1~1").attribute("shelf", "B").attribute("pieces", 1);
        shop.patch("/api/stock/A1~1", key).await.refused(403, "read-only");
        let shown = shop.get("/api/stock/A1~1").await.expect(200);
        assert_eq!(shown["data"]["attributes"]["pieces"], 40);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_can_neither_be_changed_nor_removed() {
    on_every_database(SHOP, async |shop| {
        let nobody = Document::of("orders").id("4711").attribute("notes", "x");
        shop.patch("/api/orders/4711", nobody).await.refused(404, "not-found");
        shop.delete("/api/orders/4711").await.refused(404, "not-found");
        shop.delete("/api/orders/7").await.expect(204);
        shop.delete("/api/orders/7").await.refused(404, "not-found");
        let path = "/api/orders/4711/relationships/customer";
        shop.relate(http::Method::PATCH, path, json!({"type": "customers", "id": "1"}))
            .await
            .refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn a_document_to_write_holds_one_resource_with_its_type_and_a_change_its_id() {
    on_every_database(SHOP, async |shop| {
        for data in
            [json!(null), json!([]), json!([{"type": "tags", "id": "x"}]), json!({"id": "x"}), json!("x")]
        {
            shop.post("/api/tags", json!({"data": data})).await.refused(400, "malformed-document");
        }
        for data in [json!({"type": "tags"}), json!({"id": "tea"}), json!([{"type": "tags", "id": "tea"}])] {
            shop.patch("/api/tags/tea", json!({"data": data})).await.refused(400, "malformed-document");
        }
        let mut without_data = item("1", "1", 1).json();
        without_data["data"]["relationships"]["order"] = json!({"meta": {}});
        let error = shop.post("/api/items", without_data).await.refused(400, "malformed-document");
        assert_eq!(error["source"]["pointer"], "/data/relationships/order");
    })
    .await;
}

#[tokio::test]
async fn a_request_that_fails_in_its_last_part_has_done_nothing() {
    on_every_database(SHOP, async |shop| {
        let before = shop.get("/api/customers?include=orders.items").await.expect(200);
        // The order and its items would move, but the customer cannot pay for them.
        let moved =
            Document::of("orders").id("1").attribute("notes", "x").to_one("customer", "customers", "5");
        shop.patch("/api/orders/1", moved).await.refused(422, "constraint-violated");
        let taken: Json =
            Document::of("customers").id("6").attribute("region", "x").attribute("name", "Saltmarsh").into();
        shop.patch("/api/customers/6", taken).await.refused(409, "duplicate");
        assert_eq!(shop.get("/api/customers?include=orders.items").await.expect(200), before);
    })
    .await;
}
