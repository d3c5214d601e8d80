//! Traces: what fired, what had nothing to do, and what made it so.

use dialects::Dialect;

use introspect::schema::Action;

use super::database::Database;
use super::declare::relate;
use super::drive::{World, declared};
use super::notation;
use super::shop::shop;
use crate::engine::{Hold, Phase, Rows};
use crate::fixture::{self, INT, Sketch, TEXT};
use crate::trace::Trace;

/// The trace of some operations, as the server comes to it.
fn trace(world: &World, operations: &str) -> Trace {
    let request = notation::request(&world.schema, operations);
    let mut rows = Rows::default();
    world.phase(&request, &mut rows, Phase::Locked, &mut |lookup, rows| {
        world.database.serve(lookup, rows, Some(Hold::ALL), true);
    });
    world.engine().explain(&request, &rows)
}

fn lines(world: &World, operations: &str) -> Vec<String> {
    let trace = trace(world, operations);
    trace.steps.iter().map(|step| trace.line(&world.schema, step)).collect()
}

fn check(world: &World, operations: &str, expect: &[&str]) {
    let limit = &world.rules.constraints[0].name;
    let lines: Vec<String> =
        lines(world, operations).iter().map(|line| line.replace(limit, "LIMIT")).collect();
    assert_eq!(lines, expect, "{operations}");
}

#[test]
fn a_quantity_is_followed_up_to_the_customer() {
    check(
        &shop(),
        "items 1 quantity=5",
        &[
            "items 1: quantity 3 -> 5, by the request",
            "  items 1: `items.unit_price` has nothing to do",
            "  items 1: amount 30.00 -> 50.00, by `items.amount`, because of items 1: quantity",
            "    orders 1: amount_total 40.00 -> 60.00, by `orders.amount_total`, because of items 1: amount",
            "      customers 1: balance 40.00 -> 60.00, by `customers.balance`, because of orders 1: amount_total",
            "        customers 1: `LIMIT` holds, because of customers 1: balance",
        ],
    );
}

#[test]
fn what_has_nothing_to_do_says_so() {
    check(
        &shop(),
        "orders 2 notes=x",
        &[
            "orders 2: notes null -> \"x\", by the request",
            "  orders 2: `customers.balance` has nothing to do",
        ],
    );
}

#[test]
fn a_new_item_gets_its_price_and_its_order_follows() {
    check(
        &shop(),
        "+items order_id=3 product_id=2 quantity=4",
        &[
            "items (new 0): new, by the request",
            "items (new 0): quantity null -> 4, by the request",
            "items (new 0): order_id null -> 3, by the request",
            "items (new 0): product_id null -> 2, by the request",
            "  items (new 0): unit_price null -> 5.00, by `items.unit_price`, because of items (new 0): product_id",
            "    items (new 0): amount null -> 20.00, by `items.amount`, because of items (new 0): quantity and items (new 0): unit_price",
            "      orders 3: amount_total 0.00 -> 20.00, by `orders.amount_total`, because of items (new 0): order_id and items (new 0): amount",
            "        customers 2: balance 0.00 -> 20.00, by `customers.balance`, because of orders 3: amount_total",
            "          customers 2: `LIMIT` holds, because of customers 2: balance",
        ],
    );
}

#[test]
fn a_removed_order_takes_its_items_along() {
    check(
        &shop(),
        "-orders 1",
        &[
            "orders 1: deleted, by the request",
            "  items 1: deleted, by a foreign key, because of orders 1 (deleted)",
            "  items 2: deleted, by a foreign key, because of orders 1 (deleted)",
            "  customers 1: balance 40.00 -> 0.00, by `customers.balance`, because of orders 1 (deleted)",
            "    customers 1: `LIMIT` holds, because of customers 1: balance",
        ],
    );
}

#[test]
fn a_refusal_is_the_last_step() {
    check(
        &shop(),
        "orders 1 customer_id=2",
        &[
            "orders 1: customer_id 1 -> 2, by the request",
            "  customers 1: balance 40.00 -> 0.00, by `customers.balance`, because of orders 1: customer_id",
            "  customers 2: balance 0.00 -> 40.00, by `customers.balance`, because of orders 1: customer_id",
            "    customers 1: `LIMIT` holds, because of customers 1: balance",
            "    customers 2: `LIMIT` refuses: balance (40.00) exceeds the credit limit (30.00), because of customers 2: balance",
        ],
    );
}

#[test]
fn a_rule_that_comes_to_the_same_value_says_so() {
    check(
        &shop(),
        "items 1 quantity=6 unit_price=5.00",
        &[
            "items 1: quantity 3 -> 6, by the request",
            "items 1: unit_price 10.00 -> 5.00, by the request",
            "  items 1: `items.unit_price` has nothing to do",
            "  items 1: `items.amount` leaves it as it is, because of items 1: quantity and items 1: unit_price",
            "  items 1: `orders.amount_total` has nothing to do",
        ],
    );
}

#[test]
fn what_is_hidden_is_not_shown() {
    let mut world = shop();
    let items = world.schema.find("items").unwrap().0 as usize;
    world.schema.tables[items]
        .columns
        .iter_mut()
        .filter(|c| c.name == "amount")
        .for_each(|c| c.hidden = true);
    let told = lines(&world, "items 1 quantity=5");
    assert_eq!(told[2], "  items 1: amount (hidden), by `items.amount`, because of items 1: quantity");
    let words = trace(&world, "items 1 quantity=5");
    assert_eq!(words.words(&world.schema, &words.steps[2]).new, None);
}

#[test]
fn a_long_trace_is_cut_and_says_so() {
    let operations: Vec<String> =
        (0..200).map(|n| format!("+items order_id=3 product_id=2 quantity={n}")).collect();
    let mut world = shop();
    world.rules.constraints.extend(std::iter::repeat_n(world.rules.constraints[0].clone(), 10));
    let whole = trace(&shop(), &operations[..20].join(";"));
    assert_eq!(whole.left_out, 0);
    let trace = trace(&world, &operations.join(";"));
    assert_eq!(trace.steps.len(), 1000);
    assert!(trace.left_out > 100, "{}", trace.left_out);
}

#[test]
fn a_transition_is_taken_refused_or_not_looked_at() {
    let schema =
        fixture::schema(Dialect::Postgres, vec![Sketch::new("t").column("state", TEXT).column("n", INT)]);
    let rules = fixture::rules(&schema, "transition: {t.state: {initial: [a], a: [b]}}");
    let name = rules.transitions[0].name.clone();
    let world = World::new(&schema, rules, Database::holding(&schema, "t 1 state=a n=1"));
    for (operations, expect) in [
        ("t 1 state=b", format!("  t 1: `{name}` holds, because of t 1: state")),
        ("t 1 state=c", format!("  t 1: `{name}` refuses: no transition leads there, because of t 1: state")),
        ("t 1 n=2", format!("  t 1: `{name}` has nothing to do")),
    ] {
        assert_eq!(lines(&world, operations)[1], expect);
    }
}

#[test]
fn what_does_not_count_moves_nothing_above() {
    check(
        &shop(),
        "items 3 quantity=5",
        &[
            "items 3: quantity 3 -> 5, by the request",
            "  items 3: `items.unit_price` has nothing to do",
            "  items 3: amount 15.00 -> 25.00, by `items.amount`, because of items 3: quantity",
            "    orders 2: amount_total 15.00 -> 25.00, by `orders.amount_total`, because of items 3: amount",
            "  orders 2: `customers.balance` has nothing to do",
        ],
    );
}

#[test]
fn every_check_is_told_with_its_own_verdict() {
    let schema = fixture::schema(Dialect::Postgres, vec![Sketch::new("t").column("n", INT)]);
    let rules = fixture::rules(
        &schema,
        "constrain: {t: [{check: n < 5, message: too much}, {check: n <> 7, message: not seven}, {check: n > 0, message: too little}, {check: 1 / (n - 9) < 9, message: odd}]}",
    );
    let world = World::new(&schema, rules, Database::holding(&schema, "t 1 n=1"));
    let verdicts = |operations: &str| -> Vec<String> {
        let lines = lines(&world, operations);
        lines.iter().skip(1).map(|line| line.rsplit("` ").next().unwrap_or_default().to_owned()).collect()
    };
    let because = ", because of t 1: n";
    let expect = |verdicts: [&str; 4]| verdicts.map(|verdict| format!("{verdict}{because}"));
    assert_eq!(verdicts("t 1 n=2"), expect(["holds", "holds", "holds", "holds"]));
    assert_eq!(verdicts("t 1 n=7"), expect(["refuses: too much", "refuses: not seven", "holds", "holds"]));
    assert_eq!(
        verdicts("t 1 n=9"),
        expect(["refuses: too much", "holds", "holds", "refuses: a division by zero"])
    );
}

/// Orders under some rules.
fn orders(rules: &str, rows: &str) -> World {
    let orders = Sketch::new("orders").column("level", INT).column("version", INT).column("busy", INT);
    declared(&fixture::schema(Dialect::Postgres, vec![orders]), rules, rows)
}

#[test]
fn a_default_fills_in_what_is_not_given() {
    let world = orders("default: {orders.level: 7}", "");
    let name = &world.rules.derivations[0].name;
    assert_eq!(
        lines(&world, "+orders version=1")[2],
        format!("  orders (new 0): level null -> 7, by `{name}`, because of orders (new 0) (inserted)")
    );
    let idle = format!("  orders (new 0): `{name}` has nothing to do");
    assert_eq!(lines(&world, "+orders level=5")[2..], [idle]);
}

#[test]
fn a_stamp_is_set_because_a_row_came_or_because_something_changed() {
    let world =
        orders("stamp: {orders.version: 'coalesce(old.version, 0) + 1'}", "orders 1 level=1 version=1");
    for (operations, expect) in [
        ("orders 1 level=2", "  orders 1: version 1 -> 2, by `orders.version`, because of orders 1: level"),
        (
            "+orders level=2",
            "  orders (new 0): version null -> 1, by `orders.version`, because of orders (new 0) (inserted)",
        ),
        ("orders 1 level=1", "  orders 1: `orders.version` has nothing to do"),
    ] {
        assert_eq!(lines(&world, operations).last().unwrap(), expect);
    }
}

#[test]
fn a_derivation_without_a_value_is_told_apart_from_one_that_stays_as_it_is() {
    let rules = "derive: {orders.version: 12 / level, orders.busy: level * 0}";
    let world = orders(rules, "orders 1 level=2 version=6 busy=0");
    assert_eq!(
        lines(&world, "orders 1 level=0")[1..],
        [
            "  orders 1: `orders.version` refuses: it has no value, because of orders 1: level",
            "  orders 1: `orders.busy` leaves it as it is, because of orders 1: level",
        ]
    );
}

#[test]
fn a_row_above_that_was_not_looked_at_is_told_where_its_key_is_known() {
    let mut schema = fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("lines").column("quantity", INT).column("order_number", TEXT).parent(
                "clerk_id",
                "clerks",
                Action::Cascade,
            ),
            Sketch::new("clerks").column("busy", INT),
            Sketch::new("orders").column("number", TEXT).column("busy", INT),
        ],
    );
    relate(&mut schema, "lines.order_number", "orders.number", ("order", "lines"), Action::Cascade);
    let rules = "derive:
  clerks.busy: count(lines where quantity > 1)
  orders.busy: count(lines where quantity > 1)
";
    let rows = "clerks 1 busy=1; orders 1 number=a busy=1; lines 1 quantity=2 order_number=a clerk_id=1";
    assert_eq!(
        lines(&declared(&schema, rules, rows), "lines 1 quantity=3")[1..],
        ["  clerks 1: `clerks.busy` leaves it as it is, because of lines 1: quantity"]
    );
}
