//! A schema of many tables with ten columns each.

use std::fmt::Write as _;

use crate::database::Database;

/// How many tables one script creates: a transaction of PostgreSQL holds a lock on each.
const BATCH: usize = 100;

/// Creates so many: `t0`, `t1` and so on.
pub async fn create(database: &Database, tables: usize) {
    for first in (0..tables).step_by(BATCH) {
        database.execute(&script(first, tables.min(first + BATCH))).await;
    }
}

/// Tables that each refer to the one of half their number.
fn script(first: usize, end: usize) -> String {
    let mut sql = String::new();
    for n in first..end {
        let parent = (n > 0).then(|| format!(", foreign key (parent_id) references t{} (id)", n / 2));
        writeln!(
            sql,
            "create table t{n} (id integer not null primary key, parent_id integer, name varchar(80) not null, note varchar(400), price decimal(12, 2),
                quantity integer not null default 0, weight double precision, made_on date, active boolean not null default true, code char(8){});",
            parent.unwrap_or_default()
        )
        .unwrap();
    }
    sql
}
