//! The types of MySQL and MariaDB.

use dialects::Dialect;
use serde_json::json;
use tests::{Database, Document, Service};

use super::{Case, case, check, long_text};

const TIME: &str = "expected a time from -838:59:59 to 838:59:59";

fn numbers() -> Vec<Case> {
    vec![
        case("tinyint(1)", &["false", "true"]).key().bad("1", "expected true or false"),
        case("bit(1)", &["false", "true"]),
        case("tinyint", &["-128", "127"]).bad("128", "expected a whole number from -128 to 127"),
        case("tinyint unsigned", &["0", "255"]).key(),
        case("smallint unsigned", &["0", "65535"]),
        case("mediumint", &["-8388608", "8388607"])
            .bad("8388608", "expected a whole number from -8388608 to 8388607"),
        case("int unsigned", &["0", "4294967295"]),
        case("bigint", &["\"-9223372036854775808\"", "\"9223372036854775807\""]).key(),
        case(
            "bigint unsigned",
            &["\"0\"", "\"9223372036854775807\"", "\"18446744073709551614\"", "\"18446744073709551615\""],
        )
        .key()
        .bad("-1", "expected a whole number from 0 to 18446744073709551615"),
        case("year", &["0", "1901", "2155"])
            .key()
            .bad("70", "expected a whole number from 1901 to 2155, or 0")
            .bad("\"2156\"", "expected a whole number from 1901 to 2155, or 0"),
        case("float", &["-1.5", "0.1", "16777216.0"])
            .bad("\"NaN\"", "expected a number that 32-bit floating point can hold"),
        case("double", &["5e-324", "0.1", "1.7976931348623157e308"]).key(),
        case(
            "decimal(38,10)",
            &["\"-1234567890123456789012345678.0123456789\"", "\"-0.0000000001\"", "\"1.5000000000\""],
        )
        .key()
        .bad("\"0.00000000001\"", "expected a number with at most 10 digits after the point"),
        case("decimal(65,30)", &["\"12345678901234567890123456789012345.123456789012345678901234567890\""]),
        case("decimal(5,2)", &["-999.99", "0.00", "1.50"]),
        case("bit(10)", &["\"0000000000\"", "\"0000000101\"", "\"1111111111\""])
            .key()
            .bad("\"101\"", "expected bits such as 0101, 10 of them"),
        case(
            "bit(64)",
            &[
                "\"0111111111111111111111111111111111111111111111111111111111111111\"",
                "\"1000000000000000000000000000000000000000000000000000000000000001\"",
            ],
        ),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        case(
            "longtext",
            &["\"\"", "\" ' \\\" \\\\ % _ null\"", "\"1'; drop table v0; --\"", "\"a\\u0000b\""],
        )
        .shown(&long_text(), &long_text())
        .shown("\"שלום, עולם\"", "\"שלום, עולם\"")
        .shown("\"👩‍👩‍👧‍👦🇨🇭\"", "\"👩‍👩‍👧‍👦🇨🇭\""),
        case("varchar(5)", &["\"Grüße\"", "\"null\"", "\"ä😀\""])
            .key()
            .bad("\"123456\"", "expected text of at most 5 characters"),
        case("char(5)", &["\"\""])
            .shown("\"ab   \"", "\"ab\"")
            .key()
            .bad("\"123456\"", "expected text of at most 5 characters"),
        case("tinytext", &["\"abc\""]),
        case("varchar(5) character set latin1", &["\"äöü\""]),
        case("uuid", &["\"0b0e5a3c-91f5-4d1c-8f4e-0123456789ab\""])
            .shown("\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"")
            .key(),
        case("enum('sad','very happy','it''s','')", &["\"sad\"", "\"very happy\"", "\"it's\"", "\"\""])
            .key()
            .bad("\"happy\"", "expected one of sad, very happy, it's, ")
            .bad("\"1\"", "expected one of sad, very happy, it's, "),
        case("set('red','dark green','blue')", &["[]", "[\"red\"]"])
            .shown("[\"blue\",\"red\",\"blue\"]", "[\"red\",\"blue\"]")
            .shown("[\"dark green\",\"blue\"]", "[\"dark green\",\"blue\"]")
            .bad("[\"green\"]", "expected an array of words out of red, dark green, blue")
            .bad("\"green\"", "expected an array of words out of red, dark green, blue"),
        case("blob", &["\"\"", "\"AP8=\"", "\"/w==\""])
            .bad("\"AP8\"", "expected bytes in base64, with padding"),
        case("varbinary(4)", &["\"\"", "\"AP8=\""])
            .key()
            .bad("\"AAAAAAA=\"", "expected at most 4 bytes in base64"),
        case("binary(4)", &[]).shown("\"AP8=\"", "\"AP8AAA==\"").key(),
        case(
            "json",
            &["{}", "{\"b\":[1,2.50,null],\"a\":\"\\u0000\"}", "\"text\"", "12345678901234567890.10"],
        )
        .unfiltered(),
        case("inet4", &["\"10.0.0.1\""]).key().bad("\"::1\"", "expected an IP address such as 10.0.0.1"),
        case("inet6", &["\"::1\"", "\"2001:db8::1\""])
            .bad("\"10.0.0.1\"", "expected an IP address such as 2001:db8::1"),
    ]
}

fn times() -> Vec<Case> {
    vec![
        case("date", &["\"0001-01-01\"", "\"2024-02-29\"", "\"9999-12-31\""])
            .key()
            .bad("\"0000-00-00\"", "expected a date such as 2024-02-29"),
        case(
            "time",
            &[
                "\"-838:59:59\"",
                "\"-00:00:01\"",
                "\"00:00:00\"",
                "\"23:59:59\"",
                "\"24:00:00\"",
                "\"838:59:59\"",
            ],
        )
        .key()
        .bad("\"839:00:00\"", TIME)
        .bad("\"12:30:00.5\"", "expected at most 0 digits of a second's fraction"),
        case("time(3)", &["\"-01:00:00.5\"", "\"12:30:00.125\""]),
        case("datetime", &["\"1000-01-01T00:00:00\"", "\"9999-12-31T23:59:59\""]).key(),
        case("datetime(6)", &["\"1969-12-31T23:59:59.000001\""]).bad(
            "\"2024-02-29T01:02:03Z\"",
            "expected a date and time without zone such as 2024-02-29T23:59:59",
        ),
        case("timestamp(6) null", &["\"1970-01-01T00:00:01Z\""])
            .shown("\"2024-03-31T03:30:00.250+02:00\"", "\"2024-03-31T01:30:00.25Z\"")
            .shown("\"2038-01-19T03:14:07.999999Z\"", "\"2038-01-19T03:14:07.999999Z\""),
    ]
}

#[tokio::test]
async fn mysql_numbers_come_back_as_they_were_sent() {
    check(Dialect::Mysql, "", numbers()).await;
}

#[tokio::test]
async fn mysql_texts_come_back_as_they_were_sent() {
    check(Dialect::Mysql, "", texts()).await;
}

#[tokio::test]
async fn mysql_times_come_back_as_they_were_sent() {
    check(Dialect::Mysql, "", times()).await;
}

#[tokio::test]
async fn what_only_the_server_judges_is_told_with_its_place() {
    let database = Database::create(Dialect::Mysql).await;
    database
        .execute("create table t (id int primary key, at timestamp null, small text character set latin1)")
        .await;
    let service = Service::serve(database, &[]).await;
    for (name, value) in [("at", "2100-01-01T00:00:00Z"), ("small", "😀")] {
        let refused = service.post("/api/t", Document::of("t").id("1").attribute(name, value)).await;
        let error = refused.refused(422, "invalid-value");
        assert_eq!(error["source"]["pointer"], format!("/data/attributes/{name}"), "{error}");
    }
    let long = Document::of("t").id("1").attribute("small", "x".repeat(65_536));
    let error = service.post("/api/t", long).await.refused(422, "invalid-value");
    assert_eq!(error["detail"], "`small`: expected text of at most 65535 bytes in UTF-8.");
}

#[tokio::test]
async fn geometry_is_shown_and_refuses_to_be_written() {
    let database = Database::create(Dialect::Mysql).await;
    database
        .execute(
            "create table g (id int primary key, p point, n int); insert into g values (1, point(1, 2), 1)",
        )
        .await;
    let service = Service::serve(database, &[]).await;
    let read = service.get("/api/g/1").await.expect(200);
    let shown = read["data"]["attributes"]["p"].clone();
    assert_eq!(shown, "POINT(1 2)");
    assert_eq!(service.get("/api/g?filter[p]=POINT(1%202)").await.expect(200)["data"][0]["id"], "1");
    service.post("/api/g", Document::of("g").id("2").attribute("p", "x")).await.refused(403, "read-only");
    let same = Document::of("g").id("1").attribute("p", shown).attribute("n", 2);
    assert_eq!(service.patch("/api/g/1", same).await.expect(200)["data"]["attributes"]["n"], json!(2));
}
