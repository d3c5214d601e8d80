//! The document as somebody sees it who may do a part.

use introspect::ColumnId;
use rules::Expr;
use rules::policy::{Authority, Grant, Grants, TableAuthority};

use super::*;

fn all() -> Grants {
    Grants { any: vec![Grant::default()], ..Grants::default() }
}

/// Of customers all but what is named, of orders what is given; of employees nothing.
async fn described(orders: impl Fn(&Table) -> TableAuthority, hidden: &[&str]) -> Json {
    let shop = shop().await;
    let authority = |table: &Table| match table.name.as_str() {
        "customers" => TableAuthority {
            read: all(),
            hidden: hidden.iter().map(|name| table.column(name).unwrap()).collect(),
            ..TableAuthority::nothing()
        },
        "orders" => orders(table),
        _ => TableAuthority::nothing(),
    };
    let tables = shop.schema.iter().map(|(_, table)| authority(table)).collect();
    serde_json::from_slice(&document(&shop.seen_with(Authority::new(tables)))).unwrap()
}

fn of(described: &Json, path: &str) -> Vec<String> {
    let mut found: Vec<String> = operations(described)
        .into_iter()
        .filter(|(there, _)| there.starts_with(path))
        .map(|(path, method)| format!("{method} {path}"))
        .collect();
    found.sort();
    found
}

fn column(table: &Table, name: &str) -> ColumnId {
    table.column(name).unwrap()
}

#[tokio::test]
async fn there_is_no_operation_without_a_grant() {
    let nothing = |_: &Table| TableAuthority::nothing();
    let described_ = described(nothing, &["balance"]).await;
    assert_eq!(of(&described_, "/"), ["get /", "get /customers", "get /customers/{id}"]);
    let text = described_.to_string();
    assert!(
        !text.contains("orders") && !text.contains("employees") && !text.contains("\"balance\""),
        "{text}"
    );

    let made = |_: &Table| TableAuthority { create: all(), ..TableAuthority::nothing() };
    let made = described(made, &[]).await;
    assert_eq!(of(&made, "/o"), ["post /operations", "post /orders"]);
    assert_eq!(of(&made, "/customers/{id}/"), [] as [&str; 0]);

    let changed = |_: &Table| TableAuthority { read: all(), update: all(), ..TableAuthority::nothing() };
    let changed = described(changed, &[]).await;
    let expect = [
        "get /orders",
        "get /orders/{id}",
        "get /orders/{id}/customer",
        "get /orders/{id}/relationships/customer",
        "patch /orders/{id}",
        "patch /orders/{id}/relationships/customer",
    ];
    assert_eq!(of(&changed, "/orders"), expect);
    assert_eq!(
        of(&changed, "/customers/{id}/"),
        ["get /customers/{id}/orders", "get /customers/{id}/relationships/orders"]
    );
}

#[tokio::test]
async fn what_every_grant_locks_is_read_only_and_what_every_grant_presets_is_not_required() {
    let orders = |table: &Table| {
        let (shipped, customer) = (column(table, "shipped"), column(table, "customer_id"));
        let placed = column(table, "placed_on");
        let grant = |more: &[ColumnId]| Grant {
            locked: [shipped, placed].into_iter().chain(more.iter().copied()).collect(),
            presets: vec![(placed, Expr::Today)],
            ..Grant::default()
        };
        TableAuthority {
            read: all(),
            create: Grants { any: vec![grant(&[]), grant(&[customer])], ..Grants::default() },
            update: Grants { any: vec![grant(&[customer])], ..Grants::default() },
            ..TableAuthority::nothing()
        }
    };
    let described = described(orders, &[]).await;
    let schemas = &described["components"]["schemas"];
    let attributes = &schemas["orders.attributes"]["properties"];
    assert_eq!(attributes["shipped"]["readOnly"], json!(true));
    assert_eq!(attributes["placed_on"]["readOnly"], json!(true));
    assert_eq!(attributes["total"].get("readOnly"), None);
    let create = &schemas["orders.create"]["properties"]["data"];
    assert_eq!(create["required"], json!(["type", "relationships"]));
    assert_eq!(create["properties"]["relationships"]["allOf"][1], json!({"required": ["customer"]}));
    assert_eq!(schemas["orders.create"]["examples"][0]["data"]["attributes"], json!({"total": 1.5}));
    let update = &schemas["orders.update"]["properties"]["data"];
    assert_eq!(update["properties"]["relationships"]["properties"], json!({}));
    assert_eq!(of(&described, "/orders/{id}/relationships"), ["get /orders/{id}/relationships/customer"]);
}

#[tokio::test]
async fn whoever_is_guarded_from_shows_a_token() {
    let described = described(|_| TableAuthority { read: all(), ..TableAuthority::nothing() }, &[]).await;
    assert_eq!(described["security"], json!([{"bearer": []}]));
    assert_eq!(described["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for (path, method) in operations(&described) {
        let answers = &described["paths"][path][method]["responses"];
        assert!(answers.get("401").is_some() && answers.get("403").is_some(), "{method} {path}");
    }
    let open = super::described().await;
    assert_eq!((open.get("security"), open["components"].get("securitySchemes")), (None, None));
    assert_eq!(open["paths"]["/orders"]["get"]["responses"].get("401"), None);
}
