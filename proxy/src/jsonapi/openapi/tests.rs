//! The document of a small shop with odd names, read from SQLite in memory.

use std::collections::{BTreeSet, HashSet};

use dialects::{Options, Pool};
use http::Method;

use super::*;
use crate::route;
use crate::state::{ApiSettings, Limits};

const SHOP: &str = r#"
create table customers (id integer primary key, name varchar(40) not null, balance decimal(12,2) not null default 0);
create table "Größe / x" (code text primary key, note text);
create table orders (id integer primary key, customer_id integer not null references customers(id), shipped boolean not null default false,
  total decimal(12,2) not null default 0, placed_on date not null);
create table employees (id integer primary key, manager_id integer references employees(id), balance integer);
create view open_orders as select * from orders where not shipped;
"#;

const RULES: &str = "derive: {customers.balance: sum(orders.total where not shipped)}";

async fn shop() -> Snapshot {
    let pool = Pool::open("sqlite::memory:", Options::default()).unwrap();
    pool.execute_script(SHOP).await.unwrap();
    let schema = introspect::introspect(&pool, None).await.unwrap();
    let rules = rules::compile::compile(&schema, &[("rules/a.yaml".into(), RULES.into())]).unwrap();
    Snapshot::new(schema, rules, ApiSettings::default(), Limits::default())
}

async fn described() -> Json {
    serde_json::from_slice(&document(&shop().await)).unwrap()
}

fn walk<'a>(json: &'a Json, visit: &mut dyn FnMut(&'a str, &'a Json)) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                visit(name, value);
                walk(value, visit);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

/// Methods by path.
fn operations(described: &Json) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|member| *member != "parameters");
        found.extend(methods.map(|method| (path.as_str(), method.as_str())));
    }
    found
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_parameter_is_used() {
    let described = described().await;
    let mut used = HashSet::new();
    walk(&described, &mut |name, value| {
        if name == "$ref" {
            let pointer = value.as_str().unwrap().trim_start_matches('#');
            assert!(described.pointer(pointer).is_some(), "{pointer}");
            used.insert(pointer.to_owned());
        }
    });
    for kind in ["schemas", "parameters", "responses", "headers"] {
        for name in described["components"][kind].as_object().unwrap().keys() {
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name}");
            let taken = kind == "parameters";
            assert!(
                !taken || used.contains(&format!("/components/{kind}/{name}")),
                "{kind}/{name} is not used"
            );
        }
    }
}

#[tokio::test]
async fn what_is_described_is_answered_and_what_is_answered_is_described() {
    let described = described().await;
    let mut answered = BTreeSet::new();
    for (path, method) in operations(&described) {
        let endpoint = route::endpoint("/api", &format!("/api{}", path.replace("{id}", "1"))).unwrap();
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
        assert!(route::check_method(&endpoint, &method).is_ok(), "{method} {path}");
        answered.insert(format!("{method} {path}"));
    }
    let of_orders: Vec<&str> =
        answered.iter().map(String::as_str).filter(|line| line.contains(" /orders")).collect();
    let expected = [
        "DELETE /orders/{id}",
        "GET /orders",
        "GET /orders/{id}",
        "GET /orders/{id}/customer",
        "GET /orders/{id}/relationships/customer",
        "PATCH /orders/{id}",
        "PATCH /orders/{id}/relationships/customer",
        "POST /orders",
    ];
    assert_eq!(of_orders, expected);
    for method in ["GET", "PATCH", "POST", "DELETE"] {
        assert!(answered.contains(&format!("{method} /customers/{{id}}/relationships/orders")), "{method}");
    }
    assert!(answered.contains("GET /Gr%C3%B6%C3%9Fe___x"), "{answered:?}");
    assert!(!answered.iter().any(|line| line.contains("open_orders")), "a view without a key is no resource");
}

#[tokio::test]
async fn operations_have_names_of_their_own() {
    let described = described().await;
    let mut names = HashSet::new();
    for (path, method) in operations(&described) {
        let name = &described["paths"][path][method]["operationId"];
        assert!(names.insert(name.as_str().unwrap()), "{name}");
    }
}

#[tokio::test]
async fn what_rules_set_is_read_only_and_what_nobody_sets_is_required() {
    let described = described().await;
    let schemas = &described["components"]["schemas"];
    let attributes = |ty: &str| schemas[format!("{ty}.attributes")]["properties"].clone();
    assert_eq!(attributes("customers")["balance"]["readOnly"], json!(true));
    assert_eq!(
        attributes("employees")["balance"],
        json!({"type": ["integer", "string", "null"], "pattern": r"^-?\d+$"})
    );
    assert_eq!(attributes("customers")["name"], json!({"type": "string", "maxLength": 40}));
    let create = &schemas["orders.create"]["properties"]["data"];
    assert_eq!(create["required"], json!(["type", "attributes", "relationships"]));
    assert_eq!(create["properties"]["attributes"]["allOf"][1], json!({"required": ["placed_on"]}));
    assert_eq!(create["properties"]["relationships"]["allOf"][1], json!({"required": ["customer"]}));
    let example = &schemas["orders.create"]["examples"][0]["data"];
    assert_eq!(example["attributes"]["placed_on"], json!("2024-02-29"));
    assert_eq!(example["relationships"]["customer"]["data"], json!({"type": "customers", "id": "1"}));
    let keyed = &schemas["Gr.C3.B6.C3.9Fe___x.create"]["properties"]["data"];
    assert_eq!(keyed["required"], json!(["type", "id"]));
}

#[tokio::test]
async fn collections_come_in_three_forms_and_all_else_in_one() {
    let described = described().await;
    for (path, forms) in [
        ("/orders", &["application/vnd.api+json", "text/csv", "application/x-ndjson"][..]),
        ("/customers/{id}/orders", &["application/vnd.api+json", "text/csv", "application/x-ndjson"]),
        ("/orders/{id}", &["application/vnd.api+json"]),
        ("/orders/{id}/customer", &["application/vnd.api+json"]),
        ("/customers/{id}/relationships/orders", &["application/vnd.api+json"]),
    ] {
        let content = &described["paths"][path]["get"]["responses"]["200"]["content"];
        assert_eq!(content.as_object().unwrap().keys().collect::<Vec<_>>(), forms, "{path}");
    }
}

mod granted;
