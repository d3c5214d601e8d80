//! Many writers on few rows, without a schedule.

use dialects::Dialect;
use serde_json::{Value as Json, json};

use super::SERVERS;
use super::world::{CHECKED, DERIVED, Ended, World, linked};
use crate::plan::write::Verb;

const WRITERS: i64 = 16;
const WRITES: i64 = 15;

/// Refusals that any interleaving may bring; everything else is a fault.
const REFUSALS: [&str; 4] = ["not-found", "related-not-found", "constraint-violated", "still-referenced"];

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_add_to_one_customer() {
    for dialect in SERVERS {
        let world = World::new(dialect, DERIVED).await;
        let add = |n: i64| {
            let (id, to) = ((100 + n).to_string(), linked(1 + n % 2, 1 + n / 2 % 2));
            world.start(Verb::Create, "items", &id, json!({"quantity": 1}), to)
        };
        let writes: Vec<_> = (0..WRITERS).map(add).collect();
        for write in writes {
            assert_eq!(write.await.unwrap(), Ok(()), "{dialect}");
        }
        assert_eq!(world.number("select balance from customers where id = 1").await, "76.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_many_writers_do_at_once_every_total_is_right() {
    for dialect in SERVERS {
        for rules in [DERIVED, CHECKED] {
            let seed = std::env::var("RULEGATE_TEST_SEED").ok().and_then(|s| s.parse().ok());
            throng(dialect, rules, seed.unwrap_or(7)).await;
        }
    }
}

async fn throng(dialect: Dialect, rules: &str, seed: u64) {
    let world = std::sync::Arc::new(World::new(dialect, rules).await);
    let writer = |n: i64| {
        let world = world.clone();
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(n as u64));
        tokio::spawn(async move {
            for turn in 0..WRITES {
                let ended = any(&world, &mut random, n * 1000 + turn).await;
                let codes = ended.err().unwrap_or_default();
                assert!(codes.iter().all(|code| REFUSALS.contains(code)), "{dialect}: {codes:?}");
            }
        })
    };
    let writers: Vec<_> = (1..=WRITERS).map(writer).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    std::sync::Arc::into_inner(world).unwrap().close().await;
}

/// One write of any kind.
async fn any(world: &World, random: &mut fastrand::Rng, fresh: i64) -> Ended {
    let fresh = fresh.to_string();
    let (order, product, customer) = (random.i64(1..=3), random.i64(1..=2), random.i64(1..=2));
    let update = |ty: &str, id: i64, attributes: Json| {
        world.start(Verb::Update, ty, &id.to_string(), attributes, json!({}))
    };
    let item = random.i64(1..=3);
    let write = match random.u8(0..14) {
        0 | 1 => world.start(
            Verb::Create,
            "items",
            &fresh,
            json!({"quantity": random.i64(1..9)}),
            linked(order, product),
        ),
        2 | 3 => update("items", item, json!({"quantity": random.i64(1..9)})),
        4 => update("items", item, json!({"order_id": order})),
        5 => update("items", item, json!({"product_id": product})),
        6 => update("products", product, json!({"price": random.i64(1..9)})),
        7 => update("products", product, json!({"weight": random.i64(1..9)})),
        8 => update("orders", order, json!({"shipped": random.bool().then_some(1)})),
        9 => update("orders", order, json!({"customer_id": customer})),
        10 => update("customers", customer, json!({"credit_limit": random.i64(30..400)})),
        11 => world.start(
            Verb::Delete,
            "items",
            &random.i64(1000..1000 * (WRITERS + 1)).to_string(),
            json!({}),
            json!({}),
        ),
        12 => {
            let attributes = json!({"pieces": 1, "product_code": if product == 1 { "a" } else { "b" }, "shelf_id": customer});
            world.start(Verb::Create, "parcels", &fresh, attributes, json!({}))
        }
        _ if random.u8(0..6) == 0 => {
            world.start(Verb::Delete, "orders", &order.to_string(), json!({}), json!({}))
        }
        _ => {
            let attributes = json!({"customer_id": customer});
            world.start(Verb::Create, "orders", &fresh, attributes, json!({}))
        }
    };
    write.await.unwrap()
}
