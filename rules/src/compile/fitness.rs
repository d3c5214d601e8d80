//! Which tables and columns rules can speak of: values must be exact, known before the row is written, and written by nobody else.

use dialects::{Dialect, ValueType};
use introspect::schema::ColumnDefault;
use introspect::{Schema, TableId};

use super::reads::{Column, Reads};
use super::{Compiler, full_name};
use crate::file::Text;

/// Digits that SQLite's binary decimals carry exactly.
const SQLITE_DIGITS: u32 = 15;

/// What to do about a column that MySQL keeps up to date.
const RENEWED: &str = "drop its `on update current_timestamp`, and stamp it: `now()`";

/// What is wrong, and what to do about it.
pub(crate) type Unfit = (String, &'static str);

impl Compiler<'_> {
    /// Notes what of a rule's table and reads is unfit; the answer: nothing.
    pub(super) fn fit(&mut self, text: &Text, table: TableId, reads: &Reads) -> bool {
        let tables =
            std::iter::once(table).chain(reads.tables()).filter_map(|id| unfit_table(self.schema, id));
        let columns = reads.values.iter().filter_map(|column| {
            unfit_values(self.schema, *column).or_else(|| known_too_late(self.schema, *column))
        });
        let keys = reads.keys.iter().filter_map(|column| default_of_columns(self.schema, *column));
        let unfit: Vec<Unfit> = tables.chain(columns).chain(keys).collect();
        for (message, hint) in &unfit {
            self.problems.at(text, message, *hint);
        }
        unfit.is_empty()
    }

    /// Whether a rule may set a column; `default`: only where the client gave no value.
    pub(super) fn settable(&mut self, text: &Text, target: Column, default: bool) -> bool {
        let unfit = unfit_table(self.schema, target.0)
            .or_else(|| unfit_values(self.schema, target))
            .or_else(|| unfit_target(self.schema, target, default));
        if let Some((message, hint)) = &unfit {
            self.problems.at(text, message, *hint);
        }
        unfit.is_none()
    }
}

fn unfit_table(schema: &Schema, id: TableId) -> Option<Unfit> {
    let table = &schema[id];
    let name = &table.name;
    if table.view {
        return Some((format!("`{name}` is a view: rules speak of tables"), ""));
    }
    if table.triggers {
        return Some((
            format!("`{name}` has row triggers, which change rows behind the rules"),
            "when they do not touch what rules read, say so in model.yaml: `triggers: trusted`",
        ));
    }
    if !table.is_resource() {
        return Some((format!("`{name}` has no primary key"), "name one in model.yaml: `key: [column]`"));
    }
    None
}

fn unfit_values(schema: &Schema, at: Column) -> Option<Unfit> {
    let column = &schema[at.0][at.1];
    let name = full_name(schema, at);
    match column.ty {
        ValueType::Float { .. } => Some((
            format!("`{name}` is a floating point column, which keeps no exact numbers"),
            "declare it decimal, with at most 15 digits on SQLite",
        )),
        ValueType::Decimal { precision, .. }
            if schema.dialect == Dialect::Sqlite && precision.is_none_or(|digits| digits > SQLITE_DIGITS) =>
        {
            Some((
                format!("`{name}` can hold decimals that SQLite does not keep exactly"),
                "declare it DECIMAL with at most 15 digits, such as DECIMAL(12,2)",
            ))
        }
        _ => None,
    }
}

pub(crate) fn known_too_late(schema: &Schema, at: Column) -> Option<Unfit> {
    let column = &schema[at.0][at.1];
    let name = full_name(schema, at);
    if column.generated.is_some() {
        return Some((
            format!("`{name}` is computed by the database: known only after the row is written"),
            "read the columns that it is computed from",
        ));
    }
    if column.renewed {
        return Some((
            format!("`{name}` is set by the database whenever its row changes: known only after that"),
            RENEWED,
        ));
    }
    match column.default {
        ColumnDefault::Generated | ColumnDefault::GeneratedAlways => Some((
            format!("`{name}` is drawn by the database: known only after the row is written"),
            "rules read what is known before",
        )),
        ColumnDefault::None | ColumnDefault::Expression(_) => default_of_columns(schema, at),
    }
}

/// A default that is fetched before its row is there cannot know the row's other columns.
fn default_of_columns(schema: &Schema, at: Column) -> Option<Unfit> {
    let message = || {
        format!("the default of `{}` is computed from other columns, by the database", full_name(schema, at))
    };
    let reads = schema[at.0][at.1].default.reads_columns();
    reads.then(|| (message(), "drop it, and say the same under `default`"))
}

fn unfit_target(schema: &Schema, at: Column, default: bool) -> Option<Unfit> {
    let table = &schema[at.0];
    let column = &table[at.1];
    let name = full_name(schema, at);
    if column.generated.is_some() || column.default == ColumnDefault::GeneratedAlways {
        return Some((format!("`{name}` is computed by the database: no rule can set it"), ""));
    }
    if !default && column.renewed {
        let message = format!("`{name}` is set by the database, too, whenever its row changes");
        return Some((message, RENEWED));
    }
    if table.key.contains(&at.1) {
        return Some((format!("`{name}` is part of the primary key: no rule can set it"), ""));
    }
    if !default && table.in_foreign_key(at.1) {
        return Some((format!("`{name}` is part of a foreign key: it cannot be derived"), ""));
    }
    if !default && referred_to(schema, at) {
        return Some((format!("a foreign key refers to `{name}`: it cannot be derived"), ""));
    }
    None
}

fn referred_to(schema: &Schema, (table, column): Column) -> bool {
    let mut keys = schema.tables.iter().flat_map(|t| &t.foreign_keys);
    keys.any(|key| key.target == table && key.target_columns.contains(&column))
}
