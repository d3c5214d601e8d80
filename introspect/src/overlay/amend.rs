//! Applies a model file step by step while a schema is resolved, and collects what does not fit.

use std::collections::HashSet;

use dialects::sql::TableName;

use crate::catalog::{self, Catalog};
use crate::naming::{self, Style};
use crate::overlay::{ColumnEntry, Overlay, RelationshipEntry, TableEntry};
use crate::problem::{self, Problem, did_you_mean};
use crate::relate::Draft;
use crate::schema::{Action, ColumnId, ForeignKey, Schema, Table, TableId};
use crate::yaml::Text;

/// A model file on its way into a schema.
pub(crate) struct Amend<'a> {
    overlay: Option<&'a Overlay>,
    /// Tables in the database with what is said about them.
    entries: Vec<(&'a TableName, &'a TableEntry)>,
    problems: Vec<Problem>,
}

impl<'a> Amend<'a> {
    /// Finds the tables that the file speaks of, by database name or default name.
    pub(crate) fn new(overlay: Option<&'a Overlay>, catalog: &'a Catalog, default_names: &[String]) -> Self {
        let mut amend = Self { overlay, entries: Vec::new(), problems: Vec::new() };
        for entry in overlay.map(|overlay| overlay.tables.as_slice()).unwrap_or_default() {
            match find_table(catalog, default_names, &entry.table.text) {
                Some(table) if amend.entry(&table.name).is_some() => {
                    amend.problem(&entry.table, format!("`{}` stands here twice", entry.table.text), None);
                }
                Some(table) => amend.entries.push((&table.name, entry)),
                None => amend.unknown("table", &entry.table, default_names.iter().map(String::as_str)),
            }
        }
        amend
    }

    /// How default names are spelled.
    pub(crate) fn style(overlay: Option<&Overlay>) -> Style {
        overlay.map(|overlay| overlay.style).unwrap_or_default()
    }

    /// All problems, or that there are none.
    pub(crate) fn finish(self) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() { Ok(()) } else { Err(problem::sorted(self.problems)) }
    }

    /// Renames resource types.
    pub(crate) fn types(&mut self, catalog: &Catalog, names: &mut [String]) {
        let mut renamed = Vec::new();
        for (table, name) in catalog.tables.iter().zip(names.iter_mut()) {
            if let Some(new) = self.entry(&table.name).and_then(|entry| entry.name.as_ref()) {
                *name = new.text.clone();
                renamed.push(new);
            }
        }
        for new in renamed {
            self.check_name(new, names.iter().map(String::as_str), &["operations"]);
        }
    }

    /// The key of a view, or of a table that has none.
    pub(crate) fn key(&mut self, table: &catalog::Table) -> Option<Vec<String>> {
        let key = &self.entry(&table.name).filter(|entry| !entry.key.is_empty())?.key;
        if let Some(first) = key.first().filter(|_| !table.key.is_empty()) {
            let own = table.key.join(", ");
            self.problem(first, format!("`{}` has a key already: {own}", table.name.name), None);
            return None;
        }
        let names = || table.columns.iter().map(|column| column.name.as_str());
        let mut found = Vec::new();
        for column in key {
            match names().find(|name| *name == column.text || naming::legal(name) == column.text) {
                Some(name) => found.push(name.to_owned()),
                None => self.unknown("column", column, names()),
            }
        }
        (found.len() == key.len()).then_some(found)
    }

    /// Amends a table and its columns.
    pub(crate) fn table(&mut self, table: &mut Table) {
        let Some(entry) = self.entry(&table.db) else { return };
        table.hidden = entry.hidden;
        table.triggers_trusted = table.triggers && entry.triggers_trusted;
        table.triggers = table.triggers && !entry.triggers_trusted;
        for column in &entry.columns {
            self.column(table, column);
        }
        for new in entry.columns.iter().filter_map(|column| column.name.as_ref()) {
            self.check_name(new, table.columns.iter().map(|c| c.name.as_str()), &["type", "id"]);
        }
    }

    fn column(&mut self, table: &mut Table, entry: &ColumnEntry) {
        let Some(id) = find_column(table, &entry.column.text) else {
            return self.unknown("column", &entry.column, table.columns.iter().map(|c| c.db_name.as_str()));
        };
        let Some(column) = table.columns.get_mut(id.0 as usize) else { return };
        if entry.searchable == Some(true) && !column.ty.is_textual() {
            self.problem(
                &entry.column,
                format!("`{}` is no text, and cannot be searched", column.name),
                None,
            );
        }
        if let Some(new) = &entry.name {
            column.name = new.text.clone();
        }
        column.hidden = entry.hidden;
        column.label = entry.label.clone();
        column.searchable = entry.searchable;
    }

    /// Adds the relationships that the database does not declare, as foreign keys that it does not enforce.
    pub(crate) fn declare(&mut self, tables: &mut [Table]) {
        for n in 0..tables.len() {
            let declared: Vec<ForeignKey> = self.declared(tables, n);
            if let Some(table) = tables.get_mut(n) {
                table.foreign_keys.extend(declared);
            }
        }
    }

    fn declared(&mut self, tables: &[Table], n: usize) -> Vec<ForeignKey> {
        let Some((table, entry)) = tables.get(n).and_then(|table| Some((table, self.entry(&table.db)?)))
        else {
            return Vec::new();
        };
        let declarations = entry.relationships.iter().filter_map(|entry| Some((entry, entry.to.as_ref()?)));
        declarations.filter_map(|(entry, to)| self.declaration(tables, table, entry, to)).collect()
    }

    fn declaration(
        &mut self,
        tables: &[Table],
        table: &Table,
        entry: &RelationshipEntry,
        to: &Text,
    ) -> Option<ForeignKey> {
        let found = (0..).map(TableId).zip(tables).find(|(_, t)| t.name == to.text || t.db.name == to.text);
        let Some((target, target_table)) = found else {
            self.unknown("table", to, tables.iter().map(|t| t.name.as_str()));
            return None;
        };
        let columns = self.column_ids(table, &entry.columns);
        let target_columns = match entry.to_columns.as_slice() {
            [] => Some(target_table.key.clone()),
            named => self.column_ids(target_table, named),
        };
        let (columns, target_columns) = (columns?, target_columns?);
        self.check_declaration(table, target_table, entry, columns.len() == target_columns.len());
        for (column, other) in columns.iter().zip(&target_columns) {
            let (column, other) = (&table[*column], &target_table[*other]);
            if std::mem::discriminant(&column.ty) != std::mem::discriminant(&other.ty) {
                let message =
                    format!("`{}` and `{}` have values of different types", column.db_name, other.db_name);
                let hint = "a relationship leads from columns to those that hold the same values";
                self.problem(&entry.relationship, message, Some(hint.into()));
            }
        }
        Some(ForeignKey {
            name: entry.relationship.text.clone(),
            columns,
            target,
            target_columns,
            on_delete: Action::NoAction,
            on_update: Action::NoAction,
            enforced: false,
            deferred: false,
            kept_on_delete: Vec::new(),
        })
    }

    fn check_declaration(
        &mut self,
        table: &Table,
        target: &Table,
        entry: &RelationshipEntry,
        pairwise: bool,
    ) {
        let at = &entry.relationship;
        if !pairwise {
            self.problem(at, "`columns` and `to_columns` must be as many", None);
        }
        for end in [table, target].into_iter().filter(|end| !end.is_resource()) {
            let hint = Some(format!("give it one here: {}: {{key: [...]}}", end.db.name));
            self.problem(at, format!("`{}` has no key and takes no part in relationships", end.name), hint);
        }
    }

    fn column_ids(&mut self, table: &Table, names: &[Text]) -> Option<Vec<ColumnId>> {
        let mut ids = Vec::new();
        for name in names {
            match find_column(table, &name.text) {
                Some(id) => ids.push(id),
                None => self.unknown("column", name, table.columns.iter().map(|c| c.db_name.as_str())),
            }
        }
        (ids.len() == names.len()).then_some(ids)
    }

    /// Renames relationships, and sees that declared ones get the name they ask for.
    pub(crate) fn relationships(&mut self, tables: &[Table], drafts: &mut [Draft], plain: Option<&Schema>) {
        for (id, table) in (0..).map(TableId).zip(tables) {
            let Some(entry) = self.entry(&table.db) else { continue };
            let default_name = |draft: &Draft| plain.and_then(|plain| draft.default_name(tables, plain));
            let named = self.named(id, table, entry, drafts, &default_name);
            for (n, new) in &named {
                if let Some(draft) = drafts.get_mut(*n) {
                    draft.name = new.text.clone();
                }
            }
            let own = drafts.iter().filter(|draft| draft.table == id).map(|draft| draft.name.as_str());
            let members: Vec<&str> = own.chain(table.columns.iter().map(|c| c.name.as_str())).collect();
            for (_, new) in named {
                self.check_name(new, members.iter().copied(), &["type", "id"]);
            }
        }
    }

    /// The relationships of a table that the file names, with these names.
    fn named(
        &mut self,
        id: TableId,
        table: &Table,
        entry: &'a TableEntry,
        drafts: &[Draft],
        default_name: &dyn Fn(&Draft) -> Option<String>,
    ) -> Vec<(usize, &'a Text)> {
        let own = || drafts.iter().enumerate().filter(|(_, draft)| draft.table == id);
        let mut named = Vec::new();
        for RelationshipEntry { relationship, name, .. } in &entry.relationships {
            let found = match name {
                Some(_) => own().find(|(_, draft)| draft.name == relationship.text).or_else(|| {
                    own().find(|(_, draft)| default_name(draft).as_ref() == Some(&relationship.text))
                }),
                None => own().find(|(_, draft)| draft.declared_as(table) == Some(&relationship.text)),
            };
            match (found, name) {
                (Some((n, _)), name) => named.push((n, name.as_ref().unwrap_or(relationship))),
                (None, Some(_)) => {
                    self.unknown("relationship", relationship, own().map(|(_, draft)| draft.name.as_str()))
                }
                (None, None) => {}
            }
        }
        named
    }

    fn entry(&self, table: &TableName) -> Option<&'a TableEntry> {
        self.entries.iter().find(|(name, _)| *name == table).map(|(_, entry)| *entry)
    }

    /// A name given by hand must be a legal member name, nobody else's and not reserved.
    fn check_name<'b>(&mut self, new: &Text, all: impl Iterator<Item = &'b str>, reserved: &[&str]) {
        let name = new.text.as_str();
        let legal = naming::legal(name);
        if legal != name {
            self.problem(
                new,
                format!("`{name}` cannot be a name in JSON:API"),
                Some(format!("for example `{legal}`")),
            );
        } else if reserved.contains(&name) {
            self.problem(new, format!("`{name}` is a name of JSON:API's own"), None);
        } else if all.filter(|other| *other == name).count() > 1 {
            self.problem(new, format!("`{name}` is taken"), Some("choose another name".to_owned()));
        }
    }

    fn unknown<'b>(&mut self, what: &str, name: &Text, known: impl Iterator<Item = &'b str>) {
        let known: HashSet<&str> = known.collect();
        let hint = did_you_mean(&name.text, known);
        self.problem(name, format!("no {what} `{}`", name.text), hint);
    }

    fn problem(&mut self, at: &Text, message: impl Into<String>, hint: Option<String>) {
        let file = self.overlay.map(|overlay| overlay.file.clone()).unwrap_or_default();
        self.problems.push(Problem { file, place: at.place, message: message.into(), hint });
    }
}

/// By default name, by name in the default schema, by `schema.name`.
fn find_table<'a>(catalog: &'a Catalog, default_names: &[String], name: &str) -> Option<&'a catalog::Table> {
    let tables = || catalog.tables.iter();
    let by_default =
        tables().zip(default_names).find(|(_, default)| *default == name).map(|(table, _)| table);
    by_default
        .or_else(|| tables().find(|table| table.in_default_schema && table.name.name == name))
        .or_else(|| tables().find(|table| qualified(&table.name).as_deref() == Some(name)))
}

fn qualified(name: &TableName) -> Option<String> {
    name.schema.as_ref().map(|schema| format!("{schema}.{}", name.name))
}

fn find_column(table: &Table, name: &str) -> Option<ColumnId> {
    table.columns().find(|(_, c)| c.db_name == name || c.name == name).map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::table;
    use crate::{print, resolve};
    use dialects::Dialect;

    fn shop() -> Catalog {
        let mut view = table(None, "sales_view", &["order_id", "sum"], &[]);
        view.view = true;
        let tables = vec![
            table(None, "orders", &["id", "region_code", "note"], &["id"]),
            table(None, "items", &["id", "order_id"], &["id"]).referring(&["order_id"], "orders", &["id"]),
            table(None, "regions", &["id", "code"], &["id"]),
            view,
        ];
        Catalog { dialect: Dialect::Sqlite, tables }
    }

    fn amended(text: &str) -> Result<Schema, Vec<Problem>> {
        resolve(&shop(), Some(&Overlay::parse("m.yaml", text).unwrap()))
    }

    fn told(text: &str) -> Vec<String> {
        amended(text).unwrap_err().iter().map(Problem::to_string).collect()
    }

    #[test]
    fn tables_columns_and_relationships_are_amended() {
        let text = "tables:\n  orders:\n    name: purchases\n    columns: {note: {name: remark, label: Remark, searchable: false, hidden: true}}\n    relationships: {items: {name: lines}, region: {to: regions, columns: [region_code], to_columns: [code]}}\n  sales_view: {name: sales, key: [order_id]}\n";
        let schema = amended(text).unwrap();
        assert_eq!(print::print(&schema), include_str!("../../tests/golden/amended.txt"));
    }

    #[test]
    fn a_relationship_is_found_by_its_name_without_the_file() {
        for name in ["items", "lines"] {
            let text = format!(
                "tables:\n  items: {{name: lines, columns: {{order_id: {{name: of}}}}}}\n  orders: {{relationships: {{{name}: {{name: parts}}}}}}\n"
            );
            let schema = amended(&text).unwrap();
            assert!(schema[schema.find("orders").unwrap()].relationship("parts").is_some(), "{name}");
        }
    }

    #[test]
    fn camel_case_spells_every_default_name() {
        let schema = amended("names: camelCase\n").unwrap();
        let orders = &schema[schema.find("orders").unwrap()];
        assert!(orders.column("regionCode").is_some() && orders.relationship("items").is_some());
        assert!(schema.find("salesView").is_some());
    }

    #[test]
    fn a_declared_relationship_does_not_take_a_columns_name() {
        let text = "tables:\n  orders: {relationships: {note: {to: regions, columns: [region_code], to_columns: [code]}}}\n";
        assert_eq!(told(text), ["m.yaml:2:28: `note` is taken (choose another name)"]);
    }

    #[test]
    fn names_that_do_not_exist_are_problems_with_a_hint() {
        let text = "tables:\n  ordres: {}\n  items: {columns: {ordr_id: {}}, relationships: {odrer: {name: o}}}\n  sales_view: {key: [ordre_id]}\n  regions: {relationships: {x: {to: shps, columns: [cod]}}}\n";
        assert_eq!(
            told(text),
            [
                "m.yaml:2:3: no table `ordres` (did you mean `orders`?)",
                "m.yaml:3:21: no column `ordr_id` (did you mean `order_id`?)",
                "m.yaml:3:51: no relationship `odrer` (did you mean `order`?)",
                "m.yaml:4:22: no column `ordre_id` (did you mean `order_id`?)",
                "m.yaml:5:37: no table `shps`",
            ]
        );
    }

    #[test]
    fn only_texts_are_searchable() {
        let text = "tables:\n  orders: {columns: {note: {searchable: true}}}\n";
        assert_eq!(told(text), ["m.yaml:2:22: `note` is no text, and cannot be searched"]);
    }

    #[test]
    fn names_that_cannot_be_given_are_problems() {
        let text = "tables:\n  orders: {name: items, columns: {note: {name: id}}}\n  items: {relationships: {order: {name: a b}}}\n  regions: {key: [code]}\n";
        assert_eq!(
            told(text),
            [
                "m.yaml:2:18: `items` is taken (choose another name)",
                "m.yaml:2:48: `id` is a name of JSON:API's own",
                "m.yaml:3:41: `a b` cannot be a name in JSON:API (for example `a_b`)",
                "m.yaml:4:19: `regions` has a key already: id",
            ]
        );
    }
}
