//! Reads: one expected answer for the three databases, kept in `golden/reads.json`. `UPDATE_GOLDEN=1` writes it anew.

use std::path::PathBuf;

use serde_json::{Value as Json, json};
use tests::difference::difference;
use tests::on_every_database;
use tests::shop::SHOP;

/// What is asked, and answered with 200.
const TARGETS: &[&str] = &[
    "/api/",
    "/api",
    // collections
    "/api/employees",
    "/api/customers",
    "/api/products/",
    "/api/stock",
    "/api/product_tags",
    "/api/tags",
    // single resources
    "/api/customers/1",
    "/api/orders/3",
    "/api/stock/A1~2",
    "/api/tags/on%20sale%2Fnow",
    "/api/tags/~%C3%BC",
    // filters
    "/api/orders?filter[customer]=1",
    "/api/orders?filter[customer_id]=1,3&fields[orders]=order_date",
    "/api/orders?filter[id]=1,2,4711&fields[orders]=order_date",
    "/api/orders?filter[id][in]=3&fields[orders]=order_date",
    "/api/orders?filter[date_shipped]=null&fields[orders]=order_date",
    "/api/orders?filter[date_shipped][null]=false&fields[orders]=order_date",
    "/api/orders?filter[order_date][gte]=2026-02-28&filter[order_date][lt]=2026-03-02&fields[orders]=order_date",
    "/api/orders?filter[order_date][between]=2026-01-01,2026-02-28&fields[orders]=order_date",
    "/api/orders?filter[amount_total][gt]=84&fields[orders]=amount_total",
    "/api/orders?filter[amount_total]=84.00&fields[orders]=amount_total",
    "/api/orders?filter[notes][contains]=%25&fields[orders]=notes",
    "/api/orders?filter[notes][ends]=_&fields[orders]=notes",
    "/api/orders?filter[notes][starts]=by&fields[orders]=notes",
    "/api/orders?filter[notes][like]=%25twice&fields[orders]=notes",
    "/api/orders?filter[notes]=&fields[orders]=notes",
    "/api/customers?filter[name]=Zephyr%2C%20Ltd.&fields[customers]=name",
    "/api/customers?filter[name][eq]=Zephyr,%20Ltd.&fields[customers]=name",
    "/api/customers?filter[name][ilike]=%25QUAY&fields[customers]=name",
    "/api/customers?filter[region][]=Coast&filter[region][]=Uplands&fields[customers]=name",
    "/api/customers?filter[region][ne]=Coast&fields[customers]=region",
    "/api/customers?filter[region][nin]=Coast,Islands&fields[customers]=region",
    "/api/customers?filter[vip]=true&fields[customers]=vip",
    "/api/customers?filter[mood]=busy&fields[customers]=mood",
    "/api/customers?filter[points]=9007199254740993&fields[customers]=points",
    "/api/customers?filter[since][le]=2020-01-31T08:15:00&fields[customers]=since",
    "/api/orders?filter[customer.region]=Coast&fields[orders]=order_date",
    "/api/items?filter[order.customer.name]=Saltmarsh&fields[items]=amount",
    "/api/orders?filter[sales_rep]=null&fields[orders]=order_date",
    "/api/orders?filter[sales_rep.manager.name]=Casimir&fields[orders]=order_date",
    // sort
    "/api/customers?sort=region&fields[customers]=region",
    "/api/customers?sort=-region&fields[customers]=region",
    "/api/customers?sort=region,-name&fields[customers]=region,name",
    "/api/customers?sort=name&fields[customers]=name",
    "/api/customers?sort=-since,id&fields[customers]=since",
    "/api/orders?sort=-amount_total&fields[orders]=amount_total",
    "/api/orders?sort=customer.name,-order_date&fields[orders]=order_date",
    "/api/orders?sort=sales_rep.name&fields[orders]=sales_rep",
    "/api/stock?sort=-pieces",
    // pages
    "/api/items?page[size]=4&fields[items]=quantity",
    "/api/items?page[size]=4&page[number]=2&fields[items]=quantity",
    "/api/items?page[size]=4&page[number]=3&fields[items]=quantity",
    "/api/items?page[size]=4&page[number]=9&fields[items]=quantity",
    "/api/items?page[limit]=2&page[offset]=3&fields[items]=quantity",
    "/api/items?page[offset]=7&fields[items]=quantity",
    "/api/items?page[size]=4&page[total]=true&fields[items]=quantity",
    "/api/items?page[size]=2&page[number]=2&page[total]=true&filter[quantity][gt]=3&sort=-quantity&fields[items]=quantity",
    // include
    "/api/orders/1?include=items",
    "/api/orders?include=customer&page[size]=3",
    "/api/orders?include=items.product,customer&fields[customers]=name&fields[products]=name&fields[items]=quantity,product",
    "/api/customers/3?include=orders.items.product.product_tags&fields[customers]=name,orders",
    "/api/employees/4?include=manager.manager",
    "/api/employees?include=employees_by_manager_id&fields[employees]=name,employees_by_manager_id",
    "/api/products/1?include=tags,product_tags",
    "/api/customers/6?include=orders",
    "/api/stock/A1~1?include=product",
    "/api/items?include=order.customer&filter[order]=2",
    // sparse fields
    "/api/customers?fields[customers]=name,orders&page[size]=2",
    "/api/customers/1?fields[customers]=",
    // related resources and linkage
    "/api/orders/1/customer",
    "/api/orders/1/items?sort=-quantity&page[size]=1",
    "/api/orders/3/sales_rep",
    "/api/customers/6/orders",
    "/api/customers/1/orders?include=items&fields[orders]=items&fields[items]=amount",
    "/api/employees/1/employees_by_manager_id",
    "/api/products/1/tags",
    "/api/orders/1/relationships/customer",
    "/api/orders/3/relationships/sales_rep",
    "/api/orders/1/relationships/items",
    "/api/customers/1/relationships/orders?page[size]=1",
    "/api/products/4/relationships/tags",
];

#[tokio::test]
async fn every_database_answers_reads_as_expected() {
    let transcript = on_every_database(SHOP, async |shop| {
        for target in TARGETS {
            shop.get(target).await.expect(200);
        }
    })
    .await;
    let found = transcript.into_iter().map(|exchange| json!([exchange[0], exchange[2]])).collect();
    golden("reads.json", &found);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    on_every_database(SHOP, async |shop| {
        let request = tests::client::request(http::Method::HEAD, "/api/customers/1");
        let head = shop.send(request).await;
        assert_eq!(head.status, 200);
        assert_eq!(head.etag(), shop.get("/api/customers/1").await.etag());
    })
    .await;
}

/// Following `next` sees every row once, in order.
#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    on_every_database(SHOP, async |shop| {
        for sort in ["id", "-id", "quantity", "-product.name,quantity", "order.date_shipped"] {
            let all = ids(&shop.get(&format!("/api/items?sort={sort}")).await.expect(200));
            let mut next = Some(format!("/api/items?sort={sort}&page[size]=2"));
            let mut seen = Vec::new();
            while let Some(target) = next {
                let page = shop.get(&target).await.expect(200);
                seen.extend(ids(&page));
                next = page["links"]["next"].as_str().map(str::to_owned);
            }
            assert_eq!(seen, all, "{sort}");
            assert_eq!(seen.len(), 9);
        }
    })
    .await;
}

fn ids(document: &Json) -> Vec<String> {
    let data = document["data"].as_array().unwrap();
    data.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
}

fn golden(name: &str, found: &Json) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, lines(found)).unwrap();
    }
    let expected: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    if let Some(place) = difference("", &expected, found) {
        panic!("{name}, at {place}");
    }
}

/// An array with one answer a line.
fn lines(answers: &Json) -> String {
    let lines: Vec<String> = answers.as_array().unwrap().iter().map(Json::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
