//! Rules that are allowed but hardly meant, and what is said about them.

use dialects::{Dialect, ValueType};
use introspect::Schema;
use introspect::schema::Action;

use crate::fixture::{self, INT, MONEY, Sketch, TEXT};

/// Orders with their lines. Nothing is null but notes and the clerk; `lines.order_id` has an index.
fn schema() -> Schema {
    let solid = |mut sketch: Sketch| {
        sketch
            .table
            .columns
            .iter_mut()
            .filter(|c| !["note", "clerk_id"].contains(&c.name.as_str()))
            .for_each(|c| {
                c.nullable = false;
            });
        sketch
    };
    let mut orders = solid(
        Sketch::new("orders")
            .column("state", TEXT)
            .column("note", TEXT)
            .column("total", MONEY)
            .column("small", ValueType::Decimal { precision: Some(5), scale: Some(2) })
            .column("secret", INT)
            .column("rate", MONEY)
            .parent("clerk_id", "clerks", Action::SetNull),
    );
    for column in &mut orders.table.columns {
        column.hidden = column.name == "secret";
    }
    let lines = solid(Sketch::new("lines").column("amount", MONEY).column("price", MONEY).parent(
        "order_id",
        "orders",
        Action::Cascade,
    ))
    .with(|table| table.indexes = vec![vec![table.column("order_id").unwrap()]]);
    let clerks = solid(Sketch::new("clerks").column("rate", MONEY).column("orders_count", INT));
    fixture::schema(Dialect::Postgres, vec![clerks, lines, orders])
}

#[track_caller]
fn check(rules: &str, expect: &[&str]) {
    let files = [("a.yaml".to_owned(), rules.to_owned())];
    let checked = crate::check(&schema(), &files).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let found: Vec<String> =
        checked.warnings.iter().map(|warning| warning.to_string().replace("a.yaml:", "")).collect();
    assert_eq!(found, expect, "{rules}");
}

fn derive(line: &str, expect: &[&str]) {
    check(&format!("derive:\n  {line}\n"), expect);
}

fn constrain(check_of_orders: &str, expect: &[&str]) {
    check(&format!("constrain:\n  orders:\n    - {{{check_of_orders}, message: m}}\n"), expect);
}

#[test]
fn what_is_meant_is_not_warned_of() {
    derive("orders.total: sum(lines.amount where price > 0)", &[]);
    derive("lines.amount: price * 2", &[]);
    derive(
        "lines.amount: coalesce(order.clerk.rate, 0)",
        &[
            "2:17: `orders` has no index on clerk_id: the whole table is read to find the rows that follow a change of their parent (create index on orders (clerk_id))",
        ],
    );
}

#[test]
fn checks_that_are_certain() {
    constrain(
        "check: state is not null",
        &["3:15: this check always holds (it refuses nothing: leave it out)"],
    );
    constrain(
        "check: total >= 0 or 1 = 1",
        &["3:15: this check always holds (it refuses nothing: leave it out)"],
    );
    constrain(
        "check: total is null",
        &["3:15: this check can never be true (every change of the row that it applies to is refused)"],
    );
    constrain(
        "check: 1 = 2",
        &["3:15: this check can never be true (every change of the row that it applies to is refused)"],
    );
    constrain(
        "check: total > 0, when: 1 > 2",
        &["3:32: this condition is never true (the check is never made)"],
    );
    constrain(
        "check: total > 0, when: note is null or total is not null",
        &["3:32: this condition is always true (leave it out)"],
    );
    constrain("check: note is not null", &[]);
}

#[test]
fn values_that_can_be_null_where_the_column_cannot() {
    derive(
        "orders.rate: clerk.rate",
        &[
            "2:16: `orders` has no index on clerk_id: the whole table is read to find the rows that follow a change of their parent (create index on orders (clerk_id))",
            "2:16: this can be null, which `orders.rate` cannot (it is when `orders.clerk` is null: let `orders.rate` be null, or give a value with coalesce(…, …))",
        ],
    );
    derive(
        "orders.rate: copy(clerk.rate)",
        &[
            "2:16: this can be null, which `orders.rate` cannot (it is when `orders.clerk` is null: let `orders.rate` be null, or give a value with coalesce(…, …))",
        ],
    );
    derive(
        "orders.rate: case when total > 1 then 2 end",
        &[
            "2:16: this can be null, which `orders.rate` cannot (it is when no case is met: let `orders.rate` be null, or give a value with coalesce(…, …))",
        ],
    );
    derive(
        "orders.rate: nullif(total, 0)",
        &[
            "2:16: this can be null, which `orders.rate` cannot (it is when both are equal: let `orders.rate` be null, or give a value with coalesce(…, …))",
        ],
    );
}

#[test]
fn totals_that_have_too_little_room() {
    derive(
        "orders.small: sum(lines.amount)",
        &[
            "2:17: the total has less room than what is summed up (`lines.amount` keeps 10 digits before the point, `orders.small` 3: one large row is refused already)",
        ],
    );
}

#[test]
fn foreign_keys_without_an_index_that_rules_need() {
    derive(
        "clerks.orders_count: count(orders)",
        &[
            "2:24: `orders` has no index on clerk_id: the whole table is read to find the rows that go with their parent (create index on orders (clerk_id))",
        ],
    );
    constrain(
        "check: clerk.rate >= 0",
        &[
            "3:15: `orders` has no index on clerk_id: the whole table is read to find the rows that follow a change of their parent (create index on orders (clerk_id))",
        ],
    );
    constrain("check: clerk.rate >= 0, recheck: false", &[]);
}

#[test]
fn derived_columns_that_nobody_sees() {
    derive(
        "orders.secret: 1 + 1",
        &[
            "2:3: nobody sees `orders.secret`: it is hidden, and no rule reads it (leave the rule out, or show the column in model.yaml)",
        ],
    );
    check(
        "derive:\n  orders.secret: 1 + 1\nconstrain:\n  orders:\n    - {check: secret > 0, message: m}\n",
        &[],
    );
}

#[test]
fn the_same_check_twice() {
    check(
        "constrain:\n  orders:\n    - {check: total > 0, message: a}\n    - {check: total  >  0, message: b}\n",
        &["4:15: this check stands here twice (first at 3:15)"],
    );
}
