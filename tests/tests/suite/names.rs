//! Names as databases have them: what is no name in JSON:API, what JSON:API has taken, what collides; ids of odd bytes; schemas,
//! partitions, identity and generated columns, tables without a key.

use dialects::Dialect;
use proxy::jsonapi::links::segment;
use serde_json::{Value as Json, json};
use tests::service::Fixture;
use tests::{Database, Document, Service, on_every_database};

/// SQL whose names stand in double quotes, in the words of a dialect.
fn spelled(dialect: Dialect, sql: &str) -> String {
    if dialect == Dialect::Mysql { sql.replace('"', "`") } else { sql.to_owned() }
}

const ODD: Fixture = Fixture {
    sql: |dialect| {
        spelled(
            dialect,
            r#"create table "Order Details!" ("Key Col" varchar(20) primary key, "unit price" decimal(10,2), "a/b" integer,
                   "a b" integer, "a_b" integer, "100%" integer, "select" boolean, "größe" varchar(20), "日付" date,
                   "quo""te" varchar(20), "type" varchar(20), "id" integer, "dot.ted" varchar(20), "CamelCase" integer, "_" integer);
               create table "group" ("order" integer primary key, "from" integer, "detail key" varchar(20), "boss person_id" integer,
                   foreign key ("detail key") references "Order Details!" ("Key Col"),
                   foreign key ("boss person_id") references "group" ("order"));
               create table "a b" (id integer primary key, "operations" integer);
               create table "a_b" (id integer primary key);
               create table operations (id integer primary key, title varchar(20));
               create table flights (id integer primary key, from_id integer, to_id integer, flights integer,
                   foreign key (from_id) references "a_b" (id), foreign key (to_id) references "a_b" (id));
               create table tags (id integer primary key);
               create table flight_tags (flight_id integer, tag_id integer, primary key (flight_id, tag_id),
                   foreign key (flight_id) references flights (id), foreign key (tag_id) references tags (id));"#,
        )
    },
    rules: &[],
};

fn ids(document: &Json) -> Vec<&str> {
    document["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_type_has_a_name_that_json_api_allows() {
    on_every_database(ODD, async |service| {
        let index = service.get("/api/").await.expect(200);
        let types: Vec<&String> = index["meta"]["resources"].as_object().unwrap().keys().collect();
        let expect =
            ["Order_Details", "a_b", "a_b_2", "flight_tags", "flights", "group", "operations_2", "tags"];
        assert_eq!(types, expect);
        for ty in expect {
            service.get(&format!("/api/{ty}")).await.expect(200);
        }
    })
    .await;
}

#[tokio::test]
async fn odd_columns_are_written_read_filtered_sorted_and_chosen() {
    on_every_database(ODD, async |service| {
        let attributes: Json = serde_json::from_str(
            r#"{"unit_price": 1.50, "a_b_2": 3, "a_b_3": 1, "a_b": 2, "100": 100, "select": true, "größe": "XL", "日付": "2024-02-29",
                "quo_te": "'\"`", "type_col": "t", "id_col": 7, "dot_ted": "d", "CamelCase": 8, "unnamed": 9}"#,
        )
        .unwrap();
        let document = json!({"data": {"type": "Order_Details", "id": "a/b %", "attributes": attributes}});
        let made = service.post("/api/Order_Details", document).await.expect(201);
        assert_eq!(made["data"]["attributes"], attributes);
        let path = made["data"]["links"]["self"].as_str().unwrap();
        assert_eq!(path, "/api/Order_Details/a%2Fb%20%25");
        service.post("/api/Order_Details", Document::of("Order_Details").id("other")).await.expect(201);
        for (name, value) in attributes.as_object().unwrap() {
            let (name, value) = (segment(name), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let target = format!("/api/Order_Details?filter[{name}][eq]={}&sort=-{name}", segment(&value));
            assert_eq!(ids(&service.get(&target).await.expect(200)), ["a/b %"], "{name}");
            let sparse = service.get(&format!("{path}?fields[Order_Details]={name}")).await.expect(200);
            assert_eq!(sparse["data"]["attributes"].as_object().unwrap().len(), 1, "{name}");
            let patch = Document::of("Order_Details").id("a/b %").attribute(&unescaped(&name), Json::Null);
            service.patch(path, patch).await.expect(200);
        }
        service.delete(path).await.expect(204);
        service.get(path).await.refused(404, "not-found");
    })
    .await;
}

fn unescaped(name: &str) -> String {
    [("größe", segment("größe")), ("日付", segment("日付"))]
        .into_iter()
        .find(|(_, escaped)| escaped == name)
        .map_or_else(|| name.to_owned(), |(plain, _)| plain.to_owned())
}

#[tokio::test]
async fn odd_relationships_are_followed_both_ways() {
    on_every_database(ODD, async |service| {
        for id in ["a/b %", "ü~"] {
            service.post("/api/Order_Details", Document::of("Order_Details").id(id)).await.expect(201);
        }
        let group = |id: &str| Document::of("group").id(id).to_one("Order_Details", "Order_Details", "a/b %");
        service.post("/api/group", group("1")).await.expect(201);
        let second =
            service.post("/api/group", group("2").to_one("boss_person", "group", "1")).await.expect(201);
        let links = &second["data"]["relationships"];
        assert_eq!(links["Order_Details"]["data"]["id"], "a/b %");
        assert_eq!(links["boss_person"]["data"]["id"], "1");
        let detail =
            service.get("/api/Order_Details/a%2Fb%20%25?include=group.boss_person").await.expect(200);
        assert_eq!(detail["included"].as_array().unwrap().len(), 2);
        let related = detail["data"]["relationships"]["group"]["links"]["related"].as_str().unwrap();
        assert_eq!(ids(&service.get(related).await.expect(200)), ["1", "2"]);
        let reports = service.get("/api/group/1/group_by_boss_person_id").await.expect(200);
        assert_eq!(ids(&reports), ["2"]);
        let target = format!("/api/group?filter[Order_Details]={}&sort=Order_Details", segment("a/b %"));
        assert_eq!(ids(&service.get(&target).await.expect(200)), ["1", "2"]);
        let moved = Document::of("group").id("2").to_one("Order_Details", "Order_Details", "ü~");
        service.patch("/api/group/2", moved).await.expect(200);
        let target = format!("/api/Order_Details/{}/group", segment("ü~"));
        assert_eq!(ids(&service.get(&target).await.expect(200)), ["2"]);
    })
    .await;
}

#[tokio::test]
async fn several_keys_to_one_parent_are_told_apart_and_a_column_keeps_its_name() {
    on_every_database(ODD, async |service| {
        for id in ["1", "2"] {
            service.post("/api/a_b", Document::of("a_b").id(id)).await.expect(201);
        }
        let flight = Document::of("flights")
            .id("1")
            .to_one("from", "a_b", "1")
            .to_one("to", "a_b", "2")
            .attribute("flights", 5);
        service.post("/api/flights", flight).await.expect(201);
        let place = service.get("/api/a_b/1?include=flights_by_from_id,flights_by_to_id").await.expect(200);
        let relationships: Vec<&String> =
            place["data"]["relationships"].as_object().unwrap().keys().collect();
        assert_eq!(relationships, ["flights_by_from_id", "flights_by_to_id"]);
        assert_eq!(place["data"]["relationships"]["flights_by_to_id"]["data"], json!([]));
        service.post("/api/tags", Document::of("tags").id("9")).await.expect(201);
        let join = Document::of("flight_tags").to_one("flight", "flights", "1").to_one("tag", "tags", "9");
        assert_eq!(service.post("/api/flight_tags", join).await.expect(201)["data"]["id"], "1~9");
        assert_eq!(ids(&service.get("/api/flights/1/tags").await.expect(200)), ["9"]);
        assert_eq!(ids(&service.get("/api/tags/9/flights").await.expect(200)), ["1"]);
    })
    .await;
}

const PAIRS: Fixture = Fixture {
    sql: |dialect| {
        spelled(
            dialect,
            r#"create table pairs (x varchar(40), "y z" varchar(40), n integer, primary key (x, "y z"));
               create table marks (id integer primary key, px varchar(40), pz varchar(40),
                   foreign key (px, pz) references pairs (x, "y z"));"#,
        )
    },
    rules: &[],
};

/// The id as the contract has it.
fn composite(parts: [&str; 2]) -> String {
    let part = |part: &str| -> String {
        part.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => char::from(byte).to_string(),
                _ => format!(".{byte:02X}"),
            })
            .collect()
    };
    parts.map(part).join("~")
}

#[tokio::test]
async fn keys_of_odd_bytes_have_ids_of_unreserved_characters() {
    const PARTS: [&str; 12] =
        ["a/b", "ü~.41", "100%", "a b", "", "\\", "😀", "-_", "..", "null", "'\"`", "שלום"];
    on_every_database(PAIRS, async |service| {
        for (n, part) in PARTS.iter().enumerate() {
            let (parts, id) =
                ([*part, PARTS[(n + 5) % PARTS.len()]], composite([part, PARTS[(n + 5) % PARTS.len()]]));
            let document =
                Document::of("pairs").attribute("x", parts[0]).attribute("y_z", parts[1]).attribute("n", n);
            let made = service.post("/api/pairs", document).await.expect(201);
            assert_eq!(made["data"]["id"], id);
            let path = format!("/api/pairs/{id}");
            assert_eq!(made["data"]["links"]["self"], path, "an id needs no escapes");
            let read = service.get(&path).await.expect(200);
            assert_eq!(
                (&read["data"]["attributes"]["x"], &read["data"]["attributes"]["y_z"]),
                (&json!(parts[0]), &json!(parts[1]))
            );
            let mark = Document::of("marks").id(&n.to_string()).to_one("pairs", "pairs", &id);
            let mark = service.post("/api/marks", mark).await.expect(201);
            assert_eq!(mark["data"]["relationships"]["pairs"]["data"]["id"], id);
            assert_eq!(
                ids(&service.get(&format!("/api/marks?filter[pairs]={id}")).await.expect(200)),
                [n.to_string()]
            );
            service.delete(&format!("/api/marks/{n}")).await.expect(204);
            service.delete(&path).await.expect(204);
            service.post("/api/pairs", Document::of("pairs").id(&id).attribute("n", n)).await.expect(201);
        }
        let all = service.get("/api/pairs?page[size]=100").await.expect(200);
        assert_eq!(all["data"].as_array().unwrap().len(), PARTS.len());
    })
    .await;
}

const DRAWN: Fixture = Fixture {
    sql: |dialect| {
        let (key, stored) = match dialect {
            Dialect::Postgres => ("id integer generated always as identity primary key", " stored"),
            Dialect::Mysql => ("id integer auto_increment primary key", " stored"),
            Dialect::Sqlite => ("id integer primary key", " stored"),
        };
        format!(
            "create table boxes ({key}, wide integer not null, high integer not null default 2,
                 area integer generated always as (wide * high){stored}, note varchar(20) default 'new');"
        )
    },
    rules: &[],
};

#[tokio::test]
async fn what_the_database_draws_and_computes_is_read_back() {
    on_every_database(DRAWN, async |service| {
        let made = service.post("/api/boxes", Document::of("boxes").attribute("wide", 3)).await.expect(201);
        assert_eq!(made["data"]["attributes"], json!({"wide": 3, "high": 2, "area": 6, "note": "new"}));
        assert_eq!(made["data"]["id"], "1");
        let sent = Document::of("boxes").id("1").attribute("high", 5).attribute("area", 1);
        let changed = service.patch("/api/boxes/1", sent).await.expect(200);
        assert_eq!(changed["data"]["attributes"]["area"], 15);
        service.get("/api/boxes?filter[area][gt]=14&sort=-area").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn postgres_draws_identities_itself() {
    let service = Service::start(Dialect::Postgres, DRAWN).await;
    let document = Document::of("boxes").id("7").attribute("wide", 3);
    service.post("/api/boxes", document).await.refused(403, "client-id-forbidden");
}

#[tokio::test]
async fn tables_of_other_schemas_carry_their_schemas_name() {
    let database = Database::create(Dialect::Postgres).await;
    database
        .execute(
            r#"create schema crm; create schema "Odd Schema!";
               create table crm.customers (id int primary key, name text);
               create table orders (id int primary key, customer_id int references crm.customers);
               create table crm.orders (id int primary key, order_id int references public.orders);
               create table "Odd Schema!"."T" (id int primary key);"#,
        )
        .await;
    let service = Service::serve(database, &[]).await;
    let index = service.get("/api/").await.expect(200);
    let types: Vec<&String> = index["meta"]["resources"].as_object().unwrap().keys().collect();
    assert_eq!(types, ["Odd_Schema__T", "crm_customers", "crm_orders", "orders"]);
    service
        .post("/api/crm_customers", Document::of("crm_customers").id("1").attribute("name", "Ada"))
        .await
        .expect(201);
    service
        .post("/api/orders", Document::of("orders").id("1").to_one("customer", "crm_customers", "1"))
        .await
        .expect(201);
    service
        .post("/api/crm_orders", Document::of("crm_orders").id("2").to_one("order", "orders", "1"))
        .await
        .expect(201);
    let read = service.get("/api/crm_orders/2?include=order.customer").await.expect(200);
    assert_eq!(read["included"].as_array().unwrap().len(), 2);
    assert_eq!(ids(&service.get("/api/crm_customers/1/orders").await.expect(200)), ["1"]);
}

#[tokio::test]
async fn a_partitioned_table_is_one_resource() {
    let database = Database::create(Dialect::Postgres).await;
    database
        .execute(
            "create table events (id int, day date, note text, primary key (id, day)) partition by range (day);
             create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
             create table events_rest partition of events default;
             create table animals (id int primary key, name text); create table dogs (barks bool) inherits (animals);
             create table keyless (a int);",
        )
        .await;
    let service = Service::serve(database, &[]).await;
    let index = service.get("/api/").await.expect(200);
    let types: Vec<&String> = index["meta"]["resources"].as_object().unwrap().keys().collect();
    assert_eq!(types, ["animals", "events"]);
    for (id, day) in [("1", "2024-05-01"), ("2", "2030-01-01")] {
        let event = Document::of("events").id(&format!("{id}~{day}")).attribute("note", "n");
        service.post("/api/events", event).await.expect(201);
    }
    assert_eq!(
        ids(&service.get("/api/events?sort=-day").await.expect(200)),
        ["2~2030-01-01", "1~2024-05-01"]
    );
    service
        .patch("/api/events/2~2030-01-01", Document::of("events").id("2~2030-01-01").attribute("note", "m"))
        .await
        .expect(200);
    service.delete("/api/events/1~2024-05-01").await.expect(204);
    service.get("/api/keyless").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_table_of_sqlite_without_a_key_has_its_rowid() {
    let database = Database::create(Dialect::Sqlite).await;
    database.execute("create table log (line text); insert into log values ('a'), ('b')").await;
    let service = Service::serve(database, &[]).await;
    assert_eq!(ids(&service.get("/api/log").await.expect(200)), ["1", "2"]);
    let made = service.post("/api/log", Document::of("log").attribute("line", "c")).await.expect(201);
    assert_eq!((&made["data"]["id"], &made["data"]["attributes"]), (&json!("3"), &json!({"line": "c"})));
    service.patch("/api/log/2", Document::of("log").id("2").attribute("line", "B")).await.expect(200);
    service.delete("/api/log/1").await.expect(204);
    assert_eq!(service.database.rows("select line from log order by rowid", 1).await, [["B"], ["c"]]);
}
