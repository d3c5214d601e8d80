//! The roles of the documentation do what it says, with its very statements; what a role may not is told by a code of its own, and before.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use dialects::{Dialect, Options, Pool};
use http::Method;
use proxy::run::receipts;
use proxy::run::verify::memory;
use proxy::run::verify::{self, Context, Report};
use proxy::state::load::{Blueprint, load};
use tests::client::{request, with_body, with_header};
use tests::log::Log;
use tests::server::Server;
use tests::shop::{SHOP, item};
use tests::{Database, Document, Service};

/// A shop, and the roles that a page's statements make in it.
struct Granted {
    database: Database,
    name: String,
}

/// The statements of the page for a dialect, a text for each block.
fn documented(dialect: Dialect) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/database-role.md");
    let page = std::fs::read_to_string(page).unwrap();
    let title = if dialect == Dialect::Postgres { "\n## PostgreSQL\n" } else { "\n## MySQL and MariaDB\n" };
    let section = page.split_once(title).unwrap().1.split("\n## ").next().unwrap();
    let blocks = section.split("```sql\n").skip(1);
    blocks.map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

impl Granted {
    async fn new(dialect: Dialect) -> Self {
        let database = Database::direct(dialect).await;
        database.execute(&(SHOP.sql)(dialect)).await;
        let name = database.url.rsplit('/').next().unwrap().to_owned();
        Self { database, name }
    }

    /// Runs the block that holds some words, with names of its own for the database and the roles.
    async fn grant(&self, words: &str) {
        let blocks = documented(self.database.dialect());
        let block = blocks.iter().find(|block| block.contains(words)).unwrap_or_else(|| panic!("{words}"));
        let block = block.replace("database shop ", &format!("database {} ", self.name));
        let block = block.replace("shop.", &format!("{}.", self.name));
        self.database.execute(&block.replace("shop_", &format!("{}_", self.name))).await;
    }

    fn url(&self, role: &str) -> String {
        let (start, place) = self.database.url.split_once('@').unwrap();
        let scheme = start.split_once("://").unwrap().0;
        format!("{scheme}://{}_{role}:a-password@{place}", self.name)
    }

    fn pool(&self, role: &str) -> Arc<Pool> {
        Arc::new(Pool::open(&self.url(role), Options::default()).unwrap())
    }

    async fn service(&self, role: &str) -> Service {
        Service::serve(Database::foreign(&self.url(role)), SHOP.rules).await
    }

    async fn set_up(&self) {
        let pool = self.pool("setup");
        assert!(memory::create(&pool).await.unwrap() && receipts::create(&pool).await.unwrap());
        memory::read(&pool).await.unwrap();
    }

    async fn verify(&self, repair: bool) -> Result<Report, verify::Failure> {
        let (pool, blueprint) = (self.pool("verify"), blueprint());
        let snapshot = Arc::new(load(&pool, &blueprint).await.unwrap().snapshot);
        let options = verify::Options { batch_rows: 100, listed_max: 20, repair, resume: false };
        let context = Context { pool: &pool, snapshot: &snapshot };
        verify::run(context, options, &mut |_| ControlFlow::Continue(())).await
    }

    /// Takes the roles away; those of a test that fails stay.
    async fn end(self, roles: &[&str]) {
        for role in roles {
            let role = format!("{}_{role}", self.name);
            self.database
                .execute(&match self.database.dialect() {
                    Dialect::Postgres => format!("drop owned by {role} cascade; drop role {role}"),
                    _ => format!("drop user '{role}'@'%'"),
                })
                .await;
        }
    }
}

fn blueprint() -> Blueprint {
    let rule_files = SHOP.rules.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    Blueprint { rule_files, ..Blueprint::default() }
}

#[tokio::test]
async fn the_documented_roles_may_do_what_the_page_says() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let shop = Granted::new(dialect).await;
        for role in ["app", "reader", "setup"] {
            let create =
                if dialect == Dialect::Postgres { "create role shop_" } else { "create user 'shop_" };
            shop.grant(&format!("{create}{role}")).await;
        }
        shop.set_up().await;
        shop.grant("rulegate_verifications to").await;
        assert_eq!(load(&shop.pool("app"), &blueprint()).await.unwrap().privileges, [""; 0]);

        let service = shop.service("app").await;
        let sent = with_body(request(Method::POST, "/api/items"), &item("1", "2", 1).into());
        let sent = with_header(sent, "idempotency-key", "k");
        let first = service.send(sent.clone()).await;
        assert_eq!(
            (first.expect(201), service.balance(1).await),
            (service.send(sent).await.expect(201), "153.00".into())
        );
        let quantity = Document::of("items").id("1").attribute("quantity", 3);
        service.patch("/api/items/1", quantity).await.expect(200);
        service.delete("/api/items/1").await.expect(204);

        shop.verify(false).await.unwrap();
        shop.database.execute("update customers set balance = 3 where id = 1").await;
        assert!(!shop.verify(false).await.unwrap().is_fine());
        assert!(shop.verify(true).await.is_err(), "without the grant for it nothing is mended");
        shop.grant(if dialect == Dialect::Postgres { "grant update on all" } else { "grant update on shop" })
            .await;
        assert!(shop.verify(true).await.unwrap().is_fine());

        let reader = shop.service("reader").await;
        reader.get("/api/orders").await.expect(200);
        reader.post("/api/items", item("1", "2", 1)).await.refused(500, "database-privilege");
        shop.end(&["app", "reader", "setup", "verify"]).await;
    }
}

#[tokio::test]
async fn a_role_that_may_not_change_what_rules_set_is_warned_of_and_told_by_a_code_of_its_own() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let shop = Granted::new(dialect).await;
        match dialect {
            Dialect::Postgres => {
                shop.grant("create role shop_app").await;
                shop.database.execute(&format!("revoke update on orders from {}_app", shop.name)).await;
                let found = load(&shop.pool("app"), &blueprint()).await.unwrap().privileges;
                assert!(
                    !found.is_empty() && found.iter().all(|it| it.contains("update public.orders")),
                    "{found:?}"
                );
                let grant = format!("`grant update on public.orders to {}_app`", shop.name);
                assert!(
                    found[0].ends_with(&grant) && found[0].contains("`orders.amount_total`"),
                    "{found:?}"
                );
            }
            _ => {
                let (name, app) = (&shop.name, format!("'{}_app'@'%'", shop.name));
                let others = ["customers", "items", "products", "employees"];
                let others =
                    others.map(|table| format!("grant insert, update, delete on {name}.{table} to {app};"));
                let script = format!(
                    "create user {app} identified by 'a-password'; grant select, references on {name}.* to {app};"
                );
                shop.database
                    .execute(&format!(
                        "{script}{}grant insert, delete on {name}.orders to {app}",
                        others.concat()
                    ))
                    .await;
                assert_eq!(load(&shop.pool("app"), &blueprint()).await.unwrap().privileges, [""; 0]);
            }
        }
        let service = shop.service("app").await;
        let refused = service.post("/api/items", item("1", "2", 1)).await.refused(500, "database-privilege");
        assert!(!refused.to_string().contains("orders"), "{refused}");
        service.get("/api/orders").await.expect(200);
        shop.end(&["app"]).await;
    }
}

#[tokio::test]
async fn a_role_that_may_only_read_is_one_warning_at_the_start() {
    let shop = Granted::new(Dialect::Postgres).await;
    shop.grant("create role shop_reader").await;
    let log = Log::start();
    let server = Server::start(&Database::foreign(&shop.url("reader")), SHOP, Default::default()).await;
    let warned = log.text().lines().filter(|line| line.contains("may read and nothing else")).count();
    assert_eq!(warned, 1, "{}", log.text());
    assert_eq!(server.ask("DELETE /api/items/1", &[]).await.status, 500);
    shop.end(&["reader"]).await;
}
