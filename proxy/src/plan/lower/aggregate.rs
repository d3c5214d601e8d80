//! Aggregates over children → SQL.

use dialects::ValueType;
use dialects::sql::{Alias, BinaryOp, Expr as Sql, Function};
use introspect::Schema;
use rules::rule::{Aggregate, AggregateFunction};

use super::scope::by_value;

/// What an aggregate comes to over the rows of a group, whose children are joined from the left: a parent without any has one row of nulls.
/// `None`: it is told by the first of the children, not by all of them (see `extreme`).
pub(super) fn over_joined(schema: &Schema, aggregate: &Aggregate, child: Alias) -> Option<Sql> {
    let table = &schema[aggregate.child];
    let values = |column: introspect::ColumnId| vec![Sql::column(child, &table[column].db_name)];
    Some(match aggregate.function {
        AggregateFunction::Sum(column) => or_zero(Sql::Call(Function::Sum, values(column))),
        // A foreign key that led to the parent is not null.
        AggregateFunction::Count => match table[aggregate.parent].columns.first() {
            Some(column) => Sql::Call(Function::Count, values(*column)),
            None => Sql::CountAll,
        },
        AggregateFunction::Min(_) | AggregateFunction::Max(_) | AggregateFunction::Exists => return None,
    })
}

/// Likewise, where all of the children are read in any case: `exists`, and the least and the greatest of what the database orders as memory
/// does. `None`: texts and words, whose order is the collation's.
pub(super) fn over_group(schema: &Schema, aggregate: &Aggregate, child: Alias) -> Option<Sql> {
    let table = &schema[aggregate.child];
    let over = |function, column: introspect::ColumnId| {
        let ordered = matches!(
            table[column].ty,
            ValueType::Int(_)
                | ValueType::Decimal { .. }
                | ValueType::Date
                | ValueType::Time
                | ValueType::Timestamp
                | ValueType::TimestampTz
        );
        let stored = Sql::column(child, &table[column].db_name);
        ordered.then(|| Sql::Call(function, vec![by_value(stored, table[column].ty)]))
    };
    match aggregate.function {
        AggregateFunction::Min(column) => over(Function::Min, column),
        AggregateFunction::Max(column) => over(Function::Max, column),
        AggregateFunction::Exists => {
            let count = Aggregate { function: AggregateFunction::Count, ..aggregate.clone() };
            let count = over_joined(schema, &count, child)?;
            Some(Sql::binary(BinaryOp::Gt, count, Sql::Number(0)))
        }
        AggregateFunction::Sum(_) | AggregateFunction::Count => over_joined(schema, aggregate, child),
    }
}

fn or_zero(value: Sql) -> Sql {
    Sql::Call(Function::Coalesce, vec![value, Sql::Number(0)])
}
