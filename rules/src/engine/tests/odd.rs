//! Rules off the shop's beaten track: parents read from below, defaults of both kinds, checks over several rows.

use dialects::{Dialect, Value, ValueType};
use introspect::Schema;
use introspect::schema::{Action, ColumnDefault};

use super::database::Database;
use super::declare::{Rules, at, int, mul, op};
use super::drive::{World, check, world};
use super::notation;
use crate::expr::{BinaryOp, Expr};
use crate::fixture::{self, INT, Sketch, TEXT};

/// Countries, their regions, and shops whose price depends on both.
fn countries(on_delete: Action) -> Schema {
    fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("countries").column("tax", INT),
            Sketch::new("regions").column("rent", INT).parent("country_id", "countries", on_delete),
            Sketch::new("shops").column("price", INT).column("total", INT).parent(
                "region_id",
                "regions",
                on_delete,
            ),
        ],
    )
}

const COUNTRIES: &str = "
    countries 1 tax=10; countries 2 tax=20
    regions 1 country_id=1 rent=1; regions 2 country_id=2 rent=2; regions 3 rent=3
    shops 1 region_id=1 price=100 total=111
    shops 2 region_id=1 price=200 total=211
    shops 3 region_id=2 price=100 total=122
    shops 4 price=100 total=100";

fn totals(rules: Rules<'_>) -> Rules<'_> {
    let or_nothing = |e: Expr| Expr::Call(crate::expr::Function::Coalesce, vec![e, int(0)]);
    let tax = or_nothing(rules.col("shops", "region.country.tax"));
    let rent = or_nothing(rules.col("shops", "region.rent"));
    let total = op(BinaryOp::Add, op(BinaryOp::Add, rules.col("shops", "price"), rent), tax);
    rules.formula("shops.total", total)
}

#[test]
fn a_formula_follows_the_rows_above_it() {
    check(
        &world(&countries(Action::NoAction), totals, COUNTRIES),
        &[
            ("+shops region_id=2 price=1", &["+shops price=1 total=23 region_id=2"]),
            ("shops 1 region_id=2", &["shops 1: total 111 > 122, region_id 1 > 2"]),
            ("shops 1 region_id=null", &["shops 1: total 111 > 100, region_id 1 > null"]),
            (
                "regions 1 rent=5",
                &["regions 1: rent 1 > 5", "shops 1: total 111 > 115", "shops 2: total 211 > 215"],
            ),
            (
                "countries 1 tax=11",
                &["countries 1: tax 10 > 11", "shops 1: total 111 > 112", "shops 2: total 211 > 212"],
            ),
            (
                "regions 1 country_id=2",
                &["regions 1: country_id 1 > 2", "shops 1: total 111 > 121", "shops 2: total 211 > 221"],
            ),
            ("regions 1 rent=2; countries 1 tax=9", &["countries 1: tax 10 > 9", "regions 1: rent 1 > 2"]),
            (
                "countries 1 tax=11; shops 1 region_id=3; shops 3 region_id=1",
                &[
                    "countries 1: tax 10 > 11",
                    "shops 1: total 111 > 103, region_id 1 > 3",
                    "shops 2: total 211 > 212",
                    "shops 3: total 122 > 112, region_id 2 > 1",
                ],
            ),
            (
                "countries 1 tax=null",
                &["countries 1: tax 10 > null", "shops 1: total 111 > 101", "shops 2: total 211 > 201"],
            ),
        ],
    );
}

#[test]
fn a_removed_parent_sets_its_children_free_and_their_formulas_follow() {
    check(
        &world(&countries(Action::SetNull), totals, COUNTRIES),
        &[
            (
                "-countries 1",
                &[
                    "regions 1: country_id 1 > null",
                    "shops 1: total 111 > 101",
                    "shops 2: total 211 > 201",
                    "-countries 1",
                ],
            ),
            (
                "-regions 1",
                &[
                    "shops 1: total 111 > 100, region_id 1 > null",
                    "shops 2: total 211 > 200, region_id 1 > null",
                    "-regions 1",
                ],
            ),
            (
                "-regions 1; -countries 1",
                &[
                    "shops 1: total 111 > 100, region_id 1 > null",
                    "shops 2: total 211 > 200, region_id 1 > null",
                    "-regions 1",
                    "-countries 1",
                ],
            ),
            (
                "-regions 1; shops 1 region_id=2",
                &[
                    "shops 1: total 111 > 122, region_id 1 > 2",
                    "shops 2: total 211 > 200, region_id 1 > null",
                    "-regions 1",
                ],
            ),
        ],
    );
}

#[test]
fn who_reads_a_row_above_and_who_changes_it_keep_each_other_off() {
    let world = world(&countries(Action::NoAction), totals, COUNTRIES);
    for (operations, expect) in [
        ("shops 1 price=7", &["shops 1 change", "regions 1 read", "countries 1 read"][..]),
        ("+shops region_id=2 price=7", &["regions 2 referenced read", "countries 2 read"]),
        (
            "countries 1 tax=11",
            &[
                "countries 1 change write",
                "regions of country_id=1",
                "shops of region_id=1",
                "regions 1 read; shops 1 change; shops 2 change",
            ],
        ),
        (
            "regions 1 country_id=2",
            &[
                "regions 1 change write",
                "countries 2 referenced; shops of region_id=1",
                "countries 2 read; shops 1 change; shops 2 change",
            ],
        ),
    ] {
        let (_, waves) = world.locked(&notation::request(&world.schema, operations), None);
        assert_eq!(waves, expect, "{operations}");
    }
}

/// Tickets with a default state of the database's own, which feeds a count.
fn tickets() -> Schema {
    let expression = |table: &mut introspect::Table| {
        table.columns[1].default = ColumnDefault::Expression("'open'".into());
    };
    fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("queues").column("open", INT),
            Sketch::new("tickets")
                .column("state", TEXT)
                .column("points", INT)
                .column("doubled", INT)
                .parent("queue_id", "queues", Action::SetDefault)
                .with(expression),
        ],
    )
}

fn queueing(rules: Rules<'_>) -> Rules<'_> {
    let open = op(BinaryOp::Eq, rules.col("tickets", "state"), Expr::Literal(Value::text("open")));
    let doubled = mul(rules.col("tickets", "points"), int(2));
    rules.default("tickets.points", int(3)).formula("tickets.doubled", doubled).count(
        "queues.open",
        "tickets",
        Some(open),
    )
}

#[test]
fn a_default_stands_where_the_client_gave_nothing() {
    let mut world =
        world(&tickets(), queueing, "queues 1 open=1; tickets 1 queue_id=1 state=open points=1 doubled=2");
    let state = at(&world.schema, "tickets.state");
    world.database.defaults.insert(state, Value::text("open"));
    check(
        &world,
        &[
            (
                "+tickets queue_id=1",
                &["+tickets state=open points=3 doubled=6 queue_id=1", "queues 1: open 1 > 2"],
            ),
            (
                "+tickets queue_id=1 state=shut points=1",
                &["+tickets state=shut points=1 doubled=2 queue_id=1"],
            ),
            (
                "+tickets queue_id=1 state=null points=null",
                &["+tickets state=null points=null doubled=null queue_id=1"],
            ),
            (
                "tickets 1 state=null points=null",
                &["queues 1: open 1 > 0", "tickets 1: state open > null, points 1 > null, doubled 2 > null"],
            ),
        ],
    );
    let request = notation::request(&world.schema, "+tickets queue_id=1");
    let (_, waves) = world.locked(&request, None);
    assert_eq!(waves, ["queues 1 change; default of tickets.state"]);
}

#[test]
fn set_default_moves_the_children_to_the_default_parent() {
    let rows = "queues 1 open=1; queues 2 open=0; tickets 1 queue_id=1 state=open points=1 doubled=2";
    let mut schema = tickets();
    let queue = at(&schema, "tickets.queue_id");
    schema.tables[queue.0.0 as usize].columns[queue.1.0 as usize].default =
        ColumnDefault::Expression("2".into());
    for (default, expect) in [
        (2, &["queues 2: open 0 > 1", "tickets 1: queue_id 1 > 2", "-queues 1"][..]),
        (9, &["tickets 1: no such queue"]),
    ] {
        let mut world = world(&schema, queueing, rows);
        world.database.defaults.insert(queue, Value::Int(default));
        check(&world, &[("-queues 1", expect)]);
    }
}

#[test]
fn a_check_that_reads_a_parent_is_judged_again_when_the_parent_changes() {
    let capped: fn(Rules<'_>) -> Rules<'_> = |rules| {
        let below = op(BinaryOp::Le, rules.col("shops", "price"), rules.col("shops", "region.rent"));
        rules.constrain("shops", below, "price {price} is above {region.rent} of {region.country.tax}")
    };
    let once: fn(Rules<'_>) -> Rules<'_> = |rules| {
        let below = op(BinaryOp::Le, rules.col("shops", "price"), rules.col("shops", "region.rent"));
        rules.constrain("shops", below, "too dear").but(|constraint| constraint.recheck = false)
    };
    let rows = "
        countries 1 tax=7; regions 1 country_id=1 rent=5; regions 2 rent=3
        shops 1 region_id=1 price=4; shops 2 region_id=1 price=5";
    let schema = countries(Action::NoAction);
    check(
        &world(&schema, capped, rows),
        &[
            ("regions 1 rent=3", &["shops 1: price 4 is above 3 of 7", "shops 2: price 5 is above 3 of 7"]),
            (
                "regions 1 rent=4; shops 2 region_id=null",
                &["regions 1: rent 5 > 4", "shops 2: region_id 1 > null"],
            ),
            ("shops 1 region_id=2", &["shops 1: price 4 is above 3 of nothing"]),
            ("shops 1 region_id=null price=99", &["shops 1: price 4 > 99, region_id 1 > null"]),
        ],
    );
    let refused = World { database: Database::holding(&schema, rows), ..world(&schema, once, rows) };
    let request = notation::request(&schema, "regions 1 rent=3");
    assert_eq!(refused.text(&refused.run(&request)), ["regions 1: rent 5 > 3"]);
    check(&refused, &[("shops 1 region_id=2", &["shops 1: too dear"])]);
}

#[test]
fn a_division_by_zero_refuses_and_names_the_rule() {
    let mut schema = countries(Action::NoAction);
    schema.tables[1]
        .columns
        .push(fixture::column("share", ValueType::Decimal { precision: Some(5), scale: Some(2) }));
    let rules: fn(Rules<'_>) -> Rules<'_> = |rules| {
        let ratio = op(BinaryOp::Div, rules.col("regions", "rent"), rules.col("regions", "country.tax"));
        rules.formula("regions.share", ratio)
    };
    check(
        &world(&schema, rules, "countries 1 tax=3; regions 1 country_id=1 rent=2 share=0.67"),
        &[
            ("countries 1 tax=0", &["regions 1: regions.share: a division by zero"]),
            ("countries 1 tax=-3", &["countries 1: tax 3 > -3", "regions 1: share 0.67 > -0.67"]),
            ("+regions country_id=1 rent=1", &["+regions rent=1 country_id=1 share=0.33"]),
            ("regions 1 rent=5000", &["regions 1: share has more than 3 digits before the point"]),
        ],
    );
}

#[test]
fn a_default_may_be_taken_from_the_rows_above() {
    let priced: fn(Rules<'_>) -> Rules<'_> = |rules| {
        let tax = rules.col("shops", "region.country.tax");
        let rent = rules.col("shops", "region.rent");
        rules.default("shops.price", rent).default("shops.total", tax)
    };
    check(
        &world(&countries(Action::NoAction), priced, COUNTRIES),
        &[
            ("+shops region_id=2", &["+shops price=2 total=20 region_id=2"]),
            ("+shops region_id=2 price=1 total=null", &["+shops price=1 total=null region_id=2"]),
            ("+shops region_id=3", &["+shops price=3 total=null region_id=3"]),
            ("countries 2 tax=21; regions 2 rent=4", &["countries 2: tax 20 > 21", "regions 2: rent 2 > 4"]),
            ("shops 3 region_id=1", &["shops 3: region_id 2 > 1"]),
        ],
    );
}
