//! Writes on the sample shop, from document to committed rows, over SQLite in memory.

use std::sync::Arc;

use dialects::{Options, Pool, Statement, ValueType};
use rules::trace::{By, Effect};
use serde_json::{Value as Json, json};

use super::{Context, Watch};
use crate::Errors;
use crate::exchange::Response;
use crate::jsonapi::query::ReadRequest;
use crate::observe::Metrics;
use crate::pipeline::answer::Terms;
use crate::pipeline::write::answer;
use crate::plan::write::{Verb, WriteRequest};
use crate::state::{ApiSettings, Limits, Snapshot};

struct Shop {
    pool: Arc<Pool>,
    snapshot: Arc<Snapshot>,
    metrics: Metrics,
}

impl Shop {
    async fn open() -> Self {
        let pool = Pool::open("sqlite::memory:", Options::default()).unwrap();
        pool.execute_script(include_str!("../../../demo/shop.sql")).await.unwrap();
        let schema = introspect::introspect(&pool, None).await.unwrap();
        let rules = [
            (
                "check_credit.yaml".to_owned(),
                include_str!("../../../demo/rules/check_credit.yaml").to_owned(),
            ),
            ("shop.yaml".to_owned(), include_str!("../../../demo/rules/shop.yaml").to_owned()),
        ];
        let rules = rules::compile(&schema, &rules).unwrap();
        let snapshot = Snapshot::new(schema, rules, ApiSettings::default(), Limits::default());
        Self { pool: Arc::new(pool), snapshot: Arc::new(snapshot), metrics: Metrics::new().unwrap() }
    }

    async fn send(&self, verb: Verb, ty: &str, id: &str, body: Json) -> Result<Json, Errors> {
        self.watched(&Watch::default(), verb, ty, id, body).await
    }

    async fn watched(
        &self,
        watch: &Watch,
        verb: Verb,
        ty: &str,
        id: &str,
        body: Json,
    ) -> Result<Json, Errors> {
        let context = Context {
            pool: &self.pool,
            snapshot: &self.snapshot,
            metrics: &self.metrics,
            watch,
            spans: None,
            actor: &Arc::default(),
        };
        let table = self.snapshot.schema.find(ty).unwrap();
        let body = body.to_string();
        let request = WriteRequest { id, body: body.as_bytes(), if_match: None };
        let asked = ReadRequest::default();
        let response: Response = answer(context, table, verb, &asked, request, &Terms::default()).await?;
        Ok(serde_json::from_slice(&response.body).unwrap_or(Json::Null))
    }

    async fn create(&self, ty: &str, attributes: Json, relationships: Json) -> Result<Json, Errors> {
        let body = json!({"data": {"type": ty, "attributes": attributes, "relationships": relationships}});
        self.send(Verb::Create, ty, "", body).await
    }

    async fn update(&self, ty: &str, id: &str, attributes: Json) -> Result<Json, Errors> {
        let body = json!({"data": {"type": ty, "id": id, "attributes": attributes}});
        self.send(Verb::Update, ty, id, body).await
    }

    async fn delete(&self, ty: &str, id: &str) -> Result<Json, Errors> {
        self.send(Verb::Delete, ty, id, Json::Null).await
    }

    /// One number, as text.
    async fn number(&self, sql: &str) -> String {
        let columns = vec![ValueType::Decimal { precision: Some(12), scale: Some(2) }];
        let statement = Statement { text: sql.into(), params: Vec::new(), columns };
        let rows = self.pool.run(vec![statement]).await.unwrap();
        rows[0].values(0)[0].decimal().unwrap().to_plain_string()
    }

    /// How many derived values differ from what they are derived from.
    async fn wrong(&self) -> String {
        self.number(
            "select (select count(*) from items where abs(amount - quantity * unit_price) > 0.001)
                + (select count(*) from orders o where abs(amount_total - (select coalesce(sum(amount), 0) from items where order_id = o.id)) > 0.001)
                + (select count(*) from orders o where item_count <> (select count(*) from items where order_id = o.id))
                + (select count(*) from customers c where order_count <> (select count(*) from orders where customer_id = c.id))
                + (select count(*) from customers c where abs(balance - (select coalesce(sum(amount_total), 0) from orders
                    where customer_id = c.id and date_shipped is null)) > 0.001)",
        )
        .await
    }
}

fn one(ty: &str, id: &str) -> Json {
    json!({"data": {"type": ty, "id": id}})
}

fn codes(errors: Errors) -> Vec<&'static str> {
    errors.iter().map(|e| e.code.code()).collect()
}

#[tokio::test]
async fn every_write_leaves_every_total_right() {
    let shop = Shop::open().await;
    let customer =
        shop.create("customers", json!({"name": "Quay & Co", "region": "north"}), json!({})).await.unwrap();
    let customer = customer["data"]["id"].as_str().unwrap().to_owned();
    let order =
        shop.create("orders", json!({}), json!({"customer": one("customers", &customer)})).await.unwrap();
    let order = order["data"]["id"].as_str().unwrap().to_owned();
    let relationships = json!({"order": one("orders", &order), "product": one("products", "1")});
    let item = shop.create("items", json!({"quantity": 3}), relationships).await.unwrap();
    assert_ne!(item["data"]["attributes"]["amount"], json!(0));
    let item = item["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(shop.wrong().await, "0.00");
    let balance = format!("select balance from customers where id = {customer}");
    let before = shop.number(&balance).await;
    shop.update("items", &item, json!({"quantity": 1})).await.unwrap();
    assert_ne!(shop.number(&balance).await, before);
    shop.update("items", &item, json!({"order_id": 1})).await.unwrap();
    assert_eq!(shop.number(&balance).await, "0.00");
    shop.update("items", &item, json!({"order_id": order.parse::<i64>().unwrap()})).await.unwrap();
    shop.update("orders", &order, json!({"date_shipped": "2026-01-31"})).await.unwrap();
    assert_eq!(shop.number(&balance).await, "0.00");
    shop.update("orders", &order, json!({"date_shipped": null, "customer_id": 1})).await.unwrap();
    assert_eq!(shop.wrong().await, "0.00");
    shop.delete("orders", &order).await.unwrap();
    assert_eq!(shop.wrong().await, "0.00");
    assert_eq!(codes(shop.delete("items", &item).await.unwrap_err()), ["not-found"]);
    shop.delete("customers", &customer).await.unwrap();
}

#[tokio::test]
async fn a_write_that_breaks_a_rule_is_refused_and_nothing_is_written() {
    let shop = Shop::open().await;
    let total = shop.number("select sum(balance) from customers").await;
    let item = shop.number("select i.id from items i join orders o on o.id = i.order_id where o.date_shipped is null limit 1").await;
    let item = item.trim_end_matches(".00");
    let refused = shop.update("items", item, json!({"quantity": 100_000})).await.unwrap_err();
    let error = refused.iter().next().unwrap();
    assert_eq!(error.code.code(), "constraint-violated");
    assert!(error.detail.contains("exceeds the credit limit"), "{}", error.detail);
    assert_eq!(error.source, crate::error::Source::Pointer("/data".into()));
    let refused = shop.update("items", item, json!({"quantity": 0})).await.unwrap_err();
    assert_eq!(
        refused.iter().next().unwrap().source,
        crate::error::Source::Pointer("/data/attributes/quantity".into())
    );
    assert_eq!(shop.number("select sum(balance) from customers").await, total);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_code() {
    let shop = Shop::open().await;
    let refused = |result: Result<Json, Errors>| codes(result.unwrap_err());
    assert_eq!(refused(shop.update("customers", "1", json!({"balance": 0})).await), ["derived-only"]);
    assert_eq!(refused(shop.update("customers", "1", json!({"nmae": "x"})).await), ["unknown-attribute"]);
    assert_eq!(refused(shop.update("customers", "1", json!({"name": null})).await), ["required"]);
    assert_eq!(
        refused(shop.update("customers", "1", json!({"credit_limit": "a lot"})).await),
        ["invalid-value"]
    );
    assert_eq!(refused(shop.update("customers", "999999", json!({"name": "x"})).await), ["not-found"]);
    assert_eq!(
        refused(shop.update("orders", "1", json!({"customer_id": 999_999})).await),
        ["related-not-found"]
    );
    assert_eq!(refused(shop.delete("customers", "1").await), ["still-referenced"]);
}

#[tokio::test]
async fn a_derived_attribute_among_others_is_left_out_and_named() {
    let shop = Shop::open().await;
    let before = shop.number("select balance from customers where id = 1").await;
    let written = shop.update("customers", "1", json!({"balance": 7, "contact_name": "Ada"})).await.unwrap();
    assert_eq!(written["meta"]["ignored"], json!(["balance"]));
    assert_eq!(written["data"]["attributes"]["contact_name"], json!("Ada"));
    assert_eq!(shop.number("select balance from customers where id = 1").await, before);
}

/// What the log is told of a write: the rules that looked at it, and whether there is a trace at all.
#[tokio::test]
async fn the_log_hears_of_every_rule_that_looks_at_a_write_and_of_writes_that_none_looks_at() {
    let shop = Shop::open().await;
    for (ty, attributes, expect) in [
        ("items", json!({"quantity": 2}), "items.amount orders.amount_total"),
        ("orders", json!({"date_shipped": null}), "customers.balance"),
        ("customers", json!({"contact_name": "Ada"}), ""),
    ] {
        let watch = Watch::new(false, true);
        let body = json!({"data": {"type": ty, "id": "1", "attributes": attributes}});
        shop.watched(&watch, Verb::Update, ty, "1", body).await.unwrap();
        let trace = watch.trace().unwrap();
        let set = trace.steps.iter().filter_map(|step| match (&step.by, &step.effect) {
            (By::Rule(rule), Effect::Set { .. }) => Some(rule.as_str()),
            _ => None,
        });
        assert_eq!(set.collect::<Vec<_>>().join(" "), expect, "{ty}");
    }
}
