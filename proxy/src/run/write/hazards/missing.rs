//! Parents that come because children name them, where several come at once.

use serde_json::json;
use tokio::task::JoinHandle;

use super::SERVERS;
use super::world::{Ended, MISSING, MISSING_BELOW, World};
use crate::plan::write::Verb;

/// A spending of a month that may not be there.
fn spend(world: &World, id: i64, month: i64, amount: i64) -> JoinHandle<Ended> {
    let of_month = json!({"month": {"data": {"type": "months", "id": month.to_string()}}});
    world.start(Verb::Create, "spendings", &id.to_string(), json!({"amount": amount}), of_month)
}

fn deadlocks(world: &World) -> bool {
    world.metrics.render().unwrap().contains("reason=\"conflict\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_that_make_the_same_missing_month_make_one_and_both_count() {
    for dialect in SERVERS {
        let world = World::new(dialect, MISSING_BELOW).await;
        let held = world.hold("select id from years where id = 1 for update").await;
        let one = spend(&world, 1, 5, 7);
        world.until_stopped(1, &[&one]).await;
        let other = spend(&world, 2, 5, 8);
        world.until_stopped(2, &[&one, &other]).await;
        held.release().await;
        assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert_eq!(world.number("select count(*) from months").await, "1.00", "{dialect}");
        assert_eq!(world.number("select spent from years where id = 1").await, "15.00", "{dialect}");
        assert!(!deadlocks(&world), "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_somebody_else_is_making_is_waited_for_and_then_counts() {
    for dialect in SERVERS {
        for made in [5, 6] {
            let world = World::new(dialect, MISSING).await;
            let held = world.hold(&format!("insert into months (id, spent) values ({made}, 0)")).await;
            let one = spend(&world, 1, made, 7);
            world.until_stopped(1, &[&one]).await;
            let other = spend(&world, 2, made, 8);
            world.until_stopped(2, &[&one, &other]).await;
            held.release().await;
            assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
            assert_eq!(world.number("select spent from months").await, "15.00", "{dialect}");
            world.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_that_make_two_missing_months_do_not_stand_in_each_others_way() {
    for dialect in SERVERS {
        for (first, second) in [(5, 6), (6, 5)] {
            let world = World::new(dialect, MISSING_BELOW).await;
            let held = world.hold("select id from years where id = 1 for update").await;
            let one = spend(&world, 1, first, 7);
            world.until_stopped(1, &[&one]).await;
            let other = spend(&world, 2, second, 8);
            world.until_stopped(2, &[&one, &other]).await;
            held.release().await;
            assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
            assert_eq!(world.number("select count(*) from months").await, "2.00", "{dialect}");
            assert_eq!(world.number("select spent from years where id = 1").await, "15.00", "{dialect}");
            assert!(!deadlocks(&world), "{dialect}");
            world.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_waits_for_another_year_does_not_hold_up_its_neighbours() {
    for dialect in SERVERS {
        let world = World::new(dialect, MISSING_BELOW).await;
        let held = world.hold("insert into months (id, spent, year_id) values (5, 0, 2)").await;
        let one = spend(&world, 1, 5, 7);
        world.until_stopped(1, &[&one]).await;
        let neighbours = match dialect {
            // PostgreSQL shows no row that is not committed: it waits only where it adds the same, with the year in its hand.
            dialects::Dialect::Postgres => Vec::new(),
            _ => vec![spend(&world, 2, 4, 1), spend(&world, 3, 6, 1)],
        };
        for neighbour in neighbours {
            assert_eq!(neighbour.await.unwrap(), Ok(()), "{dialect}");
        }
        held.release().await;
        assert_eq!(one.await.unwrap(), Ok(()), "{dialect}");
        assert_eq!(world.number("select spent from years where id = 2").await, "7.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_makes_a_few_months() {
    for dialect in SERVERS {
        for rules in [MISSING, MISSING_BELOW] {
            let world = World::new(dialect, rules).await;
            let writes: Vec<_> = (1..=48).map(|n| spend(&world, n, n % 6, 1)).collect();
            for write in writes {
                assert_eq!(write.await.unwrap(), Ok(()), "{dialect}");
            }
            assert_eq!(world.number("select count(*) from months").await, "6.00", "{dialect}");
            assert_eq!(world.number("select sum(spent) from months").await, "48.00", "{dialect}");
            world.close().await;
        }
    }
}
