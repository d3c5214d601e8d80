//! The client's filters → conditions. A negation finds what the filter does not, so where that can be null it asks for "not true".

use dialects::sql::Expr as Sql;
use dialects::{Value, ValueType};
use rules::Expr;
use rules::expr::{BinaryOp, Place};

use super::scope::Scope;
use crate::plan::filter::Filter;
use crate::{ErrorCode, Result};

impl Scope<'_> {
    /// A condition on the first table's row.
    pub(super) fn filter(&mut self, filter: &Filter) -> Result<Sql> {
        Ok(match filter {
            Filter::All(filters) => Sql::And(self.filters(filters)?),
            Filter::Any(filters) => Sql::Or(self.filters(filters)?),
            Filter::Not(inner) => {
                let found = Box::new(self.filter(inner)?);
                match self.is_definite(inner) {
                    true => Sql::Not(found),
                    false => Sql::Distinct(found, Box::new(Sql::Bool(true)), true),
                }
            }
            Filter::Compared(expr) => self.expr(expr)?,
            Filter::Stated(expr) => self.stated(expr).map_err(refused)?,
            Filter::Exists(exists) => self.exists(exists)?,
        })
    }

    fn filters(&mut self, filters: &[Filter]) -> Result<Vec<Sql>> {
        filters.iter().map(|filter| self.filter(filter)).collect()
    }

    /// Whether it is true or false of every row, never null. (A database knows how to look for rows that have no other only by `not exists`.)
    fn is_definite(&self, filter: &Filter) -> bool {
        match filter {
            Filter::All(filters) | Filter::Any(filters) => filters.iter().all(|f| self.is_definite(f)),
            Filter::Not(_) | Filter::Exists(_) => true,
            Filter::Stated(_) => false,
            Filter::Compared(expr) => {
                let has_value = |place: &Place| {
                    let column = self.column(place);
                    place.path.is_empty() && !column.nullable && !column.is_virtual
                };
                matches!(expr, Expr::IsNull(..)) || expr.places().iter().all(has_value)
            }
        }
    }

    /// The language of rules; but a text column beside constants is compared as in all filters, by its collation.
    fn stated(&mut self, expr: &Expr) -> Result<Sql> {
        match expr {
            Expr::And(terms) => self.all_stated(terms).map(Sql::And),
            Expr::Or(terms) => self.all_stated(terms).map(Sql::Or),
            Expr::Not(inner) => Ok(Sql::Not(Box::new(self.stated(inner)?))),
            Expr::Binary(op, a, b) if is_comparison(*op) && self.is_text_beside(a, b) => self.expr(expr),
            Expr::In(a, list) if list.iter().all(|item| self.is_text_beside(a, item)) => self.expr(expr),
            other => self.exact(other),
        }
    }

    fn all_stated(&mut self, exprs: &[Expr]) -> Result<Vec<Sql>> {
        exprs.iter().map(|expr| self.stated(expr)).collect()
    }

    fn is_text_beside(&self, a: &Expr, b: &Expr) -> bool {
        match (a, b) {
            (Expr::Column(place), Expr::Literal(Value::Text(_)))
            | (Expr::Literal(Value::Text(_)), Expr::Column(place)) => {
                let column = self.column(place);
                matches!(column.ty, ValueType::Text { .. }) && !column.is_virtual
            }
            _ => false,
        }
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge)
}

/// What the database cannot compute is the client's mistake here.
fn refused(errors: crate::Errors) -> crate::Errors {
    errors.map(|mut error| {
        error.code = ErrorCode::InvalidFilter;
        error.parameter("filter[where]")
    })
}
