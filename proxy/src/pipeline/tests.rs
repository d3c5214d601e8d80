//! Reads from end to end, over SQLite in memory.

use dialects::Options;
use http::header::ETAG;
use http::{HeaderName, HeaderValue};
use rules::RuleSet;
use serde_json::{Value as Json, json};

use super::*;
use crate::state::{ApiSettings, Limits};

const SHOP: &str = "
create table customers (id integer primary key, name varchar(40) not null, region varchar(10), balance decimal(12,2) not null);
create table orders (id integer primary key, customer_id integer not null references customers(id), date_shipped date, note text);
create table products (code varchar(10) primary key, price decimal(12,2));
create table items (order_id integer not null references orders(id), line integer not null, product_id varchar(10) references products(code),
  quantity integer not null, primary key (order_id, line));
create table tags (id integer primary key, word text not null);
create table order_tags (order_id integer not null references orders(id), tag_id integer not null references tags(id), primary key (order_id, tag_id));
create table employees (id integer primary key, name text not null, manager_id integer references employees(id));
insert into customers values (1, 'Ada', 'north', 15), (2, 'Ben', 'south', 0.5), (3, 'Cyd', null, 7), (4, 'Dee', 'north', 100);
insert into orders values (1, 1, null, 'a,b'), (2, 1, '2024-02-29', null), (3, 2, null, 'x%y');
insert into products values ('p1', 1.5), ('p2', null);
insert into items values (1, 1, 'p1', 3), (1, 2, 'p2', 1), (2, 1, 'p1', 2), (3, 1, null, 9);
insert into tags values (1, 'red'), (2, 'blue');
insert into order_tags values (1, 1), (1, 2), (2, 1);
insert into employees values (1, 'Eve', null), (2, 'Fay', 1), (3, 'Gus', 1), (4, 'Hal', 2);
";

struct Shop {
    pool: Arc<Pool>,
    snapshot: Arc<Snapshot>,
    metrics: Metrics,
}

impl Shop {
    async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        Self::set(ApiSettings::default(), limits).await
    }

    async fn set(api: ApiSettings, limits: Limits) -> Self {
        let pool = Arc::new(Pool::open("sqlite::memory:", Options::default()).unwrap());
        pool.execute_script(SHOP).await.unwrap();
        let schema = introspect::introspect(&pool, None).await.unwrap();
        let snapshot = Snapshot::new(schema, RuleSet::default(), api, limits);
        Self { pool, snapshot: Arc::new(snapshot), metrics: Metrics::new().unwrap() }
    }

    async fn ask(&self, method: Method, url: &str, headers: &[(&'static str, &str)]) -> Response {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let body = bytes::Bytes::new();
        let request = Request { method, path: path.into(), query: query.into(), headers, body };
        answer(&self.pool, &self.snapshot, &self.metrics, &Arc::default(), None, request).await.response
    }

    async fn get(&self, url: &str) -> (u16, Json) {
        let response = self.ask(Method::GET, url, &[]).await;
        (response.status.as_u16(), serde_json::from_slice(&response.body).unwrap())
    }

    async fn found(&self, url: &str) -> Json {
        let (status, document) = self.get(url).await;
        assert_eq!(status, 200, "{url}: {document}");
        document
    }

    async fn ids(&self, url: &str) -> Vec<String> {
        let document = self.found(url).await;
        document["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|data| data["id"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn refused(&self, url: &str) -> (u16, String, String, String) {
        let (status, document) = self.get(url).await;
        let error = &document["errors"][0];
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        (status, text(&error["code"]), text(&error["source"]["parameter"]), text(&error["detail"]))
    }
}

#[tokio::test]
async fn a_resource_shows_its_attributes_relationships_links_and_version() {
    let shop = Shop::open().await;
    let mut document = shop.found("/api/orders/1").await;
    let etag = document["data"]["meta"]["etag"].take();
    let links = |name: &str| json!({"self": format!("/api/orders/1/relationships/{name}"), "related": format!("/api/orders/1/{name}")});
    assert_eq!(
        document,
        json!({
            "jsonapi": {"version": "1.1"},
            "links": {"self": "/api/orders/1"},
            "data": {
                "type": "orders", "id": "1",
                "attributes": {"date_shipped": null, "note": "a,b"},
                "relationships": {
                    "customer": {"data": {"type": "customers", "id": "1"}, "links": links("customer")},
                    "items": {"links": links("items")},
                    "order_tags": {"links": links("order_tags")},
                    "tags": {"links": links("tags")},
                },
                "links": {"self": "/api/orders/1"},
                "meta": {"etag": null},
            },
        })
    );
    assert!(etag.as_str().unwrap().len() > 20);
}

#[tokio::test]
async fn a_collection_is_paged_in_the_order_of_its_key() {
    let shop = Shop::open().await;
    let page = shop.found("/api/customers?page[size]=3&page[number]=1").await;
    assert_eq!(page["data"].as_array().unwrap().len(), 3);
    assert_eq!(page["links"]["next"], "/api/customers?page%5Bsize%5D=3&page%5Bnumber%5D=2");
    assert_eq!(
        (&page["links"]["prev"], &page["links"]["last"], &page["meta"]),
        (&Json::Null, &Json::Null, &Json::Null)
    );
    let last = shop.found("/api/customers?page[size]=3&page[number]=2").await;
    assert_eq!((&last["data"][0]["id"], &last["meta"]["total"]), (&json!("4"), &json!(4)));
    let counted = shop.found("/api/customers?page[size]=1&page[total]=true&filter[region]=north").await;
    assert_eq!((&counted["meta"]["total"], &counted["meta"]["count"]), (&json!(2), &json!(2)));
    assert_eq!(
        counted["links"]["last"],
        "/api/customers?page%5Bsize%5D=1&page%5Btotal%5D=true&filter%5Bregion%5D=north&page%5Bnumber%5D=2"
    );
    assert_eq!(shop.ids("/api/customers/?page[offset]=1&page[limit]=2").await, ["2", "3"]);
}

#[tokio::test]
async fn filters_choose_rows() {
    let shop = Shop::open().await;
    let shop = &shop;
    let check = async |url: &str, expect: &[&str]| assert_eq!(shop.ids(url).await, expect, "{url}");
    check("/api/customers?filter[name]=Ada", &["1"]).await;
    check("/api/customers?filter[name]=Ada,Ben", &["1", "2"]).await;
    check("/api/customers?filter[name][]=Ada&filter[name][]=Dee", &["1", "4"]).await;
    check("/api/customers?filter[id]=3", &["3"]).await;
    check("/api/customers?filter[balance][gt]=7&filter[region]=north", &["1", "4"]).await;
    check("/api/customers?filter[balance][between]=0.50,7", &["2", "3"]).await;
    check("/api/customers?filter[region][null]=true", &["3"]).await;
    check("/api/customers?filter[region][ne]=north", &["2", "3"]).await;
    check("/api/customers?filter[name][in]=Ada,Cyd", &["1", "3"]).await;
    check("/api/customers?filter[name][nin]=Ada,Cyd", &["2", "4"]).await;
    check("/api/customers?filter[name][starts]=D", &["4"]).await;
    check("/api/customers?filter[name][ilike]=%25D%25", &["1", "3", "4"]).await;
    check("/api/orders?filter[note][contains]=%25", &["3"]).await;
    check("/api/orders?filter[note][eq]=a,b", &["1"]).await;
    check("/api/orders?filter[date_shipped]=null", &["1", "3"]).await;
    check("/api/orders?filter[date_shipped]=null,2024-02-29", &["1", "2", "3"]).await;
    check("/api/orders?filter[date_shipped][lte]=2024-02-29", &["2"]).await;
    check("/api/orders?filter[customer]=2", &["3"]).await;
    check("/api/orders?filter[customer_id]=1", &["1", "2"]).await;
    check("/api/orders?filter[customer.region]=south", &["3"]).await;
    check("/api/items?filter[order.customer.name]=Ada", &["1~1", "1~2", "2~1"]).await;
    check("/api/items?filter[id]=1~2,3~1", &["1~2", "3~1"]).await;
    check("/api/items?filter[product]=p1&filter[quantity][ge]=3", &["1~1"]).await;
}

#[tokio::test]
async fn rows_are_sorted_with_nulls_last_ascending_and_first_descending() {
    let shop = Shop::open().await;
    let shop = &shop;
    let check = async |url: &str, expect: &[&str]| assert_eq!(shop.ids(url).await, expect, "{url}");
    check("/api/customers?sort=region,-balance", &["4", "1", "2", "3"]).await;
    check("/api/customers?sort=-region,name", &["3", "2", "1", "4"]).await;
    check("/api/orders?sort=-customer.name,-id", &["3", "2", "1"]).await;
    check("/api/items?sort=product.price,-id", &["2~1", "1~1", "3~1", "1~2"]).await;
    check("/api/orders?sort=customer,-id", &["2", "1", "3"]).await;
}

#[tokio::test]
async fn includes_bring_each_resource_once_with_full_linkage() {
    let shop = Shop::open().await;
    let document = shop.found("/api/orders?include=customer,items.product,tags").await;
    let included: Vec<String> = document["included"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| format!("{}/{}", r["type"].as_str().unwrap(), r["id"].as_str().unwrap()))
        .collect();
    assert_eq!(
        included,
        [
            "customers/1",
            "customers/2",
            "items/1~1",
            "items/1~2",
            "items/2~1",
            "items/3~1",
            "products/p1",
            "products/p2",
            "tags/1",
            "tags/2"
        ]
    );
    let linkage = |n: usize, name: &str| document["data"][n]["relationships"][name]["data"].clone();
    assert_eq!(linkage(0, "items"), json!([{"type": "items", "id": "1~1"}, {"type": "items", "id": "1~2"}]));
    assert_eq!(linkage(2, "tags"), json!([]));
    assert_eq!(linkage(1, "tags"), json!([{"type": "tags", "id": "1"}]));
    assert_eq!(linkage(1, "order_tags"), Json::Null);
}

#[tokio::test]
async fn a_row_on_several_levels_is_shown_once_with_the_linkage_of_all() {
    let shop = Shop::open().await;
    let document = shop.found("/api/employees?filter[id]=1,2&include=manager.employees_by_manager_id").await;
    let reports = &document["data"][0]["relationships"]["employees_by_manager_id"]["data"];
    assert_eq!(*reports, json!([{"type": "employees", "id": "2"}, {"type": "employees", "id": "3"}]));
    let included: Vec<&Json> = document["included"].as_array().unwrap().iter().map(|r| &r["id"]).collect();
    assert_eq!(included, ["3"]);
}

#[tokio::test]
async fn sparse_fieldsets_show_what_they_name_and_have_no_version() {
    let shop = Shop::open().await;
    let document = shop
        .found("/api/orders/1?fields[orders]=note,customer&fields[customers]=name&include=customer")
        .await;
    assert_eq!(document["data"]["attributes"], json!({"note": "a,b"}));
    assert_eq!(document["data"]["relationships"].as_object().unwrap().len(), 1);
    assert_eq!(document["data"]["meta"], Json::Null);
    let customer = json!({"type": "customers", "id": "1", "attributes": {"name": "Ada"}, "links": {"self": "/api/customers/1"}});
    assert_eq!(document["included"], json!([customer]));
}

#[tokio::test]
async fn related_urls_lead_to_resources_and_relationship_urls_to_linkage() {
    let shop = Shop::open().await;
    assert_eq!(shop.found("/api/orders/1/customer").await["data"]["attributes"]["name"], "Ada");
    assert_eq!(shop.found("/api/items/3~1/product").await["data"], Json::Null);
    assert_eq!(shop.ids("/api/orders/1/tags?sort=word").await, ["2", "1"]);
    assert_eq!(shop.ids("/api/customers/1/orders?filter[date_shipped]=null").await, ["1"]);
    assert_eq!(shop.ids("/api/customers/4/orders").await, Vec::<String>::new());
    let to_one = shop.found("/api/items/1~1/relationships/product").await;
    assert_eq!(to_one["data"], json!({"type": "products", "id": "p1"}));
    assert_eq!(
        to_one["links"],
        json!({"self": "/api/items/1~1/relationships/product", "related": "/api/items/1~1/product"})
    );
    assert_eq!(shop.found("/api/items/3~1/relationships/product").await["data"], Json::Null);
    let to_many = shop.found("/api/orders/1/relationships/items?page[size]=1").await;
    assert_eq!(to_many["data"], json!([{"type": "items", "id": "1~1"}]));
    assert_eq!(
        to_many["links"]["next"],
        "/api/orders/1/relationships/items?page%5Bsize%5D=1&page%5Bnumber%5D=2"
    );
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let shop = Shop::open().await;
    for url in [
        "/api/orders/99",
        "/api/orders/01",
        "/api/orders/abc",
        "/api/items/1",
        "/api/items/1~2~3",
        "/api/none",
        "/api/orders/1/none",
        "/api/orders/99/customer",
        "/api/orders/99/items",
        "/api/orders/99/relationships/items",
        "/api/orders/99/relationships/customer",
        "/nowhere",
    ] {
        let (status, code, _, _) = shop.refused(url).await;
        assert_eq!((status, code.as_str()), (404, "not-found"), "{url}");
    }
    assert!(shop.refused("/api/ordres").await.3.contains("Did you mean \"orders\"?"));
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_its_place() {
    let shop = Shop::open().await;
    let shop = &shop;
    let check = async |query: &str, code: &str, parameter: &str, part: &str| {
        let (status, found, place, detail) = shop.refused(&format!("/api/orders?{query}")).await;
        assert_eq!((status, found.as_str(), place.as_str()), (400, code, parameter), "{query}");
        assert!(detail.contains(part), "{query}: {detail}");
    };
    check("filter[notes]=x", "invalid-filter", "filter[notes]", "Did you mean \"note\"?").await;
    check("filter[customer.regon]=x", "invalid-filter", "filter[customer.regon]", "Did you mean \"region\"?")
        .await;
    check("filter[date_shipped]=yesterday", "invalid-filter", "filter[date_shipped]", "expected a date")
        .await;
    check("filter[id]=x", "invalid-filter", "filter[id]", "expected a whole number").await;
    check("filter[items.quanity]=1", "invalid-filter", "filter[items.quanity]", "Did you mean \"quantity\"?")
        .await;
    check("filter[date_shipped][like]=x", "invalid-filter", "filter[date_shipped][like]", "no text").await;
    check("sort=nam", "invalid-sort", "sort", "no attribute").await;
    check("include=customr", "invalid-include", "include", "Did you mean \"customer\"?").await;
    check(
        "include=customer.orders.customer.orders.customer.orders",
        "invalid-include",
        "include",
        "longer than 5",
    )
    .await;
    check("fields[orders]=nte", "invalid-fields", "fields[orders]", "Did you mean \"note\"?").await;
    check("fields[ordres]=note", "invalid-fields", "fields[ordres]", "Did you mean \"orders\"?").await;
    check("page[size]=1001", "invalid-page", "page[size]", "to 1000").await;
    check("x=1", "unknown-parameter", "x", "no parameter").await;
    let (status, code, place, _) = shop.refused("/api/orders/1?sort=id").await;
    assert_eq!((status, code.as_str(), place.as_str()), (400, "invalid-sort", "sort"));
    assert_eq!(shop.refused("/api/?x=1").await.1, "unknown-parameter");
}

#[tokio::test]
async fn too_many_included_resources_are_refused() {
    let shop = Shop::with(Limits { include_rows: 3, ..Limits::default() }).await;
    assert_eq!(shop.refused("/api/orders?include=items").await.1, "too-many-included");
    assert_eq!(shop.get("/api/orders?include=customer").await.0, 200);
}

#[tokio::test]
async fn a_fresh_copy_is_not_sent_again() {
    let shop = Shop::open().await;
    let first = shop.ask(Method::GET, "/api/orders/1", &[]).await;
    let etag = first.headers[ETAG].to_str().unwrap().to_owned();
    let again = shop.ask(Method::GET, "/api/orders/1", &[("if-none-match", &etag)]).await;
    assert_eq!(
        (again.status.as_u16(), again.body.len(), &again.headers[ETAG]),
        (304, 0, &first.headers[ETAG])
    );
    let other = shop.ask(Method::GET, "/api/orders/2", &[("if-none-match", &etag)]).await;
    assert_eq!(other.status, 200);
    assert!(shop.ask(Method::GET, "/api/orders/1?include=customer", &[]).await.headers.get(ETAG).is_none());
}

#[tokio::test]
async fn the_index_lists_every_type() {
    let shop = Shop::open().await;
    let index = shop.found("/api/").await;
    assert_eq!(index["links"], json!({"self": "/api/", "describedby": "/openapi.json"}));
    assert_eq!(index["meta"]["resources"]["orders"], "/api/orders");
    assert_eq!(index["meta"]["resources"].as_object().unwrap().len(), 7);
}

#[tokio::test]
async fn methods_and_media_types_are_negotiated() {
    let shop = Shop::open().await;
    let options = shop.ask(Method::OPTIONS, "/api/orders", &[]).await;
    assert_eq!(
        (options.status.as_u16(), options.headers[ALLOW].to_str().unwrap()),
        (204, "GET, HEAD, OPTIONS, POST")
    );
    let put = shop.ask(Method::PUT, "/api/orders/1", &[]).await;
    assert_eq!(
        (put.status.as_u16(), put.headers[ALLOW].to_str().unwrap()),
        (405, "GET, HEAD, OPTIONS, PATCH, DELETE")
    );
    assert_eq!(shop.ask(Method::GET, "/api/orders", &[("accept", "text/html")]).await.status, 406);
    let json = shop
        .ask(Method::HEAD, "/api/orders", &[("accept", "application/json"), ("content-type", "text/plain")])
        .await;
    assert_eq!(
        (json.status.as_u16(), json.headers["content-type"].to_str().unwrap()),
        (200, media::JSON_API)
    );
    assert_eq!(json.headers[VARY], "Accept");
    assert_eq!(shop.ask(Method::GET, "/", &[]).await.headers[http::header::LOCATION], "docs/");
}

#[tokio::test]
async fn a_trace_is_for_the_roles_that_may_see_it() {
    let api = ApiSettings { trace_roles: vec!["auditor".into()], ..ApiSettings::default() };
    let shop = Shop::set(api, Limits::default()).await;
    let response = shop.ask(Method::DELETE, "/api/customers/4", &[("rulegate-trace", "1")]).await;
    assert_eq!(response.status, 403);
    assert_eq!(shop.ask(Method::DELETE, "/api/customers/4", &[]).await.status, 204);
}
