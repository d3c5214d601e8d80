//! Generated read requests: each is answered alike on every database, whatever it asks, and never with a failure of the server.
//!
//! `RULEGATE_TEST_SEED=7` asks otherwise; `RULEGATE_SOAK=1` asks twenty times as much.

use std::cell::RefCell;
use std::collections::HashMap;

use http::Method;
use proxy::jsonapi::media::CURSOR_PAGINATION;
use serde_json::{Value as Json, json};
use tests::asking::Asker;
use tests::client::{request, with_header};
use tests::difference::difference;
use tests::service::Fixture;
use tests::shelves::SHELVES;
use tests::shop::SHOP;
use tests::{Service, depot, on_every_database};

/// How many requests each schema gets: a thousand in all.
const SHARES: [(Fixture, usize); 3] =
    [(SHOP, 500), (UNPADDED, 250), (Fixture { sql: depot::sql, rules: &[] }, 250)];

/// The shelves without a label of a space alone: `utf8mb4_bin` takes it for the empty one.
const UNPADDED: Fixture = Fixture { sql: |dialect| (SHELVES.sql)(dialect).replace("' '", "'~'"), rules: &[] };

#[tokio::test]
async fn a_thousand_generated_reads_are_answered_alike() {
    let seed = std::env::var("RULEGATE_TEST_SEED").map_or(2026, |seed| seed.parse().unwrap());
    let times = if std::env::var("RULEGATE_SOAK").is_ok() { 20 } else { 1 };
    let by_status = RefCell::new(HashMap::<u16, usize>::new());
    for (fixture, count) in SHARES {
        let targets = RefCell::new(Vec::new());
        let paged = RefCell::new(None);
        on_every_database(fixture, async |service| {
            if targets.borrow().is_empty() {
                targets.replace(generate(service, seed, count * times).await);
            }
            let targets = targets.borrow().clone();
            let mut pages = Vec::new();
            for (n, target) in targets.iter().enumerate() {
                let answer = service.get(target).await;
                assert!(answer.status < 500, "{target}: {:?}", answer.body);
                *by_status.borrow_mut().entry(answer.status).or_default() += 1;
                if n % 3 == 0 && answer.status == 200 {
                    pages.extend(next_by_cursor(service, target).await);
                }
            }
            match &mut *paged.borrow_mut() {
                Some(first) => assert_eq!(difference("", first, &pages.into()), None, "pages after a cursor"),
                none => *none = Some(pages.into()),
            }
        })
        .await;
    }
    let by_status = by_status.into_inner();
    println!("RULEGATE_TEST_SEED={seed}: {by_status:?}");
    let found = by_status.get(&200).copied().unwrap_or_default();
    assert!(found * 2 > by_status.values().sum(), "most requests should find something: {by_status:?}");
}

async fn generate(service: &Service, seed: u64, count: usize) -> Vec<String> {
    let schema = &service.snapshot().schema;
    let mut rows = HashMap::new();
    for name in Asker::types(schema) {
        let every = request(Method::GET, &format!("/api/{name}?page[size]=1000"));
        let all = service.quietly(every).await.expect(200);
        rows.insert(name.to_owned(), all["data"].as_array().unwrap().clone());
    }
    let mut asker = Asker::new(schema, rows, seed);
    (0..count).map(|_| asker.target()).collect()
}

/// What lies behind the first page, where there is more, asked for by cursor. Cursors themselves are a database's own.
async fn next_by_cursor(service: &Service, target: &str) -> Option<Json> {
    let accept = format!("application/vnd.api+json;profile=\"{CURSOR_PAGINATION}\"");
    let first = service.quietly(with_header(request(Method::GET, target), "accept", &accept)).await;
    let next = first.json()["links"]["next"].as_str()?.to_owned();
    let page = service.quietly(request(Method::GET, &next)).await.expect(200);
    Some(page["data"].as_array()?.iter().map(|row| json!([target, row["id"], row["attributes"]])).collect())
}
