//! The golden table: what every operator and function of the language is worth, with nulls, negatives, scales, overflow, padding, case,
//! month ends, leap days and time zones. Tests check it in memory and on each database; `golden.txt` is the table.

use bigdecimal::BigDecimal;
use chrono::{NaiveDate, NaiveTime};
use dialects::{IntKind, Value, ValueType};

/// Expressions over [`row`], and their values as [`super::eval::show`] writes them, or `error: why`.
pub fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("golden.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once("=> ")).map(|(expression, value)| (expression.trim(), value))
}

/// The columns of the one row, with its values.
pub fn row() -> Vec<(&'static str, ValueType, Value)> {
    let int = ValueType::Int(IntKind::I32);
    let wide = ValueType::Int(IntKind::I64);
    let money = ValueType::Decimal { precision: Some(10), scale: Some(2) };
    let eighths = ValueType::Decimal { precision: Some(6), scale: Some(3) };
    let text = ValueType::Text { length: Some(20) };
    let decimal = |hundredths: i64, scale| Value::Decimal(BigDecimal::new(hundredths.into(), scale));
    let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap_or_default();
    let time = |h, m, s, milli| NaiveTime::from_hms_milli_opt(h, m, s, milli).unwrap_or(NaiveTime::MIN);
    vec![
        ("id", int, Value::Int(1)),
        ("zero", int, Value::Int(0)),
        ("one", int, Value::Int(1)),
        ("three", int, Value::Int(3)),
        ("none", int, Value::Null),
        ("big", wide, Value::Int(i64::MAX)),
        ("small", wide, Value::Int(i64::MIN)),
        ("price", money, decimal(250, 2)),
        ("owed", money, decimal(-125, 2)),
        ("eighth", eighths, decimal(125, 3)),
        ("word", text, Value::text("Hello")),
        ("spaced", text, Value::text("  a b ")),
        ("padded", text, Value::text("a ")),
        ("letters", text, Value::text("ÄßΣ😀")),
        ("blank", text, Value::text("")),
        ("absent", text, Value::Null),
        ("half", text, Value::text("50%")),
        ("slash", text, Value::text("a\\")),
        ("code", ValueType::Text { length: Some(5) }, Value::text("ab")),
        ("leap", ValueType::Date, Value::Date(date(2024, 2, 29))),
        ("month_end", ValueType::Date, Value::Date(date(2024, 1, 31))),
        ("last_day", ValueType::Date, Value::Date(date(9999, 12, 31))),
        ("first_day", ValueType::Date, Value::Date(date(1, 1, 1))),
        ("no_day", ValueType::Date, Value::Null),
        ("at", ValueType::Timestamp, Value::Timestamp(date(2024, 2, 29).and_time(time(23, 59, 58, 500)))),
        ("moment", ValueType::TimestampTz, Value::TimestampTz(date(2024, 3, 31).and_time(time(1, 30, 0, 0)))),
        ("clock", ValueType::Time, Value::Time(time(13, 45, 0, 250))),
        ("yes", ValueType::Bool, Value::Bool(true)),
        ("nope", ValueType::Bool, Value::Bool(false)),
        ("unsure", ValueType::Bool, Value::Null),
    ]
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;
    use introspect::{ColumnId, TableId};

    use super::*;
    use crate::expr::eval::{EvalError, Scope, eval, show};
    use crate::expr::resolve::{Context, expression};
    use crate::expr::{Event, Place};
    use crate::fixture;
    use crate::policy::Actor;

    struct Row(Vec<Value>, Actor);

    impl Scope for Row {
        fn column(&self, place: &Place) -> Result<Value, EvalError> {
            Ok(self.0[place.column.0 as usize].clone())
        }
        fn old(&self, _: ColumnId) -> Result<Value, EvalError> {
            Ok(Value::Null)
        }
        fn event(&self) -> Event {
            Event::Updating
        }
        fn now(&self) -> NaiveDateTime {
            NaiveDateTime::default()
        }
        fn actor(&self) -> &Actor {
            &self.1
        }
    }

    #[test]
    fn every_expression_has_its_value() {
        let columns = row().into_iter().skip(1);
        let sketch =
            columns.fold(fixture::Sketch::new("golden"), |sketch, (name, ty, _)| sketch.column(name, ty));
        let schema = fixture::schema(dialects::Dialect::Sqlite, vec![sketch]);
        let row = Row(row().into_iter().map(|(_, _, value)| value).collect(), Actor::anonymous());
        let mut wrong = Vec::new();
        for (text, expected) in cases() {
            let found = match expression(&schema, TableId(0), text, Context::Message) {
                Ok((expr, _)) => {
                    eval(&expr, &row).map_or_else(|e| format!("error: {e}"), |value| show(&value))
                }
                Err(problems) => format!("refused: {problems:?}"),
            };
            if found != expected {
                wrong.push(format!("{text}\n  found    {found}\n  expected {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(cases().count() > 200);
    }

    #[test]
    fn the_type_of_a_resolved_expression_is_the_one_that_it_was_resolved_with() {
        let columns = row().into_iter().skip(1);
        let sketch =
            columns.fold(fixture::Sketch::new("golden"), |sketch, (name, ty, _)| sketch.column(name, ty));
        let schema = fixture::schema(dialects::Dialect::Sqlite, vec![sketch]);
        for (text, _) in cases() {
            let (expr, ty) = expression(&schema, TableId(0), text, Context::Message).unwrap();
            let column =
                |place: &Place| super::super::resolve::of_column(schema[TableId(0)][place.column].ty);
            let found = expr.ty(&column);
            assert!(found == ty || found == crate::expr::Type::Null, "{text}: {found:?}, not {ty:?}");
        }
    }
}
