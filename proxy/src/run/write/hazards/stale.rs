//! What somebody has read before others came, or before he waited, is not what stays.

use serde_json::json;

use super::SERVERS;
use super::world::{Case, DERIVED, World, linked};
use crate::plan::write::Verb;

/// Mountains that know their highest peak, and ranges that know their highest mountain.
const RANGES: Case<'static> = Case {
    tables: "
        create table ranges (id int primary key, highest int);
        create table mountains (id int primary key, range_id int not null, highest int, foreign key (range_id) references ranges (id));
        create table peaks (id int primary key, mountain_id int not null, height int not null,
            foreign key (mountain_id) references mountains (id));
        insert into ranges values (1, 20);
        insert into mountains values (1, 1, 20), (2, 1, 9);
        insert into peaks values (1, 1, 20), (2, 1, 1), (3, 2, 9), (4, 2, 5);",
    rules: "{derive: {mountains.highest: max(peaks.height), ranges.highest: max(mountains.highest)}}",
    model: "",
    wrong: "select (select count(*) from mountains m where m.highest <> (select max(height) from peaks where mountain_id = m.id))
        + (select count(*) from ranges r where r.highest <> (select max(highest) from mountains where range_id = r.id))",
};

/// The second has looked at the peaks of its mountain when it begins to wait: a snapshot made then would show the other mountain as it was.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_looked_before_it_waits_looks_again_at_what_is_there_then() {
    for dialect in SERVERS {
        let world = World::of(dialect, RANGES).await;
        let held = world.hold("select id from ranges where id = 1 for update").await;
        let lower = world.start(Verb::Delete, "peaks", "3", json!({}), json!({}));
        world.until_stopped(1, &[&lower]).await;
        let highest = world.start(Verb::Delete, "peaks", "1", json!({}), json!({}));
        world.until_stopped(2, &[&lower, &highest]).await;
        held.release().await;
        assert_eq!((lower.await.unwrap(), highest.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert_eq!(world.number("select highest from ranges where id = 1").await, "5.00", "{dialect}");
        assert!(!world.conflicted(), "{dialect}");
        world.close().await;
    }
}

/// The item has read the price and stops where it is added. Who changes the price does not find it yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_a_coming_item_has_read_changes_with_that_item() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        // The key is taken until the session ends, and free then.
        let mut held = world.hold("insert into items values (91, 2, 2, 1, 5.00)").await;
        held.then("delete from items where id = 91").await;
        let item = world.start(Verb::Create, "items", "91", json!({"quantity": 2}), linked(3, 1));
        world.until_stopped(1, &[&item]).await;
        let price = world.start(Verb::Update, "products", "1", json!({"price": "3.00"}), json!({}));
        world.until_stopped(2, &[&item, &price]).await;
        held.release().await;
        assert_eq!((item.await.unwrap(), price.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert_eq!(world.number("select amount from items where id = 91").await, "6.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_customer_whose_balance_has_moved_since_it_was_read_is_accepted() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let etag = world.etag("/api/customers/1").await;
        let edit = |name: &str| {
            let customer = json!({"type": "customers", "id": "1", "attributes": {"name": name}});
            world.edit("/api/customers/1", &etag, json!({"data": customer}))
        };
        let held = world.hold("select id from customers where id = 1 for update").await;
        let item = world.start(Verb::Create, "items", "91", json!({"quantity": 1}), linked(1, 1));
        world.until_stopped(1, &[&item]).await;
        let first = edit("Quay");
        world.until_stopped(2, &[&item, &first]).await;
        held.release().await;
        assert_eq!((item.await.unwrap(), first.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert_eq!(
            world.number("select balance from customers where name = 'Quay'").await,
            "22.00",
            "{dialect}"
        );
        // What a client has changed meanwhile does count.
        assert_eq!(edit("Rowan").await.unwrap(), Err(vec!["precondition-failed"]), "{dialect}");
        world.close().await;
    }
}
