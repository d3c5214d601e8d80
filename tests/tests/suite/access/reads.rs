//! Every way to read a row, asked by everybody, beside what plain SQL says of it.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use tests::Client;

use super::world::{Action, TYPES, Who, World};

/// Type, relationship, the type that it leads to, whether to one, and a query for the ids of its targets with `{}` for the row's id.
const RELATIONSHIPS: &[(&str, &str, &str, bool, &str)] = &[
    ("tenants", "customers", "customers", false, "select id from customers where tenant_id = {}"),
    ("tenants", "orders", "orders", false, "select id from orders where tenant_id = {}"),
    ("customers", "tenant", "tenants", true, "select tenant_id from customers where id = {}"),
    ("customers", "orders", "orders", false, "select id from orders where customer_id = {}"),
    ("orders", "customer", "customers", true, "select customer_id from orders where id = {}"),
    ("orders", "items", "items", false, "select id from items where order_id = {}"),
    ("orders", "tags", "tags", false, "select tag_id from order_tags where order_id = {}"),
    ("items", "order", "orders", true, "select order_id from items where id = {}"),
    (
        "items",
        "product",
        "products",
        true,
        "select product_id from items where id = {} and product_id is not null",
    ),
    ("tags", "orders", "orders", false, "select order_id from order_tags where tag_id = {}"),
    ("products", "items", "items", false, "select id from items where product_id = {}"),
];

/// Asks every way; tells how many requests that were.
pub(super) async fn ask(world: &World, who: Who) -> usize {
    let mut reader = Reader { world, who, client: world.client(who), asked: 0 };
    for table in TYPES {
        reader.collection(table).await;
        reader.rows(table).await;
    }
    for relationship in RELATIONSHIPS {
        reader.relationship(relationship).await;
        reader.included(relationship).await;
    }
    reader.through_relationships().await;
    reader.in_order().await;
    reader.grouped().await;
    reader.far_includes().await;
    reader.asked
}

struct Reader<'a> {
    world: &'a World,
    who: Who,
    client: Client,
    asked: usize,
}

impl Reader<'_> {
    /// The document, or its first error, with the status.
    async fn get(&mut self, target: &str) -> (u16, Json) {
        self.asked += 1;
        let answer = self.client.quietly(tests::client::request(http::Method::GET, target)).await;
        let document = if answer.body.is_empty() { Json::Null } else { answer.json() };
        (answer.status, document)
    }

    fn may_read(&self, table: &str) -> bool {
        self.who.may(Action::Read, table)
    }

    async fn readable(&self, table: &str) -> BTreeSet<String> {
        self.world.granted(self.who, Action::Read, table).await
    }

    /// The collection is these rows.
    async fn finds(&mut self, target: &str, expect: &BTreeSet<String>) {
        let (status, document) = self.get(target).await;
        assert_eq!(status, 200, "{:?} {target}: {document}", self.who);
        assert_eq!(&ids(&document["data"]), expect, "{:?} {target}", self.who);
    }

    async fn collection(&mut self, table: &str) {
        let (may, rows) = (self.may_read(table), self.readable(table).await);
        let all = format!("/api/{table}?page[size]=1000");
        let (status, document) = self.get(&all).await;
        if !may {
            assert_eq!(
                (status, document["errors"][0]["code"].as_str()),
                (403, Some("forbidden")),
                "{:?} {all}",
                self.who
            );
            return;
        }
        assert_eq!(ids(&document["data"]), rows, "{:?} {all}", self.who);
        self.hides(table, &document.to_string());
        let count = rows.len().to_string();
        for total in ["true", "estimate"] {
            let (_, document) = self.get(&format!("/api/{table}?page[total]={total}&page[size]=1")).await;
            let told = document["meta"]["total"].to_string();
            // Of what may be read whole an estimate tells nothing that is kept.
            if total == "true" || !(self.who.is("admin") || table == "products") {
                assert_eq!(told, count, "{:?} {table} {document}", self.who);
            }
        }
        let (_, document) = self.get(&format!("/api/{table}?aggregateOf=count(*)")).await;
        assert_eq!(
            document["meta"]["aggregates"][0]["count(*)"].to_string().trim_matches('"'),
            count,
            "{:?} {table} {document}",
            self.who
        );
        self.export(table, &rows).await;
    }

    fn hides(&self, table: &str, text: &str) {
        let hidden = match table {
            "customers" if !self.who.is("admin") && !self.who.is("auditor") => "credit_limit",
            "products" if !self.who.is("admin") => "cost",
            _ => return,
        };
        assert!(!text.contains(hidden), "{:?} {table}: {text}", self.who);
    }

    async fn export(&mut self, table: &str, rows: &BTreeSet<String>) {
        self.asked += 1;
        let request = tests::client::request(http::Method::GET, &format!("/api/{table}"));
        let request = tests::client::with_header(request, "accept", "application/x-ndjson");
        let text = self.client.exported(request).await;
        let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(&ids(&Json::Array(lines)), rows, "{:?} {table}", self.who);
        self.hides(table, &text);
    }

    async fn rows(&mut self, table: &str) {
        let (may, rows) = (self.may_read(table), self.readable(table).await);
        let mut all = self.world.list(&format!("select id from {table} order by id")).await;
        all.push("999".into());
        for id in all {
            let (status, document) = self.get(&format!("/api/{table}/{id}")).await;
            let expect = if !may {
                403
            } else if rows.contains(&id) {
                200
            } else {
                404
            };
            assert_eq!(status, expect, "{:?} {table}/{id}: {document}", self.who);
        }
    }

    async fn relationship(&mut self, (table, name, target, to_one, query): &(&str, &str, &str, bool, &str)) {
        let (may, rows) = (self.may_read(table), self.readable(table).await);
        let (known, targets) = (self.may_read(target), self.readable(target).await);
        for id in self.world.list(&format!("select id from {table} order by id")).await {
            let there = self.world.set(&query.replace("{}", &id)).await;
            let shown: BTreeSet<String> = there.intersection(&targets).cloned().collect();
            let found = known && rows.contains(&id);
            let expect = if !may {
                403
            } else if found {
                200
            } else {
                404
            };
            for (place, expect_ids) in
                [("", &shown), ("relationships/", if *to_one { &there } else { &shown })]
            {
                let url = format!("/api/{table}/{id}/{place}{name}?");
                let url = if *to_one {
                    url.trim_end_matches('?').to_owned()
                } else {
                    format!("{url}page[size]=1000")
                };
                let (status, document) = self.get(&url).await;
                assert_eq!(status, expect, "{:?} {url}: {document}", self.who);
                if status == 200 {
                    assert_eq!(&ids(&document["data"]), expect_ids, "{:?} {url}", self.who);
                }
            }
        }
    }

    async fn included(&mut self, (table, name, target, _, query): &(&str, &str, &str, bool, &str)) {
        if !self.may_read(table) {
            return;
        }
        let url = format!("/api/{table}?include={name}&page[size]=1000");
        let (status, document) = self.get(&url).await;
        if !self.may_read(target) {
            assert_eq!(
                (status, document["errors"][0]["code"].as_str()),
                (400, Some("invalid-include")),
                "{:?} {url}",
                self.who
            );
            assert!(!document.to_string().contains("Did you mean"), "{document}");
            return;
        }
        let (rows, targets) = (self.readable(table).await, self.readable(target).await);
        let mut expect = BTreeSet::new();
        for id in &rows {
            expect.extend(self.world.set(&query.replace("{}", id)).await.intersection(&targets).cloned());
        }
        assert_eq!(status, 200, "{:?} {url}: {document}", self.who);
        assert_eq!(ids(&document["data"]), rows, "{:?} {url}", self.who);
        assert_eq!(ids(&document["included"]), expect, "{:?} {url}", self.who);
        self.hides(target, &document["included"].to_string());
    }

    /// Filters that lead through relationships find by what may be read there.
    async fn through_relationships(&mut self) {
        let read = |table: &str| self.who.readable(table);
        let (orders, customers, items) = (read("orders"), read("customers"), read("items"));
        let (tags, products) = (read("tags"), read("products"));
        let cases = [
            (
                "orders?filter[customer.region]=north",
                "customers",
                format!(
                    "select o.id from {orders} o join {customers} c on c.id = o.customer_id where c.region = 'north'"
                ),
            ),
            (
                "orders?filter[where]=customer.region = 'north'",
                "customers",
                format!(
                    "select o.id from {orders} o join {customers} c on c.id = o.customer_id where c.region = 'north'"
                ),
            ),
            (
                "orders?filter[customer.name][null]=true",
                "customers",
                format!(
                    "select o.id from {orders} o left join {customers} c on c.id = o.customer_id where c.name is null"
                ),
            ),
            (
                "orders?filter[customer.name][ne]=Ada",
                "customers",
                format!(
                    "select o.id from {orders} o left join {customers} c on c.id = o.customer_id where c.name is null or c.name <> 'Ada'"
                ),
            ),
            (
                "customers?filter[orders.note]=n12",
                "orders",
                format!(
                    "select c.id from {customers} c where exists (select 1 from {orders} o where o.customer_id = c.id and o.note = 'n12')"
                ),
            ),
            (
                "customers?filter[orders][null]=true",
                "orders",
                format!(
                    "select c.id from {customers} c where not exists (select 1 from {orders} o where o.customer_id = c.id)"
                ),
            ),
            (
                "orders?filter[tags.word]=secret",
                "tags",
                format!(
                    "select o.id from {orders} o where exists (select 1 from order_tags x join {tags} t on t.id = x.tag_id where x.order_id = o.id and t.word = 'secret')"
                ),
            ),
            (
                "orders?filter[items.quantity][ge]=3",
                "items",
                format!(
                    "select o.id from {orders} o where exists (select 1 from {items} i where i.order_id = o.id and i.quantity >= 3)"
                ),
            ),
            (
                "products?filter[items.order.customer.region]=north",
                "customers",
                format!(
                    "select p.id from {products} p where exists (select 1 from {items} i join {orders} o on o.id = i.order_id join {customers} c on c.id = o.customer_id where i.product_id = p.id and c.region = 'north')"
                ),
            ),
        ];
        for (target, through, query) in cases {
            let table = target.split('?').next().unwrap();
            let target =
                format!("/api/{}&page[size]=1000", target.replace("[ge]", "[gte]").replace(' ', "%20"));
            if !self.may_read(table) {
                assert_eq!(self.get(&target).await.0, 403, "{:?} {target}", self.who);
            } else if !self.reaches(through) {
                let (status, document) = self.get(&target).await;
                assert_eq!(status, 400, "{:?} {target}: {document}", self.who);
            } else {
                let expect = self.world.set(&query).await;
                self.finds(&target, &expect).await;
            }
        }
    }

    /// Whether all on the way to a type may be read: of the cases above, only customers are further away than one step.
    fn reaches(&self, table: &str) -> bool {
        self.may_read(table)
    }

    /// A hidden parent sorts as if there were none.
    async fn in_order(&mut self) {
        if !(self.may_read("orders") && self.may_read("customers")) {
            return;
        }
        let (orders, customers) = (self.who.readable("orders"), self.who.readable("customers"));
        let query = format!(
            "select o.id from {orders} o left join {customers} c on c.id = o.customer_id
             order by case when c.name is null then 1 else 0 end, c.name, o.id"
        );
        let expect = self.world.list(&query).await;
        let mut found = Vec::new();
        let mut next = Some("/api/orders?sort=customer.name,id&page[size]=2".to_owned());
        while let Some(target) = next.take() {
            let (status, document) = self.get(&target).await;
            assert_eq!(status, 200, "{:?} {target}: {document}", self.who);
            found.extend(document["data"].as_array().unwrap().iter().map(id));
            next = document["links"]["next"].as_str().map(str::to_owned);
        }
        assert_eq!(found, expect, "{:?}", self.who);
    }

    async fn grouped(&mut self) {
        if !(self.may_read("orders") && self.may_read("customers")) {
            return;
        }
        let (orders, customers) = (self.who.readable("orders"), self.who.readable("customers"));
        let query = format!(
            "select c.region, count(*) from {orders} o left join {customers} c on c.id = o.customer_id group by c.region"
        );
        let expect: BTreeSet<Vec<String>> = self.world.database().rows(&query, 2).await.into_iter().collect();
        let target = "/api/orders?aggregateOf=count(*)&groupBy=customer.region";
        let (status, document) = self.get(target).await;
        assert_eq!(status, 200, "{:?} {target}: {document}", self.who);
        let groups = document["meta"]["aggregates"].as_array().unwrap();
        let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let found: BTreeSet<Vec<String>> = groups
            .iter()
            .map(|group| vec![plain(&group["group"]["customer.region"]), plain(&group["count(*)"])])
            .collect();
        assert_eq!(found, expect, "{:?}", self.who);
    }

    /// Deep includes stop where rows are kept.
    async fn far_includes(&mut self) {
        if !["customers", "orders", "items"].iter().all(|table| self.may_read(table)) {
            return;
        }
        let (orders, customers, items) =
            (self.who.readable("orders"), self.who.readable("customers"), self.who.readable("items"));
        let target = "/api/customers?include=orders.items.order.customer.orders&page[size]=1000";
        let (status, document) = self.get(target).await;
        assert_eq!(status, 200, "{:?} {target}: {document}", self.who);
        let of = |ty: &str| -> BTreeSet<String> {
            let all = document["included"].as_array().unwrap();
            all.iter().filter(|resource| resource["type"] == ty).map(id).collect()
        };
        let expect_orders = self
            .world
            .set(&format!("select o.id from {customers} c join {orders} o on o.customer_id = c.id"))
            .await;
        let expect_items = self
            .world
            .set(&format!(
                "select i.id from {customers} c join {orders} o on o.customer_id = c.id join {items} i on i.order_id = o.id"
            ))
            .await;
        assert_eq!((of("orders"), of("items")), (expect_orders, expect_items), "{:?}", self.who);
        self.hides("customers", &document.to_string());
    }
}

fn id(resource: &Json) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

/// The ids of one resource, of several or of none.
fn ids(data: &Json) -> BTreeSet<String> {
    match data {
        Json::Array(resources) => resources.iter().map(id).collect(),
        Json::Object(_) => [id(data)].into(),
        _ => BTreeSet::new(),
    }
}
