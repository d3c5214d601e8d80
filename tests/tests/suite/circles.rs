//! Rows that refer to themselves and to each other, and how they go.

use dialects::Dialect;
use serde_json::{Value as Json, json};
use tests::database::ALL;
use tests::document::{add, remove, update};
use tests::service::Fixture;
use tests::{Document, Service, on_every_database};

/// Nodes below nodes: the first names itself, the fifth and the sixth each other, the fourth hangs below the third, the seventh below the
/// circle.
fn nodes(on_delete: &str, parent: &str) -> String {
    format!(
        "create table nodes (id integer primary key, parent_id integer {parent}, note varchar(20), foreign key (parent_id) references nodes (id) {on_delete});
         insert into nodes values (1, 1, 'a'), (2, 1, 'b'), (3, 1, 'c'), (4, 3, 'd'), (5, 1, 'e'), (6, 5, 'f'), (7, 6, 'g');
         update nodes set parent_id = 6 where id = 5;"
    )
}

const LOOSE: Fixture = Fixture { sql: |_| nodes("", ""), rules: &[] };

const STRICT: Fixture = Fixture { sql: |_| nodes("on delete restrict", ""), rules: &[] };

async fn left(service: &Service) -> Vec<Vec<String>> {
    service.database.rows("select id from nodes order by id", 1).await
}

fn of(ids: &[&str]) -> Vec<Json> {
    ids.iter().map(|id| remove("nodes", id)).collect()
}

#[tokio::test]
async fn rows_go_together_whatever_way_they_refer_to_each_other() {
    for fixture in [LOOSE, STRICT] {
        on_every_database(fixture, async |nodes| {
            nodes.operations(of(&["3", "4"])).await.expect(204);
            nodes.operations(of(&["5", "6", "7"])).await.expect(204);
            nodes.delete("/api/nodes/2").await.expect(204);
            nodes.delete("/api/nodes/1").await.expect(204);
            assert!(left(nodes).await.is_empty());
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_still_referred_to_is_told_at_the_operation_that_removes_it() {
    for fixture in [LOOSE, STRICT] {
        on_every_database(fixture, async |nodes| {
            let note = update(Document::of("nodes").id("2").attribute("note", "x").to_none("parent"));
            let refused = nodes.operations(vec![note, remove("nodes", "5"), remove("nodes", "4")]).await;
            let refused = refused.refused(409, "still-referenced");
            assert_eq!(refused["source"]["pointer"], "/atomic:operations/1");
            let new = add(Document::of("nodes").id("9").to_one("parent", "nodes", "2"));
            nodes.operations(vec![new, remove("nodes", "1")]).await.refused(409, "still-referenced");
            assert_eq!(left(nodes).await.len(), 7);
        })
        .await;
    }
}

#[tokio::test]
async fn rows_of_two_tables_that_refer_to_each_other_go_together() {
    for dialect in ALL {
        let database = tests::Database::create(dialect).await;
        let circle = match dialect {
            Dialect::Sqlite => {
                "create table heads (id integer primary key, tail_id integer references tails (id));
                 create table tails (id integer primary key, head_id integer not null references heads (id));"
            }
            _ => {
                "create table heads (id integer primary key, tail_id integer);
                 create table tails (id integer primary key, head_id integer not null, foreign key (head_id) references heads (id));
                 alter table heads add foreign key (tail_id) references tails (id);"
            }
        };
        let rows = "insert into heads values (1, null); insert into tails values (1, 1); update heads set tail_id = 1;";
        database.execute(&format!("{circle}{rows}")).await;
        let service = Service::serve(database, &[]).await;
        service.operations(vec![remove("heads", "1"), remove("tails", "1")]).await.expect(204);
    }
}

/// Where the foreign key must name something, MariaDB lets nobody go.
#[tokio::test]
async fn a_circle_that_cannot_be_opened_is_refused_by_mariadb_alone_and_says_what_refers() {
    for dialect in ALL {
        let database = tests::Database::create(dialect).await;
        database.execute(&nodes("", "not null")).await;
        let service = Service::serve(database, &[]).await;
        let answer = service.operations(of(&["5", "6", "7"])).await;
        match dialect {
            Dialect::Mysql => {
                let refused = answer.refused(409, "still-referenced");
                assert_eq!(refused["source"]["pointer"], "/atomic:operations");
                assert_eq!(refused["meta"], json!({"type": "nodes", "relationship": "nodes_by_parent_id"}));
            }
            _ => _ = answer.expect(204),
        }
    }
}
