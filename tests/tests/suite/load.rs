//! A short load run on each database; `rulegate-load` runs longer ones.

use std::sync::Arc;
use std::time::Duration;

use dialects::Dialect;
use tests::Service;
use tests::load::{Load, run};
use tests::shop::SHOP;

async fn stays_right(dialect: Dialect) {
    let (clients, seconds) = if std::env::var_os("RULEGATE_SOAK").is_some() { (64, 60) } else { (16, 3) };
    let load = Load { clients, duration: Duration::from_secs(seconds), seed: 20260405 };
    let report = run(Arc::new(Service::start(dialect, SHOP).await), load).await;
    println!("{report}");
    assert!(report.passed(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_leave_every_derived_column_right_on_postgres() {
    stays_right(Dialect::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_leave_every_derived_column_right_on_mysql() {
    stays_right(Dialect::Mysql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_leave_every_derived_column_right_on_sqlite() {
    stays_right(Dialect::Sqlite).await;
}
