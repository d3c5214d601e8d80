//! Filter terms → one typed expression over the row.
//!
//! A value is typed by the column it is compared with; one that does not fit is refused, for it could match nothing. `null` is the
//! null of every column but text, where it is a word like any other (`filter[f][null]=true` asks for nulls there).

use dialects::sql::BinaryOp;
use dialects::{Value, ValueType};
use introspect::{Column, TableId};
use rules::Expr;
use rules::expr::{Place, Type};

use super::names::{self, Named};
use crate::jsonapi::query::{FilterTerm, Operator};
use crate::jsonapi::{id, value};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// An expression; or what was wrong, as a sentence.
type Resolved = std::result::Result<Expr, String>;

/// Resolves all terms; nothing where there is none.
pub fn build(snapshot: &Snapshot, table: TableId, terms: &[FilterTerm]) -> Result<Option<Expr>> {
    let count: usize = terms.iter().map(|term| term.values.len()).sum();
    if count > snapshot.limits.filter_terms {
        let detail =
            format!("The filter has {count} values; at most {} are taken.", snapshot.limits.filter_terms);
        let error = Error::new(ErrorCode::InvalidFilter, detail);
        return Err(error.with_meta("maximum", snapshot.limits.filter_terms).into());
    }
    let (mut exprs, mut errors) = (Vec::new(), Vec::new());
    for term in terms {
        match resolve(snapshot, table, term) {
            Ok(expr) => exprs.push(expr),
            Err(detail) => errors.push(Error::new(ErrorCode::InvalidFilter, detail).parameter(&term.name)),
        }
    }
    let filter = if exprs.len() > 1 { Some(Expr::And(exprs)) } else { exprs.pop() };
    Errors::from_vec(errors).map_or(Ok(filter), Err)
}

fn resolve(snapshot: &Snapshot, table: TableId, term: &FilterTerm) -> Resolved {
    match names::path(snapshot, table, &term.path)? {
        Named::Column(place) => {
            let column = names::column(&snapshot.schema, table, &place);
            Comparison { snapshot, place, column, name: &term.path }.expr(term)
        }
        Named::Id(target, places) => composite(snapshot, target, &places, term),
    }
}

/// A column that a term compares with its values.
struct Comparison<'a> {
    snapshot: &'a Snapshot,
    place: Place,
    column: &'a Column,
    name: &'a str,
}

impl Comparison<'_> {
    fn expr(&self, term: &FilterTerm) -> Resolved {
        match term.operator {
            Operator::Eq | Operator::In => self.any_of(&term.values),
            Operator::Ne | Operator::NotIn => Ok(Expr::Not(Box::new(self.any_of(&term.values)?))),
            Operator::Gt => self.ordered(BinaryOp::Gt, term.values.first()),
            Operator::Ge => self.ordered(BinaryOp::Ge, term.values.first()),
            Operator::Lt => self.ordered(BinaryOp::Lt, term.values.first()),
            Operator::Le => self.ordered(BinaryOp::Le, term.values.first()),
            Operator::Between => self.between(&term.values),
            Operator::Null => self.null(term.values.first()),
            Operator::Like => self.like(term.values.first(), str::to_owned, false),
            Operator::Ilike => self.like(term.values.first(), str::to_owned, true),
            Operator::Contains => {
                self.like(term.values.first(), |text| format!("%{}%", literally(text)), false)
            }
            Operator::Starts => self.like(term.values.first(), |text| format!("{}%", literally(text)), false),
            Operator::Ends => self.like(term.values.first(), |text| format!("%{}", literally(text)), false),
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
    fn any_of(&self, texts: &[String]) -> Resolved {
        if !self.column.ty.has_equality() {
            return Err(format!("{:?} is JSON: only [null] applies to it.", self.name));
        }
        let is_null = |text: &&String| text.as_str() == "null" && !self.textual();
        let values: Vec<Expr> = texts
            .iter()
            .filter(|text| !is_null(text))
            .map(|text| self.literal(text))
            .collect::<std::result::Result<_, _>>()?;
        let null = texts.iter().any(|text| is_null(&text)).then(|| Expr::IsNull(self.subject(), true));
        let equal = match <[Expr; 1]>::try_from(values) {
            Ok([value]) => Some(Expr::Binary(BinaryOp::Eq, self.subject(), Box::new(value))),
            Err(values) if values.is_empty() => None,
            Err(values) => Some(Expr::In(self.subject(), values)),
        };
        let mut either: Vec<Expr> = equal.into_iter().chain(null).collect();
        Ok(if either.len() == 1 { either.remove(0) } else { Expr::Or(either) })
    }

    fn ordered(&self, op: BinaryOp, text: Option<&String>) -> Resolved {
        if !self.column.ty.has_order() || self.column.ty == ValueType::Bool {
            return Err(format!("{:?} has no order to compare by.", self.name));
        }
        let value = self.literal(text.map_or("", String::as_str))?;
        Ok(Expr::Binary(op, self.subject(), Box::new(value)))
    }

    fn between(&self, texts: &[String]) -> Resolved {
        let [low, high] = texts else {
            return Err("between takes two values, joined by a comma.".into());
        };
        Ok(Expr::And(vec![self.ordered(BinaryOp::Ge, Some(low))?, self.ordered(BinaryOp::Le, Some(high))?]))
    }

    fn null(&self, text: Option<&String>) -> Resolved {
        match text.map(String::as_str) {
            Some("true" | "1" | "") => Ok(Expr::IsNull(self.subject(), true)),
            Some("false" | "0") => Ok(Expr::IsNull(self.subject(), false)),
            _ => Err("null takes true or false.".into()),
        }
    }

    fn like(&self, text: Option<&String>, pattern: impl Fn(&str) -> String, insensitive: bool) -> Resolved {
        if !self.textual() {
            return Err(format!("{:?} is no text: patterns do not apply to it.", self.name));
        }
        let pattern = pattern(text.map_or("", String::as_str));
        if pattern.contains('\0') {
            return Err("a pattern holds no NUL characters.".into());
        }
        let pattern = Box::new(Expr::Literal(Value::Text(closed(pattern))));
        Ok(Expr::Like { text: self.subject(), pattern, insensitive })
    }

    fn textual(&self) -> bool {
        matches!(self.column.ty, ValueType::Text { .. } | ValueType::Enum | ValueType::Uuid)
    }

    fn literal(&self, text: &str) -> Resolved {
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

/// A key of several parts: equality alone.
fn composite(snapshot: &Snapshot, target: TableId, places: &[Place], term: &FilterTerm) -> Resolved {
    let one = |text: &String| -> Resolved {
        match text.as_str() {
            "null" => Ok(Expr::Or(
                places.iter().map(|p| Expr::IsNull(Box::new(Expr::Column(p.clone())), true)).collect(),
            )),
            _ => {
                let table = &snapshot.schema[target];
                let key = id::parse(snapshot.schema.dialect, table, text);
                let key = key.ok_or_else(|| format!("{text:?} is no id of {}.", table.name))?;
                Ok(equal(places, key))
            }
        }
    };
    let any = |values: &[String]| -> Resolved {
        Ok(Expr::Or(values.iter().map(one).collect::<std::result::Result<_, _>>()?))
    };
    match term.operator {
        Operator::Eq | Operator::In => any(&term.values),
        Operator::Ne | Operator::NotIn => Ok(Expr::Not(Box::new(any(&term.values)?))),
        Operator::Null => match term.values.first().map(String::as_str) {
            Some("true" | "1" | "") => one(&"null".to_owned()),
            Some("false" | "0") => Ok(Expr::Not(Box::new(one(&"null".to_owned())?))),
            _ => Err("null takes true or false.".into()),
        },
        _ => Err(format!("{:?} is an id of several parts: eq, ne, in, nin and null apply to it.", term.path)),
    }
}

fn equal(places: &[Place], key: Vec<Value>) -> Expr {
    let part = |(place, value): (&Place, Value)| {
        Expr::Binary(BinaryOp::Eq, Box::new(Expr::Column(place.clone())), Box::new(Expr::Literal(value)))
    };
    Expr::And(places.iter().zip(key).map(part).collect())
}

/// A text as a pattern that matches it alone.
fn literally(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

/// A pattern must not end in an escape that escapes nothing: databases differ about it.
fn closed(mut pattern: String) -> String {
    let escapes = pattern.chars().rev().take_while(|c| *c == '\\').count();
    if escapes % 2 == 1 {
        pattern.push('\\');
    }
    pattern
}
