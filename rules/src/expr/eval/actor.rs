//! What an expression asks of the actor -> its value.
//!
//! A claim is converted to the type of what it is compared with. What would have to be bent for that (a text that is no number, 2.5 for a
//! whole number, true for a number, a list for a single value) is null, as a claim is that nobody made: then the comparison grants nothing.

use dialects::Value;

use super::cast::cast;
use super::compare::order;
use crate::expr::{ActorTerm, Type};
use crate::policy::Actor;

/// What an actor's term is worth.
pub fn told(actor: &Actor, term: &ActorTerm) -> Value {
    match term {
        ActorTerm::Id => actor.id.clone().map_or(Value::Null, Value::Text),
        ActorTerm::Claim(name, ty) => converted(actor.claim(name), *ty),
        ActorTerm::HasRole(name) => Value::Bool(actor.has_role(name)),
    }
}

/// The values of a claim that is a list (or one value), as a type; `None`: there is no such claim.
pub fn claimed(actor: &Actor, name: &str, ty: Type) -> Option<Vec<Value>> {
    let values = actor.claims(name)?;
    Some(values.into_iter().map(|value| converted(value, ty)).collect())
}

fn converted(value: Value, ty: Type) -> Value {
    let number = matches!(ty, Type::Integer | Type::Decimal(_) | Type::Float);
    if number && matches!(value, Value::Bool(_)) {
        return Value::Null;
    }
    let converted = cast(value.clone(), ty).unwrap_or(Value::Null);
    let bent = matches!(ty, Type::Integer | Type::Decimal(_)) && !is_exact(value, &converted);
    if bent { Value::Null } else { converted }
}

/// Whether a number says what it was made from.
fn is_exact(value: Value, converted: &Value) -> bool {
    let all_digits = cast(value, Type::Decimal(None)).unwrap_or(Value::Null);
    matches!(order(&all_digits, converted), Ok(None | Some(std::cmp::Ordering::Equal)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::expr::eval::show;
    use crate::policy::Claim;

    #[test]
    fn a_claim_is_what_it_is_compared_with_or_null() {
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        for (claim, ty, expected) in [
            (Value::text("7"), Type::Integer, "7"),
            (Value::text("7.0"), Type::Integer, "7"),
            (decimal("7.5"), Type::Integer, "null"),
            (Value::text("seven"), Type::Integer, "null"),
            (Value::Bool(true), Type::Integer, "null"),
            (Value::Float(1.5), Type::Integer, "null"),
            (decimal("1.50"), Type::Decimal(Some(2)), "1.50"),
            (decimal("1.505"), Type::Decimal(Some(2)), "null"),
            (Value::Int(7), Type::Text, "7"),
            (Value::text("true"), Type::Bool, "true"),
            (Value::text("yes"), Type::Bool, "null"),
            (Value::text("2024-02-29"), Type::Date, "2024-02-29"),
            (Value::text("2023-02-29"), Type::Date, "null"),
            (Value::Null, Type::Text, "null"),
        ] {
            let claims = BTreeMap::from([("c".to_owned(), Claim::Value(claim.clone()))]);
            let actor = Actor { claims, ..Actor::anonymous() };
            let found = told(&actor, &ActorTerm::Claim("c".into(), ty));
            assert_eq!(show(&found), expected, "{claim:?} as {ty:?}");
            let one = claimed(&actor, "c", ty).map(|values| values.iter().map(show).collect::<Vec<_>>());
            assert_eq!(one, (claim != Value::Null).then(|| vec![expected.to_owned()]), "{claim:?}");
        }
    }
}
