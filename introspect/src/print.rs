//! [`Schema`] as stable, readable text: what `rulegate introspect` prints and the golden tests compare.
//!
//! ```text
//! table orders
//!   id           int64 not null, generated
//!   customer_id  int64 not null
//!   key (id)
//!   foreign key orders_customer_id_fkey (customer_id) -> customers (id)
//!   to-one customer -> customers
//! ```
//!
//! Columns are shown by attribute, with the database's name in quotes where it differs; everything else names columns by attribute.

use std::fmt::Write;

use dialects::sql::TableName;
use dialects::{AddressKind, IntKind, ValueType};

use crate::schema::{
    Action, Column, ColumnDefault, ColumnId, ForeignKey, Relationship, RelationshipKind, Schema, Table,
};

/// The whole schema.
pub fn print(schema: &Schema) -> String {
    let mut text = format!("{}\n", schema.dialect);
    for table in &schema.tables {
        text.push('\n');
        for line in lines(schema, table) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// One table: its heading, then an indented line for each thing it has.
pub fn lines(schema: &Schema, table: &Table) -> Vec<String> {
    let mut lines = vec![heading(table)];
    lines.extend(columns(table));
    lines.extend(keys(table));
    lines.extend(table.foreign_keys.iter().map(|key| format!("  {}", foreign_key(schema, table, key))));
    lines.extend(table.relationships.iter().map(|r| format!("  {}", relationship(schema, r))));
    lines
}

fn heading(table: &Table) -> String {
    let mut text = format!("{} {}", if table.view { "view" } else { "table" }, table.name);
    if table.db.name != table.name {
        let _ = write!(text, " = {}", database_name(&table.db));
    }
    let flags = [("join table", table.join_table), ("triggers", table.triggers), ("hidden", table.hidden)];
    for (flag, _) in flags.iter().filter(|(_, set)| *set) {
        let _ = write!(text, ", {flag}");
    }
    text + &comment(table.comment.as_deref())
}

fn database_name(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{schema:?}.{:?}", name.name),
        None => format!("{:?}", name.name),
    }
}

fn comment(comment: Option<&str>) -> String {
    comment.map(|text| format!(" -- {}", text.escape_debug())).unwrap_or_default()
}

fn columns(table: &Table) -> Vec<String> {
    let names: Vec<String> = table.columns.iter().map(column_name).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let line = |(name, column): (&String, &Column)| format!("  {name:width$}  {}", column_facts(column));
    names.iter().zip(&table.columns).map(line).collect()
}

fn column_name(column: &Column) -> String {
    if column.name == column.db_name {
        column.name.clone()
    } else {
        format!("{} = {:?}", column.name, column.db_name)
    }
}

fn column_facts(column: &Column) -> String {
    let mut facts = vec![value_type(column, column.ty) + if column.nullable { "" } else { " not null" }];
    facts.extend(default(&column.default));
    facts.extend(column.renewed.then(|| "renewed".to_owned()));
    facts.extend(
        column.generated.as_deref().map(|sql| format!("computed {}", one_line(sql)).trim_end().to_owned()),
    );
    facts.extend(column.label.as_ref().map(|label| format!("label {label:?}")));
    facts.extend(column.searchable.map(|yes| if yes { "searchable" } else { "not searchable" }.to_owned()));
    facts.extend(column.hidden.then(|| "hidden".to_owned()));
    facts.join(", ") + &comment(column.comment.as_deref())
}

fn default(default: &ColumnDefault) -> Option<String> {
    match default {
        ColumnDefault::None => None,
        ColumnDefault::Generated => Some("generated".into()),
        ColumnDefault::GeneratedAlways => Some("always generated".into()),
        ColumnDefault::Expression(sql) => Some(format!("default {}", one_line(sql))),
    }
}

fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn value_type(column: &Column, ty: ValueType) -> String {
    match ty {
        ValueType::Bool => "bool".into(),
        ValueType::Int(kind) => int_kind(kind).into(),
        ValueType::Decimal { precision: Some(precision), scale } => {
            format!("decimal({precision},{})", scale.unwrap_or(0))
        }
        ValueType::Decimal { precision: None, scale: Some(scale) } => format!("decimal(,{scale})"),
        ValueType::Decimal { precision: None, scale: None } => "decimal".into(),
        ValueType::Float { bits } => format!("float{bits}"),
        ValueType::Text { length: Some(length) } => format!("text({length})"),
        ValueType::Text { length: None } => "text".into(),
        ValueType::Uuid => "uuid".into(),
        ValueType::Date => "date".into(),
        ValueType::Time => "time".into(),
        ValueType::Timestamp => "timestamp".into(),
        ValueType::TimestampTz => "timestamptz".into(),
        ValueType::Json => "json".into(),
        ValueType::Bytes => "bytes".into(),
        ValueType::Enum => format!("enum({})", words(column)),
        ValueType::Set => format!("set({})", words(column)),
        ValueType::TimeTz => "timetz".into(),
        ValueType::Interval => "interval".into(),
        ValueType::Bits { length, varying } => bits(length, varying),
        ValueType::Address(kind) => address(kind).into(),
        ValueType::Array(element) => format!("{}[]", value_type(column, *element)),
        ValueType::Other => format!("other {:?}", column.sql_type.text),
    }
}

fn words(column: &Column) -> String {
    column.enum_values.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

fn bits(length: Option<u32>, varying: bool) -> String {
    let name = if varying { "varbit" } else { "bit" };
    length.map_or_else(|| name.to_owned(), |length| format!("{name}({length})"))
}

fn address(kind: AddressKind) -> &'static str {
    match kind {
        AddressKind::Inet => "inet",
        AddressKind::Cidr => "cidr",
        AddressKind::V4 => "inet4",
        AddressKind::V6 => "inet6",
        AddressKind::Mac => "mac",
        AddressKind::Mac64 => "mac64",
    }
}

fn int_kind(kind: IntKind) -> &'static str {
    match kind {
        IntKind::I8 => "int8",
        IntKind::I16 => "int16",
        IntKind::I24 => "int24",
        IntKind::I32 => "int32",
        IntKind::I64 => "int64",
        IntKind::U8 => "uint8",
        IntKind::U16 => "uint16",
        IntKind::U24 => "uint24",
        IntKind::U32 => "uint32",
        IntKind::U64 => "uint64",
        IntKind::Year => "year",
        IntKind::Dynamic => "integer",
    }
}

fn keys(table: &Table) -> Vec<String> {
    let key = if table.rowid_key {
        "  key (rowid)".to_owned()
    } else if table.key.is_empty() {
        "  no key".to_owned()
    } else {
        format!("  key ({})", names(table, &table.key))
    };
    let uniques = table.uniques.iter().map(|unique| format!("  unique ({})", names(table, &unique.columns)));
    let mut indexes: Vec<&[ColumnId]> = table.indexes.iter().map(Vec::as_slice).collect();
    indexes.retain(|index| {
        !index.is_empty()
            && *index != table.key
            && !table.uniques.iter().any(|unique| unique.columns == *index)
    });
    let indexes = indexes.into_iter().map(|index| format!("  index ({})", names(table, index)));
    std::iter::once(key).chain(uniques).chain(indexes).collect()
}

fn names(table: &Table, columns: &[ColumnId]) -> String {
    columns.iter().map(|id| table[*id].name.as_str()).collect::<Vec<_>>().join(", ")
}

fn foreign_key(schema: &Schema, table: &Table, key: &ForeignKey) -> String {
    let target = &schema[key.target];
    let mut text = format!(
        "foreign key {} ({}) -> {} ({})",
        key.name,
        names(table, &key.columns),
        target.name,
        names(target, &key.target_columns)
    );
    for (event, action) in [("delete", key.on_delete), ("update", key.on_update)] {
        if let Some(words) = action_words(action) {
            let _ = write!(text, " on {event} {words}");
        }
        if event == "delete" && !key.kept_on_delete.is_empty() {
            let _ = write!(text, " ({})", names(table, &key.set_on_delete().collect::<Vec<_>>()));
        }
    }
    for (flag, _) in
        [("deferred", key.deferred), ("declared in the model file", !key.enforced)].iter().filter(|f| f.1)
    {
        let _ = write!(text, ", {flag}");
    }
    text
}

fn action_words(action: Action) -> Option<&'static str> {
    match action {
        Action::NoAction => None,
        Action::Restrict => Some("restrict"),
        Action::Cascade => Some("cascade"),
        Action::SetNull => Some("set null"),
        Action::SetDefault => Some("set default"),
    }
}

fn relationship(schema: &Schema, relationship: &Relationship) -> String {
    let target = &schema[relationship.target];
    let back = &target[relationship.inverse].name;
    let ends = format!("{} -> {}, back by {back}", relationship.name, target.name);
    match relationship.kind {
        RelationshipKind::ToOne { .. } => format!("to-one {ends}"),
        RelationshipKind::ToMany { .. } => format!("to-many {ends}"),
        RelationshipKind::ManyToMany { through, .. } => {
            format!("to-many {ends}, through {}", schema[through].name)
        }
    }
}
