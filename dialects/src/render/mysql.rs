//! MySQL's and MariaDB's spelling.

use crate::sql::{CastType, Lock};

/// Most placeholders in one statement.
pub(super) const PLACEHOLDERS_MAX: usize = 65_535;

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
        CastType::Decimal(scale) => ("cast(", format!(" as decimal(65,{}))", scale.unwrap_or(30).min(30))),
        CastType::Text => ("cast(", " as char)".to_owned()),
        CastType::Boolean => ("((", ") <> 0)".to_owned()),
        CastType::Date => ("cast(", " as date)".to_owned()),
        CastType::Timestamp | CastType::TimestampTz => ("cast(", " as datetime(6))".to_owned()),
        CastType::Native(ty) => ("cast(", format!(" as {})", ty.text)),
    }
}
