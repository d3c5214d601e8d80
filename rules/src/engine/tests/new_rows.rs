//! Requests that add rows and refer to them before the database has drawn their keys.

use dialects::{Dialect, Value};
use introspect::schema::{Action, Unique};
use introspect::{ColumnId, Schema};

use super::declare::{Rules, int, is_null, op};
use super::drive::{check, world};
use super::shop::rules;
use crate::expr::BinaryOp;
use crate::fixture::{self, INT, MONEY, Sketch, TEXT};

const ROWS: &str = "
    customers 1 name=Ann balance=0.00 credit_limit=100.00; orders 1 customer_id=1 amount_total=0.00
    products 1 name=pen unit_price=10.00; products 2 name=ink unit_price=5.00";

#[test]
fn an_order_comes_with_its_items_and_both_totals_are_right() {
    check(
        &world(&fixture::shop(), rules, ROWS),
        &[
            (
                "+orders customer_id=1; +items order_id=#0 product_id=1 quantity=2; +items order_id=#0 product_id=2 quantity=1",
                &[
                    "+orders date_shipped=null amount_total=25.00 customer_id=1",
                    "+items quantity=2 unit_price=10.00 amount=20.00 order_id=#0 product_id=1",
                    "+items quantity=1 unit_price=5.00 amount=5.00 order_id=#0 product_id=2",
                    "customers 1: balance 0.00 > 25.00",
                ],
            ),
            (
                "+customers name=Bob credit_limit=9; +products unit_price=3; +orders customer_id=#0; +items order_id=#2 product_id=#1 quantity=3",
                &[
                    "+customers name=Bob balance=9.00 credit_limit=9",
                    "+orders date_shipped=null amount_total=9.00 customer_id=#0",
                    "+products unit_price=3",
                    "+items quantity=3 unit_price=3.00 amount=9.00 order_id=#2 product_id=#1",
                ],
            ),
            (
                "+customers name=Bob credit_limit=9; +orders customer_id=#0; +items order_id=#1 product_id=1 quantity=1",
                &["customers #0: balance (10.00) exceeds the credit limit (9)"],
            ),
            (
                "+orders customer_id=1; orders #0 date_shipped=2026-01-02 notes=x; +items order_id=#0 product_id=1 quantity=99; orders #0 notes=y",
                &[
                    "+orders date_shipped=2026-01-02 amount_total=990.00 notes=y customer_id=1",
                    "+items quantity=99 unit_price=10.00 amount=990.00 order_id=#0 product_id=1",
                ],
            ),
        ],
    );
}

#[test]
fn a_row_that_comes_and_goes_leaves_nothing() {
    check(
        &world(&fixture::shop(), rules, ROWS),
        &[
            ("+orders customer_id=1; -orders #0", &[]),
            ("+orders customer_id=1; +items order_id=#0 product_id=1 quantity=1; -items #1; -orders #0", &[]),
            (
                "+orders customer_id=1; +items order_id=#0 product_id=1 quantity=1; -orders #0",
                &["items #1: no such order"],
            ),
            (
                "+orders customer_id=1; -orders #0; orders #0 notes=x",
                &["orders #0: removed before operation 2"],
            ),
            ("-orders 1; +orders id=1 customer_id=1", &["orders #0: removed before operation 1"]),
            (
                "+orders id=7 customer_id=1; +items order_id=7 product_id=1 quantity=1",
                &[
                    "+orders id=7 date_shipped=null amount_total=10.00 customer_id=1",
                    "+items quantity=1 unit_price=10.00 amount=10.00 order_id=7 product_id=1",
                    "customers 1: balance 0.00 > 10.00",
                ],
            ),
        ],
    );
}

fn staff() -> Schema {
    let staff = Sketch::new("staff").column("pay", INT).column("reports", INT);
    fixture::schema(Dialect::Postgres, vec![staff.parent("boss_id", "staff", Action::NoAction)])
}

#[test]
fn rows_of_one_table_are_added_bosses_first() {
    check(
        &world(
            &staff(),
            |rules| rules.count("staff.reports", "staff_by_boss_id", None),
            "staff 1 pay=9 reports=0",
        ),
        &[
            (
                "+staff pay=1; +staff pay=2 boss_id=1; +staff pay=3; staff #0 boss_id=#2",
                &[
                    "+staff pay=2 reports=0 boss_id=1",
                    "+staff pay=3 reports=1 boss_id=null",
                    "+staff pay=1 reports=0 boss_id=#2",
                    "staff 1: reports 0 > 1",
                ],
            ),
            (
                "+staff pay=1; +staff pay=2 boss_id=#0; staff #0 boss_id=#1",
                &["staff #0: boss_id leads in a circle"],
            ),
            ("+staff pay=1; staff #0 boss_id=#0", &["staff #0: boss_id leads in a circle"]),
            (
                "+staff boss_id=1; +staff boss_id=#0; +staff boss_id=#1; +staff pay=1; staff #1 boss_id=#2",
                &["staff #1: boss_id leads in a circle"],
            ),
            ("+staff id=8 boss_id=9; +staff id=9 boss_id=8", &["staff #0: boss_id leads in a circle"]),
            ("+staff id=8 boss_id=8", &["+staff id=8 reports=1 boss_id=8"]),
            (
                "+staff id=8 pay=1 boss_id=9; +staff id=9 pay=2",
                &["+staff id=9 pay=2 reports=1 boss_id=null", "+staff id=8 pay=1 reports=0 boss_id=9"],
            ),
        ],
    );
}

#[test]
fn a_rule_that_needs_a_key_that_is_still_to_be_drawn_is_refused() {
    fn numbered(rules: Rules<'_>) -> Rules<'_> {
        let number = op(BinaryOp::Add, rules.col("items", "order_id"), int(1));
        rules.formula("items.quantity", number)
    }
    fn linked(rules: Rules<'_>) -> Rules<'_> {
        let linked = is_null(rules.col("items", "order_id"));
        let check = crate::Expr::Not(Box::new(linked));
        rules.constrain("items", check, "an item needs an order")
    }
    let why = "items.quantity: a value is needed that the database draws only when it writes the row";
    check(
        &world(&fixture::shop(), numbered, ""),
        &[
            ("+orders notes=x; +items order_id=#0", &[&format!("items #1: {why}")]),
            ("+orders id=6; +items order_id=6", &["+orders id=6", "+items quantity=7 order_id=6"]),
        ],
    );
    check(
        &world(&fixture::shop(), linked, ""),
        &[
            ("+orders notes=x; +items order_id=#0", &["+orders notes=x", "+items order_id=#0"]),
            ("+items quantity=1", &["items #0: an item needs an order"]),
        ],
    );
}

/// Invoices have a number that is unique; lines have a key of two columns, one of them the invoice.
fn invoices() -> Schema {
    let numbered = |mut sketch: Sketch| {
        sketch.table.uniques = vec![Unique { name: "number".into(), columns: vec![ColumnId(1)] }];
        sketch
    };
    fixture::schema(
        Dialect::Postgres,
        vec![
            numbered(Sketch::new("invoices").column("number", TEXT).column("total", MONEY)),
            Sketch::new("lines")
                .column("amount", MONEY)
                .parent("invoice_id", "invoices", Action::Cascade)
                .with(|table| table.key = vec![ColumnId(2), ColumnId(0)]),
        ],
    )
}

#[test]
fn a_removal_goes_first_when_its_unique_value_is_taken_again() {
    check(
        &world(
            &invoices(),
            |rules| rules.sum("invoices.total", "lines.amount", None),
            "invoices 1 number=a total=5; invoices 2 number=b total=0; lines 1/1 amount=5",
        ),
        &[
            (
                "-invoices 1; +invoices number=a; +lines invoice_id=#0 id=1 amount=7",
                &[
                    "-lines 1/1",
                    "-invoices 1",
                    "+invoices number=a total=7.00",
                    "+lines id=1 amount=7 invoice_id=#0",
                ],
            ),
            ("invoices 2 number=a; -invoices 1", &["-lines 1/1", "-invoices 1", "invoices 2: number b > a"]),
            ("-invoices 2; +invoices number=c", &["+invoices number=c total=0.00", "-invoices 2"]),
        ],
    );
}

#[test]
fn a_removal_waits_for_a_row_that_is_moved_away_from_it() {
    let mut badges = Sketch::new("staff").column("badge", TEXT).parent("boss_id", "staff", Action::NoAction);
    badges.table.uniques = vec![Unique { name: "badge".into(), columns: vec![ColumnId(1)] }];
    check(
        &world(
            &fixture::schema(Dialect::Postgres, vec![badges]),
            |rules| rules,
            "staff 1 badge=a; staff 2 boss_id=1; staff 3 badge=c; staff 4 boss_id=3",
        ),
        &[
            (
                "staff 3 badge=a; staff 2 boss_id=3; -staff 1",
                &["staff 2: boss_id 1 > 3", "staff 3: badge c > a", "-staff 1"],
            ),
            (
                "staff 3 badge=a; staff 4 boss_id=null; -staff 2; -staff 1",
                &["-staff 1", "-staff 2", "staff 3: badge c > a", "staff 4: boss_id 3 > null"],
            ),
        ],
    );
}

#[test]
fn a_placeholder_is_no_value_to_compute_with() {
    let drawn = Value::Drawn(dialects::value::Drawn { row: 0, column: 0 });
    assert!(drawn.decimal().is_none() && !drawn.is_null());
    assert!(crate::expr::eval::fit(drawn, &fixture::column("a", INT), Dialect::Postgres).is_err());
}
