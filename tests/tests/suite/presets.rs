//! What is set in the client's place, by one of several grants: by the first that allows the row as it will be.

use dialects::Value;
use http::Method;
use serde_json::{Value as Json, json};
use tests::client::{request, with_body, with_header};
use tests::database::ALL;
use tests::{Client, Guarded};

const TABLES: &str = "
create table shops (id integer primary key, region varchar(10) not null);
create table deals (id integer primary key, shop_id integer not null, title varchar(20) not null, discount integer, owner varchar(10),
  rebate integer, foreign key (shop_id) references shops(id));
insert into shops values (1, 'north'), (2, 'south'), (3, 'west');
insert into deals values (1, 1, 'first', 5, 'eve', null), (2, 2, 'second', 5, 'eve', null), (3, 3, 'third', 5, 'eve', null);
";

const RULES: &str = "derive: {deals.rebate: discount * 2}";

const ACCESS: &str = "
access:
  - role: '*'
    resource: shops
    all: true
  - role: anywhere
    resource: deals
    all: true
  - role: north
    resource: deals
    all: shop.region = 'north'
    set: {discount: 10, owner: actor.id}
    set_on_update: {discount: 11}
  - role: south
    resource: deals
    all: shop.region = 'south'
    set: {discount: 20, owner: actor.id}
    set_on_update: {discount: 21}
";

/// Somebody with these roles, on each database.
async fn each(roles: &[&str], case: impl AsyncFn(&Guarded, Client)) {
    for dialect in ALL {
        println!("on {dialect:?}");
        let place = Guarded::open(dialect, TABLES, RULES, ACCESS).await;
        let client = place.client("ann", roles, &[("none", Value::Null)]);
        case(&place, client).await;
    }
}

fn deal(id: u32, shop: u32, more: Json) -> Json {
    let mut attributes = json!({"title": "new"});
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let shop = json!({"shop": {"data": {"type": "shops", "id": shop.to_string()}}});
    json!({"data": {"type": "deals", "id": id.to_string(), "attributes": attributes, "relationships": shop}})
}

fn change(id: u32, attributes: Json) -> Json {
    json!({"data": {"type": "deals", "id": id.to_string(), "attributes": attributes}})
}

async fn stored(place: &Guarded, id: u32) -> Vec<String> {
    let query = format!("select discount, owner, rebate from deals where id = {id}");
    place.database.rows(&query, 3).await.remove(0)
}

#[tokio::test]
async fn the_grant_that_allows_a_new_row_says_what_is_set() {
    each(&["north", "south"], async |place, client| {
        client.post("/api/deals", deal(10, 1, json!({}))).await.expect(201);
        client.post("/api/deals", deal(11, 2, json!({}))).await.expect(201);
        client.post("/api/deals", deal(12, 3, json!({}))).await.refused(403, "forbidden");
        assert_eq!(stored(place, 10).await, ["10", "ann", "20"]);
        assert_eq!(stored(place, 11).await, ["20", "ann", "40"]);
        let operations = [(13, 2), (14, 1), (15, 2)]
            .map(|(id, shop)| json!({"op": "add", "data": deal(id, shop, json!({}))["data"]}));
        client.operations(operations.to_vec()).await.expect(200);
        assert_eq!(stored(place, 13).await, ["20", "ann", "40"]);
        assert_eq!(stored(place, 14).await, ["10", "ann", "20"]);
        assert_eq!(stored(place, 15).await, ["20", "ann", "40"]);
    })
    .await;
}

#[tokio::test]
async fn the_grant_that_allows_a_changed_row_says_what_is_set() {
    each(&["north", "south"], async |place, client| {
        client.patch("/api/deals/2", change(2, json!({"title": "x"}))).await.expect(200);
        assert_eq!(stored(place, 2).await, ["21", "eve", "42"]);
        client.patch("/api/deals/1", change(1, json!({"title": "x"}))).await.expect(200);
        assert_eq!(stored(place, 1).await, ["11", "eve", "22"]);
        client.patch("/api/deals/3", change(3, json!({"title": "x"}))).await.refused(404, "not-found");
        client.patch("/api/deals/2", change(2, json!({"discount": 1}))).await.refused(403, "read-only");
        assert_eq!(stored(place, 2).await, ["21", "eve", "42"]);
    })
    .await;
}

/// A grant that sets nothing comes last: what others set need not be given. What is given is set by nobody else.
#[tokio::test]
async fn a_grant_that_sets_nothing_comes_last() {
    each(&["anywhere", "south"], async |place, client| {
        client.post("/api/deals", deal(10, 2, json!({}))).await.expect(201);
        assert_eq!(stored(place, 10).await[..2], ["20", "ann"]);
        client.post("/api/deals", deal(11, 2, json!({"discount": 1}))).await.expect(201);
        assert_eq!(stored(place, 11).await[..2], ["1", "null"]);
        client.post("/api/deals", deal(12, 1, json!({}))).await.expect(201);
        assert_eq!(stored(place, 12).await[..2], ["null", "null"]);
        client.patch("/api/deals/2", change(2, json!({"discount": 7}))).await.expect(200);
        assert_eq!(stored(place, 2).await[..2], ["7", "eve"]);
        client.patch("/api/deals/2", change(2, json!({"discount": 7, "title": "x"}))).await.expect(200);
        assert_eq!(stored(place, 2).await[..2], ["21", "eve"]);
        client.patch("/api/deals/1", change(1, json!({"title": "x"}))).await.expect(200);
        assert_eq!(stored(place, 1).await[..2], ["5", "eve"]);
    })
    .await;
}

#[tokio::test]
async fn an_answer_tells_what_was_set() {
    each(&["south"], async |_, client| {
        let minimal = |body: &Json, method, target| {
            with_header(with_body(request(method, target), body), "Prefer", "return=minimal")
        };
        let change = change(2, json!({"title": "x"}));
        let changed = client.send(minimal(&change, Method::PATCH, "/api/deals/2")).await.expect(200);
        assert_eq!(changed["data"]["attributes"]["discount"], 21);
        let sent = deal(10, 2, json!({}));
        let added = client.send(minimal(&sent, Method::POST, "/api/deals")).await.expect(201);
        assert_eq!(added["data"]["attributes"]["owner"], "ann");
    })
    .await;
}

/// What a row was may be by one grant, what it becomes by another: that one says what is set.
#[tokio::test]
async fn a_row_may_move_from_one_grant_to_another() {
    each(&["north", "south"], async |place, client| {
        let shop = json!({"shop": {"data": {"type": "shops", "id": "2"}}});
        let moved = json!({"data": {"type": "deals", "id": "1", "relationships": shop}});
        client.patch("/api/deals/1", moved).await.expect(200);
        assert_eq!(stored(place, 1).await, ["21", "eve", "42"]);
    })
    .await;
}

/// Rows that come and leave through the relationship of another are changed as well.
#[tokio::test]
async fn what_moves_by_a_relationship_of_another_row_is_set_too() {
    each(&["north", "south"], async |place, client| {
        let members = |ids: &[u32]| -> Json {
            ids.iter().map(|id| json!({"type": "deals", "id": id.to_string()})).collect()
        };
        client.relate(Method::POST, "/api/shops/2/relationships/deals", members(&[1])).await.expect(204);
        assert_eq!(stored(place, 1).await, ["21", "eve", "42"]);
        client.relate(Method::POST, "/api/shops/1/relationships/deals", members(&[1, 2])).await.expect(204);
        assert_eq!(stored(place, 1).await, ["11", "eve", "22"]);
        assert_eq!(stored(place, 2).await, ["11", "eve", "22"]);
        let refused = client.relate(Method::POST, "/api/shops/3/relationships/deals", members(&[1])).await;
        refused.refused(403, "forbidden");
    })
    .await;
}

/// A key that one grant sets and another leaves open, and a value that does not fit: only whom such a grant allows the row is told.
#[tokio::test]
async fn a_grant_that_leaves_a_column_without_a_value_comes_last() {
    let tables = "create table plans (owner varchar(10) not null primary key, plan varchar(10) not null, size integer);";
    let access = "
access:
  - role: member
    resource: plans
    read: true
    create: plan = 'free'
    set: {owner: actor.id}
  - role: staff
    resource: plans
    read: true
    create: plan <> 'none'
  - role: sized
    resource: plans
    create: plan = 'sized'
    set: {size: actor.claim('size')}
";
    for dialect in ALL {
        println!("on {dialect:?}");
        let place = Guarded::open(dialect, tables, "{}", access).await;
        let plan = |plan: &str| json!({"data": {"type": "plans", "attributes": {"plan": plan}}});
        let with_id =
            |plan: &str| json!({"data": {"type": "plans", "id": "bob", "attributes": {"plan": plan}}});
        let ann = place.client("ann", &["member", "staff"], &[]);
        ann.post("/api/plans", plan("pro")).await.refused(422, "required");
        ann.post("/api/plans", plan("none")).await.refused(403, "forbidden");
        ann.post("/api/plans", plan("free")).await.expect(201);
        ann.post("/api/plans", with_id("pro")).await.expect(201);
        let long = place.client("somebody with a long name", &["member"], &[]);
        long.post("/api/plans", plan("free")).await.refused(422, "invalid-value");
        let huge = [("size", Value::Int(i64::MAX))];
        let sized = place.client("cyd", &["sized", "staff"], &huge);
        sized
            .post(
                "/api/plans",
                json!({"data": {"type": "plans", "id": "cyd", "attributes": {"plan": "sized"}}}),
            )
            .await
            .expect(201);
        let sized = place.client("cyd", &["sized"], &huge);
        let refused = sized
            .post(
                "/api/plans",
                json!({"data": {"type": "plans", "id": "dee", "attributes": {"plan": "sized"}}}),
            )
            .await;
        if dialect != dialects::Dialect::Sqlite {
            refused.refused(422, "invalid-value");
        }
        assert_eq!(
            place.database.rows("select owner from plans order by owner", 1).await.concat()[..3],
            ["ann", "bob", "cyd"]
        );
    }
}
