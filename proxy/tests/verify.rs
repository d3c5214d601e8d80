//! `rulegate setup` and `rulegate verify` as people and cron jobs run them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value as Json, json};

const TABLES: &str = "
create table customers (id integer primary key, credit_limit decimal(12,2) not null, balance decimal(12,2) not null);
create table orders (id integer primary key, customer_id integer not null references customers (id), pieces integer not null,
    price decimal(12,2) not null, amount decimal(12,2) not null);
insert into customers values (1, 50, 30), (2, 50, 0), (3, 10, 20);
insert into orders values (1, 1, 2, 10, 20), (2, 1, 1, 10, 10), (3, 3, 2, 10, 20);
";

const RULES: &str = "
derive:
  customers.balance: sum(orders.amount)
  orders.amount: pieces * price
default:
  orders.pieces: 1
constrain:
  customers:
    - check: balance <= credit_limit
      message: too much
";

/// A project with its database, gone at the end.
struct Project(PathBuf);

impl Project {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rulegate-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("rules")).unwrap();
        std::fs::write(folder.join("rules/rules.yaml"), RULES).unwrap();
        let project = Self(folder);
        project.execute(TABLES).await;
        project
    }

    async fn execute(&self, sql: &str) {
        let pool = dialects::Pool::open(&self.url(), dialects::Options::default()).unwrap();
        pool.execute_script(sql).await.unwrap();
        pool.close().await;
    }

    fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.0.join("shop.db").display())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rulegate"));
        command.args(arguments).env("RULEGATE_DATABASE_URL", self.url()).env("RULEGATE_PROJECT", &self.0);
        command.output().unwrap()
    }

    /// The exit code, and what is said on standard output and standard error.
    fn said(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_report_says_what_is_wrong_and_the_exit_code_that_something_is() {
    let project = Project::new("text").await;
    project
        .execute(
            "update customers set credit_limit = 50 where id = 3; update orders set amount = 21 where id = 1",
        )
        .await;
    let expect = "\
orders.pieces: cannot be verified: it is set when the row comes
orders.amount: 3 rows, 1 differ
  1: 21.00, should be 20.00
customers.balance: 3 rows, 1 differ
  1: 30.00, should be 31.00
customers: balance <= credit_limit: 3 rows, fine
3 rules verified, 1 cannot be
this is not remembered: `rulegate setup` makes the table for it
";
    let (code, out, err) = project.said(&["verify"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (1, expect, "2 derived values are not what they should be\n")
    );

    project.execute("update orders set amount = 20 where id = 1").await;
    let (code, out, err) = project.said(&["verify", "--batch-rows", "1"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("3 rules verified, 1 cannot be: everything is as the rules say\n"), "{out}");
}

#[tokio::test]
async fn programs_read_json() {
    let project = Project::new("json").await;
    project.execute("update orders set amount = 21 where id = 1").await;
    let (code, out, err) = project.said(&["verify", "--format", "json"]);
    let told: Json = serde_json::from_str(&out).unwrap();
    let expect = json!({
        "fine": false, "stopped": false, "resumed": false, "remembered": false,
        "rules": [
            {"rule": "orders.pieces", "kind": "derivation", "unverifiable": "it is set when the row comes"},
            {"rule": "orders.amount", "kind": "derivation", "rows": 3, "exceptions": 1, "mended": null,
                "listed": [{"id": "1", "stored": "21.00", "expected": "20.00"}]},
            {"rule": "customers.balance", "kind": "derivation", "rows": 3, "exceptions": 1, "mended": null,
                "listed": [{"id": "1", "stored": "30.00", "expected": "31.00"}]},
            {"rule": "customers: balance <= credit_limit", "kind": "constraint", "rows": 3, "exceptions": 1, "mended": null,
                "listed": [{"id": "3", "values": {"credit_limit": "10.00", "balance": "20.00"}}]},
        ],
    });
    assert_eq!(told, expect, "{out}");
    let told = "2 derived values are not what they should be; constraints are broken once\n";
    assert_eq!((code, err.as_str()), (1, told));
}

#[tokio::test]
async fn setup_says_what_it_did_and_check_what_was_never_verified() {
    let project = Project::new("setup").await;
    let note = |lines: &str| lines.lines().find(|line| line.starts_with("note: ")).map(str::to_owned);
    let (code, out, _) = project.said(&["check"]);
    assert_eq!(code, 0);
    assert!(
        note(&out).unwrap().starts_with("note: whether the rules were ever verified is unknown"),
        "{out}"
    );

    let made = project.said(&["setup"]);
    assert_eq!(
        made,
        (
            0,
            "created `rulegate_verifications`: remembers which rules were verified\n\
             created `rulegate_idempotency`: keeps what was answered to requests that may be repeated\n"
                .into(),
            String::new()
        )
    );
    let there = project.said(&["setup"]);
    let twice = "`rulegate_verifications` is there already\n`rulegate_idempotency` is there already\n";
    assert_eq!(there, (0, twice.into(), String::new()));

    let never = "note: never verified (`rulegate verify`): `orders.amount`, `customers.balance`, `customers: balance <= credit_limit`";
    assert_eq!(note(&project.said(&["check"]).1).as_deref(), Some(never));
    assert_eq!(project.said(&["verify"]).0, 1);
    let broken = "note: verified, and rows left that differ (`rulegate verify --repair`): `customers: balance <= credit_limit`";
    assert_eq!(note(&project.said(&["check"]).1).as_deref(), Some(broken));
    project.execute("update customers set credit_limit = 50").await;
    assert_eq!(project.said(&["verify"]).0, 0);
    assert_eq!(note(&project.said(&["check"]).1), None);
}

#[tokio::test]
async fn wrong_usage_and_errors_have_a_code_of_their_own() {
    let project = Project::new("errors").await;
    let (code, _, err) = project.said(&["verify", "--resume"]);
    assert_eq!(code, 2);
    assert!(err.contains("rulegate setup"), "{err}");
    assert_eq!(project.said(&["verify", "--batch-rows", "0"]).0, 2);
    std::fs::write(project.0.join("rules/rules.yaml"), "derive: {orders.amount: nothing}").unwrap();
    assert_eq!(project.said(&["verify"]).0, 2);
    std::fs::write(project.0.join("rules/rules.yaml"), RULES).unwrap();
    project.execute("drop table orders").await;
    assert_eq!(project.said(&["verify"]).0, 2);
}

#[tokio::test]
async fn repair_mends_what_differs_and_tells_what_is_broken() {
    let project = Project::new("repair").await;
    project
        .execute("update orders set amount = 21 where id = 1; update orders set amount = 5 where id = 3")
        .await;
    let expect = "\
orders.pieces: cannot be verified: it is set when the row comes
orders.amount: 3 rows, 2 differed, 2 mended
  1: 21.00, should be 20.00
  3: 5.00, should be 20.00
customers.balance: 3 rows, 2 differed, 2 mended
  1: 29.00, should be 30.00
  3: 35.00, should be 20.00
customers: balance <= credit_limit: 3 rows, 1 break it
  3: credit_limit 10.00, balance 20.00
3 rules verified, 1 cannot be
this is not remembered: `rulegate setup` makes the table for it
";
    let (code, out, err) = project.said(&["verify", "--repair"]);
    assert_eq!((code, out.as_str(), err.as_str()), (1, expect, "constraints are broken once\n"));
    project.execute("update customers set credit_limit = 50").await;
    assert_eq!(project.said(&["verify"]).0, 0);
    project.execute("update orders set amount = 21 where id = 1").await;
    assert_eq!(project.said(&["verify", "--repair"]).0, 0);
}
