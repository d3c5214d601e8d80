//! How long things take: in the log where statements are slow, and in answers where that is wanted.

use std::time::Duration;

use dialects::Dialect;
use proxy::state::{ApiSettings, Limits};
use tests::log::Log;
use tests::shop::{SHOP, item};
use tests::{Database, Service};

async fn shop(dialect: Dialect, slow_statement: Option<Duration>) -> Service {
    let database = Database::create(dialect).await;
    database.execute(&(SHOP.sql)(dialect)).await;
    Service::serve_within(database, SHOP.rules, Limits { slow_statement, ..Limits::default() }).await
}

#[tokio::test]
async fn slow_statements_are_lines_without_their_values() {
    for (dialect, placeholder) in [(Dialect::Postgres, "$1"), (Dialect::Mysql, "?"), (Dialect::Sqlite, "?")] {
        let log = Log::start();
        let shop = shop(dialect, Some(Duration::ZERO)).await;
        shop.get_with("/api/orders?filter[notes]=s3cret&include=items", "x-request-id", "r-17")
            .await
            .expect(200);
        let lines = log.of("slow");
        let line = &lines[0];
        assert_eq!(
            (&line["message"], &line["request_id"]),
            (&"slow statement".into(), &"r-17".into()),
            "{line}"
        );
        let sql = line["sql"].as_str().unwrap();
        assert!(sql.starts_with("select ") && sql.contains(placeholder), "{line}");
        assert!(line["elapsed_ms"].as_f64().unwrap() > 0.0 && line["statements"] == 1, "{line}");
        assert!(!log.text().contains("s3cret"), "{}", log.text());
    }
}

#[tokio::test]
async fn of_a_write_each_step_is_told_that_is_slow() {
    let log = Log::start();
    let shop = shop(Dialect::Postgres, Some(Duration::ZERO)).await;
    shop.post("/api/items", item("1", "1", 1)).await.expect(201);
    let lines = log.of("slow");
    assert!(lines.iter().any(|line| line["sql"].as_str().unwrap().contains("insert into ")), "{lines:?}");
    assert!(lines.iter().all(|line| line["request_id"] == lines[0]["request_id"]), "{lines:?}");
}

#[tokio::test]
async fn statements_that_are_not_slow_are_not_logged_nor_is_any_where_that_is_off() {
    let log = Log::start();
    for slow in [Some(Duration::from_secs(60)), None] {
        let shop = shop(Dialect::Sqlite, slow).await;
        shop.get("/api/orders").await.expect(200);
    }
    assert!(log.of("slow").is_empty(), "{}", log.text());
}

#[tokio::test]
async fn answers_say_how_long_they_took_where_that_is_wanted() {
    let settings = ApiSettings { server_timing: true, ..ApiSettings::default() };
    let timed = Service::start_with(Dialect::Sqlite, SHOP, settings).await;
    for answer in [
        timed.get("/api/orders?include=items").await,
        timed.post("/api/items", item("1", "1", 1)).await,
        timed.get("/api/nothing").await,
    ] {
        let timing = answer.headers["server-timing"].to_str().unwrap().to_owned();
        let parts: Vec<(&str, &str)> =
            timing.split(", ").map(|part| part.split_once(";dur=").unwrap()).collect();
        let [("db", database), ("total", total)] = parts[..] else { panic!("{timing}") };
        let (database, total): (f64, f64) = (database.parse().unwrap(), total.parse().unwrap());
        assert!(0.0 <= database && database <= total, "{timing}");
        assert_eq!(database > 0.0, answer.status != 404, "{timing}");
    }
    let silent = Service::start(Dialect::Sqlite, SHOP).await;
    assert!(!silent.get("/api/orders").await.headers.contains_key("server-timing"));
}
