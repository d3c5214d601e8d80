//! Writers that stand in line: nobody waits for one who waits for him, nobody for ever, and nobody adds to what he read before he waited.

use dialects::Dialect;
use serde_json::json;

use super::SERVERS;
use super::world::{Case, DERIVED, World, linked};
use crate::plan::write::Verb;

#[tokio::test(flavor = "multi_thread")]
async fn two_items_added_to_one_order_stand_in_line() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let held = world.hold("select id from orders where id = 1 for update").await;
        let one = world.start(Verb::Create, "items", "91", json!({"quantity": 1}), linked(1, 1));
        let two = world.start(Verb::Create, "items", "92", json!({"quantity": 1}), linked(1, 1));
        world.until_stopped(2, &[&one, &two]).await;
        held.release().await;
        assert_eq!((one.await.unwrap(), two.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert!(!world.conflicted(), "{dialect}");
        assert_eq!(world.number("select amount from orders where id = 1").await, "14.00");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_that_two_orders_wait_for_has_both_differences() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let held = world.hold("select id from customers where id = 1 for update").await;
        let one = world.start(Verb::Create, "items", "91", json!({"quantity": 1}), linked(1, 1));
        let two = world.start(Verb::Update, "items", "2", json!({"quantity": 3}), json!({}));
        world.until_stopped(2, &[&one, &two]).await;
        held.release().await;
        assert_eq!((one.await.unwrap(), two.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert!(!world.conflicted(), "{dialect}");
        assert_eq!(world.number("select balance from customers where id = 1").await, "27.00");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_items_keep_reading_is_changed_in_its_turn() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let held = world.hold("select id from orders where id = 1 for update").await;
        let before = world.start(Verb::Create, "items", "91", json!({"quantity": 1}), linked(1, 1));
        world.until_stopped(1, &[&before]).await;
        let price = world.start(Verb::Update, "products", "1", json!({"price": "3.00"}), json!({}));
        world.until_stopped(2, &[&before, &price]).await;
        // Its own order is free, but the writer of the price came first.
        let after = world.start(Verb::Create, "items", "92", json!({"quantity": 1}), linked(3, 1));
        world.until_stopped(3, &[&before, &price, &after]).await;
        assert!(!after.is_finished(), "{dialect}: it overtook the writer");
        held.release().await;
        let ended = [before.await.unwrap(), price.await.unwrap(), after.await.unwrap()];
        assert_eq!(ended, [Ok(()), Ok(()), Ok(())], "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_comes_while_its_price_changes_has_the_new_one() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let held = world.hold("select id from items where id = 1 for update").await;
        let price = world.start(Verb::Update, "products", "1", json!({"price": "3.00"}), json!({}));
        world.until_stopped(1, &[&price]).await;
        let item = world.start(Verb::Create, "items", "91", json!({"quantity": 2}), linked(3, 1));
        world.until_stopped(2, &[&price, &item]).await;
        held.release().await;
        assert_eq!((price.await.unwrap(), item.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert_eq!(world.number("select amount from items where id = 91").await, "6.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_moves_to_a_product_while_its_price_changes_has_the_new_one() {
    for dialect in SERVERS {
        for first in ["price", "move"] {
            let world = World::new(dialect, DERIVED).await;
            let stop = if first == "price" { "items where id = 1" } else { "orders where id = 2" };
            let held = world.hold(&format!("select id from {stop} for update")).await;
            let start = |which: &str| match which {
                "price" => world.start(Verb::Update, "products", "1", json!({"price": "3.00"}), json!({})),
                _ => world.start(Verb::Update, "items", "2", json!({"product_id": 1}), json!({})),
            };
            let one = start(first);
            world.until_stopped(1, &[&one]).await;
            let other = start(if first == "price" { "move" } else { "price" });
            world.until_stopped(2, &[&one, &other]).await;
            held.release().await;
            assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect} {first}");
            assert_eq!(
                world.number("select amount from items where id = 2").await,
                "6.00",
                "{dialect} {first}"
            );
            world.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_being_removed_holds_up_no_item_of_another() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let held = world.hold("select id from customers where id = 1 for update").await;
        // It has its items and waits for its customer.
        let removal = world.start(Verb::Delete, "orders", "1", json!({}), json!({}));
        world.until_stopped(1, &[&removal]).await;
        let item = world.start(Verb::Create, "items", "91", json!({"quantity": 1}), linked(3, 2));
        assert_eq!(item.await.unwrap(), Ok(()), "{dialect}");
        assert!(!removal.is_finished() && !world.conflicted(), "{dialect}");
        held.release().await;
        assert_eq!(removal.await.unwrap(), Ok(()), "{dialect}");
        world.close().await;
    }
}

/// Boxes whose label is unique, and parts that each weigh on one.
pub(super) const BOXES: Case<'static> = Case {
    tables: "
        create table boxes (id int primary key, label varchar(20) not null unique, held decimal(12,2) not null);
        create table parts (id int primary key, box_id int not null, code varchar(20) not null unique, weight decimal(12,2) not null,
            note varchar(20), foreign key (box_id) references boxes (id) on delete cascade);
        insert into boxes values (1, 'red', 5.00), (2, 'blue', 0);
        insert into parts values (1, 1, 'a', 2.00, null), (2, 1, 'b', 3.00, null);",
    rules: "{derive: {boxes.held: sum(parts.weight)}}",
    model: "",
    wrong: "select count(*) from boxes b where b.held <> (select coalesce(sum(weight), 0) from parts where box_id = b.id)",
};

/// A part of a box.
pub(super) fn part(
    world: &World,
    id: &str,
    box_id: i64,
    code: &str,
) -> tokio::task::JoinHandle<super::world::Ended> {
    let relationships = json!({"box": {"data": {"type": "boxes", "id": box_id.to_string()}}});
    world.start(Verb::Create, "parts", id, json!({"code": code, "weight": 1}), relationships)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_value_of_a_box_changes_while_parts_come() {
    for dialect in SERVERS {
        let world = World::of(dialect, BOXES).await;
        let held = world.hold("select id from boxes where id = 1 for update").await;
        let before = part(&world, "91", 1, "x");
        world.until_stopped(1, &[&before]).await;
        let label = world.start(Verb::Update, "boxes", "1", json!({"label": "green"}), json!({}));
        world.until_stopped(2, &[&before, &label]).await;
        let after = part(&world, "92", 1, "y");
        world.until_stopped(3, &[&before, &label, &after]).await;
        held.release().await;
        let ended = [before.await.unwrap(), label.await.unwrap(), after.await.unwrap()];
        assert_eq!(ended, [Ok(()), Ok(()), Ok(())], "{dialect}");
        assert!(!world.conflicted(), "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_is_taken_meanwhile_is_a_duplicate() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let world = World::of(dialect, BOXES).await;
        let held = world.hold("update boxes set label = 'green' where id = 2").await;
        let label = world.start(Verb::Update, "boxes", "1", json!({"label": "green"}), json!({}));
        world.until_stopped(1, &[&label]).await;
        held.release().await;
        assert_eq!(label.await.unwrap(), Err(vec!["duplicate"]), "{dialect}");
        world.close().await;
    }
}
