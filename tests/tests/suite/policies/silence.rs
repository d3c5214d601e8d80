//! What is not granted is not spoken of: not in errors, hints, versions, totals or documents.

use http::Method;
use rules::policy::{Authority, Grant, Grants, TableAuthority};
use tests::Service;
use tests::client::request;
use tests::database::ALL;

use super::asker::{RULES, authority, tables};
use super::{Asker, COAST, GUARDED, ISLANDS, each};

#[tokio::test]
async fn an_error_that_a_hidden_row_would_raise_is_raised_for_nobody_else() {
    for dialect in ALL {
        println!("on {dialect:?}");
        let shop = Service::start(dialect, GUARDED).await;
        // a thousand times as many are no whole number of 64 bits
        shop.database.execute("update customers set points = 9300000000000000 where id = 4").await;
        for (region, target, status) in [
            // item 4 has a quantity of 100, customer 4 too many points
            (COAST, "items?filter[where]=1 / (quantity - 100) < 5", 400),
            (ISLANDS, "items?filter[where]=1 / (quantity - 100) < 5", 200),
            (ISLANDS, "items?filter[where]=1 / (quantity - 100) < 5&aggregateOf=count(*)", 200),
            (ISLANDS, "items?filter[where]=not (1 / (quantity - 100) < 5)&page[total]=estimate", 200),
            (COAST, "customers?filter[share][gt]=1", 200),
            (COAST, "customers?sort=share", 200),
            (COAST, "customers?aggregateOf=max(share)", 200),
            (COAST, "employees?filter[orders.customer.share][gt]=1", 200),
        ] {
            let answer = Asker::of(&shop, region).client.get(&format!("/api/{target}")).await;
            answer.expect(status);
        }
        // Everybody sees the orders here, but not everybody's customers.
        let rules = &[("orders", "*"), ("customers", "region = actor.claim('region')")];
        for target in [
            "orders?filter[where]=1 / (customer.points - 9300000000000000) < 5",
            "orders?filter[where]=1 / (customer.points - 9300000000000000) < 5 and customer.name > 'b'",
            "orders?filter[customer.share][gt]=1",
            "orders?filter[customer.share][gt]=1&filter[customer.name]=bramble %26 sons",
            "orders?filter[customer.share][gt]=1&filter[customer.id][gt]=2",
            "orders?filter[customer.share][gt]=1&filter[customer.orders.id][gt]=1",
            "orders?sort=customer.share",
            "orders?aggregateOf=count(*)&groupBy=customer.share",
        ] {
            let asker = Asker::with(&shop, COAST, authority(&shop.snapshot().schema, rules, &[]));
            asker.client.get(&format!("/api/{target}")).await.expect(200);
        }
    }
}

/// Each parameter with a name in it, of customers and of orders.
const NAMED: &[&str] = &[
    "customers?filter[{}]=1",
    "customers?filter[{}][gt]=1",
    "customers?sort={}",
    "customers?fields[customers]={}",
    "customers?aggregateOf=sum({})",
    "customers?aggregateOf=count(*)&groupBy={}",
    "customers?filter[where]={} > 1",
    "customers?filter={\"name\":\"{}\",\"op\":\"eq\",\"val\":1}",
    "orders?filter[customer.{}]=1",
    "orders?sort=customer.{}",
    "orders?filter[where]=customer.{} > 1",
    "orders?aggregateOf=max(customer.{})",
    "employees?filter[orders.customer.{}]=1",
];

#[tokio::test]
async fn a_hidden_attribute_is_unknown_and_no_hint_names_it() {
    for dialect in ALL {
        let shop = Service::start(dialect, GUARDED).await;
        let hidden = authority(&shop.snapshot().schema, RULES, &[("customers", "credit_limit")]);
        let asker = Asker::with(&shop, COAST, hidden);
        for target in NAMED {
            let detail = async |name: &str| {
                let answer = asker.client.get(&format!("/api/{}", target.replace("{}", name))).await;
                answer.expect(400)["errors"][0]["detail"].as_str().unwrap().to_owned()
            };
            let (known, near) = (detail("credit_limit").await, detail("credit_limi").await);
            assert_eq!(known.replace("credit_limit", "?"), near.replace("credit_limi", "?"), "{target}");
            assert!(!near.contains("credit_limit"), "{near}");
        }
        let document = asker.get("customers/1?include=orders").await.to_string();
        assert!(!document.contains("credit_limit"), "{document}");
    }
}

#[tokio::test]
async fn a_hidden_attribute_leaves_no_trace_in_the_version() {
    for dialect in ALL {
        let shop = Service::start(dialect, GUARDED).await;
        let hidden = authority(&shop.snapshot().schema, RULES, &[("customers", "credit_limit")]);
        let asker = Asker::with(&shop, COAST, hidden);
        let version = async || asker.client.get("/api/customers/1").await.etag();
        let before = version().await;
        shop.database.execute("update customers set credit_limit = 4321 where id = 1").await;
        assert_eq!(version().await, before);
        shop.database.execute("update customers set points = 4321 where id = 1").await;
        assert_ne!(version().await, before);
    }
}

#[tokio::test]
async fn a_type_without_any_grant_is_forbidden_by_name_and_unknown_elsewhere() {
    each(async |asker| {
        for target in ["stock", "stock/A1,1", "stock/A1,1/product", "stock/A1,1/relationships/product"] {
            asker.client.get(&format!("/api/{target}")).await.refused(403, "forbidden");
        }
        for target in [
            "products?include=stock",
            "products?filter[stock.pieces]=1",
            "products?filter[stock][null]=true",
            "products?fields[products]=stock",
            "products?include=stok",
        ] {
            let detail =
                asker.client.get(&format!("/api/{target}")).await.expect(400)["errors"][0]["detail"].clone();
            assert!(!detail.as_str().unwrap().contains("did you mean"), "{detail}");
        }
        asker.client.get("/api/products/1/stock").await.refused(404, "not-found");
        asker.client.get("/api/stok").await.refused(404, "not-found");
        for document in [asker.client.get("/api/").await.json(), asker.get("products/1").await] {
            assert!(!document.to_string().contains("stock"), "{document}");
        }
    })
    .await;
}

/// Tags may be made and nothing else, employees removed and nothing else; all else is read.
fn written(shop: &Service) -> Authority {
    let schema = &shop.snapshot().schema;
    let mut tables = tables(schema, &[("products", "*"), ("orders", "*"), ("product_tags", "*")], &[]);
    let all = || Grants { any: vec![Grant::default()], ..Grants::default() };
    let mut set =
        |name: &str, authority: TableAuthority| tables[schema.find(name).unwrap().0 as usize] = authority;
    set("tags", TableAuthority { create: all(), ..TableAuthority::nothing() });
    set("employees", TableAuthority { delete: all(), ..TableAuthority::nothing() });
    Authority::new(tables)
}

#[tokio::test]
async fn a_type_that_may_be_written_alone_is_read_nowhere() {
    for dialect in ALL {
        let shop = Service::start(dialect, GUARDED).await;
        let asker = Asker::with(&shop, COAST, written(&shop));
        for target in [
            "tags",
            "tags/tea",
            "tags/nothing",
            "tags/tea/products",
            "tags/tea/relationships/products",
            "tags?aggregateOf=count(*)",
            "employees/2/orders",
            "employees/2/relationships/orders",
        ] {
            let refused = asker.client.get(&format!("/api/{target}")).await.refused(403, "forbidden");
            let ty = target.split(['/', '?']).next().unwrap();
            assert_eq!(refused["detail"], format!("Reading {ty} is not granted to you."));
        }
        for (target, status) in [
            ("products?include=tags", 400),
            ("products?filter[tags]=tea", 400),
            ("products?filter[tags.label]=Tea", 400),
            ("products/1/tags", 404),
            ("products/1/relationships/tags", 404),
            ("orders?filter[sales_rep.name]=x", 400),
            ("orders?filter[sales_rep]=2", 400),
            ("orders?filter[sales_rep_id]=2", 400),
            ("orders?sort=sales_rep_id", 400),
            ("orders?filter[where]=sales_rep_id = 2", 400),
        ] {
            asker.client.get(&format!("/api/{target}")).await.expect(status);
        }
        for (target, allow) in [
            ("tags", "OPTIONS, POST"),
            ("tags/tea", "OPTIONS"),
            ("employees/1", "DELETE, OPTIONS"),
            ("orders", "GET, HEAD, OPTIONS"),
            ("orders/1/relationships/items", "GET, HEAD, OPTIONS"),
        ] {
            let options = asker.client.send(request(Method::OPTIONS, &format!("/api/{target}"))).await;
            let mut found: Vec<&str> = options.headers["allow"].to_str().unwrap().split(", ").collect();
            found.sort_unstable();
            assert_eq!(found.join(", "), allow, "{target}");
        }
    }
}

#[tokio::test]
async fn answers_say_that_they_depend_on_who_asks() {
    each(async |asker| {
        for target in ["/api/orders", "/api/orders/1", "/api/stock", "/api/", "/openapi.json"] {
            let headers = asker.client.get(target).await.headers;
            assert_eq!(headers["vary"], "Accept, Authorization", "{target}");
        }
        assert_eq!(asker.shop.get("/api/orders").await.headers["vary"], "Accept");
    })
    .await;
}
