//! Aggregates over groups → one SELECT over the rows, which an inner one reads.
//!
//! ```text
//! select t2.c0, count(*), sum(t2.c1)
//! from (select t1.region as c0, t0.amount_total as c1 from orders as t0 left join customers as t1 on …) as t2
//! group by t2.c0 order by t2.c0
//! ```
//!
//! Each value is computed in one place, with its parameters, however often it is named outside. Where there are no groups, there is no inner
//! select: MariaDB refuses such a statement when it is carried out again ("Mixing of GROUP columns"). Only to-one relationships are joined, so
//! that each row counts once. Texts are grouped by their collation, as they are filtered and sorted; of the spellings that it takes for
//! equal, the least by code points is shown.

use dialects::sql::{Alias, BinaryOp, Expr, Function as Sql, Item, Order, Select, Source};
use dialects::{Dialect, IntKind, ValueType};
use introspect::Column;
use rules::expr::Place;

use super::read::{Condition, TABLES_MAX, condition, existence, read, too_many_tables};
use super::scope::Scope;
use crate::Result;
use crate::jsonapi::query::Function;
use crate::plan::aggregate::{Aggregate, AggregatePlan, By, OrderTerm};
use crate::plan::page::Page;
use crate::plan::read::Scope as Which;
use crate::plan::restrict::Restricted;
use crate::state::Snapshot;

/// The statements of aggregates.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// The groups: a column for each of their places, then one for each aggregate; two for an average, the sum and the count.
    pub select: Select,
    /// Finds the row that a related collection starts from: no row means that there is no such resource.
    pub origin: Option<Select>,
}

/// The statements of a plan.
pub fn lower(snapshot: &Snapshot, plan: &Restricted<AggregatePlan>) -> Result<Lowered> {
    let (who, plan) = (plan.who(), plan.plan());
    let mut scope = Scope::of(snapshot, who, plan.rows.table);
    let Condition { tied, asked } = condition(&mut scope, &plan.rows)?;
    let mut rows = Rows { scope: &mut scope, items: Vec::new() };
    let groups =
        plan.groups.iter().map(|group| group.places.iter().map(|place| rows.grouped(place)).collect());
    let groups: Vec<Vec<Inner<'_>>> = groups.collect();
    let aggregates = plan.aggregates.iter().map(|aggregate| (aggregate, rows.aggregated(aggregate)));
    let aggregates = aggregates.collect();
    let items = rows.items;
    if scope.tables() > TABLES_MAX {
        return Err(too_many_tables());
    }
    let alias = scope.alias();
    let seen = scope.seen(tied, asked);
    let rows = scope.into_select(seen);
    let (columns, rows) = match plan.groups.is_empty() {
        true => (items.into_iter().map(|item| item.expr).collect(), rows),
        false => around(Select { items, ..rows }, alias),
    };
    let outer = Outer { dialect: snapshot.schema.dialect, columns, groups, aggregates };
    let select = outer.select(plan, rows);
    let origin = match &plan.rows.scope {
        Which::Related(origin) => Some(existence(snapshot, who, origin.table, &origin.key)),
        _ => None,
    };
    Ok(Lowered { select, origin })
}

/// A select that reads nothing yet from what an inner one reads, and the columns of that one.
fn around(inner: Select, alias: Alias) -> (Vec<Expr>, Select) {
    let columns = (0..inner.items.len()).map(|n| Expr::column(alias, Source::column(n))).collect();
    let from = Some((Source::Select(Box::new(inner)), alias));
    (columns, Select { from, ..Select::default() })
}

/// The inner select, as it grows.
struct Rows<'s, 'a> {
    scope: &'s mut Scope<'a>,
    items: Vec<Item>,
}

/// A column of the inner select.
struct Inner<'a> {
    /// Its place.
    n: usize,
    /// What it comes from.
    column: &'a Column,
    nullable: bool,
}

impl<'a> Rows<'_, 'a> {
    fn grouped(&mut self, place: &Place) -> Inner<'a> {
        let expr = self.compared(place);
        self.read(place, expr)
    }

    fn aggregated(&mut self, aggregate: &Aggregate) -> Option<Inner<'a>> {
        let place = aggregate.place.as_ref()?;
        let expr = match (aggregate.function, aggregate.ty) {
            // Exact functions know numbers in every form.
            (Function::Min | Function::Max, ValueType::Decimal { .. }) => self.scope.place(place),
            (Function::CountDistinct | Function::Min | Function::Max, _) => self.compared(place),
            (Function::Count | Function::Sum | Function::Avg, _) => self.scope.place(place),
        };
        Some(self.read(place, expr))
    }

    /// A column in the form in which its values are equal and ordered. What no column keeps has no collation.
    fn compared(&mut self, place: &Place) -> Expr {
        let column = self.scope.column(place);
        match (column.is_virtual, column.ty) {
            (true, ValueType::Text { .. }) => Expr::Exact(Box::new(self.scope.place(place))),
            _ => self.scope.kept(place),
        }
    }

    fn read(&mut self, place: &Place, expr: Expr) -> Inner<'a> {
        let column = self.scope.column(place);
        let n = read(&mut self.items, &Item { expr, ty: column.ty });
        Inner { n, column, nullable: !place.path.is_empty() || column.nullable }
    }
}

/// The select around the inner one.
struct Outer<'a> {
    dialect: Dialect,
    columns: Vec<Expr>,
    groups: Vec<Vec<Inner<'a>>>,
    aggregates: Vec<(&'a Aggregate, Option<Inner<'a>>)>,
}

impl Outer<'_> {
    fn select(&self, plan: &AggregatePlan, rows: Select) -> Select {
        let parts = || self.groups.iter().flatten();
        let of_aggregates = self.aggregates.iter().flat_map(|(a, inner)| self.items(a, inner.as_ref()));
        Select {
            items: parts().map(|inner| self.shown(inner)).chain(of_aggregates).collect(),
            group_by: parts().map(|inner| self.column(inner)).collect(),
            order: plan.order.iter().flat_map(|term| self.order(*term)).collect(),
            limit: plan.page.as_ref().map(|page| page.size.saturating_add(1)),
            offset: plan.page.as_ref().map(Page::offset).filter(|offset| *offset > 0),
            ..rows
        }
    }

    fn column(&self, inner: &Inner<'_>) -> Expr {
        self.columns.get(inner.n).cloned().unwrap_or(Expr::Null)
    }

    /// A part of what tells groups apart.
    fn shown(&self, inner: &Inner<'_>) -> Item {
        let column = self.column(inner);
        let expr = match has_spellings(self.dialect, inner.column) {
            true => Expr::Call(Sql::Min, vec![Expr::Exact(Box::new(column))]),
            false => column,
        };
        Item { expr, ty: inner.column.ty }
    }

    /// What is read of an aggregate. An average is divided where no digit is lost.
    fn items(&self, aggregate: &Aggregate, inner: Option<&Inner<'_>>) -> Vec<Item> {
        let (sum, count) = match aggregate.function {
            Function::Count => (None, Some(Function::Count)),
            Function::Avg => (Some(Function::Sum), Some(Function::Count)),
            function => (Some(function), None),
        };
        let item = |function, ty| Item { expr: self.made(function, aggregate.ty, inner), ty };
        let count = count.map(|function| item(function, ValueType::Int(IntKind::I64)));
        sum.map(|function| item(function, aggregate.ty)).into_iter().chain(count).collect()
    }

    fn made(&self, function: Function, ty: ValueType, inner: Option<&Inner<'_>>) -> Expr {
        let Some(inner) = inner else { return Expr::CountAll };
        let exact = matches!(ty, ValueType::Decimal { .. });
        let (name, ty) = match function {
            Function::Count => (Sql::Count, None),
            Function::CountDistinct => (Sql::CountDistinct, None),
            Function::Sum if exact => (Sql::Sum, None),
            Function::Sum => (Sql::SumFloat, None),
            Function::Min => (Sql::Min, Some(ty).filter(|_| exact)),
            Function::Max => (Sql::Max, Some(ty).filter(|_| exact)),
            Function::Avg => {
                let of = |function| self.made(function, ty, Some(inner));
                let some = Expr::Call(Sql::NullIf, vec![of(Function::Count), Expr::Number(0)]);
                return Expr::binary(BinaryOp::Div, of(Function::Sum), some);
            }
        };
        let column = self.column(inner);
        let argument = ty.map_or(column.clone(), |ty| Expr::Kept(Box::new(column), ty));
        Expr::Call(name, vec![argument])
    }

    fn order(&self, term: OrderTerm) -> Vec<Order> {
        let order = |expr, exact, nullable| {
            // SQLite keeps long numbers as text.
            let expr = if exact { Expr::Decimal(Box::new(expr)) } else { expr };
            Order { expr, descending: term.descending, nullable }
        };
        let part = |inner: &Inner<'_>| {
            let number = matches!(inner.column.ty, ValueType::Int(_) | ValueType::Decimal { .. });
            order(self.column(inner), inner.column.is_virtual && number, inner.nullable)
        };
        let aggregated = |(aggregate, inner): &(&Aggregate, Option<Inner<'_>>)| {
            let made = self.made(aggregate.function, aggregate.ty, inner.as_ref());
            order(made, matches!(aggregate.ty, ValueType::Decimal { .. }), true)
        };
        match term.by {
            By::Group(n) => self.groups.get(n).into_iter().flatten().map(part).collect(),
            By::Aggregate(n) => self.aggregates.get(n).into_iter().map(aggregated).collect(),
        }
    }
}

/// Whether texts that differ can be equal by the column's collation. PostgreSQL's own types take for equal what is the same.
fn has_spellings(dialect: Dialect, column: &Column) -> bool {
    let own = ["text", "character", "bpchar"].iter().any(|ty| column.sql_type.text.starts_with(ty));
    let exact = column.is_virtual || dialect == Dialect::Postgres && own;
    matches!(column.ty, ValueType::Text { .. }) && !exact
}

#[cfg(test)]
mod tests;
