//! Steps: a stock that goes down by what is picked, and that clients fill up.

use serde_json::Value as Json;
use tests::database::ALL;
use tests::depot::{self, pick};
use tests::service::Fixture;
use tests::{Document, Service, on_every_database};

const DEPOT: Fixture =
    Fixture { sql: depot::sql, rules: &[("steps.yaml", include_str!("../../fixtures/depot_steps.yaml"))] };

/// Stock and shipped units of a product.
async fn stock(depot: &Service, product: u32) -> (String, String) {
    let document = depot.get(&format!("/api/products/{product}")).await.expect(200);
    let attributes = &document["data"]["attributes"];
    (attributes["units_in_stock"].to_string(), attributes["units_shipped"].to_string())
}

fn both(stock: u32, shipped: u32) -> (String, String) {
    (stock.to_string(), shipped.to_string())
}

fn product(id: &str) -> Document {
    Document::of("products").id(id)
}

fn picked(id: &str) -> Document {
    Document::of("picks").id(id)
}

#[tokio::test]
async fn a_pick_takes_from_the_stock_and_gives_back_when_it_changes_or_goes() {
    on_every_database(DEPOT, async |depot| {
        let made = depot.post("/api/picks", pick("1", "1", 4)).await;
        made.expect(201);
        assert_eq!(stock(depot, 1).await, both(6, 12));
        let made = made.id();
        let fewer = picked(&made).attribute("quantity", 1);
        depot.patch(&format!("/api/picks/{made}"), fewer).await.expect(200);
        assert_eq!(stock(depot, 1).await, both(9, 9));
        depot.delete(&format!("/api/picks/{made}")).await.expect(204);
        assert_eq!(stock(depot, 1).await, both(10, 8));
    })
    .await;
}

#[tokio::test]
async fn a_pick_that_moves_to_another_product_moves_both_stocks() {
    on_every_database(DEPOT, async |depot| {
        depot.patch("/api/picks/1", picked("1").to_one("product", "products", "2")).await.expect(200);
        assert_eq!((stock(depot, 1).await, stock(depot, 2).await), (both(13, 5), both(2, 10)));
        depot.patch("/api/picks/1", picked("1").to_none("product")).await.expect(200);
        assert_eq!(stock(depot, 2).await, both(5, 7));
        depot.patch("/api/picks/1", picked("1").to_one("product", "products", "1")).await.expect(200);
        assert_eq!(stock(depot, 1).await, both(10, 8));
    })
    .await;
}

#[tokio::test]
async fn a_pick_that_only_changes_its_order_leaves_the_stock_alone() {
    on_every_database(DEPOT, async |depot| {
        depot.patch("/api/picks/1", picked("1").to_one("order", "orders", "2")).await.expect(200);
        assert_eq!(stock(depot, 1).await, both(10, 8));
        depot.patch("/api/products/1", product("1").attribute("name", "screw")).await.expect(200);
        assert_eq!(stock(depot, 1).await, both(10, 8));
    })
    .await;
}

#[tokio::test]
async fn an_order_that_goes_gives_everything_back() {
    on_every_database(DEPOT, async |depot| {
        depot.delete("/api/orders/2").await.expect(204);
        assert_eq!((stock(depot, 1).await, stock(depot, 2).await), (both(15, 3), both(12, 0)));
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_cannot_be_picked() {
    on_every_database(DEPOT, async |depot| {
        let refused = depot.post("/api/picks", pick("1", "2", 6)).await.refused(422, "constraint-violated");
        assert_eq!(refused["detail"], "-1 left of rope");
        assert_eq!(stock(depot, 2).await, both(5, 7));
        depot.patch("/api/products/2", product("2").attribute("units_in_stock", 6)).await.expect(200);
        depot.post("/api/picks", pick("1", "2", 6)).await.expect(201);
        assert_eq!(stock(depot, 2).await, both(0, 13));
    })
    .await;
}

#[tokio::test]
async fn a_new_product_begins_with_what_the_client_or_the_database_gives() {
    on_every_database(DEPOT, async |depot| {
        let new = |name: &str| Document::of("products").attribute("name", name);
        let made = depot.post("/api/products", new("saw").attribute("units_in_stock", 3)).await.expect(201);
        assert_eq!(made["data"]["attributes"]["units_in_stock"], 3);
        let made = depot.post("/api/products", new("axe")).await.expect(201);
        assert_eq!(made["data"]["attributes"]["units_in_stock"], 0);
        assert!(made["data"]["attributes"]["last_price"].is_null());
    })
    .await;
}

#[tokio::test]
async fn the_last_price_is_the_one_before() {
    on_every_database(DEPOT, async |depot| {
        let last = || async { depot.attribute("/api/products/1", "last_price").await };
        depot.patch("/api/products/1", product("1").attribute("price", "3.00")).await.expect(200);
        assert_eq!(last().await, "2.50");
        depot.patch("/api/products/1", product("1").attribute("name", "screw")).await.expect(200);
        assert_eq!(last().await, "2.50");
        let both = product("1").attribute("price", "4.00").attribute("last_price", "9.00");
        let refused = depot.patch("/api/products/1", both).await.refused(422, "step-conflict");
        assert_eq!(refused["source"]["pointer"], "/data/attributes/last_price");
        let cleared = product("1").attribute("last_price", Json::Null);
        depot.patch("/api/products/1", cleared).await.expect(200);
        assert_eq!(last().await, "null");
    })
    .await;
}

#[tokio::test]
async fn a_stock_that_was_picked_from_meanwhile_is_not_overwritten() {
    on_every_database(DEPOT, async |depot| {
        let etag = depot.get("/api/products/1").await.etag();
        depot.post("/api/picks", pick("1", "1", 4)).await.expect(201);
        let filled = product("1").attribute("units_in_stock", 50);
        depot.patch_if("/api/products/1", &etag, filled).await.refused(412, "precondition-failed");
        assert_eq!(stock(depot, 1).await, both(6, 12));
    })
    .await;
}

#[tokio::test]
async fn picks_that_come_at_once_each_take_their_part() {
    for dialect in ALL {
        let depot = Service::start(dialect, DEPOT).await;
        for _ in 0..5 {
            let take = || depot.post("/api/picks", pick("1", "1", 1));
            let fill = depot.patch("/api/picks/2", picked("2").attribute("quantity", 5));
            let (a, b, c, d, filled) = tokio::join!(take(), take(), take(), take(), fill);
            for made in [a, b, c, d] {
                made.expect(201);
                depot.delete(&format!("/api/picks/{}", made.id())).await.expect(204);
            }
            filled.expect(200);
            let more = depot.patch("/api/picks/2", picked("2").attribute("quantity", 6));
            let (more, one) = tokio::join!(more, take());
            assert_eq!((more.status, one.status), (200, 201), "{dialect:?}");
            assert_eq!(stock(&depot, 1).await, both(8, 10), "{dialect:?}");
            depot.delete(&format!("/api/picks/{}", one.id())).await.expect(204);
        }
    }
}
