//! What fails at the end of a transaction, or in the middle: all of it is refused, or all of it is done again.

use dialects::Dialect;
use serde_json::json;

use super::SERVERS;
use super::lines::{BOXES, part};
use super::world::{Case, DERIVED, World};
use crate::plan::write::Verb;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_which_one_statement_fails_leaves_nothing() {
    for dialect in SERVERS {
        let world = World::of(dialect, BOXES).await;
        let held = world.hold("insert into parts values (90, 2, 'x', 0, null)").await;
        // The code is taken in the very flush that would also raise the total and commit.
        let late = part(&world, "91", 1, "x");
        world.until_stopped(1, &[&late]).await;
        held.release().await;
        assert_eq!(late.await.unwrap(), Err(vec!["duplicate"]), "{dialect}");
        assert_eq!(world.number("select held from boxes where id = 1").await, "5.00", "{dialect}");
        assert_eq!(world.number("select count(*) from parts").await, "3.00", "{dialect}");
        // What was written before the statement that fails goes, too.
        let into = json!({"box": {"data": {"type": "boxes", "id": "3"}}});
        let part = json!({"type": "parts", "id": "92", "attributes": {"code": "x", "weight": 1}, "relationships": into});
        let both = world.operations(json!([
            {"op": "add", "data": {"type": "boxes", "id": "3", "attributes": {"label": "green"}}},
            {"op": "add", "data": part},
        ]));
        assert_eq!(both.await.unwrap(), Err(vec!["duplicate"]), "{dialect}");
        assert_eq!(world.number("select count(*) from boxes").await, "2.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_victim_of_a_deadlock_is_rolled_back_whole_and_tried_again() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        // MariaDB ends the transaction that has written less, PostgreSQL the one that finds out.
        let mut held = world
            .hold("insert into shelves values (91, 0), (92, 0), (93, 0), (94, 0), (95, 0), (96, 0)")
            .await;
        // However late the second lock is asked for here: it is the write that finds the circle, or gives up waiting.
        if dialect == Dialect::Postgres {
            held.then("set local deadlock_timeout = '1min'").await;
        }
        held.then("select id from orders where id = 1 for update").await;
        let item = world.start(Verb::Update, "items", "1", json!({"quantity": 7}), json!({}));
        world.until_stopped(1, &[&item]).await;
        held.then("select id from items where id = 1 for update").await;
        held.release().await;
        assert_eq!(item.await.unwrap(), Ok(()), "{dialect}");
        assert!(world.conflicted(), "{dialect}: it was never the victim");
        assert_eq!(world.number("select balance from customers where id = 1").await, "24.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_constraint_that_fails_at_commit_is_a_refusal() {
    let tables = BOXES
        .tables
        .replace("not null unique, weight", "not null unique deferrable initially deferred, weight");
    let world = World::of(Dialect::Postgres, Case { tables: &tables, ..BOXES }).await;
    let held = world.hold("insert into parts values (90, 2, 'x', 0, null)").await;
    let late = part(&world, "91", 1, "x");
    world.until_stopped(1, &[&late]).await;
    held.release().await;
    assert_eq!(late.await.unwrap(), Err(vec!["duplicate"]));
    assert_eq!(world.number("select held from boxes where id = 1").await, "5.00");
    world.close().await;
}
