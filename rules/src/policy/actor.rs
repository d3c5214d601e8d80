//! Who asks.

use std::collections::BTreeMap;

use dialects::Value;

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actor {
    /// Who it is (a token's `sub`); none: anonymous.
    pub id: Option<String>,
    /// The roles that were granted.
    pub roles: Vec<String>,
    /// What else is known, by name.
    pub claims: BTreeMap<String, Claim>,
}

/// One thing that is known of an actor.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// A text, a number, true, false or null.
    Value(Value),
    /// Several.
    List(Vec<Claim>),
    /// Claims of its own, by name.
    Claims(BTreeMap<String, Claim>),
}

impl Actor {
    /// Somebody who has shown nothing.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A claim by its exact name; failing that, by the path that its dots make of it.
    pub fn find(&self, name: &str) -> Option<&Claim> {
        find(&self.claims, name)
    }

    /// A claim's value; null when it is missing, and when it is no single value.
    pub fn claim(&self, name: &str) -> Value {
        match self.find(name) {
            Some(Claim::Value(value)) => value.clone(),
            _ => Value::Null,
        }
    }

    /// The values of a claim that is a list, or its one value; `None` when it is missing or null. What is no single value in it is null.
    pub fn claims(&self, name: &str) -> Option<Vec<Value>> {
        match self.find(name)? {
            Claim::Value(Value::Null) | Claim::Claims(_) => None,
            Claim::Value(value) => Some(vec![value.clone()]),
            Claim::List(items) => Some(items.iter().map(Claim::value).collect()),
        }
    }

    /// Whether a role was granted.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role == name)
    }
}

impl Claim {
    fn value(&self) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::List(_) | Self::Claims(_) => Value::Null,
        }
    }
}

/// `realm_access.roles`: the exact name first, then what each beginning that ends at a dot leads to.
fn find<'a>(claims: &'a BTreeMap<String, Claim>, name: &str) -> Option<&'a Claim> {
    if let Some(claim) = claims.get(name) {
        return Some(claim);
    }
    name.match_indices('.').find_map(|(dot, _)| match claims.get(name.get(..dot)?)? {
        Claim::Claims(inner) => find(inner, name.get(dot + 1..)?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_found_by_name_and_by_path() {
        let one = |n| Claim::Value(Value::Int(n));
        let inner = BTreeMap::from([("b".to_owned(), one(1)), ("b.c".to_owned(), one(2))]);
        let claims = BTreeMap::from([
            ("a".to_owned(), Claim::Claims(inner)),
            ("a.x".to_owned(), one(3)),
            ("xs".to_owned(), Claim::List(vec![one(4), Claim::List(Vec::new())])),
        ]);
        let actor = Actor { claims, ..Actor::anonymous() };
        for (name, expect) in [
            ("a.b", Value::Int(1)),
            ("a.b.c", Value::Int(2)),
            ("a.x", Value::Int(3)),
            ("a", Value::Null),
            ("a.y", Value::Null),
            ("xs", Value::Null),
            ("", Value::Null),
        ] {
            assert_eq!(actor.claim(name), expect, "{name}");
        }
        assert_eq!(actor.claims("xs"), Some(vec![Value::Int(4), Value::Null]));
        assert_eq!(actor.claims("a.x"), Some(vec![Value::Int(3)]));
        assert_eq!(actor.claims("none"), None);
    }
}
