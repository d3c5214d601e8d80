//! Requests of several operations that meet: each names the same rows in an order of its own, and all are done.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tests::database::ALL;
use tests::document::{add, update};
use tests::shop::{SHOP, item};
use tests::{Document, Service};

const CLIENTS: u64 = 8;
const TURNS: u64 = 5;

/// Rows of four tables, of two customers.
fn operations(n: u64, turn: u64) -> Vec<Json> {
    let quantity = |id: &str| update(Document::of("items").id(id).attribute("quantity", 1 + (n + turn) % 4));
    let shipped = if turn.is_multiple_of(2) { Json::Null } else { json!("2026-05-05") };
    let mut operations = vec![
        quantity("1"),
        quantity("4"),
        update(Document::of("orders").id("2").attribute("date_shipped", shipped)),
        update(Document::of("orders").id("3").to_one(
            "customer",
            "customers",
            if n.is_multiple_of(2) { "1" } else { "2" },
        )),
        update(Document::of("products").id("2").attribute("name", format!("Bell {n} {turn}"))),
        add(item("1", "3", 1)),
        add(item("3", "1", 1)),
    ];
    if n % 2 == 1 {
        operations.reverse();
    }
    operations
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_name_the_same_rows_in_opposite_orders_are_all_done() {
    for dialect in ALL {
        let shop = Arc::new(Service::start(dialect, SHOP).await);
        shop.database.execute("update customers set credit_limit = 1000000").await;
        let client = |n: u64| {
            let shop = shop.clone();
            tokio::spawn(async move {
                for turn in 0..TURNS {
                    shop.operations(operations(n, turn)).await.expect(200);
                }
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        for client in clients {
            client.await.unwrap();
        }
        shop.assert_consistent().await;
        let added = shop.database.rows("select count(*) from items where id > 100", 1).await;
        assert_eq!(added[0][0], (2 * CLIENTS * TURNS).to_string(), "{dialect}");
        let metrics = shop.metrics().render().unwrap();
        assert!(!metrics.contains("reason=\"conflict\""), "{dialect}: {metrics}");
    }
}
