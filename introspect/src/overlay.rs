//! The model file: what people amend by hand, with the place of every name.
//!
//! Parsing checks the file's shape; whether its names exist is seen when it is applied to a catalogue (`amend`).
//!
//! ```yaml
//! tables:
//!   orders:
//!     columns: {date_shipped: {label: Shipped, searchable: false}, internal_note: {hidden: true}}
//!     relationships: {items: {name: lines}, region: {to: regions, columns: [region_code], to_columns: [code]}}
//!   sales_view: {name: sales, key: [order_id]}
//!   payments: {triggers: trusted}
//! names: verbatim
//! ```

pub(crate) mod amend;
mod schema;

use crate::naming::Style;
use crate::problem::{self, Problem};
use crate::yaml::{self, Content, Node, Reader, Text};
pub use schema::JSON_SCHEMA;

/// The keys of a model file, of a table, of a column, of a relationship.
const KEYS: [&str; 2] = ["tables", "names"];
const TABLE_KEYS: [&str; 6] = ["name", "hidden", "key", "triggers", "columns", "relationships"];
const COLUMN_KEYS: [&str; 4] = ["name", "label", "searchable", "hidden"];
const RELATIONSHIP_KEYS: [&str; 4] = ["name", "to", "columns", "to_columns"];

/// A model file.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// The file, as problems name it.
    pub(crate) file: String,
    /// Its text, to show where a problem is.
    pub(crate) text: String,
    pub(crate) tables: Vec<TableEntry>,
    pub(crate) style: Style,
}

/// What is said about a table; `table` is its name in the database or its default name.
#[derive(Clone, Debug)]
pub(crate) struct TableEntry {
    pub(crate) table: Text,
    pub(crate) name: Option<Text>,
    pub(crate) hidden: bool,
    pub(crate) key: Vec<Text>,
    pub(crate) triggers_trusted: bool,
    pub(crate) columns: Vec<ColumnEntry>,
    pub(crate) relationships: Vec<RelationshipEntry>,
}

/// What is said about a column.
#[derive(Clone, Debug)]
pub(crate) struct ColumnEntry {
    pub(crate) column: Text,
    pub(crate) name: Option<Text>,
    pub(crate) label: Option<String>,
    pub(crate) searchable: Option<bool>,
    pub(crate) hidden: bool,
}

/// What is said about a relationship: another name, or (with `to`) that it exists.
#[derive(Clone, Debug)]
pub(crate) struct RelationshipEntry {
    pub(crate) relationship: Text,
    pub(crate) name: Option<Text>,
    pub(crate) to: Option<Text>,
    pub(crate) columns: Vec<Text>,
    pub(crate) to_columns: Vec<Text>,
}

impl Overlay {
    /// Reads a model file; `file` is how problems name it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let node = yaml::parse(file, text).map_err(|problem| vec![problem])?;
        let mut reader = Reader::new(file);
        let mut overlay = Self { file: file.to_owned(), text: text.to_owned(), ..Self::default() };
        for (key, value) in reader.fields(&node, &KEYS) {
            match key.text.as_str() {
                "tables" => overlay.tables = tables(&mut reader, value),
                "names" => overlay.style = style(&mut reader, value),
                _ => {}
            }
        }
        if reader.problems.is_empty() { Ok(overlay) } else { Err(problem::sorted(reader.problems)) }
    }

    /// Whether it gives tables or columns other names.
    pub(crate) fn renames(&self) -> bool {
        let renames =
            |entry: &TableEntry| entry.name.is_some() || entry.columns.iter().any(|c| c.name.is_some());
        self.tables.iter().any(renames)
    }

    /// The same without the names that it gives: tables, columns and relationships keep their own.
    pub(crate) fn without_names(&self) -> Self {
        let mut plain = self.clone();
        for entry in &mut plain.tables {
            entry.name = None;
            entry.columns.iter_mut().for_each(|column| column.name = None);
            entry.relationships.retain(|relationship| relationship.to.is_some());
        }
        plain
    }

    /// The file's name and its text, to show where a problem is.
    pub fn source(&self) -> (String, String) {
        (self.file.clone(), self.text.clone())
    }
}

fn style(reader: &mut Reader, node: &Node) -> Style {
    let text = reader.text(node);
    match text.as_ref().map(|t| t.text.as_str()) {
        Some("camelCase") => Style::CamelCase,
        Some("verbatim") | None => Style::Verbatim,
        Some(_) => {
            reader.problem(node.place, "`names` is verbatim or camelCase", None);
            Style::Verbatim
        }
    }
}

fn tables(reader: &mut Reader, node: &Node) -> Vec<TableEntry> {
    let entries = reader.entries(node, "here stand tables by their names");
    entries.into_iter().map(|(name, value)| table(reader, name, value)).collect()
}

fn table(reader: &mut Reader, table: &Text, node: &Node) -> TableEntry {
    let mut entry = TableEntry {
        table: table.clone(),
        name: None,
        hidden: false,
        key: Vec::new(),
        triggers_trusted: false,
        columns: Vec::new(),
        relationships: Vec::new(),
    };
    for (key, value) in reader.fields(node, &TABLE_KEYS) {
        match key.text.as_str() {
            "name" => entry.name = reader.text(value),
            "hidden" => entry.hidden = reader.flag(value).unwrap_or_default(),
            "key" => {
                entry.key = reader.texts(value, "[id]");
                if matches!(&value.content, Content::List(items) if items.is_empty()) {
                    let hint = Some("name the columns that tell its rows apart, such as [id]".into());
                    reader.problem(value.place, "a key has at least one column", hint);
                }
            }
            "triggers" => entry.triggers_trusted = trusted(reader, value),
            "columns" => entry.columns = columns(reader, value),
            "relationships" => entry.relationships = relationships(reader, value),
            _ => {}
        }
    }
    entry
}

fn trusted(reader: &mut Reader, node: &Node) -> bool {
    let trusted = reader.text(node).is_some_and(|text| text.text == "trusted");
    if !trusted {
        reader.problem(node.place, "`triggers` can only be `trusted`", None);
    }
    trusted
}

fn columns(reader: &mut Reader, node: &Node) -> Vec<ColumnEntry> {
    let entries = reader.entries(node, "here stand columns by their names");
    entries.into_iter().map(|(name, value)| column(reader, name, value)).collect()
}

fn column(reader: &mut Reader, column: &Text, node: &Node) -> ColumnEntry {
    let mut entry =
        ColumnEntry { column: column.clone(), name: None, label: None, searchable: None, hidden: false };
    for (key, value) in reader.fields(node, &COLUMN_KEYS) {
        match key.text.as_str() {
            "name" => entry.name = reader.text(value),
            "label" => entry.label = reader.text(value).map(|text| text.text),
            "searchable" => entry.searchable = reader.flag(value),
            "hidden" => entry.hidden = reader.flag(value).unwrap_or_default(),
            _ => {}
        }
    }
    entry
}

fn relationships(reader: &mut Reader, node: &Node) -> Vec<RelationshipEntry> {
    let entries = reader.entries(node, "here stand relationships by their names");
    entries.into_iter().map(|(name, value)| relationship(reader, name, value)).collect()
}

fn relationship(reader: &mut Reader, relationship: &Text, node: &Node) -> RelationshipEntry {
    let mut entry = RelationshipEntry {
        relationship: relationship.clone(),
        name: None,
        to: None,
        columns: Vec::new(),
        to_columns: Vec::new(),
    };
    for (key, value) in reader.fields(node, &RELATIONSHIP_KEYS) {
        match key.text.as_str() {
            "name" => entry.name = reader.text(value),
            "to" => entry.to = reader.text(value),
            "columns" => entry.columns = reader.texts(value, "[id]"),
            "to_columns" => entry.to_columns = reader.texts(value, "[id]"),
            _ => {}
        }
    }
    check_relationship(reader, &entry);
    entry
}

/// Either a rename, or a declaration under the entry's own name.
fn check_relationship(reader: &mut Reader, entry: &RelationshipEntry) {
    let Text { text, place } = &entry.relationship;
    let message = match (&entry.name, &entry.to) {
        (Some(_), Some(_)) => {
            format!("`{text}` is declared here (`to`): its own name is the relationship's, leave `name` out")
        }
        (None, None) => format!("`{text}` needs `name` (another name) or `to` and `columns` (a declaration)"),
        (None, Some(_)) if entry.columns.is_empty() => {
            format!("`{text}` needs `columns`: those that refer to the other table")
        }
        (Some(_), None) if !entry.columns.is_empty() || !entry.to_columns.is_empty() => {
            format!("`{text}` is only renamed here: `columns` go with `to`")
        }
        _ => return,
    };
    reader.problem(*place, message, None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_shape_is_told_with_its_place() {
        let text = "tabels: {}\ntables:\n  a:\n    nmae: b\n    hidden: 3\n    key: id\n    triggers: no\n  b:\n    relationships: {c: {}}\n    columns: [d]\n  b:\n";
        let problems = Overlay::parse("m.yaml", text).unwrap_err();
        let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            told,
            [
                "m.yaml:1:1: unknown key `tabels` (did you mean `tables`?)",
                "m.yaml:4:5: unknown key `nmae` (did you mean `name`?)",
                "m.yaml:5:13: true or false is needed",
                "m.yaml:6:10: a list is needed (write [id])",
                "m.yaml:7:15: `triggers` can only be `trusted`",
                "m.yaml:9:21: `c` needs `name` (another name) or `to` and `columns` (a declaration)",
                "m.yaml:10:14: keys with values are needed here (here stand columns by their names)",
                "m.yaml:11:3: `b` stands here twice (first at m.yaml:8:3)",
            ]
        );
    }

    #[test]
    fn an_empty_file_amends_nothing() {
        assert!(Overlay::parse("m.yaml", "").unwrap().tables.is_empty());
    }
}
