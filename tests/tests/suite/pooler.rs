//! PostgreSQL through PgBouncer in transaction mode: each statement outside of a transaction may come to another session, and everything is answered as
//! it is without. `RULEGATE_TEST_POOLER=pgbouncer` runs all other tests so.

use std::time::Duration;

use dialects::{Dialect, IntKind, Kind, Options, Pool, Statement, ValueType};
use futures_util::future::join_all;
use http::Method;
use proxy::run::receipts;
use proxy::server::Settings;
use serde_json::Value as Json;
use tests::client::{operations_request, request, with_body, with_header};
use tests::document::add;
use tests::server::Server;
use tests::shop::{SHOP, item, order};
use tests::{Database, Document, Service, oracle};

/// Reads, writes with rules, several at once, refusals, and one that is sent again.
async fn ask(shop: &Service) -> Vec<Json> {
    assert!(receipts::create(&shop.database.pool).await.unwrap());
    for target in [
        "/api/orders/1?include=items.product,customer",
        "/api/items?filter[quantity][gt]=1&sort=-amount&page[size]=3&page[total]=true",
        "/api/customers?filter[name][contains]=a&sort=name",
    ] {
        shop.get(target).await.expect(200);
    }
    shop.post("/api/items", item("1", "2", 1)).await.expect(201);
    shop.patch("/api/items/1", Document::of("items").id("1").attribute("quantity", 3)).await.expect(200);
    shop.patch("/api/items/1", Document::of("items").id("1").attribute("quantity", 100_000))
        .await
        .expect(422);
    shop.delete("/api/items/2").await.expect(204);
    let items = ["1", "2"].map(|product| {
        let item = Document::of("items").attribute("quantity", 1).to_new("order", "orders", "o");
        add(item.to_one("product", "products", product))
    });
    let [first, second] = items;
    let whole = operations_request(vec![add(order("1").lid("o")), first, second]);
    for _ in 0..2 {
        shop.send(with_header(whole.clone(), "idempotency-key", "k")).await.expect(200);
    }
    assert_eq!(oracle::differences(&shop.database).await, [""; 0]);
    shop.transcript()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_pooler_everything_is_answered_alike() {
    let pooled = Database::pooled().await;
    let direct = Database::create(Dialect::Postgres).await;
    let mut transcripts = Vec::new();
    for database in [pooled, direct] {
        database.execute(&(SHOP.sql)(Dialect::Postgres)).await;
        transcripts.push(ask(&Service::serve(database, SHOP.rules).await).await);
    }
    assert_eq!(transcripts[0], transcripts[1]);
}

#[tokio::test]
async fn a_pooler_refuses_sessions_that_are_set_up_and_says_so() {
    let database = Database::pooled().await;
    let error = Pool::open(&database.url, Options::default()).unwrap().ping().await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(error.detail.contains("unsupported startup parameter"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_pooler_many_write_at_once_and_totals_stay_right() {
    let database = Database::pooled().await;
    database.execute(&(SHOP.sql)(Dialect::Postgres)).await;
    database.execute("update customers set credit_limit = 1000000").await;
    let shop = Service::serve(database, SHOP.rules).await;
    let writes = (0..60).map(async |number: i64| {
        let item = item(&(number % 3 + 1).to_string(), "2", number % 4 + 1);
        shop.quietly(with_body(request(Method::POST, "/api/items"), &item.json())).await.status
    });
    let statuses = join_all(writes).await;
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    assert_eq!(oracle::differences(&shop.database).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_pooler_exports_are_whole_and_do_not_disturb_others() {
    let database = Database::pooled().await;
    database.execute(&(SHOP.sql)(Dialect::Postgres)).await;
    database
        .execute("insert into products (name, unit_price) select 'p' || n, n from generate_series(1, 5000) n")
        .await;
    let server = Server::start(&database, SHOP, Settings::default()).await;
    let csv = [("accept", "text/csv")];
    let (exports, others) = tokio::join!(
        join_all((0..3).map(|_| server.ask("GET /api/products", &csv))),
        join_all((0..20).map(|_| server.ask("GET /api/orders/1?include=items", &[])))
    );
    let products: usize = database.rows("select count(*) from products", 1).await[0][0].parse().unwrap();
    for export in exports {
        assert_eq!((export.status, export.body.split(|byte| *byte == b'\n').count()), (200, products + 2));
    }
    assert!(others.iter().all(|reply| reply.status == 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_outlives_statements_that_are_stopped() {
    let database = Database::pooled().await;
    let endless = || Statement {
        text: "select n, repeat('x', 100000) from generate_series(1, 1000000) n".to_owned(),
        params: Vec::new(),
        columns: vec![ValueType::Int(IntKind::I32), ValueType::Text { length: None }],
    };
    let begin = async || loop {
        match database.pool.stream(endless()).await {
            // Those before are still being stopped.
            Err(error) if error.kind == Kind::Exhausted => tokio::time::sleep(Duration::from_millis(2)).await,
            begun => break begun.unwrap().next().await.unwrap().unwrap(),
        }
    };
    for _ in 0..12 {
        join_all((0..4).map(|_| begin())).await;
    }
    database.pool.ping().await.unwrap();
}
