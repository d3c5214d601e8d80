//! The types of PostgreSQL.

use dialects::Dialect;
use serde_json::json;
use tests::{Database, Document, Service};

use super::{Case, case, check, long_text};

const WHOLE: &str = "expected a whole number from -2147483648 to 2147483647";
const DATE: &str = "expected a date such as 2024-02-29";
const UUID: &str = "expected a UUID such as 123e4567-e89b-12d3-a456-426614174000";
const INTERVAL: &str = "expected a span of time such as P1Y2M3DT4H5M6.5S";
const ARRAY: &str = "expected an array whose inner arrays are equally long, none of them empty";

fn numbers() -> Vec<Case> {
    vec![
        case("boolean", &["false", "true"])
            .key()
            .bad("\"yes\"", "expected true or false")
            .bad("1", "expected true or false"),
        case("smallint", &["-32768", "0", "32767"])
            .key()
            .bad("32768", "expected a whole number from -32768 to 32767")
            .bad("1.5", "expected a whole number from -32768 to 32767")
            .bad("\"x\"", "expected a whole number from -32768 to 32767"),
        case("integer", &["-2147483648", "2147483647"])
            .key()
            .bad("true", "expected a whole number")
            .bad("\"\"", WHOLE),
        case("bigint", &["\"-9223372036854775808\""])
            .shown("9223372036854775807", "\"9223372036854775807\"")
            .key()
            .bad(
                "\"9223372036854775808\"",
                "expected a whole number from -9223372036854775808 to 9223372036854775807",
            ),
        case("oid", &["0", "4294967295"]),
        case(
            "real",
            &["\"-Infinity\"", "-1.5", "0.1", "16777216.0", "3.4028235e38", "\"Infinity\"", "\"NaN\""],
        )
        .bad("1e39", "expected a number that 32-bit floating point can hold")
        .bad("\"many\"", "expected a number that 32-bit floating point can hold"),
        case("double precision", &["\"-Infinity\"", "5e-324", "0.1", "1.7976931348623157e308", "\"NaN\""])
            .key(),
        case("numeric(38,10)", &["\"-1234567890123456789012345678.0123456789\"", "\"-0.0000000001\""])
            .shown("\"1.5\"", "\"1.5000000000\"")
            .shown("9999999999999999999999999999.9999999999", "\"9999999999999999999999999999.9999999999\"")
            .key()
            .bad("\"0.00000000001\"", "expected a number with at most 10 digits after the point")
            .bad("1e28", "expected a number with at most 28 digits before the point"),
        case("numeric(5,2)", &["-999.99", "0.00", "1.50"])
            .shown("\"7\"", "7.00")
            .bad("\"NaN\"", "expected a number"),
        case("numeric", &["\"-0.5\"", "\"1.500\"", "\"123456789012345678901234567890.123456789\""]).key(),
        case("positive", &["1", "7"]).bad("\"1.5\"", WHOLE),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        case(
            "text",
            &["\"\"", "\" ' \\\" \\\\ % _ null\"", "\"1'; drop table v0; --\"", "\"a\\nb\\tc\\u0001\""],
        )
        .shown(&long_text(), &long_text())
        .shown("\"שלום, עולם\"", "\"שלום, עולם\"")
        .shown("\"مرحبا\\u200f\"", "\"مرحبا\\u200f\"")
        .shown("\"👩‍👩‍👧‍👦🇨🇭\"", "\"👩‍👩‍👧‍👦🇨🇭\"")
        .bad("\"a\\u0000b\"", "expected text without NUL characters")
        .bad("5", "expected text"),
        case("varchar(5)", &["\"Grüße\"", "\"null\"", "\"ä😀\""])
            .key()
            .bad("\"123456\"", "expected text of at most 5 characters"),
        case("char(5)", &["\"\""])
            .shown("\"ab   \"", "\"ab\"")
            .shown("\"b c  \"", "\"b c\"")
            .key()
            .bad("\"123456\"", "expected text of at most 5 characters"),
        case("short", &["\"abc\""]).bad("\"abcdef\"", "expected text of at most 5 characters"),
        case("uuid", &["\"0b0e5a3c-91f5-4d1c-8f4e-0123456789ab\""])
            .shown("\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"")
            .key()
            .bad("\"a0eebc99\"", UUID)
            .bad("7", "expected a UUID"),
        case("mood", &["\"sad\"", "\"very happy\"", "\"it's\""])
            .key()
            .bad("\"happy\"", "expected one of sad, very happy, it's")
            .bad("\"Sad\"", "expected one of sad, very happy, it's"),
        case("bytea", &["\"\"", "\"AP8=\"", "\"/w==\""])
            .key()
            .bad("\"AP8\"", "expected bytes in base64, with padding"),
        case(
            "json",
            &["{}", "{\"b\":[1,2.50,null],\"a\":\"\\u0000\"}", "\"text\"", "12345678901234567890.10"],
        )
        .unfiltered(),
        case("jsonb", &["[]", "{\"a\":1.00,\"bb\":[true,{}]}", "\"שלום\"", "12345678901234567890.10"])
            .unfiltered()
            .bad("{\"a\":[\"\\u0000\"]}", "expected a JSON document without NUL characters"),
    ]
}

fn times() -> Vec<Case> {
    vec![
        case(
            "date",
            &[
                "\"-infinity\"",
                "\"-4713-11-24\"",
                "\"0000-02-29\"",
                "\"2024-02-29\"",
                "\"+12024-02-03\"",
                "\"infinity\"",
            ],
        )
        .key()
        .bad("\"2023-02-29\"", DATE)
        .bad("\"soon\"", DATE)
        .bad("\"-4713-11-23\"", DATE)
        .bad("20240229", DATE),
        case("time", &["\"00:00:00\""])
            .shown("\"12:30\"", "\"12:30:00\"")
            .shown("\"23:59:59.999999\"", "\"23:59:59.999999\"")
            .shown("\"24:00\"", "\"24:00:00\"")
            .key()
            .bad("\"25:00\"", "expected a time such as 23:59:59"),
        case("time(2)", &["\"12:30:00.25\""])
            .bad("\"12:30:00.125\"", "expected at most 2 digits of a second's fraction"),
        case(
            "timetz",
            &["\"12:00:00+02:00\"", "\"12:00:00Z\"", "\"12:00:00.5-03:30\"", "\"24:00:00-15:59:59\""],
        )
        .key()
        .bad("\"12:00\"", "expected a time with zone such as 23:59:59+02:00"),
        case("timestamp", &["\"-infinity\"", "\"-0043-03-15T12:00:00\"", "\"1969-12-31T23:59:59.000001\""])
            .shown("\"2024-02-29 01:02:03.50\"", "\"2024-02-29T01:02:03.5\"")
            .key()
            .bad(
                "\"2024-02-30T12:00:00\"",
                "expected a date and time without zone such as 2024-02-29T23:59:59",
            )
            .bad(
                "\"2024-02-29T01:02:03Z\"",
                "expected a date and time without zone such as 2024-02-29T23:59:59",
            ),
        case("timestamp(3)", &["\"2024-02-29T01:02:03.123\""])
            .bad("\"2024-02-29T01:02:03.1234\"", "expected at most 3 digits of a second's fraction"),
        case("timestamptz", &["\"1582-10-04T23:59:59Z\""])
            .shown("\"2024-03-31T03:30:00.250+02:00\"", "\"2024-03-31T01:30:00.25Z\"")
            .shown("\"infinity\"", "\"infinity\"")
            .key()
            .bad(
                "\"2024-03-31T03:30:00\"",
                "expected a date and time with zone such as 2024-02-29T23:59:59Z",
            ),
        case("interval", &["\"P-1Y\"", "\"PT0S\"", "\"PT1.5S\"", "\"P1DT-2H\"", "\"P1Y2M3DT4H5M6.000001S\""])
            .shown("\"P2W\"", "\"P14D\"")
            .unsorted()
            .key()
            .bad("\"1 day\"", INTERVAL)
            .bad("\"P1.5D\"", INTERVAL)
            .bad("7", INTERVAL),
    ]
}

fn others() -> Vec<Case> {
    vec![
        case("bit(4)", &["\"0000\"", "\"0101\"", "\"1111\""])
            .key()
            .bad("\"101\"", "expected bits such as 0101, 4 of them"),
        case("bit varying(5)", &["\"\"", "\"01\"", "\"010\""])
            .bad("\"012\"", "expected bits such as 0101, at most 5"),
        case("inet", &["\"10.0.0.1/8\"", "\"10.0.0.1\"", "\"::1\"", "\"2001:db8::1/64\""])
            .key()
            .bad("\"10.0.0\"", "expected an IP address such as 10.0.0.1 or 2001:db8::1/64"),
        case("cidr", &["\"10.0.0.0/8\""])
            .shown("\"10.0.0.1\"", "\"10.0.0.1/32\"")
            .key()
            .bad("\"10.0.0.1/8\"", "expected a network such as 10.0.0.0/8, without bits beyond its own"),
        case("macaddr", &[])
            .shown("\"08-00-2B-01-02-03\"", "\"08:00:2b:01:02:03\"")
            .key()
            .bad("\"8\"", "expected the address of a device such as 08:00:2b:01:02:03"),
        case("macaddr8", &["\"08:00:2b:01:02:03:04:05\""]),
        case("integer[]", &["[]", "[1,2]", "[[1,2],[3,null]]", "[1,null]", "[2147483647]"])
            .key()
            .bad("5", "expected an array")
            .bad("[1,[2]]", ARRAY)
            .bad("[[]]", ARRAY)
            .bad("[1.5]", "expected a whole number from -2147483648 to 2147483647 as each element"),
        case("bigint[]", &[]).shown("[1,\"9223372036854775807\"]", "[\"1\",\"9223372036854775807\"]").key(),
        case("text[]", &["[\"\",\"NULL\",\"a,b\",\"\\\"{}\\\\ '\",\"😀\"]", "[null]"])
            .bad("[5]", "expected text as each element"),
        case("numeric(5,2)[]", &[])
            .shown("[1.5,\"2\"]", "[1.50,2.00]")
            .bad("[1.234]", "expected a number with at most 2 digits after the point as each element"),
        case("boolean[]", &["[false,true,null]"]),
        case("double precision[]", &["[0.1,\"NaN\"]"]),
        case("mood[]", &["[\"sad\",\"very happy\",\"it's\"]", "[\"very happy\"]"])
            .bad("[\"happy\"]", "expected one of sad, very happy, it's as each element"),
        case("uuid[]", &["[\"0b0e5a3c-91f5-4d1c-8f4e-0123456789ab\"]"]),
        case("date[]", &["[\"2024-02-29\",null]"]),
        case("timestamptz[]", &[]).shown("[\"2024-03-31T03:30:00+02:00\"]", "[\"2024-03-31T01:30:00Z\"]"),
        case("timestamp(0)[]", &["[\"2024-03-31T03:30:00\"]"]).bad(
            "[\"2024-03-31T03:30:00.5\"]",
            "expected at most 0 digits of a second's fraction as each element",
        ),
        case("interval[]", &["[\"P1D\",\"PT2H\"]"]),
        case("bytea[]", &["[\"AP8=\",\"\"]"]),
        case("inet[]", &["[\"10.0.0.1\",\"10.0.0.0/8\"]"]),
        case("jsonb[]", &["[{\"a\":[1]},[2],null,\"x\"]"]).unfiltered(),
        case("tags", &["[\"a\",\"b\"]"]),
    ]
}

const SET_UP: &str = "create type mood as enum ('sad', 'very happy', 'it''s');
    create domain short as varchar(5);
    create domain positive as integer check (value > 0);
    create domain tags as text[];";

#[tokio::test]
async fn postgres_numbers_come_back_as_they_were_sent() {
    check(Dialect::Postgres, SET_UP, numbers()).await;
}

#[tokio::test]
async fn postgres_texts_come_back_as_they_were_sent() {
    check(Dialect::Postgres, SET_UP, texts()).await;
}

#[tokio::test]
async fn postgres_times_come_back_as_they_were_sent() {
    check(Dialect::Postgres, SET_UP, times()).await;
}

#[tokio::test]
async fn postgres_arrays_bits_and_addresses_come_back_as_they_were_sent() {
    check(Dialect::Postgres, SET_UP, others()).await;
}

#[tokio::test]
async fn other_types_are_shown_as_text_and_refuse_to_be_written() {
    let database = Database::create(Dialect::Postgres).await;
    database
        .execute(
            "create domain short as text;
             create table odd (id int primary key, r int4range, p point, v tsvector, x xml, m money, a int4range[], d short[], n text);
             insert into odd values (1, '[1,5)', '(1,2)', 'a b', '<a/>', 12.5, array['[1,2)'::int4range], '{x,y}', 'here')",
        )
        .await;
    let service = Service::serve(database, &[]).await;
    let read = service.get("/api/odd/1").await.expect(200);
    let shown = json!({
        "r": "[1,5)", "p": "(1,2)", "v": "'a' 'b'", "x": "<a/>", "m": "$12.50", "a": ["[1,2)"], "d": ["x", "y"], "n": "here",
    });
    assert_eq!(read["data"]["attributes"], shown);
    for (name, value) in shown.as_object().unwrap().iter().filter(|(name, _)| *name != "n") {
        let made = service.post("/api/odd", Document::of("odd").id("2").attribute(name, value.clone())).await;
        assert_eq!(made.refused(403, "read-only")["source"]["pointer"], format!("/data/attributes/{name}"));
        let other = if value.is_array() { json!(["z"]) } else { json!("z") };
        let changed = service.patch("/api/odd/1", Document::of("odd").id("1").attribute(name, other)).await;
        assert_eq!(
            changed.refused(403, "read-only")["source"]["pointer"],
            format!("/data/attributes/{name}")
        );
        let same = Document::of("odd").id("1").attribute(name, value.clone()).attribute("n", "changed");
        service.patch("/api/odd/1", same).await.expect(200);
    }
    let found = service.get("/api/odd?filter[r][eq]=%5B1,5)").await.expect(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    service.get("/api/odd?filter[a][eq]=%5B%5D").await.refused(400, "invalid-filter");
    service.get("/api/odd?sort=p").await.refused(400, "invalid-sort");
}
