//! What is kept from somebody is to them as if it were not there: each request about a hidden row is answered, to the letter, as the same request
//! about a row that does not exist, and each that names a hidden attribute or relationship as one with a name that nobody knows.
//!
//! All that an actor can learn all the same: that a unique value is taken (a new row with the id of a hidden one is a duplicate), that a row which they
//! may remove is still in use, that a parent which a rule would add is there already, and the ids that the foreign keys of rows hold which they may read.

use http::Method;
use serde_json::{Value as Json, json};
use tests::Client;
use tests::client::{operations_request, request, with_body, with_header};

use super::world::{Who, World};

/// Rows that the salesman of the north cannot see: of each kind one that is there, and the id of one that is not.
const ROWS: &str = "
insert into customers values (8001, 1, 'Hal', 'south', 77777.5, 77776.25), (8002, 2, 'Ida', 'north', 77777.5, 0);
insert into orders values (7001, 1, 8001, 'bob', 'hidden', 77776.25), (7002, 2, 8002, 'bob', 'hidden', 0);
insert into items values (6001, 1, 7001, 1, 7407, 77776.25);
insert into tags values (9001, 'hidden', 1);
insert into order_tags values (7001, 1), (7001, 9001), (1, 9001);
";

const PAIRS: &[(&str, &str, &str)] = &[
    ("{order}", "7001", "7999"),
    ("{order}", "7002", "7999"),
    ("{customer}", "8001", "8999"),
    ("{customer}", "8002", "8999"),
    ("{item}", "6001", "6999"),
    ("{tag}", "9001", "9999"),
    ("{attribute}", "credit_limit", "credit_limbo"),
    ("{relationship}", "tenant", "tenure"),
];

/// Reads, by what they name.
const READS: &[&str] = &[
    "orders/{order}",
    "orders/{order}?include=items,customer",
    "orders/{order}?fields[orders]=note",
    "orders/{order}/items",
    "orders/{order}/items?page[total]=true",
    "orders/{order}/items?aggregateOf=count(*)",
    "orders/{order}/customer",
    "orders/{order}/tags",
    "orders/{order}/relationships/items",
    "orders/{order}/relationships/customer",
    "orders/{order}/relationships/customer?include=customer",
    "orders/{order}/relationships/tags",
    "orders?filter[id]={order}",
    "orders?filter[id][in]={order},1&page[total]=true",
    "orders?filter[id][ne]={order}&page[total]=estimate",
    "orders?filter[where]=id = {order}",
    "orders?filter[id]={order}&aggregateOf=count(*),sum(amount_total)",
    "orders?filter[search]=hidden{order}",
    "items?filter[order]={order}",
    "items?filter[order.note]=hidden{order}",
    "customers?filter[orders]={order}",
    "customers?filter[orders.id][in]={order}",
    "products?filter[items.order.id]={order}",
    "products?filter[items]={item}",
    "customers/{customer}",
    "customers/{customer}/orders",
    "customers/{customer}/relationships/orders",
    "customers?filter[id][gte]={customer}",
    "orders?filter[customer.id][gte]={customer}",
    "orders?filter[tags]={tag}",
    "orders?filter[tags.id][in]={tag}",
    "orders?filter[tags][ne]={tag}",
    "tags/{tag}",
    "tags/{tag}/orders",
    "tags/{tag}/relationships/orders",
    "items/{item}",
    "items/{item}/order",
    "customers?filter[{attribute}]=1",
    "customers?filter[{attribute}][gt]=1",
    "customers?filter[{attribute}][null]=true",
    "customers?filter={\"name\":\"{attribute}\",\"op\":\"gt\",\"val\":1}",
    "customers?filter[where]={attribute} > 1",
    "customers?filter[where]=balance < {attribute}",
    "customers?sort={attribute}",
    "customers?sort=-{attribute},id",
    "customers?fields[customers]={attribute}",
    "customers?aggregateOf=sum({attribute})",
    "customers?aggregateOf=count(*)&groupBy={attribute}",
    "orders?filter[customer.{attribute}]=1",
    "orders?sort=customer.{attribute}",
    "orders?aggregateOf=max(customer.{attribute})",
    "items?filter[order.customer.{attribute}][gt]=1",
    "orders?include={relationship}",
    "orders?include=customer.{relationship}",
    "orders?filter[{relationship}.name]=one",
    "orders?filter[{relationship}]=1",
    "orders?sort={relationship}.name",
    "orders?fields[orders]={relationship}",
    "orders/1/{relationship}",
    "orders/1/relationships/{relationship}",
];

/// Writes, by what they name: method, target and document.
fn writes() -> Vec<(Method, &'static str, Json)> {
    let (post, patch, delete) = (Method::POST, Method::PATCH, Method::DELETE);
    let order =
        |attributes: Json| json!({"data": {"type": "orders", "id": "{order}", "attributes": attributes}});
    let to_one = |id: &str| json!({"data": {"type": "customers", "id": id}});
    let relink = |id: &str| json!({"data": {"type": "orders", "id": id, "relationships": {"customer": to_one("{customer}")}}});
    let many = |ty: &str, ids: &[&str]| -> Json {
        json!({"data": ids.iter().map(|id| json!({"type": ty, "id": id})).collect::<Vec<_>>()})
    };
    vec![
        (patch.clone(), "orders/{order}", order(json!({"note": "new"}))),
        (patch.clone(), "orders/{order}", order(json!({"amount_total": 1}))),
        (patch.clone(), "orders/{order}", order(json!({"owner": "me", "note": null}))),
        (
            patch.clone(),
            "orders/{order}",
            json!({"data": {"type": "orders", "id": "{order}", "attributes": {"note": "new"}, "meta": {"etag": "\"a.b\""}}}),
        ),
        (delete.clone(), "orders/{order}", Json::Null),
        (delete.clone(), "items/{item}", Json::Null),
        (
            patch.clone(),
            "items/{item}",
            json!({"data": {"type": "items", "id": "{item}", "attributes": {"quantity": 1_000_000}}}),
        ),
        (
            patch.clone(),
            "customers/{customer}",
            json!({"data": {"type": "customers", "id": "{customer}", "attributes": {"region": "north"}}}),
        ),
        (post.clone(), "orders/{order}/relationships/tags", many("tags", &["1"])),
        (delete.clone(), "orders/{order}/relationships/tags", many("tags", &["1"])),
        (patch.clone(), "orders/{order}/relationships/tags", many("tags", &[])),
        (patch.clone(), "orders/{order}/relationships/customer", to_one("1")),
        (
            post.clone(),
            "orders",
            json!({"data": {"type": "orders", "id": "50", "relationships": {"customer": to_one("{customer}")}}}),
        ),
        (
            post.clone(),
            "orders",
            json!({"data": {"type": "orders", "id": "50", "attributes": {"customer_id": 0}, "relationships": {"customer": to_one("{customer}")}}}),
        ),
        (patch.clone(), "orders/1", relink("1")),
        (patch.clone(), "orders/1/relationships/customer", to_one("{customer}")),
        (
            post.clone(),
            "items",
            json!({"data": {"type": "items", "id": "50", "attributes": {"quantity": 1_000_000}, "relationships": {"order": {"data": {"type": "orders", "id": "{order}"}}}}}),
        ),
        (post.clone(), "customers/1/relationships/orders", many("orders", &["{order}"])),
        (post.clone(), "customers/1/relationships/orders", many("orders", &["1", "{order}"])),
        (patch.clone(), "customers/1/relationships/orders", many("orders", &["1", "2", "{order}"])),
        (delete.clone(), "customers/1/relationships/orders", many("orders", &["{order}"])),
        (post.clone(), "orders/1/relationships/tags", many("tags", &["{tag}"])),
        (post.clone(), "orders/2/relationships/tags", many("tags", &["{tag}", "2"])),
        (patch.clone(), "orders/1/relationships/tags", many("tags", &["1", "{tag}"])),
        (delete, "orders/1/relationships/tags", many("tags", &["{tag}"])),
        (
            patch.clone(),
            "customers/1",
            json!({"data": {"type": "customers", "id": "1", "attributes": {"{attribute}": 1}}}),
        ),
        (
            post.clone(),
            "customers",
            json!({"data": {"type": "customers", "id": "50", "attributes": {"name": "New", "region": "north", "{attribute}": 1}}}),
        ),
        (
            patch.clone(),
            "orders/1",
            json!({"data": {"type": "orders", "id": "1", "relationships": {"{relationship}": {"data": null}}}}),
        ),
        (patch, "orders/1/relationships/{relationship}", json!({"data": null})),
        (
            post.clone(),
            "operations",
            json!([{"op": "update", "data": {"type": "orders", "id": "{order}", "attributes": {"note": "x"}}},
            {"op": "update", "data": {"type": "items", "id": "1", "attributes": {"quantity": 1_000_000}}}]),
        ),
        (
            post.clone(),
            "operations",
            json!([{"op": "add", "data": {"type": "orders", "id": "50", "relationships": {"customer": {"data": {"type": "customers", "id": "{customer}"}}}}},
            {"op": "add", "data": {"type": "items", "id": "50", "attributes": {"quantity": 1_000_000}, "relationships": {"order": {"data": {"type": "orders", "id": "1"}}}}}]),
        ),
        (
            post.clone(),
            "operations",
            json!([{"op": "remove", "ref": {"type": "orders", "id": "{order}"}}, {"op": "remove", "ref": {"type": "items", "id": "{item}"}}]),
        ),
        (
            post,
            "operations",
            json!([{"op": "add", "ref": {"type": "orders", "id": "1", "relationship": "tags"}, "data": [{"type": "tags", "id": "{tag}"}]}]),
        ),
    ]
}

/// Asks of everything; tells how many pairs of requests that were.
pub(super) async fn ask(world: &World) -> usize {
    let who = Who { roles: &["sales"], tenant: Some(1), region: Some("north"), id: Some("bob") };
    let client = world.client(who);
    world.database().execute(ROWS).await;
    let before = world.everything().await;
    let mut asked = 0;
    for target in READS {
        for method in [Method::GET, Method::HEAD] {
            asked += pairs(&client, &method, target, &Json::Null, &[]).await;
        }
        asked += pairs(&client, &Method::GET, target, &Json::Null, &[("if-none-match", "*")]).await;
        asked += pairs(&client, &Method::OPTIONS, target, &Json::Null, &[]).await;
    }
    for (method, target, document) in writes() {
        asked += pairs(&client, &method, target, &document, &[]).await;
        asked += pairs(&client, &method, target, &document, &[("rulegate-trace", "1")]).await;
        if !["operations", "orders", "items", "customers"].contains(&target) {
            asked += pairs(&client, &method, target, &document, &[("if-match", "\"a.b\"")]).await;
        }
    }
    assert_eq!(world.everything().await, before, "something was written");
    asked
}

async fn pairs(
    client: &Client,
    method: &Method,
    target: &str,
    document: &Json,
    headers: &[(&str, &str)],
) -> usize {
    let mut asked = 0;
    for (name, hidden, absent) in PAIRS {
        if !target.contains(name) && !document.to_string().contains(name) {
            continue;
        }
        let of = async |word: &str| {
            let named = |text: &str| text.replace(name, word);
            // What else is named is there, and to be seen.
            let others =
                |text: String| PAIRS.iter().fold(text, |text, (name, _, absent)| text.replace(name, absent));
            let (target, document) = (others(named(target)), others(named(&document.to_string())));
            told(client, method, &target, &document, headers, word).await
        };
        let (found, expect) = (of(hidden).await, of(absent).await);
        assert_eq!(found, expect, "{method} {target} {document} {headers:?}: {hidden} beside {absent}");
        asked += 1;
    }
    asked
}

/// Status, headers and document of an answer, without the word by which both differ.
async fn told(
    client: &Client,
    method: &Method,
    target: &str,
    document: &str,
    headers: &[(&str, &str)],
    word: &str,
) -> (u16, Vec<String>, String) {
    let encoded = target.replace(' ', "%20").replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
    let target = format!("/api/{encoded}");
    let document: Json = serde_json::from_str(document).unwrap();
    let request = match (&document, document.as_array()) {
        (Json::Null, _) => request(method.clone(), &target),
        (_, Some(operations)) => operations_request(operations.clone()),
        _ => with_body(request(method.clone(), &target), &document),
    };
    let request = headers.iter().fold(request, |request, (name, value)| with_header(request, name, value));
    let answer = client.quietly(request).await;
    let mut headers: Vec<String> =
        answer.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    let mut body = if answer.body.is_empty() { Json::Null } else { answer.json() };
    for error in body.get_mut("errors").and_then(Json::as_array_mut).into_iter().flatten() {
        error.as_object_mut().unwrap().remove("id");
    }
    let without = |text: String| text.replace(word, "…");
    (answer.status, headers.into_iter().map(without).collect(), without(body.to_string()))
}
