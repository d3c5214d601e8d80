//! Triggers on tables that the model file trusts: what they do to what was written is seen, and nothing stays.

use dialects::Dialect;
use serde_json::json;

use super::lines::{BOXES, part};
use super::world::{Case, Ended, World};
use crate::plan::write::Verb;

const ALL: [Dialect; 3] = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite];

/// What a trigger does when a part is added or changed.
fn trigger(dialect: Dialect, does: &str) -> String {
    match dialect {
        Dialect::Postgres => format!(
            "create function meddle() returns trigger language plpgsql as $$ begin new.{does}; return new; end $$;
             create trigger meddle before insert or update on parts for each row execute function meddle();"
        ),
        Dialect::Mysql => format!(
            "create trigger meddle_i before insert on parts for each row set new.{does};
             create trigger meddle_u before update on parts for each row set new.{does};"
        ),
        Dialect::Sqlite => ["insert", "update"]
            .map(|event| {
                format!("create trigger meddle_{event} after {event} on parts begin update parts set {does} where id = new.id; end;")
            })
            .concat(),
    }
}

async fn with(dialect: Dialect, trigger: &str) -> World {
    let tables = BOXES.tables.to_owned() + trigger;
    World::of(dialect, Case { tables: &tables, model: "{tables: {parts: {triggers: trusted}}}", ..BOXES })
        .await
}

fn meddled() -> Ended {
    Err(vec!["trigger-interfered"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_changes_what_a_rule_reads_is_seen_and_nothing_stays() {
    for dialect in ALL {
        let world = with(dialect, &trigger(dialect, "weight = 7")).await;
        assert_eq!(part(&world, "91", 1, "x").await.unwrap(), meddled(), "{dialect}");
        for change in [json!({"weight": 4}), json!({"note": "heavy"}), json!({"box_id": 2})] {
            let changed = world.start(Verb::Update, "parts", "1", change, json!({}));
            assert_eq!(changed.await.unwrap(), meddled(), "{dialect}");
        }
        assert_eq!(world.number("select sum(weight) from parts").await, "5.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_keeps_to_itself_is_let_be() {
    for dialect in ALL {
        let world = with(dialect, &trigger(dialect, "note = 'seen'")).await;
        assert_eq!(part(&world, "91", 1, "x").await.unwrap(), Ok(()), "{dialect}");
        let changed = world.start(Verb::Update, "parts", "1", json!({"weight": 4}), json!({}));
        assert_eq!(changed.await.unwrap(), Ok(()), "{dialect}");
        let gone = world.start(Verb::Delete, "parts", "2", json!({}), json!({}));
        assert_eq!(gone.await.unwrap(), Ok(()), "{dialect}");
        assert_eq!(world.number("select held from boxes where id = 1").await, "5.00", "{dialect}");
        assert_eq!(world.number("select count(*) from parts where note = 'seen'").await, "2.00", "{dialect}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_swallows_a_write_is_seen() {
    for (dialect, trigger) in [
        (
            Dialect::Postgres,
            "create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;
             create trigger swallow before insert or update or delete on parts for each row execute function swallow();",
        ),
        (
            Dialect::Sqlite,
            "create trigger swallow_i before insert on parts begin select raise(ignore); end;
             create trigger swallow_u before update on parts begin select raise(ignore); end;
             create trigger swallow_d before delete on parts begin select raise(ignore); end;",
        ),
    ] {
        let world = with(dialect, trigger).await;
        assert!(part(&world, "91", 1, "x").await.unwrap().is_err(), "{dialect}");
        for (verb, change) in [(Verb::Update, json!({"weight": 4})), (Verb::Delete, json!({}))] {
            assert!(world.start(verb, "parts", "1", change, json!({})).await.unwrap().is_err(), "{dialect}");
        }
        assert_eq!(world.number("select held from boxes where id = 1").await, "5.00", "{dialect}");
        world.close().await;
        // Where no rule looks, nobody says what triggers do: that a change met its row is looked at all the same.
        let tables = BOXES.tables.to_owned() + trigger;
        let world = World::of(dialect, Case { tables: &tables, rules: "{}", ..BOXES }).await;
        let changed = world.start(Verb::Update, "parts", "1", json!({"weight": 4}), json!({}));
        assert_eq!(changed.await.unwrap(), Err(vec!["internal"]), "{dialect}");
        world.close().await;
    }
}
