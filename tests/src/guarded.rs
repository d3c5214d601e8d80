//! A database behind access rules, and somebody who asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use dialects::{Dialect, Value};
use introspect::Schema;
use proxy::state::{ApiSettings, Limits, Snapshot};
use rules::policy::{Access, Actor, Claim};

use crate::{Client, Database};

/// A database with rules and access rules.
pub struct Guarded {
    /// The database.
    pub database: Database,
    /// What holds for it.
    pub snapshot: Arc<Snapshot>,
    /// Its whole schema.
    pub schema: Schema,
    /// The access rules.
    pub access: Access,
}

impl Guarded {
    /// A database with these tables and rows, and the texts of a rule file and an access file.
    pub async fn open(dialect: Dialect, tables: &str, rules: &str, access: &str) -> Self {
        Self::with(dialect, tables, rules, access, ApiSettings::default()).await
    }

    /// Likewise, with other settings.
    pub async fn with(
        dialect: Dialect,
        tables: &str,
        rules: &str,
        access: &str,
        settings: ApiSettings,
    ) -> Self {
        let database = Database::create(dialect).await;
        database.execute(tables).await;
        let schema = introspect::introspect(&database.pool, None).await.unwrap();
        let rules = rules::compile(&schema, &[("rules/a.yaml".into(), rules.into())]);
        let rules = rules.unwrap_or_else(|problems| panic!("{problems:?}"));
        let access = rules::policy::check(&schema, &rules, &[("access/a.yaml".into(), access.into())]);
        let access = access.unwrap_or_else(|problems| panic!("{problems:?}")).access;
        let snapshot = Snapshot::new(schema.clone(), rules, settings, Limits::default());
        Self { database, snapshot: Arc::new(snapshot.guarded_by(access.clone())), schema, access }
    }

    /// Somebody with these roles and claims.
    pub fn client(&self, id: &str, roles: &[&str], claims: &[(&str, Value)]) -> Client {
        let claims: BTreeMap<String, Claim> =
            claims.iter().map(|(name, value)| ((*name).to_owned(), Claim::Value(value.clone()))).collect();
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self.client_of(Actor { id: Some(id.to_owned()), roles, claims })
    }

    /// An actor.
    pub fn client_of(&self, actor: Actor) -> Client {
        Client::acting_as(self.database.pool.clone(), self.snapshot.clone(), actor)
    }
}
