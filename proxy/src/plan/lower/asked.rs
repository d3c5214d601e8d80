//! What expressions learn of whoever asks → parameters, and the equality of a column and a text that is known beforehand.
//!
//! A claim is a parameter whatever it holds, null too, so that a statement has one text for all who have the same roles.

use dialects::sql::{BinaryOp, Expr as Sql, SqlType};
use dialects::{Dialect, Value, ValueType};
use introspect::Column;
use rules::Expr;
use rules::expr::eval::{claimed, told};
use rules::expr::{ActorTerm, Place, Type};
use rules::policy::Actor;

use super::scope::Scope;
use crate::Result;

impl Scope<'_> {
    /// A parameter; of a role, the truth itself, since statements of others differ in any case.
    pub(super) fn asked(&self, term: &ActorTerm) -> Sql {
        match (self.known(term), term) {
            (Value::Bool(truth), ActorTerm::HasRole(_)) => Sql::Bool(truth),
            (value, _) => Sql::Param(value.clone(), self.parameter_type(term, &value)),
        }
    }

    /// What is known of the actor.
    fn known(&self, term: &ActorTerm) -> Value {
        let value = match self.actor() {
            Some(actor) => told(actor, term),
            None => told(&Actor::anonymous(), term),
        };
        taken(value)
    }

    /// The values of a claim, where there is such a claim.
    pub(super) fn known_list(&self, claim: &str, ty: Type) -> Option<Vec<Value>> {
        let values = claimed(self.actor()?, claim, ty)?;
        Some(values.into_iter().map(taken).collect())
    }

    /// What tells PostgreSQL, and for decimals MySQL, what is to come when there is nothing to see it by.
    fn parameter_type(&self, term: &ActorTerm, value: &Value) -> Option<SqlType> {
        let ty = match term {
            ActorTerm::Id => Type::Text,
            ActorTerm::HasRole(_) => Type::Bool,
            ActorTerm::Claim(_, ty) => *ty,
        };
        let name = match (self.schema().dialect, ty) {
            (Dialect::Postgres, Type::Integer) if !matches!(value, Value::Decimal(_)) => "int8",
            (Dialect::Postgres, Type::Integer | Type::Decimal(_)) => "numeric",
            (Dialect::Postgres, Type::Bool) => "bool",
            (Dialect::Postgres, Type::Date) => "date",
            (Dialect::Postgres, Type::Time) => "time",
            (Dialect::Postgres, Type::Timestamp) => "timestamp",
            (Dialect::Postgres, Type::TimestampTz) => "timestamptz",
            (Dialect::Postgres, Type::Float) => "float8",
            (Dialect::Postgres, _) => "text",
            (Dialect::Mysql, Type::Decimal(_)) => "decimal",
            (Dialect::Mysql | Dialect::Sqlite, _) => return None,
        };
        Some(SqlType::scalar(name))
    }

    /// Two sides are equal. Beside a column, a text that is known beforehand is looked for in the form that an index of the column serves,
    /// too; where this compares by code points, in that form alone.
    pub(super) fn equal(&mut self, a: &Expr, b: &Expr) -> Result<Sql> {
        let known = match (a, b) {
            (Expr::Column(place), other) | (other, Expr::Column(place)) => {
                self.known_text(other).map(|text| (place, text))
            }
            _ => None,
        };
        let Some((place, text)) = known.filter(|(place, _)| self.is_served(place)) else {
            let (left, right) = self.sides(a, b)?;
            return Ok(Sql::eq(left, right));
        };
        let column = self.column(place);
        let found =
            Sql::eq(self.place(place), Sql::Param(fitting(column, text), Some(column.sql_type.clone())));
        match column.ty {
            ValueType::Text { .. } => Ok(found),
            _ => {
                let (left, right) = self.sides(a, b)?;
                Ok(Sql::And(vec![found, Sql::binary(BinaryOp::Eq, left, right)]))
            }
        }
    }

    /// A text that does not depend on the row.
    fn known_text(&self, expr: &Expr) -> Option<Value> {
        match expr {
            Expr::Literal(text @ Value::Text(_)) => Some(text.clone()),
            Expr::Actor(term @ (ActorTerm::Id | ActorTerm::Claim(_, Type::Text))) => Some(self.known(term)),
            _ => None,
        }
    }

    /// Whether PostgreSQL looks for what equals a column otherwise than by its text: words and UUIDs, and plain texts, which it takes for equal
    /// when they are the same.
    fn is_served(&self, place: &Place) -> bool {
        let column = self.column(place);
        let plain = column.sql_type.text == "text" || column.sql_type.text.starts_with("character varying");
        let of_column = match column.ty {
            ValueType::Text { .. } => plain && !column.loose,
            ValueType::Enum | ValueType::Uuid => true,
            _ => false,
        };
        of_column && self.schema().dialect == Dialect::Postgres && !column.is_virtual
    }
}

/// A value as databases take it: a text that none takes equals nothing.
fn taken(value: Value) -> Value {
    match value {
        Value::Text(text) if text.contains('\0') => Value::Null,
        value => value,
    }
}

/// A text as a value of a column; null where no value of it is spelled so.
fn fitting(column: &Column, text: Value) -> Value {
    let Value::Text(spelled) = &text else { return Value::Null };
    let fits = match column.ty {
        ValueType::Enum => column.enum_values.contains(spelled),
        ValueType::Uuid => is_uuid(spelled),
        _ => true,
    };
    if fits { text } else { Value::Null }
}

/// In the one spelling that the database has for it.
fn is_uuid(text: &str) -> bool {
    let lower_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    let at = |n: usize, c: u8| if matches!(n, 8 | 13 | 18 | 23) { c == b'-' } else { lower_hex(c) };
    text.len() == 36 && text.bytes().enumerate().all(|(n, c)| at(n, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_one_spelling() {
        for (text, expect) in [
            ("123e4567-e89b-12d3-a456-426614174000", true),
            ("123E4567-e89b-12d3-a456-426614174000", false),
            ("123e4567e89b12d3a456426614174000", false),
            ("123e4567-e89b-12d3-a456-42661417400é", false),
            ("", false),
        ] {
            assert_eq!(is_uuid(text), expect, "{text}");
        }
    }
}
