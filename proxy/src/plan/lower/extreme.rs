//! Aggregates over children → a select over their parents.
//!
//! One statement for all parents of a table and all rules that ask: each rule is a sub-select beside the parent's key. Of the least and
//! the greatest the first row in order is read rather than `max(…)`, which PostgreSQL does not know for every type, and which would answer texts in the collation's order:
//! `select t0.id, (select t1.amount from items as t1 where t1.order_id = t0.id and t1.amount is not null and not t1.id in ($1) order by
//! t1.amount desc limit 1) from orders as t0 where t0.id = $2`.

use std::collections::{BTreeMap, BTreeSet};

use dialects::sql::{Alias, Expr, Item, Order, Query, Select};
use dialects::{Value, ValueType};
use introspect::{Column, ColumnId, Schema, TableId};
use rules::change::Key;
use rules::engine::{Extreme, Of};
use rules::rule::{Aggregate, AggregateFunction};

use super::aggregate;
use super::lookup::{self, Fetch, Subject};
use super::scope::{Comparison, Scope, by_value};
use crate::Result;
use crate::state::Snapshot;

/// The children, inside a sub-select.
const CHILD: Alias = Alias(1);

/// What is asked of the rows of one table. `None` never happens: every condition of an aggregate can be computed by the database (and an
/// answer that does not come stops the write).
pub(super) fn extremes(snapshot: &Snapshot, table: TableId, asked: &[&Extreme]) -> Option<Fetch> {
    let here = &snapshot.schema[table];
    // A child has one parent: who does not count below one does not stand below another.
    let mut except: BTreeMap<Of, BTreeSet<&Key>> = BTreeMap::new();
    for extreme in asked {
        except.entry(extreme.of).or_default().extend(&extreme.except);
    }
    let parents: BTreeSet<&Key> = asked.iter().map(|extreme| &extreme.key).collect();
    let mut select = lookup::select(&snapshot.schema, table, &here.key);
    for (of, except) in &except {
        select.items.push(of_children(&snapshot.schema, &aggregate(snapshot, table, *of)?, except).ok()?);
    }
    select.filter = Some(lookup::key_is(here, &here.key, parents.into_iter().cloned().collect()));
    let of = except.into_keys().collect();
    let asked = asked.iter().copied().cloned().collect();
    Some(Fetch { query: Query::Select(select), subject: Subject::Extremes { asked, of } })
}

fn aggregate(snapshot: &Snapshot, table: TableId, of: Of) -> Option<Aggregate> {
    match of {
        Of::Rule(column) => snapshot.rules.aggregate(table, column).cloned(),
        Of::Referrers(child, parent) => Some(Aggregate::any(&snapshot.schema, child, parent)),
    }
}

/// What an aggregate comes to, as an item of a select over the parents: over all children but some.
pub(super) fn of_children(schema: &Schema, aggregate: &Aggregate, except: &BTreeSet<&Key>) -> Result<Item> {
    let children = Children { schema, aggregate };
    let descending = matches!(aggregate.function, AggregateFunction::Max(_));
    let counting = children.counting(except)?;
    if let Some(whole) = aggregate::over_joined(schema, aggregate, CHILD) {
        let ty = ValueType::Decimal { precision: None, scale: None };
        let all = Select { items: vec![Item { expr: whole, ty }], ..counting };
        return Ok(Item { expr: Expr::Scalar(Box::new(all)), ty });
    }
    Ok(match aggregate.column() {
        Some(column) => children.first(counting, children.column(column), descending),
        None => Item { expr: Expr::Exists(Box::new(counting)), ty: ValueType::Bool },
    })
}

/// The children of one rule.
#[derive(Clone, Copy)]
struct Children<'a> {
    schema: &'a Schema,
    aggregate: &'a Aggregate,
}

impl<'a> Children<'a> {
    fn first(self, counting: Select, column: &Column, descending: bool) -> Item {
        let known = Expr::IsNull(Box::new(named(column)), false);
        let first = Select {
            items: vec![Item { expr: named(column), ty: column.ty }],
            filter: Some(Expr::And(counting.filter.into_iter().chain([known]).collect())),
            order: vec![Order { expr: in_order(column), descending, nullable: false }],
            limit: Some(1),
            ..counting
        };
        Item { expr: Expr::Scalar(Box::new(first)), ty: column.ty }
    }

    /// Those that count: below the parent, as the rule's condition says, left alone.
    fn counting(self, except: &BTreeSet<&Key>) -> Result<Select> {
        let child = self.aggregate.child;
        let relationship = &self.schema[child][self.aggregate.parent];
        let parent = &self.schema[relationship.target];
        let pairs = relationship.columns.iter().zip(&relationship.target_columns);
        let mut all: Vec<Expr> = pairs
            .map(|(own, theirs)| {
                let theirs = Expr::column(Alias(0), parent[*theirs].db_name.clone());
                Expr::eq(named(self.column(*own)), theirs)
            })
            .collect();
        let mut scope = Scope::new(self.schema, child, CHILD, Comparison::Exact);
        if let Some(filter) = &self.aggregate.filter {
            all.push(scope.expr(filter)?);
        }
        if !except.is_empty() {
            all.push(Expr::Not(Box::new(self.one_of(except))));
        }
        let seen = scope.seen(all, None);
        Ok(scope.into_select(seen))
    }

    fn one_of(self, keys: &BTreeSet<&Key>) -> Expr {
        let key = &self.schema[self.aggregate.child].key;
        let parts = key.iter().map(|column| named(self.column(*column))).collect();
        let types = key.iter().map(|column| self.column(*column).sql_type.clone()).collect();
        let keys: Vec<Vec<Value>> = keys.iter().copied().cloned().collect();
        Expr::KeyIn(parts, types, keys)
    }

    fn column(self, column: ColumnId) -> &'a Column {
        &self.schema[self.aggregate.child][column]
    }
}

fn named(column: &Column) -> Expr {
    Expr::column(CHILD, column.db_name.clone())
}

/// Texts in the order of their code points, whatever the collation (and whatever the order of an enum's words).
fn in_order(column: &Column) -> Expr {
    match column.ty {
        ValueType::Text { .. } | ValueType::Enum | ValueType::Uuid => Expr::Exact(Box::new(named(column))),
        ty => by_value(named(column), ty),
    }
}
