//! Columns that move along declared edges, whoever moves them.

use serde_json::Value as Json;
use tests::depot::{self, order, pick};
use tests::service::Fixture;
use tests::{Document, on_every_database};

const DEPOT: Fixture =
    Fixture { sql: depot::sql, rules: &[("states.yaml", include_str!("../../fixtures/depot_states.yaml"))] };

/// A column that may be null.
const NOTES: Fixture = Fixture {
    sql: depot::sql,
    rules: &[(
        "notes.yaml",
        "transition:\n  orders.note: {initial: [draft, null], draft: [final, null], final: []}\n",
    )],
};

fn to(id: &str, status: &str) -> Document {
    order(id).attribute("status", status)
}

#[tokio::test]
async fn a_status_moves_along_its_edges_and_nowhere_else() {
    on_every_database(DEPOT, async |depot| {
        let refused =
            depot.patch("/api/orders/1", to("1", "shipped")).await.refused(422, "transition-violated");
        let message = "`status` cannot go from `new` to `shipped`. What may follow: `paid` or `cancelled`.";
        assert_eq!(refused["detail"], message);
        assert_eq!(refused["source"]["pointer"], "/data/attributes/status");
        assert_eq!(
            (&refused["meta"]["attribute"], &refused["meta"]["message"]),
            (&"status".into(), &message.into())
        );
        assert_eq!(depot.attribute("/api/orders/1", "status").await, "\"new\"");
        for status in ["paid", "shipped"] {
            depot.patch("/api/orders/1", to("1", status)).await.expect(200);
        }
        let refused = depot.patch("/api/orders/1", to("1", "paid")).await.refused(422, "transition-violated");
        assert_eq!(refused["detail"], "`status` cannot go from `shipped` to `paid`: nothing follows.");
    })
    .await;
}

#[tokio::test]
async fn what_leaves_the_status_alone_may_do_as_it_likes() {
    on_every_database(DEPOT, async |depot| {
        let same = to("3", "shipped").attribute("note", "sent");
        depot.patch("/api/orders/3", same).await.expect(200);
        depot.patch("/api/orders/3", order("3").attribute("note", Json::Null)).await.expect(200);
        depot.patch("/api/orders/3", order("3").to_one("clerk", "clerks", "2")).await.expect(200);
        depot.patch("/api/orders/3", order("3").to_none("clerk")).await.expect(200);
        depot.delete("/api/clerks/1").await.expect(204);
        depot.delete("/api/orders/3").await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn an_order_begins_as_new_whether_the_client_or_the_database_says_so() {
    on_every_database(DEPOT, async |depot| {
        let plain = depot.post("/api/orders", Document::of("orders").attribute("note", "x")).await;
        assert_eq!(plain.expect(201)["data"]["attributes"]["status"], "new");
        depot.post("/api/orders", Document::of("orders").attribute("status", "new")).await.expect(201);
        let paid = Document::of("orders").attribute("status", "paid");
        let refused = depot.post("/api/orders", paid).await.refused(422, "transition-violated");
        assert_eq!(refused["detail"], "`status` cannot begin as `paid`. A row begins as `new`.");
        assert_eq!(refused["source"]["pointer"], "/data/attributes/status");
    })
    .await;
}

#[tokio::test]
async fn a_derived_level_is_held_to_its_edges_too() {
    on_every_database(DEPOT, async |depot| {
        depot.post("/api/picks", pick("3", "1", 4)).await.expect(201);
        assert_eq!(depot.attribute("/api/orders/3", "level").await, "1");
        let fewer = Document::of("picks").id("3").attribute("quantity", -5);
        let refused = depot.patch("/api/picks/3", fewer).await.refused(422, "transition-violated");
        assert_eq!(refused["detail"], "`orders.level` cannot go from `2` to `0`. What may follow: `1`.");
        assert_eq!(refused["source"]["pointer"], "/data");
        assert_eq!(depot.attribute("/api/orders/2", "units").await, "12");
        let moved = Document::of("picks").id("3").to_one("order", "orders", "1");
        depot.patch("/api/picks/3", moved).await.expect(200);
        assert_eq!(depot.attribute("/api/orders/2", "level").await, "1");
        depot.delete("/api/orders/2").await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn a_state_is_given_up_only_where_null_is_listed() {
    on_every_database(NOTES, async |depot| {
        let noted = |note: Json| order("1").attribute("note", note);
        depot.patch("/api/orders/1", noted("final".into())).await.refused(422, "transition-violated");
        depot.patch("/api/orders/1", noted("draft".into())).await.expect(200);
        depot.patch("/api/orders/1", noted(Json::Null)).await.expect(200);
        depot.patch("/api/orders/1", noted("draft".into())).await.expect(200);
        depot.patch("/api/orders/1", noted("final".into())).await.expect(200);
        let refused =
            depot.patch("/api/orders/1", noted(Json::Null)).await.refused(422, "transition-violated");
        assert_eq!(refused["detail"], "`note` cannot go from `final` to nothing: nothing follows.");
        let plain = Document::of("orders").attribute("note", Json::Null);
        depot.post("/api/orders", plain).await.expect(201);
    })
    .await;
}
