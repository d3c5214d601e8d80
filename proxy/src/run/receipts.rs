//! Receipts: what was answered to a write that came with an `Idempotency-Key`, kept in the write's own transaction.
//!
//! The key is written before anything else: who comes with the same one waits for that row, and then finds the receipt. What was refused is
//! rolled back, and its key with it. The answer follows in the statement that goes before the commit, so a key that is there has its answer.

mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Utc;
use dialects::render::render;
use dialects::sql::{Alias, Delete, Expr, Insert, Query, Select, Update};
use dialects::{Dialect, Kind, Pool, Statement, Value};
use http::{HeaderName, HeaderValue, StatusCode};
use introspect::catalog::IDEMPOTENCY;

use super::write::Written;
use crate::exchange::Response;
use crate::{Error, ErrorCode, Errors, Result};
pub use table::create;

/// How long a receipt is kept, in hours.
pub const KEPT_H: i64 = 24;

/// How often old ones are looked for, in minutes.
const SWEPT_MIN: i64 = 10;

/// Most receipts that are forgotten at once.
const SWEEP_ROWS: usize = 1000;

/// What names a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose it is: two actors may use the same key.
    pub actor: String,
    /// As the client chose it.
    pub key: String,
    /// What stands for the request: the same key with another one is a mistake.
    pub fingerprint: String,
}

/// Makes the answer of what was written.
pub type Answer = Arc<dyn Fn(&[Written]) -> Response + Send + Sync>;

/// A key, and how the answer is made of what was written.
#[derive(Clone)]
pub struct Keyed {
    /// The key.
    pub key: Key,
    /// Makes the answer.
    pub answer: Answer,
    /// The answer is whole. Else it is read after the commit, and kept then.
    pub whole: bool,
}

/// What was answered.
#[derive(Debug)]
pub struct Receipt {
    /// The answer.
    pub response: Response,
    /// It is what the client was told.
    pub whole: bool,
}

impl Keyed {
    /// Takes the key: a row that nobody else can add before the end of the transaction.
    pub(super) fn claim(&self, dialect: Dialect) -> Vec<Statement> {
        let key = &self.key;
        let values = vec![
            Value::text(&key.actor),
            Value::text(&key.key),
            Value::text(&key.fingerprint),
            Value::Bool(false),
            Value::Int(Utc::now().timestamp()),
        ];
        let columns = table::columns(&table::CLAIM);
        render(
            dialect,
            &Query::Insert(Insert {
                table: table::name(),
                columns,
                rows: vec![values],
                returning: Vec::new(),
            }),
        )
    }

    /// Keeps the answer.
    pub(super) fn record(&self, dialect: Dialect, written: &[Written]) -> Vec<Statement> {
        keep(dialect, &self.key, &(self.answer)(written), self.whole)
    }
}

fn keep(dialect: Dialect, key: &Key, response: &Response, whole: bool) -> Vec<Statement> {
    let values = vec![
        Value::Int(i64::from(response.status.as_u16())),
        Value::text(headers(response)),
        Value::Bytes(response.body.to_vec()),
        Value::Bool(whole),
    ];
    let query = Query::Update(Update {
        table: table::name(),
        key: table::columns(&table::KEY),
        set: table::columns(&table::ANSWER),
        rows: vec![(table::values_of(key), values)],
        // What is whole stays: all are told the same.
        guard: Some(Expr::Not(Box::new(Expr::column(Alias(0), "whole")))),
        returning: Vec::new(),
    });
    render(dialect, &query)
}

/// The receipt of a key. Errors: the key was used for another request; nobody has set receipts up.
pub async fn find(pool: &Pool, key: &Key) -> Result<Option<Receipt>> {
    let select = Select { filter: Some(table::is(key)), ..table::select() };
    let answers = match pool.run(render(pool.dialect(), &Query::Select(select))).await {
        Ok(answers) => answers,
        Err(error) => return Err(unreadable(pool, error).await),
    };
    let row = answers.first().filter(|rows| !rows.is_empty()).map(|rows| rows.values(0));
    let Some((fingerprint, receipt)) = row.and_then(receipt) else { return Ok(None) };
    match fingerprint == key.fingerprint {
        true => Ok(Some(receipt)),
        false => {
            let detail = "This key was sent with another request: each request needs a key of its own.";
            Err(Error::new(ErrorCode::IdempotencyKeyReused, detail).header("Idempotency-Key").into())
        }
    }
}

/// Keeps what the client is told in the place of what was written, unless that is kept already; then it is what all are told, and answered
/// here.
pub async fn finish(pool: &Pool, key: &Key, response: &Response) -> Result<Option<Response>> {
    pool.run(keep(pool.dialect(), key, response, true)).await?;
    Ok(find(pool, key).await?.map(|receipt| receipt.response))
}

async fn unreadable(pool: &Pool, error: dialects::Error) -> Errors {
    let there = super::own_tables::exists(pool, IDEMPOTENCY).await;
    match (error.kind, there) {
        (Kind::Other | Kind::Privilege, Ok(false)) => {
            let detail = "Repeated requests cannot be told here: send the request without this header.";
            let refusal = Error::new(ErrorCode::IdempotencyNotSetUp, detail).header("Idempotency-Key");
            refusal.logged(error.to_string()).into()
        }
        _ => error.into(),
    }
}

/// Forgets old receipts, now and then, without anybody waiting for it.
pub fn sweep(pool: &Arc<Pool>) {
    static SWEPT: AtomicI64 = AtomicI64::new(0);
    let now = Utc::now();
    let (minute, last) = (now.timestamp() / 60, SWEPT.load(Ordering::Relaxed));
    let due = minute - last >= SWEPT_MIN;
    if due && SWEPT.compare_exchange(last, minute, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        let (pool, before_s) = (pool.unwatched(), now.timestamp() - KEPT_H * 3600);
        tokio::spawn(async move {
            if let Err(error) = forget(&pool, before_s).await {
                tracing::warn!(%error, "old receipts of repeated requests could not be removed");
            }
        });
    }
}

/// Forgets the receipts from before a second (since 1970), some at a time.
pub async fn forget(pool: &Pool, before_s: i64) -> dialects::Result<()> {
    let dialect = pool.dialect();
    loop {
        let old = Query::Select(table::old(before_s, SWEEP_ROWS));
        let answers = pool.run(render(dialect, &old)).await?;
        let rows: Vec<Vec<Value>> =
            answers.iter().flat_map(|rows| (0..rows.len()).map(|n| rows.values(n))).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let (table, key) = (table::name(), table::columns(&table::KEY));
        let removal = Delete { table, key, rows, guard: None, returning: Vec::new() };
        pool.run(render(dialect, &Query::Delete(removal))).await?;
    }
}

// ---- answers as they are kept

fn headers(response: &Response) -> String {
    let pairs =
        response.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    serde_json::to_string(&pairs.collect::<Vec<_>>()).unwrap_or_default()
}

/// The fingerprint, and the answer.
fn receipt(values: Vec<Value>) -> Option<(String, Receipt)> {
    let [
        Value::Text(fingerprint),
        Value::Int(status),
        Value::Text(headers),
        Value::Bytes(body),
        Value::Bool(whole),
    ] = <[Value; 5]>::try_from(values).ok()?
    else {
        return None;
    };
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let mut response = Response { body: body.into(), ..Response::empty(status) };
    for (name, value) in serde_json::from_str::<Vec<(String, String)>>(&headers).ok()? {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers.append(name, value);
        }
    }
    Some((fingerprint, Receipt { response, whole }))
}
