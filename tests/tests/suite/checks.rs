//! Checks that ask what the change does: what was there before, what changed, and whether a row comes, changes or goes.

use tests::depot::{self, order, pick};
use tests::service::Fixture;
use tests::{Document, on_every_database};

const DEPOT: Fixture =
    Fixture { sql: depot::sql, rules: &[("checks.yaml", include_str!("../../fixtures/depot_checks.yaml"))] };

fn product(id: &str) -> Document {
    Document::of("products").id(id)
}

fn picked(id: &str) -> Document {
    Document::of("picks").id(id)
}

#[tokio::test]
async fn a_price_may_double_at_most_and_the_error_points_at_it() {
    on_every_database(DEPOT, async |depot| {
        let priced = |price: &str| product("1").attribute("name", "screw").attribute("price", price);
        let refused =
            depot.patch("/api/products/1", priced("5.01")).await.refused(422, "constraint-violated");
        assert_eq!(refused["detail"], "5.01 is more than twice 2.50");
        assert_eq!(refused["source"]["pointer"], "/data/attributes/price");
        assert_eq!(
            (&refused["meta"]["attribute"], &refused["meta"]["code"]),
            (&"price".into(), &"too-dear".into())
        );
        depot.patch("/api/products/1", priced("5.00")).await.expect(200);
        depot.patch("/api/products/1", product("1").attribute("name", "bolt")).await.expect(200);
        let dear = Document::of("products").attribute("name", "safe").attribute("price", "900.00");
        depot.post("/api/products", dear).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_check_on_insert_is_not_asked_later() {
    on_every_database(DEPOT, async |depot| {
        let plain = Document::of("orders");
        let refused = depot.post("/api/orders", plain.clone()).await.refused(422, "constraint-violated");
        assert_eq!(refused["detail"], "an order begins with a note");
        let made = depot.post("/api/orders", plain.attribute("note", "x")).await;
        made.expect(201);
        let id = made.id();
        let cleared = order(&id).attribute("note", serde_json::Value::Null);
        depot.patch(&format!("/api/orders/{id}"), cleared).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_was_shipped_neither_changes_nor_goes() {
    on_every_database(DEPOT, async |depot| {
        let noted = |id: &str| order(id).attribute("note", "x");
        let refused = depot.patch("/api/orders/3", noted("3")).await.refused(422, "constraint-violated");
        assert_eq!(refused["detail"], "order shipped: it stays as it is");
        depot.patch("/api/orders/3", order("3").attribute("status", "shipped")).await.expect(200);
        depot.delete("/api/orders/3").await.refused(422, "constraint-violated");
        depot.patch("/api/orders/1", noted("1").attribute("status", "shipped")).await.expect(200);
        depot.delete("/api/orders/1").await.refused(422, "constraint-violated");
    })
    .await;
}

#[tokio::test]
async fn a_check_on_removal_sees_the_row_as_it_was_also_when_it_goes_with_its_order() {
    on_every_database(DEPOT, async |depot| {
        depot.delete("/api/picks/2").await.expect(204);
        let refused = depot.delete("/api/picks/3").await.refused(422, "constraint-violated");
        assert_eq!(refused["detail"], "7 are too many to forget");
        depot.delete("/api/orders/2").await.refused(422, "constraint-violated");
        depot.get("/api/orders/2").await.expect(200);
        depot.delete("/api/orders/1").await.expect(204);
        depot.get("/api/picks/1").await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn a_check_may_point_at_a_relationship() {
    on_every_database(DEPOT, async |depot| {
        let loose = picked("1").to_none("product");
        let refused = depot.patch("/api/picks/1", loose).await.refused(422, "constraint-violated");
        assert_eq!(refused["source"]["pointer"], "/data/relationships/product/data");
        assert_eq!(refused["meta"]["attribute"], "product");
        let loose = Document::of("picks").attribute("quantity", 1).to_one("order", "orders", "1");
        depot.post("/api/picks", loose).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_check_that_asks_what_changed_lets_the_rest_be() {
    on_every_database(DEPOT, async |depot| {
        let refused = depot.post("/api/picks", pick("1", "2", 6)).await.refused(422, "constraint-violated");
        assert_eq!(refused["detail"], "only 5 left");
        let more = picked("3").attribute("quantity", 6);
        depot.patch("/api/picks/3", more).await.refused(422, "constraint-violated");
        depot.patch("/api/picks/3", picked("3").to_one("order", "orders", "1")).await.expect(200);
        depot.patch("/api/products/2", product("2").attribute("units_in_stock", 0)).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn without_recheck_a_parent_may_change_and_its_children_are_not_asked() {
    on_every_database(DEPOT, async |depot| {
        depot.patch("/api/products/3", product("3").attribute("price", "120.00")).await.expect(200);
        let stocked = product("3").attribute("units_in_stock", 9);
        depot.patch("/api/products/3", stocked).await.expect(200);
        depot.post("/api/picks", pick("1", "3", 1)).await.refused(422, "constraint-violated");
        for price in ["4.00", "8.00", "16.00", "32.00", "64.00", "128.00"] {
            depot.patch("/api/products/1", product("1").attribute("price", price)).await.expect(200);
        }
        let moved = picked("3").to_one("product", "products", "1");
        depot.patch("/api/picks/3", moved).await.refused(422, "constraint-violated");
    })
    .await;
}
