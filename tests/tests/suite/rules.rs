//! The five rules of the credit check, kept by every kind of write. After each step every derived column equals its recomputation.

use tests::shop::{SHOP, item, order};
use tests::{Document, on_every_database};

#[tokio::test]
async fn a_new_order_with_items_raises_the_balance() {
    on_every_database(SHOP, async |shop| {
        assert_eq!(shop.balance(2).await, "35.00");
        let placed = shop.post("/api/orders", order("2")).await;
        assert_eq!(placed.expect(201)["data"]["attributes"]["amount_total"].to_string(), "0.00");
        let placed = placed.id();
        shop.post("/api/items", item(&placed, "1", 2)).await.expect(201);
        assert_eq!(shop.balance(2).await, "60.00");
        let bell = shop.post("/api/items", item(&placed, "2", 3)).await.expect(201);
        assert_eq!(bell["data"]["attributes"]["unit_price"].to_string(), "7.00");
        assert_eq!(bell["data"]["attributes"]["amount"].to_string(), "21.00");
        assert_eq!(shop.balance(2).await, "81.00");
        assert_eq!(shop.attribute(&format!("/api/orders/{placed}"), "item_count").await, "2");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn shipping_an_order_lowers_the_balance_and_unshipping_raises_it() {
    on_every_database(SHOP, async |shop| {
        let shipped =
            |date: serde_json::Value| Document::of("orders").id("1").attribute("date_shipped", date);
        assert_eq!(shop.balance(1).await, "146.00");
        shop.patch("/api/orders/1", shipped("2026-05-01".into())).await.expect(200);
        assert_eq!(shop.balance(1).await, "0.00");
        shop.assert_consistent().await;
        shop.patch("/api/orders/1", shipped(serde_json::Value::Null)).await.expect(200);
        assert_eq!(shop.balance(1).await, "146.00");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn changing_a_quantity_changes_amount_total_and_balance() {
    on_every_database(SHOP, async |shop| {
        let changed =
            shop.patch("/api/items/2", Document::of("items").id("2").attribute("quantity", 5)).await;
        assert_eq!(changed.expect(200)["data"]["attributes"]["amount"].to_string(), "35.00");
        assert_eq!(shop.attribute("/api/orders/1", "amount_total").await, "160.00");
        assert_eq!(shop.balance(1).await, "160.00");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn changing_the_product_copies_its_price() {
    on_every_database(SHOP, async |shop| {
        let bell = Document::of("items").id("1").to_one("product", "products", "2");
        let changed = shop.patch("/api/items/1", bell).await.expect(200);
        assert_eq!(changed["data"]["attributes"]["unit_price"].to_string(), "7.00");
        assert_eq!(shop.balance(1).await, "91.00");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_later_price_does_not_reach_items_that_copied_the_old_one() {
    on_every_database(SHOP, async |shop| {
        let dearer = Document::of("products").id("1").attribute("unit_price", "20.00");
        shop.patch("/api/products/1", dearer).await.expect(200);
        assert_eq!(shop.attribute("/api/items/1", "unit_price").await, "12.50");
        let added = shop.post("/api/items", item("1", "1", 1)).await.expect(201);
        assert_eq!(added["data"]["attributes"]["amount"].to_string(), "20.00");
        assert_eq!(shop.balance(1).await, "166.00");
    })
    .await;
}

#[tokio::test]
async fn moving_an_item_to_another_order_moves_its_amount() {
    on_every_database(SHOP, async |shop| {
        let moved = Document::of("items").id("2").to_one("order", "orders", "3");
        shop.patch("/api/items/2", moved).await.expect(200);
        assert_eq!(shop.balance(1).await, "125.00");
        assert_eq!(shop.balance(2).await, "56.00");
        assert_eq!(shop.attribute("/api/orders/3", "item_count").await, "2");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn moving_an_item_into_a_shipped_order_takes_it_off_the_balance() {
    on_every_database(SHOP, async |shop| {
        let moved = Document::of("items").id("1").to_one("order", "orders", "2");
        shop.patch("/api/items/1", moved).await.expect(200);
        assert_eq!(shop.balance(1).await, "21.00");
        assert_eq!(shop.attribute("/api/orders/2", "amount_total").await, "435.00");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn moving_an_order_to_another_customer_moves_its_total() {
    on_every_database(SHOP, async |shop| {
        let moved = Document::of("orders").id("1").to_one("customer", "customers", "2");
        shop.patch("/api/orders/1", moved).await.expect(200);
        assert_eq!(shop.balance(1).await, "0.00");
        assert_eq!(shop.balance(2).await, "181.00");
        assert_eq!(shop.attribute("/api/customers/2", "order_count").await, "2");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn shipping_and_moving_an_order_at_once_leaves_both_customers_right() {
    on_every_database(SHOP, async |shop| {
        let both = Document::of("orders").id("1").attribute("date_shipped", "2026-05-01").to_one(
            "customer",
            "customers",
            "3",
        );
        shop.patch("/api/orders/1", both).await.expect(200);
        assert_eq!(shop.balance(1).await, "0.00");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn deleting_an_item_lowers_every_total() {
    on_every_database(SHOP, async |shop| {
        shop.delete("/api/items/1").await.expect(204);
        assert_eq!(shop.attribute("/api/orders/1", "amount_total").await, "21.00");
        assert_eq!(shop.balance(1).await, "21.00");
        shop.get("/api/items/1").await.refused(404, "not-found");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn deleting_an_order_deletes_its_items_and_lowers_the_balance() {
    on_every_database(SHOP, async |shop| {
        shop.delete("/api/orders/4").await.expect(204);
        shop.get("/api/items/5").await.refused(404, "not-found");
        assert_eq!(shop.attribute("/api/customers/3", "order_count").await, "1");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn deleting_an_employee_leaves_reports_and_orders_as_declared() {
    on_every_database(SHOP, async |shop| {
        let refused = shop.delete("/api/employees/2").await.refused(409, "still-referenced");
        assert_eq!(refused["meta"]["relationship"], "orders");
        shop.delete("/api/employees/1").await.expect(204);
        let report = shop.get("/api/employees/3?include=manager").await.expect(200);
        assert!(report["data"]["relationships"]["manager"]["data"].is_null(), "{report}");
    })
    .await;
}

#[tokio::test]
async fn exceeding_the_credit_limit_is_refused_with_the_message_and_nothing_is_written() {
    on_every_database(SHOP, async |shop| {
        let before = shop.get("/api/items").await.expect(200);
        let refused = shop.post("/api/items", item("1", "4", 3)).await.refused(422, "constraint-violated");
        let message = "balance (1076.00) exceeds the credit limit (1000.00)";
        assert_eq!(refused["detail"], message);
        assert_eq!(refused["meta"]["message"], message);
        assert_eq!(refused["source"]["pointer"], "/data");
        assert_eq!(shop.get("/api/items").await.expect(200), before);
        assert_eq!(shop.balance(1).await, "146.00");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn lowering_the_limit_below_the_balance_points_at_the_limit() {
    on_every_database(SHOP, async |shop| {
        let lower = Document::of("customers").id("1").attribute("credit_limit", 100);
        let refused = shop.patch("/api/customers/1", lower).await.refused(422, "constraint-violated");
        assert_eq!(refused["source"]["pointer"], "/data/attributes/credit_limit");
        assert_eq!(refused["meta"]["attribute"], "credit_limit");
        let exact = Document::of("customers").id("1").attribute("credit_limit", 146);
        shop.patch("/api/customers/1", exact).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn unshipping_or_moving_an_order_over_the_limit_is_refused() {
    on_every_database(SHOP, async |shop| {
        let unshipped = Document::of("orders")
            .id("6")
            .to_one("customer", "customers", "5")
            .attribute("date_shipped", serde_json::Value::Null);
        shop.patch("/api/orders/6", unshipped).await.refused(422, "constraint-violated");
        let moved = Document::of("orders").id("1").to_one("customer", "customers", "6");
        shop.patch("/api/orders/1", moved).await.refused(422, "constraint-violated");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn all_violations_of_a_request_come_together() {
    on_every_database(SHOP, async |shop| {
        let item = item("7", "4", -1);
        let refused = shop.post("/api/items", item).await.expect(422);
        let messages: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|e| &e["detail"]).collect();
        assert_eq!(messages, ["quantity (-1) must be greater than zero"]);
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_default_stands_where_the_client_gave_nothing() {
    on_every_database(SHOP, async |shop| {
        let plain = Document::of("items").to_one("order", "orders", "1").to_one("product", "products", "3");
        let made = shop.post("/api/items", plain).await.expect(201);
        assert_eq!(made["data"]["attributes"]["quantity"].to_string(), "1");
        shop.assert_consistent().await;
    })
    .await;
}
