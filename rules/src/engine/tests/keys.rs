//! Odd foreign keys: two to one table, of several columns, to columns that are not the key, to the table itself.

use dialects::Dialect;
use introspect::schema::Action;
use introspect::{ColumnId, Schema};

use super::declare::{Rules, relate};
use super::drive::{check, world};
use crate::fixture::{self, INT, MONEY, Sketch, TEXT};

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
                "+shelves level=3 label=c; +tags label=#0",
                &["+shelves level=3 label=c load=0 tags=1", "+tags label=c"],
            ),
            // Nobody draws a label.
            ("+shelves level=3; +tags label=#0", &["tags #1: no such shelf"]),
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
