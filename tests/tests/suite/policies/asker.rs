//! Somebody with a token's worth of claims, before a shop of which they may see a part.

use std::collections::BTreeMap;
use std::sync::Arc;

use dialects::Value;
use introspect::Schema;
use proxy::state::Snapshot;
use rules::expr::resolve::{Context, expression};
use rules::policy::{Actor, Authority, Claim, Grant, Grants, TableAuthority};
use serde_json::Value as Json;
use tests::database::ALL;
use tests::{Client, Service};

use super::GUARDED;

/// A table and which of its rows may be read; `*`: all.
pub(super) type Rules = &'static [(&'static str, &'static str)];

/// Rows by their own columns, by those of parents, by the actor's id; of `stock` nothing.
pub(super) const RULES: Rules = &[
    ("customers", "region = actor.claim('region')"),
    ("orders", "customer.region = actor.claim('region')"),
    ("items", "order.customer.region = actor.claim('region')"),
    ("products", "unit_price < 300"),
    ("tags", "code <> 'iron'"),
    ("employees", "id = actor.claim('boss') or manager_id = actor.claim('boss')"),
    ("product_tags", "*"),
];

/// The same in plain SQL.
const SEEN: [(&str, &str); 6] = [
    ("{customers}", "(select * from customers where region = '{region}')"),
    (
        "{orders}",
        "(select o.* from orders o join customers c on c.id = o.customer_id where c.region = '{region}')",
    ),
    (
        "{items}",
        "(select i.* from items i join orders o on o.id = i.order_id join customers c on c.id = o.customer_id
          where c.region = '{region}')",
    ),
    ("{products}", "(select * from products where unit_price < 300)"),
    ("{tags}", "(select * from tags where code <> 'iron')"),
    ("{employees}", "(select * from employees where id = 2 or manager_id = 2)"),
];

pub(super) const COAST: &str = "Coast";
pub(super) const ISLANDS: &str = "Islands";

/// A client, and the shop that it sees a part of.
pub(super) struct Asker<'a> {
    pub(super) client: Client,
    pub(super) shop: &'a Service,
    region: &'static str,
}

impl<'a> Asker<'a> {
    /// Somebody of a region, under the usual rules.
    pub(super) fn of(shop: &'a Service, region: &'static str) -> Self {
        Self::with(shop, region, authority(&shop.snapshot().schema, RULES, &[]))
    }

    /// Likewise, under others.
    pub(super) fn with(shop: &'a Service, region: &'static str, authority: Authority) -> Self {
        let snapshot: Snapshot = shop.snapshot().seen_with(authority);
        let claims = [("region", Value::text(region)), ("boss", Value::Int(2))];
        let claims = claims.into_iter().map(|(name, value)| (name.to_owned(), Claim::Value(value)));
        let id = Some(format!("{region}-1"));
        let actor = Actor { id, claims: claims.collect::<BTreeMap<_, _>>(), ..Actor::anonymous() };
        let client = Client::acting_as(shop.database.pool.clone(), Arc::new(snapshot), actor);
        Self { client, shop, region }
    }

    /// The first column of what plain SQL finds, where `{orders}` are the orders that may be seen.
    pub(super) async fn oracle(&self, sql: &str) -> Vec<String> {
        self.oracle_of(sql, 1).await.into_iter().map(|mut row| row.remove(0)).collect()
    }

    /// All columns.
    pub(super) async fn oracle_of(&self, sql: &str, columns: usize) -> Vec<Vec<String>> {
        let mut sql = sql.to_owned();
        for (name, seen) in SEEN {
            sql = sql.replace(name, seen);
        }
        self.shop.database.rows(&sql.replace("{region}", self.region), columns).await
    }

    /// The document of a URL.
    pub(super) async fn get(&self, target: &str) -> Json {
        self.client.get(&format!("/api/{target}")).await.expect(200)
    }

    /// The ids of the primary data of a URL.
    pub(super) async fn ids(&self, target: &str) -> Vec<String> {
        ids(&self.get(target).await["data"])
    }

    /// Fails unless a URL answers with what plain SQL finds.
    pub(super) async fn check(&self, target: &str, sql: &str) {
        let (found, expect) = (self.ids(target).await, self.oracle(sql).await);
        assert_eq!(found, expect, "{:?}, {}: {target}", self.shop.database.dialect(), self.region);
    }
}

/// The ids of resources or identifiers.
pub(super) fn ids(data: &Json) -> Vec<String> {
    let id = |item: &Json| item["id"].as_str().unwrap().to_owned();
    match data {
        Json::Array(items) => items.iter().map(id).collect(),
        Json::Null => Vec::new(),
        one => vec![id(one)],
    }
}

/// Two askers of each database, one after the other.
pub(super) async fn each(case: impl AsyncFn(&Asker<'_>)) {
    for dialect in ALL {
        println!("on {dialect:?}");
        let shop = Service::start(dialect, GUARDED).await;
        for region in [COAST, ISLANDS] {
            case(&Asker::of(&shop, region)).await;
        }
    }
}

/// What may be read, without some columns.
pub(super) fn authority(schema: &Schema, rules: Rules, hidden: &[(&str, &str)]) -> Authority {
    Authority::new(tables(schema, rules, hidden))
}

/// Likewise, by table.
pub(super) fn tables(schema: &Schema, rules: Rules, hidden: &[(&str, &str)]) -> Vec<TableAuthority> {
    let of_table = |(id, table): (introspect::TableId, &introspect::Table)| {
        let rule = rules.iter().find(|(name, _)| *name == table.name);
        let rows =
            |rule: &str| (rule != "*").then(|| expression(schema, id, rule, Context::Virtual).unwrap().0);
        let any = rule.into_iter().map(|(_, rule)| Grant { rows: rows(rule), ..Grant::default() }).collect();
        let hidden = hidden.iter().filter(|(name, _)| *name == table.name);
        TableAuthority {
            read: Grants { any, filters: Vec::new() },
            hidden: hidden.map(|(_, column)| table.column(column).unwrap()).collect(),
            ..TableAuthority::nothing()
        }
    };
    schema.iter().map(of_table).collect()
}
