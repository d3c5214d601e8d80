//! Bounded load on the shop: many clients write at random, then every derived column is recomputed from scratch.
//!
//! A run is made of a seed, a number of clients and a time. It fails when a derived value is wrong afterwards, or when
//! an answer was a 5xx other than 503.

mod act;
mod report;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::oracle;
use crate::service::Service;

pub use report::Report;

/// Customers and products that the load adds to the shop's own, so that some rows are hot and some are not.
const CUSTOMERS_MORE: u64 = 40;
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

/// Writes at random, then compares.
pub async fn run(service: Arc<Service>, load: Load) -> Report {
    let known = Arc::new(prepare(&service).await);
    let begun = Instant::now();
    let end = begun + load.duration;
    let clients: Vec<_> = (0..load.clients)
        .map(|n| tokio::spawn(client(service.clone(), known.clone(), Rng::with_seed(load.seed + n), end)))
        .collect();
    let mut report = Report::new(service.database.dialect(), load);
    for client in clients {
        report.samples.extend(client.await.unwrap());
    }
    report.elapsed = begun.elapsed();
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

async fn client(service: Arc<Service>, known: Arc<Known>, mut rng: Rng, end: Instant) -> Vec<report::Sample> {
    let mut samples = Vec::new();
    while Instant::now() < end {
        samples.push(act::once(&service, &known, &mut rng).await);
    }
    samples
}

/// More customers and products, and the ids of everything there is.
async fn prepare(service: &Service) -> Known {
    let customers =
        (1..=CUSTOMERS_MORE).map(|n| format!("('Load {n}', 20000)")).collect::<Vec<_>>().join(", ");
    let products =
        (1..=PRODUCTS_MORE).map(|n| format!("('Load {n}', {n}.{n:02})")).collect::<Vec<_>>().join(", ");
    let script = format!(
        "insert into customers (name, credit_limit) values {customers}; insert into products (name, unit_price) values {products};"
    );
    service.database.execute(&script).await;
    Known {
        customers: ids(service, "customers").await,
        products: ids(service, "products").await,
        orders: Mutex::new(ids(service, "orders").await),
        items: Mutex::new(ids(service, "items").await),
    }
}

async fn ids(service: &Service, table: &str) -> Vec<String> {
    let rows = service.database.rows(&format!("select id from {table}"), 1).await;
    rows.into_iter().flatten().collect()
}
