//! A column beside constants → an expression. A value is typed by the column it is compared with; one that does not fit is refused, for it
//! could match nothing. `null` is the null of every column but text, where it is a word like any other (`filter[f][null]=true` asks for
//! nulls there).

use dialects::sql::BinaryOp;
use dialects::{Value, ValueType};
use introspect::Column;
use rules::Expr;
use rules::expr::{Place, Type};

use crate::jsonapi::query::{Operand, Operator};
use crate::jsonapi::value;
use crate::state::Snapshot;

/// An expression; or what was wrong, as a sentence.
type Compared = Result<Expr, String>;

/// A column that values are compared with.
pub(super) struct Comparison<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) place: &'a Place,
    pub(super) column: &'a Column,
    /// Its name, as the client wrote it.
    pub(super) name: &'a str,
}

impl Comparison<'_> {
    /// Negative operators come as the positive ones that they negate.
    pub(super) fn expr(&self, operator: Operator, operands: &[Operand]) -> Compared {
        let first = operands.first();
        match operator {
            Operator::Eq | Operator::In | Operator::Ne | Operator::NotIn => self.any_of(operands),
            Operator::Gt => self.ordered(BinaryOp::Gt, first),
            Operator::Ge => self.ordered(BinaryOp::Ge, first),
            Operator::Lt => self.ordered(BinaryOp::Lt, first),
            Operator::Le => self.ordered(BinaryOp::Le, first),
            Operator::Between => self.between(operands),
            Operator::Null => Ok(Expr::IsNull(self.subject(), truth(first)?)),
            Operator::Like => self.like(first, str::to_owned, false),
            Operator::Ilike => self.like(first, str::to_owned, true),
            Operator::Contains => self.like(first, |text| format!("%{}%", literally(text)), false),
            Operator::Starts => self.like(first, |text| format!("{}%", literally(text)), false),
            Operator::Ends => self.like(first, |text| format!("%{}", literally(text)), false),
        }
    }

    /// The column; one of a type that we do not know is compared as the text that documents show.
    fn subject(&self) -> Box<Expr> {
        let column = Box::new(Expr::Column(self.place.clone()));
        match self.column.ty {
            ValueType::Other => Box::new(Expr::Cast(column, Type::Text)),
            _ => column,
        }
    }

    /// Equal to one of the values, of which null may be one.
    fn any_of(&self, operands: &[Operand]) -> Compared {
        let is_null = |operand: &&Operand| match operand {
            Operand::Null => true,
            Operand::Text(text) => text == "null" && !self.column.ty.is_textual(),
        };
        let null = operands.iter().find(is_null).map(|_| Expr::IsNull(self.subject(), true));
        let values: Vec<&Operand> = operands.iter().filter(|operand| !is_null(operand)).collect();
        if !self.column.ty.has_equality() && !values.is_empty() {
            return Err(format!("{:?} is JSON: only null can be asked of it.", self.name));
        }
        let values =
            values.into_iter().map(|operand| self.literal(Some(operand))).collect::<Result<Vec<_>, _>>()?;
        let equal = match <[Expr; 1]>::try_from(values) {
            Ok([value]) => Some(Expr::Binary(BinaryOp::Eq, self.subject(), Box::new(value))),
            Err(values) if values.is_empty() => None,
            Err(values) => Some(Expr::In(self.subject(), values)),
        };
        let mut either: Vec<Expr> = equal.into_iter().chain(null).collect();
        Ok(if either.len() == 1 { either.remove(0) } else { Expr::Or(either) })
    }

    fn ordered(&self, op: BinaryOp, operand: Option<&Operand>) -> Compared {
        if !self.column.ty.has_order() || self.column.ty == ValueType::Bool {
            return Err(format!("{:?} has no order to compare by.", self.name));
        }
        let literal = self.literal(operand)?;
        Ok(match &literal {
            Expr::Literal(Value::Text(word)) if self.column.ty == ValueType::Enum => self.words(op, word),
            _ => Expr::Binary(op, self.subject(), Box::new(literal)),
        })
    }

    /// The words of an enum that stand so to one of them, in the order in which they are declared: databases compare them otherwise than
    /// they sort them.
    fn words(&self, op: BinaryOp, word: &str) -> Expr {
        let words = &self.column.enum_values;
        let at = words.iter().position(|other| other == word).unwrap_or(words.len());
        let found = words.iter().enumerate().filter(|(n, _)| match op {
            BinaryOp::Lt => *n < at,
            BinaryOp::Le => *n <= at,
            BinaryOp::Gt => *n > at,
            _ => *n >= at,
        });
        Expr::In(self.subject(), found.map(|(_, word)| Expr::Literal(Value::text(word.as_str()))).collect())
    }

    fn between(&self, operands: &[Operand]) -> Compared {
        let [low, high] = operands else {
            return Err("between takes two values: a,b.".into());
        };
        Ok(Expr::And(vec![self.ordered(BinaryOp::Ge, Some(low))?, self.ordered(BinaryOp::Le, Some(high))?]))
    }

    fn like(
        &self,
        operand: Option<&Operand>,
        pattern: impl Fn(&str) -> String,
        insensitive: bool,
    ) -> Compared {
        if !self.column.ty.is_textual() {
            return Err(format!("{:?} is no text: patterns do not apply to it.", self.name));
        }
        let pattern = pattern(text(operand)?);
        if pattern.contains('\0') {
            return Err("A pattern holds no NUL characters.".into());
        }
        Ok(like(self.place, closed(pattern), insensitive))
    }

    fn literal(&self, operand: Option<&Operand>) -> Compared {
        let text = text(operand)?;
        if self.column.ty == ValueType::Other {
            return Ok(Expr::Literal(Value::text(text)));
        }
        // A text longer than its column equals nothing in it, but is no mistake: it may still be compared.
        let column = match self.column.ty {
            ValueType::Text { .. } => &Column { ty: ValueType::Text { length: None }, ..self.column.clone() },
            _ => self.column,
        };
        // A day alone, where an instant is compared, is its first moment (of UTC).
        let midnight = match self.column.ty {
            ValueType::Timestamp if value::is_date(text) => format!("{text}T00:00:00"),
            ValueType::TimestampTz if value::is_date(text) => format!("{text}T00:00:00Z"),
            _ => text.to_owned(),
        };
        let value = value::from_text(self.snapshot.schema.dialect, column, &midnight);
        value
            .map(Expr::Literal)
            .map_err(|misfit| format!("{:?} does not fit {:?}: {misfit}.", text, self.name))
    }
}

/// What `null` is asked with.
pub(super) fn truth(operand: Option<&Operand>) -> Result<bool, String> {
    match text(operand)? {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("null takes true or false.".into()),
    }
}

/// A column that matches a pattern.
pub(super) fn like(place: &Place, pattern: String, insensitive: bool) -> Expr {
    let pattern = Box::new(Expr::Literal(Value::Text(pattern)));
    Expr::Like { text: Box::new(Expr::Column(place.clone())), pattern, insensitive }
}

/// A text as a pattern that matches it alone.
pub(super) fn literally(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

fn text(operand: Option<&Operand>) -> Result<&str, String> {
    match operand {
        Some(Operand::Text(text)) => Ok(text),
        Some(Operand::Null) => Err("null is compared by eq, ne, in and nin.".into()),
        None => Ok(""),
    }
}

/// A pattern must not end in an escape that escapes nothing: databases differ about it.
fn closed(mut pattern: String) -> String {
    let escapes = pattern.chars().rev().take_while(|c| *c == '\\').count();
    if escapes % 2 == 1 {
        pattern.push('\\');
    }
    pattern
}
