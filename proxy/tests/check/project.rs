//! A project in a folder of its own, with a shop on SQLite, for tests that run the binary.

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

/// A project with its database, gone at the end.
pub(crate) struct Project(PathBuf);

impl Project {
    pub(crate) async fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("rulegate-check-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
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

    /// Runs a command of the binary in it.
    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Output {
        let mut run = Command::new(env!("CARGO_BIN_EXE_rulegate"));
        run.arg(command).args(arguments);
        run.env("RULEGATE_DATABASE_URL", self.url()).env("RULEGATE_PROJECT", &self.0).output().unwrap()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Compares with the golden text; `UPDATE_GOLDEN=1` writes it anew.
#[track_caller]
pub(crate) fn golden(name: &str, found: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let found = String::from_utf8(found.to_vec()).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, found).unwrap();
    } else {
        assert_eq!(found, std::fs::read_to_string(path).unwrap(), "UPDATE_GOLDEN=1 rewrites {name}");
    }
}
