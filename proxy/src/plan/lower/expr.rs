//! The typed expression → scalar SQL, for clients' filters: a literal is cast to the type of the column it meets, text is compared by the
//! column's collation. Where text compares by code points, and for all that filters have no words for, `exact` takes over.

use dialects::sql::{BinaryOp, CastType, Expr as Sql};
use dialects::{Value, ValueType};
use rules::Expr;
use rules::expr::Type;

use super::scope::{Comparison, Scope};
use crate::Result;

impl Scope<'_> {
    /// An expression over the first table's row.
    pub fn expr(&mut self, expr: &Expr) -> Result<Sql> {
        match self.comparison {
            Comparison::Collated => self.collated(expr),
            Comparison::Exact => self.exact(expr),
        }
    }

    /// A client's filter: columns beside constants, in the types of the columns and by their collations.
    fn collated(&mut self, expr: &Expr) -> Result<Sql> {
        Ok(match expr {
            Expr::Binary(_, a, _) | Expr::In(a, _) | Expr::IsNull(a, _) | Expr::Like { text: a, .. }
                if self.is_virtual(a) =>
            {
                self.exact(expr)?
            }
            Expr::Literal(value) => literal(value, None),
            Expr::Column(place) => self.place(place),
            Expr::Not(inner) => Sql::Not(self.boxed(inner)?),
            Expr::And(terms) => Sql::And(self.all(terms)?),
            Expr::Or(terms) => Sql::Or(self.all(terms)?),
            Expr::Binary(
                op
                @ (BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge),
                left,
                right,
            ) => Sql::binary(*op, self.side(left, right)?, self.side(right, left)?),
            Expr::IsNull(inner, yes) => Sql::IsNull(self.boxed(inner)?, *yes),
            Expr::In(inner, list) => self.member(inner, list)?,
            Expr::Like { text, pattern, insensitive } => {
                Sql::Like { text: self.text(text)?, pattern: self.boxed(pattern)?, insensitive: *insensitive }
            }
            Expr::Cast(inner, Type::Text) => Sql::Cast(
                self.boxed(inner)?,
                if self.is_unknown(inner) { CastType::Shown } else { CastType::Text },
            ),
            other => self.exact(other)?,
        })
    }

    /// What no column keeps has no collation either.
    pub(super) fn is_virtual(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Column(place) if self.column(place).is_virtual)
    }

    /// Whether it is a column of a type that we have no form for.
    fn is_unknown(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Column(place) if self.column(place).ty == ValueType::Other)
    }

    fn boxed(&mut self, expr: &Expr) -> Result<Box<Sql>> {
        self.expr(expr).map(Box::new)
    }

    fn all(&mut self, exprs: &[Expr]) -> Result<Vec<Sql>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    /// One side; a literal takes the type of a column on the other.
    fn side(&mut self, expr: &Expr, other: &Expr) -> Result<Sql> {
        match (expr, other) {
            (Expr::Literal(value), Expr::Column(place)) => {
                Ok(literal(value, Some(self.column(place).sql_type.clone())))
            }
            (Expr::Column(place), _) => Ok(self.kept(place)),
            _ => self.expr(expr),
        }
    }

    fn member(&mut self, inner: &Expr, list: &[Expr]) -> Result<Sql> {
        let values: Option<Vec<Value>> = list.iter().map(constant).collect();
        match (inner, values) {
            (Expr::Column(place), Some(values)) => {
                let ty = self.column(place).sql_type.clone();
                Ok(Sql::In(Box::new(self.kept(place)), values, ty))
            }
            _ => Ok(Sql::InExprs(self.boxed(inner)?, self.all(list)?)),
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
}

pub(super) fn literal(value: &Value, ty: Option<dialects::sql::SqlType>) -> Sql {
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
