use dialects::IntKind;
use dialects::sql::SqlType;
use introspect::schema::ColumnDefault;
use serde_json::json;

use super::*;

fn column(ty: ValueType) -> Column {
    Column {
        name: "c".into(),
        db_name: "c".into(),
        ty,
        sql_type: SqlType::scalar("x"),
        enum_values: vec!["new".into(), "paid".into()],
        loose: false,
        nullable: true,
        default: ColumnDefault::None,
        renewed: false,
        generated: None,
        comment: None,
        hidden: false,
        label: None,
        searchable: None,
        is_virtual: false,
    }
}

fn check(ty: ValueType, text: &str, expect: Result<&str, &str>) {
    let value = from_text(Dialect::Postgres, &column(ty), text);
    let shown = value.map(|value| {
        let mut out = Vec::new();
        crate::jsonapi::encode::text::text(&mut out, ty, &value.cell());
        String::from_utf8(out).unwrap()
    });
    assert_eq!(shown.as_deref().map_err(String::as_str), expect, "{ty:?} {text}");
}

#[test]
fn whole_numbers_keep_to_their_range() {
    let ty = ValueType::Int(IntKind::U8);
    check(ty, "255", Ok("255"));
    check(ty, "5.0", Ok("5"));
    check(ty, "2e2", Ok("200"));
    for text in ["256", "-1", "1.5", "", "abc", " 1", "0x10", "1e1000000000", "+1", "1e", ".5"] {
        check(ty, text, Err("expected a whole number from 0 to 255"));
    }
    check(ValueType::Int(IntKind::U64), "18446744073709551615", Ok("18446744073709551615"));
}

#[test]
fn decimals_are_never_rounded() {
    let ty = ValueType::Decimal { precision: Some(5), scale: Some(2) };
    check(ty, "15", Ok("15.00"));
    check(ty, "-999.99", Ok("-999.99"));
    check(ty, "1.500", Ok("1.50"));
    check(ty, "0", Ok("0.00"));
    check(ty, "1.999", Err("expected a number with at most 2 digits after the point"));
    check(ty, "1000", Err("expected a number with at most 3 digits before the point"));
    check(ty, "1e3", Err("expected a number with at most 3 digits before the point"));
    check(ty, "NaN", Err("expected a number"));
    check(
        ValueType::Decimal { precision: None, scale: None },
        "12345678901234567890.123",
        Ok("12345678901234567890.123"),
    );
}

#[test]
fn dates_and_times_are_strict() {
    check(ValueType::Date, "2024-02-29", Ok("2024-02-29"));
    for text in [
        "2023-02-29",
        "2024-2-9",
        "20240229",
        "today",
        "0000-00-00",
        "2024-02-29T00:00:00",
        "12024-01-01",
        "+024-01-01",
        "",
    ] {
        check(ValueType::Date, text, Err("expected a date such as 2024-02-29"));
    }
    check(ValueType::Time, "23:59", Ok("23:59:00"));
    check(ValueType::Time, "24:00:00", Ok("24:00:00"));
    check(ValueType::Time, "24:00:01", Err("expected a time such as 23:59:59"));
    check(ValueType::Timestamp, "2024-02-29 01:02:03.50", Ok("2024-02-29T01:02:03.5"));
    let zoned = "expected a date and time without zone such as 2024-02-29T23:59:59";
    check(ValueType::Timestamp, "2024-02-29T01:02:03Z", Err(zoned));
    check(ValueType::TimestampTz, "2024-03-01T01:02:03+02:00", Ok("2024-02-29T23:02:03Z"));
    check(
        ValueType::TimestampTz,
        "2024-03-01T01:02:03.1234567Z",
        Err("expected at most 6 digits of a second's fraction"),
    );
    let naive = "expected a date and time with zone such as 2024-02-29T23:59:59Z";
    check(ValueType::TimestampTz, "2024-03-01T01:02:03", Err(naive));
}

#[test]
fn other_types_are_checked_as_declared() {
    check(ValueType::Text { length: Some(3) }, "äöü", Ok("äöü"));
    check(ValueType::Text { length: Some(3) }, "äöüß", Err("expected text of at most 3 characters"));
    check(ValueType::Text { length: None }, "a\0b", Err("expected text without NUL characters"));
    check(ValueType::Enum, "paid", Ok("paid"));
    check(ValueType::Enum, "Paid", Err("expected one of new, paid"));
    check(ValueType::Bool, "1", Err("expected true or false"));
    check(ValueType::Bytes, "AP8=", Ok("AP8="));
    check(ValueType::Bytes, "AP8", Err("expected bytes in base64, with padding"));
    let upper = "123E4567-E89B-12D3-A456-426614174000";
    check(ValueType::Uuid, upper, Ok(&upper.to_lowercase()));
    check(
        ValueType::Float { bits: 32 },
        "1e39",
        Err("expected a number that 32-bit floating point can hold"),
    );
}

#[test]
fn documents_give_numbers_as_numbers_or_text_and_nothing_else() {
    let read = |ty, json: Json| from_json(Dialect::Sqlite, &column(ty), &json);
    let money = ValueType::Decimal { precision: Some(12), scale: Some(2) };
    assert_eq!(read(money, json!("1.50")), read(money, json!(1.5)));
    assert_eq!(read(ValueType::Int(IntKind::I64), json!("7")), Ok(Value::Int(7)));
    assert_eq!(read(money, json!(null)), Ok(Value::Null));
    assert_eq!(read(ValueType::Bool, json!("true")), Err("expected true or false".into()));
    assert_eq!(read(money, json!(true)), Err("expected a number".into()));
    assert_eq!(read(ValueType::Text { length: None }, json!(5)), Err("expected text".into()));
    assert_eq!(read(ValueType::Date, json!(5)), Err("expected a date such as 2024-02-29".into()));
    let big: Json = serde_json::from_str(r#"{"a":12345678901234567890.10}"#).unwrap();
    assert_eq!(read(ValueType::Json, big), Ok(Value::Json(r#"{"a":12345678901234567890.10}"#.into())));
}
