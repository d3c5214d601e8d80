//! One random write on the shop.

use std::sync::Mutex;
use std::time::Instant;

use fastrand::Rng;
use http::Method;
use serde_json::Value as Json;

use super::Known;
use super::report::Sample;
use crate::client::{Answer, operations_request, request, with_body};
use crate::document::{Document, add, update};
use crate::service::Service;
use crate::shop::{item, order};

/// What a client can do, and how often out of a hundred.
const ACTS: [(Act, u8); 10] = [
    (Act::NewOrder, 10),
    (Act::NewItem, 25),
    (Act::Quantity, 20),
    (Act::MoveItem, 8),
    (Act::MoveOrder, 7),
    (Act::Ship, 8),
    (Act::DeleteItem, 6),
    (Act::DeleteOrder, 4),
    (Act::WholeOrder, 7),
    (Act::Exchange, 5),
];

/// How many rows of a table are hot.
const HOT: usize = 8;

/// A kind of write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    NewOrder,
    NewItem,
    Quantity,
    MoveItem,
    MoveOrder,
    Ship,
    DeleteItem,
    DeleteOrder,
    /// An order with two items, in one request.
    WholeOrder,
    /// Two orders change their customers, in one request.
    Exchange,
}

impl Act {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NewOrder => "new order",
            Self::NewItem => "new item",
            Self::Quantity => "quantity",
            Self::MoveItem => "move item",
            Self::MoveOrder => "move order",
            Self::Ship => "ship or unship",
            Self::DeleteItem => "delete item",
            Self::DeleteOrder => "delete order",
            Self::WholeOrder => "whole order",
            Self::Exchange => "exchange orders",
        }
    }

    fn random(rng: &mut Rng) -> Self {
        let mut left = rng.u8(0..100);
        for (act, share) in ACTS {
            if left < share {
                return act;
            }
            left -= share;
        }
        Self::NewItem
    }
}

/// Does one thing and says how it went.
pub(super) async fn once(service: &Service, known: &Known, rng: &mut Rng) -> Sample {
    let act = Act::random(rng);
    let begun = Instant::now();
    let answer = perform(service, known, rng, act).await;
    Sample { act, status: answer.status, elapsed: begun.elapsed(), code: code(&answer) }
}

async fn perform(service: &Service, known: &Known, rng: &mut Rng, act: Act) -> Answer {
    let customer = pick(&known.customers, rng);
    let product = pick(&known.products, rng);
    let order_id = any(&known.orders, rng);
    match act {
        Act::NewOrder => made(&known.orders, post(service, order(&customer)).await),
        Act::NewItem => made(&known.items, post(service, item(&order_id, &product, rng.i64(1..5))).await),
        Act::Quantity => {
            let id = any(&known.items, rng);
            patch(service, &id, Document::of("items").id(&id).attribute("quantity", rng.i64(1..9))).await
        }
        Act::MoveItem => {
            let id = any(&known.items, rng);
            patch(service, &id, Document::of("items").id(&id).to_one("order", "orders", &order_id)).await
        }
        Act::MoveOrder => {
            let moved = Document::of("orders").id(&order_id).to_one("customer", "customers", &customer);
            patch(service, &order_id, moved).await
        }
        Act::Ship => {
            let date = if rng.bool() { "2026-05-05".into() } else { Json::Null };
            patch(service, &order_id, Document::of("orders").id(&order_id).attribute("date_shipped", date))
                .await
        }
        Act::DeleteItem => delete(service, "items", &taken(&known.items, rng)).await,
        Act::DeleteOrder => delete(service, "orders", &taken(&known.orders, rng)).await,
        Act::WholeOrder => {
            let new_item = |product: &str| {
                add(Document::of("items")
                    .attribute("quantity", 1)
                    .to_new("order", "orders", "o")
                    .to_one("product", "products", product))
            };
            let other = pick(&known.products, rng);
            let whole = vec![add(order(&customer).lid("o")), new_item(&product), new_item(&other)];
            made_together(known, at_once(service, whole).await)
        }
        Act::Exchange => {
            let (second, other) = (any(&known.orders, rng), pick(&known.customers, rng));
            let to = |id: &str, customer: &str| {
                update(Document::of("orders").id(id).to_one("customer", "customers", customer))
            };
            at_once(service, vec![to(&order_id, &customer), to(&second, &other)]).await
        }
    }
}

async fn at_once(service: &Service, operations: Vec<Json>) -> Answer {
    service.quietly(operations_request(operations)).await
}

/// Remembers the order and the items of one request.
fn made_together(known: &Known, answer: Answer) -> Answer {
    if answer.status == 200 {
        for result in answer.json()["atomic:results"].as_array().unwrap() {
            let of = if result["data"]["type"] == "orders" { &known.orders } else { &known.items };
            of.lock().unwrap().push(result["data"]["id"].as_str().unwrap().to_owned());
        }
    }
    answer
}

async fn post(service: &Service, document: Document) -> Answer {
    let path = format!("/api/{}", document.ty());
    service.quietly(with_body(request(Method::POST, &path), &document.json())).await
}

async fn patch(service: &Service, id: &str, document: Document) -> Answer {
    let path = format!("/api/{}/{id}", document.ty());
    service.quietly(with_body(request(Method::PATCH, &path), &document.json())).await
}

async fn delete(service: &Service, ty: &str, id: &str) -> Answer {
    service.quietly(request(Method::DELETE, &format!("/api/{ty}/{id}"))).await
}

/// Remembers what has been made.
fn made(known: &Mutex<Vec<String>>, answer: Answer) -> Answer {
    if answer.status == 201 {
        known.lock().unwrap().push(answer.id());
    }
    answer
}

/// One of them. Half of everything goes to the first few: hot rows are what locks are for.
fn pick(ids: &[String], rng: &mut Rng) -> String {
    let most = if rng.bool() { ids.len().min(HOT) } else { ids.len() };
    if most == 0 { "1".into() } else { ids[rng.usize(0..most)].clone() }
}

fn any(ids: &Mutex<Vec<String>>, rng: &mut Rng) -> String {
    pick(&ids.lock().unwrap(), rng)
}

/// Takes an id out; now and then it stays known, so that what is gone is asked for too.
fn taken(ids: &Mutex<Vec<String>>, rng: &mut Rng) -> String {
    let mut ids = ids.lock().unwrap();
    match ids.len() {
        0 => "1".into(),
        n if rng.u8(0..10) == 0 => ids[rng.usize(0..n)].clone(),
        n => ids.swap_remove(rng.usize(0..n)),
    }
}

/// The code of the first error.
fn code(answer: &Answer) -> Option<String> {
    (answer.status >= 400).then(|| {
        let error = &answer.json()["errors"][0];
        error["code"].as_str().unwrap_or("no code").to_owned()
    })
}
