//! `rulegate check` as people run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "check/project.rs"]
mod project;
use project::{Project, golden};

/// Twelve things that do not hold, one after the other.
const MISTAKES: &str = r#"derive:
  custmers.balance: sum(orders.amount_total)
  customers.balanse: sum(orders.amount_total where shipped is null)
  customers.balance: sum(orders.status)
  orders.amount_total: sum(item.amount)
  items.amount: quantity * unit_prise
  items.unit_price: copy(product.weight)
  orders.discount: roud(amount_total, 2)
  orders.status: "new"
  customers.orders_open: count(orders where shipped < 5)
default:
  items.quantity: 1 +
constrain:
  products:
    - price > 0
  audits:
    - check: what is not null
      message: "what is {wat}"
"#;

/// What access files get wrong.
const ACCESS_MISTAKES: &str = r#"access:
  - role: admin
    resource: "*"
    all: yes please
  - role: sales
    resource: custmers
    read: true
  - role: sales
    resource: customers
    read: regoin = actor.claim('region')
    update: balance
    create: old.balance = 0
    attributes: {hidden: [id, credit_limt], readonly: [balance]}
  - role: sales
    resource: customers
    read: false
    attributes: {hidden: [owes]}
  - role: clerk
    resource: [orders, items]
    read: customer.name = actor.id
    create: amount_total > actor.claim('least') and shipped = 5
    set: {status: "new", amount_total: actor.id}
  - role: clerk
    every_role_but: [admin]
    resource: orders
    read: true
  - every_role_but: [admin]
    every_resource_with: tenant_id
    all: tenant_id = actor.claim('tenant')
  - every_role_but: []
    resource: products
    all: price > 0
    attributes: {hidden: [price]}
"#;

/// Right, and hardly meant.
const ACCESS_DOUBTFUL: &str = r#"access:
  - role: sales
    resource: customers
    all: credit_limit < 100
    attributes: {read_only: [name]}
  - role: clerk
    resource: customers
    update: note is null
  - role: clerk
    resource: audits
    create: true
  - every_role_but: [admin, sale]
    resource: orders
    all: shipped is null
"#;

/// Right, and hardly meant.
const DOUBTFUL: &str = r#"derive:
  customers.balance: sum(orders.discount)
  orders.amount_total: sum(items.amount where 1 = 1)
  items.unit_price: product.list_price
default:
  orders.discount: nullif(1, 1)
constrain:
  customers:
    - {check: name is not null, message: a customer has a name}
    - {check: balance <= credit_limit, message: too much}
    - {check: balance <= credit_limit, message: far too much}
    - {check: orders_open is null, message: never}
  orders:
    - {check: status <> 'gone', when: 1 = 2, message: never either}
"#;

#[tokio::test]
async fn twelve_mistakes_are_twelve_problems() {
    let project = Project::new("mistakes", &[("rules/shop.yaml", MISTAKES)]).await;
    let output = project.run("check", &[]);
    assert_eq!(output.status.code(), Some(1));
    golden("mistakes.txt", &output.stderr);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.ends_with("12 problems\n"), "{text}");
}

#[tokio::test]
async fn what_is_hardly_meant_is_a_warning() {
    let project = Project::new("doubtful", &[("rules/shop.yaml", DOUBTFUL)]).await;
    let output = project.run("check", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    golden("warnings.txt", &output.stdout);
    assert_eq!(project.run("check", &["--strict"]).status.code(), Some(1));
}

#[tokio::test]
async fn mistakes_in_access_files_are_problems_beside_those_of_the_rules() {
    let rules = "derive:\n  customers.balance: sum(orders.amount_totl)\n  customers.owes: {as: balance > 0, virtual: true}\n";
    let files = [("access/shop.yaml", ACCESS_MISTAKES), ("rules/shop.yaml", rules)];
    let project = Project::new("access-mistakes", &files).await;
    let output = project.run("check", &[]);
    assert_eq!(output.status.code(), Some(1));
    golden("access_mistakes.txt", &output.stderr);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.ends_with("19 problems\n"), "{text}");
}

#[tokio::test]
async fn what_is_hardly_meant_in_access_files_is_a_warning() {
    let access = ("access/shop.yaml", ACCESS_DOUBTFUL);
    let auth = ("rulegate.yaml", "auth: {jwt: {secret_file: secret}}");
    let secret = ("secret", "of thirty-two bytes and some more");
    let project = Project::new("access-doubtful", &[access, auth, secret, ("rule/shop.yaml", "")]).await;
    let output = project.run("check", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    golden("access_warnings.txt", &output.stdout);
    assert_eq!(project.run("check", &["--strict"]).status.code(), Some(1));
}

#[tokio::test]
async fn access_files_without_authentication_are_not_served() {
    let project = Project::new("access-open", &[("access/shop.yaml", ACCESS_DOUBTFUL)]).await;
    let serve: &[&str] = &["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    for (command, arguments) in [("serve", serve), ("check", &[])] {
        let output = project.run(command, arguments);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("there are access files, and no authentication"), "{text}");
    }
}

#[test]
fn whoever_stops_reading_breaks_no_command() {
    for arguments in [&["schema", "rules"][..], &["completions", "bash"], &["check", "--help"]] {
        let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_rulegate"));
        let mut child = run.args(arguments).stdout(std::process::Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[tokio::test]
async fn problems_of_the_other_files_are_shown_alike() {
    let model = "tables:\n  ordres: {hidden: true}\n";
    let project = Project::new("model", &[("model.yaml", model)]).await;
    golden("model.txt", &project.run("check", &[]).stderr);
    let settings = "api:\n  page_sise: 10\n";
    let project = Project::new("settings", &[("rulegate.yaml", settings)]).await;
    golden("settings.txt", &project.run("check", &[]).stderr);
}

#[tokio::test]
async fn the_graph_is_mermaid_and_nothing_else() {
    let rules = "derive:\n  customers.balance: sum(orders.amount_total where shipped is null)\n  customers.orders_open: count(orders)\n  \
                 orders.amount_total: sum(items.amount)\n  items.amount: quantity * unit_price\n  items.unit_price: copy(product.price)\n\
                 constrain:\n  customers:\n    - {check: balance <= credit_limit, message: too much}\n";
    let project = Project::new("graph", &[("rules/shop.yaml", rules)]).await;
    let output = project.run("check", &["--graph"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    golden("graph.mmd", &output.stdout);
}

#[test]
fn a_database_url_of_unknown_form_is_refused_by_every_command_without_its_password() {
    for url in
        ["host=127.0.0.1 password=s3cret user=postgres", "postgres//me:s3cret@a/x", "'mysql://me:s3cret@a/x'"]
    {
        for command in ["serve", "check", "introspect", "openapi", "setup", "verify"] {
            let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_rulegate"));
            let output = run.arg(command).env("RULEGATE_DATABASE_URL", url).output().unwrap();
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert_ne!(output.status.code(), Some(0), "{command}: {said}");
            assert!(said.contains("must begin with postgres://"), "{command}: {said}");
            assert!(!said.contains("s3cret"), "{command}: {said}");
        }
    }
}
