//! Rows that go, with what foreign keys do to the rows below, and what else rules would have done to those.

use dialects::{Dialect, Value};
use introspect::Schema;
use introspect::schema::{Action, ColumnDefault};

use super::declare::at;
use super::drive::{World, check, declared};
use super::shop::shop;
use crate::fixture::{self, INT, Sketch};
use crate::rule::RuleSet;

/// Projects are paid by a fund; tasks belong to a project, may spend from the fund, and may wait for a step of the project.
fn projects() -> Schema {
    fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("funds").column("total", INT),
            Sketch::new("projects").column("amount", INT).parent("fund_id", "funds", Action::NoAction),
            Sketch::new("steps").column("effort", INT).parent("project_id", "projects", Action::Cascade),
            Sketch::new("tasks")
                .column("cost", INT)
                .column("share", INT)
                .column("effort", INT)
                .parent("project_id", "projects", Action::Cascade)
                .parent("fund_id", "funds", Action::NoAction)
                .parent("step_id", "steps", Action::SetNull),
        ],
    )
}

const PROJECTS: &str = "
    funds 1 total=7; projects 1 fund_id=1 amount=7; steps 1 project_id=1 effort=4
    tasks 1 project_id=1 fund_id=1 step_id=1 cost=5 share=2 effort=4
    tasks 2 cost=0";

fn going(rules: &str, expect: &[&str]) {
    check(&declared(&projects(), rules, PROJECTS), &[("-projects 1", expect)]);
}

#[test]
fn a_row_that_goes_with_its_parent_is_neither_checked_nor_computed() {
    let total = "derive: {funds.total: sum(projects.amount)}\n";
    let gone = ["funds 1: total 7 > 0", "-tasks 1", "-projects 1"];
    let checked = "constrain: {tasks: [{check: cost <= fund.total, message: too dear}]}";
    going(&format!("{total}{checked}"), &gone);
    let moved = "derive: {funds.total: sum(projects.amount), tasks.effort: fund.total - 3}\n";
    going(&format!("{moved}transition: {{tasks.effort: {{4: [5]}}}}"), &gone);
    going("derive: {funds.total: sum(projects.amount), tasks.effort: 28 / fund.total}", &gone);
    going("derive: {funds.total: sum(projects.amount), tasks.effort: old.effort / fund.total}", &gone);
}

#[test]
fn what_is_left_behind_is_computed_all_the_same() {
    let rules = "derive: {funds.total: sum(projects.amount), tasks.share: fund.total - 5}";
    let rows = PROJECTS.replace("tasks 2", "tasks 2 fund_id=1 share=2");
    let left = ["funds 1: total 7 > 0", "tasks 2: share 2 > -5", "-tasks 1", "-projects 1"];
    check(&declared(&projects(), rules, &rows), &[("-projects 1", &left)]);
}

#[test]
fn a_row_that_loses_one_parent_while_it_goes_with_another_is_not_checked() {
    let rules = "
derive:
  tasks.effort: coalesce(step.effort, 0)
constrain: {tasks: [{check: 'cost = 0 or step.effort is not null', message: no step}]}";
    let world = declared(&projects(), rules, &PROJECTS.replace("tasks 2", "tasks 2 effort=0"));
    check(
        &world,
        &[("-projects 1", &["-tasks 1", "-steps 1", "-projects 1"]), ("-steps 1", &["tasks 1: no step"])],
    );
}

#[test]
fn a_new_row_takes_no_key_of_one_that_goes_with_its_parent() {
    check(
        &shop(),
        &[
            (
                "-orders 1; +items id=1 order_id=2 product_id=1 quantity=1",
                &["items #0: removed before operation 1"],
            ),
            (
                "+items id=1 order_id=2 product_id=1 quantity=1; -orders 1",
                &["items #0: removed before operation 0"],
            ),
            ("+items id=1 order_id=2; -items 1", &["items #0: removed before operation 1"]),
            ("+items id=9 order_id=2; -items 9", &[]),
        ],
    );
}

/// Tickets fall back to queue 2.
fn queues() -> World {
    let mut schema = fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("queues").column("waiting", INT),
            Sketch::new("tickets").column("points", INT).parent("queue_id", "queues", Action::SetDefault),
        ],
    );
    let queue = at(&schema, "tickets.queue_id");
    schema.tables[queue.0.0 as usize].columns[queue.1.0 as usize].default =
        ColumnDefault::Expression("2".into());
    let rows = "
        queues 1 waiting=1; queues 2 waiting=1; queues 3 waiting=0
        tickets 1 queue_id=1; tickets 2 queue_id=2";
    let mut world = declared(&schema, "derive: {queues.waiting: count(tickets)}", rows);
    world.database.defaults.insert(queue, Value::Int(2));
    world
}

#[test]
fn a_row_that_goes_by_one_parent_does_not_fall_back_by_another() {
    let fallback = |table: &mut introspect::Table| {
        table.columns[2].default = ColumnDefault::Expression("2".into());
    };
    let schema = fixture::schema(
        Dialect::Postgres,
        vec![
            Sketch::new("halls").column("seats", INT),
            Sketch::new("seats")
                .column("row", INT)
                .parent("spare_id", "halls", Action::SetDefault)
                .parent("hall_id", "halls", Action::Cascade)
                .with(fallback),
        ],
    );
    let mut world = declared(&schema, "", "halls 1; seats 1 hall_id=1 spare_id=1");
    world.database.defaults.insert(at(&schema, "seats.spare_id"), Value::Int(2));
    check(&world, &[("-halls 1", &["-seats 1", "-halls 1"])]);
}

#[test]
fn a_row_to_which_its_children_would_fall_back_stays_while_they_do() {
    check(
        &queues(),
        &[
            ("-queues 1", &["queues 2: waiting 1 > 2", "tickets 1: queue_id 1 > 2", "-queues 1"]),
            ("-queues 2", &["queues 2: still queue of tickets"]),
            ("-queues 1; -queues 2", &["queues 2: still queue of tickets", "tickets 1: no such queue"]),
            ("-queues 2; -tickets 2", &["-tickets 2", "-queues 2"]),
            (
                "-queues 2; tickets 2 queue_id=3",
                &["queues 3: waiting 0 > 1", "tickets 2: queue_id 2 > 3", "-queues 2"],
            ),
        ],
    );
}

#[test]
fn a_row_falls_back_where_no_rule_looks_at_it() {
    let mut world = queues();
    world = World::new(&world.schema, RuleSet::default(), world.database);
    check(
        &world,
        &[
            ("-queues 1", &["tickets 1: queue_id 1 > 2", "-queues 1"]),
            ("-queues 2", &["queues 2: still queue of tickets"]),
        ],
    );
}
