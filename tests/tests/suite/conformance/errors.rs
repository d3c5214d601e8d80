//! "Errors".

use http::Method;
use proxy::ErrorCode;
use serde_json::{Value as Json, json};
use tests::client::request;
use tests::shop::SHOP;
use tests::{Document, on_every_database};

#[tokio::test]
async fn problems_of_several_kinds_come_together_under_the_most_general_status() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("orders")
            .id("1")
            .attribute("nothing", 1)
            .attribute("order_date", "tomorrow")
            .to_one("customer", "customers", "x");
        let document = shop.patch("/api/orders/1", sent).await.expect(400);
        let told = |error: &Json| json!([error["status"], error["source"]["pointer"]]);
        let told: Json = document["errors"].as_array().unwrap().iter().map(told).collect();
        let expect = json!([
            ["422", "/data/attributes/nothing"],
            ["422", "/data/attributes/order_date"],
            ["404", "/data/relationships/customer/data/id"],
        ]);
        assert_eq!(told, expect);
        let sent = Document::of("orders").id("1").attribute("nothing", 1).attribute("order_date", "tomorrow");
        assert_eq!(
            shop.patch("/api/orders/1", sent).await.expect(422)["errors"].as_array().unwrap().len(),
            2
        );
    })
    .await;
}

#[tokio::test]
async fn every_code_is_explained_where_errors_say() {
    on_every_database(SHOP, async |shop| {
        let error = shop.get("/api/orders/4711").await.refused(404, "not-found");
        let about = error["links"]["about"].as_str().unwrap();
        let page = shop.quietly(request(Method::GET, about.split('#').next().unwrap())).await;
        assert_eq!(page.status, 200);
        let page = String::from_utf8(page.body.to_vec()).unwrap();
        for code in ErrorCode::ALL {
            assert!(page.contains(&format!("id=\"{}\"", code.code())), "{}", code.code());
            assert!(page.contains(code.help()), "{}", code.code());
        }
    })
    .await;
}

#[tokio::test]
async fn a_conflict_says_what_it_is_about() {
    on_every_database(SHOP, async |shop| {
        let customer = Document::of("customers").attribute("name", "Saltmarsh").attribute("credit_limit", 1);
        let tag = Document::of("tags").id("tea");
        let other = Document::of("orders").id("2");
        for (answer, code, pointer) in [
            (shop.post("/api/customers", customer).await, "duplicate", "/data/attributes/name"),
            (shop.post("/api/tags", tag.clone()).await, "duplicate", "/data/id"),
            (shop.post("/api/orders", tag).await, "type-conflict", "/data/type"),
            (shop.patch("/api/orders/1", other.clone()).await, "id-conflict", "/data/id"),
            (shop.patch("/api/tags/tea", other).await, "type-conflict", "/data/type"),
        ] {
            let error = answer.refused(409, code);
            assert_eq!(error["source"]["pointer"], pointer);
            assert!(error["detail"].as_str().unwrap().len() > 20, "{error}");
        }
    })
    .await;
}
