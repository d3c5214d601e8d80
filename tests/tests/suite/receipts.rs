//! `Idempotency-Key`: however often a write is sent, and by however many at once, it is done once and answered alike.

use std::sync::Arc;

use http::Method;
use proxy::exchange::Request;
use proxy::run::receipts;
use serde_json::{Value as Json, json};
use tests::client::{operations_request, request, with_body, with_header};
use tests::database::ALL;
use tests::document::{add, linkage, update};
use tests::shop::{SHOP, VIRTUAL, item, order};
use tests::{Answer, Document, Service, on_every_database};

fn keyed(key: &str, method: Method, path: &str, document: impl Into<Json>) -> Request {
    with_header(with_body(request(method, path), &document.into()), "idempotency-key", key)
}

async fn count(shop: &Service, table: &str) -> String {
    shop.database.rows(&format!("select count(*) from {table}"), 1).await[0][0].clone()
}

/// What a client sees of an answer.
fn seen(answer: &Answer) -> (u16, Option<&http::HeaderValue>, Option<&http::HeaderValue>, &[u8]) {
    (answer.status, answer.headers.get("location"), answer.headers.get("etag"), &answer.body)
}

/// Sends a request twice: it must be answered alike. The answer.
async fn twice(shop: &Service, request: Request) -> Answer {
    let first = shop.send(request.clone()).await;
    let second = shop.send(request).await;
    assert_eq!(seen(&first), seen(&second));
    assert_eq!(first.headers.get("content-type"), second.headers.get("content-type"));
    first
}

#[tokio::test]
async fn without_its_table_a_key_is_refused_and_nothing_is_done() {
    on_every_database(SHOP, async |shop| {
        let sent = keyed("k", Method::POST, "/api/items", item("1", "2", 1));
        let refused = shop.send(sent).await.refused(400, "idempotency-not-set-up");
        assert_eq!(refused["source"]["header"], "Idempotency-Key");
        assert_eq!(count(shop, "items").await, "9");
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_again_and_not_done_again() {
    on_every_database(SHOP, async |shop| {
        assert!(receipts::create(&shop.database.pool).await.unwrap());
        twice(shop, keyed("a", Method::POST, "/api/items", item("1", "2", 1))).await.expect(201);
        assert_eq!((count(shop, "items").await, shop.balance(1).await), ("10".into(), "153.00".into()));
        let quantity = |n: i64| Document::of("items").id("1").attribute("quantity", n);
        let first = shop.send(keyed("b", Method::PATCH, "/api/items/1", quantity(3))).await;
        first.expect(200);
        shop.patch("/api/items/1", quantity(5)).await.expect(200);
        let again = shop.send(keyed("b", Method::PATCH, "/api/items/1", quantity(3))).await;
        assert_eq!(seen(&first), seen(&again));
        assert_eq!(shop.attribute("/api/items/1", "quantity").await, "5");
        let removal = with_header(request(Method::DELETE, "/api/items/2"), "idempotency-key", "c");
        twice(shop, removal).await.expect(204);
        let tags = json!({"data": linkage("tags", &["iron"])});
        twice(shop, keyed("d", Method::POST, "/api/products/3/relationships/tags", tags)).await.expect(204);
        let operations = operations_request(vec![
            add(order("1").lid("o")),
            json!({"op": "add", "ref": {"type": "orders", "lid": "o", "relationship": "items"}, "data": linkage("items", &["4"])}),
        ]);
        twice(shop, with_header(operations, "idempotency-key", "e")).await.expect(200);
        assert_eq!(count(shop, "orders").await, "8");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    on_every_database(SHOP, async |shop| {
        receipts::create(&shop.database.pool).await.unwrap();
        shop.send(keyed("k", Method::POST, "/api/items", item("1", "2", 1))).await.expect(201);
        for sent in [
            keyed("k", Method::POST, "/api/items", item("1", "2", 2)),
            keyed("k", Method::POST, "/api/items?include=order", item("1", "2", 1)),
            keyed("\"k\"", Method::DELETE, "/api/items/1", json!({})),
        ] {
            let refused = shop.send(sent).await.refused(422, "idempotency-key-reused");
            assert_eq!(refused["source"]["header"], "Idempotency-Key");
        }
        shop.send(keyed("K", Method::POST, "/api/items", item("1", "2", 2))).await.expect(201);
        shop.send(keyed("a b", Method::POST, "/api/items", item("1", "2", 2)))
            .await
            .refused(400, "malformed-request");
        assert_eq!(count(shop, "items").await, "11");
    })
    .await;
}

#[tokio::test]
async fn what_was_refused_has_left_no_key() {
    on_every_database(SHOP, async |shop| {
        receipts::create(&shop.database.pool).await.unwrap();
        let dear = || keyed("k", Method::POST, "/api/items", item("7", "4", 1));
        shop.send(dear()).await.refused(422, "constraint-violated");
        assert_eq!(count(shop, "rulegate_idempotency").await, "0");
        let limit = Document::of("customers").id("5").attribute("credit_limit", 500);
        shop.patch("/api/customers/5", limit).await.expect(200);
        twice(shop, dear()).await.expect(201);
        assert_eq!(shop.balance(5).await, "310.00");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_read_after_the_commit_is_kept_as_it_was_told() {
    on_every_database(SHOP, async |shop| {
        receipts::create(&shop.database.pool).await.unwrap();
        let sent = || keyed("k", Method::POST, "/api/items?include=order", item("1", "2", 1));
        let first = shop.send(sent()).await;
        assert_eq!(first.expect(201)["included"][0]["attributes"]["notes"], Json::Null);
        let notes = Document::of("orders").id("1").attribute("notes", "changed since");
        shop.patch("/api/orders/1", notes).await.expect(200);
        let again = shop.send(sent()).await;
        assert_eq!(seen(&first), seen(&again));
        // As if the first one had been cut off before its answer was kept.
        shop.database.execute("update rulegate_idempotency set whole = false").await;
        let again = shop.send(sent()).await;
        assert_eq!(again.expect(201)["included"][0]["attributes"]["notes"], "changed since");
        assert_eq!(seen(&again), seen(&shop.send(sent()).await));
        assert_eq!(count(shop, "items").await, "10");
    })
    .await;
}

#[tokio::test]
async fn virtual_attributes_stand_in_answers_that_are_kept() {
    on_every_database(VIRTUAL, async |shop| {
        receipts::create(&shop.database.pool).await.unwrap();
        let limit = |n: i64| Document::of("customers").id("1").attribute("credit_limit", n);
        let single = || keyed("a", Method::PATCH, "/api/customers/1", limit(200));
        let several = || with_header(operations_request(vec![update(limit(300))]), "idempotency-key", "b");
        let first = twice(shop, single()).await.expect(200);
        assert_eq!(first["data"]["attributes"]["headroom"], "54.00");
        let first = twice(shop, several()).await.expect(200);
        let headroom = |answer: &Json| answer["atomic:results"][0]["data"]["attributes"]["headroom"].clone();
        assert_eq!(headroom(&first), "154.00");
        shop.database.execute("update rulegate_idempotency set whole = false").await;
        shop.patch("/api/customers/1", limit(400)).await.expect(200);
        assert_eq!(headroom(&twice(shop, several()).await.expect(200)), "254.00");
        assert_eq!(
            twice(shop, single()).await.expect(200)["data"]["attributes"]["headroom"].clone(),
            "254.00"
        );
    })
    .await;
}

#[tokio::test]
async fn old_receipts_are_forgotten() {
    on_every_database(SHOP, async |shop| {
        receipts::create(&shop.database.pool).await.unwrap();
        for key in ["old", "new"] {
            shop.send(keyed(key, Method::POST, "/api/items", item("1", "2", 1))).await.expect(201);
        }
        shop.database
            .execute("update rulegate_idempotency set created_at_s = 7 where idempotency_key = 'old'")
            .await;
        receipts::forget(&shop.database.pool, 8).await.unwrap();
        assert_eq!(count(shop, "rulegate_idempotency").await, "1");
        shop.send(keyed("new", Method::POST, "/api/items", item("1", "2", 1))).await.expect(201);
        assert_eq!(count(shop, "items").await, "11");
    })
    .await;
}

/// Sends the same request sixteen times at once: all are answered alike.
async fn crowd(shop: &Arc<Service>, request: impl Fn() -> Request) -> Answer {
    let one = |request: Request| {
        let shop = shop.clone();
        tokio::spawn(async move { shop.quietly(request).await })
    };
    let running: Vec<_> = (0..16).map(|_| one(request())).collect();
    let mut answers = Vec::new();
    for task in running {
        answers.push(task.await.unwrap());
    }
    for answer in &answers {
        assert_eq!(seen(answer), seen(&answers[0]), "{}", String::from_utf8_lossy(&answer.body));
    }
    answers.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_at_once_have_one_effect_and_one_answer() {
    for dialect in ALL {
        let shop = Arc::new(Service::start(dialect, SHOP).await);
        receipts::create(&shop.database.pool).await.unwrap();
        crowd(&shop, || keyed("a", Method::POST, "/api/items", item("1", "2", 1))).await.expect(201);
        crowd(&shop, || keyed("b", Method::POST, "/api/items?include=order", item("1", "2", 1)))
            .await
            .expect(201);
        crowd(&shop, || with_header(request(Method::DELETE, "/api/items/2"), "idempotency-key", "c"))
            .await
            .expect(204);
        let operations = || operations_request(vec![add(order("1").lid("o"))]);
        crowd(&shop, || with_header(operations(), "idempotency-key", "d")).await.expect(200);
        assert_eq!((count(&shop, "items").await, count(&shop, "orders").await), ("10".into(), "8".into()));
        shop.assert_consistent().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_at_once_that_are_refused_are_all_told_why() {
    for dialect in ALL {
        let shop = Arc::new(Service::start(dialect, SHOP).await);
        receipts::create(&shop.database.pool).await.unwrap();
        let dear = || keyed("k", Method::POST, "/api/items", item("7", "4", 1));
        let running: Vec<_> = (0..16)
            .map(|_| {
                let (shop, sent) = (shop.clone(), dear());
                tokio::spawn(async move { shop.quietly(sent).await })
            })
            .collect();
        for task in running {
            task.await.unwrap().refused(422, "constraint-violated");
        }
        assert_eq!(count(&shop, "items").await, "9", "{dialect}");
    }
}
