//! Verifications → SELECTs over ranges of keys: where the next batch ends, and which of its rows are not as their rule says.
//!
//! A sum over a batch of orders becomes one statement:
//!
//! ```sql
//! select t0.id, t0.total, coalesce(sum(t1.amount), 0) from orders t0 left join items t1 on t1.order_id = t0.id
//! where t0.id > $1 and t0.id <= $2 group by t0.id, t0.total having t0.total is distinct from coalesce(sum(t1.amount), 0)
//! ```

use std::collections::BTreeSet;

use dialects::sql::{Alias, BinaryOp, CastType, Expr as Sql, Item, Join, JoinKind, Order, Select};
use dialects::{Dialect, IntKind, Value, ValueType};
use introspect::{Column, ColumnId, Schema, Table};
use rules::change::Key;
use rules::expr::{Expr, Place};
use rules::rule::{Aggregate, Constraint, Derivation, DerivationKind};

use super::scope::{Comparison, Scope, by_value};
use super::{aggregate, extreme};
use crate::plan::verify::{Range, Subject, Verification};
use crate::{Error, ErrorCode, Result};

/// The table looked at.
const ROOT: Alias = Alias(0);
/// The children of an aggregate.
const CHILD: Alias = Alias(1);

/// The key of the n-th row of a range; no row: it has fewer.
pub fn nth_key(schema: &Schema, verification: &Verification<'_>, range: &Range, n: u64) -> Select {
    let table = &schema[verification.table()];
    Select {
        items: key_items(table),
        from: Some((table.db.clone().into(), ROOT)),
        filter: within(table, range),
        order: by_key(table),
        limit: Some(1),
        offset: Some(n.saturating_sub(1)),
        ..Select::default()
    }
}

/// How many rows a range has.
pub fn count(schema: &Schema, verification: &Verification<'_>, range: &Range) -> Select {
    let table = &schema[verification.table()];
    Select {
        items: vec![Item { expr: Sql::CountAll, ty: ValueType::Int(IntKind::I64) }],
        from: Some((table.db.clone().into(), ROOT)),
        filter: within(table, range),
        ..Select::default()
    }
}

/// The rows of a range that are not as the rule says, in the order of their keys. Of a derivation: key, stored, expected (both as the
/// column is read). Of a constraint: key, then [`Verification::shown`].
pub fn exceptions(schema: &Schema, verification: &Verification<'_>, range: &Range) -> Result<Select> {
    match verification.subject() {
        Subject::Derivation { derivation, .. } => match &derivation.kind {
            DerivationKind::Aggregate(aggregate) => match aggregate::over_group(schema, aggregate, CHILD) {
                Some(expected) => aggregated(schema, derivation, aggregate, expected, range),
                None => first_of_children(schema, derivation, aggregate, range),
            },
            DerivationKind::Formula(expr) => formula(schema, derivation, expr, range),
            DerivationKind::Copy { .. }
            | DerivationKind::Default(_)
            | DerivationKind::Stamp { .. }
            | DerivationKind::Step(_) => {
                Err(Error::new(ErrorCode::Internal, "A rule cannot be verified.").into())
            }
        },
        Subject::Constraint(constraint) => broken(schema, constraint, &verification.shown(), range),
    }
}

fn formula(schema: &Schema, derivation: &Derivation, expr: &Expr, range: &Range) -> Result<Select> {
    let (table, column) = (&schema[derivation.table], &schema[derivation.table][derivation.column]);
    let mut scope = Scope::new(schema, derivation.table, ROOT, Comparison::Exact);
    let stored = scope.place(&Place::own(derivation.column));
    let expected = kept(column, scope.expr(expr)?);
    let items = compared(table, column, &stored, &expected);
    let differs = and(within(table, range), distinct(schema.dialect, column, stored, expected));
    let seen = scope.seen(vec![differs], None);
    Ok(Select { items, order: by_key(table), ..scope.into_select(seen) })
}

fn aggregated(
    schema: &Schema,
    derivation: &Derivation,
    aggregate: &Aggregate,
    expected: Sql,
    range: &Range,
) -> Result<Select> {
    let (table, column) = (&schema[derivation.table], &schema[derivation.table][derivation.column]);
    let stored = Sql::column(ROOT, &column.db_name);
    let expected = kept(column, expected);
    let items = compared(table, column, &stored, &expected);
    let mut group_by: Vec<Sql> = key_items(table).into_iter().map(|item| item.expr).collect();
    group_by.push(stored.clone());
    Ok(Select {
        items,
        from: Some((table.db.clone().into(), ROOT)),
        joins: vec![children(schema, aggregate)?],
        filter: within(table, range),
        group_by,
        having: Some(distinct(schema.dialect, column, stored, expected)),
        order: by_key(table),
        ..Select::default()
    })
}

/// The least or greatest text: a sub-select each row.
fn first_of_children(
    schema: &Schema,
    derivation: &Derivation,
    aggregate: &Aggregate,
    range: &Range,
) -> Result<Select> {
    let (table, column) = (&schema[derivation.table], &schema[derivation.table][derivation.column]);
    let stored = Sql::column(ROOT, &column.db_name);
    let found = extreme::of_children(schema, aggregate, &BTreeSet::new())?;
    let expected = match (column.ty, found.ty) {
        (ValueType::Text { .. }, ValueType::Uuid | ValueType::Enum) => {
            Sql::Cast(Box::new(found.expr), CastType::Text)
        }
        _ => kept(column, found.expr),
    };
    Ok(Select {
        items: compared(table, column, &stored, &expected),
        from: Some((table.db.clone().into(), ROOT)),
        filter: Some(and(within(table, range), distinct(schema.dialect, column, stored, expected))),
        order: by_key(table),
        ..Select::default()
    })
}

/// The children that count, tied to their parents.
fn children(schema: &Schema, aggregate: &Aggregate) -> Result<Join> {
    let child = &schema[aggregate.child];
    let relationship = &child[aggregate.parent];
    let parent = &schema[relationship.target];
    let pairs = relationship.columns.iter().zip(&relationship.target_columns);
    let mut on: Vec<Sql> = pairs
        .map(|(own, theirs)| {
            let own = Sql::column(CHILD, &child[*own].db_name);
            Sql::eq(own, Sql::column(ROOT, &parent[*theirs].db_name))
        })
        .collect();
    if let Some(filter) = &aggregate.filter {
        on.push(Scope::new(schema, aggregate.child, CHILD, Comparison::Exact).expr(filter)?);
    }
    Ok(Join { kind: JoinKind::Left, table: child.db.clone(), alias: CHILD, on: Sql::And(on) })
}

fn broken(schema: &Schema, constraint: &Constraint, shown: &[Place], range: &Range) -> Result<Select> {
    let table = &schema[constraint.table];
    let mut scope = Scope::new(schema, constraint.table, ROOT, Comparison::Exact);
    let mut terms: Vec<Sql> = within(table, range).into_iter().collect();
    if let Some(when) = &constraint.when {
        terms.push(scope.expr(when)?);
    }
    terms.push(Sql::Not(Box::new(scope.expr(&constraint.check)?)));
    let mut items = key_items(table);
    for place in shown {
        items.push(Item { ty: scope.column(place).ty, expr: scope.place(place) });
    }
    let seen = scope.seen(terms, None);
    Ok(Select { items, order: by_key(table), ..scope.into_select(seen) })
}

// ---- comparing

fn compared(table: &Table, column: &Column, stored: &Sql, expected: &Sql) -> Vec<Item> {
    let mut items = key_items(table);
    items.extend([stored, expected].map(|expr| Item { expr: expr.clone(), ty: column.ty }));
    items
}

/// A value as the column keeps it: rounded half away from zero to its digits.
fn kept(column: &Column, value: Sql) -> Sql {
    let digits = match column.ty {
        ValueType::Int(_) => Some(0),
        ValueType::Decimal { precision, scale } => scale.or(precision.map(|_| 0)),
        _ => None,
    };
    match digits {
        Some(digits) => Sql::Cast(Box::new(value), CastType::Decimal(Some(digits))),
        None => value,
    }
}

/// Null-safe, text by code points. SQLite's decimals and moments are compared by what they stand for, not by the last bit of a double or the
/// form of a text.
fn distinct(dialect: Dialect, column: &Column, stored: Sql, expected: Sql) -> Sql {
    let wrap = |side: Sql| match (column.ty, dialect) {
        (ValueType::Text { .. } | ValueType::Enum | ValueType::Uuid, _) => Sql::Exact(Box::new(side)),
        (ValueType::Int(_) | ValueType::Decimal { .. }, Dialect::Sqlite) => Sql::Decimal(Box::new(side)),
        (ty, _) => by_value(side, ty),
    };
    Sql::Distinct(Box::new(wrap(stored)), Box::new(wrap(expected)), true)
}

// ---- ranges

fn key_items(table: &Table) -> Vec<Item> {
    table.key.iter().map(|c| Item { expr: column(table, *c), ty: table[*c].ty }).collect()
}

fn by_key(table: &Table) -> Vec<Order> {
    let term = |c: &ColumnId| Order { expr: column(table, *c), descending: false, nullable: false };
    table.key.iter().map(term).collect()
}

fn within(table: &Table, range: &Range) -> Option<Sql> {
    let after = range.after.as_ref().map(|key| beyond(table, key, BinaryOp::Gt));
    let upto = range.upto.as_ref().map(|key| Sql::Or(vec![beyond(table, key, BinaryOp::Lt), is(table, key)]));
    let ends: Vec<Sql> = after.into_iter().chain(upto).collect();
    (!ends.is_empty()).then_some(Sql::And(ends))
}

/// Before or after a key, part by part: `a > 1 or (a = 1 and b > 2)`, with `a >= 1` for the sake of the index.
fn beyond(table: &Table, key: &Key, op: BinaryOp) -> Sql {
    let parts: Vec<(Sql, Sql)> = table.key.iter().zip(key).map(|(c, value)| side(table, *c, value)).collect();
    let term = |(n, (column, value)): (usize, &(Sql, Sql))| {
        let equal = parts.iter().take(n).map(|(column, value)| Sql::eq(column.clone(), value.clone()));
        Sql::And(equal.chain([Sql::binary(op, column.clone(), value.clone())]).collect())
    };
    let any = Sql::Or(parts.iter().enumerate().map(term).collect());
    let loose = if op == BinaryOp::Gt { BinaryOp::Ge } else { BinaryOp::Le };
    match parts.as_slice() {
        [(column, value), _, ..] => Sql::And(vec![Sql::binary(loose, column.clone(), value.clone()), any]),
        _ => any,
    }
}

fn is(table: &Table, key: &Key) -> Sql {
    let parts = table.key.iter().zip(key).map(|(c, value)| side(table, *c, value));
    Sql::And(parts.map(|(column, value)| Sql::eq(column, value)).collect())
}

fn side(table: &Table, id: ColumnId, value: &Value) -> (Sql, Sql) {
    (column(table, id), Sql::Param(value.clone(), Some(table[id].sql_type.clone())))
}

fn column(table: &Table, id: ColumnId) -> Sql {
    Sql::column(ROOT, &table[id].db_name)
}

fn and(range: Option<Sql>, condition: Sql) -> Sql {
    Sql::And(range.into_iter().chain([condition]).collect())
}
