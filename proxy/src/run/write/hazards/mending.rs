//! Repair while others write: what was wrong is right, and nothing that others did is lost.

use std::sync::Arc;

use dialects::{Dialect, Value};
use rules::engine::Mend;
use serde_json::json;
use tokio::task::JoinHandle;

use super::SERVERS;
use super::world::{DERIVED, Ended, World, linked};
use crate::plan::write::Verb;
use crate::run::write::mend;

/// Mends a derived column of row 1.
fn start(world: &World, rule: &str) -> JoinHandle<Ended> {
    let (pool, snapshot) = (world.pool.clone(), world.snapshot.clone());
    let index = snapshot.rules.derivations.iter().position(|derivation| derivation.name == rule).unwrap();
    let mend = Mend::new(index, vec![vec![Value::Int(1)]], chrono::NaiveDateTime::default(), 1000);
    tokio::spawn(async move {
        mend::run(&pool, &snapshot, &Arc::new(mend)).await.unwrap().map_err(|why| {
            println!("{why}");
            vec!["not-mended"]
        })
    })
}

/// Two writes that meet in front of a row, in both orders; then what follows from what was mended is mended, too.
async fn meet(
    dialect: Dialect,
    planted: &str,
    row: &str,
    rules: &[&'static str],
    write: impl Fn(&World) -> JoinHandle<Ended>,
) {
    for mend_first in [true, false] {
        let world = World::new(dialect, DERIVED).await;
        world.pool.execute_script(planted).await.unwrap();
        let held = world.hold(&format!("select id from {row} for update")).await;
        let begin = |mends: bool| if mends { start(&world, rules[0]) } else { write(&world) };
        let one = begin(mend_first);
        world.until_stopped(1, &[&one]).await;
        let other = begin(!mend_first);
        world.until_stopped(2, &[&one, &other]).await;
        held.release().await;
        assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect} {mend_first}");
        for rule in &rules[1..] {
            assert_eq!(start(&world, rule).await.unwrap(), Ok(()), "{dialect} {rule}");
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_is_mended_while_an_item_comes() {
    for dialect in SERVERS {
        let planted = "update orders set amount = 99 where id = 1";
        let rules = ["orders.amount", "customers.balance"];
        meet(dialect, planted, "orders where id = 1", &rules, |world| {
            world.start(Verb::Create, "items", "90", json!({"quantity": 3}), linked(1, 2))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_is_mended_while_the_price_that_it_reads_changes() {
    for dialect in SERVERS {
        for row in ["items where id = 1", "orders where id = 1", "customers where id = 1"] {
            // What adds it up is right: it would be wrong by the difference.
            let planted = "update items set amount = 99 where id = 1";
            let rules = ["items.amount", "orders.amount", "customers.balance"];
            meet(dialect, planted, row, &rules, |world| {
                world.start(Verb::Update, "products", "1", json!({"price": "3.00"}), json!({}))
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_mended_while_an_order_ships_or_moves() {
    for dialect in SERVERS {
        let planted = "update customers set balance = 1 where id = 1";
        for attributes in [json!({"shipped": 1}), json!({"customer_id": 2})] {
            meet(dialect, planted, "customers where id = 1", &["customers.balance"], |world| {
                world.start(Verb::Update, "orders", "1", attributes.clone(), json!({}))
            })
            .await;
        }
    }
}
