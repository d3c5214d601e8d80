//! What is known of a row that was read several times: which read counts.

use dialects::Value;
use introspect::ColumnId;

use super::notation;
use crate::change::Image;
use crate::engine::{Hold, ReadersLock, RowLock, Rows};
use crate::expr::eval::show;
use crate::fixture;

const PLAIN: Hold = Hold::PLAIN;
const REFERENCED: Hold = Hold { row: RowLock::Referenced, readers: ReadersLock::None };
const CHANGE: Hold = Hold { row: RowLock::Change, readers: ReadersLock::None };
const REMOVE: Hold = Hold { row: RowLock::Remove, readers: ReadersLock::None };
const WRITE: Hold = Hold { row: RowLock::None, readers: ReadersLock::Write };

/// What is known of item 1 after some reads of it.
fn known(reads: &[(Hold, &str)]) -> String {
    let (schema, mut rows) = (fixture::shop(), Rows::default());
    let items = schema.find("items").unwrap();
    for (hold, values) in reads {
        let (_, values) = notation::row(&schema, &format!("items 1 {values}"));
        let mut image = Image::empty(schema[items].columns.len());
        image.set(ColumnId(0), Value::Int(1));
        values.into_iter().for_each(|(column, value)| image.set(column, value));
        rows.add(&schema, None, items, image, *hold);
    }
    let image = &rows.row(items, &vec![Value::Int(1)]).unwrap().image;
    let told = image.columns().skip(1).filter_map(|(column, value)| {
        value.map(|value| format!("{}={}", schema[items][column].name, show(value)))
    });
    told.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_read_under_a_lock_counts_alone() {
    let (less, more) = ("quantity=3 unit_price=2", "quantity=5");
    for (weak, firm) in [(PLAIN, REFERENCED), (PLAIN, CHANGE), (REFERENCED, CHANGE), (PLAIN, WRITE)] {
        assert_eq!(known(&[(weak, less), (firm, more)]), more, "{weak:?} {firm:?}");
        assert_eq!(known(&[(firm, more), (weak, less)]), more, "{firm:?} {weak:?}");
    }
}

#[test]
fn reads_under_locks_add_to_each_other() {
    let (first, then) = ("quantity=3", "quantity=5 unit_price=2");
    assert_eq!(known(&[(CHANGE, first), (REMOVE, then)]), "quantity=5 unit_price=2");
    assert_eq!(known(&[(REMOVE, then), (CHANGE, first)]), "quantity=5 unit_price=2");
    assert_eq!(known(&[(CHANGE, first), (WRITE, then)]), "quantity=3 unit_price=2");
    assert_eq!(known(&[(PLAIN, then), (PLAIN, first)]), "quantity=3 unit_price=2");
}

#[test]
fn a_plain_read_locks_nothing() {
    assert!(!PLAIN.locks());
    assert!([REFERENCED, CHANGE, REMOVE, WRITE].iter().all(|hold| hold.locks()));
}
