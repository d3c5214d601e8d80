//! The Cursor Pagination profile.

use http::Method;
use proxy::jsonapi::media::{CURSOR_PAGINATION, JSON_API};
use serde_json::{Value as Json, json};
use tests::client::{request, with_header};
use tests::shelves::SHELVES;
use tests::{Answer, Service, on_every_database};

async fn get(service: &Service, target: &str) -> Answer {
    let accept = format!("{JSON_API};profile=\"{CURSOR_PAGINATION}\"");
    service.quietly(with_header(request(Method::GET, target), "accept", &accept)).await
}

fn ids(document: &Json) -> Vec<&str> {
    document["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn cursor(document: &Json, n: usize) -> &str {
    document["data"][n]["meta"]["page"]["cursor"].as_str().unwrap()
}

#[tokio::test]
async fn a_page_has_as_many_items_as_are_asked_for_and_begins_and_ends_where_it_says() {
    on_every_database(SHELVES, async |service| {
        let target = "/api/things?sort=label&fields[things]=";
        let whole = get(service, &format!("{target}&page[size]=1000")).await.expect(200);
        let all = ids(&whole);
        for size in [1, 7, 59, 60, 61] {
            let first = get(service, &format!("{target}&page[size]={size}")).await.expect(200);
            assert_eq!(ids(&first), all[..size.min(60)], "{size}");
            for n in [0, 30, 59] {
                let place = cursor(&whole, n);
                let after = get(service, &format!("{target}&page[size]={size}&page[after]={place}"))
                    .await
                    .expect(200);
                assert_eq!(ids(&after), all[n + 1..(n + 1 + size).min(60)], "{size} after {n}");
                let before = get(service, &format!("{target}&page[size]={size}&page[before]={place}"))
                    .await
                    .expect(200);
                assert_eq!(ids(&before), all[n.saturating_sub(size)..n], "{size} before {n}");
            }
        }
        assert_eq!(ids(&get(service, target).await.expect(200)), all[..20], "unless it is said");
    })
    .await;
}

#[tokio::test]
async fn both_ways_are_always_linked_and_null_at_the_ends() {
    on_every_database(SHELVES, async |service| {
        let target = "/api/things?sort=-weight&page[size]=25&fields[things]=";
        let mut link = Some(target.to_owned());
        let (mut pages, mut last) = (0, Json::Null);
        while let Some(target) = link {
            last = get(service, &target).await.expect(200);
            let links = &last["links"];
            assert!(links.get("prev").is_some() && links.get("next").is_some(), "{links}");
            assert_eq!(links["prev"].is_null(), pages == 0, "{links}");
            pages += 1;
            link = links["next"].as_str().map(str::to_owned);
        }
        assert_eq!((pages, last["data"].as_array().unwrap().len()), (3, 10));
        let before = get(service, last["links"]["prev"].as_str().unwrap()).await.expect(200);
        assert!(
            before["links"]["next"].is_string() && before["links"]["prev"].is_string(),
            "{}",
            before["links"]
        );
        let empty = get(service, "/api/things?filter[number]=4711").await.expect(200);
        assert_eq!(
            (&empty["data"], &empty["links"]["prev"], &empty["links"]["next"]),
            (&json!([]), &Json::Null, &Json::Null)
        );
        let end = get(service, &format!("{target}&page[after]={}", cursor(&last, 9))).await.expect(200);
        assert_eq!((&end["data"], &end["links"]["next"]), (&json!([]), &Json::Null));
    })
    .await;
}

#[tokio::test]
async fn a_page_size_is_a_whole_number_from_one_up() {
    on_every_database(SHELVES, async |service| {
        for size in ["0", "-1", "+1", "1.0", "1e1", "ten", "", "%20", "0x1"] {
            let error =
                get(service, &format!("/api/things?page[size]={size}")).await.refused(400, "invalid-page");
            assert_eq!(error["source"], json!({"parameter": "page[size]"}), "{size}");
        }
        assert_eq!(ids(&get(service, "/api/things?page[size]=007").await.expect(200)).len(), 7);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_falls_on_the_item_that_it_stands_in() {
    on_every_database(SHELVES, async |service| {
        let page = get(service, "/api/things?sort=price&page[size]=60&fields[things]=").await.expect(200);
        for n in [0, 17, 42] {
            let between = |from: usize, to: usize| {
                format!(
                    "/api/things?sort=price&fields[things]=&page[after]={}&page[before]={}",
                    cursor(&page, from),
                    cursor(&page, to)
                )
            };
            assert_eq!(ids(&get(service, &between(n, n + 2)).await.expect(200)), [ids(&page)[n + 1]]);
            assert_eq!(ids(&get(service, &between(n, n + 1)).await.expect(200)), [""; 0]);
        }
    })
    .await;
}
