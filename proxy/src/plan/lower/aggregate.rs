//! Aggregates over children → SQL.

use dialects::sql::{Alias, Expr as Sql, Function};
use introspect::Schema;
use rules::rule::{Aggregate, AggregateFunction};

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

fn or_zero(value: Sql) -> Sql {
    Sql::Call(Function::Coalesce, vec![value, Sql::Number(0)])
}
