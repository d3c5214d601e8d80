//! The golden table, at the level of trees.

use super::*;
use crate::expr::{ActorTerm, Function, Type};
use bigdecimal::BigDecimal;

struct Row(Vec<Value>);

impl Scope for Row {
    fn column(&self, place: &Place) -> Result<Value, EvalError> {
        let found = self.0.get(place.column.0 as usize).cloned();
        found.ok_or_else(|| EvalError::Missing(format!("column {}", place.column.0)))
    }
    fn old(&self, _: ColumnId) -> Result<Value, EvalError> {
        Ok(Value::Int(1))
    }
    fn event(&self) -> Event {
        Event::Updating
    }
    fn now(&self) -> NaiveDateTime {
        chrono::NaiveDate::from_ymd_opt(2024, 2, 29).unwrap().and_hms_opt(23, 59, 58).unwrap()
    }
    fn actor(&self) -> &Actor {
        static NOBODY: std::sync::LazyLock<Actor> = std::sync::LazyLock::new(Actor::anonymous);
        &NOBODY
    }
}

fn lit(value: Value) -> Expr {
    Expr::Literal(value)
}

fn dec(text: &str) -> Value {
    Value::Decimal(text.parse::<BigDecimal>().unwrap())
}

fn shown(expr: &Expr) -> String {
    match eval(expr, &Row(vec![Value::Int(2)])) {
        Ok(value) => show(&value),
        Err(error) => format!("error: {error}"),
    }
}

fn binary(op: BinaryOp, a: Value, b: Value) -> String {
    shown(&Expr::Binary(op, Box::new(lit(a)), Box::new(lit(b))))
}

#[test]
fn arithmetic_is_exact() {
    use BinaryOp::*;
    let cases: &[(BinaryOp, Value, Value, &str)] = &[
        (Add, Value::Int(1), Value::Int(2), "3"),
        (Add, Value::Int(i64::MAX), Value::Int(1), "9223372036854775808"),
        (Sub, Value::Int(i64::MIN), Value::Int(1), "-9223372036854775809"),
        (Mul, Value::Int(i64::MAX), Value::Int(i64::MAX), "85070591730234615847396907784232501249"),
        (Add, dec("0.1"), dec("0.2"), "0.3"),
        (Mul, dec("2.50"), Value::Int(3), "7.50"),
        (Div, Value::Int(1), Value::Int(3), "0.33333333333333333333"),
        (Div, Value::Int(2), Value::Int(3), "0.66666666666666666667"),
        (Div, Value::Int(-2), Value::Int(3), "-0.66666666666666666667"),
        (Div, dec("1"), dec("2e20"), "0.00000000000000000001"),
        (Div, dec("-1"), dec("2e20"), "-0.00000000000000000001"),
        (Div, dec("4.9"), dec("1e21"), "0"),
        (Div, Value::Int(6), Value::Int(3), "2"),
        (Div, Value::Int(600), Value::Int(3), "200"),
        (Div, Value::Int(1), dec("0.00"), "error: a division by zero"),
        (Rem, Value::Int(-7), Value::Int(3), "-1"),
        (Rem, Value::Int(7), Value::Int(-3), "1"),
        (Rem, dec("7.5"), Value::Int(2), "1.5"),
        (Rem, Value::Int(i64::MIN), Value::Int(-1), "0"),
        (Rem, Value::Int(1), Value::Int(0), "error: a division by zero"),
        (Div, Value::Null, Value::Int(0), "null"),
        (Add, Value::Null, Value::Int(1), "null"),
        (Add, Value::text("1"), Value::Int(1), "error: a number is needed, not a text"),
        (Add, Value::Float(0.1), Value::Int(1), "error: a number is needed, not a floating point number"),
        (Add, dec("1e2000"), Value::Int(1), "error: a number with more than 1000 digits"),
        (Mul, dec("1e900"), dec("1e900"), "error: a number with more than 1000 digits"),
        (Add, dec("1e-1000000000"), Value::Int(1), "error: a number with more than 1000 digits"),
        (Concat, Value::text("a"), Value::text("b"), "ab"),
        (Concat, Value::text("a"), Value::Null, "null"),
    ];
    for (op, a, b, expected) in cases {
        assert_eq!(binary(*op, a.clone(), b.clone()), *expected, "{a:?} {op:?} {b:?}");
    }
}

#[test]
fn comparison_is_by_value_and_null_is_unknown() {
    use BinaryOp::*;
    let date = |text: &str| Value::Date(text.parse().unwrap());
    let cases: &[(BinaryOp, Value, Value, &str)] = &[
        (Eq, Value::Int(5), dec("5.00"), "true"),
        (Lt, dec("-0.5"), Value::Int(0), "true"),
        (Eq, Value::text("a"), Value::text("A"), "false"),
        (Eq, Value::text("a"), Value::text("a "), "false"),
        (Lt, Value::text("Z"), Value::text("a"), "true"),
        (Lt, Value::text("\u{e9}"), Value::text("\u{10000}"), "true"),
        (Ge, date("2024-03-01"), date("2024-02-29"), "true"),
        (Eq, Value::Null, Value::Null, "null"),
        (Ne, Value::Int(1), Value::Null, "null"),
        (Eq, Value::Float(0.5), dec("0.50"), "true"),
        (Eq, Value::Float(f64::NAN), Value::Int(1), "error: a number is needed, not NaN"),
        (Eq, Value::text("1"), Value::Int(1), "error: a text cannot be compared with a number"),
    ];
    for (op, a, b, expected) in cases {
        assert_eq!(binary(*op, a.clone(), b.clone()), *expected, "{a:?} {op:?} {b:?}");
    }
}

#[test]
fn logic_has_three_values() {
    let values = [Value::Bool(true), Value::Bool(false), Value::Null];
    let table = |make: fn(Vec<Expr>) -> Expr| {
        let mut all = Vec::new();
        for a in &values {
            for b in &values {
                all.push(shown(&make(vec![lit(a.clone()), lit(b.clone())])));
            }
        }
        all.join(" ")
    };
    assert_eq!(table(Expr::And), "true false null false false false null false null");
    assert_eq!(table(Expr::Or), "true true true true false null true null null");
    assert_eq!(shown(&Expr::Not(Box::new(lit(Value::Null)))), "null");
    let contained = |list: Vec<Value>| {
        shown(&Expr::In(Box::new(lit(Value::Int(1))), list.into_iter().map(lit).collect()))
    };
    assert_eq!(contained(vec![Value::Int(2), Value::Null]), "null");
    assert_eq!(contained(vec![Value::Null, dec("1.0")]), "true");
    assert_eq!(contained(vec![Value::Int(2)]), "false");
    let distinct = |a: Value, b: Value| shown(&Expr::Distinct(Box::new(lit(a)), Box::new(lit(b)), true));
    assert_eq!(distinct(Value::Null, Value::Null), "false");
    assert_eq!(distinct(Value::Null, Value::Int(1)), "true");
    assert_eq!(distinct(dec("1.0"), Value::Int(1)), "false");
}

#[test]
fn functions_follow_sql() {
    use Function::*;
    let cases: Vec<(Function, Vec<Value>, &str)> = vec![
        (Coalesce, vec![Value::Null, Value::Int(2), Value::Int(3)], "2"),
        (Coalesce, vec![Value::Null], "null"),
        (NullIf, vec![Value::Int(1), dec("1.0")], "null"),
        (NullIf, vec![Value::Int(1), Value::Null], "1"),
        (Abs, vec![Value::Int(i64::MIN)], "9223372036854775808"),
        (Abs, vec![dec("-1.50")], "1.50"),
        (Round, vec![dec("0.5")], "1"),
        (Round, vec![dec("-0.5")], "-1"),
        (Round, vec![dec("2.5")], "3"),
        (Round, vec![dec("-1.005"), Value::Int(2)], "-1.01"),
        (Round, vec![dec("1.004"), Value::Int(2)], "1.00"),
        (Round, vec![Value::Int(1250), Value::Int(-2)], "1300"),
        (Round, vec![Value::Int(1), Value::Int(i64::MAX)], "1"),
        (Round, vec![dec("1.5"), Value::Int(i64::MIN)], "0"),
        (Floor, vec![dec("-1.5")], "-2"),
        (Ceil, vec![dec("-1.5")], "-1"),
        (Ceil, vec![dec("1.01")], "2"),
        (Least, vec![Value::Null, Value::Int(2), dec("1.5")], "1.5"),
        (Greatest, vec![Value::Null, Value::Null], "null"),
        (Lower, vec![Value::text("ÄB")], "äb"),
        (Upper, vec![Value::text("äb")], "ÄB"),
        (Trim, vec![Value::text("  a b\t ")], "a b\t"),
        (Length, vec![Value::text("äöü😀")], "4"),
        (Substring, vec![Value::text("hello"), Value::Int(2), Value::Int(3)], "ell"),
        (Substring, vec![Value::text("hello"), Value::Int(-1), Value::Int(3)], "h"),
        (Substring, vec![Value::text("hello"), Value::Int(4)], "lo"),
        (Substring, vec![Value::text("hello"), Value::Int(i64::MIN), Value::Int(i64::MAX)], ""),
        (Replace, vec![Value::text("aXbX"), Value::text("X"), Value::text("--")], "a--b--"),
        (Replace, vec![Value::text("ab"), Value::text(""), Value::text("x")], "ab"),
        (Concat, vec![Value::text("a"), Value::Null, Value::Int(1), dec("2.50")], "a12.50"),
        (Length, vec![Value::Null], "null"),
        (Length, vec![Value::Int(1)], "error: a text is needed, not a number"),
    ];
    for (function, args, expected) in cases {
        let call = Expr::Call(function, args.clone().into_iter().map(lit).collect());
        assert_eq!(shown(&call), expected, "{function:?} {args:?}");
    }
}

#[test]
fn patterns_match_whole_texts() {
    let like = |text: &str, pattern: &str, insensitive| {
        shown(&Expr::Like {
            text: Box::new(lit(Value::text(text))),
            pattern: Box::new(lit(Value::text(pattern))),
            insensitive,
        })
    };
    for (text, pattern, expected) in [
        ("hello", "h%o", "true"),
        ("hello", "H%", "false"),
        ("hello", "_____", "true"),
        ("hello", "____", "false"),
        ("50%", "50\\%", "true"),
        ("500", "50\\%", "false"),
        ("", "%", "true"),
        ("abcbcd", "%bcd", "true"),
        ("a", "", "false"),
        ("a\\", "a\\", "true"),
    ] {
        assert_eq!(like(text, pattern, false), expected, "{text} like {pattern}");
    }
    assert_eq!(like("HELLO", "h%o", true), "true");
    assert_eq!(like(&"a".repeat(5_000), &"%a".repeat(500), false), "true");
}

#[test]
fn casts_round_and_refuse() {
    let cases: Vec<(Value, Type, &str)> = vec![
        (dec("1.5"), Type::Integer, "2"),
        (dec("-1.5"), Type::Integer, "-2"),
        (dec("1e30"), Type::Integer, "error: a number cannot be read as an integer"),
        (Value::text(" 12.50 "), Type::Decimal(None), "12.5"),
        (Value::text("1e999999999"), Type::Decimal(None), "error: a number with more than 1000 digits"),
        (Value::text("abc"), Type::Integer, "error: a text cannot be read as an integer"),
        (dec("1.005"), Type::Decimal(Some(2)), "1.01"),
        (dec("1.50"), Type::Text, "1.50"),
        (Value::Bool(true), Type::Text, "true"),
        (Value::text("2024-02-29"), Type::Date, "2024-02-29"),
        (Value::text("2023-02-29"), Type::Date, "error: a text cannot be read as a date"),
        (Value::text("2024-02-29T10:00:00+02:00"), Type::TimestampTz, "2024-02-29 08:00:00Z"),
        (Value::Null, Type::Date, "null"),
    ];
    for (value, to, expected) in cases {
        assert_eq!(shown(&Expr::Cast(Box::new(lit(value.clone())), to)), expected, "{value:?} as {to:?}");
    }
}

#[test]
fn the_row_and_the_moment_are_seen() {
    assert_eq!(shown(&Expr::Now), "2024-02-29 23:59:58Z");
    assert_eq!(shown(&Expr::Today), "2024-02-29");
    assert_eq!(shown(&Expr::Changed(vec![ColumnId(0)])), "true");
    assert_eq!(shown(&Expr::Event(Event::Updating)), "true");
    assert_eq!(shown(&Expr::Event(Event::Deleting)), "false");
    assert_eq!(shown(&Expr::column(ColumnId(0))), "2");
    assert_eq!(shown(&Expr::column(ColumnId(9))), "error: column 9 is not known");
    assert_eq!(shown(&Expr::Actor(ActorTerm::Claim("region".into(), Type::Text))), "null");
    assert_eq!(shown(&Expr::Actor(ActorTerm::HasRole("admin".into()))), "false");
}

#[test]
fn too_deep_is_an_error() {
    let deep = (0..200).fold(lit(Value::Int(1)), |e, _| Expr::Negate(Box::new(e)));
    assert_eq!(shown(&deep), "error: an expression of more than 128 levels");
}

#[test]
fn texts_cannot_explode() {
    let grow =
        |e| Expr::Call(Function::Replace, vec![e, lit(Value::text("a")), lit(Value::text("a".repeat(64)))]);
    let e = (0..10).fold(lit(Value::text("a")), |e, _| grow(e));
    assert_eq!(shown(&e), "error: a text of more than 1048576 bytes");
}

proptest::proptest! {
    #[test]
    fn integers_behave_as_wider_ones(a: i64, b: i64) {
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        let op = |op| binary(op, Value::Int(a), Value::Int(b));
        assert_eq!(op(BinaryOp::Add), (wide_a + wide_b).to_string());
        assert_eq!(op(BinaryOp::Sub), (wide_a - wide_b).to_string());
        assert_eq!(op(BinaryOp::Mul), (wide_a * wide_b).to_string());
        assert_eq!(op(BinaryOp::Lt), (a < b).to_string());
        if b != 0 {
            assert_eq!(op(BinaryOp::Rem), (wide_a % wide_b).to_string());
        }
    }

    #[test]
    fn a_quotient_is_the_nearest_of_twenty_digits(a: i64, a_scale in 0i64..30, b: i64, b_scale in 0i64..30) {
        let (a, b) = (BigDecimal::new(a.into(), a_scale), BigDecimal::new(b.into(), b_scale));
        if let Ok(Value::Decimal(quotient)) = number::div(&Value::Decimal(a.clone()), &Value::Decimal(b.clone())) {
            let error = (quotient * &b - &a).abs();
            assert!(error * 2 <= b.abs() * BigDecimal::new(1.into(), 20), "{a} / {b}");
        }
    }
}

#[test]
fn exponents_at_the_edge_are_numbers_or_errors() {
    for text in [
        "1e-9223372036854775807",
        "1e9223372036854775807",
        "1e-9223372036854775809",
        "-0e99999",
        "1e99999999999999999999",
    ] {
        let value = cast(Value::text(text), Type::Decimal(None));
        assert!(value.is_err(), "{text}: {value:?}");
    }
}

#[test]
fn an_expression_may_be_so_deep_and_no_deeper() {
    let nested = |levels: usize| (0..levels).fold(lit(Value::Int(1)), |e, _| Expr::Negate(Box::new(e)));
    assert_eq!(shown(&nested(DEPTH_MAX)), "1");
    assert_eq!(shown(&nested(DEPTH_MAX + 1)), "error: an expression of more than 128 levels");
}

#[test]
fn numbers_may_have_so_many_digits_and_no_more() {
    let digits = |count: usize| dec(&"7".repeat(count));
    assert_eq!(binary(BinaryOp::Add, digits(1000), Value::Int(0)).len(), 1000);
    assert_eq!(
        binary(BinaryOp::Add, digits(1001), Value::Int(0)),
        "error: a number with more than 1000 digits"
    );
    assert_eq!(
        binary(BinaryOp::Add, digits(1002), Value::Int(0)),
        "error: a number with more than 1000 digits"
    );
    let cast = |value: Value, ty: Type| shown(&Expr::Cast(Box::new(lit(value)), ty));
    assert_eq!(cast(Value::Int(1), Type::Decimal(Some(999))).len(), 1001);
    assert_eq!(cast(Value::Int(1), Type::Decimal(Some(1001))), "error: a number with more than 1000 digits");
    assert_eq!(cast(Value::Int(1), Type::Decimal(Some(1002))), "error: a number with more than 1000 digits");
}

#[test]
fn a_text_is_a_truth_value_only_by_its_words() {
    let cast = |text: &str| shown(&Expr::Cast(Box::new(lit(Value::text(text))), Type::Bool));
    assert_eq!(
        [cast("true"), cast("FALSE"), cast("maybe"), cast("1")],
        [
            "true",
            "false",
            "error: a text cannot be read as true or false",
            "error: a text cannot be read as true or false"
        ]
    );
}

#[test]
fn a_number_beyond_all_bounds_is_shown_with_its_exponent() {
    assert!(show(&dec("1e999999999")).len() < 30);
}
