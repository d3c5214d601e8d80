//! Every way to write a row, asked by everybody on every row, beside what plain SQL says of it. After a write that succeeds all rows are put
//! back; after one that is refused nothing may have changed.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value as Json, json};
use tests::client::{operations_request, request, with_body};
use tests::{Client, Document};

use super::world::{Action, Who, World};

/// Asks every way; tells how many requests that were.
pub(super) async fn ask(world: &World, who: Who, turn: usize) -> usize {
    let mut writer = Writer { turn, ..Writer::new(world, who).await };
    writer.notes().await;
    writer.moves_to_other_customers().await;
    writer.removals().await;
    writer.new_orders().await;
    writer.new_items().await;
    writer.customers().await;
    writer.tags().await;
    writer.orders_of_customers().await;
    assert_eq!(world.everything().await, writer.before, "{who:?} changed what was refused");
    writer.asked
}

struct Writer<'a> {
    world: &'a World,
    who: Who,
    client: Client,
    before: Vec<Vec<Vec<String>>>,
    orders: Vec<String>,
    customers: Vec<String>,
    read_orders: BTreeSet<String>,
    read_customers: BTreeSet<String>,
    asked: usize,
    turn: usize,
}

fn soak() -> bool {
    std::env::var_os("RULEGATE_SOAK").is_some()
}

impl<'a> Writer<'a> {
    async fn new(world: &'a World, who: Who) -> Self {
        let mut customers = world.list("select id from customers order by id").await;
        customers.push("999".into());
        Self {
            world,
            who,
            client: world.client(who),
            before: world.everything().await,
            orders: world.list("select id from orders order by id").await,
            customers,
            read_orders: world.granted(who, Action::Read, "orders").await,
            read_customers: world.granted(who, Action::Read, "customers").await,
            asked: 0,
            turn: 0,
        }
    }

    /// Asks by itself or as an operation, in turn: both come to the same. With `RULEGATE_SOAK=1` both are asked.
    async fn expect(&mut self, method: Method, target: &str, body: Json, expect: u16) {
        let turn = self.asked % 2 == 1;
        self.send(&method, target, &body, expect, turn).await;
        if soak() {
            self.send(&method, target, &body, expect, !turn).await;
        }
    }

    async fn send(&mut self, method: &Method, target: &str, body: &Json, expect: u16, as_operation: bool) {
        self.asked += 1;
        let request = match as_operation {
            true => operations_request(vec![operation(method, target, body)]),
            false if body.is_null() => request(method.clone(), target),
            false => with_body(request(method.clone(), target), body),
        };
        let answer = self.client.quietly(request).await;
        let status = if (200..300).contains(&answer.status) { 200 } else { answer.status };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(
            status, expect,
            "{:?} {method} {target} {body} operation: {as_operation} {text}",
            self.who
        );
        self.tells_nothing(&text);
        if status == 200 {
            self.world.reset().await;
        }
    }

    /// Of the pairs of rows every third is asked, another third by each actor; with `RULEGATE_SOAK=1` all.
    fn takes(&self, n: usize) -> bool {
        soak() || n % 3 == self.turn % 3
    }

    fn tells_nothing(&self, text: &str) {
        if !(self.who.is("admin") || self.who.is("auditor")) {
            assert!(!text.contains("54321.5"), "{:?} learns of a credit limit: {text}", self.who);
        }
    }

    fn may(&self, action: Action, table: &str) -> bool {
        self.who.may(action, table)
    }

    async fn granted(&self, action: Action, table: &str) -> BTreeSet<String> {
        self.world.granted(self.who, action, table).await
    }

    /// What comes of an action on a row that is there.
    fn outcome(
        &self,
        action: Action,
        table: &str,
        id: &str,
        read: &BTreeSet<String>,
        granted: &BTreeSet<String>,
    ) -> u16 {
        match () {
            () if !self.who.may_anything(table) || !self.may(action, table) => 403,
            () if !read.contains(id) => 404,
            () if !granted.contains(id) => 403,
            () => 200,
        }
    }

    async fn notes(&mut self) {
        let granted = self.granted(Action::Update, "orders").await;
        for id in self.orders.clone() {
            let expect = self.outcome(Action::Update, "orders", &id, &self.read_orders, &granted);
            let document = Document::of("orders").id(&id).attribute("note", "new");
            self.expect(Method::PATCH, &format!("/api/orders/{id}"), document.json(), expect).await;
        }
    }

    /// The row must be granted as it will be, too, and lead to a row that may be read.
    async fn moves_to_other_customers(&mut self) {
        let granted = self.granted(Action::Update, "orders").await;
        for id in self.orders.clone() {
            let now =
                self.world.list(&format!("select customer_id from orders where id = {id}")).await.remove(0);
            for (n, customer) in self.customers.clone().into_iter().enumerate() {
                if !self.takes(n + id.parse::<usize>().unwrap()) {
                    continue;
                }
                let before = self.outcome(Action::Update, "orders", &id, &self.read_orders, &granted);
                let expect = match before {
                    200 if !self.may(Action::Read, "customers") => 422,
                    200 if customer == now => 200,
                    200 if !self.is_movable(&id).await => 403,
                    200 if !self.read_customers.contains(&customer) => 404,
                    200 if !self.would_be_granted(&id, &customer).await => 403,
                    before if before == 404 && !self.may(Action::Read, "customers") => 422,
                    before
                        if before == 403
                            && self.may(Action::Update, "orders")
                            && !self.may(Action::Read, "customers") =>
                    {
                        422
                    }
                    before => before,
                };
                let document = Document::of("orders").id(&id).to_one("customer", "customers", &customer);
                self.expect(Method::PATCH, &format!("/api/orders/{id}"), document.json(), expect).await;
            }
        }
    }

    /// Whether a change of an order is granted when it is of another customer. A clerk may not write that at all.
    async fn would_be_granted(&self, id: &str, customer: &str) -> bool {
        let condition = self.who.moved_order(customer);
        !self.world.set(&format!("select id from orders where id = {id} and {condition}")).await.is_empty()
    }

    /// Whether all of an order may be changed, as it is: who is a clerk, too, may change some of others.
    async fn is_movable(&self, id: &str) -> bool {
        let customer =
            self.world.list(&format!("select customer_id from orders where id = {id}")).await.remove(0);
        self.would_be_granted(id, &customer).await
    }

    async fn removals(&mut self) {
        for table in ["orders", "items", "tags", "products"] {
            let (read, granted) =
                (self.granted(Action::Read, table).await, self.granted(Action::Delete, table).await);
            let mut all = self.world.list(&format!("select id from {table} order by id")).await;
            all.push("999".into());
            for id in all {
                let referred = ["tags", "products"].contains(&table) && id != "999";
                let expect = match self.outcome(Action::Delete, table, &id, &read, &granted) {
                    200 if referred => 409,
                    outcome => outcome,
                };
                self.expect(Method::DELETE, &format!("/api/{table}/{id}"), Json::Null, expect).await;
            }
        }
    }

    async fn new_orders(&mut self) {
        for customer in self.customers.clone() {
            let mut document = Document::of("orders").id("50").to_one("customer", "customers", &customer);
            if self.who.is("admin") {
                document = document.to_one("tenant", "tenants", "1");
            }
            let expect = match () {
                () if !self.may(Action::Create, "orders") => 403,
                () if !self.read_customers.contains(&customer) => 404,
                () => 200,
            };
            self.expect(Method::POST, "/api/orders", document.json(), expect).await;
        }
    }

    async fn new_items(&mut self) {
        for order in [self.orders.clone(), vec!["999".into()]].concat() {
            let mut document =
                Document::of("items").id("50").attribute("quantity", 1).to_one("order", "orders", &order);
            if self.who.is("admin") {
                document = document.to_one("tenant", "tenants", "1");
            }
            let parent = format!("select id from ({}) o where id = {order}", &self.who.items_for());
            let granted = !self.world.set(&parent).await.is_empty();
            let expect = match () {
                () if !self.may(Action::Create, "items") => 403,
                () if !self.read_orders.contains(&order) => 404,
                () if !granted => 403,
                () => 200,
            };
            self.expect(Method::POST, "/api/items", document.json(), expect).await;
        }
    }

    /// A region is moved out of what is granted; what is read-only stays; what is hidden is not there.
    async fn customers(&mut self) {
        let granted = self.granted(Action::Update, "customers").await;
        let sales = self.who.is("sales");
        for id in self.customers.clone() {
            let outcome = self.outcome(Action::Update, "customers", &id, &self.read_customers, &granted);
            let region = self.who.region;
            let cases = [
                ("region", json!("elsewhere"), if sales && outcome == 200 { 403 } else { outcome }),
                ("region", json!(region), outcome),
                ("name", json!("Zoe"), if sales && outcome == 200 { 403 } else { outcome }),
                (
                    "credit_limit",
                    json!(1),
                    if sales {
                        422
                    } else if self.who.is("admin") && outcome == 200 {
                        self.limited(&id).await
                    } else {
                        outcome
                    },
                ),
            ];
            for (attribute, value, expect) in cases {
                let document = Document::of("customers").id(&id).attribute(attribute, value);
                self.expect(Method::PATCH, &format!("/api/customers/{id}"), document.json(), expect).await;
            }
        }
    }

    /// A credit limit of 1 is below most balances.
    async fn limited(&self, id: &str) -> u16 {
        let above =
            self.world.set(&format!("select id from customers where id = {id} and balance > 1")).await;
        if above.is_empty() { 200 } else { 422 }
    }

    /// Through the join table: the order must be granted, the tag readable.
    async fn tags(&mut self) {
        let granted = self.granted(Action::Update, "orders").await;
        let tags = self.granted(Action::Read, "tags").await;
        for id in self.orders.clone() {
            let outcome = self.outcome(Action::Update, "orders", &id, &self.read_orders, &granted);
            for tag in ["1", "2", "3", "999"] {
                let linkage = json!({"data": [{"type": "tags", "id": tag}]});
                let target = format!("/api/orders/{id}/relationships/tags");
                let is_clerk = self.who.is("clerk") && !self.who.is("sales");
                let movable = outcome != 200 || self.is_movable(&id).await;
                let add = match outcome {
                    403 => 403,
                    _ if is_clerk || !movable => 403,
                    200 if !tags.contains(tag) => 404,
                    outcome => outcome,
                };
                let remove = match outcome {
                    _ if is_clerk || !movable => 403,
                    outcome => outcome,
                };
                self.expect(Method::POST, &target, linkage.clone(), add).await;
                self.expect(Method::DELETE, &target, linkage.clone(), remove).await;
                self.expect(Method::PATCH, &target, linkage, add).await;
            }
            if outcome == 200 && self.who.is("sales") && self.is_movable(&id).await {
                self.hidden_members_stay(&id).await;
            }
        }
    }

    /// What whoever replaces all members cannot see is left where it is.
    async fn hidden_members_stay(&mut self, order: &str) {
        let hidden = format!("select tag_id from order_tags where order_id = {order} and tag_id = 3");
        let before = self.world.set(&hidden).await;
        let target = format!("/api/orders/{order}/relationships/tags");
        let answer =
            self.client.quietly(with_body(request(Method::PATCH, &target), &json!({"data": []}))).await;
        self.asked += 1;
        assert_eq!(answer.status, 204, "{:?} {target}", self.who);
        assert_eq!(self.world.set(&hidden).await, before, "{:?} {target}", self.who);
        let rest = format!("select tag_id from order_tags where order_id = {order} and tag_id <> 3");
        assert!(self.world.set(&rest).await.is_empty(), "{:?} {target}", self.who);
        self.world.reset().await;
    }

    /// A to-many relationship by foreign key: both ends must be granted.
    async fn orders_of_customers(&mut self) {
        let granted = self.granted(Action::Update, "customers").await;
        let granted_orders = self.granted(Action::Update, "orders").await;
        for customer in self.customers.clone() {
            let outcome =
                self.outcome(Action::Update, "customers", &customer, &self.read_customers, &granted);
            for (n, order) in [self.orders.clone(), vec!["999".into()]].concat().into_iter().enumerate() {
                if !self.takes(n) {
                    continue;
                }
                let expect = match outcome {
                    200 if !self.read_orders.contains(&order) => 404,
                    200 if !granted_orders.contains(&order) => 403,
                    200 if self.is_of(&order, &customer).await => 200,
                    200 if !self.is_movable(&order).await => 403,
                    200 if !self.would_be_granted(&order, &customer).await => 403,
                    outcome => outcome,
                };
                let target = format!("/api/customers/{customer}/relationships/orders");
                let linkage = json!({"data": [{"type": "orders", "id": order}]});
                self.expect(Method::POST, &target, linkage, expect).await;
            }
        }
    }

    async fn is_of(&self, order: &str, customer: &str) -> bool {
        let query = format!("select id from orders where id = {order} and customer_id = {customer}");
        !self.world.set(&query).await.is_empty()
    }
}

/// The request as an operation.
fn operation(method: &Method, target: &str, body: &Json) -> Json {
    let parts: Vec<&str> = target.trim_start_matches("/api/").split('/').collect();
    let op = match *method {
        Method::POST => "add",
        Method::PATCH => "update",
        _ => "remove",
    };
    match parts.as_slice() {
        [_] => json!({"op": op, "data": body["data"]}),
        [ty, id] if body.is_null() => json!({"op": op, "ref": {"type": ty, "id": id}}),
        [_, _] => json!({"op": op, "data": body["data"]}),
        [ty, id, _, relationship] => {
            json!({"op": op, "ref": {"type": ty, "id": id, "relationship": relationship}, "data": body["data"]})
        }
        _ => panic!("{target}"),
    }
}
