//! Replicas: reads come from them, writes never do, and without them everything is served by the primary.

use std::sync::Arc;

use dialects::{Dialect, Options, Pool};
use proxy::app::App;
use proxy::server::Settings;
use proxy::state::load::Blueprint;
use serde_json::{Value as Json, json};
use tests::Database;
use tests::private::Private;
use tests::server::{Reply, Server};

pub(super) const T: &str =
    "create table items (id int primary key, name varchar(20)); insert into items values (1, 'old')";
const FRESH: [(&str, &str); 1] = [("Cache-Control", "max-age=0, No-Cache")];
const JSON_API: (&str, &str) = ("Content-Type", "application/vnd.api+json");

pub(super) async fn serve(primary: &str, replicas: &[&str]) -> Server {
    let pool = Pool::open(primary, Options::default()).unwrap();
    let pool = pool.with_replicas(replicas, &Options::default()).map_err(|(_, error)| error).unwrap();
    let app = Arc::new(App::new(Arc::new(pool), Settings::default()).unwrap());
    app.start(&Blueprint::default()).await.unwrap();
    Server::of(app)
}

#[track_caller]
fn name(reply: &Reply) -> Json {
    assert_eq!(reply.status, 200, "{:?}", String::from_utf8_lossy(&reply.body));
    reply.json()["data"]["attributes"]["name"].clone()
}

pub(super) async fn rename(server: &Server, to: &str) -> Reply {
    let document = json!({"data": {"type": "items", "id": "1", "attributes": {"name": to}}});
    server.ask_with("PATCH /api/items/1", &[JSON_API], document.to_string().as_bytes()).await
}

async fn renamed(server: &Server, to: &str) {
    assert_eq!(name(&rename(server, to).await), to);
}

async fn gauge(server: &Server, state: &str) -> u64 {
    let name = format!("rulegate_db_replicas{{state=\"{state}\"}} ");
    let metrics = server.app.metrics_text().await.unwrap();
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap()
}

#[tokio::test]
async fn a_streaming_replica_is_read_until_it_is_away_and_a_client_that_wants_it_fresh_reads_the_primary() {
    let (primary, mut replica) = Private::with_replica(T).await;
    replica.execute("select pg_wal_replay_pause()").await;
    let server = serve(&primary.url("postgres"), &[&replica.url("postgres")]).await;
    renamed(&server, "new").await;
    assert_eq!(name(&server.ask("GET /api/items/1", &[]).await), "old");
    assert_eq!(name(&server.ask("GET /api/items/1", &FRESH).await), "new");
    let export = server.ask("GET /api/items", &[("Accept", "text/csv")]).await;
    assert!(String::from_utf8_lossy(&export.body).contains("old"));
    replica.execute("select pg_wal_replay_resume()").await;
    while name(&server.ask("GET /api/items/1", &[]).await) != "new" {
        tokio::task::yield_now().await;
    }
    assert_eq!((gauge(&server, "up").await, gauge(&server, "away").await), (1, 0));
    replica.stop();
    renamed(&server, "newer").await;
    assert_eq!(name(&server.ask("GET /api/items/1", &[]).await), "newer");
    assert_eq!((gauge(&server, "up").await, gauge(&server, "away").await), (0, 1));
}

#[tokio::test]
async fn a_table_that_a_replica_has_not_got_yet_is_read_from_the_primary() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let (primary, replica) = (Database::direct(dialect).await, Database::direct(dialect).await);
        primary.execute(T).await;
        let server = serve(&primary.url, &[&replica.url]).await;
        assert_eq!(name(&server.ask("GET /api/items/1", &[]).await), "old");
        let both = server.ask("GET /api/items?filter[id]=1&page[total]=true", &[]).await;
        assert_eq!(both.json()["meta"]["total"], 1);
        replica.execute(&T.replace("old", "of the replica")).await;
        assert_eq!(name(&server.ask("GET /api/items/1", &[]).await), "of the replica");
        renamed(&server, "of the primary").await;
        assert_eq!(name(&server.ask("GET /api/items/1", &[]).await), "of the replica");
        assert_eq!(name(&server.ask("GET /api/items/1", &FRESH).await), "of the primary");
    }
}

#[tokio::test]
async fn of_several_replicas_each_is_read_in_turn_and_the_one_that_is_away_is_left_out() {
    let databases = [Database::create(Dialect::Mysql).await, Database::create(Dialect::Mysql).await];
    for (database, text) in databases.iter().zip(["old", "other"]) {
        database.execute(&T.replace("old", text)).await;
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = format!("mysql://root@{nobody}/x");
    let server = serve(&databases[0].url, &[&databases[0].url, &databases[1].url, &away]).await;
    let mut seen = Vec::new();
    for _ in 0..9 {
        seen.push(name(&server.ask("GET /api/items/1", &[]).await));
    }
    assert!(seen.contains(&json!("old")) && seen.contains(&json!("other")), "{seen:?}");
    assert_eq!((gauge(&server, "up").await, gauge(&server, "away").await), (2, 1));
}

#[tokio::test]
async fn a_replica_of_another_kind_is_refused() {
    let open = |primary: &str, replica: &str| {
        Pool::open(primary, Options::default()).unwrap().with_replicas(&[replica], &Options::default()).err()
    };
    for (primary, replica) in [
        ("postgres://db/x", "mysql://db/x"),
        ("sqlite::memory:", "sqlite::memory:"),
        ("postgres://db/x", "oracle://db/x"),
    ] {
        assert_eq!(open(primary, replica).unwrap().0, 0, "{primary} {replica}");
    }
    assert!(open("postgres://db/x", "postgres://db2/x").is_none());
}
