//! Files that are exchanged under load as a ConfigMap's are, a third of them broken: every answer is of one sound snapshot, and what is not sound
//! shows in the metrics.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dialects::Dialect;
use futures_util::future::join_all;
use serde_json::Value as Json;
use tests::Database;
use tests::life::caller::{Caller, Service};
use tests::life::folder::Folder;
use tests::life::process::{Process, Start};
use tests::life::soak;
use tests::server::{PATIENCE, Reply};

use super::PROGRAM;

const TABLE: &str = "create table things (id integer primary key, a integer, b integer);
    insert into things values (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5);";

const SECRET: &str = "a secret of enough bytes for a test of reloads";

/// Of a size and an ending: what a version of the files shows in every answer.
fn files(version: usize) -> [(&'static str, String); 5] {
    let name = |column: &str| format!("{column}: {{name: {column}_{version}}}");
    let columns = format!("{}, {}", name("a"), name("b"));
    let message = format!("message: 'refused by {version}'");
    [
        (
            "rulegate.yaml",
            format!(
                "api: {{page_size: {}}}\nauth: {{jwt: {{algorithms: [HS256], secret_file: secret}}, anonymous_role: any}}\n",
                size(version)
            ),
        ),
        ("model.yaml", format!("tables: {{things: {{columns: {{{columns}}}}}}}\n")),
        ("rules/a.yaml", format!("constrain: {{things: [{{check: a_{version} < 100, {message}}}]}}\n")),
        ("access/a.yaml", "access: [{role: any, resource: things, read: true, update: true}]\n".to_owned()),
        ("secret", SECRET.to_owned()),
    ]
}

fn size(version: usize) -> usize {
    version % 3 + 1
}

/// Files with something wrong in one of them; `kind`: what.
fn broken(kind: usize) -> [(&'static str, String); 5] {
    let (mut files, [_, _, (_, rules_of_another), ..]) = (files(kind), files(kind + 1));
    let (file, text) = match kind % 6 {
        0 => (0, "api: {page_sise: 1}\n"),
        1 => (1, "tables: {things: {columns: {a: {name: "),
        2 => (1, "tables: {nothing: {}}\n"),
        3 => (2, "constrain: {things: [{check: c < 1, message: no}]}\n"),
        4 => (3, "access: [{role: any, resource: nothing, read: true}]\n"),
        // Each file is sound, and they do not belong together.
        _ => (2, rules_of_another.as_str()),
    };
    files[file].1 = text.to_owned();
    files
}

fn exchange(folder: &Folder, files: &[(&'static str, String)]) {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    folder.exchange(&files);
}

/// The one version that an answer shows.
fn version(reply: &Reply) -> usize {
    let document = reply.json();
    let versions: BTreeSet<usize> = match document["errors"].as_array() {
        Some(errors) => errors.iter().flat_map(of_error).collect(),
        None => {
            let rows = document["data"].as_array().unwrap();
            let names = rows.iter().flat_map(|row| row["attributes"].as_object().unwrap().keys());
            let versions: BTreeSet<usize> = names.map(|name| name[2..].parse().unwrap()).collect();
            assert!(versions.iter().all(|version| rows.len() == size(*version)), "{document}");
            versions
        }
    };
    assert_eq!(versions.len(), 1, "{document}");
    versions.into_iter().next().unwrap()
}

/// By its words, and by the attribute that it points to, where it does.
fn of_error(error: &Json) -> Vec<usize> {
    let detail = error["detail"].as_str().unwrap();
    let said = detail.rsplit_once("refused by ").map(|(_, version)| version.parse().unwrap());
    let pointer = error["source"]["pointer"].as_str().unwrap_or_default();
    let named = pointer.rsplit_once("a_").map(|(_, version)| version.parse().unwrap());
    said.into_iter().chain(named).collect()
}

/// A read and a refused write, until it is over. `valid`: the versions that may be seen by now.
async fn ask(start: &Start, over: &AtomicBool, valid: &Mutex<BTreeSet<usize>>) -> usize {
    let (mut caller, mut answers) = (Caller::new(&Service::at(start.api)), 0);
    while !over.load(Ordering::Relaxed) {
        let reply = caller.ask("GET /api/things", &[], b"").await.unwrap();
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let seen = version(&reply);
        assert!(valid.lock().unwrap().contains(&seen), "{seen}");
        let body =
            format!(r#"{{"data": {{"type": "things", "id": "1", "attributes": {{"a_{seen}": 100}}}}}}"#);
        let headers = [("Content-Type", "application/vnd.api+json")];
        let reply = caller.ask("PATCH /api/things/1", &headers, body.as_bytes()).await.unwrap();
        let next = match reply.status {
            422 if !of_error(&reply.json()["errors"][0]).is_empty() => Some(version(&reply)),
            // The attribute has another name by now.
            400 | 403 | 422 => None,
            _ => panic!("{}", String::from_utf8_lossy(&reply.body)),
        };
        assert!(next.is_none_or(|next| valid.lock().unwrap().contains(&next)), "{next:?}");
        answers += 2;
    }
    answers
}

async fn reload(process: &Process) -> u16 {
    process.ask("POST /reload").await.unwrap().status
}

async fn snapshot(process: &Process) -> String {
    let text = String::from_utf8(process.ask("GET /metrics").await.unwrap().body).unwrap();
    let line = text.lines().find(|line| line.starts_with("rulegate_snapshot_info{")).unwrap();
    line.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_exchanged_under_load_and_every_answer_is_of_a_sound_snapshot() {
    let rounds = if soak() { 500 } else { 25 };
    let database = Database::direct(Dialect::Postgres).await;
    database.execute(TABLE).await;
    let folder = Folder::new(&[]);
    exchange(&folder, &files(0));
    let start = Start::new(PROGRAM, &folder, &database.url);
    let process = start.ready().await;
    let (over, valid, refused) =
        (AtomicBool::new(false), Mutex::new(BTreeSet::from([0])), AtomicUsize::new(0));
    let change = async {
        let mut hash = snapshot(&process).await;
        for round in 1..=rounds {
            let is_broken = round % 3 == 0;
            if !is_broken {
                valid.lock().unwrap().insert(round);
            }
            exchange(&folder, &if is_broken { broken(round / 3) } else { files(round) });
            assert_eq!(reload(&process).await, if is_broken { 422 } else { 200 }, "{round}");
            let successful = process.metric("rulegate_snapshot_last_reload_successful").await;
            assert_eq!(successful, Some(if is_broken { 0.0 } else { 1.0 }), "{round}");
            let next = snapshot(&process).await;
            assert_eq!(next == hash, is_broken, "{round}");
            hash = next;
            refused.fetch_add(usize::from(is_broken), Ordering::Relaxed);
            if !is_broken {
                // What was served before is served to nobody who asks from now on.
                valid.lock().unwrap().retain(|version| *version + 3 > round);
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    let (answers, ()) = tokio::join!(join_all((0..4).map(|_| ask(&start, &over, &valid))), change);
    assert!(answers.iter().sum::<usize>() > rounds * 4, "{answers:?}");
    assert_eq!(refused.load(Ordering::Relaxed), rounds / 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_exchanged_are_noticed_by_themselves() {
    let database = Database::create(Dialect::Sqlite).await;
    database.execute(TABLE).await;
    let folder = Folder::new(&[]);
    exchange(&folder, &files(0));
    let start = Start::new(PROGRAM, &folder, &database.url);
    let process = start.ready().await;
    let mut caller = Caller::new(&Service::at(start.api));
    for (round, is_broken) in [(1, false), (2, true), (3, false)] {
        exchange(&folder, &if is_broken { broken(round / 3) } else { files(round) });
        let expected = Some(if is_broken { 0.0 } else { 1.0 });
        let noticed = async {
            while process.metric("rulegate_snapshot_last_reload_successful").await != expected
                || version(&caller.ask("GET /api/things", &[], b"").await.unwrap())
                    != round - usize::from(is_broken)
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, noticed).await.unwrap();
    }
}
