//! A database of its own for a test, dropped at the end, also when the test fails.
//!
//! PostgreSQL and MariaDB are expected on this machine, or where `RULEGATE_TEST_POSTGRES_URL` and `RULEGATE_TEST_MYSQL_URL` say (a
//! database from which others may be created). Text compares by code point on all three (`C`, `utf8mb4_bin`, `BINARY`), and letters
//! are those of Unicode.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dialects::{Dialect, Options, Pool, Statement, ValueType};

use crate::pooler;

/// The databases that every case runs on.
pub const ALL: [Dialect; 3] = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite];

/// The databases that a program is told to work on; `None`: there is none of this name.
pub fn named(word: &str) -> Option<Vec<Dialect>> {
    match word {
        "all" => Some(ALL.to_vec()),
        "postgres" => Some(vec![Dialect::Postgres]),
        "mysql" => Some(vec![Dialect::Mysql]),
        "sqlite" => Some(vec![Dialect::Sqlite]),
        _ => None,
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A database, and a pool on it.
pub struct Database {
    /// Connections to it.
    pub pool: Arc<Pool>,
    /// Where it is.
    pub url: String,
    /// How it is connected to.
    pub options: Options,
    place: Place,
}

/// How it is removed.
#[derive(Debug)]
enum Place {
    Server {
        url: String,
        name: String,
    },
    File(std::path::PathBuf),
    /// Not ours: it stays as it is.
    Foreign,
}

impl Database {
    /// Creates an empty one.
    pub async fn create(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Postgres if pooler::is_wanted() => Self::pooled().await,
            _ => Self::direct(dialect).await,
        }
    }

    /// One of PostgreSQL, reached through a pooler in transaction mode.
    pub async fn pooled() -> Self {
        let mut database = Self::direct(Dialect::Postgres).await;
        let Place::Server { url: server, name } = &database.place else { unreachable!() };
        database.url = format!("{}/{name}", pooler::pgbouncer(server));
        database.options.cached_statements = false;
        database.pool = Arc::new(Pool::open(&database.url, database.options.clone()).unwrap());
        database
    }

    /// One that is reached without a pooler in any case: for what only a session of one's own shows, and for the program as a process.
    pub async fn direct(dialect: Dialect) -> Self {
        let name = format!("rg_cases_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let (url, place) = match server(dialect) {
            Some(server) => {
                let admin = open(&server);
                admin.execute_script(&create_database(dialect, &name)).await.unwrap();
                admin.close().await;
                (
                    format!("{}/{name}", server.rsplit_once('/').unwrap().0),
                    Place::Server { url: server, name },
                )
            }
            None => {
                let path = std::env::temp_dir().join(format!("{name}.db"));
                (format!("sqlite://{}?mode=rwc", path.display()), Place::File(path))
            }
        };
        Self { pool: open(&url), url, options: Options::default(), place }
    }

    /// Takes a database that somebody else made, and will not remove it.
    pub fn foreign(url: &str) -> Self {
        Self { pool: open(url), url: url.to_owned(), options: Options::default(), place: Place::Foreign }
    }

    /// The same one through a pool of its own, which does not remove it.
    pub fn again(&self) -> Self {
        let pool = Arc::new(Pool::open(&self.url, self.options.clone()).unwrap());
        Self { pool, url: self.url.clone(), options: self.options.clone(), place: Place::Foreign }
    }

    /// Which it is.
    pub fn dialect(&self) -> Dialect {
        self.pool.dialect()
    }

    /// Runs SQL of several statements.
    pub async fn execute(&self, script: &str) {
        if let Err(error) = self.pool.execute_script(script).await {
            panic!("{:?}: {error:?}", self.dialect());
        }
    }

    /// The rows of a query, each cell as text. `columns` is how many it has.
    pub async fn rows(&self, query: &str, columns: usize) -> Vec<Vec<String>> {
        let columns = vec![ValueType::Text { length: None }; columns];
        let statement = Statement { text: query.to_owned(), params: Vec::new(), columns };
        let answers = self.pool.run(vec![statement]).await.unwrap();
        let rows = answers.first().unwrap();
        (0..rows.len()).map(|row| rows.values(row).iter().map(text).collect()).collect()
    }
}

impl Drop for Database {
    /// In a thread of its own, because a test that fails cannot wait for a future.
    fn drop(&mut self) {
        match &self.place {
            Place::Foreign => {}
            Place::File(path) => {
                for suffix in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
                }
            }
            Place::Server { url, name } => {
                let (url, name) = (url.clone(), name.clone());
                let _ = std::thread::spawn(move || drop_database(&url, &name)).join();
            }
        }
    }
}

fn open(url: &str) -> Arc<Pool> {
    Arc::new(Pool::open(url, Options::default()).unwrap())
}

/// The server's own database. SQLite has none.
fn server(dialect: Dialect) -> Option<String> {
    let (variable, default) = match dialect {
        Dialect::Postgres => ("RULEGATE_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
        Dialect::Mysql => ("RULEGATE_TEST_MYSQL_URL", "mysql://root@127.0.0.1:3306/mysql"),
        Dialect::Sqlite => return None,
    };
    Some(std::env::var(variable).unwrap_or_else(|_| default.to_owned()))
}

fn create_database(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Postgres => {
            format!(
                "create database {name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8'"
            )
        }
        _ => format!("create database {name} character set utf8mb4 collate utf8mb4_bin"),
    }
}

fn drop_database(url: &str, name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let admin = open(url);
        let force = if admin.dialect() == Dialect::Postgres { " with (force)" } else { "" };
        if let Err(error) = admin.execute_script(&format!("drop database {name}{force}")).await {
            eprintln!("{name} stays: {error}");
        }
    });
}

fn text(value: &dialects::Value) -> String {
    match value {
        dialects::Value::Null => "null".into(),
        dialects::Value::Int(number) => number.to_string(),
        dialects::Value::Float(number) => number.to_string(),
        dialects::Value::Decimal(number) => number.to_plain_string(),
        dialects::Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    }
}
