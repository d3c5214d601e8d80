//! `filter={"and": [{"name": "status", "op": "eq", "val": "new"}, …]}` → [`Filter`].
//!
//! `and`, `or` and `not` nest; leaves have exactly `name`, `op` and `val`. A bare array is what SAFRS takes: any of its filters.

use serde_json::{Map, Value as Json};

use super::{Filter, FilterTerm, Operand, unknown_operator};
use crate::jsonapi::document::tree;
use crate::jsonapi::query::Operator;
use crate::suggest::did_you_mean;

/// Deepest nesting of brackets and braces.
const DEPTH_MAX: usize = 32;

const MEMBERS: [&str; 6] = ["and", "or", "not", "name", "op", "val"];

/// A sentence, and the JSON pointer to what it is about.
type Refusal = (String, String);

/// Reads the whole parameter.
pub(super) fn parse(text: &str) -> Result<Filter, Refusal> {
    match tree::read(text.as_bytes(), DEPTH_MAX) {
        Ok(Json::Array(filters)) => several(filters, "").map(Filter::Any),
        Ok(json) => filter(json, ""),
        Err(error) => Err((format!("The filter cannot be read as JSON: {error}."), String::new())),
    }
}

fn filter(json: Json, at: &str) -> Result<Filter, Refusal> {
    let Json::Object(mut members) = json else {
        let detail =
            r#"A filter is an object: {"name": …, "op": …, "val": …}, or one of "and", "or" and "not"."#;
        return Err(refusal(detail, at));
    };
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let hint = did_you_mean(unknown, MEMBERS.into_iter());
        return Err(refusal(&format!("A filter has no member {unknown:?}.{hint}"), at));
    }
    if members.len() > 1 {
        return leaf(members, at);
    }
    match members.iter_mut().next().map(|(name, value)| (name.as_str(), value.take())) {
        Some(("and", list)) => array(list, &format!("{at}/and")).map(Filter::All),
        Some(("or", list)) => array(list, &format!("{at}/or")).map(Filter::Any),
        Some(("not", inner)) => Ok(Filter::Not(Box::new(filter(inner, &format!("{at}/not"))?))),
        _ => leaf(members, at),
    }
}

fn array(json: Json, at: &str) -> Result<Vec<Filter>, Refusal> {
    match json {
        Json::Array(filters) => several(filters, at),
        _ => Err(refusal("An array of filters is needed.", at)),
    }
}

fn several(filters: Vec<Json>, at: &str) -> Result<Vec<Filter>, Refusal> {
    match filters.is_empty() {
        true => Err(refusal("An array of filters needs at least one.", at)),
        false => {
            filters.into_iter().enumerate().map(|(n, json)| filter(json, &format!("{at}/{n}"))).collect()
        }
    }
}

/// `{"name", "op", "val"}`.
fn leaf(mut members: Map<String, Json>, at: &str) -> Result<Filter, Refusal> {
    let parts = ["name", "op", "val"].map(|member| members.remove(member));
    let ([Some(name), Some(op), Some(val)], true) = (parts, members.is_empty()) else {
        let detail = r#"A filter has "name", "op" and "val", or is one of "and", "or" and "not"."#;
        return Err(refusal(detail, at));
    };
    let text = |json: Json, member: &str| match json {
        Json::String(text) => Ok(text),
        _ => Err(refusal(&format!("{member:?} must be a string."), &format!("{at}/{member}"))),
    };
    let (path, word) = (text(name, "name")?, text(op, "op")?);
    let operator =
        Operator::parse(&word).ok_or_else(|| refusal(&unknown_operator(&word), &format!("{at}/op")))?;
    let operands = operands(operator, val, &word, &format!("{at}/val"))?;
    Ok(Filter::Term(FilterTerm { path, operator, operands, at: at.to_owned() }))
}

fn operands(operator: Operator, val: Json, word: &str, at: &str) -> Result<Vec<Operand>, Refusal> {
    match (val, operator.takes_several()) {
        (Json::Array(values), true) => {
            values.into_iter().enumerate().map(|(n, json)| operand(json, &format!("{at}/{n}"))).collect()
        }
        (_, true) => Err(refusal(&format!("{word} takes an array of values."), at)),
        (Json::Array(_), false) => Err(refusal(&format!("{word} takes one value, not an array."), at)),
        (json, false) => Ok(vec![operand(json, at)?]),
    }
}

fn operand(json: Json, at: &str) -> Result<Operand, Refusal> {
    Ok(match json {
        Json::Null => Operand::Null,
        Json::String(text) => Operand::Text(text),
        Json::Bool(truth) => Operand::Text(truth.to_string()),
        Json::Number(number) => Operand::Text(number.to_string()),
        Json::Array(_) | Json::Object(_) => {
            return Err(refusal("A value is a string, a number, true, false or null.", at));
        }
    })
}

fn refusal(detail: &str, at: &str) -> Refusal {
    (detail.to_owned(), at.to_owned())
}
