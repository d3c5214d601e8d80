//! Several operations in one request and one transaction: local ids, the net change, all or nothing.

use std::sync::Arc;

use dialects::{Dialect, Options, Pool, Statement};
use serde_json::{Value as Json, json};
use tests::client::{request, with_body, with_header};
use tests::database::ALL;
use tests::document::{add, remove, update};
use tests::shop::{SHOP, item, order};
use tests::{Answer, Database, Document, Service, Wire, on_every_database};

/// An item of an order that the same request adds.
fn new_item(order: &str, product: &str, quantity: i64) -> Document {
    Document::of("items")
        .attribute("quantity", quantity)
        .to_new("order", "orders", order)
        .to_one("product", "products", product)
}

fn customer(name: &str, limit: i64) -> Document {
    Document::of("customers").attribute("name", name).attribute("credit_limit", limit)
}

fn changed(ty: &str, id: &str, attribute: &str, value: impl Into<Json>) -> Json {
    update(Document::of(ty).id(id).attribute(attribute, value))
}

fn shown(results: &Json, n: usize, attribute: &str) -> String {
    results["atomic:results"][n]["data"]["attributes"][attribute].to_string()
}

async fn count(shop: &Service, table: &str) -> String {
    shop.database.rows(&format!("select count(*) from {table}"), 1).await[0][0].clone()
}

#[tokio::test]
async fn an_order_comes_with_its_items_and_every_result_shows_the_final_state() {
    on_every_database(SHOP, async |shop| {
        let made = shop
            .operations(vec![
                add(order("1").lid("o")),
                add(new_item("o", "2", 2)),
                add(new_item("o", "3", 4)),
            ])
            .await;
        let results = made.expect(200);
        assert_eq!(
            made.headers["content-type"],
            r#"application/vnd.api+json;ext="https://jsonapi.org/ext/atomic""#
        );
        assert_eq!(shown(&results, 0, "amount_total"), "15.40");
        assert_eq!(
            (shown(&results, 1, "amount"), shown(&results, 2, "amount")),
            ("14.00".into(), "1.40".into())
        );
        assert_eq!(shop.balance(1).await, "161.40");
        for result in results["atomic:results"].as_array().unwrap() {
            let path = result["data"]["links"]["self"].as_str().unwrap();
            assert_eq!(shop.get(path).await.expect(200)["data"], result["data"]);
        }
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_customer_with_an_order_and_its_items_comes_whole() {
    on_every_database(SHOP, async |shop| {
        let results = shop
            .operations(vec![
                add(customer("Wharf", 100).lid("c")),
                add(Document::of("products").lid("p").attribute("name", "Buoy").attribute("unit_price", 20)),
                add(Document::of("orders").lid("o").attribute("order_date", "2026-05-01").to_new(
                    "customer",
                    "customers",
                    "c",
                )),
                add(Document::of("items")
                    .attribute("quantity", 2)
                    .to_new("order", "orders", "o")
                    .to_new("product", "products", "p")),
                add(new_item("o", "2", 1)),
            ])
            .await
            .expect(200);
        assert_eq!(shown(&results, 0, "balance"), "47.00");
        assert_eq!(
            (shown(&results, 0, "order_count"), shown(&results, 2, "item_count")),
            ("1".into(), "2".into())
        );
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn keys_of_the_client_and_keys_with_a_drawn_part_are_referred_to_by_local_ids() {
    on_every_database(SHOP, async |shop| {
        let results = shop
            .operations(vec![
                add(Document::of("tags").id("new").lid("t").attribute("label", "New")),
                add(Document::of("products").lid("p").attribute("name", "Buoy").attribute("unit_price", 20)),
                add(Document::of("product_tags")
                    .to_new("product", "products", "p")
                    .to_new("tags", "tags", "t")),
                add(Document::of("product_tags")
                    .to_new("product", "products", "p")
                    .to_one("tags", "tags", "tea")),
                add(Document::of("product_tags")
                    .to_one("product", "products", "3")
                    .to_one("tags", "tags", "new")),
                add(Document::of("stock")
                    .attribute("shelf", "Z")
                    .attribute("pieces", 3)
                    .to_new("product", "products", "p")),
                update(Document::of("tags").id("new").attribute("label", "Newer")),
            ])
            .await
            .expect(200);
        let id = |n: usize| results["atomic:results"][n]["data"]["id"].as_str().unwrap().to_owned();
        assert_eq!([id(2), id(3), id(4), id(5)], ["101~new", "101~tea", "3~new", "Z~101"]);
        assert_eq!(shown(&results, 0, "label"), "\"Newer\"");
    })
    .await;
}

#[tokio::test]
async fn changes_and_removals_go_together() {
    on_every_database(SHOP, async |shop| {
        let moved = Document::of("items").id("8").to_one("order", "orders", "1");
        let results = shop
            .operations(vec![
                changed("items", "1", "quantity", 1),
                remove("items", "2"),
                update(moved),
                remove("orders", "4"),
                changed("orders", "1", "notes", "mixed"),
            ])
            .await
            .expect(200);
        assert_eq!(shown(&results, 0, "amount"), "12.50");
        assert_eq!(results["atomic:results"][1], json!({}));
        assert_eq!(results["atomic:results"][3], json!({}));
        assert_eq!(
            (shown(&results, 4, "amount_total"), shown(&results, 4, "item_count")),
            ("96.50".into(), "2".into())
        );
        assert_eq!((shop.balance(1).await, shop.balance(3).await), ("96.50".into(), "0.00".into()));
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn when_one_operation_is_refused_nothing_is_done_and_every_error_has_its_place() {
    on_every_database(SHOP, async |shop| {
        let refused = shop
            .operations(vec![
                add(order("5").lid("o")),
                add(new_item("o", "2", 0)),
                add(new_item("o", "4", 1)),
            ])
            .await
            .expect(422);
        let places: Vec<&Json> =
            refused["errors"].as_array().unwrap().iter().map(|error| &error["source"]["pointer"]).collect();
        assert_eq!(places, ["/atomic:operations", "/atomic:operations/1/data/attributes/quantity"]);
        assert_eq!(count(shop, "orders").await, "7");
        let refused = shop
            .operations(vec![
                add(Document::of("orders").attribute("order_date", "yesterday").to_one(
                    "customer",
                    "customers",
                    "1",
                )),
                add(Document::of("items").attribute("quantty", 1)),
            ])
            .await
            .expect(422);
        let places: Vec<&str> = refused["errors"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|error| error["source"]["pointer"].as_str())
            .collect();
        assert!(places.contains(&"/atomic:operations/0/data/attributes/order_date"), "{places:?}");
        assert!(places.contains(&"/atomic:operations/1/data/attributes/quantty"), "{places:?}");
        let refused = shop
            .operations(vec![add(order("1")), add(customer("Saltmarsh", 1))])
            .await
            .refused(409, "duplicate");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/1/data/attributes/name");
        let refused = shop
            .operations(vec![changed("orders", "1", "notes", "x"), changed("items", "99", "quantity", 1)])
            .await
            .refused(404, "not-found");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/1/data");
        let refused =
            shop.operations(vec![changed("orders", "1", "notes", "x"), remove("customers", "1")]).await;
        assert_eq!(refused.refused(409, "still-referenced")["source"]["pointer"], "/atomic:operations/1");
        assert_eq!((count(shop, "orders").await, count(shop, "customers").await), ("7".into(), "6".into()));
        assert_eq!(shop.get("/api/orders/1").await.expect(200)["data"]["attributes"]["notes"], Json::Null);
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_operations_that_set_one_attribute_the_last_wins() {
    on_every_database(SHOP, async |shop| {
        let results = shop
            .operations(vec![
                changed("customers", "1", "region", "Hills"),
                changed("customers", "1", "vip", false),
                changed("customers", "1", "region", "Fens"),
            ])
            .await
            .expect(200);
        for n in 0..3 {
            assert_eq!(
                (shown(&results, n, "region"), shown(&results, n, "vip")),
                ("\"Fens\"".into(), "false".into())
            );
        }
        let results = shop
            .operations(vec![
                add(order("2").lid("o").attribute("notes", "first")),
                update(Document::of("orders").lid("o").attribute("notes", "second").to_one(
                    "customer",
                    "customers",
                    "3",
                )),
                add(new_item("o", "2", 1)),
            ])
            .await
            .expect(200);
        assert_eq!(shown(&results, 0, "notes"), "\"second\"");
        assert_eq!(results["atomic:results"][0]["data"]["relationships"]["customer"]["data"]["id"], "3");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn an_order_that_ships_while_its_quantity_changes_comes_to_the_same_in_either_order() {
    on_every_database(SHOP, async |shop| {
        let ship = |on: Json| changed("orders", "3", "date_shipped", on);
        let amount = |quantity: i64| changed("items", "4", "quantity", quantity);
        let mut seen = Vec::new();
        for forward in [true, false] {
            let mut operations = vec![ship("2026-06-01".into()), amount(50)];
            if !forward {
                operations.reverse();
            }
            shop.operations(operations).await.expect(200);
            seen.push((
                shop.get("/api/customers/2").await.expect(200)["data"].clone(),
                shop.get("/api/orders/3").await.expect(200)["data"].clone(),
            ));
            shop.assert_consistent().await;
            shop.operations(vec![amount(100), ship(Json::Null)]).await.expect(200);
        }
        assert_eq!(seen[0], seen[1]);
    })
    .await;
}

#[tokio::test]
async fn what_comes_and_goes_in_one_request_leaves_nothing() {
    on_every_database(SHOP, async |shop| {
        let gone = json!({"op": "remove", "ref": {"type": "orders", "lid": "o"}});
        let answer = shop.operations(vec![add(order("1").lid("o")), gone.clone()]).await;
        answer.expect(204);
        assert_eq!(count(shop, "orders").await, "7");
        let refused = shop.operations(vec![add(order("1").lid("o")), add(new_item("o", "1", 1)), gone]).await;
        let refused = refused.refused(404, "related-not-found");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/1/data/relationships/order/data");
        shop.operations(vec![changed("items", "9", "quantity", 9), remove("items", "9")]).await.expect(204);
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn operations_that_contradict_each_other_are_refused() {
    on_every_database(SHOP, async |shop| {
        let tag = |id: &str| add(Document::of("tags").id(id));
        for (operations, place) in [
            (vec![remove("products", "5"), changed("products", "5", "name", "x")], "/atomic:operations/1"),
            (vec![remove("products", "5"), remove("products", "5")], "/atomic:operations/1"),
            (vec![remove("tags", "~ü"), tag("~ü")], "/atomic:operations/1"),
            (
                vec![
                    add(Document::of("employees")
                        .lid("e")
                        .attribute("name", "Me")
                        .attribute("salary", 1)
                        .attribute("hired_on", "2026-01-01")),
                    update(Document::of("employees").lid("e").to_new("manager", "employees", "e")),
                ],
                "/atomic:operations/1/data/relationships/manager/data",
            ),
        ] {
            let refused = shop.operations(operations).await.refused(422, "operations-conflict");
            assert_eq!(refused["source"]["pointer"], place);
        }
        assert_eq!(count(shop, "products").await, "5");
    })
    .await;
}

#[tokio::test]
async fn a_unique_value_can_be_taken_over() {
    on_every_database(SHOP, async |shop| {
        shop.operations(vec![add(customer("Empty Chair", 9)), remove("customers", "6")]).await.expect(200);
        let moved = Document::of("orders").id("7").to_new("customer", "customers", "c");
        let results = shop
            .operations(vec![add(customer("Breeze", 60).lid("c")), update(moved), remove("customers", "5")])
            .await
            .expect(200);
        assert_eq!(shown(&results, 0, "order_count"), "1");
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_swap_of_unique_values_is_done_or_refused_but_never_half() {
    for dialect in ALL {
        let shop = Service::start(dialect, SHOP).await;
        let names = "select name from products where id < 3 order by id";
        let before = shop.database.rows(names, 1).await;
        let swap = |first: &str, second: &str| {
            vec![changed("products", "1", "name", first), changed("products", "2", "name", second)]
        };
        let answer = shop.operations(swap("Bicycle bell", "Black tea")).await;
        let mut after = shop.database.rows(names, 1).await;
        if answer.status == 200 {
            after.reverse();
        } else {
            let refused = answer.refused(409, "duplicate");
            assert_eq!(refused["source"]["pointer"], "/atomic:operations", "{dialect:?}");
        }
        assert_eq!(after, before, "{dialect:?}");
    }
}

#[tokio::test]
async fn rows_that_refer_to_rows_of_their_own_table_come_in_the_right_order() {
    on_every_database(SHOP, async |shop| {
        let employee = |lid: &str| {
            Document::of("employees")
                .lid(lid)
                .attribute("name", lid)
                .attribute("salary", 1)
                .attribute("hired_on", "2026-01-01")
        };
        let below = |lid: &str, boss: &str| {
            update(Document::of("employees").lid(lid).to_new("manager", "employees", boss))
        };
        let results = shop
            .operations(vec![
                add(employee("a")),
                add(employee("b")),
                add(employee("c").to_new("manager", "employees", "a")),
                below("a", "b"),
            ])
            .await
            .expect(200);
        let result = |n: usize| &results["atomic:results"][n]["data"];
        assert_eq!(result(0)["relationships"]["manager"]["data"]["id"], result(1)["id"]);
        assert_eq!(result(2)["relationships"]["manager"]["data"]["id"], result(0)["id"]);
        assert_eq!(result(1)["attributes"]["name"], "b");
    })
    .await;
}

#[tokio::test]
async fn local_ids_must_be_given_before_they_are_used() {
    on_every_database(SHOP, async |shop| {
        let early = vec![add(new_item("o", "1", 1)), add(order("1").lid("o"))];
        let refused = shop.operations(early).await.refused(400, "unknown-local-id");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/0/data/relationships/order/data/lid");
        let gone = json!({"op": "remove", "ref": {"type": "orders", "lid": "o"}});
        let refused = shop.operations(vec![gone]).await.refused(400, "unknown-local-id");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/0/ref/lid");
        let twice = vec![add(order("1").lid("o")), add(order("2").lid("o"))];
        let refused = shop.operations(twice).await.refused(400, "malformed-document");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/1/data/lid");
        let itself = add(Document::of("employees")
            .lid("e")
            .attribute("name", "Me")
            .attribute("salary", 1)
            .attribute("hired_on", "2026-01-01")
            .to_new("manager", "employees", "e"));
        let refused = shop.operations(vec![itself]).await.refused(400, "unknown-local-id");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/0/data/relationships/manager/data/lid");
        assert_eq!(count(shop, "orders").await, "7");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_an_operation_is_refused_at_its_place() {
    on_every_database(SHOP, async |shop| {
        let many = vec![remove("items", "1"); 101];
        let refused = shop.operations(many).await.refused(400, "too-many-operations");
        assert_eq!(refused["meta"]["maximum"], 100);
        let refused = shop.operations(vec![remove("nothing", "1")]).await.refused(404, "not-found");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/0/ref/type");
        let key = update(Document::of("product_tags").id("1~tea").to_one("product", "products", "2"));
        let refused = shop.operations(vec![key]).await.refused(403, "read-only");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/0/data/relationships/product/data");
    })
    .await;
}

#[tokio::test]
async fn each_operation_may_say_which_version_it_changes() {
    on_every_database(SHOP, async |shop| {
        let etag = |answer: Answer| answer.expect(200)["data"]["meta"]["etag"].clone();
        let first = etag(shop.get("/api/customers/1").await);
        let other = etag(shop.get("/api/orders/7").await);
        let sent = |region: &str, etag: &Json| {
            update(Document::of("customers").id("1").attribute("region", region).meta(json!({"etag": etag})))
        };
        let gone = |etag: &Json| {
            json!({"op": "remove", "ref": {"type": "orders", "id": "7"}, "meta": {"etag": etag}})
        };
        shop.operations(vec![sent("Hills", &first), changed("customers", "1", "points", 5)]).await.expect(200);
        let refused =
            shop.operations(vec![gone(&other), sent("Fens", &first)]).await.refused(409, "version-conflict");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/1/data/meta/etag");
        assert_eq!(refused["meta"]["resource"]["attributes"]["region"], "Hills");
        let refused = shop.operations(vec![gone(&first)]).await.refused(409, "version-conflict");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/0/meta/etag");
        shop.operations(vec![gone(&other)]).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn derived_attributes_are_named_by_the_result_that_left_them_out() {
    on_every_database(SHOP, async |shop| {
        let sent = Document::of("customers").id("1").attribute("balance", 0).attribute("region", "Fens");
        let results =
            shop.operations(vec![changed("orders", "1", "notes", "x"), update(sent)]).await.expect(200);
        assert_eq!(results["atomic:results"][0].get("meta"), None);
        assert_eq!(results["atomic:results"][1]["meta"]["ignored"], json!(["balance"]));
        let refused = shop.operations(vec![changed("customers", "1", "balance", 0)]).await;
        assert_eq!(
            refused.refused(422, "derived-only")["source"]["pointer"],
            "/atomic:operations/0/data/attributes/balance"
        );
    })
    .await;
}

#[tokio::test]
async fn the_extension_is_negotiated() {
    let shop = Service::start(Dialect::Sqlite, SHOP).await;
    let atomic = r#"application/vnd.api+json; ext="https://jsonapi.org/ext/atomic""#;
    let document = json!({"atomic:operations": [changed("orders", "1", "notes", "x")]});
    let post = |content_type: &str| {
        let sent = with_body(request("POST".parse().unwrap(), "/api/operations"), &document);
        with_header(sent, "content-type", content_type)
    };
    shop.send(post("application/vnd.api+json")).await.refused(415, "unsupported-media-type");
    shop.send(post("application/json")).await.refused(415, "unsupported-media-type");
    let other = r#"application/vnd.api+json; ext="https://a.example""#;
    shop.send(post(other)).await.refused(415, "unsupported-media-type");
    shop.send(with_header(post(atomic), "accept", other)).await.refused(406, "not-acceptable");
    shop.send(with_header(post(atomic), "if-match", "\"x\"")).await.refused(400, "malformed-request");
    for accept in [atomic, "*/*", "application/vnd.api+json"] {
        shop.send(with_header(post(atomic), "accept", accept)).await.expect(200);
    }
    let mut asked = post(atomic);
    asked.query = "include=items".into();
    shop.send(asked).await.refused(400, "unknown-parameter");
    let refused = shop.get("/api/operations").await;
    refused.refused(405, "method-not-allowed");
    assert_eq!(refused.headers["allow"], "OPTIONS, POST");
}

/// What a request for an order with so many items says to the database.
async fn spoken(dialect: Dialect, items: usize) -> Vec<Vec<String>> {
    let mut database = Database::create(dialect).await;
    database.execute(&(SHOP.sql)(dialect)).await;
    let wire = Wire::before(&mut database).await;
    let shop = Service::serve(database, SHOP.rules).await;
    for _ in 0..2 {
        wire.trips();
        let mut operations = vec![add(order("3").lid("o"))];
        operations.extend((0..items).map(|n| add(new_item("o", if n % 2 == 0 { "2" } else { "3" }, 1))));
        shop.operations(operations).await.expect(200);
    }
    let trips = wire.trips();
    shop.assert_consistent().await;
    trips
}

#[tokio::test]
async fn a_parent_of_many_new_children_is_written_once_and_statements_do_not_grow_with_them() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let (few, many) = (spoken(dialect, 2).await, spoken(dialect, 99).await);
        assert_eq!(few, many, "{dialect:?}");
        let said = |text: &str| many.iter().flatten().filter(|said| *said == text).count();
        for once in ["insert orders", "insert items", "update customers"] {
            assert_eq!(said(once), 1, "{dialect:?} {once}: {many:#?}");
        }
        assert_eq!(said("update orders"), 0, "{dialect:?}: {many:#?}");
        if dialect == Dialect::Postgres {
            assert_eq!(many.len(), 4, "{many:#?}");
        }
    }
}

#[tokio::test]
async fn keys_may_be_drawn_in_steps() {
    let mut database = Database::create(Dialect::Mysql).await;
    database.execute(&(SHOP.sql)(Dialect::Mysql)).await;
    let one = Options { connections_max: 1, ..Options::default() };
    database.pool = Arc::new(Pool::open(&database.url, one).unwrap());
    let shop = Service::serve(database, SHOP.rules).await;
    // The one connection keeps what was set.
    let text = "set session auto_increment_increment = 7, auto_increment_offset = 3".to_owned();
    let set = Statement { text, params: Vec::new(), columns: Vec::new() };
    shop.database.pool.run(vec![set]).await.unwrap();
    let mut operations: Vec<Json> =
        (1..=3).map(|n| add(order(&n.to_string()).lid(&format!("o{n}")))).collect();
    operations.extend((1..=3).map(|n| add(new_item(&format!("o{n}"), "3", n))));
    let results = shop.operations(operations).await.expect(200);
    let id = |n: usize| results["atomic:results"][n]["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!([id(0), id(1), id(2)], ["101", "108", "115"]);
    for (n, total) in [(0, "0.35"), (1, "0.70"), (2, "1.05")] {
        assert_eq!(shown(&results, n, "amount_total"), total);
        let order = &results["atomic:results"][n + 3]["data"]["relationships"]["order"]["data"]["id"];
        assert_eq!(*order, id(n));
    }
    shop.assert_consistent().await;
}

#[tokio::test]
async fn an_item_may_say_its_order_by_the_column() {
    on_every_database(SHOP, async |shop| {
        shop.operations(vec![add(item("1", "1", 1)), changed("items", "5", "order_id", 1)]).await.expect(200);
        shop.assert_consistent().await;
    })
    .await;
}
