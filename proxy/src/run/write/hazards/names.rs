//! Rows that are named by other columns than their key, in other spellings, or by what the model file alone knows for a foreign key.

use dialects::Dialect;
use serde_json::json;
use tokio::task::JoinHandle;

use super::SERVERS;
use super::world::{Case, Ended, Held, World};
use crate::plan::write::Verb;

/// Wells that are named by their id, and by their code.
const WELLS: Case<'static> = Case {
    tables: "
        create table wells (id int primary key, code varchar(9) not null unique, label varchar(9) not null unique);
        create table pipes (id int primary key, well_code varchar(9) not null, foreign key (well_code) references wells (code));
        insert into wells values (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z');",
    rules: "{}",
    model: "",
    wrong: "select 4 - count(*) from pipes",
};

/// One has well 2, by its id, and wants 1 and 3, by their codes; the other has 3, and wants 1 and 2.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_lock_rows_crosswise_because_they_name_them_by_other_columns_are_tried_again() {
    for dialect in SERVERS {
        let world = World::of(dialect, WELLS).await;
        let request = |id: &str, codes: [(&str, &str); 2]| {
            let label = json!({"type": "wells", "id": id, "attributes": {"label": format!("new {id}")}});
            let pipes = codes.map(|(id, code)| {
                json!({"op": "add", "data": {"type": "pipes", "id": id, "attributes": {"well_code": code}}})
            });
            let mut operations = vec![json!({"op": "update", "data": label})];
            operations.extend(pipes);
            world.operations(operations.into())
        };
        let held = world.hold("select id from wells where id = 1 for update").await;
        let one = request("2", [("1", "a"), ("2", "c")]);
        world.until_stopped(1, &[&one]).await;
        let other = request("3", [("3", "a"), ("4", "b")]);
        world.until_stopped(2, &[&one, &other]).await;
        held.release().await;
        assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert!(world.conflicted(), "{dialect}: they did not cross");
        assert_eq!(
            world.number("select count(*) from wells where label like 'new%'").await,
            "2.00",
            "{dialect}"
        );
        world.close().await;
    }
}

/// Calls that name a region by its code, as the model file alone says.
const REGIONS: Case<'static> = Case {
    tables: "
        create table regions (id int primary key, code varchar(9) not null unique);
        create table calls (id int primary key, region_code varchar(9));
        insert into regions values (1, 'N');",
    rules: "{}",
    model: "{tables: {calls: {relationships: {region: {to: regions, columns: [region_code], to_columns: [code]}}}}}",
    wrong: "select count(*) from calls where region_code is not null and region_code not in (select code from regions)",
};

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_no_foreign_key_keeps_is_removed_while_a_call_names_it() {
    for dialect in SERVERS {
        for call_first in [true, false] {
            let world = World::of(dialect, REGIONS).await;
            let start = |call: bool| match call {
                true => world.start(Verb::Create, "calls", "9", json!({"region_code": "N"}), json!({})),
                false => world.start(Verb::Delete, "regions", "1", json!({}), json!({})),
            };
            let mut held = world.hold("select 1").await;
            match call_first {
                // The key is taken until the session ends, and free then.
                true => {
                    held.then("insert into calls values (9, null)").await;
                    held.then("delete from calls where id = 9").await;
                }
                false => held.then("select id from regions where id = 1 for update").await,
            }
            let one = start(call_first);
            world.until_stopped(1, &[&one]).await;
            let other = start(!call_first);
            world.until_stopped(2, &[&one, &other]).await;
            held.release().await;
            let refused = if call_first { "still-referenced" } else { "related-not-found" };
            let ended = (one.await.unwrap(), other.await.unwrap());
            assert_eq!(ended, (Ok(()), Err(vec![refused])), "{dialect} {call_first}");
            world.close().await;
        }
    }
}

/// Labels that parcels name, which go with their label, and shelves that the parcels weigh on.
fn labelled(named_by: &str) -> String {
    format!(
        "create table labels (id int primary key, code int not null unique);
         create table shelves (id int primary key, held int not null);
         create table parcels (id int primary key, label int not null, shelf_id int not null, weight int not null,
            foreign key (label) references labels ({named_by}) on delete cascade, foreign key (shelf_id) references shelves (id));
         insert into labels values (1, 1);
         insert into shelves values (1, 0);"
    )
}

/// The parcel is added, but not committed: who removes its label does not find it yet, and the database would take it away behind the rules.
#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_goes_takes_the_parcel_that_has_just_named_it_from_its_shelf() {
    for dialect in SERVERS {
        for named_by in ["id", "code"] {
            let tables = labelled(named_by);
            let case = Case {
                tables: &tables,
                rules: "{derive: {shelves.held: sum(parcels.weight)}}",
                model: "",
                wrong: "select count(*) from shelves s where s.held <> (select coalesce(sum(weight), 0) from parcels where shelf_id = s.id)",
            };
            let world = World::of(dialect, case).await;
            let mut held = world.hold("select 1").await;
            let attributes = json!({"label": 1, "shelf_id": 1, "weight": 7});
            let parcel = |id: &str| world.start(Verb::Create, "parcels", id, attributes.clone(), json!({}));
            // PostgreSQL locks the tables of what it prepares: that is done now.
            assert_eq!(parcel("8").await.unwrap(), Ok(()), "{dialect} {named_by}");
            let gone = world.start(Verb::Delete, "parcels", "8", json!({}), json!({}));
            assert_eq!(gone.await.unwrap(), Ok(()), "{dialect} {named_by}");
            match dialect {
                // Rows of the table can be locked, but not changed.
                Dialect::Postgres => held.then("lock table shelves in share mode").await,
                // The key is taken until the session ends, and free then.
                _ => {
                    held.then("set @checks = @@foreign_key_checks, foreign_key_checks = 0").await;
                    held.then("insert into parcels values (9, 0, 0, 0)").await;
                    held.then("delete from parcels where id = 9").await;
                    held.then("set foreign_key_checks = @checks").await;
                }
            }
            let parcel = parcel("9");
            world.until_stopped(1, &[&parcel]).await;
            let removal = world.start(Verb::Delete, "labels", "1", json!({}), json!({}));
            world.until_stopped(2, &[&parcel, &removal]).await;
            held.release().await;
            let ended = (parcel.await.unwrap(), removal.await.unwrap());
            assert_eq!(ended, (Ok(()), Ok(())), "{dialect} {named_by}");
            assert_eq!(world.number("select count(*) from parcels").await, "0.00", "{dialect} {named_by}");
            world.close().await;
        }
    }
}

/// Shelves by a code without regard to case and accents.
fn spelled(dialect: Dialect) -> String {
    let (prelude, code) = match dialect {
        Dialect::Postgres => (
            "create collation loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);",
            "varchar(20) collate loose",
        ),
        _ => ("", "varchar(20) character set utf8mb4 collate utf8mb4_general_ci"),
    };
    format!(
        "{prelude}
         create table shelves (code {code} primary key, rent int not null default 2, goods_count int not null default 0);
         create table goods (id int primary key, shelf_code {code}, cost int, foreign key (shelf_code) references shelves (code));
         insert into shelves (code) values ('Café');"
    )
}

fn of_shelves<'a>(tables: &'a str, rules: &'a str) -> Case<'a> {
    let wrong = "select count(*) from goods g join shelves s on s.code = g.shelf_code where g.cost <> s.rent";
    Case { tables, rules, model: "", wrong }
}

/// A good of a shelf stops where it is added.
async fn meet_at_a_good(world: &World, shelf: &str) -> (Held, JoinHandle<Ended>) {
    // The key is taken until the session ends, and free then.
    let mut held = world.hold("insert into goods (id) values (1)").await;
    held.then("delete from goods where id = 1").await;
    let good = world.start(Verb::Create, "goods", "1", json!({"shelf_code": shelf}), json!({}));
    world.until_stopped(1, &[&good]).await;
    (held, good)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_spellings_of_one_missing_shelf_make_one_shelf() {
    for dialect in SERVERS {
        let tables = spelled(dialect);
        let rules = "{derive: {shelves.goods_count: {as: count(goods), insert_parent: true}}}";
        let world = World::of(dialect, of_shelves(&tables, rules)).await;
        let (held, one) = meet_at_a_good(&world, "Épée").await;
        let other = world.start(Verb::Create, "goods", "2", json!({"shelf_code": "EPEE"}), json!({}));
        world.until_stopped(2, &[&one, &other]).await;
        held.release().await;
        assert_eq!((one.await.unwrap(), other.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert_eq!(world.number("select count(*) from shelves").await, "2.00", "{dialect}");
        assert_eq!(
            world.number("select goods_count from shelves where code = 'epee'").await,
            "2.00",
            "{dialect}"
        );
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rent_that_a_good_has_read_by_another_spelling_changes_with_that_good() {
    for dialect in SERVERS {
        let tables = spelled(dialect);
        let world = World::of(dialect, of_shelves(&tables, "{derive: {goods.cost: shelves.rent}}")).await;
        let (held, good) = meet_at_a_good(&world, "cafe").await;
        let rent = world.start(Verb::Update, "shelves", "Café", json!({"rent": 3}), json!({}));
        world.until_stopped(2, &[&good, &rent]).await;
        held.release().await;
        assert_eq!((good.await.unwrap(), rent.await.unwrap()), (Ok(()), Ok(())), "{dialect}");
        assert_eq!(world.number("select cost from goods where id = 1").await, "3.00", "{dialect}");
        world.close().await;
    }
}
