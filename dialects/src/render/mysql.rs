//! MySQL's and MariaDB's spelling.

use std::borrow::Cow;

use crate::sql::{CastType, Lock, SqlType};
use crate::{Decimal, Value};

/// Most placeholders in one statement.
pub(super) const PLACEHOLDERS_MAX: usize = 65_535;

/// A value as the server takes it for a column: bits as the number that they are (a text would be its bytes), and for a column of 32-bit
/// floats the double that equals one.
pub(super) fn of_column<'a>(value: &'a Value, ty: &SqlType) -> Cow<'a, Value> {
    match value {
        Value::Text(bits) if ty.text.starts_with("bit(") => match u64::from_str_radix(bits, 2) {
            Ok(number) => Cow::Owned(
                i64::try_from(number).map_or_else(|_| Value::Decimal(Decimal::from(number)), Value::Int),
            ),
            Err(_) => Cow::Borrowed(value),
        },
        Value::Float(float) if ty.text.starts_with("float") => {
            Cow::Owned(Value::Float(f64::from(*float as f32)))
        }
        _ => Cow::Borrowed(value),
    }
}

/// Row locks: one of two strengths.
pub(super) fn lock(lock: Lock) -> &'static str {
    match lock {
        Lock::Share => " lock in share mode",
        Lock::NoKeyUpdate | Lock::Update => " for update",
    }
}

/// What stands before and after an expression that is cast.
pub(super) fn cast(ty: &CastType) -> (&'static str, String) {
    match ty {
        CastType::Integer => ("cast(round(", ") as signed)".to_owned()),
        CastType::Decimal(None) => ("(", " + cast(0 as decimal(1,0)))".to_owned()),
        CastType::Decimal(Some(scale)) => ("round((", format!(") + cast(0 as decimal(1,0)), {scale})")),
        CastType::Text => ("cast(", " as char)".to_owned()),
        // Of the types without a form of ours there are but the spatial ones.
        CastType::Shown => ("st_astext(", ")".to_owned()),
        CastType::Digits(None) => (
            "trim(trailing '.' from trim(trailing '0' from cast((",
            ") + cast(0 as decimal(2,1)) as char)))".to_owned(),
        ),
        CastType::Digits(Some(scale)) => {
            ("cast(round((", format!(") + cast(0 as decimal(1,0)), {scale}) as char)"))
        }
        CastType::TimeText => {
            ("trim(trailing '.' from trim(trailing '0' from cast(cast(", " as time(6)) as char)))".to_owned())
        }
        CastType::TimestampText => (
            "trim(trailing '.' from trim(trailing '0' from cast(cast(",
            " as datetime(6)) as char)))".to_owned(),
        ),
        CastType::InstantText => (
            "concat(trim(trailing '.' from trim(trailing '0' from cast(cast(",
            " as datetime(6)) as char))), 'Z')".to_owned(),
        ),
        CastType::Time => ("cast(", " as time(6))".to_owned()),
        CastType::Boolean => ("((", ") <> 0)".to_owned()),
        CastType::Date => ("cast(", " as date)".to_owned()),
        CastType::Timestamp | CastType::TimestampTz => ("cast(", " as datetime(6))".to_owned()),
        CastType::Native(ty) => ("cast(", format!(" as {})", ty.text)),
    }
}
