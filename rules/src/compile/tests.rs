//! Rule files over the shop: what they become, and what is said about the wrong ones.

use dialects::{Dialect, IntKind, ValueType};
use introspect::schema::{Action, Column, ColumnDefault};

use super::*;
use crate::fixture::{self, INT, MONEY, Sketch, TEXT, schema, shop_tables};
use crate::problem::render;
use crate::rule::{DerivationKind, Piece};

fn compiled(schema: &Schema, text: &str) -> Result<RuleSet, String> {
    let files = [("a.yaml".to_owned(), text.to_owned())];
    compile(schema, &files)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// The problems of one line under `derive`, without the file's name.
fn derive(schema: &Schema, line: &str) -> String {
    match compiled(schema, &format!("derive:\n  {line}\n")) {
        Ok(_) => "fine".into(),
        Err(problems) => problems.replace("a.yaml:", ""),
    }
}

fn locked(schema: &Schema, rules: &RuleSet) -> Vec<String> {
    let mut tables: Vec<_> =
        schema.iter().map(|(id, table)| (rules.lock_rank[id.0 as usize], &table.name)).collect();
    tables.sort();
    tables.into_iter().map(|(_, name)| name.clone()).collect()
}

#[test]
fn five_rules_become_a_plan() {
    let shop = fixture::shop();
    let rules = fixture::shop_rules();
    let names: Vec<_> = rules.derivations.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["items.unit_price", "items.amount", "orders.amount_total", "customers.balance"]);
    assert_eq!(locked(&shop, &rules), ["products", "items", "orders", "customers"]);
    let DerivationKind::Aggregate(balance) = &rules.derivations[3].kind else { panic!() };
    assert_eq!(shop[balance.child].name, "orders");
    assert_eq!(shop[balance.child][balance.parent].name, "customer");
    assert!(balance.filter.is_some());
    let constraint = &rules.constraints[0];
    assert_eq!(constraint.name, "customers: balance <= credit_limit");
    assert_eq!(constraint.message.len(), 5);
    assert!(matches!(&constraint.message[0], Piece::Text(text) if text == "balance ("));
    assert!(constraint.recheck && constraint.operations.insert && !constraint.operations.delete);
}

#[test]
fn without_rules_every_table_has_a_place() {
    let shop = fixture::shop();
    assert_eq!(RuleSet::empty(&shop).lock_rank, [0, 1, 2, 3]);
    assert_eq!(compile(&shop, &[]).unwrap().lock_rank, [0, 1, 2, 3]);
    assert_eq!(compiled(&shop, "# nothing yet\n").unwrap().lock_rank, [0, 1, 2, 3]);
}

#[test]
fn parents_that_are_read_are_locked_before_their_children() {
    let shop = fixture::shop();
    let rules = fixture::rules(
        &shop,
        "constrain:\n  items:\n    - {check: order.customer.credit_limit > 0, message: no credit}\n",
    );
    assert_eq!(locked(&shop, &rules), ["customers", "orders", "items", "products"]);
    let both = fixture::rules(
        &shop,
        "derive:\n  orders.amount_total: sum(items.amount)\n  items.amount: quantity * order.amount_total_rate\n"
            .replace("order.amount_total_rate", "order.customer.credit_limit")
            .as_str(),
    );
    assert_eq!(locked(&shop, &both), ["customers", "items", "orders", "products"]);
}

#[test]
fn all_forms_of_a_file_are_read() {
    let shop = fixture::shop();
    let rules = fixture::rules(
        &shop,
        r#"
derive:
  '"orders"."amount_total"': {as: "sum(items.amount)"}
stamp:
  customers.name: {as: "coalesce(actor.id, 'nobody')", operations: [insert]}
  items.quantity: coalesce(old.quantity, 0) + 1
default:
  orders.notes: "'by ' || coalesce(actor.id, 'nobody')"
  orders.date_shipped: "'2024-05-01'"
  customers.credit_limit: 1000
constrain:
  orders:
    - check: date_shipped is null or amount_total > 0 or customer.balance < 0
      when: changed(date_shipped)
      message: "{{nothing}} to ship: {amount_total + 1} on {old.date_shipped}"
      operations: [update, delete]
      attribute: date_shipped
      code: nothing-to-ship
      recheck: false
"#,
    );
    assert_eq!(rules.derivations.len(), 6);
    let constraint = &rules.constraints[0];
    assert!(constraint.when.is_some() && !constraint.recheck && constraint.operations.delete);
    assert_eq!(constraint.code.as_deref(), Some("nothing-to-ship"));
    assert!(constraint.attribute.is_some());
    assert!(matches!(&constraint.message[0], Piece::Text(text) if text == "{nothing} to ship: "));
}

#[test]
fn the_examples_of_the_reference_compile() {
    let mut tables = shop_tables();
    let orders = tables.iter_mut().position(|sketch| sketch.table.name == "orders").unwrap();
    let sketch = tables.remove(orders).column("order_date", dialects::ValueType::Date).column("status", TEXT);
    let sketch = sketch
        .column("updated_at", dialects::ValueType::TimestampTz)
        .column("version", INT)
        .column("created_by", TEXT);
    tables.insert(orders, sketch);
    let products = tables.pop().unwrap().column("units_shipped", INT).column("units_in_stock", INT);
    tables.push(products);
    let shop = schema(Dialect::Postgres, tables);
    let reference = include_str!("../../../docs/rules.md");
    let examples: Vec<_> =
        reference.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert_eq!(examples.len(), 7);
    for example in examples {
        assert!(compiled(&shop, example).is_ok(), "{example}{:?}", compiled(&shop, example));
    }
}

#[test]
fn wrong_derivations_are_refused_with_their_place() {
    let shop = fixture::shop();
    let mut wrong = Vec::new();
    for (line, expected) in [
        ("order.amount: 1", "2:3: there is no table `order` (did you mean `orders`?)"),
        (
            "orders.amount: 1",
            "2:10: orders has no column `amount` (write {as: …, virtual: true} to have it computed when it is read)",
        ),
        (
            "orders.amount_totl: 1",
            "2:10: orders has no column `amount_totl` (did you mean `amount_total`? Or write {as: …, virtual: true} to have it computed when it is read)",
        ),
        ("orders: 1", "2:3: a table and a column are needed (write table.column)"),
        (
            "items.amount: quantity * unit_prize",
            "2:28: items has no column `unit_prize` (did you mean `unit_price`?)",
        ),
        (
            "items.amount: \"quantity * unit_prize\"",
            "2:29: items has no column `unit_prize` (did you mean `unit_price`?)",
        ),
        (
            "items.amount: product.name",
            "2:17: `items.amount` holds a number, this is a text (cast(… as type) converts, where that is meant)",
        ),
        ("items.amount: 'null'", "fine"),
        ("items.amount: 1.5", "fine"),
        ("items.amount:", "2:15: a text is missing here (null itself, where it is meant, stands in quotes)"),
        (
            "items.amount: amount + 1",
            "2:17: `items.amount` reads itself (the value before the change is `old.amount`)",
        ),
        (
            "items.amount: old.amount + 1",
            "2:17: `items.amount` reads nothing but its own old value: this step would never be taken (a stamp is set when anything of the row changes)",
        ),
        ("items.amount: old.amount + quantity", "fine"),
        ("items.amount: old.quantity", "fine"),
        (
            "items.amount: case when changed(quantity) and updating and actor.id is null then old.amount else 0 end",
            "fine",
        ),
        (
            "items.amount: amount + old.quantity",
            "2:17: `items.amount` reads itself (the value before the change is `old.amount`)",
        ),
        (
            "items.amount: quantity + case when now() > '2024-01-01' then 1 end",
            "2:38: `now()` is not allowed in a stored formula (what is stored can only depend on rows; `default`, `stamp`, `when` and `check` may use this)",
        ),
        (
            "items.amount: case when inserting then 1 end",
            "2:27: `inserting` is not allowed in a stored formula (what is stored can only depend on rows; `default`, `stamp`, `when` and `check` may use this)",
        ),
        (
            "orders.amount_total: sum(items.amount where old.quantity > 1)",
            "2:47: `old.` is not allowed in the `where` of an aggregate (what is stored can only depend on rows; `default`, `stamp`, `when` and `check` may use this)",
        ),
        (
            "items.amount: old.order.id + quantity",
            "2:17: `old.` reads the row's own columns (write old.column)",
        ),
        (
            "items.amount: {as: quantity, operations: [insert]}",
            "2:32: `operations` belongs to a stamp or a check",
        ),
        ("items.id: quantity", "2:3: `items.id` is part of the primary key: no rule can set it"),
        ("items.order_id: quantity", "2:3: `items.order_id` is part of a foreign key: it cannot be derived"),
        (
            "items.amount: id * 2",
            "2:17: `items.id` is drawn by the database: known only after the row is written (rules read what is known before)",
        ),
        (
            "orders.amount_total: sum(items.ammount)",
            "2:34: items has no column `ammount` (did you mean `amount`?)",
        ),
        (
            "orders.amount_total: sum(item.amount)",
            "2:28: the relationship `item` of orders does not exist (did you mean `items`?)",
        ),
        (
            "orders.amount_total: sum(customer.balance)",
            "2:28: the relationship `customer` of orders leads to one row (read it: parent.column, or copy(parent.column))",
        ),
        (
            "orders.amount_total: sum(items)",
            "2:28: relationship and column are needed here (write relationship.column: `items.column` where items is a relationship, `children.items` where it is a column)",
        ),
        ("orders.amount_total: sum(items.amount where)", "2:41: a condition is missing after `where`"),
        (
            "orders.amount_total: sum(items.amount where quantity)",
            "2:47: a condition is needed, this is a number (compare it with something)",
        ),
        (
            "orders.amount_total: sum(items.amount where product.name is null)",
            "2:47: the `where` of an aggregate speaks of the child's own columns (derive a column of the child from its parent, and ask for that)",
        ),
        (
            "orders.amount_total: count(items.amount)",
            "2:36: this asks for rows, not values (write `items where amount is not null` in the brackets)",
        ),
        ("orders.amount_total: count(items where quantity > 1)", "fine"),
        (
            "orders.notes: count(items)",
            "2:17: `orders.notes` holds a text, this is a number (derive a column of numbers)",
        ),
        ("orders.amount_total: max(items.amount)", "fine"),
        ("orders.amount_total: min(items.quantity where amount > 1)", "fine"),
        (
            "orders.notes: max(items.amount)",
            "2:17: `orders.notes` holds a text, this is a number (declare both with the same type)",
        ),
        (
            "orders.amount_total: max(items)",
            "2:28: relationship and column are needed here (write relationship.column: `items.column` where items is a relationship, `children.items` where it is a column)",
        ),
        (
            "orders.amount_total: exists(items where quantity > 1)",
            "2:24: `orders.amount_total` holds a number, this is true or false (`count` tells how many there are)",
        ),
        (
            "orders.amount_total: exists(items.amount)",
            "2:37: this asks for rows, not values (write `items where amount is not null` in the brackets)",
        ),
        (
            "items.amount: cast(quantity as decimal(12,2))",
            "2:22: casts to decimal keep all digits (write cast(x as decimal); round(x, 2) rounds)",
        ),
        ("items.amount: extract(year from quantity)", "2:35: `YEAR` cannot be extracted: this is a number"),
        (
            "orders.amount_total: 1 + sum(items.amount)",
            "2:28: `sum` can only be the whole right side of a derivation (derive it as a column of its own, and read that column here)",
        ),
        (
            "customers.balance: sum(orders.items.amount)",
            "2:22: aggregates go one level down (derive the value on the children first, then aggregate that)",
        ),
        (
            "customers.balance: sum(orders.notes)",
            "2:22: only numbers can be summed up, this is a text (count(children) counts them)",
        ),
        (
            "items.unit_price: copy(product.name)",
            "2:21: `items.unit_price` holds a number, this is a text (cast(… as type) converts, where that is meant)",
        ),
        (
            "items.unit_price: copy(order.customer.balance)",
            "2:21: `copy` takes one parent and one of its columns (write copy(parent.column); from further up, derive it on the parent first, as a formula to follow it or as a copy to keep what it was)",
        ),
        (
            "orders.amount_total: copy(items.amount)",
            "2:29: the relationship `items` of orders leads to many rows (aggregate over them: sum(children.column))",
        ),
        (
            "items.amount: {as: quantity, virtual: true}",
            "2:3: `amount` of items is a column (leave out `virtual: true` to derive it, or take another name)",
        ),
        (
            "items.amount: {as: quantity, vitual: true}",
            "2:32: unknown key `vitual` (did you mean `virtual`?)",
        ),
        ("items.amount: {}", "2:17: an expression is missing (write `as: expression`)"),
    ] {
        let found = derive(&shop, line);
        if found != expected {
            wrong.push(format!("{line}\n  found    {found}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_least_and_the_greatest_go_where_they_are_kept_as_they_are() {
    let of = |ty, spelled: &'static str| {
        let mut column = fixture::column("x", ty);
        column.sql_type = dialects::sql::SqlType::scalar(spelled);
        column
    };
    let decimal = |scale| ValueType::Decimal { precision: Some(9), scale: Some(scale) };
    let (date, time, stamp) = (ValueType::Date, ValueType::Time, ValueType::Timestamp);
    let rounds = "`parents.x` keeps fewer digits after the point than `children.x`: it would round (declare it with as many)";
    let otherwise = "`parents.x` keeps values otherwise than `children.x` (declare both with the same type)";
    for (dialect, from, into, expected) in [
        (Dialect::Postgres, of(decimal(2), "numeric(9,2)"), of(decimal(2), "numeric(9,2)"), ""),
        (Dialect::Postgres, of(INT, "integer"), of(decimal(2), "numeric(9,2)"), ""),
        (Dialect::Postgres, of(decimal(3), "numeric(9,3)"), of(decimal(2), "numeric(9,2)"), rounds),
        (Dialect::Postgres, of(decimal(1), "numeric(9,1)"), of(INT, "integer"), rounds),
        (Dialect::Postgres, of(date, "date"), of(date, "date"), ""),
        (Dialect::Postgres, of(time, "time(3) without time zone"), of(time, "time without time zone"), ""),
        (
            Dialect::Postgres,
            of(stamp, "timestamp without time zone"),
            of(stamp, "timestamp(3) without time zone"),
            rounds,
        ),
        (Dialect::Mysql, of(stamp, "datetime(6)"), of(stamp, "datetime(6)"), ""),
        (Dialect::Mysql, of(stamp, "datetime(6)"), of(stamp, "datetime"), rounds),
        (Dialect::Sqlite, of(stamp, "timestamp"), of(stamp, "datetime"), ""),
        (
            Dialect::Postgres,
            of(stamp, "timestamp without time zone"),
            of(ValueType::TimestampTz, "timestamp with time zone"),
            "`parents.x` holds an instant, this is a timestamp (declare both with the same type)",
        ),
        (
            Dialect::Postgres,
            of(TEXT, "text"),
            of(ValueType::Text { length: Some(9) }, "character varying(9)"),
            "",
        ),
        (Dialect::Postgres, of(TEXT, "text"), of(TEXT, "character(9)"), otherwise),
        (Dialect::Mysql, of(TEXT, "char(9)"), of(TEXT, "char(9)"), ""),
        (Dialect::Postgres, of(ValueType::Uuid, "uuid"), of(TEXT, "text"), ""),
        (Dialect::Postgres, of(TEXT, "text"), of(ValueType::Uuid, "uuid"), otherwise),
        (
            Dialect::Postgres,
            of(ValueType::Bool, "boolean"),
            of(ValueType::Bool, "boolean"),
            "`children.x` is true or false: there is no least or greatest (write exists(children where column))",
        ),
        (
            Dialect::Postgres,
            of(ValueType::Json, "jsonb"),
            of(ValueType::Json, "jsonb"),
            "only numbers, texts, dates and times have a least and a greatest, this is JSON",
        ),
        (
            Dialect::Postgres,
            of(ValueType::Float { bits: 64 }, "double precision"),
            of(ValueType::Float { bits: 64 }, "double precision"),
            "`parents.x` is a floating point column, which keeps no exact numbers (declare it decimal, with at most 15 digits on SQLite)",
        ),
        (
            Dialect::Postgres,
            of(INT, "integer"),
            Column { nullable: false, ..of(INT, "integer") },
            "`parents.x` is declared not null, but of no rows there is no least or greatest value (let it be null: `count` and `exists` say whether there are rows)",
        ),
    ] {
        let told = format!("{} into {}", from.sql_type.text, into.sql_type.text);
        let schema = schema(
            dialect,
            vec![
                Sketch::new("parents").with(|table| table.columns.push(into)),
                Sketch::new("children").with(|table| table.columns.push(from)).parent(
                    "parent_id",
                    "parents",
                    Action::Cascade,
                ),
            ],
        );
        for word in ["min", "max"] {
            let found = derive(&schema, &format!("parents.x: {word}(children.x)"));
            let expected = if expected.is_empty() { "fine" } else { expected };
            assert!(found.ends_with(expected) || found.contains(&format!("{expected}\n")), "{told}: {found}");
        }
    }
}

#[test]
fn wrong_files_are_refused_with_every_problem() {
    let shop = fixture::shop();
    let text = r#"
derive:
  orders.amount_total: sum(items.amount)
  orders.amount_total: 2
deriv: {}
stamp:
  orders.notes: now()
  orders.date_shipped: {as: today, operations: [delete]}
  items.amount: sum(orders.amount)
  items.quantity: {as: 1, operations: []}
  customers.balance: balance + 1
default:
  orders.amount_total: 1
  customers.name: lower(nam)
constrain:
  customer:
    - check: balance <= 1
      message: x
  customers:
    - check: balance
      message: "{balanc} and {"
    - chek: balance > 0
      message: x
    - check: balance > 1
    - check: balance > 0
      message: x
      operations: [insrt]
      recheck: maybe
    - check: balance >= 0
      message: x
      recheck: false
  orders: nothing
"#;
    let expected = "\
a.yaml:4:3: `orders.amount_total` stands here twice (first at a.yaml:3:3)
a.yaml:5:1: unknown key `deriv` (did you mean `derive`?)
a.yaml:7:17: `orders.notes` holds a text, this is an instant (cast(… as type) converts, where that is meant)
a.yaml:8:49: unknown operation `delete` (there are: insert, update)
a.yaml:9:17: a stamp is an expression over the row (this belongs under `derive`)
a.yaml:10:39: an operation is missing: this would never do anything (there are: insert, update)
a.yaml:11:22: `customers.balance` reads itself (the value before the change is `old.balance`)
a.yaml:13:3: `orders.amount_total` is set by two rules (first at a.yaml:3:3)
a.yaml:14:25: customers has no column `nam` (did you mean `name`?)
a.yaml:16:3: there is no table `customer` (did you mean `customers`?)
a.yaml:20:14: a condition is needed, this is a number (compare it with something)
a.yaml:21:30: this brace is not closed (write {{ for a brace)
a.yaml:22:7: unknown key `chek` (did you mean `check`?)
a.yaml:24:14: `message` is missing (write `message: …`: what clients are told, with values in braces: \"{name} has too much\")
a.yaml:27:20: unknown operation `insrt` (did you mean `insert`?)
a.yaml:28:16: true or false is needed
a.yaml:29:14: `recheck: false` drops nothing: this reads no row above (it is about checking again when a row above changes)
a.yaml:32:3: a list of checks is missing (write `- check: …` and `message: …`)";
    assert_eq!(compiled(&shop, text).unwrap_err(), expected);
}

#[test]
fn two_files_that_derive_one_column_are_both_named() {
    let shop = fixture::shop();
    let line = "derive:\n  items.amount: quantity\n".to_owned();
    let files = [("a.yaml".to_owned(), line.clone()), ("b.yaml".to_owned(), line)];
    let problems = compile(&shop, &files).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "b.yaml:2:3: `items.amount` is set by two rules (first at a.yaml:2:3)"
    );
    let shown = render(&problems, &files, false);
    assert!(shown.contains("b.yaml:2:3") && shown.contains("items.amount: quantity"), "{shown}");
}

/// The problems of some lines under `transition`, without the file's name.
fn transition(schema: &Schema, lines: &str) -> String {
    match compiled(schema, &format!("transition:\n  {lines}\n")) {
        Ok(_) => "fine".into(),
        Err(problems) => problems.replace("a.yaml:", ""),
    }
}

#[test]
fn wrong_transitions_are_refused_with_their_place() {
    let mut tables = shop_tables();
    let mood = dialects::ValueType::Enum;
    tables.push(
        Sketch::new("cats")
            .column("mood", mood)
            .column("lives", INT)
            .column("tame", dialects::ValueType::Bool)
            .with(|t| {
                t.columns[1].enum_values = vec!["calm".into(), "angry".into(), "initial".into()];
            }),
    );
    let cats = schema(Dialect::Postgres, tables);
    let mut wrong = Vec::new();
    for (lines, expected) in [
        ("cats.mood: {initial: [calm], calm: [angry], angry: [calm, null]}", "fine"),
        ("cats.mood: {\"initial\": [\"calm\"], \"calm\": [\"angry\"], \"angry\": [\"calm\", null]}", "fine"),
        ("cats.mood: {initial: [calm], calm: [initial], \"'initial'\": [calm, \"'angry'\"]}", "fine"),
        (
            "cats.mood: {initial: [calm], calm: [angry], 'initial': [angry]}",
            "2:47: `initial` stands here twice (first at 2:15)",
        ),
        (
            "cats.mood: {initial: [calm], calm: [angry], \"'calm'\": [calm]}",
            "2:47: `calm` stands here twice (first at a.yaml:2:32)",
        ),
        ("cats.lives: {9: [8], 8: [7]}", "fine"),
        ("cats.tame: {false: [true]}", "fine"),
        ("orders.notes: {yes: [no, 3]}", "fine"),
        ("cats.mod: {calm: [angry]}", "2:8: cats has no column `mod` (did you mean `mood`?)"),
        (
            "cats.mood: {calm: [angri]}",
            "2:22: `angri` is no state: `mood` must be one of: calm, angry, initial (did you mean `angry`?)",
        ),
        (
            "cats.mood: {cold: []}",
            "2:15: `cold` is no state: `mood` must be one of: calm, angry, initial (did you mean `calm`?)",
        ),
        (
            "cats.lives: {nine: [8.5]}",
            "2:16: `nine` is no state: `lives` must be a whole number\n2:23: `8.5` is no state: `lives` must be a whole number",
        ),
        ("cats.tame: {false: [yes]}", "2:23: `yes` is no state: `tame` must be true or false"),
        (
            "orders.date_shipped: {a: [b]}",
            "2:3: `orders.date_shipped` holds a date: that is no state (states are texts, words of an enum, whole numbers or true and false)",
        ),
        (
            "cats.mood: {calm: angry}",
            "2:21: a list of states is needed (write [state, state], and [] where nothing follows)",
        ),
        (
            "cats.mood: calm",
            "2:3: no state is declared (write `from: [to]`, [] where nothing follows)\n2:14: keys with values are needed here (here stand lines of `from: [to]`, and `initial: [state]`)",
        ),
        ("cats.mood: {}", "2:3: no state is declared (write `from: [to]`, [] where nothing follows)"),
        (
            "cats.mood: {initial: [], calm: [angry]}",
            "2:3: no state is declared (write `from: [to]`, [] where nothing follows)",
        ),
        (
            "cats.mood: {null: [calm], calm: [angry]}",
            "2:15: this is not YAML: cannot deserialize null into string; use Option<String>",
        ),
        ("cats.mood: {calm: [angry, angry]}", "2:29: `angry` stands here twice (first at a.yaml:2:22)"),
        ("cats.lives: {1: [2], 01: [3]}", "2:24: `1` stands here twice (first at a.yaml:2:16)"),
        (
            "cats.mood: {calm: [angry]}\n  '\"cats\".mood': {angry: [calm]}",
            "3:3: `cats.mood` has two transitions (first at a.yaml:2:3)",
        ),
        (
            "cats.id: {1: [2]}",
            "2:3: `cats.id` is drawn by the database: known only after the row is written (rules read what is known before)",
        ),
    ] {
        let found = transition(&cats, lines);
        if found != expected.replace("first at a.yaml:", "first at ") {
            wrong.push(format!("{lines}\n  found    {found}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cycles_are_told_rule_by_rule() {
    let shop = fixture::shop();
    let text = "derive:\n  customers.balance: sum(orders.amount_total)\n  orders.amount_total: sum(items.amount)\n  \
                items.amount: quantity * order.customer.balance\n";
    assert_eq!(
        compiled(&shop, text).unwrap_err(),
        "a.yaml:2:3: `customers.balance` depends on itself (customers.balance reads orders.amount_total (a.yaml:2:3); \
         orders.amount_total reads items.amount (a.yaml:3:3); items.amount reads customers.balance (a.yaml:4:3))"
    );
}

#[test]
fn a_column_has_one_rule_for_the_new_row_and_one_for_later() {
    let shop = fixture::shop();
    let found = |text: &str| compiled(&shop, text).map_or_else(|problems| problems, |_| "fine".into());
    let step = "derive:\n  items.amount: old.amount + quantity\n";
    assert_eq!(found(&format!("{step}default:\n  items.amount: 5\n")), "fine");
    assert_eq!(
        found(&format!("{step}stamp:\n  items.amount: 5\n")),
        "a.yaml:4:3: `items.amount` is set by two rules (first at a.yaml:2:3)"
    );
    assert_eq!(
        found("stamp:\n  items.amount: {as: 5, operations: [update]}\ndefault:\n  items.amount: 5\n"),
        "a.yaml:4:3: `items.amount` is set by two rules (first at a.yaml:2:3)"
    );
}

#[test]
fn steps_that_wait_for_each_other_are_a_cycle_and_stamps_that_count_are_none() {
    let shop = fixture::shop();
    assert_eq!(
        derive(
            &shop,
            "items.amount: old.amount + quantity\n  items.quantity: old.quantity + (amount - old.amount)"
        ),
        "2:3: `items.amount` depends on itself (items.amount reads items.quantity (2:3); items.quantity reads items.amount (3:3))"
    );
    let text = "stamp:\n  items.quantity: coalesce(old.quantity, 0) + 1\nderive:\n  items.amount: quantity * unit_price\n";
    let rules = compiled(&shop, text).unwrap();
    let names: Vec<_> = rules.derivations.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["items.quantity", "items.amount"]);
}

#[test]
fn a_required_column_cannot_wait_for_a_stamp() {
    let mut tables = shop_tables();
    let at = tables.iter().position(|sketch| sketch.table.name == "customers").unwrap();
    let sketch = tables.remove(at).with(|t| t.columns[1].nullable = false);
    tables.push(sketch);
    let shop = schema(Dialect::Postgres, tables);
    let text = "stamp:\n  customers.name: {as: actor.id, operations: [update]}\n";
    assert_eq!(
        compiled(&shop, text).unwrap_err(),
        "a.yaml:2:3: `customers.name` needs a value when its row comes (let the stamp be set on insert too)"
    );
    assert!(compiled(&shop, &text.replace("update", "insert")).is_ok());
}

#[test]
fn recursion_through_a_tree_is_refused_by_name_and_plain_rules_over_it_are_not() {
    let tree = schema(
        Dialect::Postgres,
        vec![
            Sketch::new("parts").column("cost", MONEY).column("total", MONEY).column("children", INT).parent(
                "parent_id",
                "parts",
                Action::NoAction,
            ),
        ],
    );
    let recursion = "`parts.total` recurses through the self-referencing table `parts` (this version does not derive up or down a tree)";
    assert_eq!(derive(&tree, "parts.total: sum(parts_by_parent_id.total)"), format!("2:16: {recursion}"));
    assert_eq!(derive(&tree, "parts.total: cost + parent.total"), format!("2:16: {recursion}"));
    assert_eq!(derive(&tree, "parts.children: count(parts_by_parent_id)"), "fine");
    assert_eq!(derive(&tree, "parts.total: sum(parts_by_parent_id.cost)"), "fine");
}

#[test]
fn tables_and_columns_that_cannot_be_kept_true_are_refused() {
    let sum = "orders.amount_total: sum(items.amount)";
    let with = |dialect, table: &str, change: fn(&mut introspect::Table)| {
        let tables = shop_tables()
            .into_iter()
            .map(|sketch| if sketch.table.name == table { sketch.with(change) } else { sketch })
            .collect();
        derive(&schema(dialect, tables), sum)
    };
    for (found, expected) in [
        (
            with(Dialect::Postgres, "items", |t| t.triggers = true),
            "2:24: `items` has row triggers, which change rows behind the rules (when they do not touch what rules read, say so in model.yaml: `triggers: trusted`)",
        ),
        (
            with(Dialect::Postgres, "orders", |t| t.triggers = true),
            "2:3: `orders` has row triggers, which change rows behind the rules (when they do not touch what rules read, say so in model.yaml: `triggers: trusted`)",
        ),
        (
            with(Dialect::Postgres, "items", |t| t.columns[3].ty = dialects::ValueType::Float { bits: 64 }),
            "2:24: `items.amount` is a floating point column, which keeps no exact numbers (declare it decimal, with at most 15 digits on SQLite)",
        ),
        (
            with(Dialect::Postgres, "items", |t| {
                t.columns[3].ty = dialects::ValueType::Decimal { precision: Some(12), scale: Some(3) };
            }),
            "2:24: `orders.amount_total` keeps fewer digits after the point than what is summed up: each step would round (give the column as many digits after the point)",
        ),
        (
            with(Dialect::Postgres, "orders", |t| t.columns[2].ty = dialects::ValueType::Int(IntKind::I64)),
            "2:24: `orders.amount_total` keeps fewer digits after the point than what is summed up: each step would round (give the column as many digits after the point)",
        ),
        (
            with(Dialect::Sqlite, "items", |t| {
                t.columns[3].ty = dialects::ValueType::Decimal { precision: Some(16), scale: Some(2) };
            }),
            "2:24: `items.amount` can hold decimals that SQLite does not keep exactly (declare it DECIMAL with at most 15 digits, such as DECIMAL(12,2))",
        ),
        (with(Dialect::Sqlite, "items", |_| {}), "fine"),
        (
            with(Dialect::Postgres, "items", |t| t.columns[3].generated = Some("quantity * 2".into())),
            "2:24: `items.amount` is computed by the database: known only after the row is written (read the columns that it is computed from)",
        ),
        (
            with(Dialect::Mysql, "items", |t| {
                t.columns[3].default = ColumnDefault::Expression("`quantity` * 2".into());
            }),
            "2:24: the default of `items.amount` is computed from other columns, by the database (drop it, and say the same under `default`)",
        ),
        (
            with(Dialect::Mysql, "items", |t| {
                t.columns[4].default = ColumnDefault::Expression("(`quantity`)".into());
            }),
            "2:24: the default of `items.order_id` is computed from other columns, by the database (drop it, and say the same under `default`)",
        ),
        (
            with(Dialect::Mysql, "items", |t| {
                t.columns[3].default = ColumnDefault::Expression("length('`')".into());
            }),
            "fine",
        ),
        (
            with(Dialect::Mysql, "items", |t| t.columns[3].renewed = true),
            "2:24: `items.amount` is set by the database whenever its row changes: known only after that (drop its `on update current_timestamp`, and stamp it: `now()`)",
        ),
        (
            with(Dialect::Mysql, "orders", |t| t.columns[2].renewed = true),
            "2:3: `orders.amount_total` is set by the database, too, whenever its row changes (drop its `on update current_timestamp`, and stamp it: `now()`)",
        ),
        (
            with(Dialect::Postgres, "orders", |t| t.columns[2].default = ColumnDefault::GeneratedAlways),
            "2:3: `orders.amount_total` is computed by the database: no rule can set it",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn aggregates_need_a_foreign_key_that_the_database_enforces() {
    let mut tables = shop_tables();
    for sketch in &mut tables {
        sketch.parents.iter_mut().for_each(|parent| parent.3 = false);
    }
    let loose = schema(Dialect::Mysql, tables);
    assert_eq!(
        derive(&loose, "orders.amount_total: sum(items.amount)"),
        "2:28: the relationship `items` is not enforced by the database: children could name a parent that is not there (add the foreign key)"
    );
}

#[test]
fn a_view_is_not_derived_and_names_need_not_be_plain_words() {
    let odd = schema(
        Dialect::Postgres,
        vec![
            Sketch::new("Order Details").column("Unit Price", MONEY).column("Total", MONEY),
            Sketch::new("sales").column("total", MONEY).column("word", TEXT).with(|t| t.view = true),
        ],
    );
    assert_eq!(derive(&odd, "'\"Order Details\".\"Total\"': '\"Unit Price\" * 2'"), "fine");
    assert_eq!(
        derive(&odd, "Order Details.Total: 1"),
        "2:9: `Details` is not expected here (names that are not plain words stand in double quotes: '\"Order Details\".\"UnitPrice\"')"
    );
    let rules =
        compiled(&odd, "constrain:\n  Order Details:\n    - {check: Total > 0, message: too little}\n");
    assert_eq!(rules.unwrap().constraints.len(), 1);
    assert!(derive(&odd, "sales.total: 1").contains("`sales` is a view: rules speak of tables"));
}

#[test]
fn files_may_come_from_any_editor() {
    let shop = fixture::shop();
    for text in [
        "derive:\r\n  items.amount: quantity\r\n  orders.amount_total: sum(items.amount)\r\n",
        "\u{feff}derive:\n  items.amount: quantity\n",
        "---\n# a comment\nderive:\n  items.amount: quantity # another\n...\n",
        "derive:\nconstrain:\n",
    ] {
        assert!(compiled(&shop, text).is_ok(), "{text:?}: {:?}", compiled(&shop, text));
    }
    let crlf = "derive:\r\n  items.amount: quantity\r\n  orders.amount_total: sum(items.amont)\r\n";
    assert!(compiled(&shop, crlf).unwrap_err().starts_with("a.yaml:3:34: items has no column `amont`"));
    let documents = compiled(&shop, "derive: {}\n---\nderive: {}\n");
    assert!(documents.is_err_and(|problems| problems.starts_with("a.yaml:")));
}

#[test]
fn problems_inside_folded_and_quoted_texts_find_their_place() {
    let shop = fixture::shop();
    for (text, expected) in [
        ("derive:\n  items.amount: |\n    quantity\n    * unit_prise\n", "a.yaml:4:7"),
        ("derive:\n  items.amount: 'quantity * unit_prise'\n", "a.yaml:2:29"),
        ("derive:\n  items.amount: \"quantity\\t* unit_prise\"\n", "a.yaml:2:30"),
        ("derive:\n  items.amount: quantity\n    * unit_prise\n", "a.yaml:3:7"),
        ("derive: {items.amount: quantity * unit_prise}\n", "a.yaml:1:35"),
    ] {
        let problems = compiled(&shop, text).unwrap_err();
        assert!(problems.starts_with(&format!("{expected}: items has no column")), "{text}: {problems}");
    }
}

proptest::proptest! {
    #[test]
    fn no_file_makes_it_panic(cut in 0usize..600, length in 0usize..40, extra in "[a-z{}\\[\\]'\":|>&*!#\\- \n]{0,12}") {
        let mut text = fixture::SHOP_RULES.to_owned();
        let cut = cut.min(text.len());
        text.replace_range(cut..(cut + length).min(text.len()), &extra);
        let files = [("a.yaml".to_owned(), text)];
        if let Err(problems) = compile(&fixture::shop(), &files) {
            render(&problems, &files, false);
        }
    }
}

/// Spendings that name a month by year and number, and a period by its code.
fn months(change: impl FnOnce(&mut introspect::Table)) -> Schema {
    let given = |table: &mut introspect::Table| {
        table.columns[0].default = ColumnDefault::None;
        table.columns[0].nullable = false;
    };
    schema(
        Dialect::Postgres,
        vec![
            Sketch::new("months")
                .column("total", MONEY)
                .column("budget", MONEY)
                .column("number", INT)
                .with(given)
                .with(change),
            Sketch::new("spendings").column("amount", MONEY).parent("month_id", "months", Action::NoAction),
        ],
    )
}

#[test]
fn parents_come_where_their_foreign_key_tells_all_they_need() {
    let sum = "months.total: {as: sum(spendings.amount), insert_parent: true}";
    let required =
        |column: usize| move |table: &mut introspect::Table| table.columns[column].nullable = false;
    let fine = |schema: &Schema, text: &str| match compiled(schema, text) {
        Ok(rules) => {
            let spendings = schema.find("spendings").unwrap();
            let month = schema[spendings].relationship("month").unwrap();
            format!("fine: {}", rules.created_by(spendings, month))
        }
        Err(problems) => problems,
    };
    let lines = format!("derive:\n  {sum}\n");
    let with_default = format!("{lines}default:\n  months.budget: 100\n");
    for (schema, text, expected) in [
        (months(|_| {}), &*lines, "fine: true"),
        (
            months(|_| {}),
            "derive:\n  months.total: {as: sum(spendings.amount), insert_parent: false}\n",
            "fine: false",
        ),
        (months(|_| {}), "derive:\n  months.total: sum(spendings.amount)\n", "fine: false"),
        (months(required(1)), &lines, "fine: true"),
        (months(required(2)), &with_default, "fine: true"),
        (
            months(required(2)),
            &lines,
            "a.yaml:2:45: `months.budget` is required, and no foreign key tells it \
             (declare what it begins with, under `default`: `months.budget: …`)",
        ),
        (
            months(|table| table.columns[0].default = ColumnDefault::Generated),
            &lines,
            "a.yaml:2:45: `months.id` is numbered by the database: a foreign key cannot choose it \
             (let the foreign key refer to columns that clients give)",
        ),
        (
            months(|table| {
                table.columns[3].default = ColumnDefault::Generated;
                table.columns[3].nullable = false;
            }),
            &lines,
            "fine: true",
        ),
        (
            months(|_| {}),
            "derive:\n  months.total: {as: budget * 2, insert_parent: true}\n",
            "a.yaml:2:34: only an aggregate can insert parents \
             (rows come for their children: it belongs to sum, count, min, max or exists)",
        ),
        (
            months(|_| {}),
            "default:\n  months.total: {as: \"0\", insert_parent: true}\n",
            "a.yaml:2:27: only an aggregate can insert parents \
             (rows come for their children: it belongs to sum, count, min, max or exists)",
        ),
        (
            months(|_| {}),
            "derive:\n  months.total: {as: sum(spendings.amount), insert_parent: please}\n",
            "a.yaml:2:60: true or false is needed",
        ),
    ] {
        assert_eq!(fine(&schema, text), expected, "{text}");
    }
}

#[test]
fn a_form_is_its_bare_word_and_whole_names() {
    let shop = fixture::shop();
    let said = |expression: &str| derive(&shop, &format!("customers.balance: {expression}"));
    assert!(
        said("'\"sum\"(orders.amount_total)'").contains("there is no function"),
        "{}",
        said("'\"sum\"(orders.amount_total)'")
    );
    assert!(said("sum(orders.)").contains("relationship"), "{}", said("sum(orders.)"));
    assert!(said("sum(orders.amount_total.)") != "fine");
}

#[test]
fn virtual_attributes_have_their_places_after_the_columns() {
    let shop = fixture::shop();
    let rules = fixture::rules(
        &shop,
        "derive:
  items.gross: {as: quantity * unit_price * 1.19, virtual: true}
  orders.due: {as: date_shipped + interval '1 month', virtual: true}
  items.age: {as: extract(year from today), virtual: true}
",
    );
    let whole = rules.with_virtuals(shop.clone());
    let items = whole.find("items").unwrap();
    let names: Vec<&str> =
        whole[items].columns().filter(|(_, c)| c.is_virtual).map(|(_, c)| c.name.as_str()).collect();
    assert_eq!(names, ["gross", "age"]);
    assert_eq!(whole[items].stored().count(), shop[items].columns.len());
    for added in &rules.virtuals {
        assert_eq!(whole[added.table][added.column].name, added.shown.name);
    }
    let gross = ValueType::Decimal { precision: None, scale: Some(4) };
    assert_eq!(whole[items][whole[items].column("gross").unwrap()].ty, gross);
    assert!(rules.derivations.is_empty());
}

#[test]
fn wrong_virtual_attributes_are_refused_with_their_place() {
    let shop = fixture::shop();
    for (line, expected) in [
        (
            "items.gross: quantity * 2",
            "2:9: items has no column `gross` (write {as: …, virtual: true} to have it computed when it is read)",
        ),
        (
            "items.order: {as: quantity, virtual: true}",
            "2:3: `order` of items is taken (relationships, `id` and `type` have their names already)",
        ),
        (
            "items.share: {as: quantity / unit_price, virtual: true}",
            "2:21: a division by what can be zero (write x / nullif(y, 0), which is null where y is zero: one such row would make every list fail)",
        ),
        ("items.share: {as: 'quantity / nullif(unit_price, 0)', virtual: true}", "fine"),
        ("items.half: {as: quantity / 2, virtual: true}", "fine"),
        (
            "orders.total: {as: sum(items.amount), virtual: true}",
            "2:22: a virtual attribute is an expression over the row and rows above it (derive it into a column, and read that here)",
        ),
        (
            "items.was: {as: old.quantity, virtual: true}",
            "2:19: `old.` is not allowed in a virtual attribute",
        ),
        (
            "items.none: {as: 'null', virtual: true}",
            "2:20: a virtual attribute cannot be null (it can be a number, a text, a date, a time, a timestamp or a truth value)",
        ),
        (
            "items.long: {as: quantity / 3 * (quantity / 7), virtual: true}",
            "2:20: a number with more than 30 digits after the point (round its parts: round(x, 2))",
        ),
        ("items.who: {as: \"coalesce(actor.id, order.customer.name)\", virtual: true}", "fine"),
    ] {
        assert_eq!(derive(&shop, line), expected, "{line}");
    }
}

#[test]
fn what_newcomers_write_is_answered_with_what_to_write() {
    let schema = fixture::shop();
    for (rule, answer) in [
        ("derive: {orders.amount_total: avg(items.amount)}", "derive a sum and a count, and divide"),
        ("derive: {customers.balance: count(*)}", "name the rows: count(children)"),
        ("derive: {customers.balance: sum(order.amount_total)}", "did you mean `orders`?"),
        ("derive: {customers.balance: sum(parcels.weight)}", "there are: orders"),
        (
            "derive: {customers.balance: sum(orders.amount_total) where id > 1}",
            "`where` stands inside the brackets",
        ),
        ("derive: {customers.balance: select sum(x) from orders}", "there are no subqueries"),
        ("derive: {items.amount: 'if(quantity > 1, 2, 3)'}", "write case when … then … else … end"),
        ("derive: {items.amount: 'ifnull(quantity, 3)'}", "write coalesce(x, otherwise)"),
        ("derive: {orders: {amount_total: sum(items.amount)}}", "write `orders.amount_total: …`"),
        ("default: {orders.notes: soon}", "for the text, write \"'soon'\""),
        ("default: {orders.notes: 'as soon as possible'}", "YAML takes the outer quotes away"),
        ("default: {orders.date_shipped: '2024-05-01'}", "YAML takes the outer quotes away"),
        ("default: {orders.date_shipped: \"'2024-13-01'\"}", "write dates as '2024-05-01'"),
        (
            "default: {items.quantity: 1.5}",
            "this constant does not fit: `items.quantity` must be a whole number",
        ),
        ("constrain: {items: [{check: quantity > 0}]}", "write `message: …`"),
        ("constrain: {items: [{check: quantity > 0, message: '{}'}]}", "write {column}"),
        (
            "constrain: {items: [{check: quantity > 0, message: x, when: order.date_shipped > today()}]}",
            "write today",
        ),
        ("constrain: {items: [{check: 'quantity = \"x\"', message: x}]}", "texts stand in single quotes"),
        ("constrain: {orders: [{check: date_shipped > today + 1 day, message: x}]}", "interval '3 days'"),
        (
            "constrain: {orders: [{check: date_shipped is not empty, message: x}]}",
            "write is null, is not null",
        ),
    ] {
        let files = [("a.yaml".to_owned(), rule.to_owned())];
        let told = match compile(&schema, &files) {
            Ok(_) => "fine".to_owned(),
            Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        };
        assert!(told.contains(answer), "{rule}\n  {told}");
    }
}
