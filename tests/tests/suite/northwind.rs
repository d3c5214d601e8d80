//! Northwind on PostgreSQL and SQLite: keys of text and of two columns, names with spaces, pictures, views without a key, and columns that
//! the two scripts declare quite differently.

use std::collections::BTreeSet;

use dialects::Dialect;
use http::Method;
use serde_json::{Value as Json, json};
use tests::chinook::{sample, snake_case};
use tests::{Database, Document, Service};

/// Views of SQLite's script, one of which the model gives a key.
const MODEL: &str = "tables: {Order Subtotals: {key: [OrderID]}}\n";

async fn start() -> Option<Vec<Service>> {
    let Some(folder) = sample("northwind") else {
        println!("skipped: no Northwind at ../shared/data or RULEGATE_SAMPLE_DATA");
        return None;
    };
    let mut services = Vec::new();
    for (dialect, script, model) in
        [(Dialect::Postgres, "postgres.sql", ""), (Dialect::Sqlite, "sqlite.sql", MODEL)]
    {
        let database = Database::create(dialect).await;
        database.execute(&std::fs::read_to_string(folder.join(script)).unwrap()).await;
        services.push(Service::serve_amended(database, model).await);
    }
    Some(services)
}

#[tokio::test]
async fn northwind_is_served_and_written() {
    let Some(services) = start().await else { return };
    for service in &services {
        every_row_is_served(service).await;
        filters_find_what_sql_finds(service).await;
        an_order_comes_and_goes(service).await;
        an_employee_gets_and_loses_a_territory(service).await;
        let openapi = service.get("/openapi.json").await.expect(200);
        let details = format!("/{}", named(service, "order_details"));
        assert!(openapi["paths"][details].is_object());
    }
    a_view_with_a_key_is_read_alone(&services[1]).await;
}

/// A type, attribute or relationship in the spelling of the service; what is not found is spelled so already.
fn named(service: &Service, name: &str) -> String {
    let tables = &service.snapshot().schema.tables;
    let columns = tables.iter().flat_map(|table| &table.columns).map(|column| &column.name);
    let relationships = tables.iter().flat_map(|table| &table.relationships).map(|it| &it.name);
    let mut names = tables.iter().map(|table| &table.name).chain(columns).chain(relationships);
    names.find(|other| snake_case(other) == name).map_or(name.to_owned(), Clone::clone)
}

async fn rows(service: &Service, from: &str) -> usize {
    let count = service.database.rows(&format!("select cast(count(*) as varchar(20)) from {from}"), 1).await;
    count[0][0].parse().unwrap()
}

async fn every_row_is_served(service: &Service) {
    let tables = service.snapshot().schema.tables.iter().filter(|table| table.is_resource());
    for table in tables {
        let mut ids = BTreeSet::new();
        let mut next = Some(format!("/api/{}?page[size]=500", table.name));
        while let Some(target) = next {
            let page = service.get(&target).await.expect(200);
            for row in page["data"].as_array().unwrap() {
                assert!(ids.insert(row["id"].as_str().unwrap().to_owned()), "{target} repeats {}", row["id"]);
            }
            next = page["links"]["next"].as_str().map(str::to_owned);
        }
        assert_eq!(ids.len(), rows(service, &format!("\"{}\"", table.db.name)).await, "{}", table.name);
    }
}

async fn filters_find_what_sql_finds(service: &Service) {
    let of = |name: &str| named(service, name);
    let quoted = |name: &str| match service.database.dialect() {
        Dialect::Sqlite => format!("\"{}\"", of(name).replace("Order_Details", "Order Details")),
        _ => name.to_owned(),
    };
    for (ty, filter, sql) in [
        ("orders", "filter[{ship_country}]=Germany", "{ship_country} = 'Germany'"),
        ("orders", "filter[{shipped_date}]=null", "{shipped_date} is null"),
        ("orders", "filter[{freight}][gt]=100&filter[{employee}]=4", "{freight} > 100 and {employee_id} = 4"),
        ("customers", "filter[{city}][contains]=%C3%BC", "{city} like '%ü%'"),
        (
            "products",
            "filter[where]={units_in_stock} < {reorder_level}",
            "{units_in_stock} < {reorder_level}",
        ),
        (
            "order_details",
            "filter[{order}.{ship_country}]=France&filter[{quantity}][ge]=40",
            "{quantity} >= 40 and {order_id} in (select {order_id} from {orders} where {ship_country} = 'France')",
        ),
    ] {
        let target = format!("/api/{}?{}&page[total]=true&page[size]=1", of(ty), spelled(filter, &of));
        let total = service.get(&target).await.expect(200)["meta"]["total"].clone();
        let expected = rows(service, &format!("{} where {}", quoted(ty), spelled(sql, &quoted))).await;
        assert!(expected > 0, "{sql}");
        assert_eq!(total, expected, "{target}");
    }
}

/// What stands in braces, in the spelling of the service.
fn spelled(text: &str, of: &dyn Fn(&str) -> String) -> String {
    let mut parts = text.split('{');
    let mut spelled = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        spelled += &of(name);
        spelled += rest;
    }
    spelled
}

async fn an_order_comes_and_goes(service: &Service) {
    let of = |name: &str| named(service, name);
    let (customers, orders, details) = (of("customers"), of("orders"), of("order_details"));
    let customer = Document::of(&customers).id("RGATE").attribute(&of("company_name"), "Rulegate");
    service.post(&format!("/api/{customers}"), customer).await.expect(201);
    let order = Document::of(&orders)
        .id("20000")
        .attribute(&of("ship_name"), "Ünïcode & Söhne")
        .to_one(&of("customer"), &customers, "RGATE")
        .to_one(&of("employee"), &of("employees"), "5");
    service.post(&format!("/api/{orders}"), order).await.expect(201);
    let line = |quantity: i64| {
        Document::of(&details)
            .attribute(&of("quantity"), quantity)
            .attribute(&of("unit_price"), json!(9.5))
            .attribute(&of("discount"), json!(0.25))
            .to_one(&of("order"), &orders, "20000")
            .to_one(&of("product"), &of("products"), "11")
    };
    let made = service.post(&format!("/api/{details}"), line(12)).await;
    assert_eq!(made.expect(201)["data"]["id"], "20000~11");
    service.post(&format!("/api/{details}"), line(1)).await.refused(409, "duplicate");
    let resource = format!("/api/{details}/20000~11");
    let more = Document::of(&details).id("20000~11").attribute(&of("quantity"), 40);
    assert_eq!(service.patch(&resource, more).await.expect(200)["data"]["attributes"][of("quantity")], 40);
    let seen = service
        .get(&format!("/api/{customers}/RGATE?include={}.{}.{}", of("orders"), details, of("product")))
        .await
        .expect(200);
    let types: Vec<&Json> = seen["included"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(types.len(), 3, "the order, its line and the product: {types:?}");
    service.delete(&format!("/api/{customers}/RGATE")).await.refused(409, "still-referenced");
    for path in [resource, format!("/api/{orders}/20000"), format!("/api/{customers}/RGATE")] {
        service.delete(&path).await.expect(204);
        service.get(&path).await.refused(404, "not-found");
    }
}

async fn an_employee_gets_and_loses_a_territory(service: &Service) {
    let of = |name: &str| named(service, name);
    let (employees, territories) = (of("employees"), of("territories"));
    let target = format!("/api/{employees}/1/relationships/{territories}");
    let before = service.get(&target).await.expect(200)["data"].clone();
    let added = json!([{"type": territories, "id": "98104"}]);
    for (method, count) in [(Method::POST, 1), (Method::POST, 1), (Method::DELETE, 0)] {
        service.relate(method, &target, added.clone()).await.expect(204);
        let now = service.get(&target).await.expect(200)["data"].as_array().unwrap().len();
        assert_eq!(now, before.as_array().unwrap().len() + count);
    }
    assert_eq!(service.get(&target).await.expect(200)["data"], before);
}

async fn a_view_with_a_key_is_read_alone(service: &Service) {
    let index = service.get("/api/").await.expect(200);
    let served = index["meta"]["resources"].as_object().unwrap();
    assert!(served.contains_key("Order_Subtotals") && !served.contains_key("Invoices"), "{index}");
    let subtotal = service.get("/api/Order_Subtotals/10248").await.expect(200);
    assert_eq!(subtotal["data"]["attributes"]["Subtotal"].to_string().trim_matches('"').parse(), Ok(440.0));
    let made = service.post("/api/Order_Subtotals", Document::of("Order_Subtotals").id("1")).await;
    made.refused(403, "read-only");
}
