//! Whether a column can hold what an aggregate comes to: every digit of it, and the null of no rows.

use dialects::{Dialect, ValueType};
use introspect::Schema;

use super::fitness::Unfit;
use super::reads::Column;
use super::{Compiler, full_name};
use crate::expr::resolve::of_column;
use crate::expr::{Type, noun};
use crate::file::Text;
use crate::rule::{Aggregate, AggregateFunction};

impl Compiler<'_> {
    /// Notes why the target cannot hold it.
    pub(super) fn holds(&mut self, text: &Text, target: Column, aggregate: &Aggregate) -> Option<()> {
        let source = aggregate.column().map(|column| (aggregate.child, column));
        // Floating point columns are refused as such, wherever they stand.
        if source.into_iter().chain([target]).any(|at| column_type(self.schema, at) == Type::Float) {
            return Some(());
        }
        let unfit = match (aggregate.function, source) {
            (AggregateFunction::Min(_) | AggregateFunction::Max(_), Some(source)) => {
                unfit_extreme(self.schema, target, source)
            }
            (AggregateFunction::Exists, _) => unfit_exists(self.schema, target),
            (_, source) => unfit_sum(self.schema, target, source),
        };
        let Some((message, hint)) = unfit else { return Some(()) };
        self.problems.at(text, message, hint);
        None
    }
}

/// Sums and counts go into exact numbers; a sum keeps every digit of what it adds up.
fn unfit_sum(schema: &Schema, target: Column, source: Option<Column>) -> Option<Unfit> {
    let into = column_type(schema, target);
    let from = source.map_or(Type::Integer, |source| column_type(schema, source));
    let name = full_name(schema, target);
    match (scale(from), scale(into)) {
        (None, _) => Some((
            format!("only numbers can be summed up, this is {}", noun(from)),
            "count(children) counts them",
        )),
        (_, None) => {
            Some((format!("`{name}` holds {}, this is a number", noun(into)), "derive a column of numbers"))
        }
        (Some(from), Some(into)) if from > into => Some((
            format!(
                "`{name}` keeps fewer digits after the point than what is summed up: each step would round"
            ),
            "give the column as many digits after the point",
        )),
        _ => None,
    }
}

fn unfit_exists(schema: &Schema, target: Column) -> Option<Unfit> {
    let into = column_type(schema, target);
    let message = || format!("`{}` holds {}, this is true or false", full_name(schema, target), noun(into));
    (into != Type::Bool).then(|| (message(), "`count` tells how many there are"))
}

/// What is compared with the stored value later must be stored as it is: of the same type, without rounding.
fn unfit_extreme(schema: &Schema, target: Column, source: Column) -> Option<Unfit> {
    let (from, into) = (column_type(schema, source), column_type(schema, target));
    let (name, source_name) = (full_name(schema, target), full_name(schema, source));
    if let Some(unfit) = unordered(from, &source_name) {
        return Some(unfit);
    }
    if !alike(schema, source, target) {
        let message = match noun(from) == noun(into) {
            true => format!("`{name}` keeps values otherwise than `{source_name}`"),
            false => format!("`{name}` holds {}, this is {}", noun(into), noun(from)),
        };
        return Some((message, "declare both with the same type"));
    }
    if scale(from) > scale(into) || seconds(schema, source) > seconds(schema, target) {
        let message =
            format!("`{name}` keeps fewer digits after the point than `{source_name}`: it would round");
        return Some((message, "declare it with as many"));
    }
    (!schema[target.0][target.1].nullable).then(|| {
        let message =
            format!("`{name}` is declared not null, but of no rows there is no least or greatest value");
        (message, "let it be null: `count` and `exists` say whether there are rows")
    })
}

fn unordered(from: Type, source: &str) -> Option<Unfit> {
    match from {
        Type::Integer | Type::Decimal(_) | Type::Text => None,
        Type::Date | Type::Time | Type::Timestamp | Type::TimestampTz => None,
        Type::Bool => Some((
            format!("`{source}` is true or false: there is no least or greatest"),
            "write exists(children where column)",
        )),
        other => Some((
            format!(
                "only numbers, texts, dates and times have a least and a greatest, this is {}",
                noun(other)
            ),
            "",
        )),
    }
}

/// Whether a value of the one is the same value in the other.
fn alike(schema: &Schema, source: Column, target: Column) -> bool {
    let (from, into) = (&schema[source.0][source.1], &schema[target.0][target.1]);
    let padded = |text: &str| schema.dialect != Dialect::Sqlite && is_padded(text);
    match (from.ty, into.ty) {
        // Padded texts change on their way through the database.
        _ if padded(&from.sql_type.text) || padded(&into.sql_type.text) => {
            from.sql_type.text == into.sql_type.text
        }
        (ValueType::Text { .. } | ValueType::Uuid | ValueType::Enum, ValueType::Text { .. }) => true,
        (ValueType::Uuid, ValueType::Uuid) | (ValueType::Enum, ValueType::Enum) => true,
        (_, ValueType::Uuid | ValueType::Enum) => false,
        _ => match (of_column(from.ty), of_column(into.ty)) {
            (Type::Integer | Type::Decimal(_), Type::Integer | Type::Decimal(_)) => true,
            (from, into) => from == into,
        },
    }
}

/// `char(3)` and `character(3)`.
fn is_padded(sql_type: &str) -> bool {
    let word: String = sql_type.chars().take_while(|c| *c != '(').collect();
    ["char", "character", "bpchar"].contains(&word.trim().to_ascii_lowercase().as_str())
}

fn column_type(schema: &Schema, (table, column): Column) -> Type {
    of_column(schema[table][column].ty)
}

/// Digits after the point that a type can hold.
fn scale(ty: Type) -> Option<u32> {
    match ty {
        Type::Integer => Some(0),
        Type::Decimal(scale) => Some(scale.unwrap_or(u32::MAX)),
        _ => None,
    }
}

/// Digits of a second that a column keeps.
fn seconds(schema: &Schema, (table, column): Column) -> Option<u32> {
    let column = &schema[table][column];
    if !matches!(column.ty, ValueType::Time | ValueType::Timestamp | ValueType::TimestampTz) {
        return None;
    }
    column.second_digits(schema.dialect)
}
