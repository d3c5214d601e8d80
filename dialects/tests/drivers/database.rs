//! A database of its own for a test, dropped at the end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dialects::{Dialect, Options, Param, Pool, Result, Rows, Script, Statement, Step, Value, ValueType};

/// An empty database and a pool on it.
pub struct Database {
    pub pool: Pool,
    pub url: String,
    drop: Option<(Pool, String)>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub const ALL: [Dialect; 3] = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite];

/// Impatient, so that tests of waiting are short.
pub fn options() -> Options {
    Options {
        connections_max: 4,
        acquire_timeout: Duration::from_millis(500),
        statement_timeout: Duration::from_millis(2000),
        lock_timeout: Duration::from_millis(1000),
        ..Options::default()
    }
}

/// The server's own database: the one on this machine, or where the environment says. SQLite has none.
fn server(dialect: Dialect) -> Option<String> {
    let (variable, default) = match dialect {
        Dialect::Postgres => ("RULEGATE_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
        Dialect::Mysql => ("RULEGATE_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306/mysql"),
        Dialect::Sqlite => return None,
    };
    Some(std::env::var(variable).unwrap_or_else(|_| default.to_owned()))
}

impl Database {
    pub async fn new(dialect: Dialect) -> Self {
        let name = format!("rg_dialects_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = server(dialect);
        let url = match &server {
            Some(server) => format!("{}/{name}", server.rsplit_once('/').unwrap().0),
            None => format!("sqlite://{}?mode=rwc", std::env::temp_dir().join(&name).display()),
        };
        let drop = match server {
            Some(server) => {
                let admin = Pool::open(&server, Options::default()).unwrap();
                admin.execute_script(&format!("create database {name}")).await.unwrap();
                Some((admin, name))
            }
            None => None,
        };
        Self { pool: Pool::open(&url, options()).unwrap(), url, drop }
    }

    pub async fn with(dialect: Dialect, script: &str) -> Self {
        let database = Self::new(dialect).await;
        database.pool.execute_script(script).await.unwrap();
        database
    }

    /// Closes and removes it.
    pub async fn drop(self) {
        self.pool.close().await;
        drop(self.pool);
        match self.drop {
            Some((admin, name)) => {
                let force = if admin.dialect() == Dialect::Postgres { " with (force)" } else { "" };
                admin.execute_script(&format!("drop database {name}{force}")).await.unwrap();
            }
            None => {
                let path = self.url.trim_start_matches("sqlite://").trim_end_matches("?mode=rwc");
                for suffix in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{path}{suffix}"));
                }
            }
        }
    }
}

/// A statement in `$1` spelling, made the dialect's.
pub fn statement(dialect: Dialect, text: &str, params: Vec<Value>, columns: Vec<ValueType>) -> Statement {
    let mut text = text.to_owned();
    if dialect != Dialect::Postgres {
        for number in (1..10).rev() {
            text = text.replace(&format!("${number}"), "?");
        }
    }
    Statement { text, params: params.into_iter().map(Param::One).collect(), columns }
}

pub fn plain(text: &str) -> Statement {
    Statement { text: text.to_owned(), params: vec![], columns: vec![] }
}

pub fn one_int(text: &str) -> Statement {
    Statement { text: text.to_owned(), params: vec![], columns: vec![ValueType::Int(dialects::IntKind::I64)] }
}

/// A script that takes prepared steps and ends at the first error.
pub struct Steps {
    steps: std::vec::IntoIter<Step<()>>,
    answers: Vec<Vec<Rows>>,
}

impl Steps {
    pub fn new(steps: Vec<Step<()>>) -> Self {
        Self { steps: steps.into_iter(), answers: vec![] }
    }
}

impl Script for Steps {
    type Output = Result<Vec<Vec<Rows>>>;

    fn next(&mut self, answer: Result<Vec<Rows>>) -> Step<Self::Output> {
        match answer {
            Err(error) => return Step::Done(Err(error)),
            Ok(rows) => self.answers.push(rows),
        }
        match self.steps.next() {
            Some(Step::Run(statements)) => Step::Run(statements),
            Some(Step::Commit(statements)) => Step::Commit(statements),
            Some(Step::Done(())) | None => Step::Done(Ok(std::mem::take(&mut self.answers))),
        }
    }
}

/// A script that runs its statements, says so, and then has no end of its own before it is polled again.
pub struct Held {
    statements: Option<Vec<Statement>>,
    reached: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Held {
    pub fn new(statements: Vec<Statement>) -> (Self, tokio::sync::oneshot::Receiver<()>) {
        let (reached, signal) = tokio::sync::oneshot::channel();
        (Self { statements: Some(statements), reached: Some(reached) }, signal)
    }
}

impl Script for Held {
    type Output = Result<()>;

    fn next(&mut self, answer: Result<Vec<Rows>>) -> Step<Self::Output> {
        if let Err(error) = answer {
            return Step::Done(Err(error));
        }
        if let Some(statements) = self.statements.take() {
            return Step::Run(statements);
        }
        match self.reached.take() {
            Some(reached) => {
                let _ = reached.send(());
                Step::Commit(vec![plain("select 1")])
            }
            None => Step::Done(Ok(())),
        }
    }
}
