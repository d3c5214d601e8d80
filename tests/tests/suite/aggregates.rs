//! Aggregates: one document on every database, exact, each row counted once.

mod combined;
mod refused;

use dialects::Dialect;
use serde_json::{Value as Json, json};
use tests::shelves::SHELVES;
use tests::shop::{SHOP, VIRTUAL};
use tests::{Database, Service, Wire, on_every_database};

/// Asked twice, since MariaDB takes a statement otherwise when it is prepared already.
async fn aggregates(service: &Service, target: &str) -> Json {
    let target = format!("/api/{target}");
    let document = service.get(&target).await.expect(200);
    assert_eq!(document.get("data"), None, "{target}");
    assert_eq!(service.get(&target).await.expect(200), document, "{target}");
    document["meta"]["aggregates"].clone()
}

/// Target and what it comes to, without its groups.
const OF_ALL: &[(&str, &str)] = &[
    ("orders?aggregateOf=count(*),sum(amount_total)", r#"{"count(*)": 7, "sum(amount_total)": "1272.45"}"#),
    // to four digits more than declared, half away from zero
    (
        "orders?aggregateOf=avg(amount_total),avg(item_count)",
        r#"{"avg(amount_total)": "181.778571", "avg(item_count)": "1.2857"}"#,
    ),
    (
        "orders?aggregateOf=min(order_date),max(order_date),max(date_shipped)",
        r#"{"min(order_date)": "2025-12-31", "max(order_date)": "2026-03-03", "max(date_shipped)": "2026-03-02"}"#,
    ),
    (
        "orders?aggregateOf=min(amount_total),max(amount_total)",
        r#"{"min(amount_total)": 0.00, "max(amount_total)": 634.95}"#,
    ),
    (
        "orders?aggregateOf=sum(item_count),max(item_count)",
        r#"{"sum(item_count)": "9", "max(item_count)": 3}"#,
    ),
    // nulls are not counted
    (
        "orders?aggregateOf=count(date_shipped),count(sales_rep),count(distinct sales_rep)",
        r#"{"count(date_shipped)": 2, "count(sales_rep)": 4, "count(distinct sales_rep)": 2}"#,
    ),
    (
        "orders?aggregateOf=count(id),count(distinct customer.region)",
        r#"{"count(id)": 7, "count(distinct customer.region)": 3}"#,
    ),
    (
        "products?aggregateOf=count(details),count(distinct picture),sum(weight),avg(weight)",
        r#"{"count(details)": 2, "count(distinct picture)": 1, "sum(weight)": 43.85, "avg(weight)": 10.9625}"#,
    ),
    ("products?aggregateOf=min(name),max(name)", r#"{"min(name)": "Anchor", "max(name)": "Rope"}"#),
    // beyond what a double holds
    (
        "customers?aggregateOf=sum(points),max(points)",
        r#"{"sum(points)": "9007199254740989", "max(points)": "9007199254740993"}"#,
    ),
    (
        "customers?aggregateOf=min(since),max(since)",
        r#"{"min(since)": "2020-01-31T08:15:00", "max(since)": "2021-12-31T23:59:59.25"}"#,
    ),
    (
        "stock?aggregateOf=min(counted_at),max(counted_at),sum(pieces)",
        r#"{"min(counted_at)": "08:30:00", "max(counted_at)": "23:59:59", "sum(pieces)": "57"}"#,
    ),
    // over paths to one: an employee counts for each order
    (
        "orders?aggregateOf=sum(sales_rep.salary),count(sales_rep.manager)",
        r#"{"sum(sales_rep.salary)": "23701.00", "count(sales_rep.manager)": 4}"#,
    ),
    // every filter
    (
        "orders?filter[customer.region]=Coast&aggregateOf=sum(amount_total)",
        r#"{"sum(amount_total)": "491.00"}"#,
    ),
    (
        "orders?filter[items.quantity][gt]=2&aggregateOf=count(*),sum(amount_total)",
        r#"{"count(*)": 5, "sum(amount_total)": "962.45"}"#,
    ),
    (
        "orders?filter[items.quantity][gt]=2&filter[where]=amount_total < 100&aggregateOf=count(*)",
        r#"{"count(*)": 3}"#,
    ),
    (
        r#"orders?filter={"not":{"name":"items.product.name","op":"eq","val":"Black tea"}}&aggregateOf=sum(amount_total)"#,
        r#"{"sum(amount_total)": "429.00"}"#,
    ),
    ("products?filter[tags.code][in]=tea,on sale/now,iron&aggregateOf=count(*)", r#"{"count(*)": 3}"#),
    ("products?filter[search]=b&aggregateOf=count(*)", r#"{"count(*)": 2}"#),
    // of related ones, through a join table too, and of linkage
    (
        "customers/1/orders?aggregateOf=count(*),sum(amount_total)",
        r#"{"count(*)": 2, "sum(amount_total)": "456.00"}"#,
    ),
    ("customers/3/relationships/orders?aggregateOf=max(amount_total)", r#"{"max(amount_total)": 634.95}"#),
    (
        "tags/iron/products?aggregateOf=sum(unit_price),count(*)&filter[name]=Anchor",
        r#"{"sum(unit_price)": "310.00", "count(*)": 1}"#,
    ),
    // of nothing
    (
        "orders?filter[id]=4711&aggregateOf=count(*),count(distinct id),sum(amount_total),avg(amount_total),min(order_date)",
        r#"{"count(*)": 0, "count(distinct id)": 0, "sum(amount_total)": null, "avg(amount_total)": null, "min(order_date)": null}"#,
    ),
];

#[tokio::test]
async fn all_rows_are_one_group_unless_there_are_others() {
    on_every_database(SHOP, async |shop| {
        for (target, expect) in OF_ALL {
            let mut expect: Json = serde_json::from_str(expect).unwrap();
            expect.as_object_mut().unwrap().insert("group".into(), json!({}));
            assert_eq!(aggregates(shop, target).await, json!([expect]), "{target}");
        }
    })
    .await;
}

/// Target, names of a group and of aggregates, and their values by group.
const GROUPED: &[(&str, &[&str], &str)] = &[
    (
        "orders?aggregateOf=count(*),sum(amount_total)&groupBy=customer.region",
        &["customer.region", "count(*)", "sum(amount_total)"],
        r#"[["Coast", 3, "491.00"], ["Islands", 2, "718.95"], ["Uplands", 1, "0.00"], [null, 1, "62.50"]]"#,
    ),
    // where the foreign key is null, and further
    (
        "orders?aggregateOf=count(*)&groupBy=sales_rep",
        &["sales_rep", "count(*)"],
        r#"[["2", 2], ["4", 2], [null, 3]]"#,
    ),
    (
        "orders?aggregateOf=count(*)&groupBy=sales_rep_id",
        &["sales_rep_id", "count(*)"],
        "[[2, 2], [4, 2], [null, 3]]",
    ),
    (
        "orders?aggregateOf=count(sales_rep),avg(amount_total)&groupBy=sales_rep.manager.name",
        &["sales_rep.manager.name", "count(sales_rep)", "avg(amount_total)"],
        r#"[["Casimir", 2, "472.475000"], ["Ottilie", 2, "104.250000"], [null, 0, "39.666667"]]"#,
    ),
    (
        "orders?aggregateOf=count(*)&groupBy=order_date,customer.vip&filter[order_date][lt]=2026-02-01",
        &["order_date", "customer.vip", "count(*)"],
        r#"[["2025-12-31", false, 1], ["2026-01-05", true, 2]]"#,
    ),
    (
        "customers?aggregateOf=count(*)&groupBy=since",
        &["since", "count(*)"],
        r#"[["2020-01-31T08:15:00", 2], ["2021-12-31T23:59:59.25", 1], [null, 3]]"#,
    ),
    (
        "customers?aggregateOf=sum(points)&groupBy=vip",
        &["vip", "sum(points)"],
        r#"[[false, "-11"], [true, "9007199254741000"]]"#,
    ),
    (
        "stock?aggregateOf=sum(pieces)&groupBy=id",
        &["id", "sum(pieces)"],
        r#"[["A1~1", "40"], ["A1~2", "15"], ["B.7E2.20.C3.A9~4", "2"]]"#,
    ),
    (
        "products?aggregateOf=count(*)&groupBy=picture",
        &["picture", "count(*)"],
        r#"[["AP8Q", 1], [null, 4]]"#,
    ),
    (
        "customers/1/orders?aggregateOf=count(*)&groupBy=date_shipped",
        &["date_shipped", "count(*)"],
        r#"[["2026-01-09", 1], [null, 1]]"#,
    ),
    (
        "items?aggregateOf=sum(amount)&groupBy=order.customer.region,product&filter[product.name]=Anchor,Rope",
        &["order.customer.region", "product", "sum(amount)"],
        r#"[["Coast", "3", "35.00"], ["Coast", "4", "310.00"], ["Islands", "3", "2.45"], ["Islands", "4", "620.00"]]"#,
    ),
    ("orders?aggregateOf=count(*)&groupBy=customer.region&filter[id]=4711", &["customer.region"], "[]"),
    // sorted by what is told of them
    (
        "orders?aggregateOf=sum(amount_total)&groupBy=customer.region&sort=-sum(amount_total)",
        &["customer.region"],
        r#"[["Islands"], ["Coast"], [null], ["Uplands"]]"#,
    ),
    (
        "orders?aggregateOf=avg(amount_total)&groupBy=customer.region&sort=avg( amount_total )",
        &["customer.region"],
        r#"[["Uplands"], [null], ["Coast"], ["Islands"]]"#,
    ),
    (
        "orders?aggregateOf=min(date_shipped)&groupBy=customer.region&sort=min(date_shipped)",
        &["customer.region", "min(date_shipped)"],
        r#"[["Coast", "2026-01-09"], [null, "2026-03-02"], ["Islands", null], ["Uplands", null]]"#,
    ),
    (
        "orders?aggregateOf=min(date_shipped)&groupBy=customer.region&sort=-min(date_shipped),-customer.region",
        &["customer.region"],
        r#"[["Uplands"], ["Islands"], [null], ["Coast"]]"#,
    ),
    (
        "customers?aggregateOf=count(*)&groupBy=mood&sort=-count(*)",
        &["mood", "count(*)"],
        r#"[["calm", 4], ["busy", 2]]"#,
    ),
    (
        "orders?aggregateOf=count(*)&groupBy=customer.region&sort=-customer.region",
        &["customer.region"],
        r#"[[null], ["Uplands"], ["Islands"], ["Coast"]]"#,
    ),
];

fn values(aggregates: &Json, names: &[&str]) -> Json {
    let value = |row: &Json, name: &&str| row["group"].get(name).unwrap_or(&row[*name]).clone();
    let rows = aggregates.as_array().unwrap().iter();
    rows.map(|row| names.iter().map(|name| value(row, name)).collect::<Json>()).collect()
}

#[tokio::test]
async fn groups_are_told_apart_by_attributes_and_by_what_rows_above_have() {
    on_every_database(SHOP, async |shop| {
        for (target, names, expect) in GROUPED {
            let expect: Json = serde_json::from_str(expect).unwrap();
            assert_eq!(values(&aggregates(shop, target).await, names), expect, "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn sums_are_exact_beyond_64_bits_and_values_of_every_type_make_groups() {
    on_every_database(SHELVES, async |shelves| {
        for (target, expect) in [
            ("things?aggregateOf=sum(pieces),avg(pieces),count(pieces)&filter[pieces][gt]=0",
             json!({"group": {}, "sum(pieces)": "110896637224371093504", "avg(pieces)": "3080462145121419264.0000", "count(pieces)": 36})),
            ("things?aggregateOf=sum(pieces),min(pieces),max(pieces)",
             json!({"group": {}, "sum(pieces)": "216172782113783808", "min(pieces)": "-9223372036854775808", "max(pieces)": "9223372036854775807"})),
        ] {
            assert_eq!(aggregates(shelves, target).await, json!([expect]), "{target}");
        }
        for group in ["shelf", "number", "price", "weight", "pieces", "ready", "made_on", "seen_at", "opens_at", "place", "place.rank"] {
            let groups = aggregates(shelves, &format!("things?aggregateOf=count(*),sum(price),avg(price),max(seen_at)&groupBy={group}&page[size]=100")).await;
            let counts = groups.as_array().unwrap().iter().map(|group| group["count(*)"].as_u64().unwrap());
            assert_eq!(counts.sum::<u64>(), tests::shelves::THINGS as u64, "{group}");
            // Each group holds what its value finds.
            for of in groups.as_array().unwrap().iter().filter(|of| !of["group"][group].is_null()) {
                let value = of["group"][group].to_string();
                let target = format!("things?aggregateOf=count(*)&filter[{group}]={}", value.trim_matches('"'));
                assert_eq!(aggregates(shelves, &target).await[0]["count(*)"], of["count(*)"], "{target}");
            }
            let sorted = format!("things?aggregateOf=count(*),avg(price),sum(pieces),min(price)&groupBy={group}&sort=-sum(pieces),avg(price),min(price)&page[size]=100");
            assert_eq!(aggregates(shelves, &sorted).await.as_array().unwrap().len(), groups.as_array().unwrap().len());
        }
    })
    .await;
}

#[tokio::test]
async fn virtual_attributes_are_aggregated_and_grouped_by() {
    on_every_database(VIRTUAL, async |shop| {
        for (target, names, expect) in [
            ("items?aggregateOf=sum(gross),min(gross),max(gross),count(distinct gross)&filter[order]=1", &["sum(gross)", "min(gross)", "max(gross)", "count(distinct gross)"][..], json!([["173.74", "24.99", "148.75", 2]])),
            ("items?aggregateOf=count(*),sum(gross),avg(gross)&groupBy=order.due&sort=-order.due&filter[product]=1", &["order.due", "sum(gross)", "avg(gross)"], json!([["2026-04-02", "74.38", "74.380000"], ["2026-02-05", "148.75", "148.750000"], ["2026-01-31", "14.88", "14.880000"]])),
            ("items?aggregateOf=count(*)&groupBy=product_label&filter[order]=4", &["product_label", "count(*)"], json!([["ANCHOR x2", 1], ["BLACK TEA x1", 1], ["ROPE x7", 1]])),
            ("items?aggregateOf=min(product_label),max(product_label)", &["min(product_label)", "max(product_label)"], json!([["ANCHOR x1", "ROPE x7"]])),
            // of several lengths, some with more digits than a double has
            ("items?aggregateOf=max(huge),min(huge),sum(huge)&filter[order]=4", &["min(huge)", "max(huge)", "sum(huge)"], json!([["12345678901234567.25", "86419752308641970.75", "123456789012345672.50"]])),
            ("items?aggregateOf=count(*)&groupBy=huge&filter[order]=4,1", &["huge"], json!([["12345678901234567.25"], ["24691357802469134.50"], ["37037036703703701.75"], ["86419752308641970.75"], ["123456789012345672.50"]])),
            ("orders?aggregateOf=count(*)&groupBy=is_late", &["is_late", "count(*)"], json!([[false, 1], [true, 1], [null, 5]])),
            ("orders?aggregateOf=max(customer.headroom)&groupBy=customer.region&sort=-max(customer.headroom)", &["customer.region", "max(customer.headroom)"], json!([["Islands", "1281.05"], ["Coast", "854.00"], [null, "100.00"], ["Uplands", "50.00"]])),
        ] {
            assert_eq!(values(&aggregates(shop, target).await, names), expect, "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn groups_come_in_pages_and_none_is_left_out() {
    on_every_database(SHOP, async |shop| {
        let target = "/api/orders?aggregateOf=count(*)&groupBy=customer.region&page[size]=2";
        let first = shop.get(target).await.expect(200);
        assert_eq!(
            values(&first["meta"]["aggregates"], &["customer.region"]),
            json!([["Coast"], ["Islands"]])
        );
        assert_eq!(first["meta"].as_object().unwrap().len(), 1);
        let next = first["links"]["next"].as_str().unwrap().to_owned();
        let second = shop.get(&next).await.expect(200);
        assert_eq!(values(&second["meta"]["aggregates"], &["customer.region"]), json!([["Uplands"], [null]]));
        assert_eq!(second["links"]["next"], Json::Null);
        let back = shop.get(second["links"]["prev"].as_str().unwrap()).await.expect(200);
        assert_eq!(back["meta"], first["meta"]);
        let at =
            shop.get("/api/orders?aggregateOf=count(*)&groupBy=customer.region&page[offset]=1&page[limit]=1");
        let at = at.await.expect(200);
        assert_eq!(values(&at["meta"]["aggregates"], &["customer.region"]), json!([["Islands"]]));
        let over = shop.get("/api/orders?aggregateOf=count(*)&groupBy=id&page[size]=1001").await;
        assert_eq!(over.refused(400, "invalid-page")["meta"]["maximum"], 1000);
        let all = shop.get("/api/orders?aggregateOf=count(*)").await.expect(200);
        assert_eq!(all["links"], json!({"self": "/api/orders?aggregateOf=count(*)"}));
    })
    .await;
}

#[tokio::test]
async fn texts_that_the_collation_takes_for_equal_are_one_group_as_a_filter_finds_them() {
    let words = "('tea', 1), ('Tea', 2), ('TEA', 4), ('oil', 8), (null, 16)";
    for (dialect, collated) in [
        (Dialect::Mysql, "varchar(9) character set utf8mb4 collate utf8mb4_general_ci"),
        (Dialect::Sqlite, "varchar(9) collate nocase"),
    ] {
        let database = Database::create(dialect).await;
        let id = if dialect == Dialect::Mysql { "integer auto_increment" } else { "integer" };
        let sql = format!(
            "create table words (id {id} primary key, word {collated}, n integer); insert into words (word, n) values {words};"
        );
        database.execute(&sql).await;
        let service = Service::serve(database, &[]).await;
        let groups = aggregates(&service, "words?aggregateOf=sum(n),count(distinct word)&groupBy=word").await;
        assert_eq!(
            values(&groups, &["word", "sum(n)", "count(distinct word)"]),
            json!([["oil", "8", 1], ["TEA", "7", 1], [null, "16", 0]]),
            "{dialect:?}"
        );
        let found = aggregates(&service, "words?aggregateOf=sum(n)&filter[word]=TEA").await;
        assert_eq!(found[0]["sum(n)"], "7", "{dialect:?}");
    }
}

#[tokio::test]
async fn what_is_no_number_is_told_to_be_none() {
    let database = Database::create(Dialect::Sqlite).await;
    let sql = "create table t (id integer primary key, price decimal(9, 2), day date); insert into t values (1, 1.5, '2024-01-01'), (2, 'dear', 'soon');";
    database.execute(sql).await;
    let service = Service::serve(database, &[]).await;
    for query in ["sum(price)", "min(price)", "count(*),avg(price)&filter[id]=2"] {
        let refused = service.get(&format!("/api/t?aggregateOf={query}")).await;
        assert_eq!(
            refused.refused(400, "invalid-parameter")["source"]["parameter"],
            "aggregateOf",
            "{query}"
        );
    }
    let groups = aggregates(&service, "t?aggregateOf=count(price),min(day)&groupBy=day").await;
    let expect = json!([["2024-01-01", 1, "2024-01-01"], ["soon", 1, "soon"]]);
    assert_eq!(values(&groups, &["day", "count(price)", "min(day)"]), expect);
}

#[tokio::test]
async fn aggregates_take_one_statement() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let mut database = Database::create(dialect).await;
        database.execute(&(SHOP.sql)(dialect)).await;
        let wire = Wire::before(&mut database).await;
        let shop = Service::serve(database, SHOP.rules).await;
        let target = "/api/orders?aggregateOf=count(*),avg(amount_total),max(customer.points)&groupBy=customer.region&sort=-avg(amount_total)";
        shop.get(target).await.expect(200);
        wire.trips();
        shop.get(target).await.expect(200);
        let trips = wire.trips();
        assert_eq!((trips.len(), trips.concat().len()), (1, 1), "{trips:?}");
    }
}
