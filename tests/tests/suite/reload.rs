//! Reload while requests are answered: each answer comes from one whole snapshot, and what is not sound changes nothing.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dialects::Dialect;
use futures_util::future::join_all;
use proxy::app::App;
use proxy::app::reload::Source;
use proxy::config::project::Project;
use proxy::config::{Config, DatabaseUrl, Given};
use proxy::server;
use tests::Database;
use tests::database::ALL;
use tests::server::Server;

const TABLE: &str = "create table things (id integer primary key, a integer, b integer, c integer);
    insert into things values (1, 1, 2, 3);";

/// A project folder that goes with the test, in front of a database.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("rg-reload-{:016x}", fastrand::u64(..)));
        for part in ["rules", "access"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    /// A model in which every column has the same ending.
    fn name_columns(&self, ending: &str) {
        let mut columns = String::new();
        for column in ["a", "b", "c"] {
            write!(columns, "{column}: {{name: {column}_{ending}}}, ").unwrap();
        }
        self.write("model.yaml", &format!("tables: {{things: {{columns: {{{columns}}}}}}}\n"));
    }

    async fn serve(&self, database: &Database) -> Arc<App> {
        let url = Some(DatabaseUrl::from(database.url.clone()));
        let given = Given { project: Some(self.0.clone()), database_url: url, ..Given::default() };
        let config = Config::load(given.clone()).unwrap();
        let blueprint = config.blueprint.clone();
        let source = Source { project: Project::of_files(given, config.clone()), certificates: None };
        let app = App::new(database.pool.clone(), config.server).unwrap().reloading_from(source);
        app.start(&blueprint).await.unwrap();
        Arc::new(app)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn things(dialect: Dialect) -> Database {
    let database = Database::create(dialect).await;
    database.execute(TABLE).await;
    database
}

/// The names of the attributes of the one row.
async fn names(server: &Server) -> Vec<String> {
    let document = server.ask("GET /api/things/1", &[]).await.json();
    let attributes = document["data"]["attributes"].as_object().unwrap();
    attributes.keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_every_answer_comes_from_one_whole_snapshot() {
    for dialect in ALL {
        let (database, folder) = (things(dialect).await, Folder::new());
        folder.name_columns("0");
        let app = folder.serve(&database).await;
        let server = Server::of(app.clone());
        let (over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
        let ask = async || {
            while !over.load(Ordering::Relaxed) {
                let names = names(&server).await;
                let endings: Vec<&str> = names.iter().map(|name| &name[2..]).collect();
                assert!(endings.len() == 3 && endings.iter().all(|e| *e == endings[0]), "{names:?}");
                answers.fetch_add(1, Ordering::Relaxed);
            }
        };
        let change = async {
            for round in 1..=20 {
                folder.name_columns(&round.to_string());
                app.reload("a test").await.unwrap();
                assert!(names(&server).await[0].ends_with(&format!("_{round}")));
            }
            over.store(true, Ordering::Relaxed);
        };
        tokio::join!(join_all((0..4).map(|_| ask())), change);
        assert!(answers.load(Ordering::Relaxed) > 20, "{dialect:?}");
    }
}

#[tokio::test]
async fn what_is_not_sound_changes_nothing_and_the_metrics_say_so() {
    let (database, folder) = (things(Dialect::Sqlite).await, Folder::new());
    folder.name_columns("x");
    let app = folder.serve(&database).await;
    let server = Server::of(app.clone());
    let before = names(&server).await;
    for (name, text) in [
        ("model.yaml", "tables: {nothing: {}}\n"),
        ("model.yaml", "tables: [\n"),
        ("rulegate.yaml", "api: {page_sise: 1}\n"),
        ("rules/a.yaml", "rules: [{derive: things.nothing, as: a}]\n"),
        ("access/a.yaml", "access: [{role: a, resource: nothing, read: true}]\n"),
        // Right, but nobody is known for whom it could hold.
        ("access/a.yaml", "access: [{role: a, resource: things, read: true}]\n"),
    ] {
        let sound = std::fs::read(folder.0.join(name)).ok();
        folder.write(name, text);
        assert!(app.reload("a test").await.is_err(), "{text}");
        assert_eq!(names(&server).await, before, "{text}");
        let metrics = app.metrics_text().await.unwrap();
        assert!(metrics.contains("rulegate_snapshot_last_reload_successful 0"), "{text}");
        match sound {
            Some(sound) => std::fs::write(folder.0.join(name), sound).unwrap(),
            None => std::fs::remove_file(folder.0.join(name)).unwrap(),
        }
        app.reload("a test").await.unwrap();
        let metrics = app.metrics_text().await.unwrap();
        assert!(metrics.contains("rulegate_snapshot_last_reload_successful 1"), "{text}");
    }
}

#[tokio::test]
async fn a_reload_sees_the_schema_and_says_which_settings_need_a_restart() {
    for dialect in ALL {
        let (database, folder) = (things(dialect).await, Folder::new());
        let app = folder.serve(&database).await;
        let server = Server::of(app.clone());
        assert_eq!(names(&server).await, ["a", "b", "c"]);
        database.execute("alter table things add column d integer").await;
        folder.write(
            "rulegate.yaml",
            "limits: {body_bytes: 5}\nserver: {listen: '127.0.0.1:1'}\napi: {page_size: 5}\n",
        );
        let done = app.reload("a test").await.unwrap();
        assert_eq!(done.restart, ["server.listen", "limits.body_bytes"]);
        assert_eq!(names(&server).await, ["a", "b", "c", "d"], "{dialect:?}");
        assert_eq!(app.snapshot().unwrap().api.page_size, 5);
    }
}

#[tokio::test]
async fn files_that_change_are_taken_up_also_behind_a_symbolic_link() {
    let (database, folder) = (things(Dialect::Sqlite).await, Folder::new());
    for version in ["1", "2"] {
        std::fs::create_dir(folder.0.join(version)).unwrap();
        folder.name_columns(version);
        std::fs::rename(folder.0.join("model.yaml"), folder.0.join(version).join("model.yaml")).unwrap();
    }
    // As a mounted ConfigMap has it: the file is a link through a link, which is exchanged.
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.0.join(name)).unwrap();
    link("1", "..data");
    link("..data/model.yaml", "model.yaml");
    let app = folder.serve(&database).await;
    let server = Server::of(app.clone());
    assert!(names(&server).await[0].ends_with("_1"));
    let before = app.fingerprint();
    let changed = async {
        link("2", "..next");
        std::fs::rename(folder.0.join("..next"), folder.0.join("..data")).unwrap();
        while !names(&server).await[0].ends_with("_2") {}
    };
    tokio::select! {
        () = app.watch(before) => unreachable!("it goes on"),
        changed = tokio::time::timeout(tests::server::PATIENCE, changed) => changed.unwrap(),
    }
}

#[tokio::test]
async fn the_admin_listener_reloads_when_it_is_asked_to_by_a_program() {
    let (database, folder) = (things(Dialect::Sqlite).await, Folder::new());
    let app = folder.serve(&database).await;
    let running = server::serve_admin(app.clone(), server::bind("127.0.0.1:0").unwrap()).unwrap();
    let admin = Server { app: app.clone(), address: running.address, running };
    let get = admin.ask("GET /reload", &[]).await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    assert_eq!(admin.ask("POST /reload", &[("Origin", "https://a.example")]).await.status, 403);
    let done = admin.ask("POST /reload", &[]).await;
    assert_eq!(done.status, 200);
    assert!(done.json()["hash"].is_string());
    folder.write("model.yaml", "tables: {nothing: {}}\n");
    let refused = admin.ask("POST /reload", &[]).await;
    assert_eq!(refused.status, 422);
    assert!(String::from_utf8(refused.body).unwrap().contains("model.yaml:1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_the_database_reloads() {
    let (database, folder) = (Database::direct(Dialect::Postgres).await, Folder::new());
    database.execute(TABLE).await;
    let app = folder.serve(&database).await;
    let server = Server::of(app.clone());
    let has = async |column: &str| while !names(&server).await.iter().any(|name| name == column) {};
    let changed = async {
        database.execute("alter table things add column d integer; notify rulegate_reload").await;
        has("d").await;
        // Those who listen are cut off, and the change that they did not hear of is seen all the same.
        database
            .execute(
                "select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and query = 'listen \"rulegate_reload\"';
                alter table things add column e integer; notify rulegate_reload",
            )
            .await;
        has("e").await;
    };
    let notices = app.notices().await;
    tokio::select! {
        () = notices.heed() => unreachable!("it goes on"),
        changed = tokio::time::timeout(tests::server::PATIENCE, changed) => changed.unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_without_notices_are_not_asked_for_them() {
    for dialect in [Dialect::Mysql, Dialect::Sqlite] {
        let (database, folder) = (things(dialect).await, Folder::new());
        let app = folder.serve(&database).await;
        let heeded = tokio::time::timeout(std::time::Duration::from_millis(50), app.notices().await.heed());
        assert!(heeded.await.is_err(), "{dialect:?}: it waits for ever");
        let metrics = app.metrics_text().await.unwrap();
        assert!(metrics.contains("rulegate_snapshot_last_reload_successful 1"));
    }
}
