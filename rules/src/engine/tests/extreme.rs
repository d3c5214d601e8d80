//! `min`, `max` and `exists`: by event, by type, and with another transaction in between.

use dialects::{Dialect, ValueType};
use introspect::Schema;
use introspect::schema::Action;

use super::declare::{Rules, int, mul, op};
use super::drive::{World, check, world};
use super::notation;
use crate::engine::{Hold, Outcome, Phase, Rows};
use crate::expr::BinaryOp;
use crate::fixture::{self, INT, MONEY, Sketch, TEXT};

/// Orders keep the dearest and the cheapest of their items, the first name and the last day, and whether one of them is a gift.
fn schema(on_delete: Action) -> Schema {
    fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("orders")
                .column("dearest", MONEY)
                .column("cheapest", MONEY)
                .column("first", TEXT)
                .column("last_day", ValueType::Date)
                .column("gifts", ValueType::Bool),
            Sketch::new("items")
                .column("amount", MONEY)
                .column("name", TEXT)
                .column("day", ValueType::Date)
                .column("gift", INT)
                .column("note", TEXT)
                .parent("order_id", "orders", on_delete),
        ],
    )
}

fn prices(rules: Rules<'_>) -> Rules<'_> {
    let open = op(BinaryOp::Gt, rules.col("items", "amount"), int(1));
    rules.max("orders.dearest", "items.amount", None).min("orders.cheapest", "items.amount", Some(open))
}

fn others(rules: Rules<'_>) -> Rules<'_> {
    let gift = op(BinaryOp::Eq, rules.col("items", "gift"), int(1));
    rules.min("orders.first", "items.name", None).max("orders.last_day", "items.day", None).exists(
        "orders.gifts",
        "items",
        Some(gift),
    )
}

/// The first order has items of 10, 9, 8, 1 and none; the second one of 5; the third none.
const ROWS: &str = "
    orders 1 dearest=10.00 cheapest=8.00; orders 2 dearest=5.00 cheapest=5.00; orders 3
    items 1 order_id=1 amount=10.00; items 2 order_id=1 amount=9.00; items 3 order_id=1 amount=8.00
    items 4 order_id=1 amount=1.00; items 5 order_id=1; items 6 order_id=2 amount=5.00";

fn shop(on_delete: Action) -> World {
    world(&schema(on_delete), prices, ROWS)
}

#[test]
fn every_event_leaves_the_least_and_the_greatest_of_those_that_count() {
    check(
        &shop(Action::Cascade),
        &[
            // Insert.
            ("+items order_id=1 amount=9.50", &["+items amount=9.50 order_id=1"]),
            (
                "+items order_id=1 amount=12.00",
                &["+items amount=12.00 order_id=1", "orders 1: dearest 10.00 > 12.00"],
            ),
            (
                "+items order_id=1 amount=2.00",
                &["+items amount=2.00 order_id=1", "orders 1: cheapest 8.00 > 2.00"],
            ),
            (
                "+items order_id=3 amount=3.00",
                &["+items amount=3.00 order_id=3", "orders 3: dearest null > 3.00, cheapest null > 3.00"],
            ),
            ("+orders", &["+orders dearest=null cheapest=null"]),
            // The value.
            ("items 1 amount=11.00", &["orders 1: dearest 10.00 > 11.00", "items 1: amount 10.00 > 11.00"]),
            ("items 1 amount=9.50", &["orders 1: dearest 10.00 > 9.50", "items 1: amount 10.00 > 9.50"]),
            (
                "items 1 amount=4.00",
                &["orders 1: dearest 10.00 > 9.00, cheapest 8.00 > 4.00", "items 1: amount 10.00 > 4.00"],
            ),
            ("items 1 amount=null", &["orders 1: dearest 10.00 > 9.00", "items 1: amount 10.00 > null"]),
            ("items 5 amount=20.00", &["orders 1: dearest 10.00 > 20.00", "items 5: amount null > 20.00"]),
            ("items 2 amount=8.50", &["items 2: amount 9.00 > 8.50"]),
            (
                "items 1 amount=9.00; items 2 amount=10.00",
                &["items 1: amount 10.00 > 9.00", "items 2: amount 9.00 > 10.00"],
            ),
            // Something else.
            ("items 1 note=x", &["items 1: note null > x"]),
            // The foreign key, to null and back.
            (
                "items 1 order_id=2",
                &[
                    "orders 1: dearest 10.00 > 9.00",
                    "orders 2: dearest 5.00 > 10.00",
                    "items 1: order_id 1 > 2",
                ],
            ),
            (
                "items 6 order_id=1",
                &[
                    "orders 1: cheapest 8.00 > 5.00",
                    "orders 2: dearest 5.00 > null, cheapest 5.00 > null",
                    "items 6: order_id 2 > 1",
                ],
            ),
            ("items 1 order_id=null", &["orders 1: dearest 10.00 > 9.00", "items 1: order_id 1 > null"]),
            ("items 1 order_id=null; items 1 order_id=1", &[]),
            // The condition.
            ("items 3 amount=0.50", &["orders 1: cheapest 8.00 > 9.00", "items 3: amount 8.00 > 0.50"]),
            ("items 4 amount=1.50", &["orders 1: cheapest 8.00 > 1.50", "items 4: amount 1.00 > 1.50"]),
            // Delete and cascade.
            ("-items 1", &["orders 1: dearest 10.00 > 9.00", "-items 1"]),
            ("-items 2", &["-items 2"]),
            ("-items 6", &["orders 2: dearest 5.00 > null, cheapest 5.00 > null", "-items 6"]),
            (
                "-items 1; -items 2; -items 3",
                &["orders 1: dearest 10.00 > 1.00, cheapest 8.00 > null", "-items 1", "-items 2", "-items 3"],
            ),
            ("-orders 2", &["-items 6", "-orders 2"]),
            (
                "-orders 2; items 6 order_id=1 amount=40.00",
                &[
                    "orders 1: dearest 10.00 > 40.00",
                    "items 6: amount 5.00 > 40.00, order_id 2 > 1",
                    "-orders 2",
                ],
            ),
        ],
    );
    check(&shop(Action::SetNull), &[("-orders 2", &["items 6: order_id 2 > null", "-orders 2"])]);
}

#[test]
fn texts_dates_and_existence_are_kept_too() {
    let rows = "
        orders 1 first=Zeta last_day=2026-02-02 gifts=true; orders 2 gifts=false
        items 1 order_id=1 name=Zeta day=2026-02-02 gift=1; items 2 order_id=1 name=alpha day=2026-01-01 gift=0
        items 3 order_id=1 gift=null";
    check(
        &world(&schema(Action::Cascade), others, rows),
        &[
            ("+orders", &["+orders first=null last_day=null gifts=false"]),
            (
                "+items order_id=1 name=Yak day=2026-03-03 gift=1",
                &[
                    "+items name=Yak day=2026-03-03 gift=1 order_id=1",
                    "orders 1: first Zeta > Yak, last_day 2026-02-02 > 2026-03-03",
                ],
            ),
            (
                "+items order_id=2 gift=1",
                &["+items name=null day=null gift=1 order_id=2", "orders 2: gifts false > true"],
            ),
            (
                "-items 1",
                &[
                    "orders 1: first Zeta > alpha, last_day 2026-02-02 > 2026-01-01, gifts true > false",
                    "-items 1",
                ],
            ),
            (
                "-items 1; items 2 gift=1",
                &[
                    "orders 1: first Zeta > alpha, last_day 2026-02-02 > 2026-01-01",
                    "items 2: gift 0 > 1",
                    "-items 1",
                ],
            ),
            ("items 1 gift=null", &["orders 1: gifts true > false", "items 1: gift 1 > null"]),
            ("items 3 gift=1; items 1 gift=0", &["items 1: gift 1 > 0", "items 3: gift null > 1"]),
            ("items 2 gift=5", &["items 2: gift 0 > 5"]),
        ],
    );
}

/// The greatest goes and a greater one comes, in one request: the rows of the request count as they will be.
#[test]
fn what_the_request_itself_brings_counts() {
    check(
        &shop(Action::Cascade),
        &[
            (
                "-items 1; +items order_id=1 amount=12.00",
                &["+items amount=12.00 order_id=1", "orders 1: dearest 10.00 > 12.00", "-items 1"],
            ),
            (
                "-items 1; +items order_id=1 amount=9.50",
                &["+items amount=9.50 order_id=1", "orders 1: dearest 10.00 > 9.50", "-items 1"],
            ),
            (
                "-items 1; +items order_id=1 amount=8.50",
                &["+items amount=8.50 order_id=1", "orders 1: dearest 10.00 > 9.00", "-items 1"],
            ),
            (
                "-items 1; items 2 amount=7.00",
                &[
                    "orders 1: dearest 10.00 > 8.00, cheapest 8.00 > 7.00",
                    "items 2: amount 9.00 > 7.00",
                    "-items 1",
                ],
            ),
        ],
    );
}

#[test]
fn children_are_asked_for_only_where_the_extreme_leaves() {
    let world = shop(Action::Cascade);
    for (operations, expect) in [
        ("+items order_id=1 amount=12.00", &["orders 1 change"][..]),
        ("items 1 note=x", &["items 1 change"]),
        ("items 2 amount=8.50", &["items 2 change", "orders 1 change"]),
        ("items 1 amount=11.00", &["items 1 change", "orders 1 change"]),
        ("-items 2", &["items 2 remove", "orders 1 change"]),
        ("-items 1", &["items 1 remove", "orders 1 change", "dearest of orders 1 but 1"]),
        (
            "-items 1; -items 3",
            &[
                "items 1 remove; items 3 remove",
                "orders 1 change",
                "dearest of orders 1 but 1, 3; cheapest of orders 1 but 1, 3",
            ],
        ),
        ("-items 1; +items order_id=1 amount=12.00", &["items 1 remove; orders 1 change"]),
        ("-orders 2", &["orders 2 remove; items of order_id=2", "items 6 remove"]),
    ] {
        let (_, waves) = world.locked(&notation::request(&world.schema, operations), None);
        assert_eq!(waves, expect, "{operations}");
    }
}

/// Values 10, 9, 8: both delete, and each found out what it needs before the other wrote. The second one must find 8.
#[test]
fn two_who_take_away_the_greatest_one_after_the_other_leave_the_third() {
    let mut shop = shop(Action::Cascade);
    let request = notation::request(&shop.schema, "-items 2");
    let mut rows = Rows::default();
    shop.phase(&request, &mut rows, Phase::Discover, &mut |lookup, rows| {
        shop.database.serve(lookup, rows, Some(Hold::PLAIN), false);
    });
    rows.unlock();
    let (other, _) = shop.locked(&notation::request(&shop.schema, "-items 1"), None);
    let Outcome::Done(changes) = other else { panic!("{other:?}") };
    shop.database.write(&changes).unwrap();
    let (outcome, _) = shop.phase(&request, &mut rows, Phase::Locked, &mut |lookup, rows| {
        shop.database.serve(lookup, rows, None, true);
    });
    assert_eq!(shop.text(&outcome), ["orders 1: dearest 9.00 > 8.00", "-items 2"]);
}

/// What discovery was told of the rest, or a try that had to start again, is told again under the locks.
#[test]
fn an_answer_from_before_the_locks_does_not_count() {
    for before in [Phase::Discover, Phase::Locked] {
        let mut shop = shop(Action::Cascade);
        let request = notation::request(&shop.schema, "-items 1");
        let mut rows = Rows::default();
        let locked = before == Phase::Locked;
        shop.phase(&request, &mut rows, before, &mut |lookup, rows| {
            shop.database.serve(lookup, rows, (!locked).then_some(Hold::PLAIN), locked);
        });
        rows.unlock();
        let (other, _) = shop.locked(&notation::request(&shop.schema, "-items 2"), None);
        let Outcome::Done(changes) = other else { panic!("{other:?}") };
        shop.database.write(&changes).unwrap();
        let (outcome, _) = shop.phase(&request, &mut rows, Phase::Locked, &mut |lookup, rows| {
            shop.database.serve(lookup, rows, None, true);
        });
        assert_eq!(shop.text(&outcome), ["orders 1: dearest 10.00 > 8.00", "-items 1"], "{before:?}");
    }
}

/// A value that rules cannot trust is not adjusted as if it were an extreme.
#[test]
fn a_stored_null_is_no_extreme() {
    let rows = ROWS.replace("dearest=10.00 ", "");
    let shop = world(&schema(Action::Cascade), prices, &rows);
    let outcome = shop.run(&notation::request(&shop.schema, "items 2 amount=2.00"));
    assert_eq!(
        shop.text(&outcome),
        ["orders 1: dearest null > 10.00, cheapest 8.00 > 2.00", "items 2: amount 9.00 > 2.00",]
    );
}

/// What a formula of the children sets, below a parent that it reads: all of them move at once.
#[test]
fn a_formula_that_moves_every_child_moves_the_extreme() {
    let schema = fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("orders").column("rate", INT).column("dearest", MONEY),
            Sketch::new("items").column("pieces", INT).column("amount", MONEY).parent(
                "order_id",
                "orders",
                Action::Cascade,
            ),
        ],
    );
    fn rules(rules: Rules<'_>) -> Rules<'_> {
        let amount = mul(rules.col("items", "pieces"), rules.col("items", "order.rate"));
        rules.formula("items.amount", amount).max("orders.dearest", "items.amount", None)
    }
    let rows = "
        orders 1 rate=2 dearest=6.00
        items 1 order_id=1 pieces=3 amount=6.00; items 2 order_id=1 pieces=1 amount=2.00";
    check(
        &world(&schema, rules, rows),
        &[
            (
                "orders 1 rate=1",
                &[
                    "orders 1: rate 2 > 1, dearest 6.00 > 3.00",
                    "items 1: amount 6.00 > 3.00",
                    "items 2: amount 2.00 > 1.00",
                ],
            ),
            (
                "orders 1 rate=-1; -items 2",
                &["orders 1: rate 2 > -1, dearest 6.00 > -3.00", "items 1: amount 6.00 > -3.00", "-items 2"],
            ),
            (
                "orders 1 rate=null",
                &[
                    "orders 1: rate 2 > null, dearest 6.00 > null",
                    "items 1: amount 6.00 > null",
                    "items 2: amount 2.00 > null",
                ],
            ),
        ],
    );
}
