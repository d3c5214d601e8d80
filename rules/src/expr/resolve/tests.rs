//! Expressions over the shop: what they are worth, and what is said about the wrong ones.

mod calendar;
mod claims;
mod numbers;

use chrono::NaiveDateTime;
use introspect::ColumnId;

use super::*;
use crate::expr::Place;
use crate::expr::eval::{EvalError, Scope, eval, show};
use crate::expr::{ActorTerm, Event};
use crate::fixture;
use crate::policy::{Actor, Claim};

/// An item: id 1, quantity 3, unit_price 2.50, amount null, order 7, product null. Whatever is reached by a path is 9.
struct Item(Actor);

impl Scope for Item {
    fn column(&self, place: &Place) -> Result<Value, EvalError> {
        let row = [
            Value::Int(1),
            Value::Int(3),
            Value::Decimal("2.50".parse().unwrap()),
            Value::Null,
            Value::Int(7),
            Value::Null,
        ];
        Ok(if place.path.is_empty() { row[place.column.0 as usize].clone() } else { Value::Int(9) })
    }
    fn old(&self, _: ColumnId) -> Result<Value, EvalError> {
        Ok(Value::Int(2))
    }
    fn event(&self) -> Event {
        Event::Updating
    }
    fn now(&self) -> NaiveDateTime {
        chrono::NaiveDate::from_ymd_opt(2024, 2, 29).unwrap().and_hms_opt(12, 0, 0).unwrap()
    }
    fn actor(&self) -> &Actor {
        &self.0
    }
}

fn answer(table: &str, text: &str, context: Context) -> String {
    let shop = fixture::shop();
    match expression(&shop, shop.find(table).unwrap(), text, context) {
        Ok((expr, _)) => {
            let mut actor = Actor { id: Some("ann".into()), roles: vec!["sales".into()], ..Actor::default() };
            actor.claims.insert("limit".into(), Claim::Value(Value::text("3")));
            actor.claims.insert("limits".into(), claims::several(&["x", "3.0"]));
            actor.claims.insert("nobody".into(), claims::several(&[]));
            eval(&expr, &Item(actor)).map_or_else(|e| format!("error: {e}"), |value| show(&value))
        }
        Err(problems) => problems
            .iter()
            .map(|p| {
                let hint = p.hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
                format!("[{}] {}{hint}", &text[p.span.clone()], p.message)
            })
            .collect::<Vec<_>>()
            .join(" | "),
    }
}

fn check(context: Context, cases: &[(&str, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .map(|(text, expected)| (text, answer("items", text, context), expected))
        .filter(|(_, found, expected)| found != *expected)
        .map(|(text, found, expected)| format!("{text}\n  found    {found}\n  expected {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn scalars_follow_sql() {
    check(
        Context::Message,
        &[
            ("quantity * unit_price", "7.50"),
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("-quantity - -1", "-2"),
            ("7 / 2", "3.5"),
            ("-7 % 3", "-1"),
            ("10 - 4 - 3", "3"),
            ("2 * -3", "-6"),
            ("0.1 + 0.2 = 0.3", "true"),
            ("9223372036854775807 + 1", "9223372036854775808"),
            ("1e3 + .5", "1000.5"),
            ("'it''s' || ' ' || 'so'", "it's so"),
            ("'a\\n'", "a\\n"),
            ("amount", "null"),
            ("amount is null", "true"),
            ("amount is not null", "false"),
            ("amount > 0 or quantity = 3", "true"),
            ("amount > 0 and quantity = 3", "null"),
            ("not amount > 0", "null"),
            ("not quantity = 3 or true", "true"),
            ("quantity between 1 and 3 and true", "true"),
            ("quantity not between 1 and 3", "false"),
            ("quantity in (1, 2, 3.0)", "true"),
            ("quantity not in (1, null)", "null"),
            ("amount is distinct from 1", "true"),
            ("amount is not distinct from null", "true"),
            ("'50%' like '50\\%'", "true"),
            ("'abc' not like 'a%'", "false"),
            ("case when quantity > 5 then 'many' when quantity > 2 then 'some' else 'few' end", "some"),
            ("case quantity when 3 then 'three' end", "three"),
            ("case quantity when 4 then 'four' end", "null"),
            ("cast('12.5' as decimal) * 2", "25.0"),
            ("cast(unit_price as integer)", "3"),
            ("cast(quantity as text) || 'x'", "3x"),
            ("coalesce(amount, unit_price, 0)", "2.50"),
            ("nullif(quantity, 3)", "null"),
            ("round(2.345, 2)", "2.35"),
            ("ceil(1.2) + floor(1.8)", "3"),
            ("greatest(quantity, 2, null)", "3"),
            (
                "upper(trim('  x ')) || lower('Y') || substring('hello', 2, 2) || substring('hello' from 5)",
                "Xyelo",
            ),
            ("length(replace('aXa', 'X', ''))", "2"),
            ("concat('n', quantity, null)", "n3"),
            ("today = '2024-02-29'", "true"),
            ("today > date '2024-02-28'", "true"),
            ("today < now()", "true"),
            ("today + interval '3' day", "2024-03-03"),
            ("today - interval '1 month'", "2024-01-29"),
            ("now() + interval '1 day' > today", "true"),
            ("today - quantity", "2024-02-26"),
            ("extract(dow from now())", "4"),
            ("now()", "2024-02-29 12:00:00Z"),
            ("old.quantity + 1", "3"),
            ("changed(quantity, amount)", "true"),
            ("updating and not inserting and not deleting", "true"),
            ("actor.id || '!'", "ann!"),
            ("actor.has_role('sales')", "true"),
            ("quantity = actor.claim('limit')", "true"),
            ("actor.claim('none') is null", "true"),
            ("order.customer.credit_limit", "9"),
            ("\"order\".\"customer\".\"balance\"", "9"),
            ("product.unit_price + quantity", "12"),
            ("1 / (quantity - 3)", "error: a division by zero"),
        ],
    );
}

#[test]
fn operators_bind_as_in_sql() {
    check(
        Context::Message,
        &[
            ("true or false and false", "true"),
            ("(true or false) and false", "false"),
            ("not false and false", "false"),
            ("not quantity in (3)", "false"),
            ("not 'a' like 'b'", "true"),
            ("not amount is null", "false"),
            ("-quantity is null", "false"),
            ("1 - 2 + 3", "2"),
            ("12 / 2 * 3", "18"),
            ("12 / 2 / 3", "2"),
            ("7 - 2 * 3 % 4", "5"),
            ("-2 + 5", "3"),
            ("- 1 between -2 and 0", "true"),
            ("quantity between 1 and 2 or true", "true"),
            ("quantity between 1 + 1 and 2 * 2 and 1 = 1", "true"),
            ("'a' || 'b' = 'ab'", "true"),
            ("'a' || 'b' like 'a' || '%'", "true"),
            ("'a' || upper('b') || 'c' in ('aBc')", "true"),
            ("1 < 2 = true", "true"),
            ("amount is null = true", "true"),
            ("case when true then 1 end + 1 = 2", "true"),
            ("quantity > 1 is not null", "true"),
            ("amount is distinct from 1 and false", "false"),
            ("1 + 1 is distinct from 2", "false"),
            ("not true is distinct from false", "false"),
            (
                "QUANTITY_ is null or true",
                "[QUANTITY_] items has no column `QUANTITY_` (did you mean `quantity`?)",
            ),
            ("1 != 2 AND NOT NULL", "null"),
        ],
    );
}

#[test]
fn wrong_expressions_are_answered_with_their_place_and_a_hint() {
    check(
        Context::Message,
        &[
            ("quantiti * 2", "[quantiti] items has no column `quantiti` (did you mean `quantity`?)"),
            ("Quantity", "[Quantity] items has no column `Quantity` (did you mean `quantity`?)"),
            (
                "quantiti + amout",
                "[quantiti] items has no column `quantiti` (did you mean `quantity`?) | \
                 [amout] items has no column `amout` (did you mean `amount`?)",
            ),
            (
                "product",
                "[product] items has no column `product` (`product` is a relationship: write product.column)",
            ),
            ("prodct.name", "[prodct] items has no relationship `prodct` (did you mean `product`?)"),
            (
                "items.amount",
                "[items] items has no relationship `items` (the row's own columns are written without a table)",
            ),
            (
                "order.items.amount",
                "[items] `items` leads to many rows (derive an aggregate over them, such as sum(children.column), and read that)",
            ),
            ("quantity + 'x'", "['x'] a number is needed, this is a text (texts are joined with ||)"),
            (
                "quantity > '5'",
                "['5'] in a comparison, a number and a text do not go together (write numbers without quotes)",
            ),
            (
                "order.date_shipped > 5",
                "[5] in a comparison, a date and a number do not go together (write dates as '2024-05-01')",
            ),
            (
                "order.date_shipped > '2024-13-01'",
                "['2024-13-01'] `2024-13-01` is not a date (write dates as '2024-05-01')",
            ),
            (
                "quantity and true",
                "[quantity] a condition is needed, this is a number (compare it with something)",
            ),
            ("quantity || 'x'", "[quantity] a text is needed, this is a number (write cast(… as text))"),
            (
                "sqrt(4)",
                "[sqrt] there is no function `sqrt` (there are coalesce, nullif, abs, round, floor, ceil, least, greatest, lower, upper, trim, length, substring, replace, concat, extract, now, changed)",
            ),
            ("lenght('a')", "[lenght] there is no function `lenght` (did you mean `length`?)"),
            ("round(1, 2, 3)", "[round] round takes 1 to 2 arguments, not 3"),
            (
                "1 + sum(quantity)",
                "[sum] `sum` can only be the whole right side of a derivation (derive it as a column of its own, and read that column here)",
            ),
            ("quantity quantity", "[quantity] `quantity` is not expected here"),
            ("quantity;", "[;] `;` is not expected here"),
            ("quantity > 1 && true", "[&&] `&&` is not part of the language (write and)"),
            ("!(quantity > 1)", "[!] `!` is not part of the language (write not)"),
            ("quantity +", "[] expected an expression, found the end (something is missing at the end)"),
            (
                "1 + all",
                "[] expected (, found the end (a column that is called like a word of SQL stands in double quotes)",
            ),
            (
                "current_date",
                "[current_date] `current_date` is not part of the language (there are today and now())",
            ),
            ("(quantity", "[] expected ), found the end (something is missing at the end)"),
            ("", "[] an expression is missing"),
            ("'open", "['] this is not closed (a quote inside a text is written twice: 'it''s')"),
            ("quantity ^ 2", "[quantity ^ 2] the operator `^` is not part of the language"),
            ("quantity::text", "[quantity] this form of cast is not known (write cast(x as type))"),
            (
                "cast(quantity as decimal(5,2))",
                "[quantity] casts to decimal keep all digits (write cast(x as decimal); round(x, 2) rounds)",
            ),
            (
                "interval '3 days'",
                "['3 days'] an interval is no value of its own (add it to a date or a timestamp, or take it away: today + interval '3 days')",
            ),
            (
                "today + interval '3 fortnights'",
                "[today + interval '3 fortnights'] this interval is not understood (write interval '3 days', '1 year 2 months' or '90 minutes': whole numbers of years, months, weeks, days, hours, minutes or seconds)",
            ),
            (
                "today + now()",
                "[today + now] a date and an instant cannot be added or subtracted (date - date is a number of days: cast(… as date) makes a date of a timestamp)",
            ),
            (
                "now() + 1",
                "[now() + 1] an instant and a number cannot be added or subtracted (write … + interval '3 hours'; a date also takes a whole number of days)",
            ),
            (
                "today * 2",
                "[today] a number is needed, this is a date (extract(year from …) takes a number out of it)",
            ),
            (
                "quantity + interval '1 day'",
                "[quantity] an interval is added to a date or a timestamp, this is a number",
            ),
            ("extract(hour from today)", "[today] `HOUR` cannot be extracted: this is a date"),
            (
                "extract(week from today)",
                "[today] `WEEK` cannot be extracted (there are year, quarter, month, day, dow (Sunday is 0), doy, hour, minute and second)",
            ),
            (
                "cast(order.notes as integer)",
                "[order.notes] a text cannot be cast to a number (keep it in a column of that type: what a text says differs from database to database)",
            ),
            (
                "substring('abc', unit_price)",
                "[unit_price] a whole number is needed (write cast(… as integer))",
            ),
            (
                "actor.name",
                "[actor.name] the actor has no such member (there are actor.id, actor.claim('name') and actor.has_role('name'))",
            ),
            ("1e999999", "[1e999999] `1e999999` is not a number that can be kept"),
            ("x'00'", "[x'00'] this form of constant is not known (write 12.5 or 'text')"),
            (
                "quantity is true",
                "[quantity] `quantity IS TRUE` is not part of the language (there are + - * / % ||, comparisons, and, or, not, is null, is distinct from, between, in, like, case, cast and functions)",
            ),
            (
                "(select 1)",
                "[select 1] subqueries are not part of the language (derive an aggregate over the children, and read that)",
            ),
            (
                "quantity ilike 'x'",
                "[quantity ilike 'x'] rules compare texts exactly (write lower(…) like '…' with a lower-case pattern)",
            ),
            ("true > false", "[true > false] true and false have no order (compare them with = or <>)"),
        ],
    );
}

#[test]
fn places_allow_what_they_can_keep_true() {
    let stored =
        "what is stored can only depend on rows; `default`, `stamp`, `when` and `check` may use this";
    let cases = [
        (Context::Formula, "now()", format!("[now] `now()` is not allowed in a stored formula ({stored})")),
        (Context::Formula, "today", format!("[today] `today` is not allowed in a stored formula ({stored})")),
        (Context::Formula, "actor.id", format!("[actor.id] `actor` is not allowed in a stored formula ({stored})")),
        (
            Context::Formula,
            "old.quantity + 1",
            format!("[old.quantity] `old.` is not allowed in a stored formula ({stored})"),
        ),
        (
            Context::Formula,
            "changed(quantity)",
            format!("[changed] `changed()` is not allowed in a stored formula ({stored})"),
        ),
        (Context::Formula, "inserting", format!("[inserting] `inserting` is not allowed in a stored formula ({stored})")),
        (Context::Default, "old.quantity", "[old.quantity] `old.` is not allowed in a default (a row that comes has no past; `stamp`, `when` and `check` may use this)".into()),
        (Context::Step, "actor.id = 'ann' and today is not null and updating", "true".into()),
        (Context::Stamp, "old.quantity is not null and changed(quantity) and now() is not null", "true".into()),
        (Context::Default, "actor.id", "ann".into()),
        (Context::Filter, "actor.id = 'x'", "[actor.id] `actor` is not allowed in a filter".into()),
        (Context::Filter, "order.customer.name ilike 'X%' and today > '2024-01-01'", "error: a text is needed, not a number".into()),
        (
            Context::Where,
            "order.notes is null",
            "[order] the `where` of an aggregate speaks of the child's own columns (derive a column of the child from its parent, and ask for that)".into(),
        ),
        (Context::Where, "quantity > 1", "true".into()),
        (Context::Condition, "quantity", "[quantity] a condition is needed, this is a number (compare it with something)".into()),
    ];
    for (context, text, expected) in cases {
        assert_eq!(answer("items", text, context), expected, "{text} in {context:?}");
    }
}

#[test]
fn types_say_how_many_digits_a_result_can_have() {
    let shop = fixture::shop();
    let items = shop.find("items").unwrap();
    for (text, ty) in [
        ("quantity * unit_price", Type::Decimal(Some(2))),
        ("unit_price * unit_price", Type::Decimal(Some(4))),
        ("unit_price + 0.125", Type::Decimal(Some(3))),
        ("quantity + 1", Type::Integer),
        ("quantity / 2", Type::Decimal(None)),
        ("round(quantity / 3, 4)", Type::Decimal(Some(4))),
        ("case when true then 1 else unit_price end", Type::Decimal(Some(2))),
        ("coalesce(null, 'x')", Type::Text),
        ("null", Type::Null),
    ] {
        assert_eq!(expression(&shop, items, text, Context::Formula).unwrap().1, ty, "{text}");
    }
}

#[test]
fn a_claim_takes_the_type_of_what_it_stands_beside() {
    let shop = fixture::shop();
    let items = shop.find("items").unwrap();
    let (expr, _) =
        expression(&shop, items, "order.date_shipped = actor.claim('d')", Context::Condition).unwrap();
    let mut terms = Vec::new();
    expr.walk(&mut |e| {
        if let Expr::Actor(term) = e {
            terms.push(term.clone());
        }
    });
    assert_eq!(terms, [ActorTerm::Claim("d".into(), Type::Date)]);
}

#[test]
fn large_and_deep_expressions_are_refused_without_harm() {
    let nested = format!("{}1{}", "(".repeat(200), ")".repeat(200));
    assert!(answer("items", &nested, Context::Message).contains("levels of brackets"));
    let sums = vec!["1"; 300].join(" + ");
    assert!(answer("items", &sums, Context::Message).contains("too large"));
    assert_eq!(answer("items", &vec!["1"; 101].join(" + "), Context::Message), "101");
    assert!(answer("items", &vec!["1"; 102].join(" + "), Context::Message).contains("too large"));
    let long = vec!["1"; 900].join(" + ");
    assert!(answer("items", &long, Context::Message).contains("at most 1000 words"));
    let many = vec!["quantity = 1"; 200].join(" or ");
    assert_eq!(answer("items", &many, Context::Message), "false");
    let mut doubled = "quantity".to_owned();
    for _ in 0..30 {
        doubled = format!("case when {doubled} between 1 and 2 then 1 else 2 end");
    }
    assert!(answer("items", &doubled, Context::Message).contains("too large"));
}

#[test]
fn names_of_any_script_and_words_of_the_language_can_be_columns() {
    let schema = fixture::schema(
        dialects::Dialect::Sqlite,
        vec![
            fixture::Sketch::new("Order Details")
                .column("UnitPrice", fixture::MONEY)
                .column("größe", fixture::INT)
                .column("today", fixture::INT)
                .column("date", fixture::INT)
                .column("old", fixture::INT)
                .column("end", fixture::INT),
        ],
    );
    for text in
        ["\"UnitPrice\" + UnitPrice", "größe * 2", "\"today\" + 1", "date + 1", "old + 1", "\"end\" + 1"]
    {
        let result = expression(&schema, TableId(0), text, Context::Formula);
        assert!(result.is_ok(), "{text}: {result:?}");
    }
}

#[test]
fn constants_beside_words_and_uuids_are_read_as_the_column_would() {
    let schema = fixture::schema(
        dialects::Dialect::Postgres,
        vec![
            fixture::Sketch::new("tasks")
                .column("state", dialects::ValueType::Enum)
                .column("token", dialects::ValueType::Uuid)
                .with(|t| t.columns[1].enum_values = vec!["open".into(), "done".into()]),
        ],
    );
    let message = |text: &str| match expression(&schema, TableId(0), text, Context::Condition) {
        Ok((expr, _)) => format!("{expr:?}"),
        Err(problems) => problems[0].message.clone(),
    };
    assert_eq!(message("state = 'opne'"), "`state` must be one of: open, done");
    assert_eq!(message("old.state in ('open', 'x')"), "`state` must be one of: open, done");
    assert!(message("state in ('open', 'done')").starts_with("In"));
    assert!(
        message("token = 'A0EEBC999C0B4EF8BB6D6BB9BD380A11'")
            .contains("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
    );
    assert_eq!(message("token = 'x'"), "`token` must be a UUID");
}

#[test]
fn clients_know_nothing_of_hidden_columns_and_tables() {
    let mut tables = fixture::shop_tables();
    for sketch in &mut tables {
        sketch.table.hidden = sketch.table.name == "customers";
        sketch.table.columns.iter_mut().for_each(|c| c.hidden = c.name == "notes");
    }
    let shop = fixture::schema(dialects::Dialect::Postgres, tables);
    let orders = shop.find("orders").unwrap();
    for text in ["notes is null", "note is null", "customer.name = 'x'", "customer is null"] {
        let problems = expression(&shop, orders, text, Context::Filter).unwrap_err();
        let hint = problems[0].hint.clone().unwrap_or_default();
        assert!(
            !hint.contains("notes") && !hint.contains("customer.") && !hint.contains("customer`"),
            "{text}: {hint}"
        );
    }
    for text in ["notes is null", "customer.name = 'x'"] {
        assert!(expression(&shop, orders, text, Context::Condition).is_ok(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z0-9'\"(){}.,+*/%|<>=!: \\\\\\-éλ]{0,60}") {
        answer("items", &text, Context::Message);
        let _ = parse::derivation(&text).map(|_| ());
    }

    #[test]
    fn no_mixture_of_words_makes_it_panic(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40)) {
        let text = words.join(" ");
        answer("items", &text, Context::Message);
        answer("items", &text, Context::Formula);
        let _ = parse::derivation(&text).map(|_| ());
    }
}

/// What expressions are made of, right or wrong.
const WORDS: &[&str] = &[
    "quantity",
    "unit_price",
    "amount",
    "order",
    ".",
    "customer",
    "product",
    "name",
    "old",
    "actor",
    "claim",
    "(",
    ")",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "||",
    "=",
    "<>",
    "<",
    "and",
    "or",
    "not",
    "is",
    "null",
    "in",
    "between",
    "like",
    "case",
    "when",
    "then",
    "else",
    "end",
    "cast",
    "as",
    "integer",
    "decimal",
    "text",
    "date",
    "'2024-02-29'",
    "'a'",
    "1",
    "0",
    "1e999",
    "1e-999",
    "9223372036854775807",
    "0.001",
    "round",
    "substring",
    "replace",
    "coalesce",
    "sum",
    "count",
    "exists",
    "copy",
    "items",
    "where",
    "interval",
    "extract",
    "from",
    "today",
    "now",
    "true",
    "distinct",
    "array",
    "[",
    "]",
    "{",
    "}",
    "::",
    "select",
    "$1",
    "?",
    "x'00'",
    "e'a'",
    "current_date",
    "timestamp",
    "trim",
    "position",
    "over",
];

#[test]
fn nothing_hangs_about_a_call() {
    for text in [
        "length('a') over () = 1",
        "length('a') filter (where true) = 1",
        "length('a') within group (order by quantity) = 1",
        "length(distinct 'a') = 1",
        "length('a' order by quantity) = 1",
    ] {
        let said = answer("items", text, Context::Message);
        assert!(said.starts_with('['), "{text}: {said}");
    }
}

#[test]
fn what_multiplies_when_it_is_written_out_is_refused_before() {
    for (start, wrap) in [
        ("quantity", "nullif(X, 7)"),
        ("quantity", "1 / nullif(X, 7)"),
        ("quantity", "quantity / (X + 1)"),
        ("quantity", "least(X, 1, 2)"),
        ("'a'", "substring('abc', length(X))"),
        ("quantity", "round(quantity, X)"),
    ] {
        let nested = |depth: usize| (0..depth).fold(start.to_owned(), |inner, _| wrap.replace('X', &inner));
        assert!(!answer("items", &nested(4), Context::Message).starts_with('['), "{wrap}");
        assert!(
            answer("items", &nested(16), Context::Message).contains("this expression is too large"),
            "{wrap}"
        );
    }
    let sum = vec!["quantity / unit_price"; 100].join(" + ");
    assert!(!answer("items", &sum, Context::Message).starts_with('['));
}

#[test]
fn comments_are_refused_for_they_hide_what_stands_in_them() {
    for (text, comment) in [
        ("quantity --1", "--1"),
        ("quantity /* or amount */ + 1", "/* or amount */"),
        ("quantity -- the number\n * unit_price", "-- the number"),
    ] {
        let said = answer("items", text, Context::Message);
        assert!(
            said.starts_with(&format!("[{comment}")) && said.contains("a comment of SQL hides"),
            "{text}: {said}"
        );
    }
    assert_eq!(answer("items", "quantity - -1", Context::Message), "4");
    assert_eq!(answer("items", "'--' || '/* */'", Context::Message), "--/* */");
}
