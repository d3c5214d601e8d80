//! Random rows and random expressions of every type, from a seed.
//!
//! Products are kept small, so that all databases have room for their digits; all else may be as odd as it comes.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use dialects::{Decimal, Value};

const TEXTS: [&str; 22] = [
    "",
    " ",
    "a",
    "A",
    "a ",
    " a",
    "b",
    "ab",
    "aB ",
    "ä",
    "Ä",
    "ß",
    "é",
    "İ",
    "ﬁ",
    "😀",
    "50%",
    "_",
    "a\\",
    "it's",
    "aXbX",
    "\u{10400}x",
];
const PATTERNS: [&str; 12] = ["%", "a%", "%a", "_", "__", "%X%", "50\\%", "", "A_", "%\\", "\\_", "%😀%"];
const INTERVALS: [&str; 8] =
    ["1 day", "1 month", "13 months", "1 year", "2 weeks", "1 month 3 days", "-1 month", "100 years"];
const TIMES: [&str; 4] = ["90 minutes", "1 second", "25 hours", "1 month 1 hour"];

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Integer,
    Text,
    Truth,
    Date,
    Timestamp,
    Instant,
    Time,
}

pub(super) struct Random(fastrand::Rng);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The values of a row: id, i, j, b, d, e, s, u, day, other, at, moment, clock, yes, so.
    pub(super) fn row(&mut self, id: usize) -> Vec<Value> {
        let id = Value::Int(i64::try_from(id).unwrap());
        let mut row = vec![id, self.int(), self.int(), self.wide()];
        row.extend([self.decimal(9, 2), self.decimal(14, 6), self.word(), self.word()]);
        row.extend([self.day(), self.day()].map(|day| day.map_or(Value::Null, Value::Date)));
        let at = self.day().map(|day| Value::Timestamp(day.and_time(self.clock())));
        row.push(at.unwrap_or(Value::Null));
        let epoch = NaiveDate::from_ymd_opt(1971, 1, 1).unwrap();
        let moment = epoch.and_time(self.clock()) + TimeDelta::days(self.0.i64(0..24_000));
        row.push(self.or_null(Value::TimestampTz(moment)));
        let clock = Value::Time(self.clock());
        row.push(self.or_null(clock));
        for _ in 0..2 {
            let truth = Value::Bool(self.0.bool());
            row.push(self.or_null(truth));
        }
        row
    }

    fn or_null(&mut self, value: Value) -> Value {
        if self.0.u8(..6) == 0 { Value::Null } else { value }
    }

    fn int(&mut self) -> Value {
        let odd = [0, 1, -1, 2, 7, i64::from(i32::MAX), i64::from(i32::MIN)];
        let value = if self.0.bool() { odd[self.0.usize(..odd.len())] } else { self.0.i64(-50..50) };
        self.or_null(Value::Int(value))
    }

    fn wide(&mut self) -> Value {
        let odd = [0, i64::MAX, i64::MIN, 9_007_199_254_740_993];
        let value = if self.0.bool() { odd[self.0.usize(..odd.len())] } else { self.0.i64(..) };
        self.or_null(Value::Int(value))
    }

    fn decimal(&mut self, digits: u32, scale: i64) -> Value {
        let most = 10_i64.pow(self.0.u32(1..=digits));
        let value = self.0.i64(-most..most);
        self.or_null(Value::Decimal(Decimal::new(value.into(), scale)))
    }

    fn word(&mut self) -> Value {
        let word = TEXTS[self.0.usize(..TEXTS.len())].to_owned();
        let word = if self.0.u8(..4) == 0 { word.clone() + TEXTS[self.0.usize(..TEXTS.len())] } else { word };
        self.or_null(Value::text(word))
    }

    fn day(&mut self) -> Option<NaiveDate> {
        let odd = [
            "2024-02-29",
            "2024-01-31",
            "2023-12-31",
            "1900-02-28",
            "9999-12-31",
            "2000-03-01",
            "0001-01-01",
        ];
        match self.0.u8(..8) {
            0 => None,
            1..4 => odd[self.0.usize(..odd.len())].parse().ok(),
            _ => NaiveDate::from_ymd_opt(1990, 1, 1)
                .unwrap()
                .checked_add_days(chrono::Days::new(self.0.u64(..20_000))),
        }
    }

    fn clock(&mut self) -> NaiveTime {
        let micros = [0, 500_000, 250_000, 1, 999_999][self.0.usize(..5)];
        NaiveTime::from_num_seconds_from_midnight_opt(self.0.u32(..86_400), micros * 1_000).unwrap()
    }

    /// An expression of any type.
    pub(super) fn expression(&mut self) -> String {
        let kinds =
            [Kind::Number, Kind::Integer, Kind::Text, Kind::Truth, Kind::Truth, Kind::Date, Kind::Timestamp];
        let kind = kinds[self.0.usize(..kinds.len())];
        self.of(kind, 4)
    }

    fn of(&mut self, kind: Kind, depth: u32) -> String {
        if depth == 0 || self.0.u8(..6) == 0 {
            return self.leaf(kind);
        }
        let below = depth - 1;
        match self.0.u8(..8) {
            0 => {
                let (when, then, other) =
                    (self.of(Kind::Truth, below), self.of(kind, below), self.of(kind, below));
                format!("case when {when} then {then} else {other} end")
            }
            1 => format!("coalesce({}, {})", self.of(kind, below), self.of(kind, below)),
            2 => format!("nullif({}, {})", self.column(kind), self.of(kind, below)),
            3 if !matches!(kind, Kind::Truth) => {
                let word = self.pick(&["least", "greatest"]);
                format!(
                    "{word}({}, {}, {})",
                    self.of(kind, below),
                    self.of(kind, below),
                    self.of(kind, below)
                )
            }
            _ => match kind {
                Kind::Number => self.number(below),
                Kind::Integer => self.integer(below),
                Kind::Text => self.text(below),
                Kind::Truth => self.truth(below),
                Kind::Date => self.date(below),
                Kind::Timestamp => self.timestamp(below),
                Kind::Instant | Kind::Time => self.leaf(kind),
            },
        }
    }

    fn leaf(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Number => self.pick(&["d", "e", "i", "j", "0.5", "-1.25", "12345678901234.5678", "3"]),
            Kind::Integer => self.pick(&["i", "j", "0", "1", "-3", "12"]),
            Kind::Text => match self.0.bool() {
                true => self.pick(&["s", "u"]),
                false => quoted(TEXTS[self.0.usize(..TEXTS.len())]),
            },
            Kind::Truth => self.pick(&["yes", "so", "i > 0", "s = 'a'"]),
            Kind::Date => self.pick(&["day", "other", "date '2024-02-29'", "date '2023-01-31'"]),
            Kind::Timestamp => self.pick(&["at", "at", "timestamp '2024-01-31 23:59:59.5'"]),
            Kind::Instant => self.pick(&["moment", "timestamptz '2024-03-31T01:30:00+01:00'"]),
            Kind::Time => self.pick(&["clock", "time '12:00:00'"]),
        }
    }

    /// Optimizers do not compute what stands beside a null that is a constant.
    fn column(&mut self, kind: Kind) -> String {
        self.pick(match kind {
            Kind::Number => &["d", "e", "b"],
            Kind::Integer => &["i", "j"],
            Kind::Text => &["s", "u"],
            Kind::Truth => &["yes", "so"],
            Kind::Date => &["day", "other"],
            Kind::Timestamp => &["at"],
            Kind::Instant => &["moment"],
            Kind::Time => &["clock"],
        })
    }

    fn number(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Number, depth);
        match self.0.u8(..11) {
            0 => format!("({a} + {})", self.of(Kind::Number, depth)),
            1 => format!("({a} - {})", self.of(Kind::Number, depth)),
            2 => format!("({} * {})", self.leaf(Kind::Number), self.leaf(Kind::Number)),
            3 => format!("({} / nullif({}, 0))", self.leaf(Kind::Number), self.leaf(Kind::Number)),
            4 => format!("({} / {})", self.leaf(Kind::Number), self.pick(&["i", "d", "e", "7"])),
            5 => format!("({a} % {})", self.pick(&["i", "d", "3", "0.7"])),
            6 => format!("round({a}, {})", self.pick(&["2", "0", "-1", "20", "i % 5"])),
            7 => format!("floor({a})"),
            8 => format!("ceil({a})"),
            9 => format!("abs({a})"),
            _ => format!("-({a})"),
        }
    }

    fn integer(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Integer, depth);
        match self.0.u8(..9) {
            0 => format!("({a} + {})", self.of(Kind::Integer, depth)),
            1 => format!("({a} - {})", self.pick(&["b", "i", "j"])),
            2 => format!("({} * {})", self.pick(&["b", "i"]), self.pick(&["b", "j", "-7"])),
            3 => format!("length({})", self.of(Kind::Text, depth)),
            4 => format!("({} - {})", self.of(Kind::Date, depth), self.of(Kind::Date, depth)),
            5 => format!("extract({} from {})", self.field(), self.of(Kind::Date, depth)),
            6 => format!(
                "extract({} from {})",
                self.pick(&["hour", "minute", "dow", "year"]),
                self.of(Kind::Timestamp, depth)
            ),
            7 => format!("cast({} as integer)", self.of(Kind::Number, depth)),
            _ => format!("cast({} as integer)", self.of(Kind::Truth, depth)),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Text, depth);
        match self.0.u8(..10) {
            0 => format!("({a} || {})", self.of(Kind::Text, depth)),
            1 => format!("concat({a}, {}, {})", self.of(Kind::Number, depth), self.of(Kind::Truth, depth)),
            2 => format!("upper({a})"),
            3 => format!("lower({a})"),
            4 => format!("trim({a})"),
            5 => format!("substring({a}, {})", self.pick(&["2", "0", "-1", "i"])),
            6 => format!(
                "substring({a}, {}, {})",
                self.pick(&["1", "-1", "j"]),
                self.pick(&["2", "0", "-1", "i"])
            ),
            7 => format!("replace({a}, {}, {})", self.leaf(Kind::Text), self.leaf(Kind::Text)),
            8 => {
                let kinds = [
                    Kind::Number,
                    Kind::Integer,
                    Kind::Truth,
                    Kind::Date,
                    Kind::Timestamp,
                    Kind::Instant,
                    Kind::Time,
                ];
                let kind = kinds[self.0.usize(..kinds.len())];
                format!("cast({} as text)", self.of(kind, depth))
            }
            _ => {
                format!("case {a} when {} then 'x' else {} end", self.leaf(Kind::Text), self.leaf(Kind::Text))
            }
        }
    }

    fn truth(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Truth, depth);
        match self.0.u8(..10) {
            0 => format!("({a} and {})", self.of(Kind::Truth, depth)),
            1 => format!("({a} or {})", self.of(Kind::Truth, depth)),
            2 => format!("not ({a})"),
            3 => format!("(({a}) = ({}))", self.of(Kind::Truth, depth)),
            4 => format!(
                "({} {} {})",
                self.of(Kind::Text, depth),
                self.pick(&["like", "not like"]),
                self.pattern()
            ),
            5 => format!("cast({} as boolean)", self.of(Kind::Number, depth)),
            _ => self.compared(depth),
        }
    }

    fn compared(&mut self, depth: u32) -> String {
        let kinds = [
            Kind::Number,
            Kind::Integer,
            Kind::Text,
            Kind::Text,
            Kind::Date,
            Kind::Timestamp,
            Kind::Instant,
            Kind::Time,
        ];
        let kind = kinds[self.0.usize(..kinds.len())];
        let (a, b, c) = (self.of(kind, depth), self.of(kind, depth), self.leaf(kind));
        match self.0.u8(..8) {
            0 => format!("({a} is null)"),
            1 => format!("({a} is distinct from {b})"),
            2 => format!("({a} is not distinct from {b})"),
            3 => format!("({a} between {b} and {})", self.column(kind)),
            4 => format!("({a} in ({b}, {c}))"),
            5 => format!("({a} not in ({b}, {c}, null))"),
            _ => format!("({a} {} {b})", self.pick(&["=", "<>", "<", "<=", ">", ">="])),
        }
    }

    fn date(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Date, depth);
        let interval = INTERVALS[self.0.usize(..INTERVALS.len())];
        match self.0.u8(..6) {
            0 | 1 => format!("({a} + interval '{interval}')"),
            2 => format!("({a} - interval '{interval}')"),
            3 => format!("({a} + {})", self.leaf(Kind::Integer)),
            4 => format!("({a} - {})", self.leaf(Kind::Integer)),
            _ => format!("cast({} as date)", self.of(Kind::Timestamp, depth)),
        }
    }

    fn timestamp(&mut self, depth: u32) -> String {
        let a = self.of(Kind::Timestamp, depth);
        let interval = match self.0.bool() {
            true => INTERVALS[self.0.usize(..INTERVALS.len())],
            false => TIMES[self.0.usize(..TIMES.len())],
        };
        match self.0.u8(..4) {
            0 => format!("({a} + interval '{interval}')"),
            1 => format!("({a} - interval '{interval}')"),
            2 => format!("({} + interval '90 minutes')", self.of(Kind::Date, depth)),
            _ => format!("cast({} as timestamp)", self.of(Kind::Date, depth)),
        }
    }

    fn pattern(&mut self) -> String {
        match self.0.u8(..4) {
            0 => self.leaf(Kind::Text),
            _ => quoted(PATTERNS[self.0.usize(..PATTERNS.len())]),
        }
    }

    fn field(&mut self) -> String {
        self.pick(&["year", "quarter", "month", "day", "dow", "doy"])
    }

    fn pick(&mut self, words: &[&str]) -> String {
        words[self.0.usize(..words.len())].to_owned()
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
