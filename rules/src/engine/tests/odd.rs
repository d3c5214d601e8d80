//! Rules off the shop's beaten track: parents read from below, defaults, odd foreign keys, tables that refer to themselves.

use dialects::{Dialect, Value, ValueType};
use introspect::schema::{Action, ColumnDefault};
use introspect::{ColumnId, Schema};

use super::database::Database;
use super::declare::{Rules, at, int, mul, op, relate};
use super::drive::{World, check};
use super::notation;
use crate::expr::{BinaryOp, Expr};
use crate::fixture::{self, INT, MONEY, Sketch, TEXT};

fn world(schema: &Schema, rules: RuleSketch, rows: &str) -> World {
    let rules = rules(Rules::on(schema)).set;
    World::new(schema, rules, Database::holding(schema, rows))
}

type RuleSketch = fn(Rules<'_>) -> Rules<'_>;

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

/// Transfers have two accounts, and go when either goes.
fn accounts() -> Schema {
    fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("accounts").column("sent", MONEY).column("received", MONEY),
            Sketch::new("transfers")
                .column("amount", MONEY)
                .parent("from_id", "accounts", Action::Cascade)
                .parent("into_id", "accounts", Action::Cascade),
        ],
    )
}

fn transfers(rules: Rules<'_>) -> Rules<'_> {
    rules.sum("accounts.sent", "transfers.amount", None).sum(
        "accounts.received",
        "transfers_by_into_id.amount",
        None,
    )
}

#[test]
fn two_relationships_to_one_table_are_told_apart() {
    let rows = "
        accounts 1 sent=5 received=2; accounts 2 sent=2 received=5; accounts 3 sent=7 received=7
        transfers 1 from_id=1 into_id=2 amount=5; transfers 2 from_id=2 into_id=1 amount=2
        transfers 3 from_id=3 into_id=3 amount=7";
    check(
        &world(&accounts(), transfers, rows),
        &[
            (
                "transfers 1 amount=6",
                &["accounts 1: sent 5 > 6.00", "accounts 2: received 5 > 6.00", "transfers 1: amount 5 > 6"],
            ),
            (
                "transfers 3 amount=8",
                &["accounts 3: sent 7 > 8.00, received 7 > 8.00", "transfers 3: amount 7 > 8"],
            ),
            (
                "transfers 1 from_id=2 into_id=1",
                &[
                    "accounts 1: sent 5 > 0.00, received 2 > 7.00",
                    "accounts 2: sent 2 > 7.00, received 5 > 0.00",
                    "transfers 1: from_id 1 > 2, into_id 2 > 1",
                ],
            ),
            (
                "-accounts 1",
                &[
                    "accounts 2: sent 2 > 0.00, received 5 > 0.00",
                    "-transfers 1",
                    "-transfers 2",
                    "-accounts 1",
                ],
            ),
            ("-accounts 1; -accounts 2", &["-transfers 1", "-transfers 2", "-accounts 1", "-accounts 2"]),
            ("-accounts 3", &["-transfers 3", "-accounts 3"]),
        ],
    );
}

/// Shelves have a key of two columns and a label that is unique too; boxes refer to the one, tags to the other.
fn shelves() -> Schema {
    let mut schema = fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("boxes").column("aisle", INT).column("level", INT).column("weight", INT),
            Sketch::new("shelves")
                .column("level", INT)
                .column("label", TEXT)
                .column("load", INT)
                .column("tags", INT)
                .with(|table| table.key = vec![ColumnId(0), ColumnId(1)]),
            Sketch::new("tags").column("label", TEXT),
        ],
    );
    let names = ("shelf", "boxes");
    relate(&mut schema, "boxes.aisle, boxes.level", "shelves.id, shelves.level", names, Action::Cascade);
    relate(&mut schema, "tags.label", "shelves.label", ("shelf", "shelf_tags"), Action::SetNull);
    schema
}

fn loads(rules: Rules<'_>) -> Rules<'_> {
    rules.sum("shelves.load", "boxes.weight", None).count("shelves.tags", "shelf_tags", None)
}

#[test]
fn keys_of_several_columns_and_foreign_keys_to_other_columns_work() {
    let rows = "
        shelves 1/1 label=a load=5 tags=1; shelves 1/2 label=b load=0 tags=0
        boxes 1 aisle=1 level=1 weight=5; boxes 2 aisle=1 weight=9; tags 1 label=a";
    check(
        &world(&shelves(), loads, rows),
        &[
            (
                "boxes 1 level=2",
                &["shelves 1/1: load 5 > 0", "shelves 1/2: load 0 > 5", "boxes 1: level 1 > 2"],
            ),
            ("boxes 2 level=2", &["shelves 1/2: load 0 > 9", "boxes 2: level null > 2"]),
            ("boxes 1 aisle=null", &["shelves 1/1: load 5 > 0", "boxes 1: aisle 1 > null"]),
            ("boxes 1 aisle=7", &["boxes 1: no such shelf"]),
            (
                "tags 1 label=b",
                &["shelves 1/1: tags 1 > 0", "shelves 1/2: tags 0 > 1", "tags 1: label a > b"],
            ),
            ("+tags label=c", &["tags #0: no such shelf"]),
            (
                "tags 1 label=b; boxes 1 level=2; -shelves 1/1",
                &[
                    "shelves 1/2: load 0 > 5, tags 0 > 1",
                    "boxes 1: level 1 > 2",
                    "tags 1: label a > b",
                    "-shelves 1/1",
                ],
            ),
            ("-shelves 1/1", &["tags 1: label a > null", "-boxes 1", "-shelves 1/1"]),
        ],
    );
}

fn staff(on_delete: Action) -> Schema {
    fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("staff")
                .column("pay", INT)
                .column("reports", INT)
                .column("pay_below", INT)
                .parent("boss_id", "staff", on_delete),
        ],
    )
}

fn hierarchy(rules: Rules<'_>) -> Rules<'_> {
    rules.count("staff.reports", "staff_by_boss_id", None).sum(
        "staff.pay_below",
        "staff_by_boss_id.pay",
        None,
    )
}

const STAFF: &str = "
    staff 1 pay=9 reports=2 pay_below=9
    staff 2 boss_id=1 pay=5 reports=1 pay_below=1
    staff 3 boss_id=1 pay=4 reports=0 pay_below=0
    staff 4 boss_id=2 pay=1 reports=0 pay_below=0
    staff 5 boss_id=5 pay=3 reports=1 pay_below=3";

#[test]
fn a_table_that_refers_to_itself_counts_its_own_rows() {
    check(
        &world(&staff(Action::NoAction), hierarchy, STAFF),
        &[
            (
                "+staff boss_id=3 pay=1",
                &["+staff pay=1 reports=0 pay_below=0 boss_id=3", "staff 3: reports 0 > 1, pay_below 0 > 1"],
            ),
            (
                "staff 2 boss_id=3",
                &[
                    "staff 1: reports 2 > 1, pay_below 9 > 4",
                    "staff 2: boss_id 1 > 3",
                    "staff 3: reports 0 > 1, pay_below 0 > 5",
                ],
            ),
            ("staff 5 pay=4", &["staff 5: pay 3 > 4, pay_below 3 > 4"]),
            ("staff 1 boss_id=1", &["staff 1: reports 2 > 3, pay_below 9 > 18, boss_id null > 1"]),
            (
                "staff 3 boss_id=4; staff 4 pay=2",
                &[
                    "staff 1: reports 2 > 1, pay_below 9 > 5",
                    "staff 2: pay_below 1 > 2",
                    "staff 3: boss_id 1 > 4",
                    "staff 4: pay 1 > 2, reports 0 > 1, pay_below 0 > 4",
                ],
            ),
            ("-staff 2", &["staff 2: still boss of staff"]),
            ("-staff 5", &["-staff 5"]),
            ("-staff 2; -staff 4", &["staff 1: reports 2 > 1, pay_below 9 > 4", "-staff 2", "-staff 4"]),
        ],
    );
    check(
        &world(&staff(Action::Cascade), hierarchy, STAFF),
        &[
            ("-staff 2", &["staff 1: reports 2 > 1, pay_below 9 > 4", "-staff 2", "-staff 4"]),
            ("-staff 1", &["-staff 1", "-staff 2", "-staff 3", "-staff 4"]),
            (
                "-staff 1; staff 4 boss_id=5",
                &[
                    "staff 4: boss_id 2 > 5",
                    "staff 5: reports 1 > 2, pay_below 3 > 4",
                    "-staff 1",
                    "-staff 2",
                    "-staff 3",
                ],
            ),
        ],
    );
    check(
        &world(&staff(Action::SetNull), hierarchy, STAFF),
        &[
            (
                "-staff 2",
                &["staff 1: reports 2 > 1, pay_below 9 > 4", "staff 4: boss_id 2 > null", "-staff 2"],
            ),
            ("-staff 5", &["-staff 5"]),
        ],
    );
}

#[test]
fn a_check_that_reads_a_parent_is_judged_again_when_the_parent_changes() {
    let capped: RuleSketch = |rules| {
        let below = op(BinaryOp::Le, rules.col("shops", "price"), rules.col("shops", "region.rent"));
        rules.constrain("shops", below, "price {price} is above {region.rent} of {region.country.tax}")
    };
    let once: RuleSketch = |rules| {
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
    let rules: RuleSketch = |rules| {
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
