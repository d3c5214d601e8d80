//! `rulegate check` as people run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TABLES: &str = "
create table customers (id integer primary key, name varchar(40) not null, credit_limit decimal(12,2) not null,
    balance decimal(12,2) not null default 0, orders_open integer not null default 0, note text);
create table products (id integer primary key, price decimal(12,4) not null, list_price decimal(12,4), weight real);
create table orders (id integer primary key, customer_id integer not null references customers (id), shipped date,
    status varchar(10) not null, amount_total decimal(12,2) not null default 0, discount decimal(5,2));
create table items (id integer primary key, order_id integer not null references orders (id) on delete cascade,
    product_id integer not null references products (id), quantity integer not null, unit_price decimal(12,4) not null,
    amount decimal(12,2) not null default 0);
create table audits (what text);
";

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

/// A project with its database, gone at the end.
struct Project(PathBuf);

impl Project {
    async fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("rulegate-check-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("rules")).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        let project = Self(folder);
        let pool = dialects::Pool::open(&project.url(), dialects::Options::default()).unwrap();
        pool.execute_script(TABLES).await.unwrap();
        pool.close().await;
        project
    }

    fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.0.join("shop.db").display())
    }

    fn check(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rulegate"));
        command.arg("check").args(arguments);
        command.env("RULEGATE_DATABASE_URL", self.url()).env("RULEGATE_PROJECT", &self.0).output().unwrap()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Compares with the golden text; `UPDATE_GOLDEN=1` writes it anew.
#[track_caller]
fn golden(name: &str, found: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let found = String::from_utf8(found.to_vec()).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, found).unwrap();
    } else {
        assert_eq!(found, std::fs::read_to_string(path).unwrap(), "UPDATE_GOLDEN=1 rewrites {name}");
    }
}

#[tokio::test]
async fn twelve_mistakes_are_twelve_problems() {
    let project = Project::new("mistakes", &[("rules/shop.yaml", MISTAKES)]).await;
    let output = project.check(&[]);
    assert_eq!(output.status.code(), Some(1));
    golden("mistakes.txt", &output.stderr);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.ends_with("12 problems\n"), "{text}");
}

#[tokio::test]
async fn what_is_hardly_meant_is_a_warning() {
    let project = Project::new("doubtful", &[("rules/shop.yaml", DOUBTFUL)]).await;
    let output = project.check(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    golden("warnings.txt", &output.stdout);
    assert_eq!(project.check(&["--strict"]).status.code(), Some(1));
}

#[tokio::test]
async fn problems_of_the_other_files_are_shown_alike() {
    let model = "tables:\n  ordres: {hidden: true}\n";
    let project = Project::new("model", &[("model.yaml", model)]).await;
    golden("model.txt", &project.check(&[]).stderr);
    let settings = "api:\n  page_sise: 10\n";
    let project = Project::new("settings", &[("rulegate.yaml", settings)]).await;
    golden("settings.txt", &project.check(&[]).stderr);
}

#[tokio::test]
async fn the_graph_is_mermaid_and_nothing_else() {
    let rules = "derive:\n  customers.balance: sum(orders.amount_total where shipped is null)\n  customers.orders_open: count(orders)\n  \
                 orders.amount_total: sum(items.amount)\n  items.amount: quantity * unit_price\n  items.unit_price: copy(product.price)\n\
                 constrain:\n  customers:\n    - {check: balance <= credit_limit, message: too much}\n";
    let project = Project::new("graph", &[("rules/shop.yaml", rules)]).await;
    let output = project.check(&["--graph"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    golden("graph.mmd", &output.stdout);
}
