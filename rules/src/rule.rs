//! Rules as the engine runs them: resolved, typed and ordered.

use std::collections::BTreeSet;

use dialects::Value;
use introspect::{Column, ColumnId, RelationshipId, Schema, TableId};

use crate::compile::reads::Reads;
use crate::expr::Expr;

/// All rules of a project, checked against one schema.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// What sets columns, in an order in which every derivation stands after all that it reads, over all tables.
    pub derivations: Vec<Derivation>,
    /// What must hold, in the order of the files.
    pub constraints: Vec<Constraint>,
    /// How columns move from state to state, in the order of the files.
    pub transitions: Vec<Transition>,
    /// What the database computes when rows are read, in the order of the files.
    pub virtuals: Vec<Virtual>,
    /// The to-one relationships, with the table of each, whose missing parent is added (`insert_parent`).
    pub created: BTreeSet<(TableId, RelationshipId)>,
    /// The place of each table (by [`TableId`]) in the one order in which rows are locked: what feeds stands before what is
    /// fed. Every table has a place of its own.
    pub lock_rank: Vec<u32>,
}

impl RuleSet {
    /// The schema with the columns that the database computes when rows are read, each in its place.
    pub fn with_virtuals(&self, mut schema: Schema) -> Schema {
        for added in &self.virtuals {
            if let Some(table) = schema.tables.get_mut(added.table.0 as usize) {
                table.columns.push(added.shown.clone());
            }
        }
        schema
    }

    /// No rules: tables are locked in the order of their names.
    pub fn empty(schema: &Schema) -> Self {
        let lock_rank = (0..).zip(&schema.tables).map(|(rank, _)| rank).collect();
        Self { lock_rank, ..Self::default() }
    }

    /// The aggregate that sets a column.
    pub fn aggregate(&self, table: TableId, column: ColumnId) -> Option<&Aggregate> {
        let sets = |derivation: &&Derivation| derivation.table == table && derivation.column == column;
        match &self.derivations.iter().find(sets)?.kind {
            DerivationKind::Aggregate(aggregate) => Some(aggregate),
            _ => None,
        }
    }

    /// The columns that are set when rows of other tables change: aggregates, and formulas that read rows above.
    pub fn moved(&self, schema: &Schema) -> BTreeSet<(TableId, ColumnId)> {
        let moved = self.derivations.iter().filter(|derivation| match derivation.kind {
            DerivationKind::Aggregate(_) => true,
            DerivationKind::Formula(_) => !Reads::of_derivation(schema, derivation).above.is_empty(),
            _ => false,
        });
        moved.map(|derivation| (derivation.table, derivation.column)).collect()
    }

    /// The tables whose rows aggregates are made of.
    pub fn summed(&self, schema: &Schema) -> BTreeSet<TableId> {
        self.derivations
            .iter()
            .filter_map(|derivation| Reads::of_derivation(schema, derivation).below)
            .collect()
    }

    /// Whether a row that this relationship names is added where it is missing.
    pub fn created_by(&self, table: TableId, relationship: RelationshipId) -> bool {
        self.created.contains(&(table, relationship))
    }
}

/// An attribute that is no column: an expression over the row, computed by the database when the row is read.
#[derive(Clone, Debug)]
pub struct Virtual {
    /// The table.
    pub table: TableId,
    /// Its place, after all columns that the database has.
    pub column: ColumnId,
    /// What it is to a client.
    pub shown: Column,
    /// What it is worth.
    pub expr: Expr,
}

/// A rule that sets a column.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// `table.column`, as declared.
    pub name: String,
    /// The table.
    pub table: TableId,
    /// The column.
    pub column: ColumnId,
    /// How.
    pub kind: DerivationKind,
}

/// How a column is set.
#[derive(Clone, Debug)]
pub enum DerivationKind {
    /// From the rows of a to-many relationship.
    Aggregate(Aggregate),
    /// From the row's own columns and those of rows above.
    Formula(Expr),
    /// The parent's value when the row was inserted or its foreign key changed.
    Copy {
        /// The to-one relationship.
        relationship: RelationshipId,
        /// The parent's column.
        column: ColumnId,
    },
    /// On insert, where the client gave no value.
    Default(Expr),
    /// On insert, and when the request changes something of the row that no rule sets.
    Stamp {
        /// What it is set to.
        expr: Expr,
        /// Insert, update or both.
        operations: Operations,
    },
    /// On update, once, when something that it reads changed: from the row before the transaction to the row after it.
    Step(Expr),
}

impl Derivation {
    /// Whether clients may set the column too.
    pub fn leaves_to_client(&self) -> bool {
        matches!(self.kind, DerivationKind::Default(_) | DerivationKind::Step(_))
    }

    /// Whether it gives a new row its value.
    pub fn sets_new(&self) -> bool {
        match &self.kind {
            DerivationKind::Step(_) => false,
            DerivationKind::Stamp { operations, .. } => operations.insert,
            _ => true,
        }
    }
}

/// `sum(children.column where …)` and its kin.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// What of the children is kept.
    pub function: AggregateFunction,
    /// The to-many relationship, seen from the derivation's table.
    pub relationship: RelationshipId,
    /// The children's table.
    pub child: TableId,
    /// The to-one relationship, seen from the children.
    pub parent: RelationshipId,
    /// Which children count, over the child's own columns; null: does not count.
    pub filter: Option<Expr>,
}

/// The aggregates that the engine keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// A column of the children, added up.
    Sum(ColumnId),
    /// One for each child.
    Count,
    /// The least value of a column of the children.
    Min(ColumnId),
    /// The greatest.
    Max(ColumnId),
    /// Whether there is a child.
    Exists,
}

impl AggregateFunction {
    /// What it comes to where no child counts.
    pub fn of_none(self) -> Value {
        match self {
            Self::Sum(_) | Self::Count => Value::Int(0),
            Self::Min(_) | Self::Max(_) => Value::Null,
            Self::Exists => Value::Bool(false),
        }
    }
}

impl Aggregate {
    /// Whether there is any row that refers to its parent by a relationship.
    pub fn any(schema: &Schema, child: TableId, parent: RelationshipId) -> Self {
        let relationship = schema[child][parent].inverse;
        Self { function: AggregateFunction::Exists, relationship, child, parent, filter: None }
    }

    /// The children's column whose values are used.
    pub fn column(&self) -> Option<ColumnId> {
        match self.function {
            AggregateFunction::Sum(column)
            | AggregateFunction::Min(column)
            | AggregateFunction::Max(column) => Some(column),
            AggregateFunction::Count | AggregateFunction::Exists => None,
        }
    }
}

/// A rule that refuses.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// `table: check`, as declared, for logs and traces.
    pub name: String,
    /// The table.
    pub table: TableId,
    /// Where it applies; null or false: not.
    pub when: Option<Expr>,
    /// False refuses; null passes.
    pub check: Expr,
    /// What the client reads.
    pub message: Vec<Piece>,
    /// On insert, update, delete.
    pub operations: Operations,
    /// The attribute the error points at, where declared.
    pub attribute: Option<ColumnId>,
    /// The error's code, where declared.
    pub code: Option<String>,
    /// Whether a change of a parent's column that it reads checks the children again.
    pub recheck: bool,
}

impl Constraint {
    /// What its check and its condition read.
    pub fn conditions(&self) -> impl Iterator<Item = &Expr> {
        std::iter::once(&self.check).chain(&self.when)
    }

    /// Whether it reads nothing of the row as it will be, only of the change: who makes it, what happens, what was there before. Then every
    /// change of the row is its business.
    pub fn is_about_change(&self) -> bool {
        let mut about_row = false;
        self.conditions().for_each(|expr| {
            expr.walk(&mut |e| about_row |= matches!(e, Expr::Column(_) | Expr::Changed(_)));
        });
        !about_row
    }
}

/// A column that moves along declared edges, net over a transaction.
#[derive(Clone, Debug)]
pub struct Transition {
    /// `table.column: transition`, for logs and traces.
    pub name: String,
    /// The table.
    pub table: TableId,
    /// The column.
    pub column: ColumnId,
    /// The states that a row may begin with: when it comes, or when it had none (null) so far.
    pub initial: Vec<Value>,
    /// From each state to those that may follow it.
    pub edges: Vec<(Value, Vec<Value>)>,
}

impl Transition {
    /// Whether a row may move so. `None`: it is new.
    pub fn allows(&self, from: Option<&Value>, to: &Value) -> bool {
        from == Some(to) || self.next(from).contains(to)
    }

    /// The states that may follow one, or begin where there was none.
    pub fn next(&self, from: Option<&Value>) -> &[Value] {
        match from {
            None | Some(Value::Null) => &self.initial,
            Some(from) => {
                self.edges.iter().find(|(state, _)| state == from).map_or(&[], |(_, to)| to.as_slice())
            }
        }
    }
}

/// A piece of a message.
#[derive(Clone, Debug)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// A value of the row.
    Value(Expr),
}

/// The operations that a constraint watches, or a stamp is set on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Operations {
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
}

impl Default for Operations {
    fn default() -> Self {
        Self { insert: true, update: true, delete: false }
    }
}
