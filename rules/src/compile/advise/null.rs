//! Which values can be null: columns that can, what is computed from them, and what has no row above.

use introspect::{Schema, TableId};

use super::Column;
use crate::compile::full_name;
use crate::expr::{Expr, Function, Place};
use crate::rule::{AggregateFunction, Derivation, DerivationKind};

/// What can be null.
pub(super) struct Nulls<'a> {
    schema: &'a Schema,
    /// Columns that rules keep from being null, whatever the database allows.
    kept: Vec<Column>,
}

impl<'a> Nulls<'a> {
    pub(super) fn new<'d>(schema: &'a Schema, derivations: impl Iterator<Item = &'d Derivation>) -> Self {
        let counts = |derivation: &&Derivation| match &derivation.kind {
            DerivationKind::Aggregate(aggregate) => {
                !matches!(aggregate.function, AggregateFunction::Min(_) | AggregateFunction::Max(_))
            }
            _ => false,
        };
        Self { schema, kept: derivations.filter(counts).map(|d| (d.table, d.column)).collect() }
    }

    /// What makes a derivation null, in words; `None`: nothing does.
    pub(super) fn reason(&self, derivation: &Derivation) -> Option<String> {
        match &derivation.kind {
            // A step is taken from a row that is there.
            DerivationKind::Aggregate(_) | DerivationKind::Step(_) => None,
            DerivationKind::Stamp { expr, .. } => self.null(derivation.table, expr),
            DerivationKind::Formula(expr) | DerivationKind::Default(expr) => {
                self.null(derivation.table, expr)
            }
            DerivationKind::Copy { relationship, column } => {
                self.place(derivation.table, &Place { path: vec![*relationship], column: *column })
            }
        }
    }

    /// What makes an expression null, in words; `None`: nothing does.
    pub(super) fn null(&self, table: TableId, expr: &Expr) -> Option<String> {
        let any = |exprs: &[Expr]| exprs.iter().find_map(|expr| self.null(table, expr));
        match expr {
            Expr::IsNull(..)
            | Expr::Distinct(..)
            | Expr::Changed(_)
            | Expr::Event(_)
            | Expr::Now
            | Expr::Today => None,
            Expr::Literal(value) => value.is_null().then(|| "it is null".to_owned()),
            Expr::Column(place) => self.place(table, place),
            Expr::Old(_) => Some("the row is new".to_owned()),
            Expr::Actor(_) => Some("nobody is known to ask".to_owned()),
            // Null only when all are.
            Expr::Call(Function::Coalesce | Function::Least | Function::Greatest, args) => {
                let reasons: Option<Vec<String>> = args.iter().map(|arg| self.null(table, arg)).collect();
                reasons.map(|reasons| reasons.join(" and "))
            }
            Expr::Call(Function::Concat, _) => None,
            Expr::Call(Function::NullIf, _) => Some("both are equal".to_owned()),
            Expr::Call(_, args) => any(args),
            Expr::Case(arms, otherwise) => match otherwise {
                None => Some("no case is met".to_owned()),
                Some(otherwise) => {
                    let arms = arms.iter().find_map(|(_, value)| self.null(table, value));
                    arms.or_else(|| self.null(table, otherwise))
                }
            },
            Expr::InClaim(..) => Some("nobody is known to ask".to_owned()),
            Expr::Not(e) | Expr::Negate(e) | Expr::Cast(e, _) => self.null(table, e),
            Expr::And(es) | Expr::Or(es) => any(es),
            Expr::Binary(_, a, b) => self.null(table, a).or_else(|| self.null(table, b)),
            expr => expr.places().iter().find_map(|place| self.place(table, place)),
        }
    }

    fn place(&self, table: TableId, place: &Place) -> Option<String> {
        let mut here = table;
        for relationship in &place.path {
            let relationship = &self.schema[here][*relationship];
            if relationship.columns.iter().any(|column| self.schema[here][*column].nullable) {
                return Some(format!("`{}.{}` is null", self.schema[here].name, relationship.name));
            }
            here = relationship.target;
        }
        let at = (here, place.column);
        let can = self.schema[here][place.column].nullable && !self.kept.contains(&at);
        can.then(|| format!("`{}` is null", full_name(self.schema, at)))
    }
}
