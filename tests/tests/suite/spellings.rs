//! Texts that a looser collation takes for one another: `abc` and `Abc` refer to the shelf `ABC`, on every database.

use dialects::Dialect;
use serde_json::Value as Json;
use tests::document::{remove, update};
use tests::service::Fixture;
use tests::{Document, Service, on_every_database};

const SHELVES: Fixture = Fixture {
    sql: |dialect| {
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
             create table shelves (code {code} primary key, rent integer not null default 1, held integer not null);
             create table goods (id integer primary key, shelf_code {code}, pieces integer not null, cost integer not null,
                 foreign key (shelf_code) references shelves (code) on delete cascade);
             create table labels (id integer primary key, shelf_code {code}, foreign key (shelf_code) references shelves (code));
             insert into shelves values ('ABC', 2, 10), ('Other', 1, 4);
             insert into goods values (1, 'abc', 2, 4), (2, 'Abc', 3, 6), (3, 'OTHER', 4, 4);
             insert into labels values (1, 'abc'), (2, 'aBC');"
        )
    },
    rules: &[(
        "shelves.yaml",
        "{derive: {goods.cost: pieces * shelves.rent, shelves.held: sum(goods.cost)}}",
    )],
};

async fn held(shelves: &Service) -> Vec<Vec<String>> {
    shelves.database.rows("select code, held from shelves order by code", 2).await
}

fn rent(code: &str, rent: i64) -> Json {
    update(Document::of("shelves").id(code).attribute("rent", rent))
}

#[tokio::test]
async fn goods_of_two_shelves_that_name_them_otherwise_all_follow_the_rent() {
    on_every_database(SHELVES, async |shelves| {
        shelves.operations(vec![rent("ABC", 3), rent("Other", 5)]).await.expect(200);
        assert_eq!(held(shelves).await, [["ABC", "15"], ["Other", "20"]]);
        shelves.delete("/api/labels/1").await.expect(204);
        shelves.delete("/api/labels/2").await.expect(204);
        shelves.operations(vec![remove("shelves", "ABC"), remove("shelves", "Other")]).await.expect(204);
        assert_eq!(shelves.database.rows("select count(*) from goods", 1).await, [["0"]]);
    })
    .await;
}

#[tokio::test]
async fn a_shelf_goes_when_every_label_that_names_it_has_left_however_it_was_spelled() {
    on_every_database(SHELVES, async |shelves| {
        let away = |id: &str| update(Document::of("labels").id(id).attribute("shelf_code", "other"));
        let refused = shelves.operations(vec![away("1"), remove("shelves", "ABC")]).await;
        let refused = refused.refused(409, "still-referenced");
        assert_eq!(refused["source"]["pointer"], "/atomic:operations/1");
        shelves.operations(vec![away("1"), away("2"), remove("shelves", "ABC")]).await.expect(200);
        assert_eq!(held(shelves).await, [["Other", "4"]]);
    })
    .await;
}
