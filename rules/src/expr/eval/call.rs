//! The functions of the language. With a null argument they are null, except where their names promise otherwise.

use std::cmp::Ordering;

use bigdecimal::RoundingMode;
use chrono::NaiveTime;
use dialects::calendar::{self, Interval};
use dialects::{Value, letters, pieces};

use super::{EvalError, Evaluator, Expr, compare, number, text};
use crate::expr::Function;

impl Evaluator<'_> {
    pub(super) fn call(&self, function: Function, args: &[Expr], depth: usize) -> Result<Value, EvalError> {
        if function == Function::Coalesce {
            return self.coalesce(args, depth);
        }
        let values = args.iter().map(|e| self.value(e, depth)).collect::<Result<Vec<_>, _>>()?;
        match function {
            Function::Least => extreme(values, Ordering::Less),
            Function::Greatest => extreme(values, Ordering::Greater),
            Function::Concat => text::concat(&values),
            Function::NullIf => null_if(values),
            _ if values.iter().any(Value::is_null) => Ok(Value::Null),
            _ => strict(function, &values),
        }
    }

    fn coalesce(&self, args: &[Expr], depth: usize) -> Result<Value, EvalError> {
        for arg in args {
            let value = self.value(arg, depth)?;
            if !value.is_null() {
                return Ok(value);
            }
        }
        Ok(Value::Null)
    }
}

/// Functions that are null when an argument is; none is null here.
fn strict(function: Function, values: &[Value]) -> Result<Value, EvalError> {
    match (function, values) {
        (Function::Abs, [x]) => number::abs(x),
        (Function::Round, [x]) => number::round(x, 0, RoundingMode::HalfUp),
        (Function::Round, [x, digits]) => number::round(x, number::whole(digits)?, RoundingMode::HalfUp),
        (Function::Floor, [x]) => number::round(x, 0, RoundingMode::Floor),
        (Function::Ceil, [x]) => number::round(x, 0, RoundingMode::Ceiling),
        (Function::Lower, [t]) => Ok(Value::Text(letters::lower(text::chars(t)?))),
        (Function::Upper, [t]) => Ok(Value::Text(letters::upper(text::chars(t)?))),
        (Function::Trim, [t]) => Ok(Value::text(text::chars(t)?.trim_matches(' '))),
        (Function::Length, [t]) => Ok(length(text::chars(t)?)),
        (Function::Substring, [t, from, count @ ..]) => {
            let count = count.first().map(number::whole).transpose()?;
            Ok(Value::Text(pieces::substring(text::chars(t)?, number::whole(from)?, count)))
        }
        (Function::Replace, [t, from, to]) => {
            text::replace(text::chars(t)?, text::chars(from)?, text::chars(to)?)
        }
        (Function::Shift(by), [moment]) => shift(moment, by),
        (Function::AddDays, [Value::Date(date), days]) => {
            let days = i64::try_from(number::whole(days)?).ok();
            let moved = days.and_then(|days| calendar::add_days(*date, days));
            moved.map(Value::Date).ok_or(EvalError::OutOfCalendar)
        }
        (Function::DaysBetween, [Value::Date(a), Value::Date(b)]) => {
            Ok(Value::Int(calendar::days_between(*a, *b)))
        }
        (Function::Extract(field), [from]) => calendar::extract(field, from)
            .ok_or(EvalError::BadArgument("a date or time is needed that has what is extracted")),
        _ => Err(EvalError::BadArgument("a function was called with arguments that it does not take")),
    }
}

fn shift(moment: &Value, by: Interval) -> Result<Value, EvalError> {
    let moved = match moment {
        Value::Date(date) => {
            calendar::shift(date.and_time(NaiveTime::MIN), by).map(|at| Value::Date(at.date()))
        }
        Value::Timestamp(at) => calendar::shift(*at, by).map(Value::Timestamp),
        Value::TimestampTz(at) => calendar::shift(*at, by).map(Value::TimestampTz),
        _ => return Err(EvalError::BadArgument("a date or a timestamp is needed")),
    };
    moved.ok_or(EvalError::OutOfCalendar)
}

fn length(text: &str) -> Value {
    Value::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
}

fn null_if(values: Vec<Value>) -> Result<Value, EvalError> {
    let mut values = values.into_iter();
    let (Some(a), Some(b)) = (values.next(), values.next()) else {
        return Err(EvalError::BadArgument("nullif takes two arguments"));
    };
    Ok(if compare::order(&a, &b)? == Some(Ordering::Equal) { Value::Null } else { a })
}

/// The least or the greatest; nulls are passed over.
fn extreme(values: Vec<Value>, wanted: Ordering) -> Result<Value, EvalError> {
    let mut best = Value::Null;
    for value in values {
        if best.is_null() || compare::order(&value, &best)? == Some(wanted) {
            best = value;
        }
    }
    Ok(best)
}
