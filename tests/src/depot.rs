//! The depot: orders with states and stamps, whose picks are taken from a stock.

use dialects::Dialect;

use crate::document::Document;
use crate::shop::spelled;

/// Its tables and rows in the words of a dialect.
pub fn sql(dialect: Dialect) -> String {
    let (states, state) = match dialect {
        Dialect::Postgres => ("create type state as enum ('new', 'paid', 'shipped', 'cancelled');", "state"),
        Dialect::Mysql => ("", "enum('new', 'paid', 'shipped', 'cancelled')"),
        Dialect::Sqlite => ("", "varchar(10) check (status in ('new', 'paid', 'shipped', 'cancelled'))"),
    };
    let restart: String = TABLES.iter().map(|table| restart(dialect, table)).collect();
    let sql = include_str!("../fixtures/depot.sql");
    spelled(
        &sql.replace("{states}", states).replace("{state}", state).replace("{restart}", &restart),
        dialect,
    )
}

const TABLES: [&str; 4] = ["clerks", "products", "orders", "picks"];

/// New rows are numbered from 101.
fn restart(dialect: Dialect, table: &str) -> String {
    match dialect {
        Dialect::Postgres => format!("select setval(pg_get_serial_sequence('{table}', 'id'), 100);\n"),
        Dialect::Mysql => format!("alter table {table} auto_increment = 101;\n"),
        Dialect::Sqlite => format!("update sqlite_sequence set seq = 100 where name = '{table}';\n"),
    }
}

/// An order, to be changed.
pub fn order(id: &str) -> Document {
    Document::of("orders").id(id)
}

/// A new pick of an order.
pub fn pick(order: &str, product: &str, quantity: i64) -> Document {
    Document::of("picks")
        .attribute("quantity", quantity)
        .to_one("order", "orders", order)
        .to_one("product", "products", product)
}
