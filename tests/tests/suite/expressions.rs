//! One meaning in memory and in SQL: the golden table on every database, and random expressions over random rows, computed by the
//! evaluator and by each database.
//!
//! `RULEGATE_TEST_SEED=7` runs one seed again, `RULEGATE_SOAK=1` twenty times as many expressions.

mod random;
mod world;

use dialects::Dialect;
use dialects::sql::{Insert, Query, TypedColumn};
use introspect::Table;
use rules::expr::golden;
use tests::database::ALL;

use random::Random;
use world::World;

/// Expressions in an ordinary run.
const EXPRESSIONS: usize = 300;
/// Rows that each is computed over.
const ROWS: usize = 25;

#[tokio::test]
async fn every_operator_and_function_is_worth_the_same_on_every_database() {
    let mut wrong = Vec::new();
    for dialect in ALL {
        let values = golden::row().into_iter().map(|(_, _, value)| value).collect();
        let world = World::create(dialect, GOLDEN, |table| insert(table, vec![values])).await;
        for (text, _) in golden::cases() {
            wrong.extend(world.differences(text).await);
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn random_expressions_are_worth_the_same_on_every_database() {
    let given = std::env::var("RULEGATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("RULEGATE_TEST_SEED={seed}");
    let times = if std::env::var_os("RULEGATE_SOAK").is_some() { 20 } else { 1 };
    let mut wrong = Vec::new();
    for dialect in ALL {
        let mut random = Random::new(seed);
        let rows = (1..=ROWS).map(|id| random.row(id)).collect();
        let world = World::create(dialect, RANDOM, |table| insert(table, rows)).await;
        for _ in 0..EXPRESSIONS * times {
            wrong.extend(world.differences(&random.expression()).await);
        }
    }
    assert!(wrong.is_empty(), "seed {seed}: {}\n{}", wrong.len(), wrong.join("\n"));
}

/// What is written twice or more, inside of itself as deep as it is accepted.
#[tokio::test]
async fn the_heaviest_expressions_are_computed_by_every_database() {
    let mut wrong = Vec::new();
    for dialect in ALL {
        let values = golden::row().into_iter().map(|(_, _, value)| value).collect();
        let world = World::create(dialect, GOLDEN, |table| insert(table, vec![values])).await;
        for (start, wrap) in [
            ("three", "nullif(X, 7)"),
            ("three", "round(three / nullif(X, 7), 3)"),
            ("three", "least(X, 5, one)"),
            ("word", "substring(word, length(X) - 1)"),
            ("leap", "X + interval '1 day'"),
            ("word", "replace(X, word, slash)"),
            ("yes", "case when (X or one / three > 1) and yes then yes else nope end"),
            ("three", "(three + one / X)"),
        ] {
            let nested = |depth| (0..depth).fold(start.to_owned(), |inner, _| wrap.replace('X', &inner));
            let deepest = (1..30).take_while(|depth| world.accepts(&nested(*depth))).last().unwrap();
            assert!((3..29).contains(&deepest), "{wrap}: {deepest}");
            wrong.extend(world.differences(&nested(deepest)).await);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn insert(table: &Table, rows: Vec<Vec<dialects::Value>>) -> Query {
    let typed = |column: &introspect::Column| TypedColumn {
        name: column.db_name.clone(),
        ty: column.sql_type.clone(),
    };
    Query::Insert(Insert {
        table: table.db.clone(),
        columns: table.columns.iter().map(typed).collect(),
        rows,
        returning: Vec::new(),
    })
}

/// The table of `golden::row`.
const GOLDEN: &str = "create table t (
    id int primary key, zero int, one int, three int, none int, big bigint, small bigint,
    price numeric(10,2), owed numeric(10,2), eighth numeric(6,3),
    word varchar(20), spaced varchar(20), padded varchar(20), letters varchar(20), blank varchar(20), absent varchar(20),
    half varchar(20), slash varchar(20), code char(5),
    leap date, month_end date, last_day date, first_day date, no_day date,
    at {timestamp}, moment {instant}, clock {time}, yes boolean, nope boolean, unsure boolean)";

/// The table of random rows.
const RANDOM: &str = "create table t (
    id int primary key, i int, j int, b bigint, d numeric(10,2), e numeric(15,6), s varchar(40), u varchar(40),
    day date, other date, at {timestamp}, moment {instant}, clock {time}, yes boolean, so boolean)";

/// A table's definition in the words of a dialect.
fn spelled(sql: &str, dialect: Dialect) -> String {
    let (timestamp, instant, time) = match dialect {
        Dialect::Postgres => ("timestamp", "timestamptz", "time"),
        Dialect::Mysql => ("datetime(6)", "timestamp(6) null", "time(6)"),
        Dialect::Sqlite => ("timestamp", "timestamptz", "time"),
    };
    sql.replace("{timestamp}", timestamp).replace("{instant}", instant).replace("{time}", time)
}
