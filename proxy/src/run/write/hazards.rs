//! Sessions that meet, on PostgreSQL and MariaDB: whatever the interleaving, every derived value is right afterwards.
//!
//! A plain session holds a row until the writes under test stand in front of it, each where the database shows it waiting; then
//! it lets them go. The crowds at the end have no schedule: many writers on few rows.

mod crowd;
mod data;
mod ends;
mod lines;
mod mending;
mod missing;
mod names;
mod stale;
mod triggers;
mod world;

use std::time::Duration;

use dialects::Dialect;
use serde_json::json;
use world::{CHECKED, DERIVED, World, linked};

use crate::plan::write::Verb;

const SERVERS: [Dialect; 2] = [Dialect::Postgres, Dialect::Mysql];

#[tokio::test(flavor = "multi_thread")]
async fn an_item_and_its_product_changed_at_once_both_count() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let held = world.hold("select id from orders where id = 1 for update").await;
        let item = world.start(Verb::Update, "items", "1", json!({"quantity": 7}), json!({}));
        world.until_stopped(1, &[&item]).await;
        let product = world.start(Verb::Update, "products", "1", json!({"price": "3.00"}), json!({}));
        world.until_stopped(2, &[&item, &product]).await;
        held.release().await;
        assert_eq!((item.await.unwrap(), product.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert_eq!(world.number("select amount from items where id = 1").await, "21.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_ships_while_its_item_changes_leaves_nothing_on_the_balance() {
    for dialect in SERVERS {
        for first in ["items", "orders"] {
            let world = World::new(dialect, DERIVED).await;
            let held = world.hold("select id from orders where id = 1 for update").await;
            let second = if first == "items" { "orders" } else { "items" };
            let change = |ty: &'static str| match ty {
                "items" => world.start(Verb::Update, ty, "1", json!({"quantity": 9}), json!({})),
                _ => world.start(Verb::Update, ty, "1", json!({"shipped": 1}), json!({})),
            };
            let one = change(first);
            world.until_stopped(1, &[&one]).await;
            let other = change(second);
            world.until_stopped(2, &[&one, &other]).await;
            held.release().await;
            assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect} {first}");
            world.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_removed_while_an_item_of_it_comes_or_changes() {
    for dialect in SERVERS {
        for comes in [true, false] {
            let world = World::new(dialect, DERIVED).await;
            let held = world.hold("select id from orders where id = 1 for update").await;
            let removal = world.start(Verb::Delete, "orders", "1", json!({}), json!({}));
            world.until_stopped(1, &[&removal]).await;
            let item = match comes {
                true => world.start(Verb::Create, "items", "90", json!({"quantity": 5}), linked(1, 1)),
                false => world.start(Verb::Update, "items", "1", json!({"quantity": 5}), json!({})),
            };
            world.until_stopped(2, &[&removal, &item]).await;
            held.release().await;
            assert_eq!(removal.await.unwrap(), Ok(()), "{dialect} {comes}");
            let item = item.await.unwrap();
            let refused = if comes { "related-not-found" } else { "not-found" };
            assert!(item.is_ok() || item == Err(vec![refused]), "{dialect}: {item:?}");
            assert_eq!(world.number("select count(*) from items where order_id = 1").await, "0.00");
            world.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_lowered_while_an_order_grows_lets_one_of_both_through() {
    for dialect in SERVERS {
        for (who, row) in [("customers", 1), ("orders", 1), ("items", 1)] {
            let world = World::new(dialect, CHECKED).await;
            let held = world.hold(&format!("select id from {who} where id = {row} for update")).await;
            let grown = world.start(Verb::Update, "items", "1", json!({"quantity": 50}), json!({}));
            world.until_stopped(1, &[&grown]).await;
            let lowered =
                world.start(Verb::Update, "customers", "1", json!({"credit_limit": "20.00"}), json!({}));
            world.until_stopped(2, &[&grown, &lowered]).await;
            held.release().await;
            let outcomes = [grown.await.unwrap(), lowered.await.unwrap()];
            let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
            assert_eq!(refused.len(), 1, "{dialect} {who}: {outcomes:?}");
            assert!(refused.iter().all(|codes| codes.iter().all(|code| *code == "constraint-violated")));
            world.close().await;
        }
    }
}

/// Values of 12, 11 and 10: who deletes the second must see that the first is gone, and look again.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_take_away_the_greatest_one_after_the_other_leave_the_third() {
    for dialect in SERVERS {
        for (first, second) in [("11", "12"), ("12", "11")] {
            let world = World::new(dialect, DERIVED).await;
            for (id, pieces) in [("11", 6), ("12", 7)] {
                let item = world.start(Verb::Create, "items", id, json!({"quantity": pieces}), linked(1, 1));
                assert_eq!(item.await.unwrap(), Ok(()));
            }
            let held = world.hold("select id from orders where id = 1 for update").await;
            let one = world.start(Verb::Delete, "items", first, json!({}), json!({}));
            world.until_stopped(1, &[&one]).await;
            let other = world.start(Verb::Delete, "items", second, json!({}), json!({}));
            world.until_stopped(2, &[&one, &other]).await;
            held.release().await;
            assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
            let dearest = world.number("select dearest from orders where id = 1").await;
            assert_eq!(dearest, "10.00", "{dialect} {first} first");
            world.close().await;
        }
    }
}

/// Who raises an item that stays below the greatest meets the one who takes the greatest away.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_rises_while_the_greatest_goes_is_the_greatest_then() {
    for dialect in SERVERS {
        for first in ["1", "11"] {
            let world = World::new(dialect, DERIVED).await;
            let greatest = world.start(Verb::Create, "items", "11", json!({"quantity": 9}), linked(1, 1));
            assert_eq!(greatest.await.unwrap(), Ok(()));
            let held = world.hold("select id from orders where id = 1 for update").await;
            let change = |id: &str| match id {
                "1" => world.start(Verb::Update, "items", "1", json!({"quantity": 7}), json!({})),
                _ => world.start(Verb::Delete, "items", "11", json!({}), json!({})),
            };
            let one = change(first);
            world.until_stopped(1, &[&one]).await;
            let other = change(if first == "1" { "11" } else { "1" });
            world.until_stopped(2, &[&one, &other]).await;
            held.release().await;
            assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
            let dearest = world.number("select dearest from orders where id = 1").await;
            assert_eq!(dearest, "14.00", "{dialect} {first} first");
            world.close().await;
        }
    }
}

/// One request lowers the greatest and others with it while another item comes: its own rows count as they will be, not as they are stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_lowers_the_greatest_does_not_find_it_again() {
    for dialect in SERVERS {
        for (comes, expect) in [(3, "10.00"), (9, "18.00")] {
            let world = World::new(dialect, DERIVED).await;
            for (id, pieces) in [("11", 4), ("12", 3)] {
                let item = world.start(Verb::Create, "items", id, json!({"quantity": pieces}), linked(1, 2));
                assert_eq!(item.await.unwrap(), Ok(()));
            }
            assert_eq!(world.number("select dearest from orders where id = 1").await, "20.00", "{dialect}");
            let held = world.hold("select id from orders where id = 1 for update").await;
            let cheaper = world.start(Verb::Update, "products", "2", json!({"price": "1.00"}), json!({}));
            world.until_stopped(1, &[&cheaper]).await;
            let item = world.start(Verb::Create, "items", "13", json!({"quantity": comes}), linked(1, 1));
            world.until_stopped(2, &[&cheaper, &item]).await;
            held.release().await;
            assert_eq!((cheaper.await.unwrap(), item.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
            let dearest = world.number("select dearest from orders where id = 1").await;
            assert_eq!(dearest, expect, "{dialect}");
            world.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_names_its_parent_by_another_column_follows_a_change_that_it_met() {
    let world = World::new(Dialect::Postgres, DERIVED).await;
    // Rows of the table can be read, but not added.
    let held = world.hold("lock table parcels in share mode").await;
    let parcel = json!({"pieces": 2, "product_code": "c", "shelf_id": 1});
    let parcel = world.start(Verb::Create, "parcels", "90", parcel, json!({}));
    world.until_stopped(1, &[&parcel]).await;
    let product = world.start(Verb::Update, "products", "3", json!({"weight": "9.00"}), json!({}));
    world.until_stopped(2, &[&parcel, &product]).await;
    held.release().await;
    assert_eq!((parcel.await.unwrap(), product.await.unwrap()), (Ok(()), Ok(())));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_one_statement_waits_and_then_counts() {
    for dialect in SERVERS {
        let world = World::with(dialect, DERIVED, Duration::from_secs(1)).await;
        let held = world.hold("select id from customers where id = 1 for update").await;
        let write = world.start(Verb::Update, "customers", "1", json!({"name": "Quay"}), json!({}));
        world.until_retried().await;
        held.release().await;
        assert_eq!(write.await.unwrap(), Ok(()), "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_database_computes_is_told() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let tag = world.start(Verb::Create, "tags", "", json!({"label": "new"}), json!({}));
        assert_eq!(tag.await.unwrap(), Ok(()), "{dialect}");
        world.close().await;
    }
}
