//! Bounded load on the shop: many clients write at random to eight hot customers, then every derived column is recomputed from scratch.
//!
//! Meanwhile a reader compares all the time: each comparison is one statement and so one snapshot, in which no total may differ from its
//! rows. A run is made of a seed, a number of clients and a time; what it promises is in [`Report::broken`].

mod act;
mod reader;
mod report;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dialects::Dialect;
use fastrand::Rng;

use crate::oracle;
use crate::service::Service;
use crate::shop::SHOP;

pub use report::Report;

/// The customers whose orders the load writes: all of them hot.
const CUSTOMERS: u64 = 8;
/// Products that the load adds to the shop's own.
const PRODUCTS_MORE: u64 = 20;

/// How much.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Concurrent clients.
    pub clients: u64,
    /// For how long.
    pub duration: Duration,
    /// Where randomness begins.
    pub seed: u64,
}

/// The ids that clients know of; some of them are gone by the time they are used.
#[derive(Debug)]
struct Known {
    customers: Vec<String>,
    products: Vec<String>,
    orders: Mutex<Vec<String>>,
    items: Mutex<Vec<String>>,
}

/// Access rules that allow all that clients do, and look at the hot rows above for it.
const ACCESS: &str = "
access:
  - {role: clerk, resource: [customers, products, employees], read: true}
  - {role: clerk, resource: orders, all: customer.credit_limit > 0}
  - {role: clerk, resource: items, all: order.customer.credit_limit > 0 and product.unit_price > 0}
";

/// The shop, with or without access rules.
pub async fn shop(dialect: Dialect, guarded: bool) -> Arc<Service> {
    Arc::new(match guarded {
        true => Service::start_guarded(dialect, SHOP, ACCESS, "clerk").await,
        false => Service::start(dialect, SHOP).await,
    })
}

/// Writes at random, then compares.
pub async fn run(service: Arc<Service>, load: Load) -> Report {
    let known = Arc::new(prepare(&service).await);
    let deadlocks = deadlocks(&service).await;
    let begun = Instant::now();
    let end = begun + load.duration;
    let reader = tokio::spawn(reader::poll(service.clone(), end));
    let clients: Vec<_> = (0..load.clients)
        .map(|n| tokio::spawn(client(service.clone(), known.clone(), Rng::with_seed(load.seed + n), end)))
        .collect();
    let mut report = Report::new(service.database.dialect(), load);
    for client in clients {
        report.samples.extend(client.await.unwrap());
    }
    report.elapsed = begun.elapsed();
    (report.polls, report.torn) = reader.await.unwrap();
    report.deadlocks = self::deadlocks(&service).await.saturating_sub(deadlocks);
    report.retries = retries(&service);
    report.differences = oracle::differences(&service.database).await;
    report
}

/// How often writes were tried again, by reason.
fn retries(service: &Service) -> BTreeMap<String, u64> {
    let text = service.metrics().render().unwrap();
    let lines =
        text.lines().filter_map(|line| line.strip_prefix("rulegate_transaction_retries_total{reason=\""));
    lines
        .filter_map(|line| line.split_once("\"} "))
        .map(|(reason, number)| (reason.to_owned(), number.parse().unwrap()))
        .collect()
}

/// How many deadlocks the server has broken so far, by its own count (MariaDB's is for all its databases).
async fn deadlocks(service: &Service) -> u64 {
    let count = match service.database.dialect() {
        Dialect::Postgres => {
            "select deadlocks::text from pg_stat_database where datname = current_database()"
        }
        Dialect::Mysql => {
            "select variable_value from information_schema.global_status where variable_name = 'INNODB_DEADLOCKS'"
        }
        Dialect::Sqlite => return 0,
    };
    let rows = service.database.rows(count, 1).await;
    rows.first().and_then(|row| row[0].parse().ok()).unwrap_or(0)
}

async fn client(service: Arc<Service>, known: Arc<Known>, mut rng: Rng, end: Instant) -> Vec<report::Sample> {
    let mut samples = Vec::new();
    while Instant::now() < end {
        samples.push(act::once(&service, &known, &mut rng).await);
    }
    samples
}

/// Its customers, each with an order, and products; and the ids of what is written to.
async fn prepare(service: &Service) -> Known {
    let customers = (1..=CUSTOMERS).map(|n| format!("('Load {n}', 1000000)")).collect::<Vec<_>>().join(", ");
    let products =
        (1..=PRODUCTS_MORE).map(|n| format!("('Load {n}', {n}.{n:02})")).collect::<Vec<_>>().join(", ");
    let script = format!(
        "insert into customers (name, credit_limit) values {customers}; insert into products (name, unit_price) values {products};
         insert into orders (customer_id, order_date) select id, '2026-04-01' from customers where name like 'Load %';
         update customers set order_count = 1 where name like 'Load %';"
    );
    service.database.execute(&script).await;
    let of_load = "where customer_id in (select id from customers where name like 'Load %')";
    Known {
        customers: ids(service, "select id from customers where name like 'Load %'").await,
        products: ids(service, "select id from products").await,
        orders: Mutex::new(ids(service, &format!("select id from orders {of_load}")).await),
        items: Mutex::default(),
    }
}

async fn ids(service: &Service, query: &str) -> Vec<String> {
    service.database.rows(query, 1).await.into_iter().flatten().collect()
}
