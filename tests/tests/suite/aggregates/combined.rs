//! Every function over every attribute, in groups by some: told or refused, never half, and alike on every database.

use dialects::Dialect;
use proxy::state::{ApiSettings, Numbers};
use serde_json::Value as Json;
use tests::shop::SHOP;
use tests::{Service, on_every_database};

/// Types, and paths that are the same on every database. (SQLite has no enums.)
const PATHS: &[(&str, &[&str])] = &[
    (
        "orders",
        &[
            "id",
            "customer",
            "customer_id",
            "sales_rep",
            "order_date",
            "date_shipped",
            "amount_total",
            "notes",
            "items",
            "customer.vip",
            "customer.points",
            "customer.since",
            "sales_rep.manager.hired_on",
            "nothing",
        ],
    ),
    ("products", &["name", "unit_price", "weight", "details", "picture", "tags.label"]),
    ("stock", &["id", "product", "pieces", "counted_at", "product.unit_price"]),
];

const FUNCTIONS: [&str; 6] = ["count(", "count(distinct ", "sum(", "avg(", "min(", "max("];

#[tokio::test]
async fn every_aggregate_of_every_attribute_is_told_or_refused_alike() {
    let transcript = on_every_database(SHOP, async |shop| {
        for (ty, paths) in PATHS {
            let aggregates =
                paths.iter().flat_map(|path| FUNCTIONS.map(|function| format!("{function}{path})")));
            for (n, aggregate) in aggregates.enumerate() {
                for _ in 0..2 {
                    shop.get(&format!("/api/{ty}?aggregateOf={aggregate}")).await;
                }
                for group in paths.iter().cycle().skip(n).step_by(5).take(3) {
                    grouped(shop, ty, &aggregate, group).await;
                }
            }
        }
    })
    .await;
    let statuses = |wanted: u64| transcript.iter().filter(|asked| asked[1] == wanted).count();
    assert_eq!(statuses(200) + statuses(400), transcript.len());
    assert!(statuses(200) > 500, "{}", statuses(200));
}

/// What groups come to adds up, however they are sorted.
async fn grouped(shop: &Service, ty: &str, aggregate: &str, group: &str) {
    let target = format!(
        "/api/{ty}?aggregateOf=count(*),{aggregate}&groupBy={group}&sort=-{aggregate}&page[size]=100"
    );
    let answer = shop.get(&target).await;
    if answer.status == 200 {
        assert_eq!(shop.get(&target).await.expect(200), answer.json(), "{target}");
        let groups: Vec<Json> = answer.json()["meta"]["aggregates"].as_array().unwrap().clone();
        let all = shop.get(&format!("/api/{ty}?aggregateOf=count(*)")).await.expect(200);
        let counted: u64 = groups.iter().map(|group| group["count(*)"].as_u64().unwrap()).sum();
        assert_eq!(counted, all["meta"]["aggregates"][0]["count(*)"], "{target}");
    }
}

#[tokio::test]
async fn numbers_are_written_as_the_configuration_says() {
    for (numbers, sum, least) in [
        (Numbers::Safe, r#""1272.45""#, "0.00"),
        (Numbers::Number, "1272.45", "0.00"),
        (Numbers::String, r#""1272.45""#, r#""0.00""#),
    ] {
        let api = ApiSettings { numbers, totals_exact: true, ..ApiSettings::default() };
        let shop = Service::start_with(Dialect::Sqlite, SHOP, api).await;
        let answer = shop.get("/api/orders?aggregateOf=count(*),sum(amount_total),min(amount_total)").await;
        let told =
            format!(r#"{{"group":{{}},"count(*)":7,"sum(amount_total)":{sum},"min(amount_total)":{least}}}"#);
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(body.ends_with(&format!(r#""meta":{{"aggregates":[{told}]}}}}"#)), "{numbers:?}: {body}");
    }
}
