//! PostgreSQL's spelling.

use crate::Value;
use crate::render::{Param, Statement};
use crate::sql::{Advisory, Alias, CastType, Lock, SqlType};

/// A lock on the rows of one table of the statement.
pub(super) fn lock(lock: Lock, alias: Alias) -> String {
    let strength = match lock {
        Lock::Share => "share",
        Lock::NoKeyUpdate => "no key update",
        Lock::Update => "update",
    };
    format!(" for {strength} of t{}", alias.0)
}

/// Advisory locks, in the order given.
pub(super) fn advisory(advisory: &Advisory) -> Statement {
    let (keys, exclusive) = advisory.locks.iter().map(|(key, x)| (Value::Int(*key), Value::Bool(*x))).unzip();
    Statement {
        text: "select case when v.x then pg_advisory_xact_lock(v.k)::text else pg_advisory_xact_lock_shared(v.k)::text end \
               from unnest($1::int8[], $2::bool[]) with ordinality as v(k, x, n) order by v.n"
            .to_owned(),
        params: vec![Param::Many(keys), Param::Many(exclusive)],
        columns: Vec::new(),
    }
}

/// The type a parameter is cast to: the column's without its modifiers, because a cast to `varchar(3)` cuts and one to
/// `numeric(9,2)` rounds without a word, whereas the assignment to the column complains.
pub(super) fn parameter_type(ty: &SqlType) -> String {
    let bare = without_modifiers(&ty.text);
    match bare.trim() {
        // Without a length these two mean a length of one.
        "character" | "char" => "bpchar".to_owned(),
        "bit" => "bit varying".to_owned(),
        other => match other.strip_suffix("[]") {
            Some("character" | "char") => "bpchar[]".to_owned(),
            Some("bit") => "bit varying[]".to_owned(),
            _ => other.to_owned(),
        },
    }
}

/// The text without what stands in parentheses outside of quotes.
fn without_modifiers(text: &str) -> String {
    let (mut bare, mut quoted, mut depth) = (String::with_capacity(text.len()), false, 0_u32);
    for c in text.chars() {
        match c {
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            _ => {}
        }
        if depth == 0 {
            bare.push(c);
        }
        if c == ')' && !quoted {
            depth = depth.saturating_sub(1);
        }
    }
    bare
}

/// The type of a parameter that came without one.
pub(super) fn type_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null | Value::Array(_) | Value::Drawn(_) => None,
        Value::Bool(_) => Some("bool"),
        Value::Int(_) => Some("int8"),
        Value::Decimal(_) => Some("numeric"),
        Value::Float(_) => Some("float8"),
        Value::Text(_) => Some("text"),
        Value::Bytes(_) => Some("bytea"),
        Value::Date(_) => Some("date"),
        Value::Time(_) => Some("time"),
        Value::Timestamp(_) => Some("timestamp"),
        Value::TimestampTz(_) => Some("timestamptz"),
        Value::Json(_) => Some("jsonb"),
    }
}

/// What stands before and after an expression that is cast.
pub(super) fn cast(ty: &CastType) -> (&'static str, String) {
    match ty {
        CastType::Integer => ("(", ")::numeric::int8".to_owned()),
        CastType::Decimal(None) => ("(", ")::numeric".to_owned()),
        CastType::Decimal(Some(scale)) => ("round((", format!(")::numeric, {scale})")),
        CastType::Text | CastType::Shown | CastType::TimeText | CastType::TimestampText => {
            ("(", ")::text".to_owned())
        }
        CastType::Digits(None) => ("trim_scale((", ")::numeric)::text".to_owned()),
        CastType::Digits(Some(scale)) => ("round((", format!(")::numeric, {scale})::text")),
        CastType::InstantText => ("(((", ") at time zone 'UTC')::text || 'Z')".to_owned()),
        CastType::Boolean => ("(", ")::boolean".to_owned()),
        CastType::Date => ("(", ")::date".to_owned()),
        CastType::Time => ("(", ")::time".to_owned()),
        CastType::Timestamp => ("(", ")::timestamp".to_owned()),
        CastType::TimestampTz => ("(", ")::timestamptz".to_owned()),
        CastType::Native(ty) => ("(", format!(")::{}", ty.text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_cast_without_modifiers() {
        for (declared, cast) in [
            ("numeric(12,2)", "numeric"),
            ("character varying(40)", "character varying"),
            ("character(3)", "bpchar"),
            ("character(3)[]", "bpchar[]"),
            ("bit(3)", "bit varying"),
            ("timestamp(3) with time zone", "timestamp with time zone"),
            ("\"public\".\"odd(1)\"", "\"public\".\"odd(1)\""),
            ("\"char\"", "\"char\""),
            ("integer", "integer"),
        ] {
            assert_eq!(parameter_type(&SqlType::scalar(declared)), cast);
        }
    }
}
