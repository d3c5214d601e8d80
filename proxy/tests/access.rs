//! `rulegate access` as people run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use serde_json::Value as Json;

#[path = "check/project.rs"]
mod project;
use project::{Project, golden};

const ACCESS: &str = r#"access:
  - role: admin
    resource: "*"
    all: true
  - role: [sales, support]
    resource: customers
    read:   note = actor.claim('region')
    update: note = actor.claim('region')
    create: note = actor.claim('region')
    attributes: {hidden: [credit_limit], read_only: [balance, orders]}
    set: {orders_open: 0, balance: 0}
  - role: sales
    resource: items
    all: true
  - role: sales
    resource: orders
    all: true
    attributes: {read_only: [customer]}
    set: {customer: actor.claim('customer')}
  - role: support
    resource: orders
    read: status in actor.claim('statuses')
    delete: shipped is null and status <> 'paid'
  - role: "*"
    resource: products
    read: true
    attributes: {hidden: [weight]}
  - every_role_but: [admin]
    every_resource_with: shipped
    read: |
      shipped is null
      or shipped < today
"#;

async fn shop(name: &str) -> Project {
    Project::new(name, &[("access/shop.yaml", ACCESS)]).await
}

#[tokio::test]
async fn the_matrix_is_a_table_for_people_and_a_document_for_programs() {
    let project = shop("access-matrix").await;
    for (format, name) in [("text", "access.txt"), ("markdown", "access.md"), ("json", "access.json")] {
        let output = project.run("access", &["--format", format]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        golden(name, &output.stdout);
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("note: no authentication"));
    }
}

#[tokio::test]
async fn one_role_can_be_asked_for_and_a_misspelt_one_is_refused() {
    let project = shop("access-role").await;
    let output = project.run("access", &["--format", "json", "--role", "support"]);
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    let cells = document["access"].as_array().unwrap();
    assert!(cells.iter().all(|cell| cell["role"] == "support"), "{document}");
    let orders = cells.iter().find(|cell| cell["resource"] == "orders").unwrap();
    assert_eq!((&orders["create"], &orders["update"]), (&Json::Bool(false), &Json::Bool(false)));
    assert_eq!(orders["delete"], "shipped is null and status <> 'paid'");
    let output = project.run("access", &["--role", "suport"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.ends_with("no access file names the role `suport` (did you mean `support`?)\n"), "{text}");
}

#[tokio::test]
async fn files_with_problems_show_them_instead() {
    let project = Project::new("access-wrong", &[("access/shop.yaml", "access: [{role: a}]\n")]).await;
    let output = project.run("access", &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8(output.stderr).unwrap().ends_with("1 problem\n"));
}
