//! Rules and relationships written down by name, in the order in which they are computed.

use dialects::{Decimal, Value};
use introspect::schema::{Action, RelationshipKind};
use introspect::{ColumnId, ForeignKey, Relationship, RelationshipId, Schema, TableId};

use crate::expr::{BinaryOp, Expr, Place};
use crate::rule::{
    Aggregate, AggregateFunction, Constraint, Derivation, DerivationKind, Operations, Piece, RuleSet,
};

/// Rules under way.
pub(super) struct Rules<'a> {
    pub(super) schema: &'a Schema,
    pub(super) set: RuleSet,
}

impl<'a> Rules<'a> {
    pub(super) fn on(schema: &'a Schema) -> Self {
        let lock_rank = (0..schema.tables.len() as u32).collect();
        Self { schema, set: RuleSet { lock_rank, ..RuleSet::default() } }
    }

    /// `sum("customers.balance", "orders.amount_total", filter)`.
    pub(super) fn sum(self, column: &str, children: &str, filter: Option<Expr>) -> Self {
        self.aggregate(column, children, filter, AggregateFunction::Sum)
    }

    /// `min("orders.cheapest", "items.amount", filter)`.
    pub(super) fn min(self, column: &str, children: &str, filter: Option<Expr>) -> Self {
        self.aggregate(column, children, filter, AggregateFunction::Min)
    }

    /// `max("orders.dearest", "items.amount", filter)`.
    pub(super) fn max(self, column: &str, children: &str, filter: Option<Expr>) -> Self {
        self.aggregate(column, children, filter, AggregateFunction::Max)
    }

    /// `count("orders.item_count", "items", filter)`.
    pub(super) fn count(self, column: &str, children: &str, filter: Option<Expr>) -> Self {
        self.aggregate(column, children, filter, |_| AggregateFunction::Count)
    }

    /// `exists("orders.has_gifts", "items", filter)`.
    pub(super) fn exists(self, column: &str, children: &str, filter: Option<Expr>) -> Self {
        self.aggregate(column, children, filter, |_| AggregateFunction::Exists)
    }

    /// Over a relationship and, where the function takes one, a column.
    fn aggregate(
        self,
        column: &str,
        children: &str,
        filter: Option<Expr>,
        function: fn(ColumnId) -> AggregateFunction,
    ) -> Self {
        let (table, _) = at(self.schema, column);
        let (relationship, given) = children.split_once('.').unwrap_or((children, "id"));
        let relationship = self.schema[table].relationship(relationship).unwrap();
        let there = &self.schema[table][relationship];
        let aggregate = Aggregate {
            function: function(self.schema[there.target].column(given).unwrap()),
            relationship,
            child: there.target,
            parent: there.inverse,
            filter,
        };
        self.derive(column, DerivationKind::Aggregate(aggregate))
    }

    pub(super) fn formula(self, column: &str, expr: Expr) -> Self {
        self.derive(column, DerivationKind::Formula(expr))
    }

    pub(super) fn default(self, column: &str, expr: Expr) -> Self {
        self.derive(column, DerivationKind::Default(expr))
    }

    /// `copy("items.unit_price", "product.unit_price")`.
    pub(super) fn copy(self, column: &str, from: &str) -> Self {
        let (table, _) = at(self.schema, column);
        let place = place(self.schema, table, from);
        self.derive(column, DerivationKind::Copy { relationship: place.path[0], column: place.column })
    }

    fn derive(mut self, column: &str, kind: DerivationKind) -> Self {
        let (table, id) = at(self.schema, column);
        self.set.derivations.push(Derivation { name: column.into(), table, column: id, kind });
        self
    }

    /// The message shows the columns that stand in braces.
    pub(super) fn constrain(mut self, table: &str, check: Expr, message: &str) -> Self {
        let constraint = Constraint {
            name: format!("{table}: {message}"),
            table: self.schema.find(table).unwrap(),
            when: None,
            check,
            message: self.pieces(table, message),
            operations: Operations::default(),
            attribute: None,
            code: None,
            recheck: true,
        };
        self.set.constraints.push(constraint);
        self
    }

    /// `creating("items", "month")`: a month that an item names is added where it is missing.
    pub(super) fn creating(mut self, table: &str, relationship: &str) -> Self {
        let table = self.schema.find(table).unwrap();
        self.set.created.insert((table, self.schema[table].relationship(relationship).unwrap()));
        self
    }

    /// A change to the last constraint.
    pub(super) fn but(mut self, change: impl FnOnce(&mut Constraint)) -> Self {
        change(self.set.constraints.last_mut().unwrap());
        self
    }

    fn pieces(&self, table: &str, message: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (n, piece) in message.split(['{', '}']).enumerate() {
            match n % 2 {
                0 => pieces.push(Piece::Text(piece.into())),
                _ => pieces.push(Piece::Value(self.col(table, piece))),
            }
        }
        pieces
    }

    /// `col("items", "order.customer.name")`.
    pub(super) fn col(&self, table: &str, path: &str) -> Expr {
        Expr::Column(place(self.schema, self.schema.find(table).unwrap(), path))
    }
}

/// A column by its full name.
pub(super) fn at(schema: &Schema, name: &str) -> (TableId, ColumnId) {
    let (table, column) = name.split_once('.').unwrap();
    let table = schema.find(table).unwrap();
    (table, schema[table].column(column).unwrap())
}

fn place(schema: &Schema, mut table: TableId, path: &str) -> Place {
    let mut names: Vec<&str> = path.split('.').collect();
    let column = names.pop().unwrap();
    let mut relationships = Vec::new();
    for name in names {
        let relationship = schema[table].relationship(name).unwrap();
        relationships.push(relationship);
        table = schema[table][relationship].target;
    }
    Place { path: relationships, column: schema[table].column(column).unwrap_or_else(|| panic!("{path}")) }
}

pub(super) fn int(n: i64) -> Expr {
    Expr::Literal(Value::Int(n))
}

pub(super) fn op(op: BinaryOp, a: Expr, b: Expr) -> Expr {
    Expr::Binary(op, Box::new(a), Box::new(b))
}

pub(super) fn mul(a: Expr, b: Expr) -> Expr {
    op(BinaryOp::Mul, a, b)
}

pub(super) fn is_null(e: Expr) -> Expr {
    Expr::IsNull(Box::new(e), true)
}

pub(super) fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse::<Decimal>().unwrap())
}

/// A foreign key of any columns to any columns, with its relationships: `relate(&mut schema, "bins.shelf, bins.row", "shelves.no, shelves.row", …)`.
pub(super) fn relate(schema: &mut Schema, from: &str, to: &str, names: (&str, &str), on_delete: Action) {
    let all = |list: &str| list.split(", ").map(|name| at(schema, name)).collect::<Vec<_>>();
    let (from, to) = (all(from), all(to));
    let (child, parent) = (from[0].0, to[0].0);
    let columns: Vec<ColumnId> = from.iter().map(|(_, c)| *c).collect();
    let target_columns: Vec<ColumnId> = to.iter().map(|(_, c)| *c).collect();
    let foreign_key = schema[child].foreign_keys.len();
    let next =
        |table: TableId, more: usize| RelationshipId((schema[table].relationships.len() + more) as u32);
    let (up, down) = (next(child, 0), next(parent, usize::from(child == parent)));
    let end =
        |name: &str, kind, target, columns: &Vec<ColumnId>, there: &Vec<ColumnId>, inverse| Relationship {
            name: name.into(),
            kind,
            target,
            columns: columns.clone(),
            target_columns: there.clone(),
            inverse,
            hidden: false,
        };
    let to_one =
        end(names.0, RelationshipKind::ToOne { foreign_key }, parent, &columns, &target_columns, down);
    let to_many =
        end(names.1, RelationshipKind::ToMany { foreign_key }, child, &target_columns, &columns, up);
    let tables = &mut schema.tables;
    tables[child.0 as usize].relationships.push(to_one);
    tables[parent.0 as usize].relationships.push(to_many);
    tables[child.0 as usize].foreign_keys.push(ForeignKey {
        name: names.0.into(),
        columns,
        target: parent,
        target_columns,
        on_delete,
        on_update: Action::NoAction,
        enforced: true,
        deferred: false,
        kept_on_delete: Vec::new(),
    });
}
