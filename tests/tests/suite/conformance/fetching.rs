//! "Fetching Data".

use serde_json::{Value as Json, json};
use tests::on_every_database;
use tests::shop::SHOP;

fn ids(document: &Json) -> Vec<&str> {
    document["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_collection_is_an_array_whatever_it_holds() {
    on_every_database(SHOP, async |shop| {
        for (target, expect) in [
            ("/api/orders?filter[id]=4711", &[][..]),
            ("/api/orders?filter[id]=3", &["3"]),
            ("/api/customers/6/orders", &[]),
            ("/api/customers/2/orders", &["3"]),
            ("/api/orders/7/relationships/items", &[]),
            ("/api/orders/3/relationships/items", &["4"]),
            ("/api/orders?filter[id]=1,2", &["1", "2"]),
        ] {
            assert_eq!(ids(&shop.get(target).await.expect(200)), expect, "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn one_resource_is_an_object_null_where_there_could_be_one_and_404_where_there_is_none() {
    on_every_database(SHOP, async |shop| {
        for (target, expect) in [
            ("/api/orders/1", json!(["orders", "1"])),
            ("/api/orders/1/sales_rep", json!(["employees", "2"])),
            ("/api/orders/1/relationships/sales_rep", json!(["employees", "2"])),
            ("/api/orders/3/sales_rep", Json::Null),
            ("/api/orders/3/relationships/sales_rep", Json::Null),
            ("/api/employees/1/manager", Json::Null),
        ] {
            let data = shop.get(target).await.expect(200)["data"].clone();
            let found = if data.is_null() { data } else { json!([data["type"], data["id"]]) };
            assert_eq!(found, expect, "{target}");
        }
        for target in [
            "/api/orders/4711",
            "/api/orders/4711/customer",
            "/api/orders/4711/items",
            "/api/orders/4711/relationships/customer",
            "/api/orders/4711/relationships/items",
            "/api/orders/1/relationships/nothing",
        ] {
            shop.get(target).await.refused(404, "not-found");
        }
    })
    .await;
}

#[tokio::test]
async fn an_include_is_answered_with_included_though_there_is_nothing() {
    on_every_database(SHOP, async |shop| {
        for target in [
            "/api/orders/7?include=items",
            "/api/orders?filter[id]=4711&include=customer",
            "/api/orders/3/sales_rep?include=manager",
            "/api/orders/7/relationships/items?include=items.product",
            "/api/orders/1?include=",
            "/api/orders?include=",
        ] {
            assert_eq!(shop.get(target).await.expect(200)["included"], json!([]), "{target}");
        }
        for target in ["/api/orders/1", "/api/orders?sort=id"] {
            assert_eq!(shop.get(target).await.expect(200).get("included"), None, "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_is_included_that_was_not_asked_for() {
    on_every_database(SHOP, async |shop| {
        for (target, expect) in [
            ("/api/orders/1?include=customer", json!(["customers/1"])),
            ("/api/orders/1?include=items", json!(["items/1", "items/2"])),
            (
                "/api/orders/1?include=items.product",
                json!(["items/1", "items/2", "products/1", "products/2"]),
            ),
            ("/api/orders/1/relationships/customer?include=customer", json!(["customers/1"])),
            ("/api/items/1?include=product.tags", json!(["products/1", "tags/on sale/now", "tags/tea"])),
        ] {
            let document = shop.get(target).await.expect(200);
            let included = document["included"].as_array().unwrap();
            let name =
                |item: &Json| format!("{}/{}", item["type"].as_str().unwrap(), item["id"].as_str().unwrap());
            let mut names: Vec<String> = included.iter().map(name).collect();
            names.sort();
            assert_eq!(json!(names), expect, "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn fields_that_are_empty_show_none() {
    on_every_database(SHOP, async |shop| {
        let shown = shop.get("/api/orders/1?fields[orders]=&include=customer").await.expect(200);
        let members: Vec<&String> = shown["data"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["type", "id", "links"]);
        assert!(shown["included"][0]["attributes"]["name"].is_string());
        let written = json!({"data": {"type": "orders", "id": "1", "attributes": {"notes": "x"}}});
        let shown = shop.patch("/api/orders/1?fields[orders]=notes", written).await.expect(200);
        assert_eq!(
            (&shown["data"]["attributes"], shown["data"].get("relationships")),
            (&json!({"notes": "x"}), None)
        );
    })
    .await;
}

#[tokio::test]
async fn sort_terms_count_in_their_order_and_descend_with_a_minus() {
    on_every_database(SHOP, async |shop| {
        for (sort, expect) in [
            ("id", ["1", "2", "3", "4", "5", "6", "7"]),
            ("-id", ["7", "6", "5", "4", "3", "2", "1"]),
            ("order_date", ["4", "1", "2", "3", "5", "6", "7"]),
            ("order_date,-id", ["4", "2", "1", "3", "5", "6", "7"]),
            ("-order_date,id", ["7", "6", "5", "3", "1", "2", "4"]),
            ("customer.name,-order_date", ["1", "2", "3", "7", "6", "5", "4"]),
        ] {
            let found = shop.get(&format!("/api/orders?sort={sort}")).await.expect(200);
            assert_eq!(ids(&found), expect, "{sort}");
        }
    })
    .await;
}

#[tokio::test]
async fn pages_are_linked_and_a_page_that_is_not_there_is_null() {
    on_every_database(SHOP, async |shop| {
        for target in [
            "/api/orders?sort=-id&page[size]=3",
            "/api/customers/1/orders?page[size]=1",
            "/api/orders/4/relationships/items?page[size]=2",
        ] {
            let all = shop.get(&target.replace("page[size]=", "page[size]=10")).await.expect(200);
            let (mut link, mut found, mut before) = (Some(target.to_owned()), Vec::new(), Json::Null);
            while let Some(target) = link {
                let page = shop.get(&target).await.expect(200);
                let links = page["links"].clone();
                assert_eq!(links["prev"].is_null(), before.is_null(), "{target}");
                assert!(links["first"].is_string(), "{target}");
                found.extend(ids(&page).into_iter().map(str::to_owned));
                before = links["self"].clone();
                link = links["next"].as_str().map(str::to_owned);
                assert_eq!(link.is_none(), links["last"].is_string(), "{target}");
            }
            assert_eq!(found, ids(&all), "{target}");
        }
    })
    .await;
}
