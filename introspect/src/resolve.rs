//! [`Catalog`] and [`Overlay`] → [`Schema`], or every problem found.
//!
//! Tables stand in the order of their names, foreign keys in the order of their columns: the same database gives the same schema,
//! whatever order its catalogue answers in.

use std::collections::HashMap;

use dialects::sql::TableName;

use crate::catalog::{self, Catalog};
use crate::naming::Style;
use crate::overlay::Overlay;
use crate::overlay::amend::Amend;
use crate::problem::Problem;
use crate::schema::{Column, ColumnId, ForeignKey, Schema, Table, TableId, Unique};
use crate::{naming, relate};

/// The schema of a catalogue, amended by the model file where there is one.
pub fn resolve(catalog: &Catalog, overlay: Option<&Overlay>) -> Result<Schema, Vec<Problem>> {
    // A file may speak of a relationship by the name that it has without the file.
    let plain = overlay.filter(|overlay| overlay.renames()).map(Overlay::without_names);
    let plain = plain.and_then(|overlay| put_together(catalog, Some(&overlay), None).ok());
    put_together(catalog, overlay, plain.as_ref())
}

fn put_together(
    catalog: &Catalog,
    overlay: Option<&Overlay>,
    plain: Option<&Schema>,
) -> Result<Schema, Vec<Problem>> {
    let style = Amend::style(overlay);
    let mut names = naming::types(&catalog.tables, style);
    let mut amend = Amend::new(overlay, catalog, &names);
    amend.types(catalog, &mut names);
    let sources = in_name_order(catalog, &names);
    let mut tables: Vec<Table> =
        sources.iter().map(|(name, source)| table(name, source, style, &mut amend)).collect();
    add_foreign_keys(&mut tables, &sources);
    amend.declare(&mut tables);
    tables.iter_mut().for_each(|table| table.join_table = relate::is_join_table(table));
    let mut drafts = relate::drafts(&tables, style);
    amend.relationships(&tables, &mut drafts, plain);
    relate::settle(&mut tables, &drafts);
    amend.finish()?;
    Ok(Schema::new(catalog.dialect, tables))
}

/// The catalogue's tables with their names, in the order of these.
fn in_name_order<'a>(catalog: &'a Catalog, names: &'a [String]) -> Vec<(&'a str, &'a catalog::Table)> {
    let mut tables: Vec<_> = names.iter().map(String::as_str).zip(&catalog.tables).collect();
    tables.sort_by_key(|(name, _)| *name);
    tables
}

fn table(name: &str, source: &catalog::Table, style: Style, amend: &mut Amend<'_>) -> Table {
    let amended = amend.key(source);
    let rowid = source.rowid.as_deref().filter(|_| amended.is_none());
    let key =
        amended.unwrap_or_else(|| rowid.map_or_else(|| source.key.clone(), |rowid| vec![rowid.to_owned()]));
    let columns: Vec<catalog::Column> =
        source.columns.iter().cloned().chain(rowid.map(catalog::rowid_column)).collect();
    let mut table = keyed(name, source, columns, &key, style);
    table.rowid_key = rowid.is_some();
    amend.table(&mut table);
    table
}

/// A table with its columns and keys; what relates tables comes later.
fn keyed(
    name: &str,
    source: &catalog::Table,
    columns: Vec<catalog::Column>,
    key: &[String],
    style: Style,
) -> Table {
    let db_names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    let names = naming::attributes(&db_names, &borrowed(key), style);
    let key = positions(&db_names, &borrowed(key)).unwrap_or_default();
    let uniques = uniques(source, &db_names, &key);
    let indexes =
        source.indexes.iter().filter_map(|columns| positions(&db_names, &borrowed(columns))).collect();
    Table {
        name: name.to_owned(),
        db: source.name.clone(),
        view: source.view,
        comment: source.comment.clone(),
        columns: names.into_iter().zip(columns).map(|(name, source)| column(name, source)).collect(),
        key,
        rowid_key: false,
        uniques,
        indexes,
        foreign_keys: Vec::new(),
        relationships: Vec::new(),
        triggers: source.triggers,
        triggers_trusted: false,
        join_table: false,
        hidden: false,
        denied: false,
    }
}

fn column(name: String, source: catalog::Column) -> Column {
    Column {
        name,
        db_name: source.name,
        ty: source.ty,
        sql_type: source.sql_type,
        enum_values: source.enum_values,
        nullable: source.nullable,
        default: source.default,
        loose: source.loose,
        renewed: source.renewed,
        generated: source.generated,
        comment: source.comment,
        hidden: false,
        label: None,
        searchable: None,
        is_virtual: false,
    }
}

/// Where names stand among a table's columns; none when one of them is not there (the role may not read it).
fn positions(columns: &[&str], names: &[&str]) -> Option<Vec<ColumnId>> {
    let position = |name: &&str| columns.iter().position(|column| column == name);
    names.iter().map(|name| Some(ColumnId(position(name)?.try_into().ok()?))).collect()
}

fn uniques(source: &catalog::Table, columns: &[&str], key: &[ColumnId]) -> Vec<Unique> {
    let unique = |unique: &catalog::Unique| {
        Some(Unique { name: unique.name.clone(), columns: positions(columns, &borrowed(&unique.columns))? })
    };
    let mut uniques: Vec<Unique> =
        source.uniques.iter().filter_map(unique).filter(|u| u.columns != key).collect();
    uniques.sort_by(|a, b| (&a.columns, &a.name).cmp(&(&b.columns, &b.name)));
    uniques
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn add_foreign_keys(tables: &mut [Table], sources: &[(&str, &catalog::Table)]) {
    let ids: HashMap<TableName, TableId> =
        (0..).map(TableId).zip(&*tables).map(|(id, t)| (t.db.clone(), id)).collect();
    let keys: Vec<Vec<ForeignKey>> = (0..)
        .map(TableId)
        .zip(sources)
        .map(|(id, (_, source))| {
            source.foreign_keys.iter().filter_map(|key| foreign_key(tables, &ids, id, key)).collect()
        })
        .collect();
    for (table, mut keys) in tables.iter_mut().zip(keys) {
        keys.sort_by(|a, b| (&a.columns, &a.name).cmp(&(&b.columns, &b.name)));
        table.foreign_keys = keys;
    }
}

/// A foreign key, unless it leads to where this role cannot read.
fn foreign_key(
    tables: &[Table],
    ids: &HashMap<TableName, TableId>,
    table: TableId,
    key: &catalog::ForeignKey,
) -> Option<ForeignKey> {
    let target = *ids.get(&key.target)?;
    let own = tables.get(table.0 as usize)?;
    Some(ForeignKey {
        name: key.name.clone(),
        columns: column_ids(own, &key.columns)?,
        target,
        target_columns: column_ids(tables.get(target.0 as usize)?, &key.target_columns)?,
        on_delete: key.on_delete,
        on_update: key.on_update,
        enforced: true,
        deferred: key.deferred,
        kept_on_delete: column_ids(own, &key.kept_on_delete)?,
    })
}

fn column_ids(table: &Table, names: &[String]) -> Option<Vec<ColumnId>> {
    let db_names: Vec<&str> = table.columns.iter().map(|c| c.db_name.as_str()).collect();
    positions(&db_names, &borrowed(names))
}
