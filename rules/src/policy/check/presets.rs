//! `set` and `set_on_update`: what is put into attributes in the request's place -> columns with typed expressions, for each resource.

use dialects::Value;
use introspect::schema::ColumnDefault;
use introspect::{ColumnId, Table, TableId};
use sqlparser::ast;

use super::{Checker, Targets, listed};
use crate::compile::outer_quotes;
use crate::expr::eval::accept;
use crate::expr::resolve::{Context, assignable, noun, of_column, resolve};
use crate::expr::{ActorTerm, Expr, Type, parse};
use crate::file::Text;
use crate::policy::action::Action;
use crate::problem::ExprProblem;
use crate::rule::{Derivation, DerivationKind};

/// The columns of one resource that are set.
type Presets = Vec<(ColumnId, Expr)>;

impl Checker<'_> {
    /// For each resource, in their order.
    pub(super) fn presets(
        &mut self,
        lines: &[(Text, Text)],
        targets: &Targets,
        action: Action,
    ) -> Vec<Presets> {
        let mut all = vec![Presets::new(); targets.tables.len()];
        for (name, text) in lines {
            let found: Vec<Option<ColumnId>> =
                targets.tables.iter().map(|id| set_column(&self.schema[*id], &name.value)).collect();
            self.present(name, targets, &found.iter().map(Option::is_some).collect::<Vec<_>>(), true);
            let targeted: Vec<Option<(TableId, ColumnId)>> =
                targets.tables.iter().zip(&found).map(|(id, column)| Some((*id, (*column)?))).collect();
            self.settable(name, &targeted, action);
            let exprs = self.preset(text, targets, &targeted);
            for (presets, (column, expr)) in
                all.iter_mut().zip(exprs).filter_map(|(all, one)| Some((all, one?)))
            {
                if presets.iter().any(|(known, _)| *known == column) {
                    let message = format!("`{}` is set by two lines", name.value);
                    self.problems.at(name, message, "a relationship is its foreign key");
                }
                presets.push((column, expr));
            }
        }
        all
    }

    /// What others set is not preset.
    fn settable(&mut self, name: &Text, targeted: &[Option<(TableId, ColumnId)>], action: Action) {
        let mut refused: Vec<(TableId, &'static str)> = Vec::new();
        for (table, column) in targeted.iter().flatten() {
            if self.schema[*table].view {
                continue;
            }
            refused.extend(self.unsettable(*table, *column, action).map(|why| (*table, why)));
        }
        let Some((_, why)) = refused.first() else { return };
        let tables: Vec<TableId> = refused.iter().map(|(table, _)| *table).collect();
        let message = format!("`{}` of {} {why}", name.value, listed(self.schema, &tables));
        self.problems.at(name, message, "it cannot be preset");
    }

    fn unsettable(&self, table: TableId, id: ColumnId, action: Action) -> Option<&'static str> {
        let here = &self.schema[table];
        let column = &here[id];
        let derived = self
            .rules
            .derivations
            .iter()
            .any(|rule| rule.table == table && rule.column == id && sets(rule, action));
        match action {
            _ if column.is_virtual => Some("is computed when its row is read"),
            _ if column.generated.is_some() || column.default == ColumnDefault::GeneratedAlways => {
                Some("is computed by the database")
            }
            _ if derived => Some("is set by a rule"),
            Action::Update if here.key.contains(&id) => Some("is part of the key, which never changes"),
            Action::Update if self.referred.contains(&(table, id)) => {
                Some("is what a foreign key refers to, which never changes")
            }
            _ => None,
        }
    }

    fn preset(
        &mut self,
        text: &Text,
        targets: &Targets,
        targeted: &[Option<(TableId, ColumnId)>],
    ) -> Vec<Option<(ColumnId, Expr)>> {
        let tree = match parse::scalar(&text.value) {
            Ok(tree) => tree,
            Err(problem) => {
                self.problems.inside(text, 0, problem);
                return Vec::new();
            }
        };
        let (mut exprs, mut misfits) = (Vec::new(), Vec::new());
        for target in targeted {
            let Some((table, column)) = *target else {
                exprs.push(None);
                continue;
            };
            match self.resolved(text, &tree, table, column) {
                Ok(expr) => exprs.push(Some((column, expr)).filter(|_| !self.schema[table].view)),
                Err(problems) => misfits.push((table, self.unquoted(text, problems))),
            }
        }
        self.misfits(text, targets, misfits);
        exprs
    }

    /// A word in YAML's quotes was hardly meant to be a column.
    fn unquoted(&self, text: &Text, problems: Vec<ExprProblem>) -> Vec<ExprProblem> {
        let meant =
            self.problems.is_quoted(text) && text.value.chars().all(|c| c.is_alphanumeric() || c == '_');
        let hint = |problem: ExprProblem| problem.hint(outer_quotes(&text.value, true));
        if meant { problems.into_iter().map(hint).collect() } else { problems }
    }

    fn resolved(
        &self,
        text: &Text,
        tree: &ast::Expr,
        table: TableId,
        id: ColumnId,
    ) -> Result<Expr, Vec<ExprProblem>> {
        let column = &self.schema[table][id];
        let wanted = of_column(column.ty);
        let whole = 0..text.value.len();
        let refuse = |message: String, hint: &str| {
            let problem = ExprProblem::new(whole.clone(), message);
            Err(vec![if hint.is_empty() { problem } else { problem.hint(hint) }])
        };
        let (expr, ty) = resolve(self.schema, table, &text.value, tree, Context::Preset, Some(wanted))?;
        if !assignable(ty, wanted) {
            let message = format!("`{}` holds {}, this is {}", column.name, noun(wanted), noun(ty));
            return refuse(message, conversion(&expr, ty));
        }
        if let Expr::Literal(value) = &expr
            && let Err(why) = accept(value.clone(), column)
        {
            return refuse(format!("this constant does not fit: `{}` {why}", column.name), "");
        }
        if expr == Expr::Literal(Value::Null) && !column.nullable {
            return refuse(format!("`{}` is never null", column.name), "");
        }
        Ok(expr)
    }
}

/// How what does not fit can be made to.
fn conversion(expr: &Expr, ty: Type) -> &'static str {
    match ty {
        _ if *expr == Expr::Actor(ActorTerm::Id) => {
            "actor.id is a text; actor.claim('sub') is the same, converted to what the column holds"
        }
        Type::Text => "actor.claim('name') is converted to what the column holds",
        _ => "cast(… as type) converts, where that is meant",
    }
}

/// An attribute, or the one column of a to-one relationship.
fn set_column(table: &Table, name: &str) -> Option<ColumnId> {
    if let Some(column) = table.column(name) {
        return Some(column);
    }
    let relationship = &table[table.relationship(name)?];
    match relationship.columns.as_slice() {
        [column] if relationship.to_one() => Some(*column),
        _ => None,
    }
}

/// Whether a rule leaves no room for another value.
fn sets(rule: &Derivation, action: Action) -> bool {
    match &rule.kind {
        DerivationKind::Formula(_) | DerivationKind::Copy { .. } | DerivationKind::Aggregate(_) => true,
        DerivationKind::Stamp { operations, .. } => match action {
            Action::Create => operations.insert,
            _ => operations.update,
        },
        DerivationKind::Step(_) => action == Action::Update,
        DerivationKind::Default(_) => false,
    }
}
