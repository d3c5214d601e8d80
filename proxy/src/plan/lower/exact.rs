//! The language of rules → SQL that means what it means in memory, on every database (`rules::expr::golden`).
//!
//! Whole numbers are calculated with as decimals, texts compare by code points, and what has no value in memory (a division by zero) is an
//! error. `quantity / 3 > 1` becomes `round(((t0.quantity)::numeric …) / …, 20) > 1`.

use dialects::sql::{BinaryOp, CastType, Expr as Sql, Function};
use dialects::{Dialect, Value, ValueType};
use rules::Expr;
use rules::expr::resolve::of_column;
use rules::expr::{ActorTerm, Place, Type};

use super::expr::literal;
use super::scope::Scope;
use crate::{Error, ErrorCode, Result};

impl Scope<'_> {
    /// An expression over the first table's row. What depends on more than rows (`old`, `inserting`) is no part of a read.
    pub(super) fn exact(&mut self, expr: &Expr) -> Result<Sql> {
        Ok(match expr {
            Expr::Literal(value) => literal(value, None),
            Expr::Column(place) => self.leaf(place),
            Expr::Now => Sql::Now,
            Expr::Today => Sql::Today,
            Expr::Actor(term) => self.asked(term),
            Expr::Not(inner) => Sql::Not(self.boxed_exact(inner)?),
            Expr::Negate(inner) => Sql::Negate(Box::new(self.number(inner)?)),
            Expr::And(terms) => Sql::And(self.all_exact(terms)?),
            Expr::Or(terms) => Sql::Or(self.all_exact(terms)?),
            Expr::Binary(op, a, b) => self.operation(*op, a, b)?,
            Expr::IsNull(inner, yes) => Sql::IsNull(self.boxed_exact(inner)?, *yes),
            Expr::Distinct(a, b, yes) => {
                let (a, b) = self.sides(a, b)?;
                Sql::Distinct(Box::new(a), Box::new(b), *yes)
            }
            Expr::In(inner, list) => self.any_of(inner, list)?,
            Expr::InClaim(inner, name, ty) => self.among(inner, name, *ty)?,
            Expr::Like { text, pattern, insensitive } => self.like(text, pattern, *insensitive)?,
            Expr::Case(arms, otherwise) => {
                let arm = |(when, then): &(Expr, Expr)| Ok((self.exact(when)?, self.exact(then)?));
                let arms = arms.iter().map(arm).collect::<Result<_>>()?;
                Sql::Case(arms, otherwise.as_deref().map(|e| self.boxed_exact(e)).transpose()?)
            }
            Expr::Cast(inner, to) => self.converted(inner, *to)?,
            Expr::Call(function, args) => self.call(*function, args)?,
            Expr::Old(_) | Expr::Changed(_) | Expr::Event(_) => {
                return Err(impossible("An expression cannot be computed by the database."));
            }
        })
    }

    /// An expression as a column of this type would hold it.
    pub fn computed(&mut self, expr: &Expr, ty: ValueType) -> Result<Sql> {
        let value = self.exact(expr)?;
        Ok(match ty {
            ValueType::Int(_) => Sql::Cast(Box::new(value), CastType::Integer),
            ValueType::Decimal { scale, .. } => Sql::Cast(Box::new(value), CastType::Decimal(scale)),
            ValueType::Text { .. } => Sql::Cast(Box::new(value), CastType::Text),
            ValueType::Date => Sql::Cast(Box::new(value), CastType::Date),
            ValueType::Time => Sql::Cast(Box::new(value), CastType::Time),
            ValueType::Timestamp => Sql::Cast(Box::new(value), CastType::Timestamp),
            ValueType::TimestampTz => Sql::Cast(Box::new(value), CastType::TimestampTz),
            _ => value,
        })
    }

    fn boxed_exact(&mut self, expr: &Expr) -> Result<Box<Sql>> {
        self.exact(expr).map(Box::new)
    }

    fn all_exact(&mut self, exprs: &[Expr]) -> Result<Vec<Sql>> {
        exprs.iter().map(|expr| self.exact(expr)).collect()
    }

    fn type_of(&self, expr: &Expr) -> Type {
        expr.ty(&|place: &Place| of_column(self.column(place).ty))
    }

    fn dialect(&self) -> Dialect {
        self.schema().dialect
    }

    /// A column as the language sees it: words, UUIDs and padded or case-blind texts as plain text, SQLite's dates in one spelling.
    fn leaf(&mut self, place: &Place) -> Sql {
        let (plain, column) = (self.place(place), self.column(place));
        if column.is_virtual {
            return plain;
        }
        let plain_text = |name: &str| name == "text" || name.starts_with("character varying");
        let to = match (column.ty, self.dialect()) {
            (ValueType::Enum | ValueType::Uuid, _) => CastType::Text,
            (ValueType::Text { .. }, Dialect::Postgres) if !plain_text(&column.sql_type.text) => {
                CastType::Text
            }
            (ValueType::Date, Dialect::Sqlite) => CastType::Date,
            (ValueType::Time, Dialect::Sqlite) => CastType::Time,
            (ValueType::Timestamp | ValueType::TimestampTz, Dialect::Sqlite) => CastType::Timestamp,
            _ => return plain,
        };
        Sql::Cast(Box::new(plain), to)
    }

    /// A number to calculate with.
    fn number(&mut self, expr: &Expr) -> Result<Sql> {
        let number = self.exact(expr)?;
        Ok(match self.type_of(expr) {
            Type::Integer | Type::Null if !calculated(&number) => Sql::Decimal(Box::new(number)),
            _ => number,
        })
    }

    fn operation(&mut self, op: BinaryOp, a: &Expr, b: &Expr) -> Result<Sql> {
        let (left, right) = match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                (self.number(a)?, self.number(b)?)
            }
            BinaryOp::Concat => (self.exact(a)?, self.exact(b)?),
            BinaryOp::Eq => return self.equal(a, b),
            _ => self.sides(a, b)?,
        };
        Ok(Sql::binary(op, left, right))
    }

    /// Two sides that are compared.
    pub(super) fn sides(&mut self, a: &Expr, b: &Expr) -> Result<(Sql, Sql)> {
        let wrap = self.comparable(&[a, b]);
        Ok((wrap(self.beside(a, b)?), wrap(self.beside(b, a)?)))
    }

    /// One side of a comparison: a number beside a column of floats is one of its floats, so that the tenth that is shown is found.
    fn beside(&mut self, expr: &Expr, other: &Expr) -> Result<Sql> {
        match (expr, other) {
            (Expr::Literal(number), Expr::Column(place)) if !self.is_virtual(other) => {
                let column = self.column(place);
                let float = matches!(column.ty, ValueType::Float { .. }).then(|| nearest(number)).flatten();
                Ok(match float {
                    Some(float) => literal(&Value::Float(float), Some(column.sql_type.clone())),
                    None => literal(number, None),
                })
            }
            _ => self.exact(expr),
        }
    }

    /// What makes values of these expressions comparable with each other.
    fn comparable(&self, exprs: &[&Expr]) -> fn(Sql) -> Sql {
        let types: Vec<Type> = exprs.iter().map(|e| self.type_of(e)).collect();
        let exact_number = |ty: &Type| matches!(ty, Type::Integer | Type::Decimal(_));
        let whole = |e: &&Expr| match e {
            Expr::Column(_) => !self.is_virtual(e) && self.type_of(e) == Type::Integer,
            Expr::Actor(ActorTerm::Claim(_, ty)) => *ty == Type::Integer,
            other => matches!(other, Expr::Literal(Value::Int(_))),
        };
        if types.contains(&Type::Text) {
            return |side| Sql::Exact(Box::new(side));
        }
        // SQLite's functions answer long numbers as text, and a stored decimal is a double beside the one that says it best.
        let in_binary = self.dialect() == Dialect::Sqlite && !types.contains(&Type::Float);
        if in_binary && types.iter().any(exact_number) && !exprs.iter().all(whole) {
            return |side| Sql::Decimal(Box::new(side));
        }
        |side| side
    }

    fn any_of(&mut self, inner: &Expr, list: &[Expr]) -> Result<Sql> {
        let all: Vec<&Expr> = std::iter::once(inner).chain(list).collect();
        let wrap = self.comparable(&all);
        let subject = wrap(self.exact(inner)?);
        let list = list.iter().map(|item| Ok(wrap(self.beside(item, inner)?))).collect::<Result<Vec<_>>>()?;
        if matches!(subject, Sql::Decimal(_)) {
            return Ok(Sql::Or(list.into_iter().map(|item| Sql::eq(subject.clone(), item)).collect()));
        }
        Ok(Sql::InExprs(Box::new(subject), list))
    }

    /// A value is one of those of a claim; null where there is no such claim.
    fn among(&mut self, inner: &Expr, claim: &str, ty: Type) -> Result<Sql> {
        let Some(values) = self.known_list(claim, ty) else { return Ok(Sql::Null) };
        match values.is_empty() {
            true => Ok(Sql::Bool(false)),
            false => self.any_of(inner, &values.into_iter().map(Expr::Literal).collect::<Vec<_>>()),
        }
    }

    fn like(&mut self, text: &Expr, pattern: &Expr, insensitive: bool) -> Result<Sql> {
        let text = self.exact(text)?;
        let text = if self.dialect() == Dialect::Postgres { Sql::Exact(Box::new(text)) } else { text };
        let pattern = match pattern {
            Expr::Literal(Value::Text(pattern)) => literal(&Value::Text(closed(pattern.clone())), None),
            other => self.exact(other)?,
        };
        Ok(Sql::Like { text: Box::new(text), pattern: Box::new(pattern), insensitive })
    }

    fn converted(&mut self, inner: &Expr, to: Type) -> Result<Sql> {
        let from = self.type_of(inner);
        if from == Type::Bool && to != Type::Bool {
            return self.spelled_truth(inner, to);
        }
        let cast = |value: Sql, to: CastType| Sql::Cast(Box::new(value), to);
        Ok(match to {
            Type::Text => match from {
                Type::Integer => cast(self.exact(inner)?, CastType::Digits(Some(0))),
                Type::Decimal(scale) => cast(self.exact(inner)?, CastType::Digits(scale)),
                Type::Time => cast(self.exact(inner)?, CastType::TimeText),
                Type::Timestamp => cast(self.exact(inner)?, CastType::TimestampText),
                Type::TimestampTz => cast(self.exact(inner)?, CastType::InstantText),
                Type::Text => self.exact(inner)?,
                _ => cast(self.exact(inner)?, CastType::Text),
            },
            Type::Bool if from != Type::Bool => {
                Sql::binary(BinaryOp::Ne, Sql::Decimal(self.boxed_exact(inner)?), Sql::Number(0))
            }
            Type::Integer => cast(self.exact(inner)?, CastType::Integer),
            Type::Decimal(_) => self.number(inner)?,
            Type::Date => cast(self.exact(inner)?, CastType::Date),
            Type::Time => cast(self.exact(inner)?, CastType::Time),
            Type::Timestamp => cast(self.exact(inner)?, CastType::Timestamp),
            Type::TimestampTz => cast(self.exact(inner)?, CastType::TimestampTz),
            _ => self.exact(inner)?,
        })
    }

    /// True and false as words or numbers.
    fn spelled_truth(&mut self, inner: &Expr, to: Type) -> Result<Sql> {
        let spelled = |truth: bool| match to {
            Type::Text => literal(&Value::text(truth.to_string()), None),
            _ => Sql::Number(truth.into()),
        };
        let truth = self.exact(inner)?;
        let arms = vec![(truth.clone(), spelled(true)), (Sql::Not(Box::new(truth)), spelled(false))];
        Ok(Sql::Case(arms, None))
    }

    fn call(&mut self, function: Function, args: &[Expr]) -> Result<Sql> {
        let [first, rest @ ..] = args else {
            return Err(impossible("A function has no arguments."));
        };
        let mut values = match function {
            Function::Abs | Function::Round | Function::Floor | Function::Ceil => {
                let mut values = vec![self.number(first)?];
                values.extend(self.all_exact(rest)?);
                values
            }
            Function::Least | Function::Greatest => {
                let wrap = self.comparable(&args.iter().collect::<Vec<_>>());
                self.all_exact(args)?.into_iter().map(wrap).collect()
            }
            _ => self.all_exact(args)?,
        };
        let to = match (function, self.type_of(first)) {
            (Function::NullIf, _) => return self.null_if(args, values.swap_remove(0)),
            (Function::Extract(_) | Function::Shift(_), Type::Null) => return Ok(Sql::Null),
            (Function::Shift(_), Type::Date) | (Function::AddDays, _) => CastType::Date,
            _ => return Ok(Sql::Call(function, values)),
        };
        Ok(Sql::Cast(Box::new(Sql::Call(function, values)), to))
    }

    fn null_if(&mut self, args: &[Expr], value: Sql) -> Result<Sql> {
        let [a, b] = args else { return Err(impossible("nullif takes two arguments.")) };
        let (left, right) = self.sides(a, b)?;
        Ok(Sql::Case(vec![(Sql::eq(left, right), Sql::Null)], Some(Box::new(value))))
    }
}

/// Whether a number comes out of a calculation, and is a decimal already.
fn calculated(number: &Sql) -> bool {
    match number {
        Sql::Binary(op, ..) => {
            matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem)
        }
        Sql::Negate(_) | Sql::Decimal(_) => true,
        _ => false,
    }
}

/// An escape at the end of a pattern stands for itself.
fn closed(mut pattern: String) -> String {
    if pattern.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
        pattern.push('\\');
    }
    pattern
}

fn impossible(detail: &str) -> crate::Errors {
    Error::new(ErrorCode::Internal, detail).into()
}

/// The double that comes nearest.
fn nearest(number: &Value) -> Option<f64> {
    match number {
        Value::Int(whole) => Some(*whole as f64),
        Value::Decimal(exact) => exact.to_string().parse().ok(),
        _ => None,
    }
}
