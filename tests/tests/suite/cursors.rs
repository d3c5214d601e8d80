//! Pages between cursors, and the Cursor Pagination profile.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dialects::{Dialect, Value};
use http::Method;
use proxy::jsonapi::cursor::Cursor;
use proxy::jsonapi::media::CURSOR_PAGINATION;
use serde_json::{Value as Json, json};
use tests::client::{request, with_header};
use tests::database::ALL;
use tests::shelves::{SHELVES, THINGS};
use tests::shop::SHOP;
use tests::{Answer, Service, on_every_database};

/// Orders over every kind of column, with ties and nulls, in both directions and mixed.
const SORTS: &[&str] = &[
    "id",
    "-id",
    "number",
    "-number,shelf",
    "label",
    "-label",
    "price",
    "-price",
    "price,-label,id",
    "-price,label,-number",
    "weight",
    "-weight",
    "share",
    "-share,weight",
    "pieces",
    "-pieces,price",
    "ready",
    "-ready,mood",
    "mood",
    "-mood,ready",
    "made_on",
    "-made_on,seen_at",
    "seen_at",
    "-seen_at",
    "opens_at",
    "-opens_at,price",
    "place.name",
    "-place.name,-price",
    "place.rank,label",
    "-place,number",
];

async fn get(service: &Service, target: &str) -> Answer {
    service.quietly(request(Method::GET, target)).await
}

async fn with_profile(service: &Service, target: &str) -> Answer {
    let accept = format!("application/vnd.api+json;profile=\"{CURSOR_PAGINATION}\"");
    service.quietly(with_header(request(Method::GET, target), "accept", &accept)).await
}

fn ids(document: &Json) -> Vec<String> {
    let data = document["data"].as_array().unwrap();
    data.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
}

/// The ids of every page that the link of a name leads to, one page after the other.
async fn walk(service: &Service, start: &str, link: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), Some(start.to_owned()));
    while let Some(target) = next {
        let document = with_profile(service, &target).await.expect(200);
        pages.push(ids(&document));
        next = document["links"][link].as_str().map(str::to_owned);
        assert!(pages.len() < 100, "{start} never ends");
    }
    pages
}

#[tokio::test]
async fn cursors_lead_through_every_order_both_ways() {
    for dialect in ALL {
        let service = Service::start(dialect, SHELVES).await;
        for sort in SORTS {
            let all =
                ids(&get(&service, &format!("/api/things?sort={sort}&page[size]=1000")).await.expect(200));
            assert_eq!(all.len(), THINGS);
            let start = format!("/api/things?sort={sort}&page[size]=7&fields[things]=");
            let forward = walk(&service, &start, "next").await;
            assert_eq!(forward.concat(), all, "{dialect:?} {sort}");
            assert!(forward.iter().rev().skip(1).all(|page| page.len() == 7), "{dialect:?} {sort}");
            let first = with_profile(&service, &start).await.expect(200);
            let mut backward = walk(&service, first["links"]["last"].as_str().unwrap(), "prev").await;
            backward.reverse();
            assert_eq!(backward.concat(), all, "{dialect:?} {sort}, backwards");
        }
    }
}

/// Also from a row that is between two with equal values, and from one whose values are null.
#[tokio::test]
async fn every_row_is_a_place_to_go_on_from() {
    for dialect in ALL {
        let service = Service::start(dialect, SHELVES).await;
        for sort in ["id", "-price,label", "share", "-seen_at,mood"] {
            let target = format!("/api/things?sort={sort}&page[size]=1000&fields[things]=price");
            let document = with_profile(&service, &target).await.expect(200);
            let all = ids(&document);
            for (n, item) in document["data"].as_array().unwrap().iter().enumerate() {
                let cursor = item["meta"]["page"]["cursor"].as_str().unwrap();
                let after = get(&service, &format!("{target}&page[after]={cursor}")).await.expect(200);
                assert_eq!(ids(&after), all[n + 1..], "{dialect:?} {sort} after {n}");
                let before = get(&service, &format!("{target}&page[before]={cursor}")).await.expect(200);
                assert_eq!(ids(&before), all[..n], "{dialect:?} {sort} before {n}");
            }
        }
    }
}

#[tokio::test]
async fn related_resources_and_linkage_have_cursors_too() {
    for dialect in ALL {
        let service = Service::start(dialect, SHOP).await;
        for (target, sort) in [
            ("/api/customers/1/orders", "-order_date"),
            ("/api/orders/1/relationships/items", "product.name"),
            ("/api/products/1/tags", "label"),
        ] {
            let all = ids(&get(&service, &format!("{target}?sort={sort}")).await.expect(200));
            assert!(!all.is_empty(), "{target}");
            let pages = walk(&service, &format!("{target}?sort={sort}&page[size]=1"), "next").await;
            assert_eq!(pages.concat(), all, "{dialect:?} {target}");
        }
    }
}

#[tokio::test]
async fn a_cursor_stays_a_place_when_its_row_is_gone_or_filtered_out() {
    for dialect in ALL {
        let service = Service::start(dialect, SHELVES).await;
        let page = with_profile(&service, "/api/things?page[size]=3").await.expect(200);
        let next = page["links"]["next"].as_str().unwrap();
        let expected = ids(&get(&service, next).await.expect(200));
        let last = ids(&page).pop().unwrap();
        assert_eq!(
            service.quietly(request(Method::DELETE, &format!("/api/things/{last}"))).await.status,
            204
        );
        assert_eq!(ids(&get(&service, next).await.expect(200)), expected, "{dialect:?}");
        let filtered = ids(&get(&service, &format!("{next}&filter[shelf]=S3")).await.expect(200));
        assert!(filtered.len() == 3 && filtered.iter().all(|id| id.starts_with("S3~")), "{filtered:?}");
    }
}

#[tokio::test]
async fn the_profile_is_named_where_it_is_applied_and_only_there() {
    let service = Service::start(Dialect::Sqlite, SHOP).await;
    let media = |answer: &Answer| answer.headers["content-type"].to_str().unwrap().to_owned();
    let page = with_profile(&service, "/api/items?page[size]=2").await;
    let document = page.expect(200);
    assert_eq!(media(&page), format!("application/vnd.api+json;profile=\"{CURSOR_PAGINATION}\""));
    assert_eq!(document["jsonapi"], json!({"version": "1.1", "profile": [CURSOR_PAGINATION]}));
    let next = document["links"]["next"].as_str().unwrap();
    let unasked = get(&service, next).await;
    assert_eq!(media(&unasked), media(&page));
    assert!(unasked.json()["data"][0]["meta"]["page"]["cursor"].is_string());
    for plain in
        ["/api/items/1", "/api/items?page[number]=2", "/api/items?page[offset]=2", "/api/orders/1/customer"]
    {
        let answer = with_profile(&service, plain).await;
        let document = answer.expect(200);
        assert_eq!(media(&answer), "application/vnd.api+json", "{plain}");
        assert_eq!(document["jsonapi"], json!({"version": "1.1"}), "{plain}");
        assert!(!document.to_string().contains("cursor"), "{plain}");
    }
}

#[tokio::test]
async fn a_range_is_all_that_lies_between_two_cursors_or_says_that_it_is_cut() {
    for dialect in ALL {
        let service = Service::start(dialect, SHELVES).await;
        let target = "/api/things?sort=-price&fields[things]=";
        let whole = with_profile(&service, &format!("{target}&page[size]=1000")).await.expect(200);
        let all = ids(&whole);
        let cursor = |n: usize| whole["data"][n]["meta"]["page"]["cursor"].as_str().unwrap();
        let range =
            |size: &str| format!("{target}{size}&page[after]={}&page[before]={}", cursor(2), cursor(40));
        let found = get(&service, &range("")).await.expect(200);
        assert_eq!(ids(&found), all[3..40], "{dialect:?}");
        assert_eq!(found.get("meta"), None);
        let cut = get(&service, &range("&page[size]=5")).await.expect(200);
        assert_eq!(ids(&cut), all[3..8], "{dialect:?}");
        assert_eq!(cut["meta"], json!({"page": {"rangeTruncated": true}}));
        let next = get(&service, cut["links"]["next"].as_str().unwrap()).await.expect(200);
        assert_eq!(ids(&next), all[8..13], "{dialect:?}");
        let empty = format!("{target}&page[after]={}&page[before]={}", cursor(9), cursor(3));
        assert_eq!(ids(&get(&service, &empty).await.expect(200)), [""; 0], "{dialect:?}");
    }
}

#[tokio::test]
async fn a_cursor_that_is_foreign_or_changed_is_refused_with_its_place() {
    on_every_database(SHELVES, async |service| {
        let page = with_profile(service, "/api/things?sort=price").await.expect(200);
        let cursor = page["data"][5]["meta"]["page"]["cursor"].as_str().unwrap();
        let changed = format!("{}{cursor}", if cursor.starts_with('A') { "B" } else { "A" });
        for (target, parameter) in [
            (format!("/api/things?page[after]={cursor}"), "page[after]"),
            (format!("/api/things?sort=-price&page[before]={cursor}"), "page[before]"),
            (format!("/api/things?sort=price,label&page[after]={cursor}"), "page[after]"),
            (format!("/api/places?page[after]={cursor}"), "page[after]"),
            (format!("/api/things?sort=price&page[after]={changed}"), "page[after]"),
            (format!("/api/things?sort=price&page[before]={}", &cursor[1..]), "page[before]"),
            (format!("/api/things?sort=price&page[after]={cursor}&page[number]=1"), "page[after]"),
        ] {
            let error = get(service, &target).await.refused(400, "invalid-page");
            assert_eq!(error["source"], json!({"parameter": parameter}), "{target}");
        }
    })
    .await;
}

/// The checksum keeps out accidents, not forgers: whatever a cursor holds, it is a place, or refused.
#[tokio::test]
async fn a_cursor_that_is_forged_with_its_checksum_is_a_place_or_refused() {
    let day = chrono::NaiveDate::MAX;
    let values = [
        Value::Null,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Decimal("9e99".parse().unwrap()),
        Value::Float(f64::NAN),
        Value::Float(f64::NEG_INFINITY),
        Value::text("'; drop table things; --"),
        Value::text("a\0b"),
        Value::Bytes(vec![0, 255]),
        Value::Date(day),
        Value::Timestamp(day.and_hms_opt(23, 59, 59).unwrap()),
    ];
    for dialect in ALL {
        let service = Service::start(dialect, SHELVES).await;
        for (sort, terms) in
            [("id", 2), ("label", 3), ("-seen_at,mood", 4), ("price,made_on", 4), ("ready,opens_at", 4)]
        {
            let target = format!("/api/things?sort={sort}&page[size]=1&fields[things]=");
            let page = with_profile(&service, &target).await.expect(200);
            let real = page["data"][0]["meta"]["page"]["cursor"].as_str().unwrap();
            let bytes = URL_SAFE_NO_PAD.decode(real).unwrap();
            let order = u64::from_be_bytes(bytes[1..9].try_into().unwrap());
            for value in &values {
                let forged = Cursor::Row(vec![value.clone(); terms]).text(order).unwrap();
                let answer = get(&service, &format!("{target}&page[after]={forged}")).await;
                let code = answer.json()["errors"][0]["code"].clone();
                assert!(
                    answer.status == 200 || code == "invalid-page",
                    "{dialect:?} {sort} {value:?}: {code}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_page_over_the_maximum_is_the_profiles_error() {
    on_every_database(SHELVES, async |service| {
        let error = with_profile(service, "/api/things?page[size]=1001").await.refused(400, "invalid-page");
        assert_eq!(error["links"]["type"], format!("{CURSOR_PAGINATION}/max-size-exceeded"));
        assert_eq!(error["meta"]["page"], json!({"maxSize": 1000}));
        assert_eq!(error["source"], json!({"parameter": "page[size]"}));
    })
    .await;
}

#[tokio::test]
async fn a_value_too_long_for_a_cursor_is_an_order_that_cannot_be_paged() {
    on_every_database(SHOP, async |service| {
        let long = "x".repeat(3000);
        service.database.execute(&format!("update orders set notes = '{long}' where id = 1")).await;
        let error =
            with_profile(service, "/api/orders?sort=notes&filter[id]=1").await.refused(400, "invalid-sort");
        assert_eq!(error["links"]["type"], format!("{CURSOR_PAGINATION}/unsupported-sort"));
        assert_eq!(error["source"], json!({"parameter": "sort"}));
        assert_eq!(get(service, "/api/orders?sort=notes&filter[id]=1").await.status, 200);
    })
    .await;
}

/// SQLite keeps what it is given, whatever the column: sorted by, it is found again.
#[tokio::test]
async fn cells_that_contradict_their_columns_are_places_too() {
    let service = Service::start(Dialect::Sqlite, SHELVES).await;
    service
        .database
        .execute(
            "update things set pieces = 'many' where number = 3; update things set pieces = 1.5 where number = 4;
             update things set pieces = x'00ff' where number = 5; update things set seen_at = 1700000000 where number = 2;
             update things set seen_at = '2024-02-29T08:15:00Z' where number = 7; update things set ready = 5 where number = 8;
             update things set price = '0.1' || number where shelf = 'S1'; update things set made_on = '2024-02-29 00:00:00' where number = 1",
        )
        .await;
    for sort in ["pieces", "-pieces", "seen_at", "-seen_at", "ready", "-price", "made_on"] {
        let all = ids(&get(&service, &format!("/api/things?sort={sort}&page[size]=1000")).await.expect(200));
        let pages = walk(&service, &format!("/api/things?sort={sort}&page[size]=4"), "next").await;
        assert_eq!(pages.concat(), all, "{sort}");
    }
}
