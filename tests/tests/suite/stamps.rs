//! Stamps: set with the row and with every change of what clients set.

use dialects::Dialect;
use serde_json::Value as Json;
use tests::database::ALL;
use tests::depot::{self, order, pick};
use tests::service::Fixture;
use tests::shop::spelled;
use tests::{Document, Service, on_every_database};

const DEPOT: Fixture =
    Fixture { sql: depot::sql, rules: &[("stamps.yaml", include_str!("../../fixtures/depot_stamps.yaml"))] };

const CLOCK: Fixture =
    Fixture { sql: depot::sql, rules: &[("clock.yaml", include_str!("../../fixtures/depot_clock.yaml"))] };

async fn version(depot: &Service, id: &str) -> String {
    depot.attribute(&format!("/api/orders/{id}"), "version").await
}

#[tokio::test]
async fn a_new_order_is_stamped() {
    on_every_database(DEPOT, async |depot| {
        let made = depot.post("/api/orders", Document::of("orders").attribute("note", "x")).await;
        let attributes = &made.expect(201)["data"]["attributes"];
        assert_eq!((&attributes["version"], &attributes["made_by"]), (&1.into(), &"nobody".into()));
    })
    .await;
}

#[tokio::test]
async fn every_change_that_a_client_makes_is_counted_once() {
    on_every_database(DEPOT, async |depot| {
        let changes = [
            order("1").attribute("note", "x"),
            order("1").attribute("note", "y").attribute("status", "paid"),
            order("1").attribute("note", Json::Null),
            order("1").to_one("clerk", "clerks", "2"),
            order("1").to_none("clerk"),
        ];
        for (change, expect) in changes.into_iter().zip(2..) {
            let changed = depot.patch("/api/orders/1", change).await.expect(200);
            assert_eq!(changed["data"]["attributes"]["version"], expect);
            assert_eq!(changed["data"]["attributes"]["made_by"], "Ann");
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_that_comes_to_nothing_stamps_nothing() {
    on_every_database(DEPOT, async |depot| {
        let same = order("1").attribute("status", "new").to_one("clerk", "clerks", "1");
        depot.patch("/api/orders/1", same).await.expect(200);
        assert_eq!(version(depot, "1").await, "1");
    })
    .await;
}

#[tokio::test]
async fn a_derived_total_that_moves_stamps_nothing() {
    on_every_database(DEPOT, async |depot| {
        depot.post("/api/picks", pick("1", "1", 4)).await.expect(201);
        assert_eq!(depot.attribute("/api/orders/1", "units").await, "7");
        depot.delete("/api/picks/1").await.expect(204);
        let moved = Document::of("picks").id("2").to_one("order", "orders", "1");
        depot.patch("/api/picks/2", moved).await.expect(200);
        assert_eq!((version(depot, "1").await, version(depot, "2").await), ("1".into(), "1".into()));
    })
    .await;
}

#[tokio::test]
async fn a_clerk_who_goes_leaves_stamped_orders() {
    on_every_database(DEPOT, async |depot| {
        depot.delete("/api/clerks/1").await.expect(204);
        assert_eq!((version(depot, "1").await, version(depot, "2").await), ("2".into(), "2".into()));
        assert_eq!(version(depot, "3").await, "1");
        depot.delete("/api/orders/2").await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn a_stamp_is_not_the_clients_to_set() {
    on_every_database(DEPOT, async |depot| {
        let sent = order("1").attribute("version", 9).attribute("made_by", "Eve").attribute("note", "x");
        let changed = depot.patch("/api/orders/1", sent).await.expect(200);
        assert_eq!(changed["data"]["attributes"]["version"], 2);
        let mut ignored: Vec<_> = changed["meta"]["ignored"].as_array().unwrap().clone();
        ignored.sort_by_key(ToString::to_string);
        assert_eq!(ignored, ["made_by", "version"]);
        let alone = order("1").attribute("version", 9);
        depot.patch("/api/orders/1", alone).await.refused(422, "derived-only");
    })
    .await;
}

#[tokio::test]
async fn an_order_whose_total_moved_meanwhile_can_still_be_edited() {
    on_every_database(DEPOT, async |depot| {
        let etag = depot.get("/api/orders/1").await.etag();
        depot.post("/api/picks", pick("1", "1", 4)).await.expect(201);
        let note = |text: &str| order("1").attribute("note", text);
        depot.patch_if("/api/orders/1", &etag, note("x")).await.expect(200);
        depot.patch_if("/api/orders/1", &etag, note("y")).await.refused(412, "precondition-failed");
    })
    .await;
}

#[tokio::test]
async fn the_time_of_the_last_change_is_kept() {
    for dialect in ALL {
        let depot = Service::start(dialect, CLOCK).await;
        let at = || async { depot.attribute("/api/orders/1", "changed_at").await };
        let mut seen = vec![at().await];
        for note in ["x", "x", "y"] {
            depot.patch("/api/orders/1", order("1").attribute("note", note)).await.expect(200);
            seen.push(at().await);
        }
        assert!(seen[0] == "null" && seen[1] != "null", "{dialect:?}: {seen:?}");
        assert!(seen[1] == seen[2] && seen[2] < seen[3], "{dialect:?}: {seen:?}");
    }
}

/// Columns that keep whole seconds, and what is computed from them.
fn seconds(dialect: Dialect) -> String {
    let moment = if dialect == Dialect::Mysql { "datetime" } else { "timestamp(0)" };
    spelled(
        &format!(
            "create table visits (id {{key}}, note varchar(40), seen_at {moment}, made_at {moment} default current_timestamp,
                 second decimal(9, 3), made_second decimal(9, 3));"
        ),
        dialect,
    )
}

const VISITS: Fixture = Fixture {
    sql: seconds,
    rules: &[(
        "visits.yaml",
        "derive: {visits.second: extract(second from seen_at), visits.made_second: extract(second from made_at)}\n\
         stamp: {visits.seen_at: now()}",
    )],
};

#[tokio::test]
async fn a_stamp_is_what_its_column_keeps_of_the_moment_before_others_read_it() {
    // SQLite keeps what it is given.
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let visits = Service::start(dialect, VISITS).await;
        for _ in 0..3 {
            visits.post("/api/visits", Document::of("visits").attribute("note", "x")).await.expect(201);
        }
        let wrong =
            "select count(*) from visits where second <> extract(second from seen_at) or second is null
            or made_second <> extract(second from made_at) or made_second is null";
        assert_eq!(visits.database.rows(wrong, 1).await, [["0"]], "{dialect:?}");
    }
}
