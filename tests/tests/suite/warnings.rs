//! What `rulegate check` warns of, against live databases: which indexes there are is the database's to say.

use dialects::Dialect;
use tests::Database;
use tests::database::ALL;

const TABLES: &str = "
create table shelves (id integer primary key, height integer not null);
create table boxes (id integer primary key, shelf_id integer not null, height integer not null,
    constraint boxes_shelf foreign key (shelf_id) references shelves (id))";

const RULES: &str = "constrain: {boxes: [{check: height <= shelf.height, message: too high}]}";

async fn warnings(database: &Database) -> Vec<String> {
    let schema = introspect::introspect(&database.pool, None).await.unwrap();
    let files = [("rules/a.yaml".to_owned(), RULES.to_owned())];
    rules::check(&schema, &files).unwrap().warnings.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_foreign_key_that_a_cascade_follows_needs_an_index() {
    for dialect in ALL {
        let database = Database::create(dialect).await;
        database.pool.execute_script(TABLES).await.unwrap();
        let found = warnings(&database).await;
        // MariaDB makes an index for every foreign key.
        assert_eq!(found.len(), usize::from(dialect != Dialect::Mysql), "{dialect:?}: {found:?}");
        assert!(
            found.iter().all(|warning| warning.contains("(create index on boxes (shelf_id))")),
            "{found:?}"
        );
        let partial = match dialect {
            Dialect::Mysql => "create index boxes_partial on boxes (height, shelf_id)",
            _ => {
                "create index boxes_partial on boxes (shelf_id) where height > 1; create index boxes_second on boxes (height, shelf_id)"
            }
        };
        database.pool.execute_script(partial).await.unwrap();
        assert_eq!(warnings(&database).await, found, "{dialect:?}");
        database
            .pool
            .execute_script("create index boxes_by_shelf on boxes (shelf_id, height)")
            .await
            .unwrap();
        assert_eq!(warnings(&database).await, Vec::<String>::new(), "{dialect:?}");
    }
}
