//! Random schemas, rules and requests on the three databases: after every request each table holds what recomputation from scratch gives.
//!
//! `RULEGATE_TEST_SEED=7` runs one world again; `RULEGATE_SOAK=1` runs twenty times as many.

use dialects::{Dialect, Statement, Value, ValueType};
use introspect::{Schema, TableId};
use rules::change::Request;
use rules::engine::game::Game;
use tests::database::ALL;
use tests::{Database, Service, world};

/// Worlds that are run.
const WORLDS: u64 = 17;
/// Requests in each.
const REQUESTS: usize = 30;

fn seeds() -> Vec<u64> {
    match std::env::var("RULEGATE_TEST_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) if std::env::var("RULEGATE_SOAK").is_ok() => (1..=WORLDS * 20).collect(),
        Err(_) => (1..=WORLDS).collect(),
    }
}

#[tokio::test]
async fn random_transactions_leave_what_recomputation_from_scratch_gives_on_postgres() {
    play_all(Dialect::Postgres).await;
}

#[tokio::test]
async fn random_transactions_leave_what_recomputation_from_scratch_gives_on_mariadb() {
    play_all(Dialect::Mysql).await;
}

#[tokio::test]
async fn random_transactions_leave_what_recomputation_from_scratch_gives_on_sqlite() {
    play_all(Dialect::Sqlite).await;
}

async fn play_all(dialect: Dialect) {
    assert!(ALL.contains(&dialect));
    let (mut done, mut refused) = (0, 0);
    for seed in seeds() {
        println!("{dialect:?}: RULEGATE_TEST_SEED={seed}");
        let counts = play(dialect, seed).await;
        done += counts.0;
        refused += counts.1;
    }
    println!("{dialect:?}: {done} requests done, {refused} refused");
    assert!(done > refused / 3, "most requests were refused: {done} were done, {refused} not");
}

/// How many requests were done, and how many refused.
async fn play(dialect: Dialect, seed: u64) -> (usize, usize) {
    let mut game = Game::new(seed);
    let database = Database::create(dialect).await;
    database.execute(&world::ddl(&game, dialect)).await;
    let schema = introspect::introspect(&database.pool, None).await.unwrap();
    let rules = world::file(&game, &schema);
    let service = Service::serve(database, &[("rules/random.yaml", &rules)]).await;
    let (mut done, mut refused) = (0, 0);
    for _ in 0..REQUESTS {
        let request = game.request();
        match ask(&service, &mut game, &schema, &request, &rules).await {
            true => done += 1,
            false => refused += 1,
        }
    }
    (done, refused)
}

/// Sends a request and compares answer and tables with what the oracle expects; whether it was done.
async fn ask(service: &Service, game: &mut Game, schema: &Schema, request: &Request, rules: &str) -> bool {
    let story = game.story(request);
    let sent = world::sent(game, schema, request);
    let asked = String::from_utf8_lossy(&sent.body).into_owned();
    let answer = service.quietly(sent).await;
    let verdict = game.play(request);
    let said = String::from_utf8_lossy(&answer.body).into_owned();
    let context = || {
        format!("{} {asked}\n{} {said}\noracle: {verdict:?}\n{rules}\n{story}", answer.asked, answer.status)
    };
    assert!(answer.status < 500, "{}", context());
    assert_eq!(answer.status < 300, verdict.is_ok(), "{}", context());
    for (id, _) in schema.iter() {
        assert_eq!(stored(service, schema, id).await, game.rows(id), "{}: {}", schema[id].name, context());
    }
    verdict.is_ok()
}

async fn stored(service: &Service, schema: &Schema, id: TableId) -> Vec<Vec<Value>> {
    let table = &schema[id];
    let names: Vec<&str> = table.columns().map(|(_, column)| column.db_name.as_str()).collect();
    let columns: Vec<ValueType> = table.columns().map(|(_, column)| column.ty).collect();
    let text = format!("select {} from {} order by id", names.join(", "), table.name);
    let answers =
        service.database.pool.run(vec![Statement { text, params: Vec::new(), columns }]).await.unwrap();
    (0..answers[0].len()).map(|row| answers[0].values(row)).collect()
}
