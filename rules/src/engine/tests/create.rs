//! Rows that come because a foreign key names them.

use dialects::{Dialect, Value};
use introspect::schema::{Action, ColumnDefault, Unique};
use introspect::{ColumnId, Schema};

use super::declare::{Rules, at, int, mul, op, relate};
use super::drive::{World, check, world};
use super::notation;
use crate::expr::{BinaryOp, Expr};
use crate::fixture::{self, INT, Sketch, TEXT};

/// Spendings by month, summed up by quarter and year. A month's key is year and number, and the quarter's a part of it.
fn budget() -> Schema {
    let keyed = |name: &str, parts: &[&str]| {
        let mut sketch = Sketch::new(name);
        for part in parts {
            sketch = sketch.column(part, INT);
        }
        let key = (0..=parts.len() as u32).map(ColumnId).collect();
        sketch.column("total", INT).column("rows", INT).with(|table| table.key = key)
    };
    let mut schema = fixture::schema(
        Dialect::Postgres,
        vec![
            keyed("months", &["quarter", "month"]).column("cap", INT).column("left", INT),
            keyed("quarters", &["quarter"]),
            Sketch::new("spendings")
                .column("year", INT)
                .column("quarter", INT)
                .column("month", INT)
                .column("amount", INT),
            keyed("years", &[]).column("note", TEXT),
        ],
    );
    let month = "spendings.year, spendings.quarter, spendings.month";
    let months = "months.id, months.quarter, months.month";
    relate(&mut schema, month, months, ("period", "spendings"), Action::NoAction);
    let quarters = "quarters.id, quarters.quarter";
    relate(&mut schema, "months.id, months.quarter", quarters, ("period", "months"), Action::NoAction);
    relate(&mut schema, "quarters.id", "years.id", ("year", "quarters"), Action::NoAction);
    schema
}

fn totals(rules: Rules<'_>) -> Rules<'_> {
    let left = op(BinaryOp::Sub, rules.col("months", "cap"), rules.col("months", "total"));
    rules
        .default("months.cap", mul(int(10), int(10)))
        .sum("months.total", "spendings.amount", None)
        .count("months.rows", "spendings", None)
        .formula("months.left", left)
        .sum("quarters.total", "months.total", None)
        .count("quarters.rows", "months", None)
        .sum("years.total", "quarters.total", None)
        .count("years.rows", "quarters", None)
        .creating("spendings", "period")
        .creating("months", "period")
        .creating("quarters", "year")
}

const BUDGET: &str = "
    years 2024 total=5 rows=1; quarters 2024/1 total=5 rows=1
    months 2024/1/2 total=5 rows=1 cap=50 left=45
    spendings 1 year=2024 quarter=1 month=2 amount=5
    spendings 2 year=2024 quarter=1 amount=9";

#[test]
fn what_is_missing_comes_level_by_level_with_its_rules() {
    check(
        &world(&budget(), totals, BUDGET),
        &[
            (
                "+spendings year=2024 quarter=1 month=3 amount=7",
                &[
                    "+months id=2024 quarter=1 month=3 total=7 rows=1 cap=100 left=93",
                    "+spendings year=2024 quarter=1 month=3 amount=7",
                    "years 2024: total 5 > 12",
                    "quarters 2024/1: total 5 > 12, rows 1 > 2",
                ],
            ),
            (
                "+spendings year=2025 quarter=4 month=12 amount=7",
                &[
                    "+years id=2025 total=7 rows=1",
                    "+quarters id=2025 quarter=4 total=7 rows=1",
                    "+months id=2025 quarter=4 month=12 total=7 rows=1 cap=100 left=93",
                    "+spendings year=2025 quarter=4 month=12 amount=7",
                ],
            ),
            (
                "spendings 1 quarter=2",
                &[
                    "+quarters id=2024 quarter=2 total=5 rows=1",
                    "+months id=2024 quarter=2 month=2 total=5 rows=1 cap=100 left=95",
                    "years 2024: rows 1 > 2",
                    "quarters 2024/1: total 5 > 0",
                    "months 2024/1/2: total 5 > 0, rows 1 > 0, left 45 > 50",
                    "spendings 1: quarter 1 > 2",
                ],
            ),
            (
                "+spendings year=2025 quarter=4 amount=7",
                &["+spendings year=2025 quarter=4 month=null amount=7"],
            ),
            (
                "spendings 1 month=null",
                &[
                    "years 2024: total 5 > 0",
                    "quarters 2024/1: total 5 > 0",
                    "months 2024/1/2: total 5 > 0, rows 1 > 0, left 45 > 50",
                    "spendings 1: month 2 > null",
                ],
            ),
            (
                "-spendings 1",
                &[
                    "years 2024: total 5 > 0",
                    "quarters 2024/1: total 5 > 0",
                    "months 2024/1/2: total 5 > 0, rows 1 > 0, left 45 > 50",
                    "-spendings 1",
                ],
            ),
        ],
    );
}

#[test]
fn several_rows_that_name_one_missing_parent_share_it() {
    check(
        &world(&budget(), totals, BUDGET),
        &[
            (
                "spendings 2 month=5; +spendings year=2024 quarter=1 month=5 amount=1; spendings 1 month=5",
                &[
                    "+months id=2024 quarter=1 month=5 total=15 rows=3 cap=100 left=85",
                    "+spendings year=2024 quarter=1 month=5 amount=1",
                    "years 2024: total 5 > 15",
                    "quarters 2024/1: total 5 > 15, rows 1 > 2",
                    "months 2024/1/2: total 5 > 0, rows 1 > 0, left 45 > 50",
                    "spendings 1: month 2 > 5",
                    "spendings 2: month null > 5",
                ],
            ),
            (
                "+spendings year=2024 quarter=1 month=6 amount=1; +spendings year=2024 quarter=1 month=4 amount=2",
                &[
                    "+months id=2024 quarter=1 month=4 total=2 rows=1 cap=100 left=98",
                    "+months id=2024 quarter=1 month=6 total=1 rows=1 cap=100 left=99",
                    "+spendings year=2024 quarter=1 month=6 amount=1",
                    "+spendings year=2024 quarter=1 month=4 amount=2",
                    "years 2024: total 5 > 8",
                    "quarters 2024/1: total 5 > 8, rows 1 > 3",
                ],
            ),
        ],
    );
}

#[test]
fn a_row_that_goes_in_the_same_request_does_not_come_again() {
    check(
        &world(&budget(), totals, BUDGET),
        &[
            (
                "spendings 1 month=3; -months 2024/1/2; spendings 2 month=2",
                &["spendings 2: period goes in the same request"],
            ),
            (
                "+months id=2024 quarter=1 month=7; -months #0; spendings 2 month=7",
                &["spendings 2: period goes in the same request"],
            ),
            (
                "spendings 2 month=7; +months id=2024 quarter=1 month=7; -months #0; spendings 2 month=6",
                &[
                    "+months id=2024 quarter=1 month=6 total=9 rows=1 cap=100 left=91",
                    "years 2024: total 5 > 14",
                    "quarters 2024/1: total 5 > 14, rows 1 > 2",
                    "spendings 2: month null > 6",
                ],
            ),
            ("+months id=2024 quarter=1 month=7; -months #0", &[]),
        ],
    );
}

#[test]
fn what_no_rule_lets_come_is_still_missing() {
    let but_the_year: fn(Rules<'_>) -> Rules<'_> = |rules| {
        let mut rules = totals(rules);
        let (quarters, year) = (rules.schema.find("quarters").unwrap(), introspect::RelationshipId(1));
        rules.set.created.retain(|at| *at != (quarters, year));
        rules
    };
    check(
        &world(&budget(), but_the_year, BUDGET),
        &[
            ("+spendings year=2025 quarter=1 month=3 amount=7", &["quarters +1: no such year"]),
            (
                "+spendings year=2024 quarter=3 month=8 amount=1",
                &[
                    "+quarters id=2024 quarter=3 total=1 rows=1",
                    "+months id=2024 quarter=3 month=8 total=1 rows=1 cap=100 left=99",
                    "+spendings year=2024 quarter=3 month=8 amount=1",
                    "years 2024: total 5 > 6, rows 1 > 2",
                ],
            ),
        ],
    );
}

#[test]
fn a_row_that_comes_is_checked_like_any_other() {
    let capped: fn(Rules<'_>) -> Rules<'_> = |rules| {
        let rules = totals(rules);
        let left = op(BinaryOp::Ge, rules.col("months", "left"), int(0));
        rules.constrain("months", left, "{left} is left of {cap}").but(|c| c.operations.update = false)
    };
    check(
        &world(&budget(), capped, BUDGET),
        &[
            ("+spendings year=2024 quarter=1 month=3 amount=101", &["months +0: -1 is left of 100"]),
            ("spendings 1 month=3 amount=200", &["months +0: -100 is left of 100"]),
        ],
    );
}

#[test]
fn no_more_rows_come_than_a_transaction_may_touch() {
    let world = world(&budget(), totals, BUDGET);
    let mut request = notation::request(&world.schema, "+spendings year=2025 quarter=1 month=3 amount=7");
    request.rows_max = 3;
    assert_eq!(world.text(&world.run(&request)), ["spendings #0: more than 3 rows"]);
    request.rows_max = 4;
    assert_eq!(world.text(&world.run(&request)).len(), 4);
}

#[test]
fn what_was_missing_is_looked_for_again_with_all_that_its_coming_needs() {
    let world = world(&budget(), totals, BUDGET);
    let request = notation::request(&world.schema, "+spendings year=2024 quarter=2 month=3 amount=7");
    let waves = ["months 2024/2/3 change", "quarters 2024/2 change", "years 2024 change"];
    assert_eq!(world.locked(&request, None).1, waves);
    let mut rows = crate::engine::Rows::default();
    let mut plain = |l: &crate::engine::Lookup, rows: &mut crate::engine::Rows| {
        world.database.serve(l, rows, Some(crate::engine::Hold::PLAIN), false);
    };
    world.phase(&request, &mut rows, crate::engine::Phase::Discover, &mut plain);
    rows.unlock();
    let mut held = |l: &crate::engine::Lookup, rows: &mut crate::engine::Rows| {
        world.database.serve(l, rows, None, true);
    };
    let (_, waves) = world.phase(&request, &mut rows, crate::engine::Phase::Locked, &mut held);
    assert_eq!(waves, ["months 2024/2/3 change; quarters 2024/2 change; years 2024 change"]);
}

/// Parts and their bins, which a part names twice: by bin and by spare; both also by the hall that they share.
fn bins() -> Schema {
    let mut schema = fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("bins")
                .column("hall", INT)
                .column("parts", INT)
                .column("spares", INT)
                .column("state", TEXT)
                .with(|table| {
                    table.key = vec![ColumnId(1), ColumnId(0)];
                    table.columns[4].default = ColumnDefault::Expression("'new'".into());
                }),
            Sketch::new("parts").column("hall", INT).column("bin", INT).column("spare", INT),
        ],
    );
    relate(&mut schema, "parts.bin, parts.hall", "bins.id, bins.hall", ("bin", "parts"), Action::NoAction);
    relate(
        &mut schema,
        "parts.hall, parts.spare",
        "bins.hall, bins.id",
        ("spare", "spares"),
        Action::NoAction,
    );
    schema
}

fn counted(rules: Rules<'_>) -> Rules<'_> {
    let new = op(BinaryOp::Eq, rules.col("bins", "state"), Expr::Literal(Value::text("new")));
    rules
        .count("bins.parts", "parts", None)
        .count("bins.spares", "spares", None)
        .constrain("bins", new, "a bin comes {state}")
        .creating("parts", "bin")
        .creating("parts", "spare")
}

#[test]
fn two_foreign_keys_that_share_a_column_may_name_one_missing_row_or_two() {
    let schema = bins();
    let mut world =
        world(&schema, counted, "bins 1/7 parts=1 spares=1 state=new; parts 1 hall=1 bin=7 spare=7");
    world.database.defaults.insert(at(&schema, "bins.state"), Value::text("new"));
    check(
        &world,
        &[
            (
                "+parts hall=1 bin=8 spare=8",
                &["+bins id=8 hall=1 parts=1 spares=1 state=new", "+parts hall=1 bin=8 spare=8"],
            ),
            (
                "+parts hall=1 bin=8 spare=7",
                &[
                    "+bins id=8 hall=1 parts=1 spares=0 state=new",
                    "+parts hall=1 bin=8 spare=7",
                    "bins 1/7: spares 1 > 2",
                ],
            ),
            (
                "parts 1 hall=2 spare=6",
                &[
                    "+bins id=6 hall=2 parts=0 spares=1 state=new",
                    "+bins id=7 hall=2 parts=1 spares=0 state=new",
                    "bins 1/7: parts 1 > 0, spares 1 > 0",
                    "parts 1: hall 1 > 2, spare 7 > 6",
                ],
            ),
        ],
    );
}

#[test]
fn each_row_that_comes_draws_its_own_unique_default() {
    let mut schema = bins();
    let label = at(&schema, "bins.state");
    let bins = &mut schema.tables[label.0.0 as usize];
    bins.uniques = vec![Unique { name: "state".into(), columns: vec![label.1] }];
    let mut world = world(&schema, counted, "");
    world.database.defaults.insert(label, Value::text("new"));
    let request =
        notation::request(&schema, "+parts hall=1 bin=8 spare=9; +bins id=1 hall=1; +bins id=2 hall=1");
    let (_, waves) = world.locked(&request, None);
    let asked: usize = waves.iter().map(|wave| wave.matches("default of bins.state").count()).sum();
    assert_eq!(asked, 4, "{waves:?}");
}

#[test]
fn a_boss_who_is_missing_comes_before_the_one_who_names_her() {
    let schema = fixture::schema(
        Dialect::Postgres,
        vec![Sketch::new("staff").column("reports", INT).parent("boss_id", "staff", Action::NoAction)],
    );
    let rules: fn(Rules<'_>) -> Rules<'_> =
        |rules| rules.count("staff.reports", "staff_by_boss_id", None).creating("staff", "boss");
    let world: World = world(&schema, rules, "staff 1 reports=0");
    check(
        &world,
        &[
            ("+staff boss_id=9", &["+staff id=9 reports=1 boss_id=null", "+staff reports=0 boss_id=9"]),
            ("staff 1 boss_id=9", &["+staff id=9 reports=1 boss_id=null", "staff 1: boss_id null > 9"]),
        ],
    );
}

#[test]
fn a_default_decides_which_row_comes_and_formulas_read_it() {
    let schema = fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("days").column("rate", INT).column("hours", INT),
            Sketch::new("shifts").column("hours", INT).column("paid", INT).column("offset", INT).parent(
                "day_id",
                "days",
                Action::NoAction,
            ),
        ],
    );
    let rules: fn(Rules<'_>) -> Rules<'_> = |rules| {
        let day = op(BinaryOp::Add, rules.col("shifts", "offset"), int(40));
        let paid = mul(rules.col("shifts", "hours"), rules.col("shifts", "day.rate"));
        rules
            .default("days.rate", int(3))
            .default("shifts.day_id", day)
            .formula("shifts.paid", paid)
            .sum("days.hours", "shifts.hours", None)
            .creating("shifts", "day")
    };
    check(
        &world(&schema, rules, "days 41 rate=5 hours=0"),
        &[
            (
                "+shifts hours=2 offset=1",
                &["+shifts hours=2 paid=10 offset=1 day_id=41", "days 41: hours 0 > 2"],
            ),
            (
                "+shifts hours=2 offset=2",
                &["+days id=42 rate=3 hours=2", "+shifts hours=2 paid=6 offset=2 day_id=42"],
            ),
        ],
    );
}
