//! Default names of relationships: `orders.customer_id` → `customer`, and `orders` on the other side.
//!
//! Each has a name it would like and one it takes when that is taken, `table_by_column`.

use std::collections::HashMap;

use super::{Draft, Way};
use crate::naming::{self, Names, Style};
use crate::schema::{ColumnId, Table, TableId};

/// What a relationship would like to be called, and what it is called when that is taken.
struct Choice {
    wanted: Option<String>,
    otherwise: String,
}

/// Gives every draft its default name.
pub(super) fn give(tables: &[Table], style: Style, drafts: &mut [Draft]) {
    let mut names: Vec<Names> = tables.iter().map(|table| taken_by_columns(table, style)).collect();
    let pairs = pairs(drafts);
    for rank in 0..3 {
        for n in 0..drafts.len() {
            let choice =
                drafts.get(n).filter(|d| d.way.rank() == rank).map(|d| choice(tables, drafts, &pairs, d));
            if let (Some(choice), Some(draft)) = (choice, drafts.get_mut(n)) {
                draft.name = names
                    .get_mut(draft.table.0 as usize)
                    .map(|names| choice.settle(names))
                    .unwrap_or_default();
            }
        }
    }
}

fn taken_by_columns(table: &Table, style: Style) -> Names {
    Names::reserving(style, ["type", "id"].into_iter().chain(table.columns.iter().map(|c| c.name.as_str())))
}

/// How many relationships of a kind lead from a table to another.
fn pairs(drafts: &[Draft]) -> HashMap<(u8, TableId, TableId), usize> {
    let mut pairs = HashMap::new();
    for draft in drafts {
        *pairs.entry((draft.way.rank(), draft.table, draft.target)).or_default() += 1;
    }
    pairs
}

impl Choice {
    fn settle(self, names: &mut Names) -> String {
        match self.wanted {
            Some(wanted) if !names.has(&wanted) => names.claim(&wanted),
            _ => names.claim(&self.otherwise),
        }
    }
}

fn choice(
    tables: &[Table],
    drafts: &[Draft],
    pairs: &HashMap<(u8, TableId, TableId), usize>,
    draft: &Draft,
) -> Choice {
    let (holder, held) = match draft.way {
        Way::ToOne { .. } => (draft.table, &draft.columns),
        Way::ToMany { .. } => (draft.target, &draft.target_columns),
        Way::ManyToMany { through, far, .. } => {
            (through, drafts.get(far).map_or(&draft.columns, |far| &far.columns))
        }
    };
    let target = table_name(tables, draft.target);
    let alone =
        pairs.get(&(draft.way.rank(), draft.table, draft.target)) == Some(&1) && draft.table != draft.target;
    let wanted = match draft.way {
        Way::ToOne { foreign_key } => Some(to_one_name(tables, draft.table, foreign_key, target)),
        Way::ToMany { .. } | Way::ManyToMany { .. } => alone.then(|| target.to_owned()),
    };
    Choice { wanted, otherwise: format!("{target}_by_{}", column_names(tables, holder, held)) }
}

fn table_name(tables: &[Table], id: TableId) -> &str {
    tables.get(id.0 as usize).map_or("", |table| &table.name)
}

fn column_names(tables: &[Table], table: TableId, columns: &[ColumnId]) -> String {
    let Some(table) = tables.get(table.0 as usize) else { return String::new() };
    columns.iter().map(|id| table[*id].name.as_str()).collect::<Vec<_>>().join("_")
}

/// A single column without its suffix, or the parent's name. What the model file declares has its name from there.
fn to_one_name(tables: &[Table], table: TableId, foreign_key: usize, parent: &str) -> String {
    let table = tables.get(table.0 as usize);
    let key = table.and_then(|table| table.foreign_keys.get(foreign_key));
    match (table, key.map(|key| (key.enforced, key.name.as_str(), key.columns.as_slice()))) {
        (_, Some((false, name, _))) => name.to_owned(),
        (Some(table), Some((true, _, [column]))) => {
            stem(&table[*column].db_name).map_or_else(|| parent.to_owned(), naming::legal)
        }
        _ => parent.to_owned(),
    }
}

/// `customer_id`, `CustomerId`, `customerID` → `customer`, `Customer`, `customer`.
fn stem(column: &str) -> Option<&str> {
    let stem = ["_id", "Id", "ID"].iter().find_map(|suffix| column.strip_suffix(suffix))?;
    Some(stem.trim_matches(|c: char| !c.is_alphanumeric())).filter(|stem| !stem.is_empty())
}
