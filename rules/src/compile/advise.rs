//! Warnings: rules that are allowed, but hardly meant. Each has its place and a hint, and none keeps a project from being served.
//!
//! What is looked at: checks and conditions that are always true or never, rules that say the same twice, formulas that can be null for a
//! column that cannot, totals that do not fit where they go, foreign keys without the index by which children are listed, and columns that
//! nobody sees.

mod certain;
mod null;
#[cfg(test)]
mod tests;

use dialects::{IntKind, ValueType};
use introspect::schema::Action;
use introspect::{ColumnId, RelationshipId, Schema, TableId};

use super::full_name;
use super::reads::{Column, Reads};
use crate::expr::{Expr, Place};
use crate::file::{ColumnRule, ConstraintRule, Files, Problems, Text};
use crate::problem::Problem;
use crate::rule::{Aggregate, AggregateFunction, Constraint, Derivation, DerivationKind, RuleSet};
use null::Nulls;

/// All warnings about rules of which each by itself is right, by place.
pub(super) fn warnings(
    schema: &Schema,
    files: &Files,
    derivations: &[(&ColumnRule, Derivation)],
    constraints: &[(&ConstraintRule, Constraint)],
) -> Vec<Problem> {
    let nulls = Nulls::new(schema, derivations.iter().map(|(_, derivation)| derivation));
    let mut advisor = Advisor { schema, nulls, found: Problems::new(files) };
    for (rule, derivation) in derivations {
        advisor.derivation(rule, derivation);
    }
    for (n, (rule, constraint)) in constraints.iter().enumerate() {
        let earlier = constraints.iter().take(n);
        advisor.constraint(rule, constraint);
        advisor.twice(rule, constraint, earlier);
    }
    advisor.unseen(derivations, constraints);
    advisor.found.sorted()
}

/// Which conditions are true or false, or null, whatever the row.
pub(crate) struct Certainty<'a>(Nulls<'a>);

impl<'a> Certainty<'a> {
    /// Over a schema whose columns these rules set.
    pub(crate) fn new(schema: &'a Schema, rules: &RuleSet) -> Self {
        Self(Nulls::new(schema, rules.derivations.iter()))
    }

    /// The truth, where it is certain; null is none.
    pub(crate) fn truth(&self, table: TableId, expr: &Expr) -> Option<Option<bool>> {
        certain::truth(&self.0, table, expr)
    }
}

struct Advisor<'a> {
    schema: &'a Schema,
    nulls: Nulls<'a>,
    found: Problems<'a>,
}

impl Advisor<'_> {
    fn derivation(&mut self, rule: &ColumnRule, derivation: &Derivation) {
        let text = &rule.expression;
        self.null(text, derivation);
        match &derivation.kind {
            DerivationKind::Formula(expr) => {
                self.cascades(text, derivation.table, &expr.places());
            }
            DerivationKind::Default(_)
            | DerivationKind::Copy { .. }
            | DerivationKind::Stamp { .. }
            | DerivationKind::Step(_) => {}
            DerivationKind::Aggregate(aggregate) => self.aggregate(text, derivation, aggregate),
        }
    }

    fn constraint(&mut self, rule: &ConstraintRule, constraint: &Constraint) {
        let table = constraint.table;
        match self.certain(table, &constraint.check) {
            Some(Some(false)) => {
                let hint = "every change of the row that it applies to is refused";
                self.found.at(&rule.check, "this check can never be true", hint);
            }
            Some(None) => {
                let hint =
                    "it is null, which passes: what is compared with null is null, `is null` asks for it";
                self.found.at(&rule.check, "this check always holds", hint);
            }
            Some(_) => {
                self.found.at(&rule.check, "this check always holds", "it refuses nothing: leave it out")
            }
            None => {}
        }
        if let (Some(text), Some(when)) = (&rule.when, &constraint.when) {
            match self.certain(table, when) {
                Some(Some(true)) => self.found.at(text, "this condition is always true", "leave it out"),
                Some(_) => self.found.at(text, "this condition is never true", "the check is never made"),
                None => {}
            }
        }
        if constraint.recheck {
            let mut places = constraint.check.places();
            places.extend(constraint.when.iter().flat_map(Expr::places));
            self.cascades(&rule.check, table, &places);
        }
    }

    fn twice<'b>(
        &mut self,
        rule: &ConstraintRule,
        constraint: &Constraint,
        earlier: impl Iterator<Item = &'b (&'b ConstraintRule, Constraint)>,
    ) {
        let same = |it: &&(&ConstraintRule, Constraint)| {
            it.1.table == constraint.table && it.1.check == constraint.check && it.1.when == constraint.when
        };
        if let Some((first, _)) = { earlier }.find(same) {
            let hint = format!("first at {}", self.found.place(&first.check));
            self.found.at(&rule.check, "this check stands here twice", hint);
        }
    }

    fn certain(&self, table: TableId, expr: &Expr) -> Option<Option<bool>> {
        certain::truth(&self.nulls, table, expr)
    }

    // ---- null

    fn null(&mut self, text: &Text, derivation: &Derivation) {
        let target = &self.schema[derivation.table][derivation.column];
        if target.nullable {
            return;
        }
        let Some(reason) = self.nulls.reason(derivation) else { return };
        let name = &derivation.name;
        let hint = format!("it is when {reason}: let `{name}` be null, or give a value with coalesce(…, …)");
        self.found.at(text, format!("this can be null, which `{name}` cannot"), hint);
    }

    // ---- aggregates

    fn aggregate(&mut self, text: &Text, derivation: &Derivation, aggregate: &Aggregate) {
        if let Some(filter) = &aggregate.filter {
            match self.certain(aggregate.child, filter) {
                Some(Some(true)) => self.found.at(text, "this `where` is always true", "leave it out"),
                Some(_) => self.found.at(text, "this `where` is never true", "no row counts"),
                None => {}
            }
        }
        self.width(text, derivation, aggregate);
        self.listing(text, aggregate);
    }

    fn width(&mut self, text: &Text, derivation: &Derivation, aggregate: &Aggregate) {
        let AggregateFunction::Sum(column) = aggregate.function else { return };
        let from = digits(self.schema[aggregate.child][column].ty);
        let into = digits(self.schema[derivation.table][derivation.column].ty);
        let (Some(from), Some(into)) = (from, into) else { return };
        if into < from {
            let source = full_name(self.schema, (aggregate.child, column));
            let name = &derivation.name;
            let hint = format!(
                "`{source}` keeps {from} digits before the point, `{name}` {into}: one large row is refused already"
            );
            self.found.at(text, "the total has less room than what is summed up", hint);
        }
    }

    /// The rows below are listed where the greatest or smallest goes, and where they go with their parent.
    fn listing(&mut self, text: &Text, aggregate: &Aggregate) {
        let here = &self.schema[aggregate.child];
        let columns = &here[aggregate.parent].columns;
        let key = here.foreign_keys.iter().find(|key| key.columns == *columns);
        let carried = key.is_some_and(|key| !matches!(key.on_delete, Action::NoAction | Action::Restrict));
        let counted = matches!(aggregate.function, AggregateFunction::Sum(_) | AggregateFunction::Count);
        let why = match (counted, carried) {
            (false, _) => "to find the value that is next when a row goes",
            (true, true) => "to find the rows that go with their parent",
            (true, false) => return,
        };
        self.index(text, aggregate.child, aggregate.parent, why);
    }

    /// A change of a row above is carried to the rows below, which are listed.
    fn cascades(&mut self, text: &Text, table: TableId, places: &[Place]) {
        let mut hops: Vec<(TableId, RelationshipId)> = Vec::new();
        for place in places {
            let mut here = table;
            for relationship in &place.path {
                hops.push((here, *relationship));
                here = self.schema[here][*relationship].target;
            }
        }
        hops.sort();
        hops.dedup();
        for (table, relationship) in hops {
            self.index(text, table, relationship, "to find the rows that follow a change of their parent");
        }
    }

    fn index(&mut self, text: &Text, table: TableId, relationship: RelationshipId, why: &str) {
        let here = &self.schema[table];
        let columns = &here[relationship].columns;
        if here.indexed(columns) {
            return;
        }
        let names = |name: fn(&introspect::Column) -> &str| {
            columns.iter().map(|c| name(&here[*c])).collect::<Vec<_>>().join(", ")
        };
        let message =
            format!("`{}` has no index on {}: the whole table is read {why}", here.name, names(|c| &c.name));
        let hint = format!("create index on {} ({})", here.db.name, names(|c| &c.db_name));
        self.found.at(text, message, hint);
    }

    // ---- use

    /// Derived columns that the API hides and no other rule reads.
    fn unseen(
        &mut self,
        derivations: &[(&ColumnRule, Derivation)],
        constraints: &[(&ConstraintRule, Constraint)],
    ) {
        let of_rules = derivations.iter().map(|(_, rule)| Reads::of_derivation(self.schema, rule));
        let of_checks = constraints.iter().map(|(_, rule)| Reads::of_constraint(self.schema, rule));
        let read: Vec<Column> =
            of_rules.chain(of_checks).flat_map(|reads| reads.all().collect::<Vec<_>>()).collect();
        for (rule, derivation) in derivations {
            let target: (TableId, ColumnId) = (derivation.table, derivation.column);
            let table = &self.schema[target.0];
            let hidden = table.hidden || table[target.1].hidden;
            if hidden && !matches!(derivation.kind, DerivationKind::Default(_)) && !read.contains(&target) {
                let message =
                    format!("nobody sees `{}`: it is hidden, and no rule reads it", derivation.name);
                self.found.at(&rule.target, message, "leave the rule out, or show the column in model.yaml");
            }
        }
    }
}

/// Digits before the point that a column is sure to keep.
fn digits(ty: ValueType) -> Option<u32> {
    match ty {
        ValueType::Int(kind) => match kind {
            IntKind::I16 => Some(4),
            IntKind::I32 => Some(9),
            IntKind::I64 => Some(18),
            _ => None,
        },
        ValueType::Decimal { precision, scale } => Some(precision?.saturating_sub(scale.unwrap_or(0))),
        _ => None,
    }
}
