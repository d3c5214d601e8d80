//! Values that would spoil a total: a scale that rounds at each step, floats and NaN, one key in two spellings.

use dialects::Dialect;
use serde_json::json;

use super::lines::{BOXES, part};
use super::world::{Case, World};
use crate::plan::write::Verb;

const ALL: [Dialect; 3] = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite];

/// What is wrong with the rules of the boxes when the parts weigh in another type.
async fn refused(dialect: Dialect, weight: &str) -> String {
    let world = World::of(dialect, BOXES).await;
    let table = format!(
        "create table pieces (id int primary key, box_id int not null, weight {weight} not null,
            foreign key (box_id) references boxes (id));"
    );
    world.pool.execute_script(&table).await.unwrap();
    let schema = introspect::introspect(&world.pool, None).await.unwrap();
    let rules = "{derive: {boxes.held: sum(pieces.weight)}}".to_owned();
    let problems = rules::compile(&schema, &[("rules.yaml".to_owned(), rules)]).unwrap_err();
    world.close().await;
    problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_would_round_at_each_step_is_refused_at_load() {
    for dialect in ALL {
        let problems = refused(dialect, "decimal(12,3)").await;
        assert!(problems.contains("fewer digits"), "{dialect}: {problems}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_of_floats_is_refused_at_load() {
    for dialect in ALL {
        let problems = refused(dialect, "double precision").await;
        assert!(problems.contains("floating"), "{dialect}: {problems}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nan_behind_our_back_enters_no_total() {
    let world = World::of(Dialect::Postgres, BOXES).await;
    world.pool.execute_script("insert into parts values (90, 2, 'nan', 'NaN', null)").await.unwrap();
    for (verb, change) in [
        (Verb::Update, json!({"weight": 4})),
        (Verb::Update, json!({"box_id": 1})),
        (Verb::Delete, json!({})),
    ] {
        let refused = world.start(verb, "parts", "90", change, json!({}));
        assert_eq!(refused.await.unwrap(), Err(vec!["uncomputable"]));
    }
    let sent = world.start(Verb::Update, "parts", "1", json!({"weight": "NaN"}), json!({}));
    assert_eq!(sent.await.unwrap(), Err(vec!["invalid-value"]));
    world
        .pool
        .execute_script("delete from parts where id = 90; update boxes set held = 'NaN' where id = 2")
        .await
        .unwrap();
    assert_eq!(part(&world, "91", 2, "x").await.unwrap(), Err(vec!["uncomputable"]));
    world.pool.execute_script("update boxes set held = 0 where id = 2").await.unwrap();
    world.close().await;
}

/// Shelves by a code that a looser collation compares, goods that point at one in a spelling of their own.
fn shelves(dialect: Dialect) -> String {
    let (prelude, code) = match dialect {
        Dialect::Postgres => (
            "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);",
            "varchar(20) collate loose",
        ),
        Dialect::Mysql => ("", "varchar(20) character set utf8mb4 collate utf8mb4_general_ci"),
        Dialect::Sqlite => ("", "varchar(20) collate nocase"),
    };
    format!(
        "{prelude}
         create table shelves (code {code} primary key, rent decimal(12,2) not null, held decimal(12,2) not null, goods_count int not null);
         create table goods (id int primary key, shelf_code {code}, pieces int not null, cost decimal(12,2) not null,
            foreign key (shelf_code) references shelves (code) on delete cascade);
         insert into shelves values ('ABC', 2.00, 10.00, 2), ('Other', 1.00, 0, 0);
         insert into goods values (1, 'abc', 2, 4.00), (2, 'Abc', 3, 6.00);"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn one_shelf_in_many_spellings_is_one_row() {
    for dialect in ALL {
        let tables = shelves(dialect);
        let case = Case {
            tables: &tables,
            rules: "{derive: {shelves.held: sum(goods.cost), shelves.goods_count: count(goods), goods.cost: pieces * shelves.rent}}",
            model: "",
            wrong: "select (select count(*) from goods g join shelves s on s.code = g.shelf_code where g.cost <> g.pieces * s.rent)
                + (select count(*) from shelves s where s.held <> (select coalesce(sum(cost), 0) from goods where shelf_code = s.code))
                + (select count(*) from shelves s where s.goods_count <> (select count(*) from goods where shelf_code = s.code))",
        };
        let world = World::of(dialect, case).await;
        let one = world.start(Verb::Update, "goods", "1", json!({"pieces": 5}), json!({}));
        let two = world.start(Verb::Update, "goods", "2", json!({"pieces": 7}), json!({}));
        assert_eq!((one.await.unwrap(), two.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        let add =
            world.start(Verb::Create, "goods", "3", json!({"pieces": 1, "shelf_code": "aBC"}), json!({}));
        assert_eq!(add.await.unwrap(), Ok(()), "{dialect}");
        let respelled =
            world.start(Verb::Update, "goods", "3", json!({"shelf_code": "ABc", "pieces": 2}), json!({}));
        assert_eq!(respelled.await.unwrap(), Ok(()), "{dialect}");
        assert_eq!(world.number("select held from shelves where code = 'ABC'").await, "28.00", "{dialect}");
        let rent = world.start(Verb::Update, "shelves", "ABC", json!({"rent": 3}), json!({}));
        assert_eq!(rent.await.unwrap(), Ok(()), "{dialect}");
        assert_eq!(world.number("select held from shelves where code = 'ABC'").await, "42.00", "{dialect}");
        let away = world.start(Verb::Update, "goods", "3", json!({"shelf_code": "OTHER"}), json!({}));
        assert_eq!(away.await.unwrap(), Ok(()), "{dialect}");
        let gone = world.start(Verb::Delete, "shelves", "ABC", json!({}), json!({}));
        assert_eq!(gone.await.unwrap(), Ok(()), "{dialect}");
        assert_eq!(world.number("select count(*) from goods").await, "1.00", "{dialect}");
        world.close().await;
    }
}
