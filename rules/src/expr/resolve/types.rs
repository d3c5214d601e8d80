//! Types: of columns, of several expressions together, and what fits where.

use std::ops::Range;

use dialects::{Dialect, Value, ValueType};
use introspect::{Column, RelationshipId, TableId};
use sqlparser::ast::{DataType, ExactNumberInfo, TimezoneInfo};

use super::{Resolver, Typed};
use crate::expr::eval::{accept, literal_as};
use crate::expr::{ActorTerm, Expr, Place, Type, noun};

/// Digits after the point that MySQL keeps.
const MYSQL_SCALE_MAX: u32 = 38;
/// Digits in all that MySQL keeps.
const MYSQL_DIGITS_MAX: u64 = 65;

/// The type of a column's values.
pub fn of_column(ty: ValueType) -> Type {
    match ty {
        ValueType::Bool => Type::Bool,
        ValueType::Int(_) => Type::Integer,
        ValueType::Decimal { precision, scale } => Type::Decimal(scale.or(precision.map(|_| 0))),
        ValueType::Float { .. } => Type::Float,
        ValueType::Text { .. } | ValueType::Uuid | ValueType::Enum => Type::Text,
        ValueType::Date => Type::Date,
        ValueType::Time => Type::Time,
        ValueType::Timestamp => Type::Timestamp,
        ValueType::TimestampTz => Type::TimestampTz,
        ValueType::Json => Type::Json,
        ValueType::Bytes => Type::Bytes,
        ValueType::Set
        | ValueType::TimeTz
        | ValueType::Interval
        | ValueType::Bits { .. }
        | ValueType::Address(_)
        | ValueType::Array(_)
        | ValueType::Other => Type::Other,
    }
}

/// How a constant of a type is written.
pub(super) fn example(ty: Type) -> &'static str {
    match ty {
        Type::Date => "write dates as '2024-05-01'",
        Type::Time => "write times as '13:45:00'",
        Type::Timestamp => "write timestamps as '2024-05-01 13:45:00'",
        Type::TimestampTz => "write instants as '2024-05-01T13:45:00Z'",
        _ => "",
    }
}

/// Whether values of an expression's type can be put into a column.
pub(crate) fn assignable(from: Type, to: Type) -> bool {
    match (from, to) {
        (Type::Null, _) => true,
        (Type::Integer | Type::Decimal(_), Type::Integer | Type::Decimal(_)) => true,
        (Type::Timestamp | Type::TimestampTz, Type::Timestamp | Type::TimestampTz) => true,
        (Type::Other | Type::Float, _) => false,
        (from, to) => from == to,
    }
}

pub(super) fn temporal(ty: Type) -> bool {
    matches!(ty, Type::Date | Type::Time | Type::Timestamp | Type::TimestampTz)
}

/// The type that holds values of both.
pub(crate) fn join(a: Type, b: Type) -> Option<Type> {
    Some(match (a, b) {
        (a, b) if a == b => a,
        (Type::Null, other) | (other, Type::Null) => other,
        (Type::Integer, Type::Decimal(scale)) | (Type::Decimal(scale), Type::Integer) => Type::Decimal(scale),
        (Type::Decimal(a), Type::Decimal(b)) => Type::Decimal(a.zip(b).map(|(a, b)| a.max(b))),
        (Type::Float, Type::Integer | Type::Decimal(_)) | (Type::Integer | Type::Decimal(_), Type::Float) => {
            Type::Float
        }
        (Type::Date, Type::Timestamp) | (Type::Timestamp, Type::Date) => Type::Timestamp,
        (Type::Date | Type::Timestamp, Type::TimestampTz)
        | (Type::TimestampTz, Type::Date | Type::Timestamp) => Type::TimestampTz,
        _ => return None,
    })
}

impl Resolver<'_> {
    /// All brought to one type. A text constant beside dates is read as a date; a claim takes the type of what it stands beside.
    pub(super) fn common(&mut self, items: Vec<Typed>, doing: &str) -> Option<(Vec<Expr>, Type)> {
        let mut ty = Type::Null;
        for item in items.iter().filter(|item| !is_text_constant(item)) {
            let Some(joined) = join(ty, item.ty) else {
                return self.mismatch(item, ty, doing);
            };
            ty = joined;
        }
        if !temporal(ty) {
            for item in items.iter().filter(|item| is_text_constant(item)) {
                let Some(joined) = join(ty, Type::Text) else {
                    return self.mismatch(item, ty, doing);
                };
                ty = joined;
            }
        }
        let items = self.words(items)?;
        let adapted: Vec<_> = items.into_iter().map(|item| self.adapt(item, ty)).collect();
        let adapted: Option<Vec<_>> = adapted.into_iter().collect();
        Some((adapted?.into_iter().map(|typed| typed.expr).collect(), ty))
    }

    /// Text constants beside a column of words or UUIDs are read as the column would.
    fn words(&mut self, items: Vec<Typed>) -> Option<Vec<Typed>> {
        let column = items.iter().find_map(|item| self.column_of(&item.expr)).cloned();
        let Some(column) = column.filter(|c| matches!(c.ty, ValueType::Enum | ValueType::Uuid)) else {
            return Some(items);
        };
        let read: Vec<_> = items.into_iter().map(|item| self.worded(item, &column)).collect();
        read.into_iter().collect()
    }

    fn worded(&mut self, item: Typed, column: &Column) -> Option<Typed> {
        let Expr::Literal(value @ Value::Text(_)) = &item.expr else { return Some(item) };
        match accept(value.clone(), column) {
            Ok(value) => Some(Typed { expr: Expr::Literal(value), ..item }),
            Err(error) => self.refuse(item.span, format!("`{}` {error}", column.name), ""),
        }
    }

    fn column_of(&self, expr: &Expr) -> Option<&Column> {
        let (place, table) = match expr {
            Expr::Column(place) => (place, self.table_at(&place.path)),
            Expr::Old(column) => return Some(&self.schema[self.table][*column]),
            _ => return None,
        };
        Some(&self.schema[table][place.column])
    }

    fn table_at(&self, path: &[RelationshipId]) -> TableId {
        path.iter().fold(self.table, |table, hop| self.schema[table][*hop].target)
    }

    fn mismatch<T>(&mut self, item: &Typed, ty: Type, doing: &str) -> Option<T> {
        let message = format!("{doing} {} and {} do not go together", noun(ty), noun(item.ty));
        let numeric = |ty| matches!(ty, Type::Integer | Type::Decimal(_));
        let says_number = matches!(&item.expr, Expr::Literal(Value::Text(text)) if literal_as(text, Type::Decimal(None)).is_ok());
        let hint = match (ty, item.ty) {
            _ if matches!(item.expr, Expr::Actor(ActorTerm::Id)) => {
                "actor.id is a text; actor.claim('sub') is the same, converted to what it is compared with"
            }
            (a, _) if numeric(a) && says_number => "write numbers without quotes",
            (a, b) if temporal(a) && numeric(b) => example(a),
            (a, b) if temporal(b) && numeric(a) => example(b),
            _ => "cast(… as type) converts, where that is meant",
        };
        self.refuse(item.span.clone(), message, hint);
        None
    }

    /// One expression as a type that [`join`] found, or that a function asks for.
    pub(super) fn adapt(&mut self, item: Typed, ty: Type) -> Option<Typed> {
        let Typed { expr, ty: from, span } = item;
        let expr = match expr {
            Expr::Literal(Value::Text(text)) if temporal(ty) => return self.read(&text, ty, span),
            Expr::Actor(ActorTerm::Claim(name, Type::Null)) => {
                let ty = if ty == Type::Null { Type::Text } else { ty };
                Expr::Actor(ActorTerm::Claim(name, ty))
            }
            expr if temporal(from) && temporal(ty) && from != ty => Expr::Cast(Box::new(expr), ty),
            expr => expr,
        };
        Some(Typed { expr, ty, span })
    }

    /// A constant or a claim as the column's type; all else is as it is.
    pub(super) fn meant_for(&mut self, item: Typed, wanted: Option<Type>) -> Option<Typed> {
        match wanted {
            Some(ty) if item.ty == Type::Null || (is_text_constant(&item) && temporal(ty)) => {
                self.adapt(item, ty)
            }
            _ => Some(item),
        }
    }

    /// True, false or null.
    pub(super) fn truth(&mut self, item: Typed) -> Option<Typed> {
        match item.ty {
            Type::Bool | Type::Null => self.adapt(item, Type::Bool),
            other => {
                let message = format!("a condition is needed, this is {}", noun(other));
                self.refuse(item.span, message, "compare it with something")
            }
        }
    }

    pub(super) fn text(&mut self, item: Typed) -> Option<Typed> {
        match item.ty {
            Type::Text | Type::Null => self.adapt(item, Type::Text),
            other => {
                let message = format!("a text is needed, this is {}", noun(other));
                self.refuse(item.span, message, "write cast(… as text)")
            }
        }
    }

    /// An exact number.
    pub(super) fn exact(&mut self, item: Typed) -> Option<Typed> {
        match item.ty {
            Type::Integer | Type::Decimal(_) => Some(item),
            Type::Null => {
                let claim = matches!(item.expr, Expr::Actor(_));
                self.adapt(item, if claim { Type::Decimal(None) } else { Type::Null })
            }
            Type::Float => self.refuse(
                item.span,
                "floating point columns can be compared, not calculated with",
                "exact results need a column of type decimal",
            ),
            other if temporal(other) => {
                let message = format!("a number is needed, this is {}", noun(other));
                self.refuse(item.span, message, "extract(year from …) takes a number out of it")
            }
            other => {
                let hint = if other == Type::Text { "texts are joined with ||" } else { "" };
                self.refuse(item.span, format!("a number is needed, this is {}", noun(other)), hint)
            }
        }
    }

    /// A number that the database would not round: MySQL does what has more digits than it keeps.
    pub(super) fn within_digits(&mut self, item: Typed) -> Option<Typed> {
        let column = |place: &Place| of_column(self.schema[self.table_at(&place.path)][place.column].ty);
        let too_many = match &item.expr {
            Expr::Literal(Value::Decimal(d)) => {
                let after = d.fractional_digit_count().max(0).unsigned_abs();
                after > MYSQL_SCALE_MAX.into() || d.digits().max(after) > MYSQL_DIGITS_MAX
            }
            expr => expr.scale(&column).is_some_and(|scale| scale > MYSQL_SCALE_MAX),
        };
        if self.schema.dialect != Dialect::Mysql || !too_many {
            return Some(item);
        }
        let message = "a number with more digits than the database keeps: 65, of which 38 after the point";
        self.refuse(item.span, message, "round its parts: round(x, 2)")
    }

    /// A type as `cast` and typed constants name it.
    pub(super) fn named_type(&mut self, ty: &DataType, span: &Range<usize>) -> Option<Type> {
        let named = match ty {
            DataType::Integer(None) | DataType::Int(None) | DataType::BigInt(None) => Type::Integer,
            DataType::Decimal(ExactNumberInfo::None) | DataType::Numeric(ExactNumberInfo::None) => {
                Type::Decimal(None)
            }
            DataType::Text | DataType::Varchar(None) => Type::Text,
            DataType::Boolean | DataType::Bool => Type::Bool,
            DataType::Date => Type::Date,
            DataType::Time(None, TimezoneInfo::None) => Type::Time,
            DataType::Timestamp(None, TimezoneInfo::None) => Type::Timestamp,
            DataType::Timestamp(None, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => Type::TimestampTz,
            DataType::Decimal(_) | DataType::Numeric(_) => {
                self.refuse(
                    span.clone(),
                    "casts to decimal keep all digits",
                    "write cast(x as decimal); round(x, 2) rounds",
                );
                return None;
            }
            other => {
                let message = format!("`{other}` is not a type of the language");
                let hint = "there are integer, decimal, text, boolean, date, time, timestamp, timestamptz";
                self.refuse(span.clone(), message, hint);
                return None;
            }
        };
        Some(named)
    }
}

pub(super) fn is_text_constant(item: &Typed) -> bool {
    matches!(item.expr, Expr::Literal(Value::Text(_)))
}
