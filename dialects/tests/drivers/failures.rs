//! What is lost, late or too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use dialects::{Dialect, Kind, Options, Pool, Rows, Script, Statement, Step, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::database::{ALL, Database, Held, Steps, one_int, options, plain};

const T: &str = "create table t (id int primary key, qty int); insert into t values (1, 1)";
const SERVERS: [Dialect; 2] = [Dialect::Postgres, Dialect::Mysql];

fn set_to(quantity: i32) -> dialects::Statement {
    plain(&format!("update t set qty = {quantity} where id = 1"))
}

async fn quantity(pool: &Pool) -> Value {
    pool.run(vec![one_int("select qty from t")]).await.unwrap()[0].values(0).remove(0)
}

#[tokio::test]
async fn a_row_locked_by_another_is_a_conflict() {
    for dialect in SERVERS {
        let database = Database::with(dialect, T).await;
        let (held, reached) = Held::new(vec![set_to(2)]);
        let mut first = Box::pin(database.pool.transact(held));
        tokio::select! { biased; _ = &mut first => panic!("it waits"), _ = reached => {} }
        let second = database.pool.transact(Steps::new(vec![Step::Commit(vec![set_to(3)])]));
        assert_eq!(second.await.unwrap().unwrap_err().kind, Kind::Conflict, "{dialect}");
        first.await.unwrap().unwrap();
        assert_eq!(quantity(&database.pool).await, Value::Int(2));
        database.drop().await;
    }
}

#[tokio::test]
async fn no_free_connection_in_time_is_exhausted() {
    for dialect in SERVERS {
        let database = Database::with(dialect, T).await;
        let pool = Pool::open(&database.url, Options { connections_max: 1, ..options() }).unwrap();
        let (held, reached) = Held::new(vec![set_to(2)]);
        let mut first = Box::pin(pool.transact(held));
        tokio::select! { biased; _ = &mut first => panic!("it waits"), _ = reached => {} }
        assert_eq!((pool.status().busy, pool.status().idle), (1, 0));
        let second = pool.transact(Steps::new(vec![Step::Commit(vec![])])).await;
        assert_eq!(second.err().unwrap().kind, Kind::Exhausted);
        first.await.unwrap().unwrap();
        assert_eq!((pool.status().busy, pool.status().idle), (0, 1));
        drop(pool);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_transaction_that_nobody_waits_for_is_rolled_back() {
    for dialect in SERVERS {
        let database = Database::with(dialect, T).await;
        let (held, reached) = Held::new(vec![set_to(2)]);
        let mut first = Box::pin(database.pool.transact(held));
        tokio::select! { biased; _ = &mut first => panic!("it waits"), _ = reached => {} }
        drop(first);
        // The lock goes as soon as the server sees the connection closed, well within the lock time-out.
        let second = database.pool.transact(Steps::new(vec![Step::Commit(vec![set_to(3)])])).await;
        second.unwrap().unwrap();
        assert_eq!(quantity(&database.pool).await, Value::Int(3), "{dialect}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    for (dialect, slow) in [
        (Dialect::Postgres, "select pg_sleep(5)"),
        (Dialect::Mysql, "select sleep(5)"),
        (
            Dialect::Sqlite,
            "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n",
        ),
    ] {
        let database = Database::with(dialect, T).await;
        assert_eq!(database.pool.run(vec![plain(slow)]).await.unwrap_err().kind, Kind::Timeout, "{dialect}");
        assert_eq!(quantity(&database.pool).await, Value::Int(1));
        database.drop().await;
    }
}

#[tokio::test]
async fn a_killed_connection_is_unavailable_once() {
    for (dialect, suicide) in [
        (Dialect::Postgres, "select pg_terminate_backend(pg_backend_pid())"),
        (Dialect::Mysql, "kill connection_id()"),
    ] {
        let database = Database::with(dialect, T).await;
        let script = Steps::new(vec![Step::Run(vec![set_to(2)]), Step::Commit(vec![plain(suicide)])]);
        let error = database.pool.transact(script).await.unwrap().unwrap_err();
        assert!(matches!(error.kind, Kind::Unavailable | Kind::Timeout), "{dialect}: {error}");
        assert_eq!(quantity(&database.pool).await, Value::Int(1));
        let again = Steps::new(vec![Step::Commit(vec![set_to(3)])]);
        database.pool.transact(again).await.unwrap().unwrap();
        database.drop().await;
    }
}

/// Passes a connection through to the server until the client's words end in these: they still arrive, the answer does not; another one is
/// given instead.
async fn cut_at(words: &'static str, instead: &'static [u8], listener: TcpListener, server: String) {
    while let Ok((mut client, _)) = listener.accept().await {
        let server = server.clone();
        tokio::spawn(async move {
            let mut server = TcpStream::connect(server).await.unwrap();
            let (mut up, mut down) = ([0; 65536], [0; 65536]);
            loop {
                tokio::select! {
                    Ok(n) = client.read(&mut up) => {
                        if n == 0 || server.write_all(&up[..n]).await.is_err() {
                            return;
                        }
                        if up[..n].windows(words.len()).any(|window| window == words.as_bytes()) {
                            // Only once the server has answered is it sure that it has done so.
                            let _ = server.read(&mut down).await;
                            let _ = client.write_all(instead).await;
                            return;
                        }
                    }
                    Ok(n) = server.read(&mut down) => {
                        if n == 0 || client.write_all(&down[..n]).await.is_err() {
                            return;
                        }
                    }
                    else => return,
                }
            }
        });
    }
}

/// The server's address, and the database's URL with the listener in its place.
fn through(database: &Database, listener: &TcpListener) -> (String, String) {
    let (_, place) = database.url.rsplit_once('@').unwrap();
    let (server, _) = place.split_once('/').unwrap();
    (server.to_owned(), database.url.replace(server, &listener.local_addr().unwrap().to_string()))
}

/// A database, and a pool on it whose connections are cut at these words.
async fn cut(dialect: Dialect, words: &'static str) -> (Database, Pool) {
    cut_with(dialect, words, b"").await
}

async fn cut_with(dialect: Dialect, words: &'static str, instead: &'static [u8]) -> (Database, Pool) {
    let database = Database::with(dialect, T).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (server, url) = through(&database, &listener);
    tokio::spawn(cut_at(words, instead, listener, server));
    (database, Pool::open(&url, options()).unwrap())
}

#[tokio::test]
async fn a_connection_lost_during_commit_leaves_the_outcome_unknown() {
    // The words of a simple query: PostgreSQL's are preceded by their length and end in a zero byte.
    for (dialect, words) in [(Dialect::Postgres, "\x0bcommit\0"), (Dialect::Mysql, "\x03commit")] {
        let (database, pool) = cut(dialect, words).await;
        let script = Steps::new(vec![Step::Run(vec![set_to(2)]), Step::Commit(vec![])]);
        let error = pool.transact(script).await.unwrap().unwrap_err();
        assert_eq!(error.kind, Kind::CommitUnknown, "{dialect}: {error}");
        assert_eq!(quantity(&database.pool).await, Value::Int(2), "here it had committed");
        drop(pool);
        database.drop().await;
    }
}

/// Passes a connection through until it is told to cut it, and tells when the client has hung up, too.
async fn cut_when(told: oneshot::Receiver<()>, cut: mpsc::Sender<()>, listener: TcpListener, server: String) {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut server = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = told => {}
    }
    client.shutdown().await.unwrap();
    while client.read(&mut [0; 1024]).await.is_ok_and(|n| n > 0) {}
    cut.send(()).unwrap();
}

/// Runs a statement, has the connection cut, and only then commits.
struct Cut {
    statement: Option<Statement>,
    tell: Option<oneshot::Sender<()>>,
    cut: mpsc::Receiver<()>,
}

impl Script for Cut {
    type Output = dialects::Result<Vec<Rows>>;

    fn next(&mut self, answer: dialects::Result<Vec<Rows>>) -> Step<Self::Output> {
        if let Some(statement) = self.statement.take() {
            return Step::Run(vec![statement]);
        }
        let Some(tell) = self.tell.take() else { return Step::Done(answer) };
        tell.send(()).unwrap();
        tokio::task::block_in_place(|| self.cut.recv()).unwrap();
        Step::Commit(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_before_commit_was_sent_has_committed_nothing() {
    let database = Database::with(Dialect::Postgres, T).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (server, url) = through(&database, &listener);
    let ((tell, told), (done, cut)) = (oneshot::channel(), mpsc::channel());
    tokio::spawn(cut_when(told, done, listener, server));
    let pool = Pool::open(&url, options()).unwrap();
    let script = Cut { statement: Some(set_to(2)), tell: Some(tell), cut };
    let error = pool.transact(script).await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable, "{error}");
    assert_eq!(quantity(&database.pool).await, Value::Int(1));
    drop(pool);
    database.drop().await;
}

/// In a process of its own, in which files stay small: the first write beyond that fails as on a broken disk.
#[tokio::test]
async fn a_disk_that_fails_during_commit_leaves_the_outcome_unknown() {
    const NAME: &str = "drivers::failures::a_disk_that_fails_during_commit_leaves_the_outcome_unknown";
    const LIMITED: &str = "RULEGATE_TEST_SMALL_FILES";
    if std::env::var_os(LIMITED).is_none() {
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "sh"])
            .arg(std::env::current_exe().unwrap());
        let output = shell.args(["--exact", NAME]).env(LIMITED, "").output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        return assert!(told.contains("1 passed"), "{told}");
    }
    let database = Database::with(Dialect::Sqlite, &format!("{T}; create table large (x blob)")).await;
    // It fits the cache: nothing of it is written before COMMIT.
    let large = || plain("insert into large values (zeroblob(1000000))");
    let script = Steps::new(vec![Step::Run(vec![large()]), Step::Commit(vec![set_to(2)])]);
    let error = database.pool.transact(script).await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::CommitUnknown, "{error}");
    assert_eq!(database.pool.run(vec![large()]).await.unwrap_err().kind, Kind::CommitUnknown);
    database.pool.transact(Steps::new(vec![Step::Commit(vec![set_to(3)])])).await.unwrap().unwrap();
    assert_eq!(quantity(&database.pool).await, Value::Int(3));
    database.drop().await;
}

#[tokio::test]
async fn a_server_that_panics_during_commit_leaves_the_outcome_unknown() {
    let panic = b"E\0\0\0\x25SPANIC\0VPANIC\0C53100\0Mdisk full\0\0";
    let (database, pool) = cut_with(Dialect::Postgres, "\x0bcommit\0", panic).await;
    let script = Steps::new(vec![Step::Run(vec![set_to(2)]), Step::Commit(vec![])]);
    let error = pool.transact(script).await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::CommitUnknown, "{error}");
    assert!(error.detail.contains("disk full"), "{error}");
    assert_eq!(quantity(&database.pool).await, Value::Int(2));
    drop(pool);
    database.drop().await;
}

#[tokio::test]
async fn a_lost_connection_leaves_an_autocommit_write_unknown_and_a_read_unavailable() {
    for dialect in SERVERS {
        // Already while being prepared: nothing was run yet.
        let (database, pool) = cut(dialect, "update t set").await;
        let kind = pool.run(vec![set_to(2)]).await.unwrap_err().kind;
        assert_eq!(kind, if dialect == Dialect::Postgres { Kind::Unavailable } else { Kind::CommitUnknown });
        drop(pool);
        database.drop().await;
        let (database, pool) = cut(dialect, "select qty").await;
        assert_eq!(pool.run(vec![one_int("select qty from t")]).await.unwrap_err().kind, Kind::Unavailable);
        drop(pool);
        database.drop().await;
    }
}

#[tokio::test]
async fn idle_connections_that_the_server_closed_are_replaced() {
    let database = Database::with(Dialect::Mysql, T).await;
    let pool = Pool::open(&database.url, options()).unwrap();
    let id = pool.run(vec![one_int("select connection_id()")]).await.unwrap()[0].values(0).remove(0);
    let Value::Int(id) = id else { panic!("{id:?}") };
    database.pool.run(vec![plain(&format!("kill {id}"))]).await.unwrap();
    // Only after a second at rest is it asked whether it lives.
    database.pool.run(vec![plain("select sleep(1.1)")]).await.unwrap();
    assert_eq!(quantity(&pool).await, Value::Int(1));
    drop(pool);
    database.drop().await;
}

#[tokio::test]
async fn transport_security_is_as_the_url_asks() {
    let database = Database::new(Dialect::Postgres).await;
    let encrypted = || one_int("select ssl::int from pg_stat_ssl where pid = pg_backend_pid()");
    for (parameters, expect) in [
        ("", Some(0)),
        ("?sslmode=disable", Some(0)),
        ("?sslmode=prefer", Some(1)),
        ("?sslmode=require", None),
    ] {
        let pool = Pool::open(&format!("{}{parameters}", database.url), options()).unwrap();
        match (pool.run(vec![encrypted()]).await, expect) {
            (Ok(rows), Some(expect)) => assert_eq!(rows[0].values(0), [Value::Int(expect)], "{parameters}"),
            // The test server's certificate is nobody's.
            (Err(error), None) => assert_eq!(error.kind, Kind::Unavailable),
            (other, _) => panic!("{parameters}: {other:?}"),
        }
    }
    database.drop().await;
}

/// Passes connections through and counts how often the client spoke.
async fn count_flushes(listener: TcpListener, server: String, flushes: Arc<AtomicU32>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let (server, flushes) = (server.clone(), Arc::clone(&flushes));
        tokio::spawn(async move {
            let mut server = TcpStream::connect(server).await.unwrap();
            let (mut up, mut down) = ([0; 65536], [0; 65536]);
            loop {
                tokio::select! {
                    Ok(n @ 1..) = client.read(&mut up) => {
                        flushes.fetch_add(1, Ordering::Relaxed);
                        server.write_all(&up[..n]).await.unwrap();
                    }
                    Ok(n @ 1..) = server.read(&mut down) => client.write_all(&down[..n]).await.unwrap(),
                    else => return,
                }
            }
        });
    }
}

#[tokio::test]
async fn a_postgres_transaction_with_its_begin_and_commit_is_one_flush() {
    let database = Database::with(Dialect::Postgres, T).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (server, url) = through(&database, &listener);
    let flushes = Arc::new(AtomicU32::new(0));
    tokio::spawn(count_flushes(listener, server, Arc::clone(&flushes)));
    let pool = Pool::open(&url, options()).unwrap();
    let script = || Steps::new(vec![Step::Commit(vec![set_to(2), set_to(3), set_to(2)])]);
    pool.transact(script()).await.unwrap().unwrap();
    let before = flushes.load(Ordering::Relaxed);
    pool.transact(script()).await.unwrap().unwrap();
    assert_eq!(flushes.load(Ordering::Relaxed) - before, 1);
    drop(pool);
    database.drop().await;
}

#[tokio::test]
async fn a_deferred_constraint_that_fails_at_commit_is_a_refusal() {
    let script = "create table p (id int primary key); \
                  create table c (p int constraint c_p references p deferrable initially deferred)";
    let database = Database::with(Dialect::Postgres, script).await;
    let write = Steps::new(vec![Step::Commit(vec![plain("insert into c values (1)")])]);
    let error = database.pool.transact(write).await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.constraint.as_deref()), (Kind::ForeignKey, Some("c_p")));
    assert_eq!(database.pool.status().idle, 1, "the connection is clean and kept");
    database.drop().await;
}

#[tokio::test]
async fn a_changed_table_does_not_break_prepared_statements() {
    let database = Database::with(Dialect::Postgres, T).await;
    let read = || plain("select id, qty from t");
    for ty in ["bigint", "numeric", "int"] {
        // Enough turns to meet every shared connection.
        for _ in 0..5 {
            database.pool.run(vec![read(), read()]).await.unwrap();
        }
        database.pool.transact(Steps::new(vec![Step::Commit(vec![read()])])).await.unwrap().unwrap();
        database.pool.execute_script(&format!("alter table t alter qty type {ty}")).await.unwrap();
        let stale = database.pool.transact(Steps::new(vec![Step::Commit(vec![read()])])).await.unwrap();
        assert_eq!(stale.unwrap_err().kind, Kind::Conflict);
    }
    database.drop().await;
}

#[tokio::test]
async fn statements_may_stay_unnamed() {
    for dialect in SERVERS {
        let database = Database::with(dialect, T).await;
        let pool = Pool::open(&database.url, Options { cached_statements: false, ..options() }).unwrap();
        let text = if dialect == Dialect::Postgres {
            "select qty from t where id = $1::int4"
        } else {
            "select qty from t where id = ?"
        };
        let mut read = one_int(text);
        read.params = vec![dialects::Param::One(Value::Int(1))];
        let rows = pool.run(vec![read.clone(), read]).await.unwrap();
        assert_eq!(rows[1].values(0), [Value::Int(1)]);
        pool.transact(Steps::new(vec![Step::Commit(vec![set_to(5)])])).await.unwrap().unwrap();
        assert_eq!(quantity(&pool).await, Value::Int(5));
        drop(pool);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_closed_pool_refuses() {
    for dialect in ALL {
        let database = Database::with(dialect, T).await;
        database.pool.close().await;
        assert_eq!(database.pool.ping().await.unwrap_err().kind, Kind::Unavailable);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_statement_outside_of_begin_cannot_write_on_an_exclusive_connection() {
    let database = Database::with(Dialect::Postgres, T).await;
    let script = Steps::new(vec![Step::Commit(vec![plain("commit"), set_to(9)])]);
    let error = database.pool.transact(script).await.unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::ReadOnly);
    assert_eq!(quantity(&database.pool).await, Value::Int(1));
    database.drop().await;
}
