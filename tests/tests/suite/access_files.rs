//! Access files, from the text in a project to what somebody with a role is answered.

use std::sync::Arc;

use dialects::Value;
use proxy::state::load::{Blueprint, LoadError, load_to_serve};
use rules::policy::{Actor, Claim};
use serde_json::json;
use tests::Database;
use tests::client::Client;
use tests::database::ALL;

const TABLES: &str = "
create table customers (id integer primary key, name varchar(20) not null, region varchar(10), tenant integer not null,
    credit integer);
create table orders (id integer primary key, customer_id integer not null references customers (id), tenant integer not null);
insert into customers values (1, 'Ann', 'north', 1, 10), (2, 'Bea', 'south', 1, 20), (3, 'Cem', 'north', 2, 30),
    (4, 'Dan', null, 1, 40);
insert into orders values (1, 1, 1), (2, 2, 1), (3, 3, 2);
create table secrets (id integer primary key);";

const ACCESS: &str = "
access:
  - role: sales
    resource: [customers]
    read: region in actor.claim('regions')
    attributes: {hidden: [credit]}
  - {role: boss, resource: '*', read: true}
  - {role: '*', resource: orders, read: customer.region in actor.claim('regions') or actor.has_role('boss')}
  - every_role_but: [boss]
    every_resource_with: tenant
    all: tenant = actor.claim('tenant')
";

fn blueprint(access: &str) -> Blueprint {
    let access_files = vec![("access/a.yaml".to_owned(), access.to_owned())];
    Blueprint { access_files, auth: true, ..Blueprint::default() }
}

fn actor(role: &str, tenant: &str, regions: &[&str]) -> Actor {
    let regions = regions.iter().map(|region| Claim::Value(Value::text(*region))).collect();
    let mut actor = Actor { roles: vec![role.to_owned()], ..Actor::anonymous() };
    actor.claims.insert("tenant".into(), Claim::Value(Value::text(tenant)));
    actor.claims.insert("regions".into(), Claim::List(regions));
    actor
}

async fn client(database: &Database, access: &str, actor: Actor) -> Client {
    let loaded = load_to_serve(&database.pool, &blueprint(access)).await.unwrap();
    Client::acting_as(database.pool.clone(), Arc::new(loaded.snapshot), actor)
}

/// The ids that a collection shows, or the status.
async fn ids(client: &Client, target: &str) -> String {
    let answer = client.get(target).await;
    if answer.status != 200 {
        return answer.status.to_string();
    }
    let rows = answer.json()["data"].as_array().unwrap().clone();
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_the_files_grant_is_what_is_seen() {
    for dialect in ALL {
        let database = Database::create(dialect).await;
        database.execute(TABLES).await;
        for (who, customers, orders) in [
            (actor("sales", "1", &["north", "west"]), "1", "1"),
            (actor("sales", "1", &["north", "south"]), "1 2", "1 2"),
            (actor("sales", "2", &["north"]), "3", "3"),
            (actor("sales", "1", &[]), "", ""),
            (actor("sales", "one", &["north"]), "", ""),
            (actor("boss", "7", &[]), "1 2 3 4", "1 2 3"),
            (actor("stranger", "1", &["north"]), "403", "1"),
            (Actor::anonymous(), "403", ""),
        ] {
            let said = format!("{dialect:?} {who:?}");
            let client = client(&database, ACCESS, who).await;
            assert_eq!(ids(&client, "/api/customers?sort=id").await, customers, "{said}");
            assert_eq!(ids(&client, "/api/orders?sort=id").await, orders, "{said}");
        }
    }
}

#[tokio::test]
async fn a_hidden_attribute_is_there_for_nobody_who_has_only_that_grant() {
    for dialect in ALL {
        let database = Database::create(dialect).await;
        database.execute(TABLES).await;
        let sales = client(&database, ACCESS, actor("sales", "1", &["north"])).await;
        let attributes = sales.get("/api/customers/1").await.json()["data"]["attributes"].clone();
        assert_eq!(attributes, json!({"name": "Ann", "region": "north", "tenant": 1}), "{dialect:?}");
        assert_eq!(sales.get("/api/customers?sort=credit").await.status, 400);
        assert_eq!(ids(&sales, "/api/secrets").await, "403");
        let mut both = actor("sales", "1", &["north"]);
        both.roles.push("boss".into());
        let both = client(&database, ACCESS, both).await;
        assert_eq!(both.get("/api/customers/2").await.json()["data"]["attributes"]["credit"], 20);
    }
}

#[tokio::test]
async fn without_access_files_nothing_is_granted_and_without_authentication_they_are_refused() {
    let database = Database::create(dialects::Dialect::Sqlite).await;
    database.execute(TABLES).await;
    let nobody = client(&database, "", actor("boss", "1", &[])).await;
    for target in ["/api/customers", "/api/orders", "/api/customers/1"] {
        assert_eq!(nobody.get(target).await.status, 403, "{target}");
    }
    let open = Blueprint { auth: false, ..blueprint(ACCESS) };
    let refused = load_to_serve(&database.pool, &open).await.unwrap_err();
    let LoadError::Problems { problems, .. } = refused else { panic!("{refused}") };
    assert!(problems[0].to_string().starts_with("access/a.yaml:1:1: there are access files"), "{problems:?}");
}
