//! Rules about the moment of a change: what moved from where to where, and when.

use dialects::{Dialect, ValueType};
use introspect::Schema;
use introspect::schema::Action;

use super::database::Database;
use super::drive::{World, check};
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
