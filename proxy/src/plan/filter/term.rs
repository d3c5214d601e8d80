//! One comparison → a filter: its path is followed, and at the end a column or an id is compared.
//!
//! Through to-many relationships a path asks whether there is such a row. A to-many relationship itself is compared by the ids of
//! its rows, and is null where it has none.

use dialects::Value;
use introspect::TableId;
use rules::Expr;
use rules::expr::{BinaryOp, Place};

use super::compare::{Comparison, truth};
use super::{Exists, Filter, Resolved};
use crate::jsonapi::id;
use crate::jsonapi::query::{FilterTerm, Operand, Operator};
use crate::plan::names::{self, Leg, Named, Reached};
use crate::state::Snapshot;

/// Resolves a comparison.
pub(super) fn build(snapshot: &Snapshot, table: TableId, term: &FilterTerm) -> Resolved {
    let Reached { mut legs, table, named, many } = names::reach(snapshot, table, &term.path)?;
    let end = End { snapshot, table, named, term };
    let (operator, negative) = positive(term.operator);
    let filter = match legs.pop() {
        None => end.filter(operator, &term.operands)?,
        Some(last) if many => end.among(last, operator)?,
        Some(last) => exists(last, Some(end.filter(operator, &term.operands)?)),
    };
    let filter = legs.into_iter().rev().fold(filter, |filter, leg| exists(leg, Some(filter)));
    Ok(if negative { Filter::Not(Box::new(filter)) } else { filter })
}

/// An operator without its negation, and whether it had one.
fn positive(operator: Operator) -> (Operator, bool) {
    match operator {
        Operator::Ne => (Operator::Eq, true),
        Operator::NotIn => (Operator::In, true),
        other => (other, false),
    }
}

fn exists(leg: Leg, filter: Option<Filter>) -> Filter {
    Filter::Exists(Exists { path: leg.path, relationship: leg.relationship, filter: filter.map(Box::new) })
}

/// The end of a path.
struct End<'a> {
    snapshot: &'a Snapshot,
    table: TableId,
    named: Named,
    term: &'a FilterTerm,
}

impl End<'_> {
    fn filter(&self, operator: Operator, operands: &[Operand]) -> Resolved {
        let expr = match &self.named {
            Named::Column(place) => {
                let column = names::column(&self.snapshot.schema, self.table, place);
                let comparison = Comparison { snapshot: self.snapshot, place, column, name: &self.term.path };
                comparison.expr(operator, operands)?
            }
            Named::Id(target, places) => self.composite(*target, places, operator, operands)?,
        };
        Ok(Filter::Compared(expr))
    }

    /// A to-many relationship by the ids of its rows. Null: there is none.
    fn among(&self, leg: Leg, operator: Operator) -> Resolved {
        let none = || Filter::Not(Box::new(exists(leg.clone(), None)));
        match operator {
            Operator::Null => Ok(match truth(self.term.operands.first())? {
                true => none(),
                false => exists(leg, None),
            }),
            Operator::Eq | Operator::In => {
                let is_null = |operand: &Operand| *operand == Operand::Null || self.is_word_null(operand);
                let (nulls, ids): (Vec<Operand>, Vec<Operand>) =
                    self.term.operands.iter().cloned().partition(is_null);
                let mut either: Vec<Filter> = nulls.first().map(|_| none()).into_iter().collect();
                if nulls.is_empty() || !ids.is_empty() {
                    either.push(exists(leg, Some(self.filter(Operator::In, &ids)?)));
                }
                Ok(if either.len() == 1 { either.remove(0) } else { Filter::Any(either) })
            }
            _ => Err(format!("{:?} leads to many: eq, ne, in, nin and null apply to it.", self.term.path)),
        }
    }

    /// `null` in a URL is no id, unless ids are texts.
    fn is_word_null(&self, operand: &Operand) -> bool {
        let textual = match &self.named {
            Named::Column(place) => names::column(&self.snapshot.schema, self.table, place).ty.is_textual(),
            Named::Id(..) => false,
        };
        !textual && matches!(operand, Operand::Text(text) if text == "null")
    }

    /// A key of several parts: equality alone.
    fn composite(
        &self,
        target: TableId,
        places: &[Place],
        operator: Operator,
        operands: &[Operand],
    ) -> Result<Expr, String> {
        let null = |yes: bool| {
            let part = |place: &Place| Expr::IsNull(Box::new(Expr::Column(place.clone())), yes);
            let parts = places.iter().map(part).collect();
            if yes { Expr::Or(parts) } else { Expr::And(parts) }
        };
        let one = |operand: &Operand| match operand {
            Operand::Text(text) if text != "null" => {
                let table = &self.snapshot.schema[target];
                let key = id::parse(self.snapshot.schema.dialect, table, text);
                let key = key.ok_or_else(|| format!("{text:?} is no id of {}.", table.name))?;
                Ok(equal(places, key))
            }
            _ => Ok(null(true)),
        };
        match operator {
            Operator::Eq | Operator::In => {
                Ok(Expr::Or(operands.iter().map(one).collect::<Result<_, String>>()?))
            }
            Operator::Null => truth(operands.first()).map(null),
            _ => Err(format!(
                "{:?} is an id of several parts: eq, ne, in, nin and null apply to it.",
                self.term.path
            )),
        }
    }
}

fn equal(places: &[Place], key: Vec<Value>) -> Expr {
    let part = |(place, value): (&Place, Value)| {
        Expr::Binary(BinaryOp::Eq, Box::new(Expr::Column(place.clone())), Box::new(Expr::Literal(value)))
    };
    Expr::And(places.iter().zip(key).map(part).collect())
}
