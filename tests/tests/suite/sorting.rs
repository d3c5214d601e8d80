//! Sorting: one order on every database, nulls last when ascending and first when descending, and the key as the last resort.

use serde_json::Value as Json;
use tests::on_every_database;
use tests::shop::VIRTUAL;

const SORTED: &[(&str, &str)] = &[
    // the row's own
    ("orders?sort=date_shipped", "2 6 1 3 4 5 7"),
    ("orders?sort=-date_shipped", "1 3 4 5 7 6 2"),
    ("orders?sort=date_shipped,-id", "2 6 7 5 4 3 1"),
    ("orders?sort=-id", "7 6 5 4 3 2 1"),
    ("customers?sort=region,-name", "2 1 3 5 4 6"),
    ("customers?sort=vip,-points,id", "5 2 6 3 1 4"),
    ("stock?sort=counted_at", "A1~1 B.7E2.20.C3.A9~4 A1~2"),
    ("stock?sort=-id", "B.7E2.20.C3.A9~4 A1~2 A1~1"),
    // through relationships: what is not there is null
    ("orders?sort=sales_rep.name", "1 6 2 4 3 5 7"),
    ("orders?sort=-sales_rep.name", "3 5 7 2 4 1 6"),
    ("orders?sort=sales_rep.manager.name,-id", "4 2 6 1 7 5 3"),
    ("orders?sort=-sales_rep.manager.name,id", "3 5 7 1 6 2 4"),
    ("orders?sort=customer.region,customer.name,-order_date", "1 2 3 5 4 7 6"),
    ("orders?sort=sales_rep", "1 6 2 4 3 5 7"),
    ("orders?sort=-sales_rep_id,customer.id", "3 5 7 2 4 1 6"),
    ("items?sort=-order.customer.region,id", "9 5 6 7 8 1 2 3 4"),
    ("employees?sort=-manager.manager.name,-id", "3 2 1 4"),
    // virtual attributes
    ("orders?sort=days_open", "6 2 1 3 4 5 7"),
    ("orders?sort=-days_open", "1 3 4 5 7 2 6"),
    ("customers?sort=place", "1 2 3 5 4 6"),
    ("orders?sort=-customer.place,id", "6 7 4 5 3 1 2"),
    ("customers?sort=headroom", "6 5 4 2 1 3"),
];

#[tokio::test]
async fn rows_are_sorted_alike_on_every_database() {
    on_every_database(VIRTUAL, async |shop| {
        for (target, expect) in SORTED {
            let answer = shop.get(&format!("/api/{target}")).await.expect(200);
            assert_eq!(ids(&answer), *expect, "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_has_no_order_is_refused_with_its_parameter() {
    on_every_database(VIRTUAL, async |shop| {
        for (target, part) in [
            ("orders?sort=items.quantity", "leads to many"),
            ("orders?sort=-items", "leads to many"),
            ("orders?sort=customer.orders.id", "leads to many"),
            ("orders?sort=sales_rp.name", "Did you mean \"sales_rep\"?"),
            ("orders?sort=customer.nam", "Did you mean \"name\"?"),
            ("products?sort=details", "no order to sort by"),
        ] {
            let error = shop.get(&format!("/api/{target}")).await.refused(400, "invalid-sort");
            assert!(error["detail"].as_str().unwrap().contains(part), "{target}: {error}");
            assert_eq!(error["source"]["parameter"], "sort");
        }
    })
    .await;
}

fn ids(document: &Json) -> String {
    let data = document["data"].as_array().unwrap();
    data.iter().map(|resource| resource["id"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}
