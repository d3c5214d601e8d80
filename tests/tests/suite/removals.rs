//! Rows that go, alone and several at once: what goes with them, what stays behind, and what keeps them.

use dialects::Dialect;
use serde_json::Value as Json;
use tests::document::{add, remove, update};
use tests::service::Fixture;
use tests::shop::spelled;
use tests::{Document, Service, on_every_database};

/// Projects are paid by a fund, and their tasks spend from it; teams and their members lead back to each other.
const WORK: Fixture = Fixture { sql, rules: &[("work.yaml", include_str!("../../fixtures/work.yaml"))] };

/// SQLite adds no foreign key to a table that is there, and knows of tables to come; the others the other way round.
fn sql(dialect: Dialect) -> String {
    let key = "constraint teams_lead foreign key (lead_id) references members (id)";
    let (at_once, later) = match dialect {
        Dialect::Sqlite => (format!(", {key}"), String::new()),
        Dialect::Postgres | Dialect::Mysql => (String::new(), format!("alter table teams add {key};")),
    };
    let script = include_str!("../../fixtures/work.sql");
    spelled(&script.replace("{lead}", &at_once).replace("{lead_later}", &later), dialect)
}

async fn rows(work: &Service, query: &str) -> String {
    let rows = work.database.rows(query, 2).await;
    rows.iter().map(|row| row.join("=")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_task_that_goes_with_its_project_is_not_checked_against_the_fund() {
    on_every_database(WORK, async |work| {
        let dearer = Document::of("tasks").id("1").attribute("cost", 8);
        work.patch("/api/tasks/1", dearer).await.refused(422, "constraint-violated");
        work.delete("/api/projects/1").await.expect(204);
        assert_eq!(work.attribute("/api/funds/1", "total").await, "0");
        assert_eq!(rows(work, "select id, cost from tasks order by id").await, "2=0");
    })
    .await;
}

#[tokio::test]
async fn a_new_task_takes_no_id_of_one_that_goes_with_its_project() {
    on_every_database(WORK, async |work| {
        let again = add(Document::of("tasks").id("1").attribute("cost", 0));
        let refused = work.operations(vec![again.clone(), remove("projects", "1")]).await;
        let refused = refused.refused(422, "operations-conflict");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/0");
        let refused = work.operations(vec![again, remove("tasks", "1")]).await;
        assert_eq!(refused.refused(422, "operations-conflict")["source"]["pointer"], "/atomic:operations/1");
        assert_eq!(rows(work, "select id, cost from tasks order by id").await, "1=5 2=0");
    })
    .await;
}

#[tokio::test]
async fn a_day_that_the_request_removes_does_not_come_again() {
    on_every_database(WORK, async |work| {
        let hour = |day: &str| add(Document::of("hours").to_one("day", "days", day));
        let new = || add(Document::of("days").id("7").lid("d"));
        let gone = serde_json::json!({"op": "remove", "ref": {"type": "days", "lid": "d"}});
        for operations in [vec![new(), gone.clone(), hour("7")], vec![remove("days", "1"), hour("1")]] {
            let place = format!("/atomic:operations/{}/data/relationships/day/data", operations.len() - 1);
            let refused = work.operations(operations).await.refused(422, "operations-conflict");
            assert_eq!(refused["source"]["pointer"], place);
            assert_eq!(refused["meta"]["relationship"], "day");
        }
        assert_eq!(rows(work, "select id, hour_count from days order by id").await, "1=0");
        work.operations(vec![hour("8"), hour("8"), new()]).await.expect(200);
        assert_eq!(rows(work, "select id, hour_count from days order by id").await, "1=0 7=0 8=2");
    })
    .await;
}

fn member(id: &str, buddy: &str) -> Json {
    add(Document::of("members").id(id).to_one("buddy", "members", buddy).to_one("team", "teams", "3"))
}

#[tokio::test]
async fn new_rows_that_refer_to_each_other_in_a_circle_are_refused() {
    on_every_database(WORK, async |work| {
        let refused = work.operations(vec![member("8", "3"), member("6", "7"), member("7", "6")]).await;
        let refused = refused.refused(422, "operations-conflict");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/1/data/relationships/buddy/data");
        assert_eq!(
            refused["detail"],
            "By `buddy` new resources refer to each other in a circle: none can be written first. \
             Leave one `buddy` out, and set it in a later request."
        );
        let team = add(Document::of("teams").id("9").to_one("lead", "members", "6"));
        let lead = add(Document::of("members").id("6").to_one("team", "teams", "9"));
        work.operations(vec![team, lead]).await.refused(422, "operations-conflict");
        work.operations(vec![member("6", "6"), member("7", "6")]).await.expect(200);
        work.operations(vec![update(Document::of("members").id("6").to_one("buddy", "members", "7"))])
            .await
            .expect(200);
    })
    .await;
}

/// Tickets fall back to queue 2.
const QUEUES: Fixture = Fixture {
    sql: |_| {
        "create table queues (id integer primary key, waiting integer not null default 0);
         create table tickets (id integer primary key, queue_id integer default 2,
             constraint tickets_queue foreign key (queue_id) references queues (id) on delete set default);
         insert into queues values (1, 1), (2, 1), (3, 0);
         insert into tickets values (1, 1), (2, 2);"
            .to_owned()
    },
    rules: &[("queues.yaml", "derive: {queues.waiting: count(tickets)}")],
};

#[tokio::test]
async fn a_row_to_which_its_children_would_fall_back_stays() {
    // MariaDB has no `set default`.
    for dialect in [Dialect::Postgres, Dialect::Sqlite] {
        for rules in [QUEUES.rules, &[]] {
            let desk = Service::start(dialect, Fixture { rules, ..QUEUES }).await;
            let refused = desk.delete("/api/queues/2").await.refused(409, "still-referenced");
            assert_eq!(refused["meta"]["type"], "tickets");
            desk.delete("/api/queues/1").await.expect(204);
            assert_eq!(rows(&desk, "select id, queue_id from tickets order by id").await, "1=2 2=2");
            desk.delete("/api/queues/2").await.refused(409, "still-referenced");
            let waiting = if rules.is_empty() { "2=1 3=0" } else { "2=2 3=0" };
            assert_eq!(rows(&desk, "select id, waiting from queues order by id").await, waiting);
        }
    }
}

/// PostgreSQL may clear a part of a foreign key.
const TENANTS: Fixture = Fixture {
    sql: |_| {
        "create table shelves (tenant integer, id integer, load integer not null default 0, primary key (tenant, id));
         create table boxes (tenant integer not null, id integer, shelf_id integer, weight integer, primary key (tenant, id),
             constraint boxes_shelf foreign key (tenant, shelf_id) references shelves (tenant, id) on delete set null (shelf_id));
         insert into shelves values (1, 1, 5), (1, 2, 0);
         insert into boxes values (1, 1, 1, 5);"
            .to_owned()
    },
    rules: &[("tenants.yaml", "derive: {shelves.load: sum(boxes.weight)}")],
};

#[tokio::test]
async fn of_a_foreign_key_only_what_the_database_was_told_is_cleared() {
    let store = Service::start(Dialect::Postgres, TENANTS).await;
    store.delete("/api/shelves/1~1").await.expect(204);
    assert_eq!(rows(&store, "select tenant, coalesce(shelf_id, 0) from boxes").await, "1=0");
}
