//! MySQL's and MariaDB's `information_schema` → [`Catalog`]: the connection's database alone.
//!
//! `tinyint(1)` and `bit(1)` are boolean by convention. Defaults become SQL text whichever of the two servers tells them.

use std::collections::HashSet;

use dialects::sql::SqlType;
use dialects::{AddressKind, Dialect, IntKind, Pool, Result, Rows, ValueType};

use super::assemble::{self, Assembly, Record};
use super::{Catalog, Column};
use crate::schema::ColumnDefault;

/// How many columns each query of `mysql.sql` answers.
const WIDTHS: [usize; 6] = [6, 14, 5, 10, 2, 4];

/// What `information_schema.columns` tells about a type.
#[derive(Default)]
struct Declared<'a> {
    name: &'a str,
    full: &'a str,
    length: Option<u32>,
    precision: Option<u32>,
    scale: Option<u32>,
}

/// Reads the tables of the connection's database.
pub(super) async fn read(pool: &Pool) -> Result<Catalog> {
    let answers = assemble::ask(pool, include_str!("mysql.sql"), &WIDTHS).await?;
    let mut assembly = Assembly::new(Dialect::Mysql, answers.first());
    let json = json_columns(answers.get(4));
    assembly.columns(answers.get(1), |record| column(record, &json));
    assembly.keys(answers.get(2));
    assembly.foreign_keys(answers.get(3));
    assembly.indexes(answers.get(5));
    Ok(assembly.finish())
}

/// Table and column of every check `json_valid(`column`)`.
fn json_columns(answer: Option<&Rows>) -> HashSet<(String, String)> {
    let checked = |record: Record<'_>| {
        let clause = record.text(1)?;
        let quoted = clause.strip_prefix("json_valid(`")?.strip_suffix("`)")?;
        Some((record.text(0)?, quoted.replace("``", "`")))
    };
    assemble::records(answer).filter_map(checked).collect()
}

fn column(record: Record<'_>, json: &HashSet<(String, String)>) -> Column {
    let (data_type, full, extra) = (record.word(3), record.word(4), record.word(10).to_uppercase());
    let declared = Declared {
        name: &data_type,
        full: &full,
        length: record.number(5),
        precision: record.number(6),
        scale: record.number(7),
    };
    let generated = record.comment(11).filter(|_| extra.contains("GENERATED"));
    let is_json = json.contains(&(record.word(1), record.word(2)));
    let ty = if is_json { ValueType::Json } else { value_type(&declared) };
    Column {
        name: record.word(2),
        ty,
        enum_values: words(&full),
        loose: false,
        nullable: record.flag(8),
        default: match &generated {
            Some(_) => ColumnDefault::None,
            None => default(record.text(9), &extra, record.word(13) == "bare", ty),
        },
        renewed: extra.contains("ON UPDATE"),
        generated,
        comment: record.comment(12),
        sql_type: SqlType::scalar(full),
    }
}

fn value_type(declared: &Declared<'_>) -> ValueType {
    match declared.name {
        "tinyint" if declared.full.starts_with("tinyint(1)") => ValueType::Bool,
        "bit" if declared.precision == Some(1) => ValueType::Bool,
        "bit" => ValueType::Bits { length: declared.precision, varying: false },
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => ValueType::Int(int_kind(declared)),
        "year" => ValueType::Int(IntKind::Year),
        "decimal" => ValueType::Decimal { precision: declared.precision, scale: declared.scale },
        "float" => ValueType::Float { bits: 32 },
        "double" => ValueType::Float { bits: 64 },
        "char" | "varchar" => ValueType::Text { length: declared.length },
        "tinytext" | "text" | "mediumtext" | "longtext" => ValueType::Text { length: None },
        "enum" => ValueType::Enum,
        "set" => ValueType::Set,
        "date" => ValueType::Date,
        "time" => ValueType::Time,
        "datetime" => ValueType::Timestamp,
        "timestamp" => ValueType::TimestampTz,
        "json" => ValueType::Json,
        "uuid" => ValueType::Uuid,
        "inet4" => ValueType::Address(AddressKind::V4),
        "inet6" => ValueType::Address(AddressKind::V6),
        "tinyblob" | "blob" | "mediumblob" | "longblob" | "binary" | "varbinary" | "vector" => {
            ValueType::Bytes
        }
        _ => ValueType::Other,
    }
}

fn int_kind(declared: &Declared<'_>) -> IntKind {
    match (declared.name, declared.full.contains("unsigned")) {
        ("tinyint", false) => IntKind::I8,
        ("tinyint", true) => IntKind::U8,
        ("smallint", false) => IntKind::I16,
        ("smallint", true) => IntKind::U16,
        ("mediumint", false) => IntKind::I24,
        ("mediumint", true) => IntKind::U24,
        ("int", false) => IntKind::I32,
        ("int", true) => IntKind::U32,
        (_, false) => IntKind::I64,
        (_, true) => IntKind::U64,
    }
}

/// `enum('a','b''c')` → `a`, `b'c`; likewise of a set. Other types have none.
fn words(full: &str) -> Vec<String> {
    let list = ["enum('", "set('"].iter().find_map(|start| full.strip_prefix(start));
    let Some(list) = list.and_then(|rest| rest.strip_suffix("')")) else { return Vec::new() };
    list.split("','").map(|word| word.replace("''", "'")).collect()
}

/// The default as SQL. `bare`: MySQL's way, where a literal stands without quotes and only `DEFAULT_GENERATED` marks an expression.
fn default(text: Option<String>, extra: &str, bare: bool, ty: ValueType) -> ColumnDefault {
    if extra.contains("AUTO_INCREMENT") {
        return ColumnDefault::Generated;
    }
    match text {
        None => ColumnDefault::None,
        Some(text) if !bare && text == "NULL" => ColumnDefault::None,
        Some(text) if bare && !extra.contains("DEFAULT_GENERATED") && !stands_bare(ty) => {
            ColumnDefault::Expression(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")))
        }
        Some(text) => ColumnDefault::Expression(text),
    }
}

/// Whether a literal of the type is written without quotes.
fn stands_bare(ty: ValueType) -> bool {
    matches!(ty, ValueType::Bool | ValueType::Int(_) | ValueType::Decimal { .. } | ValueType::Float { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared<'a>(name: &'a str, full: &'a str) -> Declared<'a> {
        Declared { name, full, ..Declared::default() }
    }

    #[test]
    fn types_are_known_by_name_and_width() {
        let cases = [
            (declared("tinyint", "tinyint(1)"), ValueType::Bool),
            (declared("tinyint", "tinyint(4)"), ValueType::Int(IntKind::I8)),
            (declared("int", "int unsigned"), ValueType::Int(IntKind::U32)),
            (declared("bigint", "bigint(20) unsigned"), ValueType::Int(IntKind::U64)),
            (Declared { precision: Some(1), ..declared("bit", "bit(1)") }, ValueType::Bool),
            (
                Declared { precision: Some(8), ..declared("bit", "bit(8)") },
                ValueType::Bits { length: Some(8), varying: false },
            ),
            (
                Declared { length: Some(9), ..declared("varchar", "varchar(9)") },
                ValueType::Text { length: Some(9) },
            ),
            (Declared { length: Some(65535), ..declared("text", "text") }, ValueType::Text { length: None }),
            (declared("set", "set('a')"), ValueType::Set),
            (declared("timestamp", "timestamp"), ValueType::TimestampTz),
        ];
        for (declared, expect) in cases {
            assert_eq!(value_type(&declared), expect, "{}", declared.full);
        }
    }

    #[test]
    fn words_are_unquoted() {
        assert_eq!(words("enum('new','it''s','a,b')"), ["new", "it's", "a,b"]);
        assert_eq!(words("set('red','green')"), ["red", "green"]);
        assert_eq!(words("varchar(9)"), [""; 0]);
    }

    #[test]
    fn defaults_of_both_servers_become_sql() {
        let text = ValueType::Text { length: None };
        let sql = |text: &str| ColumnDefault::Expression(text.into());
        let cases = [
            (Some("'new'"), "", false, text, sql("'new'")),
            (Some("new"), "", true, text, sql("'new'")),
            (Some("NULL"), "", false, text, ColumnDefault::None),
            (Some("7"), "", true, ValueType::Int(IntKind::I32), sql("7")),
            (Some("uuid()"), "DEFAULT_GENERATED", true, text, sql("uuid()")),
            (None, "AUTO_INCREMENT", true, ValueType::Int(IntKind::I32), ColumnDefault::Generated),
        ];
        for (given, extra, bare, ty, expect) in cases {
            assert_eq!(default(given.map(str::to_owned), extra, bare, ty), expect);
        }
    }
}
