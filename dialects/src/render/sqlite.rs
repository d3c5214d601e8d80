//! SQLite's spelling. Functions named `rulegate_…` are registered by the driver on every connection: SQLite's own
//! arithmetic is binary, its `lower` and `like` know ASCII alone.

use crate::sql::CastType;

/// Most variables in one statement.
pub(super) const PLACEHOLDERS_MAX: usize = 32_766;

/// Where nulls go.
pub(super) fn nulls(descending: bool) -> &'static str {
    if descending { " nulls first" } else { " nulls last" }
}

/// What stands before and after an expression that is cast.
pub(super) fn cast(ty: &CastType) -> (&'static str, String) {
    match ty {
        CastType::Integer => ("rulegate_integer(", ")".to_owned()),
        CastType::Decimal(Some(scale)) => ("rulegate_round(", format!(", {scale})")),
        CastType::Decimal(None) => ("rulegate_decimal(", ")".to_owned()),
        CastType::Text | CastType::Shown => ("cast(", " as text)".to_owned()),
        CastType::Boolean => ("((", ") <> 0)".to_owned()),
        CastType::Digits(None) => ("rulegate_digits(", ", null)".to_owned()),
        CastType::Digits(Some(scale)) => ("rulegate_digits(", format!(", {scale})")),
        CastType::Date => ("rulegate_date(", ")".to_owned()),
        CastType::Time => ("rulegate_time(", ")".to_owned()),
        CastType::Timestamp | CastType::TimestampTz => ("rulegate_timestamp(", ")".to_owned()),
        CastType::TimeText | CastType::TimestampText => ("rulegate_moment(", ")".to_owned()),
        CastType::InstantText => ("(rulegate_moment(", ") || 'Z')".to_owned()),
        CastType::Native(ty) => ("cast(", format!(" as {})", ty.text)),
    }
}
