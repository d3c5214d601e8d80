//! One table of expressions with one value each, whatever the database.

use dialects::sql::{BinaryOp, CastType, Expr, Function, Item, Query, Select, SqlType};
use dialects::{IntKind, Kind, Value, ValueType, render};

use super::database::{ALL, Database};

const INT: ValueType = ValueType::Int(IntKind::I64);
const TEXT: ValueType = ValueType::Text { length: None };
const BOOL: ValueType = ValueType::Bool;
const DECIMAL: ValueType = ValueType::Decimal { precision: None, scale: None };

fn number(text: &str) -> Expr {
    Expr::Param(Value::Decimal(text.parse().unwrap()), Some(SqlType::scalar("numeric")))
}

fn int(number: i64) -> Expr {
    Expr::Param(Value::Int(number), Some(SqlType::scalar("integer")))
}

fn text(text: &str) -> Expr {
    Expr::Param(Value::text(text), Some(SqlType::scalar("text")))
}

fn null() -> Expr {
    Expr::Param(Value::Null, Some(SqlType::scalar("text")))
}

fn no_number() -> Expr {
    Expr::Param(Value::Null, Some(SqlType::scalar("integer")))
}

fn op(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::binary(op, left, right)
}

fn call(function: Function, arguments: Vec<Expr>) -> Expr {
    Expr::Call(function, arguments)
}

fn like(insensitive: bool, subject: &str, pattern: &str) -> Expr {
    Expr::Like { text: Box::new(text(subject)), pattern: Box::new(text(pattern)), insensitive }
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn cases() -> Vec<(Expr, ValueType, Value)> {
    use BinaryOp::{Add, Concat, Div, Eq, Mul, Ne, Rem, Sub};
    let yes = Value::Bool(true);
    let no = Value::Bool(false);
    vec![
        (op(Add, number("0.1"), number("0.2")), DECIMAL, decimal("0.3")),
        (op(Sub, int(3), int(5)), INT, Value::Int(-2)),
        (op(Mul, number("1.25"), int(3)), DECIMAL, decimal("3.75")),
        (op(Div, int(1), int(8)), DECIMAL, decimal("0.125")),
        (op(Div, number("-7.5"), int(2)), DECIMAL, decimal("-3.75")),
        (op(Rem, int(-7), int(3)), INT, Value::Int(-1)),
        (op(Rem, number("7.5"), int(2)), DECIMAL, decimal("1.5")),
        (Expr::Negate(boxed(int(4))), INT, Value::Int(-4)),
        (op(Concat, text("a"), text("b")), TEXT, Value::text("ab")),
        (op(Concat, text("a"), null()), TEXT, Value::Null),
        (op(Eq, int(1), no_number()), BOOL, Value::Null),
        (op(Ne, Expr::Exact(boxed(text("a"))), Expr::Exact(boxed(text("A")))), BOOL, yes.clone()),
        (op(Eq, Expr::Exact(boxed(text("a"))), text("a ")), BOOL, no.clone()),
        (op(Eq, Expr::Exact(boxed(text("ß"))), text("ß")), BOOL, yes.clone()),
        (Expr::Distinct(boxed(null()), boxed(text("a")), true), BOOL, yes.clone()),
        (Expr::Distinct(boxed(null()), boxed(null()), true), BOOL, no.clone()),
        (Expr::Distinct(boxed(null()), boxed(null()), false), BOOL, yes.clone()),
        (Expr::IsNull(boxed(null()), true), BOOL, yes.clone()),
        (Expr::And(vec![]), BOOL, yes.clone()),
        (Expr::Or(vec![Expr::Bool(false), Expr::Not(boxed(Expr::Bool(false)))]), BOOL, yes.clone()),
        (call(Function::Coalesce, vec![null(), text("x")]), TEXT, Value::text("x")),
        (call(Function::NullIf, vec![int(1), int(1)]), INT, Value::Null),
        (call(Function::Abs, vec![int(-3)]), INT, Value::Int(3)),
        (call(Function::Round, vec![number("2.5")]), DECIMAL, decimal("3")),
        (call(Function::Round, vec![number("-2.5")]), DECIMAL, decimal("-3")),
        (call(Function::Round, vec![number("1.005"), int(2)]), DECIMAL, decimal("1.01")),
        (call(Function::Floor, vec![number("-1.5")]), DECIMAL, decimal("-2")),
        (call(Function::Ceil, vec![number("1.2")]), DECIMAL, decimal("2")),
        (call(Function::Least, vec![no_number(), int(3), int(2)]), INT, Value::Int(2)),
        (call(Function::Greatest, vec![int(3), no_number()]), INT, Value::Int(3)),
        (call(Function::Greatest, vec![no_number(), no_number()]), INT, Value::Null),
        (call(Function::Lower, vec![text("ÄB")]), TEXT, Value::text("äb")),
        (call(Function::Upper, vec![text("äb")]), TEXT, Value::text("ÄB")),
        (call(Function::Trim, vec![text("  a b ")]), TEXT, Value::text("a b")),
        (call(Function::Length, vec![text("ä😀")]), INT, Value::Int(2)),
        (call(Function::Substring, vec![text("hello"), int(2), int(3)]), TEXT, Value::text("ell")),
        (call(Function::Substring, vec![text("hello"), int(-1), int(3)]), TEXT, Value::text("h")),
        (call(Function::Substring, vec![text("hello"), int(4)]), TEXT, Value::text("lo")),
        (call(Function::Substring, vec![text("hello"), int(9), int(1)]), TEXT, Value::text("")),
        (call(Function::Replace, vec![text("aXbX"), text("X"), text("-")]), TEXT, Value::text("a-b-")),
        (call(Function::Concat, vec![text("a"), null(), text("b")]), TEXT, Value::text("ab")),
        (like(false, "50% off", "50\\% %"), BOOL, yes.clone()),
        (like(false, "abc", "A%"), BOOL, no.clone()),
        (like(true, "Ärger", "ä%R"), BOOL, yes.clone()),
        (like(false, "a_c", "a\\_c"), BOOL, yes.clone()),
        (like(false, "abc", "a\\_c"), BOOL, no),
        (like(false, "a😀c", "a_c"), BOOL, yes),
        (Expr::Case(vec![(Expr::Bool(false), int(1))], Some(boxed(int(2)))), INT, Value::Int(2)),
        (Expr::Case(vec![(Expr::Bool(false), int(1))], None), INT, Value::Null),
        (Expr::Cast(boxed(text("12")), CastType::Integer), INT, Value::Int(12)),
        (Expr::Cast(boxed(number("2.5")), CastType::Integer), INT, Value::Int(3)),
        (Expr::Cast(boxed(number("1.005")), CastType::Decimal(Some(2))), DECIMAL, decimal("1.01")),
        (Expr::Cast(boxed(int(12)), CastType::Text), TEXT, Value::text("12")),
        (Expr::Number(-5), INT, Value::Int(-5)),
        (Expr::Null, INT, Value::Null),
    ]
}

fn select(expr: Expr, ty: ValueType) -> Query {
    Query::Select(Select { items: vec![Item { expr, ty }], ..Select::default() })
}

#[tokio::test]
async fn every_expression_has_one_value_everywhere() {
    for dialect in ALL {
        let database = Database::new(dialect).await;
        let mut wrong = Vec::new();
        for (expr, ty, expect) in cases() {
            let statements = render::render(dialect, &select(expr, ty));
            let text = statements[0].text.clone();
            match database.pool.run(statements).await {
                Ok(rows) if rows[0].values(0) == [expect.clone()] => {}
                Ok(rows) => wrong.push(format!("{text}: {:?}, not {expect:?}", rows[0].values(0))),
                Err(error) => wrong.push(format!("{text}: {error}")),
            }
        }
        assert!(wrong.is_empty(), "{dialect}\n{}", wrong.join("\n"));
        database.drop().await;
    }
}

#[tokio::test]
async fn division_goes_to_twenty_digits_half_away_from_zero() {
    for (top, bottom, expect) in [
        ("1", "3", "0.33333333333333333333"),
        ("-2", "3", "-0.66666666666666666667"),
        ("100000000000.25", "7", "14285714285.75000000000000000000"),
        ("1", "300000000000000000000", "0.00000000000000000000"),
        ("1", "200000000000000000000", "0.00000000000000000001"),
    ] {
        for dialect in ALL {
            let database = Database::new(dialect).await;
            let statements =
                render::render(dialect, &select(op(BinaryOp::Div, number(top), number(bottom)), DECIMAL));
            let rows = database.pool.run(statements).await.unwrap();
            assert_eq!(rows[0].values(0), [decimal(expect)], "{dialect}: {top} / {bottom}");
            database.drop().await;
        }
    }
}

#[tokio::test]
async fn dividing_by_zero_is_an_error() {
    for dialect in ALL {
        let database = Database::new(dialect).await;
        for division in [BinaryOp::Div, BinaryOp::Rem] {
            let statements = render::render(dialect, &select(op(division, int(1), int(0)), DECIMAL));
            let error = database.pool.run(statements).await.unwrap_err();
            assert_eq!(error.kind, Kind::Data, "{dialect}: {error}");
        }
        database.drop().await;
    }
}
