//! The five-rule shop: sums, a formula, a copy and the credit limit.

use super::database::Database;
use super::declare::{Rules, is_null, mul, op};
use super::drive::{World, check, world};
use super::notation;
use crate::engine::{Hold, Phase, Rows};
use crate::expr::BinaryOp;
use crate::fixture;

/// Two customers; the first has an open and a shipped order with items, the second an empty one.
const ROWS: &str = "
    customers 1 name=Ann balance=40.00 credit_limit=100.00
    customers 2 name=Bob balance=0.00 credit_limit=30.00
    orders 1 customer_id=1 amount_total=40.00
    orders 2 customer_id=1 amount_total=15.00 date_shipped=2026-01-02
    orders 3 customer_id=2 amount_total=0.00
    products 1 name=pen unit_price=10.00
    products 2 name=ink unit_price=5.00
    items 1 order_id=1 product_id=1 quantity=3 unit_price=10.00 amount=30.00
    items 2 order_id=1 product_id=2 quantity=2 unit_price=5.00 amount=10.00
    items 3 order_id=2 product_id=2 quantity=3 unit_price=5.00 amount=15.00";

/// A sum over a formula over a copy, a sum of sums, and a limit.
pub(super) fn rules(rules: Rules<'_>) -> Rules<'_> {
    let amount = mul(rules.col("items", "quantity"), rules.col("items", "unit_price"));
    let unshipped = is_null(rules.col("orders", "date_shipped"));
    let limit = op(BinaryOp::Le, rules.col("customers", "balance"), rules.col("customers", "credit_limit"));
    rules
        .copy("items.unit_price", "product.unit_price")
        .formula("items.amount", amount)
        .sum("orders.amount_total", "items.amount", None)
        .sum("customers.balance", "orders.amount_total", Some(unshipped))
        .constrain("customers", limit, "balance ({balance}) exceeds the credit limit ({credit_limit})")
}

pub(super) fn shop() -> World {
    world(&fixture::shop(), rules, ROWS)
}

#[test]
fn an_item_reaches_its_order_and_the_customer() {
    check(
        &shop(),
        &[
            (
                "+items order_id=1 product_id=2 quantity=4",
                &[
                    "+items quantity=4 unit_price=5.00 amount=20.00 order_id=1 product_id=2",
                    "customers 1: balance 40.00 > 60.00",
                    "orders 1: amount_total 40.00 > 60.00",
                ],
            ),
            (
                "items 1 quantity=5",
                &[
                    "customers 1: balance 40.00 > 60.00",
                    "orders 1: amount_total 40.00 > 60.00",
                    "items 1: quantity 3 > 5, amount 30.00 > 50.00",
                ],
            ),
            (
                "-items 1",
                &["customers 1: balance 40.00 > 10.00", "orders 1: amount_total 40.00 > 10.00", "-items 1"],
            ),
            (
                "items 1 order_id=3",
                &[
                    "customers 1: balance 40.00 > 10.00",
                    "customers 2: balance 0.00 > 30.00",
                    "orders 1: amount_total 40.00 > 10.00",
                    "orders 3: amount_total 0.00 > 30.00",
                    "items 1: order_id 1 > 3",
                ],
            ),
        ],
    );
}

#[test]
fn an_item_of_a_shipped_order_stops_at_the_order() {
    check(
        &shop(),
        &[(
            "items 3 quantity=1",
            &["orders 2: amount_total 15.00 > 5.00", "items 3: quantity 3 > 1, amount 15.00 > 5.00"],
        )],
    );
}

#[test]
fn an_order_gives_its_total_to_one_customer_while_it_is_not_shipped() {
    check(
        &shop(),
        &[
            (
                "orders 1 date_shipped=2026-02-03",
                &["customers 1: balance 40.00 > 0.00", "orders 1: date_shipped null > 2026-02-03"],
            ),
            (
                "orders 2 date_shipped=null",
                &["customers 1: balance 40.00 > 55.00", "orders 2: date_shipped 2026-01-02 > null"],
            ),
            ("orders 2 date_shipped=2026-03-04", &["orders 2: date_shipped 2026-01-02 > 2026-03-04"]),
            ("orders 2 customer_id=2", &["orders 2: customer_id 1 > 2"]),
            ("orders 1 customer_id=2", &["customers 2: balance (40.00) exceeds the credit limit (30.00)"]),
            (
                "orders 1 customer_id=2; customers 2 credit_limit=50",
                &[
                    "customers 1: balance 40.00 > 0.00",
                    "customers 2: balance 0.00 > 40.00, credit_limit 30.00 > 50",
                    "orders 1: customer_id 1 > 2",
                ],
            ),
            (
                "orders 1 customer_id=null",
                &["customers 1: balance 40.00 > 0.00", "orders 1: customer_id 1 > null"],
            ),
            (
                "orders 1 customer_id=2 date_shipped=2026-02-03",
                &[
                    "customers 1: balance 40.00 > 0.00",
                    "orders 1: date_shipped null > 2026-02-03, customer_id 1 > 2",
                ],
            ),
        ],
    );
}

#[test]
fn removing_an_order_removes_its_items_and_lowers_the_balance() {
    check(
        &shop(),
        &[
            ("-orders 1", &["customers 1: balance 40.00 > 0.00", "-items 1", "-items 2", "-orders 1"]),
            ("-orders 2", &["-items 3", "-orders 2"]),
            ("-orders 3", &["-orders 3"]),
        ],
    );
}

#[test]
fn a_row_that_others_need_stays() {
    check(
        &shop(),
        &[
            ("-customers 1", &["customers 1: still customer of orders"]),
            ("-products 2", &["products 2: still product of items"]),
            ("-customers 2; -orders 3", &["-orders 3", "-customers 2"]),
            ("-orders 3; -customers 2", &["-orders 3", "-customers 2"]),
            ("-customers 2; orders 3 customer_id=1", &["orders 3: customer_id 2 > 1", "-customers 2"]),
        ],
    );
}

#[test]
fn a_copy_is_taken_when_the_foreign_key_is_set_and_never_again() {
    check(
        &shop(),
        &[
            ("products 2 unit_price=7.00", &["products 2: unit_price 5.00 > 7.00"]),
            (
                "items 2 product_id=1",
                &[
                    "customers 1: balance 40.00 > 50.00",
                    "orders 1: amount_total 40.00 > 50.00",
                    "items 2: unit_price 5.00 > 10.00, amount 10.00 > 20.00, product_id 2 > 1",
                ],
            ),
            (
                "products 2 unit_price=7.00; items 1 product_id=2",
                &[
                    "customers 1: balance 40.00 > 31.00",
                    "orders 1: amount_total 40.00 > 31.00",
                    "products 2: unit_price 5.00 > 7.00",
                    "items 1: unit_price 10.00 > 7.00, amount 30.00 > 21.00, product_id 1 > 2",
                ],
            ),
        ],
    );
}

#[test]
fn a_foreign_key_goes_to_null_and_back() {
    check(
        &shop(),
        &[
            (
                "items 1 product_id=null",
                &[
                    "customers 1: balance 40.00 > 10.00",
                    "orders 1: amount_total 40.00 > 10.00",
                    "items 1: unit_price 10.00 > null, amount 30.00 > null, product_id 1 > null",
                ],
            ),
            (
                "items 1 order_id=null",
                &[
                    "customers 1: balance 40.00 > 10.00",
                    "orders 1: amount_total 40.00 > 10.00",
                    "items 1: order_id 1 > null",
                ],
            ),
            (
                "+items quantity=2",
                &["+items quantity=2 unit_price=null amount=null order_id=null product_id=null"],
            ),
            ("items 1 product_id=null; items 1 product_id=1", &[]),
        ],
    );
}

#[test]
fn a_null_amount_counts_as_nothing() {
    check(
        &shop(),
        &[
            (
                "items 1 quantity=null",
                &[
                    "customers 1: balance 40.00 > 10.00",
                    "orders 1: amount_total 40.00 > 10.00",
                    "items 1: quantity 3 > null, amount 30.00 > null",
                ],
            ),
            (
                "+items order_id=3 product_id=1",
                &["+items quantity=null unit_price=10.00 amount=null order_id=3 product_id=1"],
            ),
        ],
    );
}

#[test]
fn the_credit_limit_refuses_with_its_message() {
    check(
        &shop(),
        &[
            ("items 1 quantity=10", &["customers 1: balance (110.00) exceeds the credit limit (100.00)"]),
            (
                "customers 1 credit_limit=39.99",
                &["customers 1: balance (40.00) exceeds the credit limit (39.99)"],
            ),
            ("customers 1 credit_limit=40.00", &["customers 1: credit_limit 100.00 > 40.00"]),
            ("customers 1 credit_limit=null", &["customers 1: credit_limit 100.00 > null"]),
            (
                "items 1 quantity=10; +items order_id=3 product_id=1 quantity=9",
                &[
                    "customers 1: balance (110.00) exceeds the credit limit (100.00)",
                    "customers 2: balance (90.00) exceeds the credit limit (30.00)",
                ],
            ),
            (
                "items 1 quantity=10; items 2 quantity=0",
                &[
                    "customers 1: balance 40.00 > 100.00",
                    "orders 1: amount_total 40.00 > 100.00",
                    "items 1: quantity 3 > 10, amount 30.00 > 100.00",
                    "items 2: quantity 2 > 0, amount 10.00 > 0.00",
                ],
            ),
        ],
    );
}

#[test]
fn rows_that_do_not_exist_are_named() {
    check(
        &shop(),
        &[
            ("items 99 quantity=1", &["items 99: not found"]),
            ("-orders 99", &["orders 99: not found"]),
            ("+items order_id=99 product_id=1 quantity=1", &["items #0: no such order"]),
            ("items 1 product_id=99", &["items 1: no such product"]),
            (
                "+items order_id=99 product_id=98 quantity=1",
                &["items #0: no such order", "items #0: no such product"],
            ),
        ],
    );
}

#[test]
fn what_changes_nothing_writes_nothing() {
    check(
        &shop(),
        &[
            ("items 1 quantity=3", &[]),
            ("items 1 order_id=1 product_id=1 quantity=3", &[]),
            ("customers 1 name=Ann credit_limit=100", &[]),
            ("items 1 quantity=4; items 1 quantity=3", &[]),
        ],
    );
}

#[test]
fn only_the_net_change_of_a_request_counts() {
    check(
        &shop(),
        &[
            (
                "items 1 order_id=3; -items 1",
                &["customers 1: balance 40.00 > 10.00", "orders 1: amount_total 40.00 > 10.00", "-items 1"],
            ),
            ("-items 1; items 1 order_id=3", &["items 1: removed before operation 1"]),
            ("-items 1; -items 1", &["items 1: removed before operation 1"]),
            (
                "-orders 1; items 1 order_id=2",
                &[
                    "customers 1: balance 40.00 > 0.00",
                    "orders 2: amount_total 15.00 > 45.00",
                    "items 1: order_id 1 > 2",
                    "-items 2",
                    "-orders 1",
                ],
            ),
            (
                "items 1 order_id=2; -orders 1",
                &[
                    "customers 1: balance 40.00 > 0.00",
                    "orders 2: amount_total 15.00 > 45.00",
                    "items 1: order_id 1 > 2",
                    "-items 2",
                    "-orders 1",
                ],
            ),
            (
                "-orders 1; -items 1; items 2 quantity=9",
                &["customers 1: balance 40.00 > 0.00", "-items 1", "-items 2", "-orders 1"],
            ),
            ("-orders 3; items 1 order_id=3", &["items 1: no such order"]),
            ("items 1 order_id=3; -orders 3", &["items 1: no such order"]),
            ("-orders 3; +items order_id=3 product_id=1 quantity=1", &["items #0: no such order"]),
            ("+items order_id=3 product_id=1 quantity=1; -orders 3", &["items #0: no such order"]),
        ],
    );
}

#[test]
fn an_insert_asks_for_what_its_foreign_keys_name_then_for_what_lies_above() {
    let shop = shop();
    let request = notation::request(&shop.schema, "+items order_id=1 product_id=2 quantity=4");
    let (_, waves) = shop.locked(&request, None);
    assert_eq!(waves, ["orders 1 change; products 2 referenced", "customers 1 change"]);
}

#[test]
fn a_request_asks_for_no_more_than_its_rules_need() {
    for (operations, expect) in [
        ("orders 1 notes=x", &["orders 1 change"][..]),
        ("customers 1 name=x", &["customers 1 change"]),
        ("items 1 quantity=3", &["items 1 change"]),
        ("customers 1 name=Ann credit_limit=100.00 balance=40.00", &["customers 1 change"]),
        ("items 1 quantity=5", &["items 1 change", "orders 1 change", "customers 1 change"]),
        ("orders 2 date_shipped=2026-02-02", &["orders 2 change"]),
        (
            "-orders 1",
            &["orders 1 remove; items of order_id=1", "customers 1 change; items 1 remove; items 2 remove"],
        ),
        ("-products 1", &["products 1 remove", "any items of products 1"]),
    ] {
        let shop = shop();
        let (_, waves) = shop.locked(&notation::request(&shop.schema, operations), None);
        assert_eq!(waves, expect, "{operations}");
    }
}

#[test]
fn what_does_not_fit_its_column_is_refused() {
    let mut shop = shop();
    shop.rules.constraints.clear();
    check(
        &shop,
        &[
            ("items 1 quantity=2000000000", &["items 1: amount has more than 10 digits before the point"]),
            (
                "items 1 quantity=900000000; items 2 quantity=999999999",
                &["orders 1: amount_total has more than 10 digits before the point"],
            ),
        ],
    );
}

#[test]
fn a_request_that_touches_too_many_rows_is_refused() {
    let shop = shop();
    let mut request = notation::request(&shop.schema, "-orders 1");
    for (rows_max, expect) in [(3, 1), (4, 4)] {
        request.rows_max = rows_max;
        let lines = shop.text(&shop.run(&request));
        assert_eq!(lines.len(), expect, "{lines:?}");
    }
}

#[test]
fn removing_thousands_takes_two_waves() {
    let mut shop = shop();
    let mut rows = String::from("customers 9 balance=3000.00 credit_limit=9000.00\n");
    for order in 100..200 {
        rows += &format!("orders {order} customer_id=9 amount_total=30.00\n");
        for item in 10..40 {
            rows += &format!("items {order}{item} order_id={order} quantity=1 unit_price=1.00 amount=1.00\n");
        }
    }
    shop.database = Database::holding(&shop.schema, &rows);
    let operations: Vec<String> = (100..200).map(|order| format!("-orders {order}")).collect();
    let mut request = notation::request(&shop.schema, &operations.join(";"));
    request.rows_max = 3101;
    let (outcome, waves) = shop.locked(&request, Some(Hold::ALL));
    assert_eq!(waves.len(), 2);
    let lines = shop.text(&outcome);
    assert_eq!(lines[0], "customers 9: balance 3000.00 > 0.00");
    assert_eq!(lines.len(), 3101);
    request.rows_max = 3100;
    assert_eq!(shop.text(&shop.locked(&request, Some(Hold::ALL)).0), ["orders 100: more than 3100 rows"]);
    request.rows_max = 29;
    assert_eq!(shop.text(&shop.locked(&request, Some(Hold::ALL)).0), ["orders 100: more than 29 rows"]);
}

#[test]
fn what_discovery_did_not_find_is_looked_for_again_under_locks() {
    let mut shop = shop();
    let request = notation::request(&shop.schema, "items 1 order_id=9");
    let mut rows = Rows::default();
    shop.phase(&request, &mut rows, Phase::Discover, &mut |lookup, rows| {
        shop.database.serve(lookup, rows, Some(Hold::PLAIN), false);
    });
    rows.unlock();
    let more = format!("{ROWS}\norders 9 customer_id=1 amount_total=0.00");
    shop.database = Database::holding(&shop.schema, &more);
    let (outcome, _) = shop.phase(&request, &mut rows, Phase::Locked, &mut |lookup, rows| {
        shop.database.serve(lookup, rows, None, true);
    });
    assert_eq!(
        shop.text(&outcome),
        [
            "orders 1: amount_total 40.00 > 10.00",
            "orders 9: amount_total 0.00 > 30.00",
            "items 1: order_id 1 > 9",
        ]
    );
}

#[test]
fn a_list_that_discovery_made_is_made_again_under_locks() {
    let mut shop = shop();
    let request = notation::request(&shop.schema, "-orders 1");
    let mut rows = Rows::default();
    shop.phase(&request, &mut rows, Phase::Discover, &mut |lookup, rows| {
        shop.database.serve(lookup, rows, Some(Hold::PLAIN), false);
    });
    rows.unlock();
    let more = format!("{ROWS}\nitems 9 order_id=1 product_id=1 quantity=1 unit_price=10.00 amount=10.00");
    shop.database = Database::holding(&shop.schema, &more);
    let (outcome, _) = shop.phase(&request, &mut rows, Phase::Locked, &mut |lookup, rows| {
        shop.database.serve(lookup, rows, None, true);
    });
    assert_eq!(
        shop.text(&outcome),
        ["customers 1: balance 40.00 > 0.00", "-items 1", "-items 2", "-items 9", "-orders 1"]
    );
}
