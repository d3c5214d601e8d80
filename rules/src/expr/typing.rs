//! The type of a resolved expression, and how many digits after the point it can have.

use dialects::Value;
use dialects::calendar::Field;
use dialects::exact::QUOTIENT_SCALE;

use super::resolve::{arithmetic, join};
use super::{ActorTerm, BinaryOp, Expr, Function, Place, Type};

impl Expr {
    /// Its type, given those of the columns.
    pub fn ty(&self, column: &dyn Fn(&Place) -> Type) -> Type {
        let of = |e: &Expr| e.ty(column);
        let all = |es: &mut dyn Iterator<Item = &Expr>| {
            es.fold(Type::Null, |ty, e| join(ty, of(e)).unwrap_or(Type::Other))
        };
        match self {
            Self::Literal(value) => of_value(value),
            Self::Column(place) => column(place),
            Self::Old(own) => column(&Place::own(*own)),
            Self::Now => Type::TimestampTz,
            Self::Today => Type::Date,
            Self::Actor(ActorTerm::Id) => Type::Text,
            Self::Actor(ActorTerm::Claim(_, ty)) | Self::Cast(_, ty) => *ty,
            Self::Negate(e) => of(e),
            Self::Binary(
                op @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem),
                a,
                b,
            ) => arithmetic(*op, of(a), of(b)),
            Self::Binary(BinaryOp::Concat, ..) => Type::Text,
            Self::Case(arms, otherwise) => {
                all(&mut arms.iter().map(|(_, value)| value).chain(otherwise.as_deref()))
            }
            Self::Call(function, args) => called(*function, args, &mut |e| of(e)),
            Self::Changed(_)
            | Self::Event(_)
            | Self::Actor(ActorTerm::HasRole(_))
            | Self::Not(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Binary(..)
            | Self::IsNull(..)
            | Self::Distinct(..)
            | Self::In(..)
            | Self::InClaim(..)
            | Self::Like { .. } => Type::Bool,
        }
    }

    /// The most digits after the point that a number can have; nothing where there is no bound.
    pub fn scale(&self, column: &dyn Fn(&Place) -> Type) -> Option<u32> {
        let of = |e: &Expr| e.scale(column);
        let most = |es: Vec<&Expr>| es.into_iter().try_fold(0, |most, e| Some(of(e)?.max(most)));
        match self {
            Self::Literal(Value::Decimal(d)) => u32::try_from(d.fractional_digit_count().max(0)).ok(),
            Self::Negate(e) => of(e),
            Self::Cast(e, Type::Decimal(None)) => of(e),
            Self::Binary(BinaryOp::Div, ..) => Some(QUOTIENT_SCALE),
            Self::Binary(BinaryOp::Mul, a, b) => of(a)?.checked_add(of(b)?),
            Self::Binary(BinaryOp::Add | BinaryOp::Sub | BinaryOp::Rem, a, b) => Some(of(a)?.max(of(b)?)),
            Self::Case(arms, otherwise) => {
                most(arms.iter().map(|(_, value)| value).chain(otherwise.as_deref()).collect())
            }
            Self::Call(Function::Coalesce | Function::Least | Function::Greatest, args) => {
                most(args.iter().collect())
            }
            Self::Call(Function::Round, args) => match (args.first(), args.get(1)) {
                (Some(e), Some(Expr::Literal(Value::Int(digits)))) => {
                    let digits = u32::try_from((*digits).max(0)).unwrap_or(u32::MAX);
                    Some(of(e).map_or(digits, |scale| scale.min(digits)))
                }
                (Some(e), Some(_)) => of(e),
                _ => Some(0),
            },
            Self::Call(Function::Abs | Function::NullIf, args) => of(args.first()?),
            other => match other.ty(column) {
                Type::Decimal(scale) => scale,
                _ => Some(0),
            },
        }
    }
}

fn of_value(value: &Value) -> Type {
    match value {
        // No literal is drawn.
        Value::Null | Value::Drawn(_) => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Integer,
        Value::Decimal(d) => Type::Decimal(u32::try_from(d.fractional_digit_count()).ok()),
        Value::Float(_) => Type::Float,
        Value::Text(_) => Type::Text,
        Value::Bytes(_) => Type::Bytes,
        Value::Date(_) => Type::Date,
        Value::Time(_) => Type::Time,
        Value::Timestamp(_) => Type::Timestamp,
        Value::TimestampTz(_) => Type::TimestampTz,
        Value::Json(_) => Type::Json,
        Value::Array(_) => Type::Other,
    }
}

fn called(function: Function, args: &[Expr], of: &mut dyn FnMut(&Expr) -> Type) -> Type {
    let first = args.first().map_or(Type::Null, &mut *of);
    match function {
        Function::Coalesce | Function::Least | Function::Greatest => {
            args.iter().fold(Type::Null, |ty, e| join(ty, of(e)).unwrap_or(Type::Other))
        }
        Function::NullIf if first == Type::Null => args.get(1).map_or(Type::Null, of),
        Function::NullIf | Function::Abs | Function::Shift(_) => first,
        Function::Round | Function::Floor | Function::Ceil if first == Type::Integer => Type::Integer,
        Function::Round => match args.get(1) {
            None => Type::Decimal(Some(0)),
            Some(Expr::Literal(Value::Int(n))) => Type::Decimal(Some(u32::try_from(*n).unwrap_or(0))),
            Some(_) => Type::Decimal(None),
        },
        Function::Floor | Function::Ceil => Type::Decimal(Some(0)),
        Function::Length | Function::DaysBetween | Function::Count | Function::CountDistinct => Type::Integer,
        Function::AddDays => Type::Date,
        Function::Extract(Field::Second) => Type::Decimal(Some(6)),
        Function::Extract(_) => Type::Integer,
        Function::Lower
        | Function::Upper
        | Function::Trim
        | Function::Substring
        | Function::Replace
        | Function::Concat => Type::Text,
        Function::Sum | Function::SumFloat | Function::Min | Function::Max => first,
    }
}
