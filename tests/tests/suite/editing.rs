//! Optimistic locking: ETags, `If-Match`, `meta.etag` and `If-None-Match`.

use http::Method;
use proxy::state::{ApiSettings, OptimisticLocking};
use serde_json::json;
use tests::client::{operations_request, request, with_body, with_header};
use tests::database::ALL;
use tests::document::update;
use tests::shop::{SHOP, item};
use tests::{Document, Service, on_every_database};

fn region(name: &str) -> Document {
    Document::of("customers").id("1").attribute("region", name)
}

#[tokio::test]
async fn an_edit_of_what_somebody_else_changed_is_refused() {
    on_every_database(SHOP, async |shop| {
        let etag = shop.get("/api/customers/1").await.etag();
        shop.patch_if("/api/customers/1", &etag, region("Hills")).await.expect(200);
        let refused = shop
            .patch_if("/api/customers/1", &etag, region("Coast"))
            .await
            .refused(412, "precondition-failed");
        assert_eq!(refused["meta"]["resource"]["attributes"]["region"], "Hills", "{refused}");
        let fresh = shop.get("/api/customers/1").await.etag();
        shop.patch_if("/api/customers/1", &fresh, region("Coast")).await.expect(200);
        shop.patch_if("/api/customers/1", "*", region("Uplands")).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_edit_is_accepted_while_only_derived_columns_moved() {
    on_every_database(SHOP, async |shop| {
        let etag = shop.get("/api/customers/1").await.etag();
        shop.post("/api/items", item("1", "2", 1)).await.expect(201);
        assert_ne!(shop.get("/api/customers/1").await.etag(), etag);
        shop.patch_if("/api/customers/1", &etag, region("Hills")).await.expect(200);
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn an_etag_in_the_document_is_checked_too() {
    on_every_database(SHOP, async |shop| {
        let read = shop.get("/api/customers/1").await.expect(200);
        let etag = read["data"]["meta"]["etag"].clone();
        let edit = |name: &str| region(name).meta(json!({"etag": etag}));
        shop.patch("/api/customers/1", edit("Hills")).await.expect(200);
        shop.patch("/api/customers/1", edit("Coast")).await.refused(409, "version-conflict");
    })
    .await;
}

#[tokio::test]
async fn a_deletion_may_carry_a_condition() {
    on_every_database(SHOP, async |shop| {
        let etag = shop.get("/api/items/1").await.etag();
        shop.patch("/api/items/1", Document::of("items").id("1").attribute("quantity", 9)).await.expect(200);
        shop.delete_if("/api/items/1", &etag).await.refused(412, "precondition-failed");
        let fresh = shop.get("/api/items/1").await.etag();
        shop.delete_if("/api/items/1", &fresh).await.expect(204);
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    on_every_database(SHOP, async |shop| {
        let etag = shop.get("/api/customers/1").await.etag();
        let unchanged = shop.get_with("/api/customers/1", "if-none-match", &etag).await;
        assert_eq!(unchanged.status, 304);
        assert!(unchanged.body.is_empty());
        shop.post("/api/items", item("1", "2", 1)).await.expect(201);
        shop.get_with("/api/customers/1", "if-none-match", &etag).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_if_match_on_a_missing_resource_is_not_found() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("customers").id("4711").attribute("region", "x");
        shop.patch_if("/api/customers/4711", "\"a.b\"", sent).await.refused(404, "not-found");
        shop.patch_if("/api/customers/1", "nonsense", region("x")).await.refused(412, "precondition-failed");
    })
    .await;
}

#[tokio::test]
async fn any_of_several_etags_may_match_strong_or_weak() {
    on_every_database(SHOP, async |shop| {
        let etag = shop.get("/api/customers/1").await.etag();
        for (header, passes) in [
            (format!("\"a.b\", {etag}"), true),
            (format!("W/{etag}"), true),
            ("\"a.b\", \"c.d\"".into(), false),
            (String::new(), false),
        ] {
            let answer = shop.patch_if("/api/customers/1", &header, region("Coast")).await;
            assert_eq!(answer.status, if passes { 200 } else { 412 }, "{header}");
        }
    })
    .await;
}

#[tokio::test]
async fn where_conditions_are_required_a_write_without_one_is_refused() {
    for dialect in ALL {
        let locked = |locking| ApiSettings { optimistic_locking: locking, ..ApiSettings::default() };
        let shop = Service::start_with(dialect, SHOP, locked(OptimisticLocking::Required)).await;
        let etag = shop.get("/api/customers/1").await.etag();
        let reports = "/api/employees/1/relationships/employees_by_manager_id";
        shop.patch("/api/customers/1", region("Hills")).await.refused(428, "precondition-required");
        shop.delete("/api/items/1").await.refused(428, "precondition-required");
        shop.relate(Method::PATCH, reports, json!([])).await.refused(428, "precondition-required");
        let operation = update(region("Hills"));
        let refused = shop.operations(vec![operation]).await.refused(428, "precondition-required");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/0", "{dialect}");
        shop.post("/api/items", item("1", "2", 1)).await.expect(201);
        shop.patch_if("/api/customers/1", &etag, region("Hills")).await.expect(200);
        let etag = shop.get("/api/employees/1").await.expect(200)["data"]["meta"]["etag"].clone();
        let sent = with_body(request(Method::PATCH, reports), &json!({"data": [], "meta": {"etag": etag}}));
        shop.send(sent).await.expect(204);

        let shop = Service::start_with(dialect, SHOP, locked(OptimisticLocking::Off)).await;
        let stale = region("Coast").meta(json!({"etag": "\"a.b\""}));
        shop.patch("/api/customers/1", stale).await.expect(200);
    }
}

#[tokio::test]
async fn a_preference_for_less_is_honoured_where_nothing_but_what_was_sent_has_changed() {
    on_every_database(SHOP, async |shop| {
        let minimal = |method: Method, path: &str, document: Document| {
            shop.send(with_header(
                with_body(request(method, path), &document.json()),
                "prefer",
                "return=minimal",
            ))
        };
        let answer = minimal(Method::PATCH, "/api/customers/1", region("Hills")).await;
        assert!(answer.expect(204).is_null());
        assert_eq!(answer.headers["preference-applied"], "return=minimal");
        assert_eq!(answer.etag(), shop.get("/api/customers/1").await.etag());

        let quantity = Document::of("items").id("1").attribute("quantity", 9);
        let answer = minimal(Method::PATCH, "/api/items/1", quantity).await;
        assert_eq!(answer.expect(200)["data"]["attributes"]["amount"].to_string(), "112.50");
        assert!(!answer.headers.contains_key("preference-applied"));

        let derived = region("Coast").attribute("balance", 1);
        let answer = minimal(Method::PATCH, "/api/customers/1", derived).await.expect(200);
        assert_eq!(answer["meta"]["ignored"], json!(["balance"]));

        let tag = Document::of("tags").id("new").attribute("label", "New");
        let answer = minimal(Method::POST, "/api/tags", tag).await;
        assert!(answer.expect(204).is_null());
        assert_eq!(answer.headers["location"], "/api/tags/new");
        let drawn = Document::of("products").attribute("name", "Buoy").attribute("unit_price", 20);
        minimal(Method::POST, "/api/products", drawn).await.expect(201);
        let asked = minimal(Method::PATCH, "/api/customers/1?include=orders", region("Hills")).await;
        assert_eq!(asked.expect(200)["data"]["attributes"]["region"], "Hills");

        let operations = vec![
            update(Document::of("customers").id("6").attribute("region", "Coast")),
            update(Document::of("items").id("1").attribute("quantity", 10)),
        ];
        let sent = with_header(operations_request(operations), "prefer", "return=minimal");
        let results = shop.send(sent).await.expect(200);
        assert_eq!(results["atomic:results"][0], json!({}));
        assert_eq!(results["atomic:results"][1]["data"]["id"], "1");
        let sent = with_header(operations_request(vec![update(region("Isles"))]), "prefer", "return=minimal");
        shop.send(sent).await.expect(204);
    })
    .await;
}
