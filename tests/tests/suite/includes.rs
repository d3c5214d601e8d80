//! Compound documents: what is included, each resource once, every one of them linked; and what sparse fieldsets leave.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use tests::on_every_database;
use tests::shop::SHOP;

/// `orders/1` of a resource or an identifier.
fn name(resource: &Json) -> String {
    format!("{}/{}", resource["type"].as_str().unwrap(), resource["id"].as_str().unwrap())
}

fn list(document: &Json, member: &str) -> Vec<Json> {
    match &document[member] {
        Json::Array(resources) => resources.clone(),
        Json::Object(_) => vec![document[member].clone()],
        _ => Vec::new(),
    }
}

/// What the linkage of a resource names.
fn linked(resource: &Json) -> Vec<String> {
    let relationships = resource["relationships"].as_object().into_iter().flatten();
    let data = relationships.flat_map(|(_, relationship)| list(relationship, "data"));
    data.map(|identifier| name(&identifier)).collect()
}

/// The specification's rules for compound documents: no resource twice, none that is not linked (JSON:API 1.1, "Compound Documents").
fn included(document: &Json) -> Vec<String> {
    let (data, included) = (list(document, "data"), list(document, "included"));
    let names: Vec<String> = included.iter().map(name).collect();
    let mut seen: BTreeSet<String> =
        data.iter().filter(|item| item.get("links").is_some()).map(name).collect();
    for name in &names {
        assert!(seen.insert(name.clone()), "{name} stands twice");
    }
    let links: BTreeSet<String> = data.iter().chain(&included).flat_map(linked).collect();
    let primary: BTreeSet<String> = data.iter().map(name).collect();
    for name in &names {
        assert!(links.contains(name) || primary.contains(name), "nothing links {name}");
    }
    let mut sorted = names;
    sorted.sort();
    sorted
}

#[tokio::test]
async fn an_include_holds_each_resource_once_and_links_it() {
    on_every_database(SHOP, async |shop| {
        for (target, expect) in [
            ("orders/1?include=items,items", "items/1 items/2"),
            ("orders/1?include=items.product,items", "items/1 items/2 products/1 products/2"),
            // circles come back to what is there
            ("orders/1?include=items.order.items", "items/1 items/2"),
            ("customers/1?include=orders.customer.orders", "orders/1 orders/2"),
            ("employees/2?include=manager.employees_by_manager_id.manager", "employees/1 employees/3"),
            ("employees?include=manager,employees_by_manager_id", ""),
            ("products/2?include=tags.products.tags", "products/4 tags/iron tags/on sale/now"),
            ("orders/7?include=items,sales_rep.manager", ""),
            ("orders/2/sales_rep?include=manager.manager", "employees/1 employees/2"),
            ("customers/3/orders?include=items.product&filter[items.product]=2", "items/8 products/2"),
            ("orders/1?include=", ""),
            // the URL of a relationship: identifiers, and their resources where they are asked for
            ("orders/1/relationships/items?include=items", "items/1 items/2"),
            (
                "orders/1/relationships/items?include=items.product&sort=-id&page[size]=1",
                "items/2 products/2",
            ),
            ("orders/1/relationships/customer?include=customer", "customers/1"),
            ("orders/1/relationships/customer?include=customer.orders", "customers/1 orders/1 orders/2"),
            ("orders/3/relationships/sales_rep?include=sales_rep", ""),
            (
                "employees/4/relationships/manager?include=manager.employees_by_manager_id",
                "employees/2 employees/4",
            ),
            ("products/4/relationships/tags?include=tags", "tags/iron tags/on sale/now"),
        ] {
            let answer = shop.get(&format!("/api/{target}")).await.expect(200);
            assert_eq!(included(&answer).join(" "), expect, "{target}");
            assert!(answer["included"].is_array(), "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn linkage_is_shown_where_it_is_loaded_and_links_alone_elsewhere() {
    on_every_database(SHOP, async |shop| {
        let order = shop.get("/api/orders/7?include=items").await.expect(200);
        assert_eq!(order["data"]["relationships"]["items"]["data"], json!([]));
        let order = shop.get("/api/orders/7").await.expect(200);
        assert!(order["data"]["relationships"]["items"].get("data").is_none());
        assert_eq!(order["data"]["relationships"]["sales_rep"]["data"], Json::Null);
        let linkage = shop.get("/api/orders/3/relationships/sales_rep?include=sales_rep").await.expect(200);
        assert_eq!((&linkage["data"], &linkage["included"]), (&Json::Null, &json!([])));
        let linkage = shop.get("/api/orders/1/relationships/customer?include=customer").await.expect(200);
        assert_eq!(linkage["data"], json!({"type": "customers", "id": "1"}));
        assert_eq!(linkage["links"]["related"], "/api/orders/1/customer");
        shop.get("/api/orders/99/relationships/customer?include=customer").await.refused(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn sparse_fieldsets_name_attributes_and_relationships_of_every_type() {
    on_every_database(SHOP, async |shop| {
        let members = |resource: &Json, part: &str| -> Vec<String> {
            resource[part].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let answer = shop.get(
            "/api/orders?include=customer,items&fields[orders]=notes,customer&fields[customers]=&fields[items]=product&fields[tags]=label",
        );
        let answer = answer.await.expect(200);
        for order in list(&answer, "data") {
            assert_eq!(members(&order, "attributes"), ["notes"]);
            assert_eq!(members(&order, "relationships"), ["customer"]);
        }
        for resource in list(&answer, "included") {
            assert!(resource.get("attributes").is_none(), "{resource}");
            let expect: &[&str] = if resource["type"] == "items" { &["product"] } else { &[] };
            assert_eq!(members(&resource, "relationships"), expect);
        }
        let linkage = shop.get("/api/orders/1/relationships/items?include=items&fields[items]=quantity");
        let linkage = linkage.await.expect(200);
        assert_eq!(members(&list(&linkage, "included")[0], "attributes"), ["quantity"]);
        assert_eq!(linkage["data"][0], json!({"type": "items", "id": "1"}));
    })
    .await;
}

#[tokio::test]
async fn an_include_that_leads_nowhere_or_too_far_is_refused_with_its_parameter() {
    let circles = |n: usize| format!("orders/1?include={}", vec!["items.order"; n].join("."));
    // Every path of two relationships below three that lead to orders: more than fifty different ones.
    let to_orders = ["customer.orders", "items.order", "sales_rep.orders"];
    let from_orders = [
        "customer.orders",
        "items.order",
        "items.product",
        "sales_rep.orders",
        "sales_rep.manager",
        "sales_rep.employees_by_manager_id",
        "items.product.tags",
        "items.product.stock",
        "items.product.items",
        "customer.orders.items",
        "customer.orders.sales_rep",
        "sales_rep.orders.items",
        "sales_rep.manager.orders",
        "items.order.customer",
        "items.order.sales_rep",
    ];
    let paths: Vec<String> =
        to_orders.iter().flat_map(|to| from_orders.iter().map(move |from| format!("{to}.{from}"))).collect();
    let walks = |n: usize| format!("orders/1?include={}", paths[..n].join(","));
    on_every_database(SHOP, async |shop| {
        for (target, part) in [
            (circles(3), "longer than 5"),
            ("orders/1?include=itms".to_owned(), "Did you mean \"items\"?"),
            ("orders/1?include=items.prodct".to_owned(), "Did you mean \"product\"?"),
            ("orders/1/relationships/items?include=product".to_owned(), "does not begin with \"items\""),
            ("orders/1/relationships/items?include=itemsx".to_owned(), "does not begin with \"items\""),
            ("orders/1/relationships/customer?include=customer.x".to_owned(), "no relationship \"x\""),
            (walks(paths.len()), "At most 50 relationships"),
        ] {
            let error = shop.get(&format!("/api/{target}")).await.refused(400, "invalid-include");
            assert!(error["detail"].as_str().unwrap().contains(part), "{target}: {error}");
            assert_eq!(error["source"]["parameter"], "include");
        }
        shop.get(&format!("/api/{}", walks(4))).await.expect(200);
    })
    .await;
}
