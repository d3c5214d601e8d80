//! Read plans → SELECTs. Takes nothing that `restrict` has not seen.
//!
//! A collection is one statement for its page (one row more than asked tells whether there is a next page) and one for the total where one
//! was asked for; every included relationship is one statement over the keys of the rows it is included for. Only the columns that the
//! answer shows, and those that tie rows together, are read.

use dialects::sql::{Expr, Item, Order, Query, Select};
use dialects::{Dialect, Value, ValueType};
use introspect::{Column, ColumnId, RelationshipId, Schema, TableId};
use rules::expr::Place;

use super::keyset::{self, Term, Window};
use super::scope::Scope;
use crate::jsonapi::layout::Layout;
use crate::jsonapi::shape;
use crate::plan::page::{Page, Total};
use crate::plan::read::{Include, Origin, ReadPlan, Scope as Which};
use crate::plan::restrict::{Restricted, Who};
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Most tables that filters and sorts lead to; MySQL joins 61 in all.
pub(super) const TABLES_MAX: usize = 40;

/// A statement whose rows are resources.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// The statement.
    pub select: Select,
    /// Where the cells stand.
    pub layout: Layout,
}

/// The statements of the primary data.
#[derive(Clone, Debug, PartialEq)]
pub struct Primary {
    /// The rows.
    pub rows: Lowered,
    /// The rows that follow them, where their order has two parts: to be read where the first leaves room on the page.
    pub rest: Option<Select>,
    /// Finds the row that a related collection starts from: no row means that there is no such resource.
    pub origin: Option<Select>,
    /// Asks how many rows the page is one of.
    pub total: Option<Query>,
}

/// The statements of a read's primary data.
pub fn primary(snapshot: &Snapshot, plan: &Restricted<ReadPlan>) -> Result<Primary> {
    let (who, plan) = (plan.who(), plan.plan());
    let origin = match &plan.scope {
        Which::Related(origin) => Some(existence(snapshot, who, origin.table, &origin.key)),
        _ => None,
    };
    let total = total(snapshot, who, plan)?;
    let (rows, rest) = rows(snapshot, who, plan)?;
    Ok(Primary { rows, rest, origin, total })
}

/// The statement of the n-th include over the link values of the rows that it is included for.
pub fn include(
    snapshot: &Snapshot,
    plan: &Restricted<ReadPlan>,
    (n, include): (usize, &Include),
    keys: Vec<Vec<Value>>,
    limit: u64,
) -> Lowered {
    let mut scope = Scope::of(snapshot, plan.who(), include.table);
    let link = scope.link(include.from, include.relationship);
    let (mut items, mut layout) = items(&mut scope, plan.plan(), Some(n));
    let link_items = link.iter().map(|(expr, column)| Item { expr: expr.clone(), ty: column.ty });
    let places = link_items.map(|item| read(&mut items, &item)).collect();
    layout.add_link(places);
    let types = link.iter().map(|(_, column)| column.sql_type.clone()).collect();
    let order = key_order(&mut scope);
    let tied = Expr::KeyIn(link.into_iter().map(|(expr, _)| expr).collect(), types, keys);
    let seen = scope.seen(vec![tied], None);
    let select = Select { items, order, limit: Some(limit), ..scope.into_select(seen) };
    Lowered { select, layout }
}

/// The place of an item that reads this, added where there is none.
pub(super) fn read(items: &mut Vec<Item>, item: &Item) -> usize {
    let known = items.iter().position(|other| other.expr == item.expr);
    known.unwrap_or_else(|| {
        items.push(item.clone());
        items.len() - 1
    })
}

/// The columns of the row that an include starts from whose values its rows are found by.
pub fn link_columns(schema: &Schema, include: &Include) -> Vec<ColumnId> {
    schema[include.from][include.relationship].columns.clone()
}

fn rows(snapshot: &Snapshot, who: &Who, plan: &ReadPlan) -> Result<(Lowered, Option<Select>)> {
    let mut scope = Scope::of(snapshot, who, plan.table);
    let Condition { tied, asked } = condition(&mut scope, plan)?;
    let (mut items, mut layout) = match &plan.scope {
        Which::Linkage(_, relationship) => linkage_items(&mut scope, plan.table, *relationship),
        _ => items(&mut scope, plan, None),
    };
    let window = window(&mut scope, plan, &mut items, &mut layout);
    let limit = plan.page.as_ref().map(|page| page.size.saturating_add(1));
    let offset = plan.page.as_ref().map(Page::offset).filter(|offset| *offset > 0);
    if scope.tables() > TABLES_MAX {
        return Err(too_many_tables());
    }
    let seen = |part: Option<Expr>| scope.seen(tied.clone(), asked.iter().cloned().chain(part));
    let mut parts = window.parts.into_iter();
    let (first, rest) = (seen(parts.next().flatten()), parts.next().map(seen));
    let select = Select { items, order: window.order, limit, offset, ..scope.into_select(first) };
    let rest = rest.map(|seen| Select { filter: seen.into(), ..select.clone() });
    Ok((Lowered { select, layout }, rest))
}

/// Which part of a sorted collection is on the page. What its cursors are made of is read with it.
fn window(scope: &mut Scope<'_>, plan: &ReadPlan, items: &mut Vec<Item>, layout: &mut Layout) -> Window {
    let order = match plan.is_collection() {
        true => plan.sort.as_slice(),
        false => &[],
    };
    let Some(between) = plan.page.as_ref().and_then(Page::between) else {
        let order = order.iter().map(|term| scope.order(&term.place, term.descending)).collect();
        return Window { parts: vec![None], order };
    };
    let terms: Vec<Term<'_>> = order.iter().map(|term| Term::new(scope, term)).collect();
    layout.add_cursor(terms.iter().map(|term| read(items, &term.remembered)).collect());
    keyset::window(terms, between)
}

pub(super) fn too_many_tables() -> Errors {
    let detail =
        format!("Filters and sorts may lead through at most {TABLES_MAX} different relationships together.");
    Error::new(ErrorCode::InvalidParameter, detail).into()
}

/// Asks how many there are of what the page is one of. What a planner expects comes from all rows, hidden ones too: where some are hidden,
/// they are counted.
fn total(snapshot: &Snapshot, who: &Who, plan: &ReadPlan) -> Result<Option<Query>> {
    let asked = plan.page.as_ref().map_or(Total::Free, |page| page.total);
    if asked == Total::Free {
        return Ok(None);
    }
    let mut scope = Scope::of(snapshot, who, plan.table);
    let Condition { tied, asked: filter } = condition(&mut scope, plan)?;
    let counts = asked == Total::Exact || scope.is_restricted() || snapshot.schema.dialect == Dialect::Sqlite;
    let expr = if counts { Expr::CountAll } else { Expr::Number(1) };
    let items = vec![Item { expr, ty: ValueType::Int(dialects::IntKind::I64) }];
    let seen = scope.seen(tied, filter);
    let select = Select { items, ..scope.into_select(seen) };
    Ok(Some(if counts { Query::Select(select) } else { Query::Explain(select) }))
}

/// Finds a row by its key, and reads nothing of it.
pub(super) fn existence(snapshot: &Snapshot, who: &Who, table: TableId, key: &[Value]) -> Select {
    let mut scope = Scope::of(snapshot, who, table);
    let tied = vec![scope.key_is(key)];
    let items = vec![Item { expr: Expr::Number(1), ty: ValueType::Int(dialects::IntKind::I32) }];
    let seen = scope.seen(tied, None);
    Select { items, ..scope.into_select(seen) }
}

/// Which rows are asked for.
#[derive(Debug)]
pub(super) struct Condition {
    /// Those of the endpoint.
    pub(super) tied: Vec<Expr>,
    /// Of these the ones that the client filters by.
    pub(super) asked: Option<Expr>,
}

/// Which rows: those of the endpoint, of which those that the client filters by.
pub(super) fn condition(scope: &mut Scope<'_>, plan: &ReadPlan) -> Result<Condition> {
    let tied = match &plan.scope {
        Which::All => None,
        Which::Row(key) | Which::Linkage(key, _) => Some(scope.key_is(key)),
        Which::Related(origin) => Some(from_origin(scope, origin)),
    };
    let asked = plan.filter.as_ref().map(|filter| scope.filter(filter)).transpose()?;
    Ok(Condition { tied: tied.into_iter().collect(), asked })
}

/// The rows that a relationship leads to from one row. That row is read only where its key does not tell its side of the foreign key.
fn from_origin(scope: &mut Scope<'_>, origin: &Origin) -> Expr {
    let table = &scope.schema()[origin.table];
    let relationship = &table[origin.relationship];
    let link = scope.link(origin.table, origin.relationship);
    let value = |column: &ColumnId| {
        table.key.iter().zip(&origin.key).find(|(key, _)| *key == column).map(|(_, value)| value.clone())
    };
    let known: Option<Vec<Value>> = relationship.columns.iter().map(value).collect();
    match known {
        Some(values) => Expr::And(
            link.into_iter().zip(values).map(|((expr, column), value)| equal(expr, column, value)).collect(),
        ),
        None => scope.join_origin(origin.table, &origin.key, &relationship.columns, link),
    }
}

fn equal(expr: Expr, column: &Column, value: Value) -> Expr {
    Expr::eq(expr, Expr::Param(value, Some(column.sql_type.clone())))
}

/// What is read of the rows of a level: the shape's columns, the linkage beyond them, and what their own includes are found by.
fn items(scope: &mut Scope<'_>, plan: &ReadPlan, level: Option<usize>) -> (Vec<Item>, Layout) {
    let schema = scope.schema();
    let Some(shape) = plan.shapes.get(&scope.table()) else { return (Vec::new(), Layout::default()) };
    let mut columns = shape.columns(schema);
    let below = plan.includes.iter().filter(|include| include.parent == level);
    columns.extend(below.flat_map(|include| link_columns(schema, include)));
    columns.sort();
    columns.dedup();
    with_linkage(scope, columns, &shape.relationships)
}

/// What is read for one to-one relationship's linkage.
fn linkage_items(scope: &mut Scope<'_>, table: TableId, relationship: RelationshipId) -> (Vec<Item>, Layout) {
    let table = &scope.schema()[table];
    let columns = [table.key.clone(), table[relationship].columns.clone()].concat();
    with_linkage(scope, columns, &[relationship])
}

fn with_linkage(
    scope: &mut Scope<'_>,
    columns: Vec<ColumnId>,
    relationships: &[RelationshipId],
) -> (Vec<Item>, Layout) {
    let (schema, table) = (scope.schema(), scope.table());
    let mut layout = Layout::of(&columns);
    let mut items: Vec<Item> = columns.iter().map(|column| scope.item(*column)).collect();
    for id in relationships {
        let relationship = &schema[table][*id];
        if !relationship.to_one() || shape::linkage_columns(schema, relationship).is_some() {
            continue;
        }
        let start = items.len();
        items.extend(scope.target_key(*id));
        layout.add_linkage(*id, (start..items.len()).collect());
    }
    (items, layout)
}

/// By the key.
fn key_order(scope: &mut Scope<'_>) -> Vec<Order> {
    let key = &scope.schema()[scope.table()].key;
    key.iter().map(|column| scope.order(&Place::own(*column), false)).collect()
}

#[cfg(test)]
mod tests;
