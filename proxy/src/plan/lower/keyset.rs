//! Cursors → conditions: the rows beyond a place in a sorted collection.
//!
//! Null counts as greater than any value, so that it comes last when ascending and first when descending. In the order `a, -b, id` the rows
//! after the place (1, 5, 7) are
//!
//! ```text
//! a >= 1 and (a > 1 or (b <= 5 and (b < 5 or id > 7)))
//! ```
//!
//! where the first comparison alone lets the database begin in the middle of an index. A first term that can be null would need `or a is
//! null`, which no index helps with: its nulls are read by a statement of their own.

use dialects::sql::{BinaryOp, Expr, Item, Order};
use dialects::{Dialect, IntKind, Value, ValueType};
use introspect::Column;

use super::scope::Scope;
use crate::jsonapi::cursor::Cursor;
use crate::plan::page::Between;
use crate::plan::read::SortTerm;

/// One term of an order.
pub(super) struct Term<'a> {
    pub(super) order: Order,
    /// What a cursor remembers of it.
    pub(super) remembered: Item,
    column: &'a Column,
}

/// The rows of a page that lies between cursors.
pub(super) struct Window {
    /// What holds of them: of some, then of the others.
    pub(super) parts: Vec<Option<Expr>>,
    /// In which order they are read.
    pub(super) order: Vec<Order>,
}

impl<'a> Term<'a> {
    pub(super) fn new(scope: &mut Scope<'a>, term: &SortTerm) -> Self {
        let order = scope.order(&term.place, term.descending);
        let column = scope.column(&term.place);
        let plain = scope.place(&term.place);
        // MySQL sorts the words of enums and sets by their number, but compares them as text.
        let remembered = match (scope.schema().dialect, column.ty) {
            (Dialect::Mysql, ValueType::Enum | ValueType::Set) => {
                Item { expr: Expr::Decimal(Box::new(plain)), ty: ValueType::Int(IntKind::I64) }
            }
            // SQLite compares what is sorted by, not the form in which it is stored.
            (Dialect::Sqlite, ty) if matches!(order.expr, Expr::Kept(..)) => {
                Item { expr: order.expr.clone(), ty }
            }
            (_, ty) => Item { expr: plain, ty },
        };
        Self { order, remembered, column }
    }

    /// What is compared: as it is sorted by, where that differs from what is remembered.
    fn subject(&self) -> Expr {
        match &self.order.expr {
            sorted @ (Expr::Decimal(_) | Expr::Exact(_)) => sorted.clone(),
            _ => self.remembered.expr.clone(),
        }
    }

    fn compare(&self, op: BinaryOp, value: &Value) -> Expr {
        let plain = self.column.is_virtual || matches!(self.remembered.expr, Expr::Decimal(_));
        let ty = (!plain).then(|| self.column.sql_type.clone());
        let value = Expr::Param(value.clone(), ty);
        let value = match self.order.expr {
            Expr::Exact(_) => Expr::Exact(Box::new(value)),
            _ => value,
        };
        Expr::binary(op, self.subject(), value)
    }

    fn is_null(&self, yes: bool) -> Expr {
        Expr::IsNull(Box::new(self.remembered.expr.clone()), yes)
    }

    /// It lies further on than the value.
    fn beyond(&self, value: &Value) -> Expr {
        match (value, self.order.descending) {
            (Value::Null, true) => self.is_null(false),
            (Value::Null, false) => Expr::Bool(false),
            (_, true) => self.compare(BinaryOp::Lt, value),
            (_, false) => self.or_null(self.compare(BinaryOp::Gt, value)),
        }
    }

    /// It does not lie before the value.
    fn not_before(&self, value: &Value) -> Expr {
        match (value, self.order.descending) {
            (Value::Null, true) => Expr::Bool(true),
            (Value::Null, false) => self.is_null(true),
            (_, true) => self.compare(BinaryOp::Le, value),
            (_, false) => self.or_null(self.compare(BinaryOp::Ge, value)),
        }
    }

    fn or_null(&self, condition: Expr) -> Expr {
        match self.order.nullable {
            true => Expr::Or(vec![condition, self.is_null(true)]),
            false => condition,
        }
    }
}

/// The window between two cursors of an order.
pub(super) fn window(mut terms: Vec<Term<'_>>, between: &Between) -> Window {
    let backward = between.backward();
    let limit = match &between.before {
        Some(Cursor::Row(values)) if !backward => Some(beyond_reversed(&mut terms, values)),
        _ => None,
    };
    if backward {
        reverse(&mut terms);
    }
    let start = if backward { &between.before } else { &between.after };
    let parts = match start {
        Some(Cursor::Row(values)) => split(&mut terms, values),
        Some(Cursor::End) if !backward => vec![Some(Expr::Bool(false))],
        _ => vec![None],
    };
    let parts = parts.into_iter().map(|part| all(part.into_iter().chain(limit.clone()))).collect();
    Window { parts, order: terms.into_iter().map(|term| term.order).collect() }
}

fn all(conditions: impl Iterator<Item = Expr>) -> Option<Expr> {
    let conditions: Vec<Expr> = conditions.collect();
    (!conditions.is_empty()).then_some(Expr::And(conditions))
}

fn reverse(terms: &mut [Term<'_>]) {
    terms.iter_mut().for_each(|term| term.order.descending = !term.order.descending);
}

/// The rows before a place.
fn beyond_reversed(terms: &mut [Term<'_>], values: &[Value]) -> Expr {
    reverse(terms);
    let condition = beyond(terms, values);
    reverse(terms);
    condition
}

/// The rows beyond a place, each of whose values is compared only where those before are equal.
fn beyond(terms: &[Term<'_>], values: &[Value]) -> Expr {
    match (terms.split_first(), values.split_first()) {
        (Some((term, [])), Some((value, _))) => term.beyond(value),
        (Some((term, terms)), Some((value, values))) => {
            Expr::And(vec![term.not_before(value), Expr::Or(vec![term.beyond(value), beyond(terms, values)])])
        }
        _ => Expr::Bool(false),
    }
}

/// The rows beyond a place: those whose first value is null or not null as it is there, then the others where they come later.
fn split(terms: &mut [Term<'_>], values: &[Value]) -> Vec<Option<Expr>> {
    let (Some(first), Some(value)) = (terms.first_mut(), values.first()) else { return vec![None] };
    let (nullable, null) = (std::mem::take(&mut first.order.nullable), value.is_null());
    let others_follow = nullable && null == first.order.descending;
    let others = others_follow.then(|| Some(first.is_null(!null)));
    let near = match (null, terms.split_first(), values.split_first()) {
        (true, Some((first, rest)), Some((_, values))) => {
            Expr::And(vec![first.is_null(true), beyond(rest, values)])
        }
        _ => beyond(terms, values),
    };
    [Some(near)].into_iter().chain(others).collect()
}
