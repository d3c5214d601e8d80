//! A file of SQLite: closed cleanly, only to be read, without room.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dialects::Dialect;
use tests::life::caller::{Caller, Service};
use tests::life::process::{Process, Start};
use tests::server::Reply;
use tests::shop::SHOP;
use tests::{Database, Document};

use super::{PROGRAM, project, shop};

const JSON_API: (&str, &str) = ("Content-Type", "application/vnd.api+json");

fn path(database: &Database) -> PathBuf {
    database.url.trim_start_matches("sqlite://").split('?').next().unwrap().into()
}

/// What lies beside it.
fn logs(path: &Path) -> Vec<&'static str> {
    let exists = |suffix: &&str| Path::new(&format!("{}{suffix}", path.display())).exists();
    ["-wal", "-shm"].into_iter().filter(exists).collect()
}

async fn patch(start: &Start) -> Reply {
    let body = br#"{"data": {"type": "items", "id": "1", "attributes": {"quantity": 2}}}"#;
    Caller::new(&Service::at(start.api)).ask("PATCH /api/items/1", &[JSON_API], body).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_leaves_one_file_with_everything_in_it() {
    let (database, project) = (shop(Dialect::Sqlite).await, project(""));
    database.pool.close().await;
    let file = path(&database);
    assert_eq!(logs(&file), [""; 0]);
    let start = Start::new(PROGRAM, &project, &database.url);
    let mut process = start.ready().await;
    assert_eq!(patch(&start).await.status, 200);
    assert_eq!(logs(&file), ["-wal", "-shm"]);
    process.stopped().await;
    assert_eq!(logs(&file), [""; 0]);
    let again = database.again();
    assert_eq!(again.rows("select quantity from items where id = 1", 1).await, [["2"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_can_only_be_read_is_told_at_the_start_and_served_where_the_url_says_so() {
    let (database, project) = (shop(Dialect::Sqlite).await, project(""));
    // A copy has no log beside it.
    let file = path(&database).with_extension("copy");
    database.execute(&format!("vacuum into '{}'", file.display())).await;
    std::fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
    let url = format!("sqlite://{}", file.display());
    let start = Start { confined: true, ..Start::new(PROGRAM, &project, &url) };
    let mut process: Process = start.spawn();
    assert_eq!(process.exited().await.code(), Some(1));
    let told = process.told();
    assert!(told.contains("can only be read") && told.contains("?mode=ro"), "{told}");
    let start = Start { database: format!("{url}?mode=ro"), ..start };
    let process = start.ready().await;
    let read = Caller::new(&Service::at(start.api)).ask("GET /api/items/1", &[], b"").await.unwrap();
    assert_eq!(read.status, 200);
    patch(&start).await.refused(503, "no-writes");
    assert_eq!(process.status("/readyz").await, Some(200));
    std::fs::remove_file(file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_a_write_is_refused_whole_and_with_room_again_it_is_done() {
    let shop = tests::Service::start(Dialect::Sqlite, SHOP).await;
    let note = || Document::of("orders").id("1").attribute("notes", "x".repeat(500_000));
    shop.database.execute("pragma max_page_count = 1").await;
    shop.patch("/api/orders/1", note()).await.refused(507, "storage-full");
    assert_eq!(shop.database.rows("pragma integrity_check", 1).await, [["ok"]]);
    shop.get("/api/orders/1").await.expect(200);
    shop.database.execute("pragma max_page_count = 1000000").await;
    shop.patch("/api/orders/1", note()).await.expect(200);
}
