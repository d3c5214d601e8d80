//! Introspection of live databases: one fixture for each dialect, whose schema is compared with its golden text.
//!
//! `UPDATE_GOLDEN=1` writes the golden files instead. PostgreSQL and MariaDB are expected on this machine, or where
//! `RULEGATE_TEST_POSTGRES_URL` and `RULEGATE_TEST_MYSQL_URL` say (with a database in which others may be created).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use dialects::{Options, Pool};
use introspect::print::print;

/// Runs a fixture in a database of its own and gives its printed schema.
async fn printed(server: &Server, fixture: &str) -> String {
    let database = server.database().await;
    let pool = Pool::open(&database.url, Options::default()).unwrap();
    pool.execute_script(fixture).await.unwrap();
    let schema = introspect::introspect(&pool, None).await;
    pool.close().await;
    database.drop().await;
    print(&schema.unwrap())
}

fn golden(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, found).unwrap();
    } else {
        assert_eq!(found, std::fs::read_to_string(path).unwrap());
    }
}

#[tokio::test]
async fn postgres_is_read_completely() {
    let server = Server::new("RULEGATE_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres");
    golden("postgres.txt", &printed(&server, include_str!("fixtures/postgres.sql")).await);
}

#[tokio::test]
async fn what_a_role_cannot_read_is_left_out() {
    let server = Server::new("RULEGATE_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres");
    let database = server.database().await;
    let role = format!("{}_reader", database.name);
    let owner = Pool::open(&database.url, Options::default()).unwrap();
    let script = include_str!("fixtures/roles.sql").replace("reader", &role);
    owner.execute_script(&script).await.unwrap();
    let reader = Pool::open(&as_role(&database.url, &role), Options::default()).unwrap();
    let schema = introspect::introspect(&reader, None).await;
    reader.close().await;
    owner.execute_script(&format!("drop owned by {role}; drop role {role}")).await.unwrap();
    owner.close().await;
    database.drop().await;
    golden("roles.txt", &print(&schema.unwrap()));
}

/// The URL for another role, which needs no password on a test server.
fn as_role(url: &str, role: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, place) = rest.split_once('@').unwrap();
    format!("{scheme}://{role}@{place}")
}

#[tokio::test]
async fn mysql_is_read_completely() {
    let server = Server::new("RULEGATE_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306/test");
    golden("mysql.txt", &printed(&server, include_str!("fixtures/mysql.sql")).await);
}

#[tokio::test]
async fn sqlite_is_read_completely() {
    let pool = Pool::open("sqlite::memory:", Options::default()).unwrap();
    pool.execute_script(include_str!("fixtures/sqlite.sql")).await.unwrap();
    golden("sqlite.txt", &print(&introspect::introspect(&pool, None).await.unwrap()));
}

/// A server in which databases can be created.
struct Server {
    url: String,
}

/// A database that lives for one test.
struct Database {
    server: Pool,
    name: String,
    url: String,
}

impl Server {
    fn new(variable: &str, default: &str) -> Self {
        Self { url: std::env::var(variable).unwrap_or_else(|_| default.to_owned()) }
    }

    async fn database(&self) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("rg_introspect_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let server = Pool::open(&self.url, Options::default()).unwrap();
        server.execute_script(&format!("create database {name}")).await.unwrap();
        let (base, _) = self.url.rsplit_once('/').unwrap();
        Database { server, url: format!("{base}/{name}"), name }
    }
}

impl Database {
    async fn drop(self) {
        self.server.execute_script(&format!("drop database {}", self.name)).await.unwrap();
        self.server.close().await;
    }
}
