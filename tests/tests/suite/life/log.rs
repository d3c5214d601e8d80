//! What a collector of logs reads.

use dialects::Dialect;
use serde_json::Value as Json;
use tests::life::process::{Process, Start};

use super::{PROGRAM, project, shop};

/// The messages of all lines, each of which must be an object.
fn messages(process: &Process) -> Vec<String> {
    let told = process.told();
    let lines =
        told.lines().map(|line| serde_json::from_str::<Json>(line).unwrap_or_else(|_| panic!("{line}")));
    lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn with_json_logs_every_line_that_serve_prints_is_an_object() {
    let (database, project) = (shop(Dialect::Sqlite).await, project(""));
    let json = vec!["--log-format".to_owned(), "json".to_owned()];
    let mut start = Start { arguments: json, ..Start::new(PROGRAM, &project, &database.url) };
    let mut process = start.ready().await;
    process.stopped().await;
    let all = messages(&process);
    for part in
        ["in front of sqlite:", "API    http://", "8 tables on SQLite", "no authentication", "stopping"]
    {
        assert_eq!(all.iter().filter(|message| message.contains(part)).count(), 1, "{part}: {all:?}");
    }
    start.database = "sqlite:///nowhere/at/all.db".into();
    let mut process = start.spawn();
    assert_eq!(process.exited().await.code(), Some(1));
    let all = messages(&process);
    assert!(all.len() == 1 && all[0].contains("there is no file /nowhere/at/all.db"), "{all:?}");
}
