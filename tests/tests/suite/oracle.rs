//! The oracle itself: it must see what is wrong, or all that it passes means nothing.

use serde_json::{Value as Json, json};
use tests::database::ALL;
use tests::document::{add, remove, update};
use tests::shop::{SHOP, item, order};
use tests::{Document, Service, on_every_database, oracle};

#[tokio::test]
async fn the_oracle_sees_every_column_that_is_wrong() {
    for dialect in ALL {
        let shop = Service::start(dialect, SHOP).await;
        assert_eq!(oracle::differences(&shop.database).await, Vec::<String>::new());
        for (column, wrong) in [
            (
                "items.unit_price",
                "update items set unit_price = unit_price + 0.01, amount = amount where id = 1",
            ),
            ("items.amount", "update items set amount = amount + 0.01 where id = 2"),
            ("orders.amount_total", "update orders set amount_total = amount_total - 0.01 where id = 7"),
            ("orders.item_count", "update orders set item_count = 1 where id = 7"),
            ("customers.balance", "update customers set balance = 0.01 where id = 6"),
            ("customers.order_count", "update customers set order_count = 1 where id = 6"),
        ] {
            shop.database.execute(wrong).await;
            let found = oracle::differences(&shop.database).await;
            assert!(found.iter().any(|line| line.starts_with(column)), "{column}: {found:?}");
        }
    }
}

/// Numbers that are the same on every database.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn id(&mut self, most: u64) -> String {
        let n = 1 + self.roll(most + 3);
        if n > most { (100 + n - most).to_string() } else { n.to_string() }
    }

    fn operation(&mut self, n: u64, orders: &mut Vec<String>) -> Json {
        let (order_id, item_id, customer) = (self.id(7), self.id(9), (1 + self.roll(3)).to_string());
        let product = (1 + self.roll(3)).to_string();
        match self.roll(9) {
            0 | 1 => {
                let lid = n.to_string();
                orders.push(lid.clone());
                add(order(&customer).lid(&lid))
            }
            2 | 3 if !orders.is_empty() => {
                let lid = &orders[self.roll(orders.len() as u64) as usize];
                let new = Document::of("items").attribute("quantity", 1 + self.roll(5));
                add(new.to_new("order", "orders", lid).to_one("product", "products", &product))
            }
            2..=4 => add(item(&order_id, &product, 1 + self.roll(5) as i64)),
            5 => update(Document::of("items").id(&item_id).attribute("quantity", self.roll(6))),
            6 => update(Document::of("items").id(&item_id).to_one("order", "orders", &order_id)),
            7 => match self.roll(3) {
                0 => remove("items", &item_id),
                1 => remove("orders", &order_id),
                _ => update(Document::of("orders").id(&order_id).to_one("customer", "customers", &customer)),
            },
            _ => {
                let shipped = if self.roll(2) == 0 { Json::Null } else { json!("2026-07-01") };
                update(Document::of("orders").id(&order_id).attribute("date_shipped", shipped))
            }
        }
    }
}

#[tokio::test]
async fn random_operations_come_to_the_same_on_every_database_and_leave_it_consistent() {
    for seed in [1, 2, 3] {
        println!("seed {seed}");
        let transcript = on_every_database(SHOP, async |shop| {
            let mut dice = Dice(seed);
            for _ in 0..25 {
                let mut orders = Vec::new();
                let count = 1 + dice.roll(6);
                let operations = (0..count).map(|n| dice.operation(n, &mut orders)).collect();
                shop.operations(operations).await;
                shop.assert_consistent().await;
            }
        })
        .await;
        let done = transcript.iter().filter(|said| said[1] == 200 || said[1] == 204).count();
        assert!(done > 5, "seed {seed}: only {done} were done");
    }
}
