//! What SQLite's declared types promise, and cells that do not keep it.

use dialects::Dialect;
use serde_json::{Value as Json, json};
use tests::{Database, Document, Service};

use super::{Case, case, check, long_text};

fn cases() -> Vec<Case> {
    vec![
        case("BOOLEAN", &["false", "true"]).key().bad("1", "expected true or false"),
        case("INTEGER", &["\"-9223372036854775808\"", "-1", "9007199254740991", "\"9007199254740992\""])
            .key()
            .bad("1.5", "expected a whole number from -9223372036854775808 to 9223372036854775807"),
        case("BIGINT", &["\"-1\"", "\"9223372036854775807\""]).key(),
        case("SMALLINT", &["-32768", "32767"]).bad("32768", "expected a whole number from -32768 to 32767"),
        case("DECIMAL(10,2)", &["-99999999.99", "0.00"])
            .shown("\"1.5\"", "1.50")
            .key()
            .bad("1.234", "expected a number with at most 2 digits after the point"),
        case("NUMERIC", &["\"-0.123456789012345\"", "\"9007199254740993\""]).bad(
            "\"0.1234567890123456\"",
            "expected a number of at most 15 digits, for SQLite keeps no more",
        ),
        case("REAL", &["\"-Infinity\"", "-1.5", "0.1", "1.7976931348623157e308"])
            .bad("\"NaN\"", "expected a number that 64-bit floating point can hold"),
        case(
            "TEXT",
            &[
                "\"\"",
                "\" ' \\\" \\\\ % _ null\"",
                "\"1'; drop table v0; --\"",
                "\"a\\u0000b\"",
                "\"a\\u0000c\"",
            ],
        )
        .shown(&long_text(), &long_text())
        .shown("\"שלום, עולם\"", "\"שלום, עולם\"")
        .shown("\"👩‍👩‍👧‍👦🇨🇭\"", "\"👩‍👩‍👧‍👦🇨🇭\""),
        case("VARCHAR(5)", &["\"Grüße\"", "\"null\"", "\"ä😀\""])
            .key()
            .bad("\"123456\"", "expected text of at most 5 characters"),
        case("CHAR(5)", &["\"ab\"", "\"ab   \""]).key(),
        case(
            "UUID",
            &["\"0B0E5A3C-91F5-4D1C-8F4E-0123456789AB\"", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""],
        )
        .key()
        .bad("\"x\"", "expected a UUID such as 123e4567-e89b-12d3-a456-426614174000"),
        case("DATE", &["\"0001-01-01\"", "\"2024-02-29\"", "\"9999-12-31\""])
            .key()
            .bad("\"2023-02-29\"", "expected a date such as 2024-02-29"),
        case("TIME", &["\"00:00:00\"", "\"12:30:00\"", "\"23:59:59.999999\""]).key(),
        case(
            "DATETIME",
            &["\"1969-12-31T23:59:59.000001\"", "\"2024-02-29T01:02:03\"", "\"2024-02-29T01:02:03.5\""],
        )
        .key(),
        case("TIMESTAMPTZ", &[])
            .shown("\"2024-03-31T03:30:00.250+02:00\"", "\"2024-03-31T01:30:00.25Z\"")
            .key(),
        case("JSON", &["{}", "{\"b\":[1,2.50,null],\"a\":\"\\u0000\"}", "\"text\"", "7", "1.5"])
            .unfiltered()
            .bad("12345678901234567890", "expected a JSON document; alone, a number of at most 15 digits"),
        case("STRING", &["\"7\"", "\"a\""]).bad(
            "\"007\"",
            "expected text that SQLite does not take for a number: declare the column as TEXT",
        ),
        case("BLOB", &["\"\"", "\"AP8=\"", "\"/w==\""])
            .key()
            .bad("\"AP8\"", "expected bytes in base64, with padding"),
    ]
}

#[tokio::test]
async fn sqlite_values_come_back_as_they_were_sent() {
    check(Dialect::Sqlite, "", cases()).await;
}

/// Cells of every storage class in columns of every declared type.
#[tokio::test]
async fn cells_that_contradict_their_type_are_shown_as_text() {
    const TYPES: [&str; 16] = [
        "BOOLEAN",
        "INTEGER",
        "BIGINT",
        "DECIMAL(10,2)",
        "NUMERIC",
        "REAL",
        "TEXT",
        "VARCHAR(5)",
        "UUID",
        "DATE",
        "TIME",
        "DATETIME",
        "TIMESTAMPTZ",
        "JSON",
        "BLOB",
        "",
    ];
    const CELLS: [&str; 13] = [
        "null",
        "7",
        "-9223372036854775808",
        "1.5",
        "1e300",
        "-9e999",
        "'soon'",
        "''",
        "'2024-02-30'",
        "'a' || char(0) || 'b'",
        "x'00ff'",
        "x'61'",
        "'{broken'",
    ];
    let columns: String = TYPES.iter().enumerate().map(|(n, ty)| format!(", c{n} {ty}")).collect();
    let rows: Vec<String> = CELLS
        .iter()
        .enumerate()
        .map(|(n, cell)| format!("({n}{})", format!(", {cell}").repeat(TYPES.len())))
        .collect();
    let database = Database::create(Dialect::Sqlite).await;
    database
        .execute(&format!(
            "create table t (id integer primary key{columns}); insert into t values {}",
            rows.join(", ")
        ))
        .await;
    let service = Service::serve(database, &[]).await;
    let all = service.get("/api/t?page[size]=100").await.expect(200);
    let rows = all["data"].as_array().unwrap();
    assert_eq!(rows.len(), CELLS.len());
    let cell = |row: usize, column: usize| &rows[row]["attributes"][format!("c{column}")];
    assert_eq!((cell(1, 0), cell(7, 0)), (&json!("7"), &json!("")), "a truth value");
    assert_eq!((cell(3, 1), cell(6, 1)), (&json!("1.5"), &json!("soon")), "a whole number");
    assert_eq!((cell(6, 3), cell(5, 5)), (&json!("soon"), &json!("-Infinity")), "numbers");
    assert_eq!((cell(9, 6), cell(10, 6)), (&json!("a\0b"), &json!("AP8=")), "text");
    assert_eq!((cell(8, 9), cell(1, 9)), (&json!("2024-02-30"), &json!("7")), "a date");
    assert_eq!((cell(12, 13), cell(1, 13)), (&json!("{broken"), &json!(7)), "JSON");
    assert_eq!((cell(1, 15), cell(6, 15)), (&json!("7"), &json!("soon")), "no type at all");
    for (n, row) in rows.iter().enumerate() {
        let id = row["id"].as_str().unwrap();
        let one = service.get(&format!("/api/t/{id}")).await.expect(200);
        assert_eq!(one["data"]["attributes"], row["attributes"], "{}", CELLS[n]);
    }
    for column in 0..TYPES.len() {
        for target in [
            format!("/api/t?sort=c{column}"),
            format!("/api/t?filter[c{column}][eq]=7"),
            format!("/api/t?sort=-c{column}&filter[c{column}][null]=false"),
        ] {
            let status = service.get(&target).await.status;
            assert!(status < 500, "{target}: {status}");
        }
    }
    let untyped = Document::of("t").id("50").attribute("c15", "x");
    assert_eq!(
        service.post("/api/t", untyped).await.refused(403, "read-only")["source"]["pointer"],
        "/data/attributes/c15"
    );
    let same: Json = json!({"data": {"type": "t", "id": "1", "attributes": {"c15": "7", "c6": "seven"}}});
    service.patch("/api/t/1", same).await.expect(200);
}
