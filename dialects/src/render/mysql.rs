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
        CastType::Decimal(None) => ("(", " + cast(0 as decimal(1,0)))".to_owned()),
        CastType::Decimal(Some(scale)) => ("round((", format!(") + cast(0 as decimal(1,0)), {scale})")),
        CastType::Text => ("cast(", " as char)".to_owned()),
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
