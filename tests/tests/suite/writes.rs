//! Creating, changing and deleting: what is accepted, what is refused, and with which words.

use dialects::Dialect;
use serde_json::{Value as Json, json};
use tests::database::ALL;
use tests::shop::{SHOP, item, order};
use tests::{Document, Service, on_every_database};

#[tokio::test]
async fn a_created_resource_is_answered_as_it_is_read() {
    on_every_database(SHOP, async |shop| {
        let made = shop.post("/api/orders", order("1").attribute("notes", "soon")).await;
        let document = made.expect(201);
        let location = made.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(document["data"]["links"]["self"], location);
        assert_eq!(document["data"]["id"], "101");
        assert_eq!(shop.get(&location).await.expect(200)["data"], document["data"]);
        assert_eq!(shop.get(&location).await.etag(), made.etag());
    })
    .await;
}

#[tokio::test]
async fn a_derived_attribute_is_left_out_and_named() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("customers").id("1").attribute("balance", 0).attribute("region", "Hills");
        let changed = shop.patch("/api/customers/1", sent).await.expect(200);
        assert_eq!(changed["meta"]["ignored"], json!(["balance"]));
        assert_eq!(changed["data"]["attributes"]["region"], "Hills");
        assert_eq!(shop.balance(1).await, "146.00");
        let made = Document::of("customers")
            .attribute("name", "New")
            .attribute("credit_limit", 5)
            .attribute("balance", 4);
        let made = shop.post("/api/customers", made).await.expect(201);
        assert_eq!(made["meta"]["ignored"], json!(["balance"]));
        assert_eq!(made["data"]["attributes"]["balance"].to_string(), "0.00");
    })
    .await;
}

#[tokio::test]
async fn derived_attributes_alone_are_refused() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("customers").id("1").attribute("balance", 0);
        shop.patch("/api/customers/1", sent).await.refused(422, "derived-only");
    })
    .await;
}

#[tokio::test]
async fn the_whole_resource_can_be_sent_back() {
    on_every_database(SHOP, async |shop| {
        for path in [
            "/api/customers/1",
            "/api/orders/2",
            "/api/items/1",
            "/api/products/1",
            "/api/employees/2",
            "/api/stock/A1~1",
        ] {
            let read = shop.get(path).await.expect(200);
            let written = shop.patch(path, read.clone()).await.expect(200);
            assert_eq!(written["data"], read["data"], "{path}");
        }
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn an_unknown_attribute_is_refused_with_a_suggestion() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("customers").id("1").attribute("credit_limt", 5);
        let refused = shop.patch("/api/customers/1", sent).await.refused(422, "unknown-attribute");
        assert_eq!(refused["source"]["pointer"], "/data/attributes/credit_limt");
        assert!(refused["detail"].as_str().unwrap().contains("credit_limit"), "{refused}");
        let sent = Document::of("orders").id("1").to_one("custmer", "customers", "1");
        let refused = shop.patch("/api/orders/1", sent).await.refused(422, "unknown-relationship");
        assert!(refused["detail"].as_str().unwrap().contains("customer"), "{refused}");
    })
    .await;
}

/// Attributes that do not fit, and the status: `(type, path, attribute, value)`.
fn misfits() -> Vec<(&'static str, &'static str, &'static str, Json)> {
    vec![
        ("items", "/api/items/1", "quantity", json!("many")),
        ("items", "/api/items/1", "quantity", json!(1.5)),
        ("items", "/api/items/1", "quantity", json!(true)),
        ("items", "/api/items/1", "quantity", json!([1])),
        ("items", "/api/items/1", "quantity", json!({"n": 1})),
        ("customers", "/api/customers/1", "credit_limit", json!("12.345")),
        ("customers", "/api/customers/1", "credit_limit", json!(12345678901_i64)),
        ("customers", "/api/customers/1", "credit_limit", json!("NaN")),
        ("customers", "/api/customers/1", "vip", json!("perhaps")),
        ("customers", "/api/customers/1", "name", json!(5)),
        ("customers", "/api/customers/1", "name", json!("x".repeat(81))),
        ("customers", "/api/customers/1", "since", json!("yesterday")),
        ("customers", "/api/customers/1", "points", json!("9223372036854775808")),
        ("orders", "/api/orders/1", "order_date", json!("2026-02-30")),
        ("orders", "/api/orders/1", "order_date", json!("05/01/2026")),
        ("orders", "/api/orders/1", "order_date", json!(20260105)),
        ("stock", "/api/stock/A1~1", "counted_at", json!("23:60:00")),
        ("products", "/api/products/1", "picture", json!("not base64!")),
        ("products", "/api/products/1", "weight", json!("heavy")),
    ]
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_refused_at_its_place() {
    on_every_database(SHOP, async |shop| {
        for (ty, path, attribute, value) in misfits() {
            let id = path.rsplit_once('/').unwrap().1;
            let sent = Document::of(ty).id(id).attribute(attribute, value);
            let refused = shop.patch(path, sent).await.refused(422, "invalid-value");
            assert_eq!(refused["source"]["pointer"], format!("/data/attributes/{attribute}"));
            assert_eq!(refused["meta"]["attribute"], attribute);
        }
    })
    .await;
}

/// SQLite's INTEGER has 64 bits, the others' 32: the sentence tells.
#[tokio::test]
async fn a_number_beyond_its_column_is_refused() {
    for dialect in ALL {
        let shop = Service::start(dialect, SHOP).await;
        let sent = Document::of("items").id("1").attribute("quantity", 9_223_372_036_854_775_808_u64);
        shop.patch("/api/items/1", sent).await.refused(422, "invalid-value");
        let sent = Document::of("items").id("1").attribute("quantity", 99_999_999_999_u64);
        let expected = if dialect == Dialect::Sqlite { "derived-overflow" } else { "invalid-value" };
        shop.patch("/api/items/1", sent).await.refused(422, expected);
        shop.assert_consistent().await;
    }
}

/// SQLite has no enums, only checks, and those are its own to judge.
#[tokio::test]
async fn a_word_that_an_enum_has_not_is_refused() {
    for dialect in ALL {
        let shop = Service::start(dialect, SHOP).await;
        let sent = Document::of("customers").id("1").attribute("mood", "furious");
        let refused = shop.patch("/api/customers/1", sent).await;
        match dialect {
            Dialect::Sqlite => _ = refused.refused(422, "database-constraint"),
            _ => assert_eq!(
                refused.refused(422, "invalid-value")["source"]["pointer"],
                "/data/attributes/mood"
            ),
        }
        assert_eq!(shop.attribute("/api/customers/1", "mood").await, "\"calm\"");
    }
}

/// PostgreSQL has no NUL in text; for the others it is a character like any other.
#[tokio::test]
async fn a_nul_character_is_kept_or_refused_and_never_cuts_the_text() {
    for dialect in ALL {
        let shop = Service::start(dialect, SHOP).await;
        let sent = Document::of("customers").id("1").attribute("name", "a\0b");
        let answer = shop.patch("/api/customers/1", sent).await;
        match dialect {
            Dialect::Postgres => _ = answer.refused(422, "invalid-value"),
            _ => assert_eq!(shop.attribute("/api/customers/1", "name").await, r#""a\u0000b""#),
        }
    }
}

#[tokio::test]
async fn values_of_every_type_come_back_as_sent() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("customers")
            .attribute("name", "Ünïcode ☃ 'quoted' \"twice\" \\ back")
            .attribute("credit_limit", "1234567890.12")
            .attribute("points", "-9223372036854775808")
            .attribute("vip", true)
            .attribute("mood", "busy")
            .attribute("since", "1999-12-31T23:59:59.5");
        let made = shop.post("/api/customers", sent).await.expect(201);
        let attributes = &made["data"]["attributes"];
        assert_eq!(attributes["name"], "Ünïcode ☃ 'quoted' \"twice\" \\ back");
        assert_eq!(attributes["credit_limit"].to_string(), "1234567890.12");
        assert_eq!(attributes["points"], "-9223372036854775808");
        assert_eq!(attributes["since"], "1999-12-31T23:59:59.5");
        let product = Document::of("products")
            .attribute("name", "p")
            .attribute("unit_price", 0.1)
            .attribute("weight", 1e-7)
            .attribute("details", json!({"a": [1, null, "x"], "b": {}}))
            .attribute("picture", "AP8Q");
        let made = shop.post("/api/products", product).await.expect(201);
        assert_eq!(made["data"]["attributes"]["picture"], "AP8Q");
        assert_eq!(made["data"]["attributes"]["details"], json!({"a": [1, null, "x"], "b": {}}));
        assert_eq!(made["data"]["attributes"]["unit_price"].to_string(), "0.10");
    })
    .await;
}

#[tokio::test]
async fn a_missing_required_attribute_is_named() {
    on_every_database(SHOP, async |shop| {
        let refused =
            shop.post("/api/customers", Document::of("customers").attribute("credit_limit", 1)).await;
        assert_eq!(refused.refused(422, "required")["meta"]["attribute"], "name");
        let refused =
            shop.post("/api/orders", Document::of("orders").attribute("order_date", "2026-01-01")).await;
        assert_eq!(refused.refused(422, "required")["meta"]["attribute"], "customer");
        let sent = Document::of("customers").id("1").attribute("name", Json::Null);
        let refused = shop.patch("/api/customers/1", sent).await.refused(422, "required");
        assert_eq!(refused["source"]["pointer"], "/data/attributes/name");
        let refused = shop.patch("/api/orders/1", Document::of("orders").id("1").to_none("customer")).await;
        refused.refused(422, "required");
    })
    .await;
}

#[tokio::test]
async fn a_taken_unique_value_is_a_conflict() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("customers").attribute("name", "Saltmarsh").attribute("credit_limit", 1);
        let refused = shop.post("/api/customers", sent).await.refused(409, "duplicate");
        assert_eq!(refused["source"]["pointer"], "/data/attributes/name");
        let sent = Document::of("customers").id("2").attribute("email", "edda@quay.example");
        shop.patch("/api/customers/2", sent).await.refused(409, "duplicate");
        let sent = Document::of("tags").id("tea");
        shop.post("/api/tags", sent).await.refused(409, "duplicate");
    })
    .await;
}

#[tokio::test]
async fn what_others_refer_to_cannot_be_deleted() {
    on_every_database(SHOP, async |shop| {
        for (path, relationship) in [
            ("/api/customers/1", "orders"),
            ("/api/products/5", ""),
            ("/api/products/2", "items"),
            ("/api/tags/tea", "product_tags"),
        ] {
            let answer = shop.delete(path).await;
            match relationship {
                "" => _ = answer.expect(204),
                name => assert_eq!(answer.refused(409, "still-referenced")["meta"]["relationship"], name),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_related_resource_that_does_not_exist_is_not_found() {
    on_every_database(SHOP, async |shop| {
        let refused = shop.post("/api/orders", order("4711")).await.refused(404, "related-not-found");
        assert_eq!(refused["source"]["pointer"], "/data/relationships/customer/data");
        let refused = shop.post("/api/items", item("1", "4711", 1)).await.refused(404, "related-not-found");
        assert_eq!(refused["source"]["pointer"], "/data/relationships/product/data");
        let moved = Document::of("orders").id("1").to_one("sales_rep", "employees", "4711");
        shop.patch("/api/orders/1", moved).await.refused(404, "related-not-found");
        let column = Document::of("orders").id("1").attribute("sales_rep_id", 4711);
        let refused = shop.patch("/api/orders/1", column).await.refused(404, "related-not-found");
        assert_eq!(refused["source"]["pointer"], "/data/attributes/sales_rep_id");
        let wrong = Document::of("orders").id("1").to_one("customer", "employees", "1");
        shop.patch("/api/orders/1", wrong).await.refused(409, "type-conflict");
    })
    .await;
}

#[tokio::test]
async fn foreign_key_columns_can_be_written_as_attributes() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("orders")
            .attribute("customer_id", 2)
            .attribute("sales_rep_id", 1)
            .attribute("order_date", "2026-01-01");
        let made = shop.post("/api/orders", sent).await.expect(201);
        assert!(made["data"]["attributes"].get("customer_id").is_none());
        let moved = Document::of("orders").id("1").attribute("customer_id", "2");
        shop.patch("/api/orders/1", moved).await.expect(200);
        assert_eq!(shop.balance(1).await, "0.00");
        let both =
            Document::of("orders").id("1").attribute("customer_id", 1).to_one("customer", "customers", "2");
        shop.patch("/api/orders/1", both).await.refused(422, "invalid-value");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_to_one_relationship_can_be_emptied() {
    on_every_database(SHOP, async |shop| {
        let emptied = shop
            .patch("/api/orders/1", Document::of("orders").id("1").to_none("sales_rep"))
            .await
            .expect(200);
        assert!(emptied["data"]["relationships"]["sales_rep"]["data"].is_null());
        let set = Document::of("orders").id("1").to_one("sales_rep", "employees", "3");
        let set = shop.patch("/api/orders/1", set).await.expect(200);
        assert_eq!(
            set["data"]["relationships"]["sales_rep"]["data"],
            json!({"type": "employees", "id": "3"})
        );
    })
    .await;
}

#[tokio::test]
async fn a_client_chooses_the_id_where_the_database_does_not() {
    on_every_database(SHOP, async |shop| {
        let made = shop.post("/api/tags", Document::of("tags").id("new").attribute("label", "New")).await;
        assert_eq!(made.expect(201)["data"]["id"], "new");
        let odd = shop.post("/api/tags", Document::of("tags").id("a b/c?d#é")).await;
        let location = odd.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(shop.get(&location).await.expect(200)["data"]["id"], odd.id());
        shop.delete(&location).await.expect(204);
        let refused = shop.post("/api/tags", Document::of("tags").attribute("label", "x")).await;
        refused.refused(422, "required");
    })
    .await;
}

#[tokio::test]
async fn composite_ids_are_written_read_and_deleted() {
    on_every_database(SHOP, async |shop| {
        let made = Document::of("stock")
            .attribute("shelf", "C/1")
            .attribute("pieces", 7)
            .to_one("product", "products", "3");
        let made = shop.post("/api/stock", made).await;
        assert_eq!(made.expect(201)["data"]["id"], "C.2F1~3");
        shop.get("/api/stock/C.2F1~3").await.expect(200);
        let odd = shop.get("/api/stock/B.7E2.20.C3.A9~4").await.expect(200);
        assert_eq!(odd["data"]["attributes"]["shelf"], "B~2 é");
        let fewer = Document::of("stock").id("C.2F1~3").attribute("pieces", 6);
        assert_eq!(
            shop.patch("/api/stock/C.2F1~3", fewer).await.expect(200)["data"]["attributes"]["pieces"],
            6
        );
        shop.delete("/api/stock/C.2F1~3").await.expect(204);
        shop.delete("/api/stock/C.2F1~3").await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn join_rows_come_and_go_and_come_again() {
    on_every_database(SHOP, async |shop| {
        let join = || Document::of("product_tags").attribute("product_id", 3).attribute("tag_code", "tea");
        for _ in 0..2 {
            assert_eq!(shop.post("/api/product_tags", join()).await.expect(201)["data"]["id"], "3~tea");
            shop.post("/api/product_tags", join()).await.refused(409, "duplicate");
            shop.get("/api/product_tags/3~tea").await.expect(200);
            shop.delete("/api/product_tags/3~tea").await.expect(204);
        }
    })
    .await;
}

#[tokio::test]
async fn keys_cannot_be_changed() {
    on_every_database(SHOP, async |shop| {
        let moved = Document::of("stock").id("A1~1").attribute("shelf", "Z9");
        shop.patch("/api/stock/A1~1", moved).await.refused(403, "read-only");
        let same = Document::of("stock").id("A1~1").attribute("shelf", "A1").attribute("pieces", 41);
        shop.patch("/api/stock/A1~1", same).await.expect(200);
        let other = Document::of("tags").id("iron").attribute("label", "x");
        shop.patch("/api/tags/tea", other).await.refused(409, "id-conflict");
    })
    .await;
}

#[tokio::test]
async fn types_and_ids_must_fit_the_endpoint() {
    on_every_database(SHOP, async |shop| {
        shop.post("/api/orders", Document::of("items")).await.refused(409, "type-conflict");
        shop.patch("/api/orders/1", Document::of("orders").id("2")).await.refused(409, "id-conflict");
        shop.patch("/api/orders/1", Document::of("orders")).await.refused(400, "malformed-document");
        shop.patch("/api/orders/4711", Document::of("orders").id("4711").attribute("notes", "x"))
            .await
            .refused(404, "not-found");
        shop.delete("/api/orders/4711").await.refused(404, "not-found");
        shop.delete("/api/orders/01").await.refused(404, "not-found");
    })
    .await;
}
