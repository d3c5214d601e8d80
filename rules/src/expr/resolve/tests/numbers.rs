//! Numbers: their digits, and what is exact.

use dialects::{Dialect, ValueType};
use introspect::TableId;

use super::*;
use crate::fixture::{self, Sketch};

#[test]
fn a_number_is_spelled_with_the_digits_of_its_type() {
    assert_eq!(answer("items", "concat(coalesce(quantity, unit_price), '')", Context::Message), "3.00");
}

#[test]
fn mysql_is_given_no_number_that_it_would_round() {
    let shop = Sketch::new("t").column("d", fixture::MONEY);
    let schema = fixture::schema(Dialect::Mysql, vec![shop]);
    for (text, fine) in [
        ("d / 3 + d / 7", true),
        ("(d / 3) * (d / 7)", false),
        ("round(d / 3, 10) * (d / 7)", true),
        ("d > 0.00000000000000000000000000000000000001", true),
        ("d > 0.000000000000000000000000000000000000001", false),
        ("d < 123456789012345678901234567890123456789012345678901234567890123456", false),
    ] {
        let said = expression(&schema, TableId(0), text, Context::Message);
        assert_eq!(said.is_ok(), fine, "{text}: {said:?}");
    }
}

#[test]
fn rounding_takes_as_many_digits_as_databases_keep() {
    check(
        Context::Message,
        &[
            ("round(unit_price, 38)", "2.50"),
            ("round(unit_price, 39)", "[39] round takes from -38 to 38 digits"),
            ("round(unit_price, -39)", "[39] round takes from -38 to 38 digits"),
        ],
    );
}

#[test]
fn a_floating_point_number_stands_beside_exact_ones_where_nothing_is_calculated() {
    let sketch = Sketch::new("t").column("f", ValueType::Float { bits: 64 });
    let sketch = sketch.column("n", fixture::INT).column("d", fixture::MONEY);
    let schema = fixture::schema(Dialect::Postgres, vec![sketch]);
    for (text, expect) in [
        ("f > n", Some(Type::Bool)),
        ("d < f", Some(Type::Bool)),
        ("f in (1, 0.5)", Some(Type::Bool)),
        ("coalesce(n, f)", Some(Type::Float)),
        ("coalesce(f, d)", Some(Type::Float)),
        ("f + n", None),
    ] {
        let ty = expression(&schema, TableId(0), text, Context::Message).ok().map(|(_, ty)| ty);
        assert_eq!(ty, expect, "{text}");
    }
}
