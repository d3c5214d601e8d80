//! The typed expression → scalar SQL.
//!
//! A literal is cast to the type of the column it meets. Text is compared by the column's collation or by code points, as the scope says.

use dialects::sql::{BinaryOp, CastType, Expr as Sql};
use dialects::{Value, ValueType};
use rules::Expr;
use rules::expr::Type;

use super::scope::{Comparison, Scope};
use crate::{Error, ErrorCode, Result};

impl Scope<'_> {
    /// An expression over the first table's row. What depends on more than rows (`old`, `now()`, `actor`) is no part of a read.
    pub fn expr(&mut self, expr: &Expr) -> Result<Sql> {
        Ok(match expr {
            Expr::Literal(value) => literal(value, None),
            Expr::Column(place) => self.place(place),
            Expr::Not(inner) => Sql::Not(self.boxed(inner)?),
            Expr::Negate(inner) => Sql::Negate(self.boxed(inner)?),
            Expr::And(terms) => Sql::And(self.all(terms)?),
            Expr::Or(terms) => Sql::Or(self.all(terms)?),
            Expr::Binary(op, left, right) => self.binary(*op, left, right)?,
            Expr::IsNull(inner, yes) => Sql::IsNull(self.boxed(inner)?, *yes),
            Expr::Distinct(left, right, yes) => {
                let (left, right) = self.pair(left, right)?;
                Sql::Distinct(Box::new(left), Box::new(right), *yes)
            }
            Expr::In(inner, list) => self.member(inner, list)?,
            Expr::Like { text, pattern, insensitive } => {
                Sql::Like { text: self.text(text)?, pattern: self.boxed(pattern)?, insensitive: *insensitive }
            }
            Expr::Case(arms, otherwise) => self.case(arms, otherwise.as_deref())?,
            Expr::Cast(inner, ty) => self.cast(inner, *ty)?,
            Expr::Call(function, arguments) => Sql::Call(*function, self.all(arguments)?),
            Expr::Old(_) | Expr::Changed(_) | Expr::Event(_) | Expr::Now | Expr::Today | Expr::Actor(_) => {
                return Err(Error::new(
                    ErrorCode::Internal,
                    "An expression cannot be computed by the database.",
                )
                .into());
            }
        })
    }

    fn boxed(&mut self, expr: &Expr) -> Result<Box<Sql>> {
        self.expr(expr).map(Box::new)
    }

    fn all(&mut self, exprs: &[Expr]) -> Result<Vec<Sql>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Result<Sql> {
        let (left, right) = match op {
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                self.pair(left, right)?
            }
            _ => (self.expr(left)?, self.expr(right)?),
        };
        Ok(Sql::binary(op, left, right))
    }

    /// Two sides that are compared.
    fn pair(&mut self, left: &Expr, right: &Expr) -> Result<(Sql, Sql)> {
        let exact = self.is_exact(left) || self.is_exact(right);
        let wrap = |side: Sql| if exact { Sql::Exact(Box::new(side)) } else { side };
        Ok((wrap(self.side(left, right)?), wrap(self.side(right, left)?)))
    }

    /// One side; a literal takes the type of a column on the other.
    fn side(&mut self, expr: &Expr, other: &Expr) -> Result<Sql> {
        match (expr, other) {
            (Expr::Literal(value), Expr::Column(place)) => {
                Ok(literal(value, Some(self.column(place).sql_type.clone())))
            }
            _ => self.expr(expr),
        }
    }

    fn member(&mut self, inner: &Expr, list: &[Expr]) -> Result<Sql> {
        let values: Option<Vec<Value>> = list.iter().map(constant).collect();
        let exact = self.is_exact(inner) || list.iter().any(|item| self.is_exact(item));
        let subject = self.boxed(inner)?;
        let subject = if exact { Box::new(Sql::Exact(subject)) } else { subject };
        match (inner, values) {
            (Expr::Column(place), Some(values)) => {
                Ok(Sql::In(subject, values, self.column(place).sql_type.clone()))
            }
            _ => Ok(Sql::InExprs(subject, self.all(list)?)),
        }
    }

    /// What a pattern is matched against: text, whatever the column is.
    fn text(&mut self, expr: &Expr) -> Result<Box<Sql>> {
        let plain = self.boxed(expr)?;
        match expr {
            Expr::Column(place) if !matches!(self.column(place).ty, ValueType::Text { .. }) => {
                Ok(Box::new(Sql::Cast(plain, CastType::Text)))
            }
            _ => Ok(plain),
        }
    }

    fn case(&mut self, arms: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result<Sql> {
        let arm = |(condition, value): &(Expr, Expr)| Ok((self.expr(condition)?, self.expr(value)?));
        let arms = arms.iter().map(arm).collect::<Result<_>>()?;
        let otherwise = otherwise.map(|value| self.boxed(value)).transpose()?;
        Ok(Sql::Case(arms, otherwise))
    }

    fn cast(&mut self, inner: &Expr, ty: Type) -> Result<Sql> {
        let to = match ty {
            Type::Bool => CastType::Boolean,
            Type::Integer => CastType::Integer,
            Type::Decimal(scale) => CastType::Decimal(scale),
            Type::Text => CastType::Text,
            Type::Date => CastType::Date,
            Type::Timestamp => CastType::Timestamp,
            Type::TimestampTz => CastType::TimestampTz,
            Type::Null | Type::Float | Type::Time | Type::Bytes | Type::Json | Type::Other => {
                return self.expr(inner);
            }
        };
        Ok(Sql::Cast(self.boxed(inner)?, to))
    }

    /// Whether a comparison with this expression is one of text by code points.
    fn is_exact(&self, expr: &Expr) -> bool {
        self.comparison == Comparison::Exact && self.is_text(expr)
    }

    fn is_text(&self, expr: &Expr) -> bool {
        use dialects::sql::Function as F;
        match expr {
            Expr::Literal(value) => matches!(value, Value::Text(_)),
            Expr::Column(place) => matches!(self.column(place).ty, ValueType::Text { .. } | ValueType::Enum),
            Expr::Binary(BinaryOp::Concat, ..) | Expr::Cast(_, Type::Text) => true,
            Expr::Call(F::Lower | F::Upper | F::Trim | F::Substring | F::Replace | F::Concat, _) => true,
            Expr::Call(F::Coalesce | F::NullIf | F::Least | F::Greatest, arguments) => {
                arguments.iter().any(|argument| self.is_text(argument))
            }
            Expr::Case(arms, otherwise) => {
                arms.iter().any(|(_, value)| self.is_text(value))
                    || otherwise.as_ref().is_some_and(|e| self.is_text(e))
            }
            _ => false,
        }
    }
}

fn literal(value: &Value, ty: Option<dialects::sql::SqlType>) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(truth) => Sql::Bool(*truth),
        _ => Sql::Param(value.clone(), ty),
    }
}

/// A constant that is not null: null in a list has a logic of its own.
fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Literal(value) if !value.is_null() => Some(value.clone()),
        _ => None,
    }
}
