//! One line of `derive`, `default` or `stamp` -> a [`Derivation`].

use introspect::schema::{ColumnDefault, RelationshipKind};
use introspect::{RelationshipId, TableId};
use sqlparser::ast;

use super::reads::{Column, Reads};
use super::{Compiler, full_name, outer_quotes};
use crate::expr::eval::accept;
use crate::expr::parse::{self, AggregateWord, Aggregated, Name, RightSide};
use crate::expr::resolve::{Context, assignable, noun, of_column, resolve};
use crate::expr::{Expr, Type};
use crate::file::{ColumnKey, ColumnRule, Text};
use crate::problem::{ExprProblem, did_you_mean};
use crate::rule::{Aggregate, AggregateFunction, Derivation, DerivationKind};

/// When a rule sets its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum When {
    /// When the row comes.
    New,
    /// Later.
    Later,
}

/// When a rule sets its column: a default and a step leave room for each other.
fn times(rule: &ColumnRule) -> &'static [When] {
    match rule.key {
        ColumnKey::Default => &[When::New],
        ColumnKey::Derive if parse::mentions_old(&rule.expression.value) => &[When::Later],
        ColumnKey::Derive | ColumnKey::Stamp | ColumnKey::Virtual => &[When::New, When::Later],
    }
}
/// What to do about a derivation of a column that the table does not have.
const UNKNOWN: &str = "write {as: …, virtual: true} to have it computed when it is read";

impl<'a> Compiler<'a> {
    pub(super) fn derivation(&mut self, rule: &'a ColumnRule) -> Option<Derivation> {
        let otherwise = (rule.key == ColumnKey::Derive).then_some(UNKNOWN);
        let target = self.target(&rule.target, otherwise)?;
        let once = self.once(rule, target);
        let settable = self.settable(&rule.target, target, rule.key == ColumnKey::Default);
        let kind = self.right_side(rule, target)?;
        let name = full_name(self.schema, target);
        let derivation = Derivation { name, table: target.0, column: target.1, kind };
        let reads = Reads::of_derivation(self.schema, &derivation);
        let fit = settable && self.fit(&rule.expression, target.0, &reads);
        (once && fit).then_some(derivation)
    }

    /// A column is set by one rule; a second one names the place of the first.
    fn once(&mut self, rule: &'a ColumnRule, target: Column) -> bool {
        let times = times(rule);
        let Some(first) = times.iter().find_map(|when| self.derived.get(&(target, *when))) else {
            self.derived.extend(times.iter().map(|when| ((target, *when), &rule.target)));
            return true;
        };
        let hint = format!("first at {}", self.problems.place(first));
        let message = format!("`{}` is set by two rules", full_name(self.schema, target));
        self.problems.at(&rule.target, message, hint);
        false
    }

    fn right_side(&mut self, rule: &ColumnRule, target: Column) -> Option<DerivationKind> {
        let text = &rule.expression;
        let parsed = match parse::derivation(&text.value) {
            Ok(parsed) => parsed,
            Err(problem) => {
                self.refuse_all(text, 0, vec![problem]);
                return None;
            }
        };
        match parsed {
            RightSide::Scalar(tree) => {
                let context = context(rule);
                let expr = self.scalar(text, target, &tree, context)?;
                match context {
                    Context::Default => Some(DerivationKind::Default(expr)),
                    Context::Stamp => self.stamp(rule, target, expr),
                    Context::Step => self.step(text, target, expr),
                    _ => Some(DerivationKind::Formula(expr)),
                }
            }
            _ if rule.key != ColumnKey::Derive => {
                let message = format!("{} is an expression over the row", context(rule).name());
                self.problems.at(text, message, "this belongs under `derive`");
                None
            }
            RightSide::Copy { parent, column } => self.copied(text, target, &parent, &column),
            RightSide::Aggregate(aggregated) => {
                self.aggregate(text, target, *aggregated).map(DerivationKind::Aggregate)
            }
        }
    }

    fn stamp(&mut self, rule: &ColumnRule, target: Column, expr: Expr) -> Option<DerivationKind> {
        let operations = rule.operations;
        let column = &self.schema[target.0][target.1];
        if !operations.insert && !column.nullable && column.default == ColumnDefault::None {
            let message = format!("`{}` needs a value when its row comes", full_name(self.schema, target));
            self.problems.at(&rule.target, message, "let the stamp be set on insert too");
            return None;
        }
        Some(DerivationKind::Stamp { expr, operations })
    }

    fn step(&mut self, text: &Text, target: Column, expr: Expr) -> Option<DerivationKind> {
        if expr.places_beside_old(target.1).is_empty() {
            let name = full_name(self.schema, target);
            let message =
                format!("`{name}` reads nothing but its own old value: this step would never be taken");
            self.problems.at(text, message, "a stamp is set when anything of the row changes");
            return None;
        }
        Some(DerivationKind::Step(expr))
    }

    fn scalar(&mut self, text: &Text, target: Column, tree: &ast::Expr, context: Context) -> Option<Expr> {
        let wanted = self.column_type(target);
        match resolve(self.schema, target.0, &text.value, tree, context, Some(wanted)) {
            Ok((expr, ty)) => {
                (self.assigned(text, target, ty) && self.kept(text, target, &expr)).then_some(expr)
            }
            Err(problems) => {
                self.refuse_all(text, 0, problems);
                None
            }
        }
    }

    /// Whether the column can hold a constant at all, without a digit being rounded away.
    fn kept(&mut self, text: &Text, target: Column, expr: &Expr) -> bool {
        let Expr::Literal(value) = expr else { return true };
        let misfit = accept(value.clone(), &self.schema[target.0][target.1]).err();
        if let Some(why) = &misfit {
            let message = format!("this constant does not fit: `{}` {why}", full_name(self.schema, target));
            self.problems.at(text, message, "");
        }
        misfit.is_none()
    }

    fn column_type(&self, (table, column): Column) -> Type {
        of_column(self.schema[table][column].ty)
    }

    fn assigned(&mut self, text: &Text, target: Column, ty: Type) -> bool {
        let wanted = self.column_type(target);
        let fits = assignable(ty, wanted);
        if !fits {
            let name = full_name(self.schema, target);
            let message = format!("`{name}` holds {}, this is {}", noun(wanted), noun(ty));
            let hint = match self.problems.is_quoted(text) && !text.value.contains('\'') {
                true => outer_quotes(&text.value, true),
                false => "cast(… as type) converts, where that is meant".to_owned(),
            };
            self.problems.at(text, message, hint);
        }
        fits
    }

    fn copied(
        &mut self,
        text: &Text,
        target: Column,
        parent: &Name,
        column: &Name,
    ) -> Option<DerivationKind> {
        let table = &self.schema[target.0];
        let Some(relationship) = table.relationship(&parent.text).filter(|id| table[*id].to_one()) else {
            self.no_relationship(text, target.0, parent, true);
            return None;
        };
        let source = table[relationship].target;
        let column = self.column(text, source, column)?;
        let ty = self.column_type((source, column));
        self.assigned(text, target, ty).then_some(DerivationKind::Copy { relationship, column })
    }

    fn aggregate(&mut self, text: &Text, target: Column, wanted: Aggregated) -> Option<Aggregate> {
        let relationship = self.children(text, target.0, &wanted.children)?;
        let (child, parent) = {
            let relationship = &self.schema[target.0][relationship];
            (relationship.target, relationship.inverse)
        };
        let function = self.function(text, child, &wanted)?;
        let filter = match &wanted.filter {
            Some(tree) => Some(self.filter(text, child, tree)?),
            None => None,
        };
        let aggregate = Aggregate { function, relationship, child, parent, filter };
        self.holds(text, target, &aggregate)?;
        Some(aggregate)
    }

    fn function(&mut self, text: &Text, child: TableId, wanted: &Aggregated) -> Option<AggregateFunction> {
        let column = match &wanted.column {
            Some(name) => Some(self.column(text, child, name)?),
            None => None,
        };
        // The parser gives a column to those that take one.
        Some(match (wanted.word, column) {
            (AggregateWord::Sum, Some(column)) => AggregateFunction::Sum(column),
            (AggregateWord::Min, Some(column)) => AggregateFunction::Min(column),
            (AggregateWord::Max, Some(column)) => AggregateFunction::Max(column),
            (AggregateWord::Exists, _) => AggregateFunction::Exists,
            (_, _) => AggregateFunction::Count,
        })
    }

    fn filter(&mut self, text: &Text, child: TableId, tree: &ast::Expr) -> Option<Expr> {
        match resolve(self.schema, child, &text.value, tree, Context::Where, None) {
            Ok((expr, _)) => Some(expr),
            Err(problems) => {
                self.refuse_all(text, 0, problems);
                None
            }
        }
    }

    /// A to-many relationship over a foreign key that the database enforces.
    fn children(&mut self, text: &Text, table: TableId, name: &Name) -> Option<RelationshipId> {
        let here = &self.schema[table];
        let Some(id) = here.relationship(&name.text).filter(|id| !here[*id].to_one()) else {
            self.no_relationship(text, table, name, false);
            return None;
        };
        let (message, hint) = match here[id].kind {
            RelationshipKind::ToMany { foreign_key } => {
                let keys = &self.schema[here[id].target].foreign_keys;
                if keys.get(foreign_key).is_some_and(|key| key.enforced) {
                    return Some(id);
                }
                (
                    "is not enforced by the database: children could name a parent that is not there",
                    "add the foreign key",
                )
            }
            _ => ("goes through a join table", "aggregate over the rows of the join table"),
        };
        let message = format!("the relationship `{}` {message}", name.text);
        self.problems.inside(
            text,
            0,
            ExprProblem { span: name.span.clone(), message, hint: Some(hint.into()) },
        );
        None
    }

    fn no_relationship(&mut self, text: &Text, table: TableId, name: &Name, to_one: bool) {
        let table = &self.schema[table];
        let other_way = table.relationship(&name.text).is_some();
        let fitting = table.relationships.iter().filter(|r| r.to_one() == to_one);
        let names: Vec<&str> = fitting.map(|r| r.name.as_str()).collect();
        let there_are = match names.is_empty() {
            true => format!("{} has none of that kind: the database has no foreign key for one", table.name),
            false => format!("there are: {}", names.join(", ")),
        };
        let (message, hint) = match (other_way, to_one) {
            (true, true) => ("leads to many rows", Some("aggregate over them: sum(children.column)".into())),
            (true, false) => {
                ("leads to one row", Some("read it: parent.column, or copy(parent.column)".into()))
            }
            (false, _) => ("does not exist", did_you_mean(&name.text, names).or(Some(there_are))),
        };
        let message = format!("the relationship `{}` of {} {message}", name.text, table.name);
        self.problems.inside(text, 0, ExprProblem { span: name.span.clone(), message, hint });
    }
}

/// Where a rule's expression stands.
fn context(rule: &ColumnRule) -> Context {
    match rule.key {
        ColumnKey::Default => Context::Default,
        ColumnKey::Stamp => Context::Stamp,
        ColumnKey::Derive if parse::mentions_old(&rule.expression.value) => Context::Step,
        ColumnKey::Derive => Context::Formula,
        ColumnKey::Virtual => Context::Virtual,
    }
}

/// Whether a text is a form that stands alone on the right of a derivation: an aggregate or `copy`.
pub(super) fn is_whole(text: &str) -> bool {
    !matches!(parse::derivation(text), Ok(RightSide::Scalar(_)) | Err(_))
}
