//! Who asks, and what they may do.
//!
//! An [`Actor`] is made from a request's credentials by the server; expressions read it through `actor.id`,
//! `actor.claim('name')` and `actor.has_role('name')`.

use std::collections::BTreeMap;

use dialects::Value;

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actor {
    /// Who it is (a token's `sub`); none: anonymous.
    pub id: Option<String>,
    /// The roles that were granted.
    pub roles: Vec<String>,
    /// What else is known, by name; members of nested claims by their dotted path.
    pub claims: BTreeMap<String, Value>,
}

impl Actor {
    /// Somebody who has shown nothing.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A claim's value; null when missing.
    pub fn claim(&self, name: &str) -> Value {
        self.claims.get(name).cloned().unwrap_or(Value::Null)
    }

    /// Whether a role was granted.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role == name)
    }
}
