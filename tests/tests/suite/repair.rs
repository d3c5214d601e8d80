//! Repair while clients write: afterwards every derived value is right, and nothing that clients did is lost.
//!
//! With `RULEGATE_SOAK=1` over a million items of which a thousand are wrong, exactly those being found.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dialects::{Dialect, Pool};
use fastrand::Rng;
use proxy::plan::verify::RuleKind;
use proxy::run::verify::{self, Context, News, Options, Report};
use tests::database::ALL;
use tests::shop::{SHOP, item};
use tests::{Document, Service};

const CLIENTS: u64 = 8;

/// Wrong values of every kind; what depends on them is partly right, partly wrong by the same difference.
const SPOIL: &str = "
update items set amount = amount + 7 where id in (1, 2, 4, 7);
update orders set amount_total = 0 where id in (1, 3);
update orders set item_count = item_count + 2 where id in (2, 7);
update customers set balance = 3 where id in (1, 6);
update customers set order_count = 0;
";

/// Clients that write to some orders and items until they are told to stop.
struct Writers {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Writers {
    fn start(service: &Arc<Service>, orders: u64, items: u64) -> Self {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |n| {
            let (service, stop, written) = (service.clone(), stop.clone(), written.clone());
            tokio::spawn(async move {
                let mut rng = Rng::with_seed(n);
                let mut turns = 0;
                while turns < 5 || !stop.load(Ordering::Relaxed) {
                    let status = once(&service, &mut rng, orders, items).await;
                    assert!(status < 500 || status == 503, "{status}");
                    written.fetch_add(u64::from(status < 300), Ordering::Relaxed);
                    turns += 1;
                }
            })
        };
        Self { clients: (0..CLIENTS).map(client).collect(), stop, written }
    }

    async fn written(&self, number: u64) {
        while self.written.load(Ordering::Relaxed) < number {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        self.written.load(Ordering::Relaxed)
    }
}

/// One write; its status.
async fn once(service: &Service, rng: &mut Rng, orders: u64, items: u64) -> u16 {
    let order = rng.u64(1..=orders).to_string();
    let id = rng.u64(1..=items).to_string();
    let of_item = Document::of("items").id(&id);
    let of_order = Document::of("orders").id(&order);
    let answer = match rng.u8(0..7) {
        0 | 1 => service.post("/api/items", item(&order, &rng.u8(1..=4).to_string(), 1)).await,
        2 | 3 => {
            service.patch(&format!("/api/items/{id}"), of_item.attribute("quantity", rng.u8(1..=3))).await
        }
        4 => service.patch(&format!("/api/items/{id}"), of_item.to_one("order", "orders", &order)).await,
        5 => {
            let shipped = if rng.bool() { serde_json::json!("2026-05-05") } else { serde_json::Value::Null };
            service.patch(&format!("/api/orders/{order}"), of_order.attribute("date_shipped", shipped)).await
        }
        _ => service.delete(&format!("/api/items/{id}")).await,
    };
    answer.status
}

async fn run(service: &Service, options: Options) -> Report {
    run_on(&service.database.pool, service, options).await
}

async fn run_on(pool: &Arc<Pool>, service: &Service, options: Options) -> Report {
    let context = Context { pool, snapshot: service.snapshot() };
    verify::run(context, options, &mut |_: News<'_>| ControlFlow::Continue(())).await.unwrap()
}

/// Derived values that are not what they should be.
fn left(report: &Report) -> u64 {
    let derivations = report.rules.iter().filter(|rule| rule.kind == RuleKind::Derivation);
    derivations.map(|rule| rule.left()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_repaired_while_clients_write_is_right_afterwards_and_nothing_is_lost() {
    for dialect in ALL {
        let service = Arc::new(Service::start(dialect, SHOP).await);
        service.database.execute(SPOIL).await;
        let writers = Writers::start(&service, 7, 12);
        writers.written(5).await;
        let repaired = run(&service, Options { repair: true, batch_rows: 3, ..Options::default() }).await;
        writers.end().await;
        assert_eq!(left(&repaired), 0, "{dialect}: {repaired:#?}");
        let again = run(&service, Options::default()).await;
        assert_eq!(left(&again), 0, "{dialect}: {again:#?}");
    }
}

const ORDERS: u64 = 20_000;
const ITEMS: u64 = 1_000_000;
const WRONG: u64 = 1_000;

/// A million items in twenty thousand orders of six customers, with every total right.
async fn fill(pool: &Pool) {
    let digits = "(select 0 as d union all select 1 union all select 2 union all select 3 union all select 4
        union all select 5 union all select 6 union all select 7 union all select 8 union all select 9)";
    let numbers = |digit: &str, count: u64| {
        format!(
            "(select {digit} as n from {digits} a, {digits} b, {digits} c, {digits} d, {digits} e, {digits} f) s where n < {count}"
        )
    };
    let all = "a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d";
    let script = format!(
        "delete from items; delete from orders; update customers set credit_limit = 999999999;
         insert into orders (id, customer_id, order_date) select n + 1, n % 6 + 1, '2026-01-01' from {};
         insert into items (id, order_id, product_id, quantity, unit_price, amount)
             select n + 1, n % {ORDERS} + 1, n % 4 + 1, n % 5 + 1, 3.25, (n % 5 + 1) * 3.25 from {};
         update orders set item_count = (select count(*) from items where order_id = orders.id),
             amount_total = (select sum(amount) from items where order_id = orders.id);
         update customers set order_count = (select count(*) from orders where customer_id = customers.id),
             balance = (select sum(amount_total) from orders where customer_id = customers.id)",
        numbers(all, ORDERS),
        numbers(all, ITEMS),
    );
    pool.execute_script(&script).await.unwrap();
    let tidy = match pool.dialect() {
        Dialect::Postgres => {
            format!("select setval(pg_get_serial_sequence('items', 'id'), {ITEMS}); analyze;")
        }
        Dialect::Mysql => "analyze table orders, items".into(),
        Dialect::Sqlite => "analyze".into(),
    };
    pool.execute_script(&tidy).await.unwrap();
}

async fn soak(dialect: Dialect) {
    if std::env::var_os("RULEGATE_SOAK").is_none() {
        return;
    }
    let service = Arc::new(Service::start(dialect, SHOP).await);
    let patient = dialects::Options {
        statement_timeout: Duration::from_secs(3600),
        ..service.database.options.clone()
    };
    let pool = Arc::new(Pool::open(&service.database.url, patient).unwrap());
    fill(&pool).await;
    assert!(run_on(&pool, &service, Options::default()).await.is_fine(), "{dialect}");
    let step = ITEMS / WRONG;
    pool.execute_script(&format!("update items set amount = amount + 1 where id % {step} = 7"))
        .await
        .unwrap();
    let begun = Instant::now();
    let found = run_on(&pool, &service, Options { listed_max: ITEMS as usize, ..Options::default() }).await;
    let verified = begun.elapsed();
    let items = found.rules.iter().find(|rule| rule.name == "items.amount").unwrap();
    let ids: Vec<u64> = items.listed.iter().map(|row| row.id.parse().unwrap()).collect();
    let planted: Vec<u64> = (1..=ITEMS).filter(|id| id % step == 7).collect();
    assert_eq!(ids, planted, "{dialect}");

    let writers = Writers::start(&service, ORDERS, ITEMS);
    let begun = Instant::now();
    let repaired = run_on(&pool, &service, Options { repair: true, ..Options::default() }).await;
    let elapsed = begun.elapsed();
    let written = writers.end().await;
    assert_eq!(left(&repaired), 0, "{dialect}: {repaired:#?}");
    assert!(written > 0);
    let mended: u64 = repaired.rules.iter().filter_map(|rule| rule.mended).sum();
    println!(
        "{dialect}: {ITEMS} items verified in {verified:?}; {mended} values mended in {elapsed:?} while {CLIENTS} clients wrote {written} times"
    );
    assert_eq!(left(&run_on(&pool, &service, Options::default()).await), 0, "{dialect}");
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_errors_in_a_million_items_are_found_and_mended_on_postgres() {
    soak(Dialect::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_errors_in_a_million_items_are_found_and_mended_on_mysql() {
    soak(Dialect::Mysql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_errors_in_a_million_items_are_found_and_mended_on_sqlite() {
    soak(Dialect::Sqlite).await;
}
