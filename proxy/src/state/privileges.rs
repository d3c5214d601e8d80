//! Which writes of the rules the role in the database may not do: a sentence each, with the grant that it needs.
//!
//! What clients write is not looked at: a table that may only be read is meant so more often than not, and who writes it is told.

use introspect::privileges::{Privileges, Writable};
use introspect::{Schema, Table};
use rules::RuleSet;

/// The sentences.
pub(super) fn missing(schema: &Schema, rules: &RuleSet, held: &Privileges) -> Vec<String> {
    let of = |table: &Table| held.of(&table.db);
    let mut known = schema.tables.iter().filter_map(of).peekable();
    if known.peek().is_some() && !known.any(Writable::any) {
        return vec![format!(
            "the role {} may read and nothing else: every write is refused (`database-privilege`)",
            held.role
        )];
    }
    let moved = rules.moved(schema).into_iter().filter_map(|(table, column)| {
        let (table, may) = (&schema[table], of(&schema[table])?);
        let column = &table[column];
        let lacks = !may.update.contains(&column.db_name);
        let why = format!("rules set `{}.{}` when other rows change", table.name, column.name);
        lacks.then(|| sentence("update", may, &why, held))
    });
    let removed = rules.summed(schema).into_iter().filter_map(|table| {
        let may = of(&schema[table]).filter(|may| may.delete && may.update.is_empty())?;
        let why = format!("rows of `{}` are locked before they are removed", schema[table].name);
        Some(sentence("update", may, &why, held))
    });
    let added = rules.created.iter().filter_map(|(child, relationship)| {
        let table = &schema[schema[*child][*relationship].target];
        let may = of(table).filter(|may| !may.insert)?;
        Some(sentence("insert", may, &format!("a rule adds missing rows of `{}`", table.name), held))
    });
    let mut sentences: Vec<String> = Vec::new();
    for sentence in moved.chain(removed).chain(added) {
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

fn sentence(privilege: &str, may: &Writable, why: &str, held: &Privileges) -> String {
    let (table, role) = (&may.table, &held.role);
    format!(
        "the role {role} may not {privilege} {table}, but {why}: `grant {privilege} on {table} to {role}`"
    )
}
