//! One entry of `constrain` -> a [`Constraint`].

use introspect::TableId;

use super::Compiler;
use super::reads::Reads;
use crate::expr::parse;
use crate::expr::resolve::{Context, expression};
use crate::expr::{Expr, parse::Name};
use crate::file::{ConstraintRule, Text};
use crate::rule::Constraint;

impl Compiler<'_> {
    pub(super) fn constraint(&mut self, rule: &ConstraintRule) -> Option<Constraint> {
        let table = self.constrained(&rule.table)?;
        let check = self.condition(&rule.check, table);
        let when = rule.when.as_ref().map(|when| self.condition(when, table));
        let message = self.message(&rule.message, table);
        let attribute = rule.attribute.as_ref().map(|text| self.attribute(text, table));
        let constraint = Constraint {
            name: format!("{}: {}", self.schema[table].name, rule.check.value),
            table,
            check: check?,
            when: when.map_or(Some(None), |when| when.map(Some))?,
            message: message?,
            operations: rule.operations,
            attribute: attribute.map_or(Some(None), |attribute| attribute.map(Some))?,
            code: rule.code.as_ref().map(|code| code.value.clone()),
            recheck: rule.recheck,
        };
        let reads = Reads::of_constraint(self.schema, &constraint);
        if !rule.recheck && reads.above.is_empty() {
            let hint = "it is about checking again when a row above changes";
            self.problems.at(&rule.check, "`recheck: false` drops nothing: this reads no row above", hint);
        }
        self.fit(&rule.check, table, &reads).then_some(constraint)
    }

    /// The table's name as the key says it, in double quotes or without.
    fn constrained(&mut self, text: &Text) -> Option<TableId> {
        if let Some(table) = self.schema.find(&text.value) {
            return Some(table);
        }
        let name = match parse::dotted(&text.value).as_deref() {
            Ok([name]) => name.clone(),
            _ => Name { text: text.value.clone(), quoted: true, span: 0..text.value.len() },
        };
        self.table(text, &name)
    }

    fn condition(&mut self, text: &Text, table: TableId) -> Option<Expr> {
        match expression(self.schema, table, &text.value, Context::Condition) {
            Ok((expr, _)) => Some(expr),
            Err(problems) => {
                self.refuse_all(text, 0, problems);
                None
            }
        }
    }

    /// An attribute, or a to-one relationship, which its first column stands for.
    fn attribute(&mut self, text: &Text, table: TableId) -> Option<introspect::ColumnId> {
        let here = &self.schema[table];
        let related = here.relationship(&text.value).map(|id| &here[id]).filter(|r| r.to_one());
        if let Some(relationship) = related {
            return relationship.columns.first().copied();
        }
        let name = Name { text: text.value.clone(), quoted: true, span: 0..text.value.len() };
        self.column(text, table, &name)
    }
}
