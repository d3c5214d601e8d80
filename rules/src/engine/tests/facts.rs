//! What follows from a schema and its rules, read by whoever wants to save work: too much costs time, too little costs a promise.

use dialects::Dialect;
use introspect::schema::Action;
use introspect::{ColumnId, Schema, TableId};

use super::notation;
use crate::engine::{Engine, Facts};
use crate::fixture::{self, INT, Sketch};
use crate::rule::RuleSet;

struct World {
    schema: Schema,
    rules: RuleSet,
    facts: Facts,
}

fn world(schema: Schema, rules: &str) -> World {
    let rules = fixture::rules(&schema, rules);
    let facts = Facts::new(&schema, &rules);
    World { schema, rules, facts }
}

fn shop() -> World {
    world(fixture::shop(), fixture::SHOP_RULES)
}

impl World {
    /// The tables of which something holds, by name.
    fn tables(&self, holds: impl Fn(&Facts, TableId) -> bool) -> String {
        let held = self.schema.iter().filter(|(id, _)| holds(&self.facts, *id));
        held.map(|(_, table)| table.name.clone()).collect::<Vec<_>>().join(" ")
    }

    /// The columns of which something holds, by name.
    fn columns(&self, holds: impl Fn(&Facts, TableId, ColumnId) -> bool) -> String {
        let mut names = Vec::new();
        for (id, table) in self.schema.iter() {
            let held = table.columns().filter(|(column, _)| holds(&self.facts, id, *column));
            names.extend(held.map(|(_, column)| format!("{}.{}", table.name, column.name)));
        }
        names.join(" ")
    }

    /// The rows that a request will move, by the way to them.
    fn reach(&self, request: &str) -> Vec<String> {
        let request = notation::request(&self.schema, request);
        let engine = Engine { schema: &self.schema, rules: &self.rules, facts: &self.facts };
        let way = |lookup: &crate::engine::PathLookup| {
            let mut table = lookup.from.table;
            let mut words = vec![format!("{} {:?}", self.schema[table].name, lookup.from.values)];
            for hop in &lookup.path {
                words.push(self.schema[table][*hop].name.clone());
                table = self.schema[table][*hop].target;
            }
            assert_eq!(table, lookup.table);
            format!("{}: {:?} {:?}", words.join(" > "), lookup.hold.row, lookup.hold.readers)
        };
        engine.reach(&request).iter().map(way).collect()
    }
}

#[test]
fn rules_read_and_set_these_columns() {
    let shop = shop();
    assert_eq!(
        shop.columns(|facts, table, column| facts.matters(table, &[column])),
        "customers.balance customers.credit_limit items.quantity items.unit_price items.amount items.order_id \
         items.product_id orders.date_shipped orders.amount_total orders.customer_id products.unit_price"
    );
    assert_eq!(
        shop.columns(Facts::is_derived),
        "customers.balance items.unit_price items.amount orders.amount_total"
    );
    assert_eq!(
        shop.columns(Facts::default_is_read),
        "customers.credit_limit items.quantity items.order_id items.product_id orders.date_shipped orders.customer_id \
         products.unit_price"
    );
    assert_eq!(shop.columns(Facts::read_from_below), "");
}

#[test]
fn rules_look_when_rows_of_these_tables_come_or_go() {
    let shop = shop();
    assert_eq!(shop.tables(Facts::insertion_matters), "customers items orders");
    assert_eq!(shop.tables(Facts::removal_matters), "items orders");
}

#[test]
fn a_table_without_rules_is_left_to_the_database() {
    let schema = || {
        fixture::schema(
            Dialect::Postgres,
            vec![
                Sketch::new("tops").column("a", INT),
                Sketch::new("lows").parent("top_id", "tops", Action::Cascade),
            ],
        )
    };
    let free = world(schema(), "derive: {}\n");
    assert_eq!(free.tables(Facts::insertion_matters), "");
    assert_eq!(free.tables(Facts::removal_matters), "");
    assert_eq!(free.tables(Facts::carries_removals), "");
    let counted = world(schema(), "derive:\n  tops.a: count(lows)\n");
    assert_eq!(counted.tables(Facts::carries_removals), "lows tops");
}

#[test]
fn the_engine_removes_what_a_refusing_key_further_down_may_hold_back() {
    // mids and lows go with tops; lows also hold back whatever they name by their second key.
    let diamond = |second: &str, action: Action| {
        let schema = fixture::schema(
            Dialect::Postgres,
            vec![
                Sketch::new("tops"),
                Sketch::new("others"),
                Sketch::new("mids").parent("top_id", "tops", Action::Cascade),
                Sketch::new("lows")
                    .parent("top_id", "tops", Action::Cascade)
                    .parent("held_id", second, action),
            ],
        );
        world(schema, "derive: {}\n").tables(Facts::carries_removals)
    };
    // Whoever has a refusing key upon it is looked at itself; the rest follows the diamond.
    assert_eq!(diamond("mids", Action::NoAction), "lows mids tops");
    assert_eq!(diamond("others", Action::NoAction), "others");
    assert_eq!(diamond("mids", Action::Cascade), "");
}

#[test]
fn changes_go_down_where_rules_read_what_stands_above() {
    let above = world(fixture::shop(), "derive:\n  items.amount: quantity * order.customer.credit_limit\n");
    let column = |world: &World, name: &str| {
        let (table, column) = name.split_once('.').unwrap();
        let id = world.schema.find(table).unwrap();
        (id, world.schema[id].column(column).unwrap())
    };
    let down = |world: &World, name: &str| {
        let (table, column) = column(world, name);
        world.facts.reaches_down(table, &[column])
    };
    assert!(down(&above, "customers.credit_limit"));
    assert!(down(&above, "orders.customer_id"));
    assert!(!down(&above, "items.quantity"));
    assert!(!down(&above, "items.order_id"));
    assert_eq!(above.columns(Facts::read_from_below), "customers.credit_limit orders.customer_id");
    let shop = shop();
    for name in ["items.quantity", "orders.customer_id", "customers.credit_limit", "products.unit_price"] {
        assert!(!down(&shop, name), "{name}");
    }
}

#[test]
fn a_row_that_comes_or_goes_moves_columns_of_the_table_above() {
    let shop = shop();
    let fed = |table: &str| {
        let fed = shop.facts.fed_by(shop.schema.find(table).unwrap());
        let names = fed.iter().flat_map(|(table, columns)| {
            let table = &shop.schema[*table];
            columns.iter().map(|column| format!("{}.{}", table.name, table[*column].name))
        });
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(fed("items"), "orders.amount_total");
    assert_eq!(fed("orders"), "customers.balance");
    assert_eq!(fed("customers") + &fed("products"), "");
}

#[test]
fn what_is_referred_to_stands_before_what_must_refer_to_it() {
    let order = |sketches: Vec<Sketch>| {
        let world = world(fixture::schema(Dialect::Postgres, sketches), "");
        let mut tables: Vec<_> = world.schema.iter().collect();
        tables.sort_by_key(|(id, _)| world.facts.parents_first(*id));
        tables.iter().map(|(_, table)| table.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(order(fixture::shop_tables()), "customers orders products items");
    // A department may be without a head, who must be of a department.
    let departments = Sketch::new("departments").parent("head_id", "staff", Action::NoAction);
    let staff = Sketch::new("staff").parent("department_id", "departments", Action::NoAction);
    let must = staff.with(|table| table.columns[1].nullable = false);
    assert_eq!(order(vec![departments, must]), "departments staff");
}

#[test]
fn a_request_tells_which_rows_above_will_move() {
    let shop = shop();
    for (request, expect) in [
        (
            "items 7 quantity=5",
            &["items [Int(7)] > order: Change None", "items [Int(7)] > order > customer: Change None"]
                as &[&str],
        ),
        (
            "items 7 order_id=3",
            &[
                "orders [Int(3)]: Change None",
                "orders [Int(3)] > customer: Change None",
                "items [Int(7)] > order: Change None",
                "items [Int(7)] > order > customer: Change None",
            ],
        ),
        ("+items order_id=3 product_id=1 quantity=1", &["orders [Int(3)] > customer: Change None"]),
        (
            "orders 1 customer_id=2",
            &["customers [Int(2)]: Change None", "orders [Int(1)] > customer: Change None"],
        ),
        ("orders 1 customer_id=null", &["orders [Int(1)] > customer: Change None"]),
        ("orders 1 notes=x", &[]),
        ("products 1 unit_price=3", &[]),
        (
            "-items 7",
            &["items [Int(7)] > order: Change None", "items [Int(7)] > order > customer: Change None"],
        ),
    ] {
        assert_eq!(shop.reach(request), expect, "{request}");
    }
}

#[test]
fn a_formula_moves_with_the_columns_of_its_own_row_that_it_reads() {
    let rules = "derive:
  orders.amount_total: sum(items.amount)
  items.amount: quantity * order.customer.credit_limit
";
    let world = world(fixture::shop(), rules);
    assert_eq!(world.reach("items 7 quantity=5"), ["items [Int(7)] > order: Change None"]);
    assert_eq!(world.reach("items 7 unit_price=5"), Vec::<String>::new());
}
