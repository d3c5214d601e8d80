//! What a rule reads: columns of its own row, of rows above and below, and the foreign keys on the way.

use introspect::{ColumnId, Schema, TableId};

use crate::expr::{Expr, Place};
use crate::rule::{Aggregate, Constraint, Derivation, DerivationKind, Piece};

/// A column of a table.
pub(crate) type Column = (TableId, ColumnId);

/// What one rule reads.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// Columns whose values are used.
    pub(crate) values: Vec<Column>,
    /// Foreign key columns that lead to them.
    pub(crate) keys: Vec<Column>,
    /// Tables above the row.
    pub(crate) above: Vec<TableId>,
    /// The table below it.
    pub(crate) below: Option<TableId>,
}

impl Reads {
    pub(crate) fn of_derivation(schema: &Schema, derivation: &Derivation) -> Self {
        let mut reads = Self::default();
        match &derivation.kind {
            DerivationKind::Formula(expr) | DerivationKind::Default(expr) => {
                reads.expression(schema, derivation.table, expr);
            }
            // The row's own old value is there before anything is computed.
            DerivationKind::Stamp { expr, .. } | DerivationKind::Step(expr) => {
                for place in expr.places_beside_old(derivation.column) {
                    reads.place(schema, derivation.table, &place);
                }
            }
            DerivationKind::Copy { relationship, column } => {
                let place = Place { path: vec![*relationship], column: *column };
                reads.place(schema, derivation.table, &place);
            }
            DerivationKind::Aggregate(aggregate) => reads.aggregate(schema, aggregate),
        }
        reads
    }

    pub(crate) fn of_constraint(schema: &Schema, constraint: &Constraint) -> Self {
        let mut reads = Self::default();
        let message = constraint.message.iter().filter_map(|piece| match piece {
            Piece::Value(expr) => Some(expr),
            Piece::Text(_) => None,
        });
        for expr in std::iter::once(&constraint.check).chain(&constraint.when).chain(message) {
            reads.expression(schema, constraint.table, expr);
        }
        reads
    }

    /// Every column, the keys on the way included.
    pub(crate) fn all(&self) -> impl Iterator<Item = Column> {
        self.values.iter().chain(&self.keys).copied()
    }

    /// Every other table.
    pub(crate) fn tables(&self) -> impl Iterator<Item = TableId> {
        self.above.iter().copied().chain(self.below)
    }

    fn expression(&mut self, schema: &Schema, table: TableId, expr: &Expr) {
        for place in expr.places() {
            self.place(schema, table, &place);
        }
    }

    fn place(&mut self, schema: &Schema, table: TableId, place: &Place) {
        let mut here = table;
        for hop in &place.path {
            let relationship = &schema[here][*hop];
            self.keys.extend(relationship.columns.iter().map(|column| (here, *column)));
            here = relationship.target;
            self.above.push(here);
        }
        self.values.push((here, place.column));
    }

    fn aggregate(&mut self, schema: &Schema, aggregate: &Aggregate) {
        let child = aggregate.child;
        self.below = Some(child);
        self.values.extend(aggregate.column().map(|column| (child, column)));
        self.keys.extend(schema[child][aggregate.parent].columns.iter().map(|column| (child, *column)));
        if let Some(filter) = &aggregate.filter {
            self.expression(schema, child, filter);
        }
    }
}
