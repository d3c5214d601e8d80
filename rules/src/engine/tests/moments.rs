//! Rules about the moment of a change: what moved from where to where, and when.

use dialects::{Dialect, ValueType};
use introspect::Schema;
use introspect::schema::Action;

use super::database::Database;
use super::drive::{World, check};
use super::notation;
use crate::fixture::{self, INT, Sketch, TEXT};

/// Orders with their lines, on products.
fn depot() -> Schema {
    fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("clerks").column("name", TEXT),
            Sketch::new("lines")
                .column("quantity", INT)
                .parent("order_id", "orders", Action::Cascade)
                .parent("product_id", "products", Action::NoAction),
            Sketch::new("orders")
                .column("status", TEXT)
                .column("paid", ValueType::Bool)
                .column("level", INT)
                .column("units", INT)
                .column("version", INT)
                .column("note", TEXT)
                .parent("clerk_id", "clerks", Action::SetNull),
            Sketch::new("products").column("stock", INT).column("shipped", INT).column("least", INT),
        ],
    )
}

const ROWS: &str = "
    clerks 1 name=Ann
    orders 1 status=new level=1 units=3 version=1 clerk_id=1
    orders 2 status=paid level=2 units=12 version=1
    orders 3 status=lost level=0 units=0 version=1
    orders 4 level=0 units=0
    products 1 stock=10 shipped=8 least=2
    products 2 stock=5 shipped=7 least=0
    lines 1 order_id=1 product_id=1 quantity=3
    lines 2 order_id=2 product_id=1 quantity=5
    lines 3 order_id=2 product_id=2 quantity=7";

fn world(rules: &str) -> World {
    let schema = depot();
    let rules = fixture::rules(&schema, rules);
    World::new(&schema, rules, Database::holding(&schema, ROWS))
}

const STATES: &str = "
transition:
  orders.status:
    initial: [new]
    new: [paid, cancelled]
    paid: [shipped, cancelled, null]
    shipped: []
";

#[test]
fn a_column_moves_along_the_declared_edges_alone() {
    check(
        &world(STATES),
        &[
            ("+orders status=new", &["+orders status=new"]),
            ("+orders status=paid", &["orders #0: from nothing to paid"]),
            ("+orders note=x", &["orders #0: from nothing to null"]),
            ("orders 1 status=paid", &["orders 1: status new > paid"]),
            ("orders 1 status=shipped", &["orders 1: from new to shipped"]),
            ("orders 1 status=unheard", &["orders 1: from new to unheard"]),
            ("orders 1 status=null", &["orders 1: from new to null"]),
            ("orders 2 status=null", &["orders 2: status paid > null"]),
            ("orders 3 status=new", &["orders 3: from lost to new"]),
            ("orders 3 note=x", &["orders 3: note null > x"]),
            ("orders 4 status=new", &["orders 4: status null > new"]),
            ("orders 4 status=paid", &["orders 4: from null to paid"]),
            ("orders 4 note=x", &["orders 4: note null > x"]),
            ("-orders 1", &["-orders 1"]),
        ],
    );
}

#[test]
fn a_transition_is_judged_net_over_the_transaction() {
    check(
        &world(STATES),
        &[
            ("orders 1 status=paid; orders 1 status=shipped", &["orders 1: from new to shipped"]),
            ("orders 2 status=lost; orders 2 status=shipped", &["orders 2: status paid > shipped"]),
            ("orders 2 status=shipped; orders 2 status=paid", &[]),
            ("orders 1 status=shipped; -orders 1", &["-lines 1", "-orders 1"]),
            (
                "orders 1 status=shipped; orders 2 status=new",
                &["orders 1: from new to shipped", "orders 2: from paid to new"],
            ),
        ],
    );
}

#[test]
fn without_initial_states_a_row_may_come_in_any_that_occurs() {
    let world = world("transition:\n  orders.status: {new: [paid], paid: [shipped]}\n");
    check(
        &world,
        &[
            ("+orders status=shipped", &["+orders status=shipped"]),
            ("+orders note=x", &["+orders status=null note=x"]),
            ("+orders status=lost", &["orders #0: from nothing to lost"]),
            ("orders 4 status=shipped", &["orders 4: status null > shipped"]),
        ],
    );
}

#[test]
fn numbers_and_truth_values_are_states_too() {
    let world = world(
        "transition:\n  orders.level: {initial: [0], 0: [1], 1: [0, 2], 2: [-1]}\n  orders.paid: {initial: [null], false: [true]}\n",
    );
    check(
        &world,
        &[
            ("+orders level=0", &["+orders paid=null level=0"]),
            ("+orders level=1", &["orders #0: from nothing to 1"]),
            ("orders 2 level=-1", &["orders 2: level 2 > -1"]),
            ("orders 2 level=1", &["orders 2: from 2 to 1"]),
            ("orders 1 paid=true", &["orders 1: from null to true"]),
        ],
    );
}

#[test]
fn a_derived_column_is_held_to_its_transition_as_well() {
    let rules = "
derive:
  orders.units: sum(lines.quantity)
  orders.level: case when units = 0 then 0 when units < 10 then 1 else 2 end
transition:
  orders.level: {initial: [0], 0: [1, 2], 1: [2], 2: [1]}
";
    check(
        &world(rules),
        &[
            ("+orders note=x", &["+orders level=0 units=0 note=x"]),
            ("lines 2 quantity=1", &["orders 2: level 2 > 1, units 12 > 8", "lines 2: quantity 5 > 1"]),
            ("-lines 2; -lines 3", &["orders 2: from 2 to 0"]),
        ],
    );
}

const STAMPS: &str = "
derive:
  orders.units: sum(lines.quantity)
stamp:
  orders.version: coalesce(old.version, 0) + 1
  orders.note: {as: \"'by ' || coalesce(actor.id, 'nobody')\", operations: [insert]}
";

#[test]
fn a_stamp_is_set_on_insert_and_when_something_changes_that_clients_set() {
    check(
        &world(STAMPS),
        &[
            ("+orders level=1", &["+orders level=1 units=0 version=1 note=by nobody"]),
            ("orders 1 level=5", &["orders 1: level 1 > 5, version 1 > 2"]),
            ("orders 1 clerk_id=null", &["orders 1: version 1 > 2, clerk_id 1 > null"]),
            ("orders 1 status=null", &["orders 1: status new > null, version 1 > 2"]),
            (
                "orders 1 level=5; orders 1 status=x",
                &["orders 1: status new > x, level 1 > 5, version 1 > 2"],
            ),
            ("-orders 1", &["-lines 1", "-orders 1"]),
        ],
    );
}

#[test]
fn a_change_that_comes_to_nothing_or_that_rules_make_stamps_nothing() {
    check(
        &world(STAMPS),
        &[
            ("orders 1 level=1", &[]),
            ("orders 1 level=5; orders 1 level=1", &[]),
            ("lines 1 quantity=4", &["orders 1: units 3 > 4", "lines 1: quantity 3 > 4"]),
            ("-lines 1", &["orders 1: units 3 > 0", "-lines 1"]),
            (
                "lines 1 quantity=4; orders 1 level=5",
                &["orders 1: level 1 > 5, units 3 > 4, version 1 > 2", "lines 1: quantity 3 > 4"],
            ),
        ],
    );
}

#[test]
fn what_a_foreign_key_carries_along_is_stamped() {
    check(&world(STAMPS), &[("-clerks 1", &["orders 1: version 1 > 2, clerk_id 1 > null", "-clerks 1"])]);
}

#[test]
fn stamps_feed_formulas_sums_and_checks_and_read_what_is_derived() {
    let rules = "
derive:
  orders.units: sum(lines.quantity)
  orders.level: version * 10
  products.shipped: sum(lines.quantity)
stamp:
  orders.version: {as: 'units + coalesce(old.version, 0)', operations: [update]}
constrain:
  orders:
    - {check: level < 150, message: 'level {level}'}
";
    let mut world = world(rules);
    let rows = ROWS
        .replace("status=new level=1", "status=new level=10")
        .replace("status=paid level=2", "status=paid level=10")
        .replace("status=lost level=0", "status=lost level=10");
    world.database = Database::holding(&world.schema, &rows.replace("orders 4 level=0", "orders 4"));
    check(
        &world,
        &[
            ("+orders status=x", &["+orders status=x level=null units=0 version=null"]),
            ("orders 1 status=x", &["orders 1: status new > x, level 10 > 40, version 1 > 4"]),
            ("orders 2 status=x; lines 2 quantity=7", &["orders 2: level 150"]),
            ("orders 4 status=x", &["orders 4: status null > x, level null > 0, version null > 0"]),
        ],
    );
}

#[test]
fn a_stamp_tells_the_moment_of_the_request() {
    let world = world("stamp: {orders.note: \"cast(now() as text)\"}");
    let mut request = notation::request(&world.schema, "orders 1 level=9");
    request.now = "2026-05-01T12:30:00".parse().unwrap();
    assert_eq!(world.text(&world.run(&request)), ["orders 1: level 1 > 9, note null > 2026-05-01 12:30:00Z"]);
}

#[test]
fn a_stamp_knows_what_changed() {
    let rules = "
stamp:
  orders.units: case when inserting then 0 when changed(status) then old.units + 1 else old.units end
";
    check(
        &world(rules),
        &[
            ("+orders status=x", &["+orders status=x units=0"]),
            ("orders 1 status=x", &["orders 1: status new > x, units 3 > 4"]),
            ("orders 1 level=9", &["orders 1: level 1 > 9"]),
        ],
    );
}

const STEPS: &str = "
derive:
  products.shipped: sum(lines.quantity)
  products.stock: old.stock - (shipped - old.shipped)
constrain:
  products:
    - {check: stock >= 0, message: 'stock {stock}'}
";

#[test]
fn a_step_is_taken_when_its_inputs_change() {
    check(
        &world(STEPS),
        &[
            (
                "+lines product_id=1 quantity=4",
                &["+lines quantity=4 product_id=1", "products 1: stock 10 > 6, shipped 8 > 12"],
            ),
            ("lines 1 quantity=1", &["products 1: stock 10 > 12, shipped 8 > 6", "lines 1: quantity 3 > 1"]),
            (
                "lines 1 product_id=2",
                &[
                    "products 1: stock 10 > 13, shipped 8 > 5",
                    "products 2: stock 5 > 2, shipped 7 > 10",
                    "lines 1: product_id 1 > 2",
                ],
            ),
            (
                "lines 1 product_id=null",
                &["products 1: stock 10 > 13, shipped 8 > 5", "lines 1: product_id 1 > null"],
            ),
            ("-lines 2", &["products 1: stock 10 > 15, shipped 8 > 3", "-lines 2"]),
            (
                "-orders 2",
                &[
                    "products 1: stock 10 > 15, shipped 8 > 3",
                    "products 2: stock 5 > 12, shipped 7 > 0",
                    "-lines 2",
                    "-lines 3",
                    "-orders 2",
                ],
            ),
            ("+lines product_id=2 quantity=6", &["products 2: stock -1"]),
            (
                "lines 1 quantity=4; lines 2 quantity=4",
                &["lines 1: quantity 3 > 4", "lines 2: quantity 5 > 4"],
            ),
        ],
    );
}

#[test]
fn a_client_may_set_what_a_step_moves_in_a_change_that_moves_it_not() {
    check(
        &world(STEPS),
        &[
            ("products 1 stock=50", &["products 1: stock 10 > 50"]),
            ("products 1 stock=50; products 1 least=3", &["products 1: stock 10 > 50, least 2 > 3"]),
            ("products 1 stock=-1", &["products 1: stock -1"]),
            ("+products stock=7", &["+products stock=7 shipped=0"]),
            ("+products least=1", &["+products stock=null shipped=0 least=1"]),
            ("products 1 stock=50; lines 1 quantity=4", &["products 1: stock is moved by its step"]),
            (
                "products 1 stock=9; lines 1 quantity=4",
                &["products 1: stock 10 > 9, shipped 8 > 9", "lines 1: quantity 3 > 4"],
            ),
            (
                "products 1 stock=10; lines 1 quantity=4",
                &["products 1: stock 10 > 9, shipped 8 > 9", "lines 1: quantity 3 > 4"],
            ),
        ],
    );
}

#[test]
fn steps_chain_and_a_default_gives_them_their_start() {
    let rules = "
derive:
  orders.units: sum(lines.quantity)
  orders.level: old.level + (units - old.units)
  orders.version: old.version + case when level > old.level then 1 else 0 end
default:
  orders.level: 100
";
    check(
        &world(rules),
        &[
            ("+orders status=x", &["+orders status=x level=100 units=0"]),
            ("+orders level=7", &["+orders level=7 units=0"]),
            (
                "lines 1 quantity=5",
                &["orders 1: level 1 > 3, units 3 > 5, version 1 > 2", "lines 1: quantity 3 > 5"],
            ),
            ("lines 1 quantity=2", &["orders 1: level 1 > 0, units 3 > 2", "lines 1: quantity 3 > 2"]),
            ("orders 1 level=9", &["orders 1: level 1 > 9, version 1 > 2"]),
        ],
    );
}

#[test]
fn a_step_follows_the_rows_above_and_stamps_nothing() {
    let rules = "
derive:
  lines.quantity: old.quantity + coalesce(product.least, 0)
stamp:
  products.shipped: coalesce(old.shipped, 0) + 1
";
    check(
        &world(rules),
        &[
            (
                "products 1 least=5",
                &[
                    "products 1: shipped 8 > 9, least 2 > 5",
                    "lines 1: quantity 3 > 8",
                    "lines 2: quantity 5 > 10",
                ],
            ),
            ("lines 1 product_id=2", &["lines 1: product_id 1 > 2"]),
            ("lines 3 product_id=1", &["lines 3: quantity 7 > 9, product_id 2 > 1"]),
            ("lines 1 product_id=null", &["lines 1: product_id 1 > null"]),
        ],
    );
}

#[test]
fn a_check_that_reads_nothing_of_the_row_as_it_will_be_is_judged_on_every_change() {
    let rules = "
constrain:
  orders:
    - {check: old.status <> 'paid', message: '{old.status} stays', operations: [update, delete]}
";
    check(
        &world(rules),
        &[
            ("orders 1 level=9", &["orders 1: level 1 > 9"]),
            ("orders 2 level=9", &["orders 2: paid stays"]),
            ("orders 2 level=2", &[]),
            ("-orders 2", &["orders 2: paid stays"]),
            ("-orders 1", &["-orders 1"]),
            ("+orders status=paid", &["+orders status=paid"]),
        ],
    );
}

#[test]
fn a_check_on_removal_sees_the_row_as_it_was() {
    let rules = "
constrain:
  lines:
    - check: not deleting or order.status <> 'paid' or quantity < 6
      message: '{quantity} of a {order.status} order'
      operations: [insert, delete]
";
    check(
        &world(rules),
        &[
            ("-lines 1", &["-lines 1"]),
            ("-lines 2", &["-lines 2"]),
            ("-lines 3", &["lines 3: 7 of a paid order"]),
            ("lines 3 quantity=9", &["lines 3: quantity 7 > 9"]),
            ("lines 3 quantity=1; -lines 3", &["lines 3: 7 of a paid order"]),
            ("-orders 2", &["-lines 2", "-lines 3", "-orders 2"]),
        ],
    );
}
