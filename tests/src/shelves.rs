//! Things on shelves: rows with nulls, equal values and values that only exact comparisons tell apart, to be read page by page.

use dialects::Dialect;

use crate::service::Fixture;
use crate::shop::spelled;

/// The shelves, without rules.
pub const SHELVES: Fixture = Fixture { sql, rules: &[] };

/// How many things there are.
pub const THINGS: usize = 60;

const LABELS: [&str; 9] = ["", " ", "a", "A", "a'b", "ä", "🦊", "zz", "Z"];
/// The last is what a tenth and two tenths come to in binary.
const NUMBERS: [&str; 7] = ["0", "-0.1", "0.1", "0.2", "0.3", "123456.7891", "0.30000000000000004"];
const TIMES: [&str; 5] = ["00:00:00", "08:15:00.000001", "08:15:00.000002", "08:15:00", "23:59:59.999999"];
const DAYS: [&str; 4] = ["1969-12-31", "2024-02-29", "2024-03-01", "0987-01-02"];

fn sql(dialect: Dialect) -> String {
    let (float, micros) = match dialect {
        Dialect::Postgres => ("real", ""),
        Dialect::Mysql => ("float", "(6)"),
        Dialect::Sqlite => ("float", ""),
    };
    let tables =
        include_str!("../fixtures/shelves.sql").replace("{float}", float).replace("{micros}", micros);
    let places = (1..=5).map(|n| format!("({n}, {}, {})", text(LABELS.get(n)), number(n, 3)));
    let things = (0..THINGS).map(thing);
    let insert =
        |table: &str, rows: Vec<String>| format!("insert into {table} values {};\n", rows.join(",\n"));
    spelled(&tables, dialect) + &insert("places", places.collect()) + &insert("things", things.collect())
}

/// Each column goes through its values at a pace of its own, so that all combinations of equal and different come about.
fn thing(n: usize) -> String {
    let cells = [
        format!("'S{}'", n % 4),
        (n / 4).to_string(),
        text(LABELS.get(n % 11)),
        number(n, 8),
        NUMBERS.get(n / 2 % 9).map_or("null".into(), |text| (*text).to_owned()),
        NUMBERS
            .get(..5)
            .and_then(|short| short.get(n / 3 % 6))
            .map_or("null".into(), |text| (*text).to_owned()),
        ["9223372036854775807", "-9223372036854775808", "9007199254740993", "9007199254740992", "null"]
            [n % 5]
            .into(),
        ["true", "false", "null"][n / 5 % 3].into(),
        ["'calm'", "'busy'", "null"][n / 7 % 3].into(),
        text(DAYS.get(n / 3 % 5)),
        match (DAYS.get(n / 20), TIMES.get(n % 6)) {
            (Some(day), Some(time)) => format!("'{day} {time}'"),
            _ => "null".into(),
        },
        text(TIMES.get(n % 7)),
        [n % 7]
            .map(|place| if (1..=5).contains(&place) { place.to_string() } else { "null".into() })
            .concat(),
    ];
    format!("({})", cells.join(", "))
}

fn text(value: Option<&&str>) -> String {
    value.map_or("null".into(), |text| format!("'{}'", text.replace('\'', "''")))
}

/// Decimals of which none is a binary fraction.
fn number(n: usize, period: usize) -> String {
    match n % period {
        0 => "null".into(),
        n => format!("{}.{n}", n * 7 % 4),
    }
}
