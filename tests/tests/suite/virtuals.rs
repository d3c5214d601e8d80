//! Virtual attributes: no columns, computed by the database when rows are read, and otherwise attributes like all others.

use serde_json::{Value as Json, json};
use tests::document::{add, remove, update};
use tests::service::Fixture;
use tests::shop::{SHOP, item};
use tests::{Document, on_every_database};

const RULES: &str = r#"
derive:
  items.gross:         {as: "round(quantity * unit_price * 1.19, 2)", virtual: true}
  items.product_label: {as: "upper(product.name) || ' x' || cast(quantity as text)", virtual: true}
  orders.days_open:    {as: "coalesce(date_shipped, date '2026-12-31') - order_date", virtual: true}
  orders.due:          {as: "order_date + interval '1 month'", virtual: true}
  orders.is_late:      {as: "date_shipped > order_date + interval '10 days'", virtual: true}
  orders.age:          {as: "today - order_date", virtual: true}
  orders.reader:       {as: "actor.id", virtual: true}
  customers.headroom:  {as: "credit_limit - balance", virtual: true}
  customers.used:      {as: "round(balance / nullif(credit_limit, 0) * 100, 1)", virtual: true}
"#;

const VIRTUAL: Fixture = Fixture {
    sql: SHOP.sql,
    rules: &[
        ("rules/check_credit.yaml", include_str!("../../fixtures/check_credit.yaml")),
        ("rules/shop.yaml", include_str!("../../fixtures/shop.yaml")),
        ("rules/virtual.yaml", RULES),
    ],
};

fn values(answer: &Json, name: &str) -> Vec<Json> {
    let rows = answer["data"].as_array().unwrap();
    rows.iter().map(|row| row["attributes"][name].clone()).collect()
}

fn ids(answer: &Json) -> Vec<String> {
    let rows = answer["data"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_virtual_attribute_is_shown_like_any_other() {
    on_every_database(VIRTUAL, async |shop| {
        let item = shop.get("/api/items/1").await.expect(200);
        let attributes = &item["data"]["attributes"];
        let price: f64 = attributes["unit_price"].to_string().parse().unwrap();
        let quantity = attributes["quantity"].as_f64().unwrap();
        let gross: f64 = attributes["gross"].as_str().unwrap().parse().unwrap();
        assert!((gross - price * quantity * 1.19).abs() < 0.006, "{attributes}");
        assert!(attributes["product_label"].as_str().unwrap().ends_with(" x10"), "{attributes}");
        let customer = shop.get("/api/customers/1?fields[customers]=headroom,used").await.expect(200);
        assert_eq!(customer["data"]["attributes"].as_object().unwrap().len(), 2);
        let sparse = shop.get(
            "/api/orders?fields[orders]=due,is_late,days_open&include=customer&fields[customers]=headroom",
        );
        let sparse = sparse.await.expect(200);
        assert!(values(&sparse, "due").iter().all(|due| due.as_str().unwrap().len() == 10));
        assert!(
            sparse["included"]
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row["attributes"]["headroom"].is_string())
        );
        let reader = shop.get("/api/orders?fields[orders]=reader").await.expect(200);
        assert!(values(&reader, "reader").iter().all(Json::is_null));
        shop.get("/api/orders/1/items?include=product").await.expect(200);
        shop.get("/api/customers/1?include=orders.items").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_and_sorted_by_virtual_attributes() {
    on_every_database(VIRTUAL, async |shop| {
        let sorted = shop.get("/api/items?sort=-gross,id&fields[items]=gross").await.expect(200);
        let gross: Vec<f64> =
            values(&sorted, "gross").iter().map(|v| v.as_str().unwrap().parse().unwrap()).collect();
        assert!(gross.is_sorted_by(|a, b| a >= b), "{gross:?}");
        let above = shop.get("/api/items?filter[gross][gt]=100&sort=gross&fields[items]=gross").await.expect(200);
        assert_eq!(ids(&above).len(), gross.iter().filter(|g| **g > 100.0).count());
        let some = values(&sorted, "gross")[0].as_str().unwrap().to_owned();
        let same = shop.get(&format!("/api/items?filter[gross]={some}&page[total]=true&fields[items]=gross")).await;
        assert_eq!(values(&same.expect(200), "gross")[0], json!(some));
        for target in [
            "/api/items?filter[product_label][contains]=X1&sort=product_label&fields[items]=product_label",
            "/api/items?filter[product_label][in]=a,b&fields[items]=product_label",
            "/api/items?filter[order.due][gte]=2026-03-01&sort=-order.due,id&fields[items]=quantity",
            "/api/items?filter[order.customer.headroom][lt]=5000&sort=order.customer.headroom,id&fields[items]=quantity",
            "/api/orders?filter[is_late]=true&fields[orders]=is_late",
            "/api/orders?filter[is_late][null]=true&sort=days_open,id&fields[orders]=days_open,is_late",
            "/api/orders?filter[is_late][ne]=true&sort=-is_late,id&fields[orders]=is_late",
            "/api/orders?filter[due][between]=2026-02-01,2026-04-30&sort=due,id&fields[orders]=due",
            "/api/orders?filter[days_open]=5,300&fields[orders]=days_open",
            "/api/customers?sort=used,id&fields[customers]=used",
            "/api/customers?filter[used][null]=false&sort=-used,id&fields[customers]=used",
        ] {
            shop.get(target).await.expect(200);
        }
        shop.get("/api/orders?sort=age,id&filter[age][gt]=-1000000&fields[orders]=order_date").await.expect(200);
        shop.get("/api/items?filter[gros]=1").await.expect(400);
        shop.get("/api/items?filter[gross][gt]=much").await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn a_write_answers_with_virtual_attributes_and_never_takes_them() {
    let fields = "?fields[items]=gross,quantity,amount";
    on_every_database(VIRTUAL, async |shop| {
        let added = shop.post("/api/items", item("1", "1", 2)).await.expect(201);
        assert!(added["data"]["attributes"]["gross"].is_string(), "{added}");
        let changed = Document::of("items").id("1").attribute("quantity", 4).attribute("gross", "1.00");
        let changed = shop.patch("/api/items/1", changed).await.expect(200);
        assert_eq!(changed["meta"]["ignored"], json!(["gross"]));
        let read = shop.get("/api/items/1").await.expect(200);
        assert_eq!(changed["data"]["attributes"], read["data"]["attributes"]);
        assert_eq!(changed["data"]["meta"], read["data"]["meta"]);
        let alone = Document::of("items").id("1").attribute("gross", "1.00");
        shop.patch("/api/items/1", alone).await.expect(422);
        shop.get(&format!("/api/items/1{fields}")).await.expect(200);
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_virtual_attribute_follows_its_row_and_the_rows_above_it() {
    on_every_database(VIRTUAL, async |shop| {
        let label = async || shop.attribute("/api/items/1", "product_label").await;
        let gross = async || shop.attribute("/api/items/1", "gross").await;
        assert_eq!((label().await, gross().await), ("\"BLACK TEA x10\"".into(), "\"148.75\"".into()));
        let renamed = Document::of("products").id("1").attribute("name", "green tea");
        shop.patch("/api/products/1", renamed).await.expect(200);
        assert_eq!((label().await, gross().await), ("\"GREEN TEA x10\"".into(), "\"148.75\"".into()));
        let moved = Document::of("items").id("1").to_one("product", "products", "2");
        shop.patch("/api/items/1", moved).await.expect(200);
        assert_eq!((label().await, gross().await), ("\"BICYCLE BELL x10\"".into(), "\"83.30\"".into()));
        let elsewhere = Document::of("items").id("1").to_one("order", "orders", "3");
        shop.patch("/api/items/1", elsewhere).await.expect(200);
        assert_eq!((label().await, gross().await), ("\"BICYCLE BELL x10\"".into(), "\"83.30\"".into()));
    })
    .await;
}

#[tokio::test]
async fn a_virtual_attribute_is_null_while_an_input_is() {
    on_every_database(VIRTUAL, async |shop| {
        for (shipped, late) in [
            (json!("2026-02-01"), json!(true)),
            (Json::Null, Json::Null),
            (json!("2026-01-06"), json!(false)),
        ] {
            let order = Document::of("orders").id("1").attribute("date_shipped", shipped);
            let answer = shop.patch("/api/orders/1", order).await.expect(200);
            assert_eq!(answer["data"]["attributes"]["is_late"], late);
        }
    })
    .await;
}

#[tokio::test]
async fn a_virtual_attribute_follows_what_rules_derive_when_rows_below_go() {
    on_every_database(VIRTUAL, async |shop| {
        let headroom = async || shop.attribute("/api/customers/1", "headroom").await;
        assert_eq!(headroom().await, "\"854.00\"");
        shop.delete("/api/items/1").await.expect(204);
        assert_eq!(headroom().await, "\"979.00\"");
        shop.delete("/api/orders/1").await.expect(204);
        assert_eq!(headroom().await, "\"1000.00\"");
    })
    .await;
}

#[tokio::test]
async fn an_etag_covers_what_is_stored() {
    for dialect in tests::database::ALL {
        let plain = tests::Service::start(dialect, SHOP).await;
        let with = tests::Service::start(dialect, VIRTUAL).await;
        let (plain, with) = (plain.get("/api/orders/1").await, with.get("/api/orders/1").await);
        assert_eq!(plain.expect(200)["data"]["meta"], with.expect(200)["data"]["meta"]);
    }
}

#[tokio::test]
async fn results_of_operations_show_virtual_attributes_as_a_read_does() {
    on_every_database(VIRTUAL, async |shop| {
        let quantity = |id: &str| update(Document::of("items").id(id).attribute("quantity", 3));
        let results = shop
            .operations(vec![quantity("1"), add(item("1", "1", 2)), quantity("4"), remove("items", "2")])
            .await
            .expect(200);
        for n in [0, 1, 2] {
            let shown = &results["atomic:results"][n]["data"];
            assert!(shown["attributes"]["gross"].is_string(), "{shown}");
            let path = shown["links"]["self"].as_str().unwrap();
            assert_eq!(shop.get(path).await.expect(200)["data"], *shown);
        }
    })
    .await;
}

#[tokio::test]
async fn a_conflict_shows_the_resource_as_a_read_does() {
    on_every_database(VIRTUAL, async |shop| {
        let region = |name: &str| Document::of("customers").id("1").attribute("region", name);
        let etag = shop.get("/api/customers/1").await.etag();
        shop.patch("/api/customers/1", region("Hills")).await.expect(200);
        let refused = shop.patch_if("/api/customers/1", &etag, region("Coast")).await;
        let refused = refused.refused(412, "precondition-failed");
        assert_eq!(refused["meta"]["resource"], shop.get("/api/customers/1").await.expect(200)["data"]);
        let stale = json!({"etag": etag.trim_matches('"')});
        let refused = shop.operations(vec![update(region("Coast").meta(stale))]).await;
        let refused = refused.refused(409, "version-conflict");
        assert_eq!(refused["meta"]["resource"]["attributes"]["region"], "Hills");
        assert!(!refused["meta"]["resource"]["attributes"]["headroom"].is_null(), "{refused}");
    })
    .await;
}
