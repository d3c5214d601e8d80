//! SQLite's spelling. Functions named `rulegate_…` are registered by the driver on every connection: SQLite's own
//! arithmetic is binary, its `lower` and `like` know ASCII alone.

use bigdecimal::ToPrimitive;
use chrono::{Datelike, Days, NaiveDate};

use crate::sql::{BinaryOp, CastType};
use crate::{Value, ValueType};

/// Most variables in one statement.
pub(super) const PLACEHOLDERS_MAX: usize = 32_766;

/// The least and the greatest stored value that can be meant.
pub(super) type Range = (Option<Value>, Option<Value>);

/// The function that brings a stored value into its one form.
pub(super) fn kept(ty: ValueType) -> Option<&'static str> {
    match ty {
        ValueType::Date => Some("rulegate_as_date"),
        ValueType::Time => Some("rulegate_as_time"),
        ValueType::Timestamp | ValueType::TimestampTz => Some("rulegate_as_timestamp"),
        ValueType::Decimal { .. } => Some("rulegate_as_decimal"),
        _ => None,
    }
}

/// Where stored values lie, in whatever form, that compare so with one of these. A text of a moment begins with its day, or with the day
/// before or after where it has a zone; a double lies close to its decimal.
pub(super) fn range(op: BinaryOp, values: &[Value]) -> Option<Range> {
    let (mut least, mut most) = (Vec::new(), Vec::new());
    for value in values {
        let (low, high) = around(value)?;
        least.push(low);
        most.push(high);
    }
    let (least, most) = (least.into_iter().min(), most.into_iter().max());
    match op {
        BinaryOp::Eq => Some((least, most)),
        BinaryOp::Gt | BinaryOp::Ge => Some((least, None)),
        BinaryOp::Lt | BinaryOp::Le => Some((None, most)),
        _ => None,
    }
}

fn around(value: &Value) -> Option<(Value, Value)> {
    let day = match value {
        Value::Date(day) => *day,
        Value::Timestamp(at) | Value::TimestampTz(at) => at.date(),
        other => {
            let number = other.decimal()?.to_f64()?;
            let margin = number.abs() * 1e-14;
            return Some((Value::Float(number - margin), Value::Float(number + margin)));
        }
    };
    // Years of more or less than four digits do not sort as texts: at the ends there is no range.
    let text = |day: NaiveDate| (0..=9999).contains(&day.year()).then(|| Value::Text(day.to_string()));
    Some((text(day.pred_opt()?)?, text(day.checked_add_days(Days::new(2))?)?))
}

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
