//! PostgreSQL's `pg_catalog` → [`Catalog`].
//!
//! Types for casts stand without their modifier: a cast to `varchar(3)` would cut silently, an assignment refuses. (Those of times have it, for
//! clients to be told; it is left out of the cast.) Elements that are of a domain are known to the database alone.

use std::collections::HashMap;

use dialects::sql::SqlType;
use dialects::{AddressKind, Dialect, IntKind, Pool, Result, Rows, ValueType};

use super::assemble::{self, Assembly, Record};
use super::{Catalog, Column};
use crate::schema::ColumnDefault;

/// Words by the oid of their enum type.
type Enums = HashMap<String, Vec<String>>;

/// How many columns each query of `postgres.sql` answers.
const WIDTHS: [usize; 6] = [6, 15, 5, 11, 2, 4];

/// Reads the tables of all schemas that the role can reach.
pub(super) async fn read(pool: &Pool) -> Result<Catalog> {
    let answers = assemble::ask(pool, include_str!("postgres.sql"), &WIDTHS).await?;
    let mut assembly = Assembly::new(Dialect::Postgres, answers.first());
    let enums = enums(answers.get(4));
    assembly.columns(answers.get(1), |record| column(record, &enums));
    assembly.keys(answers.get(2));
    assembly.foreign_keys(answers.get(3));
    assembly.indexes(answers.get(5));
    Ok(assembly.finish())
}

fn enums(answer: Option<&Rows>) -> Enums {
    let mut enums = Enums::new();
    for record in assemble::records(answer) {
        enums.entry(record.word(0)).or_default().push(record.word(1));
    }
    enums
}

fn column(record: Record<'_>, enums: &Enums) -> Column {
    let base = value_type(&record.word(4), &record.word(5), record.text(6).and_then(|m| m.parse().ok()));
    let array = record.flag(8);
    let ty = if array { base.array() } else { base };
    let expression = record.text(12);
    let generated = !record.word(11).is_empty();
    Column {
        name: record.word(2),
        ty,
        sql_type: SqlType { text: record.word(3), array },
        enum_values: enums
            .get(&record.word(7))
            .filter(|_| base == ValueType::Enum)
            .cloned()
            .unwrap_or_default(),
        loose: record.flag(14),
        nullable: !record.flag(9),
        default: default(&record.word(10), expression.clone().filter(|_| !generated)),
        renewed: false,
        generated: generated.then(|| expression.unwrap_or_default()),
        comment: record.comment(13),
    }
}

/// A base type by its name in `pg_type`, its kind (`e`: enum, `b`: neither that nor made of others) and its modifier.
fn value_type(name: &str, kind: &str, modifier: Option<i32>) -> ValueType {
    match (name, kind) {
        (_, "e") => ValueType::Enum,
        (name, "b") => base_type(name, modifier),
        _ => ValueType::Other,
    }
}

fn base_type(name: &str, modifier: Option<i32>) -> ValueType {
    match name {
        "bool" => ValueType::Bool,
        "int2" => ValueType::Int(IntKind::I16),
        "int4" => ValueType::Int(IntKind::I32),
        "int8" => ValueType::Int(IntKind::I64),
        "oid" => ValueType::Int(IntKind::U32),
        "numeric" => decimal(modifier),
        "float4" => ValueType::Float { bits: 32 },
        "float8" => ValueType::Float { bits: 64 },
        "text" | "name" | "citext" => ValueType::Text { length: None },
        "varchar" | "bpchar" => ValueType::Text { length: header_less(modifier).map(i32::unsigned_abs) },
        "uuid" => ValueType::Uuid,
        "date" => ValueType::Date,
        "time" => ValueType::Time,
        "timetz" => ValueType::TimeTz,
        "interval" => ValueType::Interval,
        "timestamp" => ValueType::Timestamp,
        "timestamptz" => ValueType::TimestampTz,
        "json" | "jsonb" => ValueType::Json,
        "bytea" => ValueType::Bytes,
        "bit" => bits(modifier, false),
        "varbit" => bits(modifier, true),
        "inet" => ValueType::Address(AddressKind::Inet),
        "cidr" => ValueType::Address(AddressKind::Cidr),
        "macaddr" => ValueType::Address(AddressKind::Mac),
        "macaddr8" => ValueType::Address(AddressKind::Mac64),
        _ => ValueType::Other,
    }
}

/// A modifier counts four bytes that are none of the user's business.
fn header_less(modifier: Option<i32>) -> Option<i32> {
    modifier.and_then(|m| m.checked_sub(4)).filter(|m| *m >= 0)
}

/// The modifier of bits is their number.
fn bits(modifier: Option<i32>, varying: bool) -> ValueType {
    ValueType::Bits { length: modifier.and_then(|m| u32::try_from(m).ok()), varying }
}

/// The modifier of numeric: precision in the upper half, scale (eleven bits with sign) in the lower. A scale below zero or above
/// the precision is no limit on the digits that can be shown as such: it is left open.
fn decimal(modifier: Option<i32>) -> ValueType {
    let Some(m) = header_less(modifier) else {
        return ValueType::Decimal { precision: None, scale: None };
    };
    let (precision, scale) = ((m >> 16) & 0xffff, ((m & 0x7ff) ^ 1024) - 1024);
    match (u32::try_from(precision), u32::try_from(scale)) {
        (Ok(precision), Ok(scale)) if scale <= precision => {
            ValueType::Decimal { precision: Some(precision), scale: Some(scale) }
        }
        (_, scale) => ValueType::Decimal { precision: None, scale: scale.ok() },
    }
}

/// The default, from the identity's letter (`a`: always, `d`: by default) and the expression.
fn default(identity: &str, expression: Option<String>) -> ColumnDefault {
    match (identity, expression) {
        ("a", _) => ColumnDefault::GeneratedAlways,
        ("d", _) => ColumnDefault::Generated,
        (_, Some(text)) if text.starts_with("nextval(") => ColumnDefault::Generated,
        (_, Some(text)) => ColumnDefault::Expression(text),
        (_, None) => ColumnDefault::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_become_precision_scale_and_length() {
        let decimal = |precision, scale| ValueType::Decimal { precision, scale };
        let cases = [
            ("numeric", -1, decimal(None, None)),
            ("numeric", ((12 << 16) | 2) + 4, decimal(Some(12), Some(2))),
            ("numeric", ((3 << 16) | 5) + 4, decimal(None, Some(5))),
            ("numeric", ((3 << 16) | (-2 & 0x7ff)) + 4, decimal(None, None)),
            ("varchar", 44, ValueType::Text { length: Some(40) }),
            ("bpchar", 5, ValueType::Text { length: Some(1) }),
            ("varchar", -1, ValueType::Text { length: None }),
            ("bit", 3, ValueType::Bits { length: Some(3), varying: false }),
            ("varbit", -1, ValueType::Bits { length: None, varying: true }),
            ("point", -1, ValueType::Other),
        ];
        for (name, modifier, expect) in cases {
            assert_eq!(value_type(name, "b", Some(modifier)), expect, "{name} {modifier}");
        }
        assert_eq!(value_type("mood", "e", None), ValueType::Enum);
        assert_eq!(value_type("text", "d", None), ValueType::Other);
    }

    #[test]
    fn sequences_are_generated_and_other_defaults_are_text() {
        let cases = [
            ("a", None, ColumnDefault::GeneratedAlways),
            ("d", None, ColumnDefault::Generated),
            ("", Some("nextval('t_id_seq'::regclass)"), ColumnDefault::Generated),
            ("", Some("now()"), ColumnDefault::Expression("now()".into())),
            ("", None, ColumnDefault::None),
        ];
        for (identity, text, expect) in cases {
            assert_eq!(default(identity, text.map(str::to_owned)), expect);
        }
    }
}
