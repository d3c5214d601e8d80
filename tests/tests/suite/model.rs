//! `model.yaml` at work: other names, hidden columns, keys of views, relationships that the database does not declare.

use dialects::Dialect;
use serde_json::{Value as Json, json};
use tests::database::ALL;
use tests::{Database, Document, Service};

const TABLES: &str = "create table staff (id integer primary key, full_name varchar(40), internal_note varchar(40), boss_id integer,
         foreign key (boss_id) references staff (id));
     create table regions (id integer primary key, code varchar(9) not null unique, title varchar(40));
     create table orders (id integer primary key, region_code varchar(9), staff_id integer, total decimal(10,2),
         foreign key (staff_id) references staff (id));
     create table audit (id integer primary key, what varchar(40));
     create view sales as select staff_id, sum(total) as total from orders group by staff_id;
     insert into staff values (1, 'Ada', 'secret', null), (2, 'Bob', 'secret too', 1);
     insert into regions values (1, 'N', 'North'), (2, 'S', 'South');
     insert into orders values (1, 'N', 1, 10), (2, 'S', 1, 5), (3, null, 2, 7);";

const MODEL: &str = "
tables:
  staff:
    name: people
    columns: {full_name: {name: name, label: Name}, internal_note: {hidden: true}}
    relationships: {staff_by_boss_id: {name: reports}, orders: {name: purchases}}
  orders:
    columns: {total: {searchable: false}}
    relationships: {region: {to: regions, columns: [region_code], to_columns: [code]}, staff: {name: seller}}
  sales: {name: sales_by_person, key: [staff_id]}
  audit: {hidden: true}
";

async fn start(dialect: Dialect, model: &str) -> Service {
    let database = Database::create(dialect).await;
    database.execute(TABLES).await;
    Service::serve_amended(database, model).await
}

fn ids(document: &Json) -> Vec<&str> {
    document["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn tables_columns_and_relationships_have_the_names_that_the_file_gives() {
    for dialect in ALL {
        let service = start(dialect, MODEL).await;
        let index = service.get("/api/").await.expect(200);
        let types: Vec<&String> = index["meta"]["resources"].as_object().unwrap().keys().collect();
        assert_eq!(types, ["orders", "people", "regions", "sales_by_person"]);
        for old in ["staff", "sales", "audit"] {
            service.get(&format!("/api/{old}")).await.refused(404, "not-found");
        }
        let ada = service.get("/api/people/1?include=reports,purchases.region").await.expect(200);
        assert_eq!(ada["data"]["attributes"], json!({"name": "Ada"}));
        assert_eq!(ada["data"]["relationships"]["reports"]["data"], json!([{"type": "people", "id": "2"}]));
        assert_eq!(ada["included"].as_array().unwrap().len(), 5);
        let found = service.get("/api/people?filter[name]=Bob&sort=-boss.name").await.expect(200);
        assert_eq!(ids(&found), ["2"]);
    }
}

#[tokio::test]
async fn hidden_columns_can_neither_be_read_nor_used_nor_written() {
    for dialect in ALL {
        let service = start(dialect, MODEL).await;
        for name in ["internal_note", "full_name"] {
            service.get(&format!("/api/people?filter[{name}]=secret")).await.refused(400, "invalid-filter");
            service.get(&format!("/api/people?sort={name}")).await.refused(400, "invalid-sort");
            service.get(&format!("/api/people?fields[people]={name}")).await.refused(400, "invalid-fields");
            let document = Document::of("people").id("1").attribute(name, "x");
            service.patch("/api/people/1", document).await.refused(422, "unknown-attribute");
        }
        service
            .patch("/api/people/1", Document::of("people").id("1").attribute("name", "Ada L."))
            .await
            .expect(200);
        let stored =
            service.database.rows("select full_name, internal_note from staff where id = 1", 2).await;
        assert_eq!(stored, [["Ada L.", "secret"]]);
    }
}

#[tokio::test]
async fn declared_relationships_are_followed_both_ways_and_written() {
    for dialect in ALL {
        let service = start(dialect, MODEL).await;
        assert_eq!(ids(&service.get("/api/regions/1/orders").await.expect(200)), ["1"]);
        let order = service.get("/api/orders/1?include=region").await.expect(200);
        assert_eq!(order["data"]["relationships"]["region"]["data"], json!({"type": "regions", "id": "1"}));
        assert_eq!(ids(&service.get("/api/orders?filter[region.title]=South").await.expect(200)), ["2"]);
        assert_eq!(ids(&service.get("/api/orders?sort=region.code,-id").await.expect(200)), ["1", "2", "3"]);
        let made =
            Document::of("orders").id("9").attribute("region_code", "S").to_one("seller", "people", "2");
        service.post("/api/orders", made).await.expect(201);
        let made = service.get("/api/orders/9").await.expect(200);
        assert_eq!(made["data"]["relationships"]["region"]["data"]["id"], "2");
    }
}

#[tokio::test]
async fn a_declared_relationship_leads_to_what_is_there_and_keeps_it_there() {
    for dialect in ALL {
        let service = start(dialect, MODEL).await;
        let order = |id: &str| Document::of("orders").id(id);
        let nowhere = [
            service.post("/api/orders", order("9").attribute("region_code", "Z")).await,
            service.patch("/api/orders/1", order("1").attribute("region_code", "Z")).await,
        ];
        for answer in nowhere {
            answer.refused(404, "related-not-found");
        }
        service.delete("/api/regions/1").await.refused(409, "still-referenced");
        service.patch("/api/orders/1", order("1").attribute("region_code", Json::Null)).await.expect(200);
        service.post("/api/orders", order("9").attribute("total", "1.00")).await.expect(201);
        service.delete("/api/regions/1").await.expect(204);
        let codes =
            service.database.rows("select coalesce(region_code, '-') from orders order by id", 1).await;
        assert_eq!(codes, [["-"], ["S"], ["-"], ["-"]]);
    }
}

#[tokio::test]
async fn a_view_with_a_key_is_read_and_never_written() {
    for dialect in ALL {
        let service = start(dialect, MODEL).await;
        let all = service.get("/api/sales_by_person?sort=-id").await.expect(200);
        assert_eq!(ids(&all), ["2", "1"]);
        service.get("/api/sales_by_person/1").await.expect(200);
        service.get("/api/sales_by_person/3").await.refused(404, "not-found");
        let document = || Document::of("sales_by_person").id("1").attribute("total", "1");
        let answers = [
            service.post("/api/sales_by_person", document()).await,
            service.patch("/api/sales_by_person/1", document()).await,
            service.delete("/api/sales_by_person/1").await,
        ];
        for answer in answers {
            answer.refused(403, "read-only");
        }
    }
}

#[tokio::test]
async fn camel_case_is_how_all_default_names_are_spelled() {
    let model = "names: camelCase\ntables: {staff: {columns: {internalNote: {hidden: true}}, relationships: {staffByBossId: {name: my_reports}}}}\n";
    for dialect in ALL {
        let service = start(dialect, model).await;
        let ada = service.get("/api/staff/1?include=my_reports,orders").await.expect(200);
        assert_eq!(ada["data"]["attributes"], json!({"fullName": "Ada"}));
        assert_eq!(
            ids(&service.get("/api/orders?filter[regionCode]=N&sort=staff.fullName").await.expect(200)),
            ["1"]
        );
    }
}
