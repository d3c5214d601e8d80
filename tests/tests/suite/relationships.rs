//! Writes to relationships: at their own URLs, in documents and as operations; to one, to many, and through a join table.

use std::sync::Arc;

use http::Method;
use serde_json::{Value as Json, json};
use tests::client::{request, with_body, with_header};
use tests::database::ALL;
use tests::document::{add, linkage};
use tests::shop::{SHOP, order};
use tests::{Document, Service, on_every_database};

const REP: &str = "/api/orders/1/relationships/sales_rep";
const REPORTS: &str = "/api/employees/1/relationships/employees_by_manager_id";
const ITEMS: &str = "/api/orders/1/relationships/items";
const TAGS: &str = "/api/products/1/relationships/tags";

/// The ids that a relationship leads to.
async fn ids(shop: &Service, path: &str) -> Vec<String> {
    let data = shop.get(path).await.expect(200)["data"].clone();
    let id = |one: &Json| one["id"].as_str().unwrap().to_owned();
    match &data {
        Json::Array(many) => many.iter().map(id).collect(),
        Json::Null => Vec::new(),
        one => vec![id(one)],
    }
}

#[tokio::test]
async fn a_to_one_relationship_is_replaced_and_cleared() {
    on_every_database(SHOP, async |shop| {
        let to = |id: &str| json!({"type": "employees", "id": id});
        shop.relate(Method::PATCH, REP, to("3")).await.expect(204);
        assert_eq!(ids(shop, REP).await, ["3"]);
        shop.relate(Method::PATCH, REP, to("3")).await.expect(204);
        shop.relate(Method::PATCH, REP, Json::Null).await.expect(204);
        assert_eq!(ids(shop, REP).await, [""; 0]);
        let gone = shop.relate(Method::PATCH, REP, to("99")).await.refused(404, "related-not-found");
        assert_eq!(gone["source"]["pointer"], "/data");
        let other = json!({"type": "customers", "id": "1"});
        shop.relate(Method::PATCH, REP, other).await.refused(409, "type-conflict");
        shop.relate(Method::PATCH, REP, json!([])).await.refused(400, "malformed-document");
        shop.relate(Method::POST, REP, to("3")).await.refused(405, "method-not-allowed");
        let at = "/api/orders/99/relationships/sales_rep";
        shop.relate(Method::PATCH, at, to("3")).await.refused(404, "not-found");
        let required = "/api/orders/1/relationships/customer";
        let refused = shop.relate(Method::PATCH, required, Json::Null).await.refused(422, "required");
        assert_eq!(refused["source"]["pointer"], "/data");
    })
    .await;
}

#[tokio::test]
async fn moving_a_child_by_its_relationship_fires_the_rules() {
    on_every_database(SHOP, async |shop| {
        let moved = json!({"type": "orders", "id": "5"});
        shop.relate(Method::PATCH, "/api/items/1/relationships/order", moved).await.expect(204);
        assert_eq!((shop.balance(1).await, shop.balance(3).await), ("21.00".into(), "843.95".into()));
        shop.relate(Method::POST, ITEMS, linkage("items", &["1", "8"])).await.expect(204);
        assert_eq!((shop.balance(1).await, shop.balance(3).await), ("230.00".into(), "634.95".into()));
        shop.assert_consistent().await;
        let dear = shop.relate(Method::POST, "/api/orders/7/relationships/items", linkage("items", &["7"]));
        let refused = dear.await.refused(422, "constraint-violated");
        assert_eq!(refused["source"]["pointer"], "/data");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn members_come_leave_and_are_replaced() {
    on_every_database(SHOP, async |shop| {
        assert_eq!(ids(shop, REPORTS).await, ["2", "3"]);
        shop.relate(Method::POST, REPORTS, linkage("employees", &["4", "2"])).await.expect(204);
        assert_eq!(ids(shop, REPORTS).await, ["2", "3", "4"]);
        shop.relate(Method::DELETE, REPORTS, linkage("employees", &["3", "1", "99", "x"])).await.expect(204);
        assert_eq!(ids(shop, REPORTS).await, ["2", "4"]);
        shop.relate(Method::PATCH, REPORTS, linkage("employees", &["3", "4"])).await.expect(204);
        assert_eq!(ids(shop, REPORTS).await, ["3", "4"]);
        shop.relate(Method::PATCH, REPORTS, json!([])).await.expect(204);
        assert_eq!(ids(shop, REPORTS).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_related_so_is_refused_with_its_place() {
    on_every_database(SHOP, async |shop| {
        for (method, path, data, status, code, place) in [
            (Method::DELETE, ITEMS, linkage("items", &["1"]), 403, "relationship-required", "/data/0"),
            (Method::PATCH, ITEMS, linkage("items", &["1"]), 403, "relationship-required", "/data"),
            (Method::POST, ITEMS, linkage("items", &["1", "99"]), 404, "related-not-found", "/data/1"),
            (Method::POST, ITEMS, linkage("items", &["01"]), 404, "related-not-found", "/data/0/id"),
            (Method::POST, ITEMS, linkage("orders", &["1"]), 409, "type-conflict", "/data/0/type"),
            (Method::POST, ITEMS, json!(null), 400, "malformed-document", "/data"),
            (Method::POST, ITEMS, json!([{"id": "1"}]), 400, "malformed-document", "/data/0"),
            (
                Method::POST,
                "/api/products/3/relationships/stock",
                linkage("stock", &["A1~1"]),
                403,
                "read-only",
                "/data/0",
            ),
            (Method::PATCH, TAGS, linkage("tags", &["tea", "none"]), 404, "related-not-found", "/data/1"),
        ] {
            let refused = shop.relate(method, path, data).await.refused(status, code);
            assert_eq!(refused["source"]["pointer"], place, "{refused}");
        }
        for path in ["/api/orders/1/relationships/itms", "/api/orders/99/relationships/items"] {
            shop.relate(Method::POST, path, linkage("items", &["1"])).await.refused(404, "not-found");
        }
        let asked = format!("{ITEMS}?include=product");
        shop.relate(Method::POST, &asked, json!([])).await.refused(400, "unknown-parameter");
        shop.relate(Method::PATCH, ITEMS, linkage("items", &["2", "1"])).await.expect(204);
        shop.relate(Method::PATCH, "/api/products/2/relationships/stock", linkage("stock", &["A1~2"]))
            .await
            .expect(204);
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_join_table_is_written_from_both_sides() {
    on_every_database(SHOP, async |shop| {
        assert_eq!(ids(shop, TAGS).await, ["on sale/now", "tea"]);
        shop.relate(Method::POST, TAGS, linkage("tags", &["iron", "tea"])).await.expect(204);
        assert_eq!(ids(shop, TAGS).await, ["iron", "on sale/now", "tea"]);
        shop.relate(Method::DELETE, TAGS, linkage("tags", &["tea", "~ü"])).await.expect(204);
        shop.relate(Method::PATCH, TAGS, linkage("tags", &["~ü", "iron"])).await.expect(204);
        assert_eq!(ids(shop, TAGS).await, ["iron", "~ü"]);
        let products = "/api/tags/iron/relationships/products";
        assert_eq!(ids(shop, products).await, ["1", "2", "4"]);
        shop.relate(Method::PATCH, products, linkage("products", &["5", "4"])).await.expect(204);
        assert_eq!(ids(shop, products).await, ["4", "5"]);
        assert_eq!(ids(shop, TAGS).await, ["~ü"]);
        assert_eq!(ids(shop, "/api/products/5/tags").await, ["iron"]);
        let shown = shop.get("/api/products/5?include=tags").await.expect(200);
        assert_eq!(shown["data"]["relationships"]["tags"]["data"], linkage("tags", &["iron"]));
        assert_eq!(shown["included"][0]["type"], "tags");
    })
    .await;
}

#[tokio::test]
async fn documents_bring_their_to_many_relationships() {
    on_every_database(SHOP, async |shop| {
        let made = shop
            .post(
                "/api/products",
                Document::of("products").attribute("name", "Buoy").attribute("unit_price", 20).to_many(
                    "tags",
                    "tags",
                    &["tea", "iron"],
                ),
            )
            .await;
        made.expect(201);
        let path = format!("/api/products/{}", made.id());
        assert_eq!(ids(shop, &format!("{path}/tags")).await, ["iron", "tea"]);
        let changed = Document::of("products").id(&made.id()).attribute("unit_price", 21);
        let changed = changed.to_many("tags", "tags", &["tea"]);
        assert_eq!(shop.patch(&path, changed).await.expect(200)["data"]["attributes"]["unit_price"], 21.0);
        assert_eq!(ids(shop, &format!("{path}/tags")).await, ["tea"]);
        let order = shop.post("/api/orders", order("1").to_many("items", "items", &["8"])).await;
        assert_eq!(order.expect(201)["data"]["attributes"]["amount_total"], 84.0);
        assert_eq!(shop.balance(1).await, "230.00");
        let path = format!("/api/orders/{}", order.id());
        let left = Document::of("orders").id(&order.id()).to_many("items", "items", &[]);
        let refused = shop.patch(&path, left).await.refused(403, "relationship-required");
        assert_eq!(refused["source"]["pointer"], "/data/relationships/items/data");
        let wrong = Document::of("orders").id(&order.id()).to_many("items", "items", &["8", "99"]);
        let refused = shop.patch(&path, wrong).await.refused(404, "related-not-found");
        assert_eq!(refused["source"]["pointer"], "/data/relationships/items/data/1");
        let dear = Document::of("orders").id(&order.id()).to_one("customer", "customers", "5");
        let dear = dear.to_many("items", "items", &["8", "7"]);
        let refused = shop.patch(&path, dear).await.refused(422, "constraint-violated");
        assert_eq!(refused["source"]["pointer"], "/data");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_whole_document_sent_back_changes_nothing() {
    on_every_database(SHOP, async |shop| {
        for path in ["/api/products/1?include=tags,stock,items", "/api/orders/1?include=items,customer"] {
            let read = shop.get(path).await.expect(200);
            let resource = path.split('?').next().unwrap();
            let answered = shop.patch(resource, json!({"data": read["data"]})).await.expect(200);
            assert_eq!(answered["data"]["attributes"], read["data"]["attributes"]);
            assert_eq!(shop.get(path).await.expect(200)["data"], read["data"]);
        }
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn operations_change_relationships_of_what_is_there_and_of_what_they_add() {
    on_every_database(SHOP, async |shop| {
        let of = |ty: &str, id: &str, name: &str| json!({"type": ty, "id": id, "relationship": name});
        let new = |ty: &str, lid: &str, name: &str| json!({"type": ty, "lid": lid, "relationship": name});
        let results = shop
            .operations(vec![
                json!({"op": "update", "ref": of("orders", "1", "sales_rep"), "data": null}),
                json!({"op": "remove", "ref": of("products", "1", "tags"), "data": linkage("tags", &["tea"])}),
                add(Document::of("tags").id("new").lid("t").attribute("label", "New")),
                json!({"op": "add", "ref": of("products", "1", "tags"), "data": [{"type": "tags", "lid": "t"}]}),
                add(Document::of("products").lid("p").attribute("name", "Buoy").attribute("unit_price", 20)),
                json!({"op": "update", "ref": new("products", "p", "tags"), "data": linkage("tags", &["new", "iron"])}),
                add(order("1").lid("o")),
                json!({"op": "add", "ref": new("orders", "o", "items"), "data": linkage("items", &["4"])}),
                json!({"op": "update", "href": "/api/orders/1/relationships/sales_rep", "data": {"type": "employees", "id": "4"}}),
            ])
            .await
            .expect(200);
        let results = results["atomic:results"].as_array().unwrap();
        let empty: Vec<usize> = (0..9).filter(|n| results[*n] == json!({})).collect();
        assert_eq!(empty, [0, 1, 3, 5, 7, 8]);
        let path = |n: usize| results[n]["data"]["links"]["self"].as_str().unwrap().to_owned();
        assert_eq!(results[6]["data"]["attributes"]["amount_total"].to_string(), "35.00");
        assert_eq!(ids(shop, TAGS).await, ["new", "on sale/now"]);
        assert_eq!(ids(shop, &format!("{}/tags", path(4))).await, ["iron", "new"]);
        assert_eq!(ids(shop, &format!("{}/items", path(6))).await, ["4"]);
        assert_eq!(ids(shop, REP).await, ["4"]);
        let nothing = vec![json!({"op": "add", "ref": of("products", "1", "tags"), "data": []})];
        assert!(shop.operations(nothing).await.expect(204).is_null());
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn operations_name_their_targets_by_reference() {
    on_every_database(SHOP, async |shop| {
        let tag = json!({"type": "tags", "id": "new"});
        shop.operations(vec![
            json!({"op": "add", "href": "/api/tags", "data": tag}),
            json!({"op": "update", "href": "tags/new", "data": {"type": "tags", "id": "new", "attributes": {"label": "x"}}}),
            json!({"op": "add", "href": "/api/tags/new/relationships/products", "data": linkage("products", &["2"])}),
            json!({"op": "add", "ref": {"type": "tags", "id": "other"}, "data": {"type": "tags", "id": "other"}}),
        ])
        .await
        .expect(200);
        assert_eq!(ids(shop, "/api/tags/new/products").await, ["2"]);
        shop.operations(vec![json!({"op": "remove", "href": "/api/tags/other"})]).await.expect(204);
        for (operation, status, code, place) in [
            (json!({"op": "remove", "href": "/api/tags/other"}), 404, "not-found", ""),
            (json!({"op": "remove", "href": "/elsewhere/tags/tea"}), 404, "not-found", "/href"),
            (json!({"op": "remove", "href": "//elsewhere/api/tags/tea"}), 404, "not-found", "/href"),
            (json!({"op": "remove", "href": "/api/tags/tea?x=1"}), 400, "malformed-document", "/href"),
            (json!({"op": "remove", "href": "/api/tags"}), 400, "malformed-document", "/href"),
            (json!({"op": "remove", "href": "/api/tags/tea/products"}), 400, "malformed-document", "/href"),
            (json!({"op": "add", "href": "/api/products", "data": tag}), 409, "type-conflict", "/data/type"),
            (
                json!({"op": "add", "ref": {"type": "products", "id": "1", "relationship": "tgs"}, "data": []}),
                404,
                "not-found",
                "/ref/relationship",
            ),
            (
                json!({"op": "add", "ref": {"type": "orders", "id": "1", "relationship": "customer"}, "data": []}),
                400,
                "malformed-document",
                "/op",
            ),
            (
                json!({"op": "update", "ref": {"type": "orders", "id": "1", "relationship": "items"}}),
                400,
                "malformed-document",
                "",
            ),
            (
                json!({"op": "remove", "ref": {"type": "orders", "id": "1", "relationship": "items"}, "data": linkage("items", &["2"])}),
                403,
                "relationship-required",
                "/data/0",
            ),
        ] {
            let refused = shop.operations(vec![operation]).await.refused(status, code);
            assert_eq!(refused["source"]["pointer"], format!("/atomic:operations/0{place}"), "{refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_version_of_the_resource_is_a_condition() {
    on_every_database(SHOP, async |shop| {
        let write = |method, etag: &str| {
            let body = json!({"data": linkage("employees", &["4"])});
            with_header(with_body(request(method, REPORTS), &body), "if-match", etag)
        };
        let etag = shop.get("/api/employees/1").await.etag();
        shop.send(write(Method::POST, &etag)).await.expect(204);
        let raise = Document::of("employees").id("1").attribute("salary", 9900);
        shop.patch("/api/employees/1", raise).await.expect(200);
        let refused = shop.send(write(Method::PATCH, &etag)).await.refused(412, "precondition-failed");
        assert_eq!(refused["meta"]["resource"]["attributes"]["salary"].to_string(), "9900.00");
        assert_eq!(ids(shop, REPORTS).await, ["2", "3", "4"]);
        let body = |etag: &str| json!({"data": [], "meta": {"etag": etag}});
        let sent = with_body(request(Method::PATCH, REPORTS), &body(&etag));
        let refused = shop.send(sent).await.refused(409, "version-conflict");
        assert_eq!(refused["source"]["pointer"], "/meta/etag");
        let fresh = shop.get("/api/employees/1").await.etag();
        shop.send(with_body(request(Method::PATCH, REPORTS), &body(&fresh))).await.expect(204);
        assert_eq!(ids(shop, REPORTS).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_trace_tells_what_a_relationship_has_moved() {
    on_every_database(SHOP, async |shop| {
        let sent = with_body(request(Method::POST, TAGS), &json!({"data": linkage("tags", &["iron"])}));
        let told = shop.send(with_header(sent, "rulegate-trace", "1")).await.expect(200);
        let steps = told["meta"]["trace"].as_array().unwrap();
        assert_eq!((&steps[0]["by"], &steps[0]["effect"]), (&json!("request"), &json!("inserted")), "{told}");
    })
    .await;
}

#[tokio::test]
async fn who_adds_the_same_at_once_does_no_harm() {
    for dialect in ALL {
        let shop = Arc::new(Service::start(dialect, SHOP).await);
        let one = |n: usize| {
            let shop = shop.clone();
            async move {
                let (path, data) = match n % 2 {
                    0 => ("/api/products/3/relationships/tags", linkage("tags", &["tea", "iron", "~ü"])),
                    _ => ("/api/tags/iron/relationships/products", linkage("products", &["3", "5", "4"])),
                };
                shop.relate(if n.is_multiple_of(3) { Method::PATCH } else { Method::POST }, path, data)
                    .await
                    .expect(204);
            }
        };
        let running: Vec<_> = (0..16).map(|n| tokio::spawn(one(n))).collect();
        for task in running {
            task.await.unwrap();
        }
        assert!(ids(&shop, "/api/tags/iron/products").await.contains(&"3".to_owned()), "{dialect:?}");
        assert_eq!(ids(&shop, "/api/products/3/tags").await, ["iron", "tea", "~ü"], "{dialect:?}");
    }
}
