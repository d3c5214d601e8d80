//! Optimistic locking: ETags, `If-Match`, `meta.etag` and `If-None-Match`.

use serde_json::json;
use tests::shop::{SHOP, item};
use tests::{Document, on_every_database};

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
