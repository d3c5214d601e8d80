//! Rows as they come: all of them, held back by a slow reader, stopped with it.

use std::time::{Duration, Instant};

use dialects::{Dialect, IntKind, Kind, Pool, RowStream, Statement, Value, ValueType};

use super::database::{ALL, Database, one_int, options, plain, statement};

const T: &str = "create table t (id int primary key, qty int); insert into t values (1, 1)";

/// The whole numbers from 1 on, each with a text of `width` bytes.
fn numbers(dialect: Dialect, count: u64, width: usize) -> Statement {
    let text = match dialect {
        // In FROM, the series would be made whole first.
        Dialect::Postgres => {
            format!("select n, repeat('x', {width}) from (select generate_series(1, {count}) n) s")
        }
        Dialect::Mysql => format!("select seq, repeat('x', {width}) from seq_1_to_{count}"),
        Dialect::Sqlite => format!(
            "with recursive s(n) as (select 1 union all select n + 1 from s where n < {count}) \
             select n, printf('%.*c', {width}, 'x') from s"
        ),
    };
    let columns = vec![ValueType::Int(IntKind::I64), ValueType::Text { length: None }];
    Statement { text, params: Vec::new(), columns }
}

/// How many rows come, in order and whole.
async fn count(stream: &mut RowStream, width: usize) -> i64 {
    let mut last = 0;
    while let Some(rows) = stream.next().await.unwrap() {
        for row in 0..rows.len() {
            last += 1;
            assert_eq!(rows.values(row), [Value::Int(last), Value::text("x".repeat(width))]);
        }
    }
    last
}

/// Waits until so many connections are taken.
async fn busy(pool: &Pool, count: usize) {
    let until = Instant::now() + Duration::from_secs(10);
    while pool.status().busy != count {
        assert!(Instant::now() < until, "{:?}", pool.status());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Statements of streams that the server works on.
async fn running(pool: &Pool) -> Value {
    let text = match pool.dialect() {
        Dialect::Postgres => {
            "select count(*) from pg_stat_activity where state <> 'idle' and query like '%generate_series%' \
             and pid <> pg_backend_pid() and datname = current_database()"
        }
        Dialect::Mysql => {
            "select count(*) from information_schema.processlist where info like '%seq_1_to_%' \
             and id <> connection_id() and db = database()"
        }
        Dialect::Sqlite => return Value::Int(0),
    };
    pool.run(vec![one_int(text)]).await.unwrap()[0].values(0).remove(0)
}

async fn quiet(pool: &Pool) {
    let until = Instant::now() + Duration::from_secs(10);
    while running(pool).await != Value::Int(0) {
        assert!(Instant::now() < until, "{}: it runs on", pool.dialect());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn when_free(pool: &Pool, statement: Statement) -> RowStream {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match pool.stream(statement.clone()).await {
            Ok(stream) => return stream,
            Err(error) => assert!(error.kind == Kind::Exhausted && Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn all_rows_come_in_their_order_and_the_connection_is_free_again() {
    for dialect in ALL {
        let database = Database::new(dialect).await;
        for (rows, width) in [(0, 1), (1, 1), (500, 1), (1234, 1), (20, 100_000)] {
            let rows = if dialect == Dialect::Mysql { rows.max(1) } else { rows };
            let mut stream = database.pool.stream(numbers(dialect, rows, width)).await.unwrap();
            let expect = if dialect == Dialect::Sqlite { rows.max(1) } else { rows };
            assert_eq!(count(&mut stream, width).await, expect as i64, "{dialect}");
            busy(&database.pool, 0).await;
        }
        let none = statement(dialect, "select 1 where 1 = $1", vec![Value::Int(0)], vec![]);
        assert!(database.pool.stream(none).await.unwrap().next().await.unwrap().is_none(), "{dialect}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_database_in_memory_waits_for_no_reader() {
    let pool = Pool::open("sqlite::memory:", options()).unwrap();
    let mut stream = pool.stream(numbers(Dialect::Sqlite, 5000, 10)).await.unwrap();
    pool.execute_script(T).await.unwrap();
    assert_eq!(count(&mut stream, 10).await, 5000);
}

#[tokio::test]
async fn a_reader_slower_than_the_time_out_of_statements_gets_all() {
    for dialect in ALL {
        let database = Database::new(dialect).await;
        // More than sockets hold, so that the statement is under way all the time.
        let mut stream = database.pool.stream(numbers(dialect, 40_000, 1000)).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        tokio::time::sleep(options().statement_timeout + Duration::from_millis(500)).await;
        let mut rows = first.len();
        while let Some(batch) = stream.next().await.unwrap() {
            rows += batch.len();
        }
        assert_eq!(rows, 40_000, "{dialect}");
        // Others are bounded as ever.
        let slow = match dialect {
            Dialect::Postgres => "select pg_sleep(5)",
            Dialect::Mysql => "select sleep(5)",
            Dialect::Sqlite => {
                "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
            }
        };
        assert_eq!(database.pool.run(vec![plain(slow)]).await.unwrap_err().kind, Kind::Timeout, "{dialect}");
        database.drop().await;
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_stops_its_statement() {
    for dialect in ALL {
        let database = Database::new(dialect).await;
        let endless = 1_000_000_000;
        let mut stream = database.pool.stream(numbers(dialect, endless, 1000)).await.unwrap();
        stream.next().await.unwrap().unwrap();
        drop(stream);
        quiet(&database.pool).await;
        busy(&database.pool, 0).await;
        database.drop().await;
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_before_its_first_row_stops_its_statement() {
    for dialect in ALL {
        let database = Database::new(dialect).await;
        let text = match dialect {
            Dialect::Postgres => {
                "select count(*) from (select generate_series(1, 100000000000) n) s where n % 2 = 5"
            }
            Dialect::Mysql => "select count(*) from seq_1_to_100000000000 where seq % 2 = 5",
            Dialect::Sqlite => {
                "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
            }
        };
        let mut stream = database.pool.stream(one_int(text)).await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
        assert!(waited.is_err(), "{dialect}: {waited:?}");
        drop(stream);
        quiet(&database.pool).await;
        busy(&database.pool, 0).await;
        // The place of the stream is free as well.
        for _ in 0..3 {
            let mut stream = when_free(&database.pool, numbers(dialect, 3, 1)).await;
            assert_eq!(count(&mut stream, 1).await, 3);
        }
        database.drop().await;
    }
}

#[tokio::test]
async fn streams_leave_half_of_the_connections_to_others() {
    for dialect in ALL {
        let database = Database::with(dialect, T).await;
        let endless = || database.pool.stream(numbers(dialect, 1_000_000_000, 1000));
        let (first, second) = (endless().await.unwrap(), endless().await.unwrap());
        assert_eq!(endless().await.unwrap_err().kind, Kind::Exhausted, "{dialect}");
        assert_eq!(database.pool.run(vec![one_int("select qty from t")]).await.unwrap()[0].len(), 1);
        drop(first);
        drop(second);
        database.pool.close().await;
        assert_eq!(endless().await.unwrap_err().kind, Kind::Exhausted);
        database.drop().await;
    }
}

#[tokio::test]
async fn an_error_among_the_rows_is_told_and_is_the_end() {
    for (dialect, failing) in [
        (Dialect::Postgres, "select 1 / (90000 - n) from (select generate_series(1, 100000) n) s"),
        (
            Dialect::Mysql,
            "select if(seq < 90000, 1, (select s.seq from seq_1_to_3 s where s.seq < t.seq)) from seq_1_to_100000 t",
        ),
        (
            Dialect::Sqlite,
            "with recursive s(n) as (select 1 union all select n + 1 from s where n < 100000) \
             select abs(n - 90000 - 9223372036854775807 - iif(n = 90000, 1, 0)) from s where n > 89990",
        ),
    ] {
        let database = Database::new(dialect).await;
        let mut stream = database.pool.stream(one_int(failing)).await.unwrap();
        let error = loop {
            match stream.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{dialect}: a clean end"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error.kind, Kind::Data | Kind::Other), "{dialect}: {error}");
        busy(&database.pool, 0).await;
        database.drop().await;
    }
}

#[tokio::test]
async fn a_connection_that_is_killed_among_the_rows_is_an_error() {
    for (dialect, kill) in [
        (
            Dialect::Postgres,
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where query like '%generate_series%' \
             and pid <> pg_backend_pid() and datname = current_database()",
        ),
        (
            Dialect::Mysql,
            "select id from information_schema.processlist where info like '%seq_1_to_%' \
             and id <> connection_id() and db = database()",
        ),
    ] {
        let database = Database::new(dialect).await;
        let mut stream = database.pool.stream(numbers(dialect, 1_000_000_000, 1000)).await.unwrap();
        stream.next().await.unwrap().unwrap();
        let answer = database.pool.run(vec![one_int(kill)]).await.unwrap();
        if dialect == Dialect::Mysql {
            let Value::Int(id) = answer[0].values(0)[0] else { panic!("no id") };
            database.pool.execute_script(&format!("kill {id}")).await.unwrap();
        }
        let error = loop {
            match stream.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{dialect}: a clean end"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, Kind::Unavailable, "{dialect}: {error}");
        busy(&database.pool, 0).await;
        database.drop().await;
    }
}
