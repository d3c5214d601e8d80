//! A database with its API in front, and cases that run on all three.

use std::ops::Deref;
use std::sync::Arc;

use dialects::Dialect;
use introspect::{Overlay, Schema};
use proxy::state::{ApiSettings, Limits, Snapshot};
use rules::compile::compile;
use rules::policy::Actor;
use serde_json::Value as Json;

use crate::client::Client;
use crate::database::{ALL, Database};
use crate::difference::difference;

/// A database, and a client of the API in front of it.
pub struct Service {
    /// The database.
    pub database: Database,
    client: Client,
}

/// A schema and its rules: what a service is made from.
#[derive(Clone, Copy, Debug)]
pub struct Fixture {
    /// SQL in the words of a dialect.
    pub sql: fn(Dialect) -> String,
    /// Names and texts of rule files.
    pub rules: &'static [(&'static str, &'static str)],
}

impl Service {
    /// A database with a fixture in it, served.
    pub async fn start(dialect: Dialect, fixture: Fixture) -> Self {
        let database = Database::create(dialect).await;
        database.execute(&(fixture.sql)(dialect)).await;
        Self::serve(database, fixture.rules).await
    }

    /// Likewise, with settings of its own.
    pub async fn start_with(dialect: Dialect, fixture: Fixture, api: ApiSettings) -> Self {
        let database = Database::create(dialect).await;
        database.execute(&(fixture.sql)(dialect)).await;
        let schema = introspect::introspect(&database.pool, None).await.unwrap();
        Self::put_together(database, schema, fixture.rules, Limits::default(), api)
    }

    /// Serves a database as it is.
    pub async fn serve(database: Database, rules: &[(&str, &str)]) -> Self {
        Self::serve_within(database, rules, Limits::default()).await
    }

    /// Likewise, within limits of its own.
    pub async fn serve_within(database: Database, rules: &[(&str, &str)], limits: Limits) -> Self {
        let schema = introspect::introspect(&database.pool, None).await.unwrap();
        Self::put_together(database, schema, rules, limits, ApiSettings::default())
    }

    /// Serves a database as a model file amends it.
    pub async fn serve_amended(database: Database, model: &str) -> Self {
        let overlay = Overlay::parse("model.yaml", model).unwrap();
        let schema = introspect::introspect(&database.pool, Some(&overlay)).await.unwrap();
        Self::put_together(database, schema, &[], Limits::default(), ApiSettings::default())
    }

    /// A database with a fixture in it, served to somebody of a role behind the text of an access file.
    pub async fn start_guarded(dialect: Dialect, fixture: Fixture, access: &str, role: &str) -> Self {
        let Self { database, client } = Self::start(dialect, fixture).await;
        let Snapshot { schema, rules, api, limits, .. } = &**client.snapshot();
        let files = [("access/a.yaml".to_owned(), access.to_owned())];
        let access = rules::policy::check(schema, rules, &files).unwrap().access;
        let snapshot = Snapshot::new(schema.clone(), rules.as_ref().clone(), api.clone(), limits.clone());
        let actor = Actor { id: Some(role.to_owned()), roles: vec![role.to_owned()], ..Actor::anonymous() };
        let client = Client::acting_as(database.pool.clone(), Arc::new(snapshot.guarded_by(access)), actor);
        Self { database, client }
    }

    fn put_together(
        database: Database,
        schema: Schema,
        rules: &[(&str, &str)],
        limits: Limits,
        api: ApiSettings,
    ) -> Self {
        let files: Vec<(String, String)> =
            rules.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let rules = compile(&schema, &files).unwrap();
        let snapshot = Snapshot::new(schema, rules, api, limits);
        let client = Client::new(database.pool.clone(), Arc::new(snapshot));
        Self { database, client }
    }
}

impl Deref for Service {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Runs a case on PostgreSQL, MariaDB and SQLite, one after the other: whatever it was answered must be the same. Gives
/// the one transcript.
pub async fn on_every_database(fixture: Fixture, case: impl AsyncFn(&Service)) -> Vec<Json> {
    let mut first: Option<Vec<Json>> = None;
    for dialect in ALL {
        println!("on {dialect:?}");
        let service = Service::start(dialect, fixture).await;
        case(&service).await;
        let transcript = service.transcript();
        match &first {
            None => first = Some(transcript),
            Some(expected) => same(dialect, expected, &transcript),
        }
    }
    first.unwrap()
}

fn same(dialect: Dialect, expected: &[Json], found: &[Json]) {
    for (expected, found) in expected.iter().zip(found) {
        if let Some(place) = difference("", expected, found) {
            panic!("{dialect:?} answers {} otherwise than {:?}, at {place}", expected[0], ALL[0]);
        }
    }
    assert_eq!(expected.len(), found.len(), "{dialect:?} was asked otherwise");
}
