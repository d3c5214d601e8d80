//! "Document Structure".

use std::collections::HashSet;

use http::Method;
use proxy::jsonapi::media::{CURSOR_PAGINATION, JSON_API};
use serde_json::{Value as Json, json};
use tests::client::{request, with_header};
use tests::document::linkage;
use tests::shop::SHOP;
use tests::{Document, Service, on_every_database};

/// All links of a document, but to what is no JSON:API.
fn links(document: &Json, found: &mut Vec<String>) {
    match document {
        Json::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("links", Json::Object(links)) => {
                        let links = links.iter().filter(|(name, _)| *name != "describedby");
                        found.extend(links.filter_map(|(_, link)| link.as_str().map(str::to_owned)));
                    }
                    ("attributes", _) => {}
                    _ => links(value, found),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| links(item, found)),
        _ => {}
    }
}

/// What a link of this form must lead to.
fn leads_where_it_says(link: &str, document: &Json) {
    let path = link.split('?').next().unwrap();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let data = &document["data"];
    match segments.as_slice() {
        ["api", _, _, "relationships", _] => {
            let identifiers = data.as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
            let fields = identifiers.iter().filter_map(Json::as_object).flat_map(|item| item.keys());
            assert!(fields.into_iter().all(|name| ["type", "id"].contains(&name.as_str())), "{link}: {data}");
        }
        ["api", ty] => assert!(data.is_array(), "{link}: {ty}"),
        ["api", ty, _] => assert_eq!((&data["type"], &data["links"]["self"]), (&json!(ty), &json!(path))),
        ["api", ..] => assert!(data.is_null() || data.is_object() || data.is_array(), "{link}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_link_leads_to_what_it_says() {
    on_every_database(SHOP, async |shop| {
        let index = shop.get("/api/").await.expect(200);
        let types = index["meta"]["resources"].as_object().unwrap();
        let mut open: Vec<String> =
            types.values().map(|url| format!("{}?page[size]=2", url.as_str().unwrap())).collect();
        let mut seen: HashSet<String> = open.iter().cloned().collect();
        while let Some(link) = open.pop() {
            let document = shop.quietly(request(Method::GET, &link)).await.expect(200);
            leads_where_it_says(&link, &document);
            let mut found = Vec::new();
            links(&document, &mut found);
            open.extend(found.into_iter().filter(|link| seen.insert(link.clone())));
        }
        assert!(seen.len() > 200, "{}", seen.len());
    })
    .await;
}

#[tokio::test]
async fn links_of_a_relationship_stay_whatever_it_leads_to() {
    on_every_database(SHOP, async |shop| {
        let of = async |name: &str| {
            shop.get("/api/orders/1").await.expect(200)["data"]["relationships"][name]["links"].clone()
        };
        let (rep, items) = (of("sales_rep").await, of("items").await);
        let rep_at = "/api/orders/1/relationships/sales_rep";
        assert_eq!(rep, json!({"self": rep_at, "related": "/api/orders/1/sales_rep"}));
        shop.relate(Method::PATCH, rep_at, Json::Null).await.expect(204);
        shop.delete("/api/items/1").await.expect(204);
        shop.delete("/api/items/2").await.expect(204);
        assert_eq!((of("sales_rep").await, of("items").await), (rep, items));
        let related =
            async |name: &str| shop.get(&format!("/api/orders/1/{name}")).await.expect(200)["data"].clone();
        assert_eq!((related("sales_rep").await, related("items").await), (Json::Null, json!([])));
    })
    .await;
}

#[tokio::test]
async fn linkage_has_one_form_for_each_kind_of_relationship() {
    on_every_database(SHOP, async |shop| {
        let shown = shop.get("/api/orders?filter[id]=1,7&include=sales_rep,items&sort=id").await.expect(200);
        let data = |n: usize, name: &str| shown["data"][n]["relationships"][name]["data"].clone();
        assert_eq!(data(0, "sales_rep"), json!({"type": "employees", "id": "2"}));
        assert_eq!(data(0, "items"), linkage("items", &["1", "2"]));
        assert_eq!((data(1, "sales_rep"), data(1, "items")), (Json::Null, json!([])));
        for (n, order) in ["1", "7"].iter().enumerate() {
            for name in ["sales_rep", "items"] {
                let path = format!("/api/orders/{order}/relationships/{name}");
                assert_eq!(shop.get(&path).await.expect(200)["data"], data(n, name), "{path}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn foreign_keys_are_relationships_and_no_attributes() {
    on_every_database(SHOP, async |shop| {
        for (path, keys) in [
            ("/api/orders/1", &["customer_id", "sales_rep_id"][..]),
            ("/api/items/1", &["order_id", "product_id"]),
            ("/api/stock/A1~1", &["product_id"]),
            ("/api/employees/1", &["manager_id"]),
        ] {
            let data = shop.get(path).await.expect(200)["data"].clone();
            for key in keys {
                assert_eq!(data["attributes"].get(key), None, "{path}");
                let name = key.trim_end_matches("_id");
                assert!(data["relationships"].get(name).is_some(), "{path}: {name}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn members_that_the_specification_does_not_know_are_ignored() {
    on_every_database(SHOP, async |shop| {
        let identifier = json!({"type": "customers", "id": "2", "more": 1, "attributes": {"name": "x"}, "meta": {"x": 1}});
        let sent = json!({
            "data": {
                "type": "orders", "more": {"a": []}, "links": {"self": "/elsewhere"}, "meta": {"more": 1},
                "attributes": {"order_date": "2026-05-01"},
                "relationships": {"customer": {"data": identifier, "more": 1, "links": {"self": "/x"}}},
            },
            "included": [{"type": "customers", "id": "2"}], "links": {}, "meta": {"more": 1}, "more": 1, "jsonapi": {"more": 1},
        });
        let made = shop.post("/api/orders", sent).await.expect(201);
        assert_eq!(made["data"]["relationships"]["customer"]["data"], json!({"type": "customers", "id": "2"}));
        let operation = json!({"op": "remove", "ref": {"type": "items", "id": "9", "more": 1}, "more": 1});
        shop.operations(vec![operation]).await.expect(204);
        let sent = json!([{"type": "tags", "id": "tea", "more": 1}]);
        shop.relate(Method::POST, "/api/products/2/relationships/tags", sent).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn at_members_are_ignored_wherever_they_stand() {
    on_every_database(SHOP, async |shop| {
        let attributes = json!({"@type": "Order", "notes": "x", "@": [1]});
        let relationships = json!({"@context": 1, "customer": {"@id": "x", "data": {"type": "customers", "id": "2", "@x": {}}}});
        let data = json!({"@id": "x", "type": "orders", "id": "1", "attributes": attributes, "relationships": relationships, "meta": {"@x": 1}});
        let sent = json!({"@context": {"a": "b"}, "data": data});
        let shown = shop.patch("/api/orders/1", sent).await.expect(200);
        assert_eq!(shown["data"]["attributes"]["notes"], "x");
        assert_eq!(shown["data"]["relationships"]["customer"]["data"]["id"], "2");
        let sent = json!({"op": "update", "@x": 1, "data": {"type": "orders", "id": "1", "attributes": {"@x": 1, "notes": "y"}}});
        let results = shop.operations(vec![sent]).await.expect(200);
        assert_eq!(results["atomic:results"][0]["data"]["attributes"]["notes"], "y");
    })
    .await;
}

#[tokio::test]
async fn member_names_are_told_apart_by_their_case() {
    on_every_database(SHOP, async |shop| {
        let document = |name: &str| Document::of("orders").id("1").attribute(name, "x");
        shop.patch("/api/orders/1", document("Notes")).await.refused(422, "unknown-attribute");
        let related = Document::of("orders").id("1").to_one("Customer", "customers", "2");
        shop.patch("/api/orders/1", related).await.refused(422, "unknown-relationship");
        shop.get("/api/Orders").await.refused(404, "not-found");
        shop.get("/api/orders?fields[orders]=Notes").await.refused(400, "invalid-fields");
        shop.get("/api/orders?include=Customer").await.refused(400, "invalid-include");
        let sent = json!({"Data": {"type": "tags", "id": "x"}});
        shop.post("/api/tags", sent).await.refused(400, "malformed-document");
        let sent = json!({"data": {"type": "Tags", "id": "x"}});
        shop.post("/api/tags", sent).await.refused(409, "type-conflict");
    })
    .await;
}

async fn followed(shop: &Service, link: &Json) -> Json {
    let (href, media_type) = (link["href"].as_str().unwrap(), link["type"].as_str().unwrap());
    shop.send(with_header(request(Method::GET, href), "accept", media_type)).await.expect(200)
}

#[tokio::test]
async fn the_link_to_a_document_with_a_profile_names_its_media_type() {
    on_every_database(SHOP, async |shop| {
        let media_type = format!("{JSON_API};profile=\"{CURSOR_PAGINATION}\"");
        for target in [
            "/api/orders?page[size]=2&sort=-id",
            "/api/customers/1/orders",
            "/api/orders/1/relationships/items",
        ] {
            let document = shop.get_with(target, "accept", &media_type).await.expect(200);
            let own = document["links"]["self"].clone();
            assert_eq!(own["type"], media_type);
            assert_eq!(followed(shop, &own).await, document);
            let plain = shop.get(target).await.expect(200)["links"]["self"].clone();
            assert_eq!(plain, own["href"]);
        }
    })
    .await;
}
