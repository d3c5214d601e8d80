//! What was verified, remembered in a table of the database itself, which nothing but `rulegate setup` makes.
//!
//! One row for each rule, found by its fingerprint: a rule that has changed was never verified.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use dialects::render::render;
use dialects::sql::{Alias, Expr, Insert, Item, Query, Select, SqlType, TableName, TypedColumn, Update};
use dialects::{Dialect, IntKind, Kind, Pool, Rows, Value, ValueType};
use introspect::catalog::VERIFICATIONS;
use serde::{Deserialize, Serialize};

use super::RuleReport;
use crate::plan::verify as plan;
use crate::run::own_tables::exists;
use crate::state::Snapshot;

/// What is known of every rule that was ever verified here.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    records: HashMap<String, Record>,
    /// Those that the table holds already.
    stored: std::collections::HashSet<String>,
}

/// What is known of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What stands for its meaning.
    pub fingerprint: String,
    /// The rule, as declared.
    pub rule: String,
    /// When all rows had last been looked at, in UTC; `None`: never.
    pub verified_at: Option<NaiveDateTime>,
    /// How many rows there were then.
    pub rows: u64,
    /// How many of them were not as the rule says, and were left so.
    pub exceptions: u64,
    /// How far a run has come that has not ended.
    pub progress: Option<Progress>,
}

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Whether it mends.
    pub repair: bool,
    /// The id of the last row looked at; `None`: not begun.
    pub after: Option<String>,
    /// Rows looked at.
    pub rows: u64,
    /// Of them not as the rule says.
    pub exceptions: u64,
    /// Of these mended.
    pub mended: u64,
}

/// How far the rules can be trusted.
#[derive(Clone, Debug, PartialEq)]
pub enum Trust {
    /// Nobody knows: there is no table in which it could stand.
    Unknown,
    /// As far as is remembered.
    Known {
        /// Rules that were never verified as they are now.
        never: Vec<String>,
        /// Rules of which rows were found, and left, that are not as they say.
        broken: Vec<String>,
    },
}

impl Record {
    /// A rule that was never verified.
    pub(super) fn new(fingerprint: String, rule: &str) -> Self {
        let rule = rule.to_owned();
        Self { fingerprint, rule, verified_at: None, rows: 0, exceptions: 0, progress: None }
    }

    /// All rows have been looked at.
    pub(super) fn is_done(&mut self, report: &RuleReport) {
        self.verified_at = Some(chrono::Utc::now().naive_utc());
        (self.rows, self.exceptions, self.progress) = (report.rows, report.left(), None);
    }
}

impl Memory {
    /// What is known of a rule.
    pub fn record(&self, fingerprint: &str) -> Option<&Record> {
        self.records.get(fingerprint)
    }

    /// Whether such a run was cut off before it had ended with a rule.
    pub(super) fn interrupted(&self, fingerprint: &str, repair: bool) -> bool {
        let progress = self.record(fingerprint).and_then(|record| record.progress.as_ref());
        progress.is_some_and(|progress| progress.repair == repair)
    }

    /// Writes what is known of a rule. Another run may have noted it first, since this one has looked.
    pub(super) async fn save(&mut self, pool: &Pool, record: Record) -> dialects::Result<()> {
        let write = async |query: Query| pool.run(render(pool.dialect(), &query)).await.map(drop);
        let (columns, values) = (columns(pool.dialect()), values(&record));
        let updated = update(columns.clone(), values.clone());
        match self.stored.contains(&record.fingerprint) {
            true => write(updated).await?,
            false => {
                let rows = vec![values];
                let insert = Insert { table: table(), columns, rows, returning: Vec::new() };
                match write(Query::Insert(insert)).await {
                    Err(error) if error.kind == Kind::Unique => write(updated).await?,
                    inserted => inserted?,
                }
            }
        }
        self.stored.insert(record.fingerprint.clone());
        self.records.insert(record.fingerprint.clone(), record);
        Ok(())
    }
}

/// How far the rules of a snapshot can be trusted; nothing, where there is nothing to verify.
pub async fn trust(pool: &Pool, snapshot: &Snapshot) -> Result<Option<Trust>, super::Failure> {
    let rules = plan::rules(&snapshot.rules);
    let verifiable: Vec<_> =
        rules.iter().filter_map(|rule| Some((rule.name, rule.verification.ok()?))).collect();
    if verifiable.is_empty() {
        return Ok(None);
    }
    let Some(memory) = read(pool).await.map_err(super::Failure::Memory)? else {
        return Ok(Some(Trust::Unknown));
    };
    let (mut never, mut broken) = (Vec::new(), Vec::new());
    for (name, verification) in verifiable {
        let record = memory.record(&super::fingerprint(snapshot, name, &verification)?);
        match record.filter(|record| record.verified_at.is_some()) {
            None => never.push(name.to_owned()),
            Some(record) if record.exceptions > 0 => broken.push(name.to_owned()),
            Some(_) => {}
        }
    }
    Ok(Some(Trust::Known { never, broken }))
}

// ---- the table

/// Makes the table, where it is not there. Whether it was made.
pub async fn create(pool: &Pool) -> dialects::Result<bool> {
    if exists(pool, VERIFICATIONS).await? {
        return Ok(false);
    }
    let dialect = pool.dialect();
    let columns: Vec<String> = columns(dialect)
        .iter()
        .zip(["primary key", "not null", "", "not null", "not null", "not null", ""])
        .map(|(column, rest)| format!("{} {} {rest}", column.name, column.ty.text))
        .collect();
    pool.execute_script(&format!("create table {VERIFICATIONS} ({})", columns.join(", "))).await?;
    Ok(true)
}

/// What is remembered; nothing, where there is no table.
pub async fn read(pool: &Pool) -> dialects::Result<Option<Memory>> {
    if !exists(pool, VERIFICATIONS).await? {
        return Ok(None);
    }
    let types = [TEXT, TEXT, ValueType::TimestampTz, WHOLE, WHOLE, TEXT, TEXT];
    let items = columns(pool.dialect())
        .into_iter()
        .zip(types)
        .map(|(column, ty)| Item { expr: Expr::column(Alias(0), column.name), ty })
        .collect();
    let select = Select { items, from: Some((table().into(), Alias(0))), ..Select::default() };
    let answers = pool.run(render(pool.dialect(), &Query::Select(select))).await?;
    let records: HashMap<String, Record> =
        answers.iter().flat_map(records).map(|record| (record.fingerprint.clone(), record)).collect();
    Ok(Some(Memory { stored: records.keys().cloned().collect(), records }))
}

const TEXT: ValueType = ValueType::Text { length: None };
const WHOLE: ValueType = ValueType::Int(IntKind::I64);

fn table() -> TableName {
    TableName { schema: None, name: VERIFICATIONS.to_owned() }
}

fn columns(dialect: Dialect) -> Vec<TypedColumn> {
    let time = match dialect {
        Dialect::Postgres => "timestamp with time zone",
        Dialect::Mysql => "datetime(6)",
        Dialect::Sqlite => "timestamp",
    };
    [
        ("fingerprint", "varchar(16)"),
        ("rule", "text"),
        ("verified_at", time),
        ("rows_verified", "bigint"),
        ("exceptions", "bigint"),
        ("instance", "text"),
        ("progress", "text"),
    ]
    .map(|(name, ty)| TypedColumn { name: name.to_owned(), ty: SqlType::scalar(ty) })
    .into()
}

fn update(columns: Vec<TypedColumn>, values: Vec<Value>) -> Query {
    let (mut columns, mut values) = (columns.into_iter(), values.into_iter());
    let key = columns.next().into_iter().collect();
    let of_key = values.next().into_iter().collect();
    let rows = vec![(of_key, values.collect())];
    Query::Update(Update {
        table: table(),
        key,
        set: columns.collect(),
        rows,
        guard: None,
        returning: Vec::new(),
    })
}

fn values(record: &Record) -> Vec<Value> {
    let progress = record.progress.as_ref().and_then(|progress| serde_json::to_string(progress).ok());
    vec![
        Value::text(&record.fingerprint),
        Value::text(&record.rule),
        record.verified_at.map_or(Value::Null, Value::TimestampTz),
        Value::Int(i64::try_from(record.rows).unwrap_or(i64::MAX)),
        Value::Int(i64::try_from(record.exceptions).unwrap_or(i64::MAX)),
        Value::text(instance()),
        progress.map_or(Value::Null, Value::Text),
    ]
}

fn records(rows: &Rows) -> impl Iterator<Item = Record> {
    (0..rows.len()).filter_map(|row| record(rows.values(row)))
}

fn record(values: Vec<Value>) -> Option<Record> {
    let [fingerprint, rule, verified_at, rows, exceptions, _, progress] =
        <[Value; 7]>::try_from(values).ok()?;
    let number = |value: Value| match value {
        Value::Int(number) => u64::try_from(number).unwrap_or(0),
        _ => 0,
    };
    let (Value::Text(fingerprint), Value::Text(rule)) = (fingerprint, rule) else { return None };
    Some(Record {
        fingerprint,
        rule,
        verified_at: match verified_at {
            Value::TimestampTz(at) | Value::Timestamp(at) => Some(at),
            _ => None,
        },
        rows: number(rows),
        exceptions: number(exceptions),
        progress: match progress {
            Value::Text(text) => serde_json::from_str(&text).ok(),
            _ => None,
        },
    })
}

/// Which process has verified: its host and number.
fn instance() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    format!("{host}/{}", std::process::id())
}
