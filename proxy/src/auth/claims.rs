//! What a token claims, once its signature has been checked: whether it holds here and now, and who it speaks of (RFC 7519, section 4.1).

use std::collections::BTreeMap;

use dialects::Value;
use rules::policy::{Actor, Claim};
use serde_json::{Map, Number, Value as Json};

use super::Settings;
use super::fault::Fault;
use crate::jsonapi::value::exact;

/// What a token claims, by name.
pub(super) type Claims = Map<String, Json>;

/// Whether it holds; gives the moment from which it does not, in seconds since 1970. `now` likewise.
pub(super) fn check(claims: &Claims, settings: &Settings, now: u64) -> Result<u64, Fault> {
    let ends = seconds(claims, "exp", "The claim exp of the token must be a whole number of seconds.")?;
    let ends = ends.ok_or(Fault::Claim("The token has no end: the claim exp is missing."))?;
    let until = ends.saturating_add(settings.leeway_s);
    if now >= until {
        return Err(Fault::Expired);
    }
    let latest = now.saturating_add(settings.leeway_s);
    let begins = seconds(claims, "nbf", "The claim nbf of the token must be a whole number of seconds.")?;
    let issued = seconds(claims, "iat", "The claim iat of the token must be a whole number of seconds.")?;
    if begins.max(issued).is_some_and(|moment| moment > latest) {
        return Err(Fault::NotYet);
    }
    check_issuer(claims, settings.issuer.as_deref())?;
    check_audience(claims, &settings.audience)?;
    Ok(until)
}

fn seconds(claims: &Claims, name: &str, wrong: &'static str) -> Result<Option<u64>, Fault> {
    match claims.get(name) {
        None => Ok(None),
        Some(Json::Number(number)) => number.as_u64().map(Some).ok_or(Fault::Claim(wrong)),
        Some(_) => Err(Fault::Claim(wrong)),
    }
}

fn check_issuer(claims: &Claims, expected: Option<&str>) -> Result<(), Fault> {
    match (claims.get("iss"), expected) {
        (None | Some(Json::String(_)), None) => Ok(()),
        (Some(Json::String(issuer)), Some(expected)) if issuer == expected => Ok(()),
        _ => Err(Fault::Issuer),
    }
}

/// One of those that are expected; where none is, tokens for whomever are fine.
fn check_audience(claims: &Claims, expected: &[String]) -> Result<(), Fault> {
    let is_expected = |one: &Json| expected.iter().any(|name| one.as_str() == Some(name));
    let found = match claims.get("aud") {
        _ if expected.is_empty() => return Ok(()),
        Some(Json::Array(several)) => several.iter().all(Json::is_string) && several.iter().any(is_expected),
        Some(one) => is_expected(one),
        None => false,
    };
    if found { Ok(()) } else { Err(Fault::Audience) }
}

/// Most characters of a `sub` (OpenID Connect Core, section 2).
const SUB_MAX: usize = 255;

/// Who it speaks of.
pub(super) fn actor(claims: Claims, roles_claim: &str) -> Result<Actor, Fault> {
    let id = match claims.get("sub") {
        None => None,
        // MySQL takes a text for another one that differs by spaces at its end.
        Some(Json::String(id)) if (1..=SUB_MAX).contains(&id.chars().count()) && id.trim() == id => {
            Some(id.clone())
        }
        Some(_) => {
            let detail = "The claim sub of the token must be a text of 1 to 255 characters, without spaces at its ends.";
            return Err(Fault::Claim(detail));
        }
    };
    let claims = several(claims)?;
    let mut actor = Actor { id, roles: Vec::new(), claims };
    actor.roles = roles(actor.find(roles_claim))?;
    Ok(actor)
}

/// A list of texts, or one text, in which spaces part them as in OAuth's `scope`.
fn roles(claim: Option<&Claim>) -> Result<Vec<String>, Fault> {
    match claim {
        None | Some(Claim::Value(Value::Null)) => Ok(Vec::new()),
        Some(Claim::Value(Value::Text(text))) => {
            Ok(text.split_ascii_whitespace().map(str::to_owned).collect())
        }
        Some(Claim::List(items)) => items.iter().map(role).collect(),
        Some(_) => Err(NO_ROLES),
    }
}

const NO_ROLES: Fault = Fault::Claim("The roles in the token must be a list of texts, or one text.");

fn role(item: &Claim) -> Result<String, Fault> {
    match item {
        Claim::Value(Value::Text(text)) => Ok(text.clone()),
        _ => Err(NO_ROLES),
    }
}

fn several(object: Claims) -> Result<BTreeMap<String, Claim>, Fault> {
    object.into_iter().map(|(name, value)| Ok((name, claim(value)?))).collect()
}

fn claim(json: Json) -> Result<Claim, Fault> {
    Ok(Claim::Value(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(digits) => number(&digits)?,
        // No database takes it, and no comparison with it can be meant.
        Json::String(text) if text.contains('\0') => {
            return Err(Fault::Claim("A text in the token holds a NUL character."));
        }
        Json::String(text) => Value::Text(text),
        Json::Array(items) => return items.into_iter().map(claim).collect::<Result<_, _>>().map(Claim::List),
        Json::Object(inner) => return several(inner).map(Claim::Claims),
    }))
}

/// Exact, or not at all.
fn number(digits: &Number) -> Result<Value, Fault> {
    match digits.as_i64() {
        Some(whole) => Ok(Value::Int(whole)),
        None => exact(&digits.to_string())
            .map(Value::Decimal)
            .ok_or(Fault::Claim("A number in the token has too many digits.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_000_000;

    fn object(json: Json) -> Claims {
        json.as_object().unwrap().clone()
    }

    #[track_caller]
    fn holds(claims: Json, expect: Result<u64, Fault>) {
        let audience = vec!["shop".to_owned(), "till".to_owned()];
        let settings =
            Settings { issuer: Some("https://id".into()), audience, leeway_s: 30, ..Settings::default() };
        let mut all = object(json!({"iss": "https://id", "aud": "shop", "exp": NOW}));
        all.extend(object(claims.clone()));
        all.retain(|_, value| *value != json!("gone"));
        assert_eq!(check(&all, &settings, NOW), expect, "{claims}");
    }

    #[test]
    fn a_token_holds_from_its_beginning_to_its_end_with_some_leeway() {
        holds(json!({}), Ok(NOW + 30));
        holds(json!({"exp": NOW - 29}), Ok(NOW + 1));
        holds(json!({"exp": NOW - 30}), Err(Fault::Expired));
        holds(json!({"nbf": NOW + 30, "iat": NOW + 30}), Ok(NOW + 30));
        holds(json!({"nbf": NOW + 31}), Err(Fault::NotYet));
        holds(json!({"iat": NOW + 31}), Err(Fault::NotYet));
        holds(json!({"exp": u64::MAX}), Ok(u64::MAX));
    }

    #[test]
    fn a_moment_is_a_whole_number_of_seconds() {
        let numbers: Vec<Json> =
            ["-1", "1e400", "2000000.5", "2e9", "18446744073709551616"].map(|n| n.parse().unwrap()).into();
        let others = [json!("2000000"), json!(null), json!(true), json!([2_000_000])];
        for name in ["exp", "nbf", "iat"] {
            for value in numbers.iter().chain(&others) {
                let mut claims = json!({});
                claims[name] = value.clone();
                let mut all = object(json!({"exp": NOW + 1}));
                all.extend(object(claims.clone()));
                let found = check(&all, &Settings::default(), NOW);
                assert!(matches!(found, Err(Fault::Claim(_))), "{claims}: {found:?}");
            }
        }
        assert!(matches!(check(&object(json!({})), &Settings::default(), NOW), Err(Fault::Claim(_))));
    }

    #[test]
    fn issuer_and_audience_are_those_that_are_expected() {
        holds(json!({"iss": "https://id/"}), Err(Fault::Issuer));
        holds(json!({"iss": ["https://id"]}), Err(Fault::Issuer));
        holds(json!({"iss": "gone"}), Err(Fault::Issuer));
        holds(json!({"aud": ["other", "till"]}), Ok(NOW + 30));
        for aud in [
            json!("other"),
            json!([]),
            json!(["shop", 5]),
            json!({"shop": 1}),
            json!("gone"),
            json!("shop till"),
        ] {
            holds(json!({"aud": aud}), Err(Fault::Audience));
        }
    }

    #[test]
    fn roles_are_found_by_name_and_by_path_as_a_list_or_as_a_text() {
        let token = json!({"sub": "ann", "roles": ["a", "b c"], "scope": "read  write", "one": "x", "none": null, "n": 5, "mixed": ["a", 1],
            "realm_access": {"roles": ["r"]}, "https://shop.example/roles": ["s"]});
        for (claim, expect) in [
            ("roles", Some(&["a", "b c"][..])),
            ("scope", Some(&["read", "write"])),
            ("one", Some(&["x"])),
            ("none", Some(&[])),
            ("absent", Some(&[])),
            ("realm_access.roles", Some(&["r"])),
            ("https://shop.example/roles", Some(&["s"])),
            ("n", None),
            ("mixed", None),
            ("realm_access", None),
        ] {
            let found = actor(object(token.clone()), claim);
            let roles =
                found.as_ref().ok().map(|actor| actor.roles.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(roles.as_deref(), expect, "{claim}");
            assert!(found.is_err() || found.unwrap().id.as_deref() == Some("ann"));
        }
        for sub in [json!(7), json!(""), json!("x".repeat(256)), json!("ann\0"), json!(null)] {
            assert!(actor(object(json!({"sub": sub})), "roles").is_err(), "{sub}");
        }
    }

    #[test]
    fn numbers_keep_their_digits() {
        let claims =
            r#"{"a": 9007199254740993, "b": 0.10, "c": 98765432109876543210, "d": {"e": [true, "t"]}}"#;
        let actor = actor(object(claims.parse().unwrap()), "roles").unwrap();
        assert_eq!(actor.claim("a"), Value::Int(9_007_199_254_740_993));
        assert_eq!(actor.claim("b"), Value::Decimal("0.10".parse().unwrap()));
        assert_eq!(actor.claim("c"), Value::Decimal("98765432109876543210".parse().unwrap()));
        assert_eq!(actor.claims("d.e"), Some(vec![Value::Bool(true), Value::Text("t".into())]));
        let far = r#"{"a": 1e99999999}"#;
        assert!(super::actor(object(far.parse().unwrap()), "roles").is_err());
    }
}
