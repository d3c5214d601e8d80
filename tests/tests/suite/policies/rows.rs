//! Every way to a row finds those that may be seen, and no other.

use std::collections::BTreeSet;

use http::Method;
use serde_json::Value as Json;
use tests::client::{request, with_header};

use super::asker::ids;
use super::{Asker, each};

/// Every relationship: its type and name, all rows of the type, and which rows of `{id}` it leads to.
const RELATIONSHIPS: &[(&str, &str, &str)] = &[
    ("customers", "orders", "select t.id from {orders} t where t.customer_id = {id} order by t.id"),
    (
        "orders",
        "customer",
        "select t.id from {customers} t join orders o on o.customer_id = t.id where o.id = {id}",
    ),
    (
        "orders",
        "sales_rep",
        "select t.id from {employees} t join orders o on o.sales_rep_id = t.id where o.id = {id}",
    ),
    ("orders", "items", "select t.id from {items} t where t.order_id = {id} order by t.id"),
    ("items", "order", "select t.id from {orders} t join items i on i.order_id = t.id where i.id = {id}"),
    (
        "items",
        "product",
        "select t.id from {products} t join items i on i.product_id = t.id where i.id = {id}",
    ),
    ("products", "items", "select t.id from {items} t where t.product_id = {id} order by t.id"),
    (
        "products",
        "tags",
        "select t.code from {tags} t join product_tags p on p.tag_code = t.code
         where p.product_id = {id} order by t.code",
    ),
    (
        "employees",
        "manager",
        "select t.id from {employees} t join employees e on e.manager_id = t.id where e.id = {id}",
    ),
    (
        "employees",
        "employees_by_manager_id",
        "select t.id from {employees} t where t.manager_id = {id} order by t.id",
    ),
    ("employees", "orders", "select t.id from {orders} t where t.sales_rep_id = {id} order by t.id"),
];

#[tokio::test]
async fn collections_and_resources_are_those_that_may_be_seen() {
    each(async |asker| {
        for (ty, key) in [
            ("customers", "id"),
            ("orders", "id"),
            ("items", "id"),
            ("products", "id"),
            ("tags", "code"),
            ("employees", "id"),
        ] {
            let seen = asker.oracle(&format!("select t.{key} from {{{ty}}} t order by t.{key}")).await;
            assert_eq!(asker.ids(ty).await, seen, "{ty}");
            for id in asker.oracle(&format!("select t.{key} from {ty} t")).await {
                let answer = asker
                    .client
                    .get(&format!("/api/{ty}/{}", id.replace('/', "%2F").replace(' ', "%20")))
                    .await;
                let expect = if seen.contains(&id) { 200 } else { 404 };
                assert_eq!(answer.status, expect, "{ty}/{id}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_hidden_row_is_answered_like_one_that_does_not_exist() {
    each(async |asker| {
        for below in [
            "",
            "/orders",
            "/relationships/orders",
            "/orders?aggregateOf=count(*)",
            "/orders?page[total]=true",
        ] {
            let ask = async |id: &str| {
                let mut error =
                    asker.client.get(&format!("/api/customers/{id}{below}")).await.refused(404, "not-found");
                error.as_object_mut().unwrap().remove("id");
                error.to_string().replace(&format!("\\\"{id}\\\""), "?")
            };
            assert_eq!(ask("4").await, ask("999").await, "{below}");
        }
    })
    .await;
}

#[tokio::test]
async fn relationships_lead_from_visible_rows_to_visible_rows() {
    each(async |asker| {
        for (ty, name, sql) in RELATIONSHIPS {
            let seen = asker.oracle(&format!("select t.id from {{{ty}}} t")).await;
            for id in asker.oracle(&format!("select t.id from {ty} t")).await {
                let expect = asker.oracle(&sql.replace("{id}", &id)).await;
                related(asker, &format!("{ty}/{id}/{name}"), seen.contains(&id).then_some(&expect)).await;
                // What a to-one relationship itself tells is the row's own column.
                if name.ends_with('s') {
                    let linkage = format!("{ty}/{id}/relationships/{name}");
                    related(asker, &linkage, seen.contains(&id).then_some(&expect)).await;
                }
            }
        }
    })
    .await;
}

async fn related(asker: &Asker<'_>, target: &str, expect: Option<&Vec<String>>) {
    match expect {
        Some(expect) => assert_eq!(asker.ids(target).await, *expect, "{target}"),
        None => drop(asker.client.get(&format!("/api/{target}")).await.refused(404, "not-found")),
    }
}

/// `orders/1` of what is included.
fn included(document: &Json) -> BTreeSet<String> {
    let included = document["included"].as_array().unwrap();
    included
        .iter()
        .map(|item| format!("{}/{}", item["type"].as_str().unwrap(), item["id"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn includes_hold_visible_rows_at_every_depth() {
    each(async |asker| {
        let include = async |target: &str, parts: &[(&str, &str)]| {
            let found = included(&asker.get(target).await);
            let mut expect = BTreeSet::new();
            for (ty, sql) in parts {
                expect.extend(asker.oracle(sql).await.into_iter().map(|id| format!("{ty}/{id}")));
            }
            assert_eq!(found, expect, "{target}");
        };
        let items = ("items", "select t.id from {items} t join {orders} o on o.id = t.order_id");
        let products = (
            "products",
            "select t.id from {products} t join {items} i on i.product_id = t.id
         join {orders} o on o.id = i.order_id",
        );
        let tags = (
            "tags",
            "select t.code from {tags} t join product_tags l on l.tag_code = t.code join {products} p on p.id = l.product_id
             join {items} i on i.product_id = p.id join {orders} o on o.id = i.order_id",
        );
        let customers = ("customers", "select t.id from {customers} t join {orders} o on o.customer_id = t.id");
        let reps = ("employees", "select t.id from {employees} t join {orders} o on o.sales_rep_id = t.id");
        include("orders?include=items.product.tags", &[items, products, tags]).await;
        include("orders?include=customer,sales_rep", &[customers, reps]).await;
        // back to the same type, from those that may be seen
        let sold = (
            "items",
            "select t.id from {items} t join {products} p on p.id = t.product_id
             where p.id in (select x.product_id from {items} x)",
        );
        let from_items = ("products", "select t.id from {products} t join {items} i on i.product_id = t.id");
        let all = asker.ids("items?fields[items]=").await;
        let found = included(&asker.get("items?include=product.items").await);
        let mut expect: BTreeSet<String> = asker.oracle(from_items.1).await.iter().map(|id| format!("products/{id}")).collect();
        expect.extend(asker.oracle(sold.1).await.iter().filter(|id| !all.contains(id)).map(|id| format!("items/{id}")));
        assert_eq!(found, expect);
        let employees = asker.get("employees?include=manager.employees_by_manager_id").await;
        assert_eq!(employees["included"], serde_json::json!([]));
        let reps = ("employees", "select t.id from {employees} t join {orders} o on o.sales_rep_id = t.id");
        let their = ("orders", "select t.id from {orders} t join {orders} o on o.sales_rep_id = t.sales_rep_id");
        let orders: BTreeSet<String> = asker.ids("orders").await.into_iter().collect();
        assert_eq!(orders, asker.oracle("select id from {orders} o").await.into_iter().collect());
        let found = included(&asker.get("orders?include=sales_rep.orders").await);
        let expect: BTreeSet<String> = asker.oracle(reps.1).await.iter().map(|id| format!("employees/{id}")).collect();
        assert_eq!(found, expect, "{:?}", asker.oracle(their.1).await);
    })
    .await;
}

#[tokio::test]
async fn exports_and_pages_are_of_visible_rows() {
    each(async |asker| {
        for (ty, key) in [("orders", "id"), ("items", "id"), ("tags", "code")] {
            let seen = asker.oracle(&format!("select t.{key} from {{{ty}}} t order by t.{key}")).await;
            let export = asker
                .client
                .quietly(with_header(request(Method::GET, &format!("/api/{ty}")), "accept", "text/csv"))
                .await;
            let text = String::from_utf8(export.body.to_vec()).unwrap();
            let lines = text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned());
            assert_eq!(lines.collect::<Vec<_>>(), seen);
            let (mut found, mut next) = (Vec::new(), Some(format!("/api/{ty}?page[size]=1")));
            while let Some(target) = next {
                let document = asker.client.get(&target).await.expect(200);
                found.extend(ids(&document["data"]));
                next = document["links"]["next"].as_str().map(str::to_owned);
            }
            assert_eq!(found, seen);
        }
    })
    .await;
}

#[tokio::test]
async fn totals_count_visible_rows_exactly_though_an_estimate_was_asked_for() {
    each(async |asker| {
        for (target, sql) in [
            ("orders?", "select o.id from {orders} o"),
            ("customers?filter[orders.items.quantity][gt]=9&", "select distinct c.id from {customers} c
              join {orders} o on o.customer_id = c.id join {items} i on i.order_id = o.id where i.quantity > 9"),
            ("products?filter[tags.label]=On sale&", "select p.id from {products} p join product_tags l on l.product_id = p.id
              join {tags} t on t.code = l.tag_code where t.label = 'On sale'"),
        ] {
            let expect = asker.oracle(sql).await.len();
            for how in ["true", "estimate"] {
                let meta = asker.get(&format!("{target}page[size]=1&page[total]={how}")).await["meta"].clone();
                assert_eq!(meta["page"]["total"], expect, "{target} {how} {meta}");
            }
        }
    })
    .await;
}
