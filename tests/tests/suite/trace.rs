//! `Rulegate-Trace: 1`: the answer tells which rules fired, and why.

use http::Method;
use serde_json::{Value as Json, json};
use tests::client::{request, with_body, with_header};
use tests::shop::{SHOP, item};
use tests::{Answer, Document, Service, on_every_database};

/// Sends a request that asks for a trace.
async fn traced(shop: &Service, method: Method, target: &str, document: Option<Document>) -> Answer {
    let mut request = with_header(request(method, target), "rulegate-trace", "1");
    if let Some(document) = document {
        request = with_body(request, &document.json());
    }
    shop.send(request).await
}

/// A step in short: `items.amount: items 1 amount set 125.00 > 137.50 <- request quantity`.
fn short(step: &Json) -> String {
    let text = |name: &str| step[name].as_str().map(|text| format!(" {text}")).unwrap_or_default();
    let value = match step.get("new") {
        Some(new) => format!(" {} > {new}", step["old"]),
        None => String::new(),
    };
    let causes: Vec<String> = step["causes"].as_array().into_iter().flatten().map(cause).collect();
    let arrow = if causes.is_empty() { "" } else { " <- " };
    let by = step["by"].as_str().unwrap();
    let (ty, id) = (text("type"), text("id"));
    format!("{by}:{ty}{id}{}{}{value}{arrow}{}", text("attribute"), text("effect"), causes.join(", "))
}

fn cause(cause: &Json) -> String {
    let attribute = cause["attribute"].as_str().map(|name| format!(".{name}")).unwrap_or_default();
    format!("{} {}{attribute}", cause["type"].as_str().unwrap(), cause["id"].as_str().unwrap_or("new"))
}

fn steps(document: &Json) -> Vec<String> {
    document["meta"]["trace"].as_array().expect("a trace").iter().map(short).collect()
}

#[tokio::test]
async fn a_changed_quantity_is_followed_to_the_customer() {
    on_every_database(SHOP, async |shop| {
        let change = Document::of("items").id("1").attribute("quantity", 11);
        let answer = traced(shop, Method::PATCH, "/api/items/1", Some(change)).await.expect(200);
        assert_eq!(
            steps(&answer),
            [
                "request: items 1 quantity set 10 > 11",
                "items.unit_price: items 1 pruned",
                "orders.item_count: items 1 pruned",
                "items.amount: items 1 amount set 125.00 > 137.50 <- items 1.quantity",
                "orders.amount_total: orders 1 amount_total set 146.00 > 158.50 <- items 1.amount",
                "customers.balance: customers 1 balance set 146.00 > 158.50 <- orders 1.amount_total",
                "customers: balance <= credit_limit: customers 1 held <- customers 1.balance",
                "items: quantity > 0: items 1 held <- items 1.quantity",
            ]
        );
        assert_eq!(answer["meta"]["trace"][0]["depth"], 0);
        shop.assert_consistent().await;
    })
    .await;
}

#[tokio::test]
async fn a_new_row_stands_under_the_id_that_it_was_given() {
    on_every_database(SHOP, async |shop| {
        let answer = traced(shop, Method::POST, "/api/items", Some(item("3", "2", 2))).await;
        let document = answer.expect(201);
        let first = &document["meta"]["trace"][0];
        assert_eq!(
            (&first["by"], &first["effect"], &first["id"]),
            (&json!("request"), &json!("inserted"), &document["data"]["id"])
        );
    })
    .await;
}

#[tokio::test]
async fn a_removal_answers_with_its_trace_alone() {
    on_every_database(SHOP, async |shop| {
        let answer = traced(shop, Method::DELETE, "/api/items/9", None).await.expect(200);
        assert_eq!(answer.get("data"), None);
        assert_eq!(
            steps(&answer),
            [
                "request: items 9 deleted",
                "orders.item_count: orders 6 item_count set 1 > 0 <- items 9",
                "orders.amount_total: orders 6 amount_total set 62.50 > 0.00 <- items 9",
                "customers.balance: orders 6 pruned",
            ]
        );
        shop.delete("/api/items/8").await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_tells_what_led_to_it() {
    on_every_database(SHOP, async |shop| {
        let change = Document::of("items").id("1").attribute("quantity", 1000);
        let answer = traced(shop, Method::PATCH, "/api/items/1", Some(change)).await;
        answer.refused(422, "constraint-violated");
        let steps = steps(&answer.json());
        let refused: Vec<&String> = steps.iter().filter(|step| step.contains(" refused")).collect();
        assert_eq!(
            refused,
            ["customers: balance <= credit_limit: customers 1 refused <- customers 1.balance"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_write_that_no_rule_looks_at_says_that_nothing_had_to_be_done() {
    on_every_database(SHOP, async |shop| {
        let change = Document::of("products").id("1").attribute("name", "White tea");
        let answer = traced(shop, Method::PATCH, "/api/products/1", Some(change)).await.expect(200);
        assert_eq!(steps(&answer), ["request: products 1 name set \"Black tea\" > \"White tea\""]);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_told_to_who_does_not_ask_and_other_values_are_refused() {
    on_every_database(SHOP, async |shop| {
        let change = || Document::of("items").id("1").attribute("quantity", 9);
        let answer = shop.patch("/api/items/1", change()).await.expect(200);
        assert_eq!(answer["meta"].get("trace"), None);
        for value in ["0", "true", ""] {
            let request = with_body(request(Method::PATCH, "/api/items/1"), &change().json());
            let answer = shop.send(with_header(request, "rulegate-trace", value)).await;
            let error = answer.refused(400, "malformed-request");
            assert_eq!(error["source"], json!({"header": "Rulegate-Trace"}));
        }
    })
    .await;
}
