//! A short load run on each database; `rulegate-load` runs longer ones.

use std::time::Duration;

use dialects::Dialect;
use tests::database::ALL;
use tests::load::{Load, run, shop};

async fn stays_right(dialect: Dialect, guarded: bool) {
    let (clients, seconds) = if std::env::var_os("RULEGATE_SOAK").is_some() { (64, 60) } else { (16, 3) };
    let load = Load { clients, duration: Duration::from_secs(seconds), seed: 20260405 };
    let report = run(shop(dialect, guarded).await, load).await;
    println!("{report}");
    assert!(report.passed(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_leave_every_derived_column_right_on_postgres() {
    stays_right(Dialect::Postgres, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_leave_every_derived_column_right_on_mysql() {
    stays_right(Dialect::Mysql, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_leave_every_derived_column_right_on_sqlite() {
    stays_right(Dialect::Sqlite, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_under_access_rules_leave_every_derived_column_right() {
    for dialect in ALL {
        stays_right(dialect, true).await;
    }
}

/// What the reader promises is worth what it sees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_sees_a_total_that_is_wrong_for_a_moment() {
    for dialect in ALL {
        let shop = shop(dialect, false).await;
        let load = Load { clients: 2, duration: Duration::from_secs(1), seed: 1 };
        let running = tokio::spawn(run(shop.clone(), load));
        while !running.is_finished() {
            for step in ["+ 1", "- 1"] {
                shop.database
                    .execute(&format!("update orders set amount_total = amount_total {step} where id = 1"))
                    .await;
            }
        }
        let report = running.await.unwrap();
        assert!(report.torn.iter().any(|torn| torn.starts_with("orders.amount_total of 1:")), "{report}");
        assert!(!report.passed(), "{report}");
    }
}
