//! What changed between two [`Schema`]s, in the words of [`mod@crate::print`].

use std::collections::{BTreeMap, BTreeSet};

use crate::print;
use crate::schema::Schema;

/// A table that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added(String),
    /// It is gone.
    Removed(String),
    /// Some of its printed lines are gone, others are new.
    Altered {
        /// The table.
        table: String,
        /// Lines that are gone.
        gone: Vec<String>,
        /// Lines that are new.
        new: Vec<String>,
    },
}

/// What changed, in the order of table names.
pub fn diff(before: &Schema, after: &Schema) -> Vec<Change> {
    let (before, after) = (by_table(before), by_table(after));
    let tables: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    tables.into_iter().filter_map(|table| change(table, before.get(table), after.get(table))).collect()
}

fn by_table(schema: &Schema) -> BTreeMap<String, Vec<String>> {
    schema.tables.iter().map(|table| (table.name.clone(), facts(schema, table))).collect()
}

/// Printed lines without their padding, which depends on the longest name.
fn facts(schema: &Schema, table: &crate::Table) -> Vec<String> {
    let squeeze = |line: String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    print::lines(schema, table).into_iter().map(squeeze).collect()
}

fn change(table: &str, before: Option<&Vec<String>>, after: Option<&Vec<String>>) -> Option<Change> {
    match (before, after) {
        (None, _) => Some(Change::Added(table.to_owned())),
        (_, None) => Some(Change::Removed(table.to_owned())),
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(Change::Altered {
            table: table.to_owned(),
            gone: missing_from(after, before),
            new: missing_from(before, after),
        }),
    }
}

fn missing_from(others: &[String], lines: &[String]) -> Vec<String> {
    lines.iter().filter(|line| !others.contains(line)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::table;
    use crate::{Catalog, catalog, resolve};
    use dialects::Dialect;

    fn schema(tables: Vec<catalog::Table>) -> Schema {
        resolve(&Catalog { dialect: Dialect::Sqlite, tables }, None).unwrap()
    }

    #[test]
    fn tables_and_lines_that_differ_are_told() {
        let before =
            schema(vec![table(None, "a", &["id", "x"], &["id"]), table(None, "b", &["id"], &["id"])]);
        let after =
            schema(vec![table(None, "a", &["id", "yy"], &["id"]), table(None, "c", &["id"], &["id"])]);
        let altered =
            Change::Altered { table: "a".into(), gone: vec!["x int32".into()], new: vec!["yy int32".into()] };
        assert_eq!(diff(&before, &after), [altered, Change::Removed("b".into()), Change::Added("c".into())]);
        assert_eq!(diff(&after, &after), []);
    }
}
