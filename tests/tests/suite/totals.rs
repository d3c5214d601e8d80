//! How many resources there are: free, counted, or as the database's planner expects.

use dialects::Dialect;
use serde_json::json;
use tests::Service;
use tests::database::ALL;
use tests::shelves::{SHELVES, THINGS};

/// A service whose database knows how many rows its tables have.
async fn analyzed(dialect: Dialect) -> Service {
    let service = Service::start(dialect, SHELVES).await;
    service
        .database
        .execute(if dialect == Dialect::Mysql { "analyze table things" } else { "analyze" })
        .await;
    service
}

#[tokio::test]
async fn an_estimate_is_near_and_says_that_it_is_one() {
    for dialect in ALL {
        let service = analyzed(dialect).await;
        let in_place = "/api/places/2/things";
        let exact =
            service.get(&format!("{in_place}?page[total]=true")).await.expect(200)["meta"]["total"].as_u64();
        for (target, rows) in [
            ("/api/things?", THINGS as u64),
            ("/api/things?filter[number][lt]=1000&", THINGS as u64),
            (&format!("{in_place}?"), exact.unwrap()),
        ] {
            let document =
                service.get(&format!("{target}page[size]=2&page[total]=estimate")).await.expect(200);
            let (meta, links) = (&document["meta"], &document["links"]);
            let total = meta["total"].as_u64().unwrap();
            assert!((rows / 2..=rows * 2).contains(&total), "{dialect:?} {target} {total}");
            assert_eq!(meta["count"], meta["total"]);
            match dialect {
                Dialect::Sqlite => assert_eq!((total, &meta["page"]["total"]), (rows, &meta["total"])),
                _ => {
                    let page = json!({"number": 1, "size": 2, "estimatedTotal": {"bestGuess": total}});
                    assert_eq!(
                        (&meta["page"], &links["last"]),
                        (&page, &json!(null)),
                        "{dialect:?} {target}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn where_the_last_page_is_in_hand_the_total_is_exact_though_an_estimate_was_asked_for() {
    for dialect in ALL {
        let service = analyzed(dialect).await;
        let target = "/api/things?page[size]=50&page[number]=2&page[total]=estimate";
        let document = service.get(target).await.expect(200);
        let page = json!({"number": 2, "size": 50, "total": THINGS, "pages": 2});
        assert_eq!(document["meta"], json!({"total": THINGS, "count": THINGS, "page": page}), "{dialect:?}");
    }
}

#[tokio::test]
async fn an_estimate_of_what_cannot_be_found_is_no_error() {
    for dialect in ALL {
        let service = analyzed(dialect).await;
        let none = service.get("/api/things?filter[number]=-1&page[total]=estimate").await.expect(200);
        assert_eq!(none["meta"]["total"], 0, "{dialect:?}");
        service.get("/api/places/99/things?page[total]=estimate").await.refused(404, "not-found");
    }
}
