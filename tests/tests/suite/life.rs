//! What happens to a running server, as a process of its own: replaced, left by its database, given other files, short of descriptors.

mod log;
mod outage;
mod places;
mod rolling;
mod sqlite;
mod swaps;
mod tls;

use dialects::Dialect;
use tests::Database;
use tests::life::folder::Folder;
use tests::shop::SHOP;

/// The product.
const PROGRAM: &str = env!("CARGO_BIN_EXE_rulegate-lived");

/// A project folder with the shop's rules and a configuration.
fn project(configuration: &str) -> Folder {
    let mut files = vec![("rulegate.yaml", configuration)];
    files.extend(SHOP.rules);
    Folder::new(&files)
}

/// The shop, in which everybody may owe as much as he likes.
async fn fill(database: &Database) {
    database.execute(&(SHOP.sql)(database.dialect())).await;
    database.execute("update customers set credit_limit = 1000000").await;
}

async fn shop(dialect: Dialect) -> Database {
    let database = Database::direct(dialect).await;
    fill(&database).await;
    database
}
