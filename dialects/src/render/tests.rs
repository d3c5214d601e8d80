//! One query, its text in each dialect.

use super::{Param, render};
use crate::sql::{
    Advisory, Alias, BinaryOp, Delete, Expr, Function, Insert, Item, Join, JoinKind, Lock, Order, Query,
    Select, Source, SqlType, TableName, TypedColumn, Update,
};
use crate::{Dialect, IntKind, Value, ValueType};

const INT: ValueType = ValueType::Int(IntKind::I32);
const DIALECTS: [Dialect; 3] = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite];

/// The texts of all statements, one a line.
fn check(query: Query, expect: [&str; 3]) {
    for (dialect, expect) in DIALECTS.into_iter().zip(expect) {
        let statements = render(dialect, &query);
        let texts: Vec<_> = statements.iter().map(|statement| statement.text.as_str()).collect();
        assert_eq!(texts.join("\n"), expect, "{dialect}");
    }
}

fn check_filter(filter: Expr, expect: [&str; 3]) {
    let expect = [
        format!("select 1 from \"t\" as t0 where {}", expect[0]),
        format!("select 1 from `t` as t0 where {}", expect[1]),
        format!("select 1 from \"t\" as t0 where {}", expect[2]),
    ];
    let select =
        Select { from: Some((table("t").into(), Alias(0))), filter: Some(filter), ..Select::default() };
    check(Query::Select(select), [&expect[0], &expect[1], &expect[2]]);
}

fn table(name: &str) -> TableName {
    TableName { schema: None, name: name.into() }
}

fn typed(name: &str, ty: &str) -> TypedColumn {
    TypedColumn { name: name.into(), ty: SqlType { text: ty.into(), array: ty.ends_with("[]") } }
}

fn column(alias: u16, name: &str) -> Expr {
    Expr::column(Alias(alias), name)
}

fn int(value: i64) -> Expr {
    Expr::Param(Value::Int(value), Some(SqlType::scalar("integer")))
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

#[test]
fn a_select_has_all_its_clauses() {
    let select = Select {
        items: vec![
            Item { expr: column(0, "id"), ty: INT },
            Item { expr: column(1, "odd\"`"), ty: ValueType::Other },
        ],
        from: Some((TableName { schema: Some("s".into()), name: "t".into() }.into(), Alias(0))),
        joins: vec![Join {
            kind: JoinKind::Left,
            table: table("u"),
            alias: Alias(1),
            on: Expr::eq(column(0, "u"), column(1, "id")),
        }],
        filter: Some(Expr::eq(column(0, "id"), int(7))),
        order: vec![
            Order { expr: column(0, "a"), descending: true, nullable: true },
            Order { expr: column(0, "b"), descending: false, nullable: true },
            Order { expr: column(0, "id"), descending: false, nullable: false },
        ],
        limit: Some(20),
        offset: Some(40),
        lock: Some(Lock::NoKeyUpdate),
        ..Select::default()
    };
    check(
        Query::Select(select),
        [
            "select t0.\"id\", (t1.\"odd\"\"`\")::text from \"s\".\"t\" as t0 left join \"u\" as t1 on (t0.\"u\" = t1.\"id\") \
         where (t0.\"id\" = $1::integer) order by t0.\"a\" desc, t0.\"b\", t0.\"id\" limit 20 offset $2 \
         for no key update of t0",
            "select t0.`id`, st_astext(t1.`odd\"```) from `s`.`t` as t0 left join `u` as t1 on (t0.`u` = t1.`id`) \
         where (t0.`id` = ?) order by t0.`a` is null desc, t0.`a` desc, t0.`b` is null, t0.`b`, t0.`id` \
         limit 20 offset ? for update",
            "select t0.\"id\", cast(t1.\"odd\"\"`\" as text) from \"s\".\"t\" as t0 left join \"u\" as t1 on (t0.\"u\" = t1.\"id\") \
         where (t0.\"id\" = ?) order by t0.\"a\" desc nulls first, t0.\"b\" nulls last, t0.\"id\" limit 20 offset ?",
        ],
    );
}

#[test]
fn aggregates_are_taken_over_what_another_select_reads() {
    let text = ValueType::Text { length: None };
    let inner = Select {
        items: vec![
            Item { expr: column(0, "word"), ty: ValueType::Enum },
            Item { expr: column(0, "a"), ty: INT },
        ],
        from: Some((table("t").into(), Alias(0))),
        filter: Some(Expr::eq(column(0, "id"), int(7))),
        ..Select::default()
    };
    let call = |function, argument| Item { expr: Expr::Call(function, vec![argument]), ty: text };
    let number = column(1, "c1");
    let money = ValueType::Decimal { precision: None, scale: None };
    let select = Select {
        items: vec![
            Item { expr: column(1, "c0"), ty: ValueType::Enum },
            call(Function::CountDistinct, number.clone()),
            call(Function::SumFloat, number.clone()),
            call(Function::Min, Expr::Kept(boxed(number), money)),
        ],
        from: Some((Source::Select(Box::new(inner)), Alias(1))),
        group_by: vec![column(1, "c0")],
        order: vec![Order { expr: column(1, "c0"), descending: false, nullable: true }],
        ..Select::default()
    };
    check(
        Query::Select(select),
        [
            "select (t1.\"c0\")::text, count(distinct t1.\"c1\"), sum((t1.\"c1\")::float8), min(t1.\"c1\") \
         from (select t0.\"word\" as c0, t0.\"a\" as c1 from \"t\" as t0 where (t0.\"id\" = $1::integer)) as t1 \
         group by t1.\"c0\" order by t1.\"c0\"",
            "select t1.`c0`, count(distinct t1.`c1`), sum(t1.`c1`), min(t1.`c1`) \
         from (select t0.`word` as c0, t0.`a` as c1 from `t` as t0 where (t0.`id` = ?)) as t1 \
         group by t1.`c0` order by t1.`c0` is null, t1.`c0`",
            "select t1.\"c0\", count(distinct t1.\"c1\"), sum(t1.\"c1\"), rulegate_min(t1.\"c1\") \
         from (select t0.\"word\" as c0, t0.\"a\" as c1 from \"t\" as t0 where (t0.\"id\" = ?)) as t1 \
         group by t1.\"c0\" order by t1.\"c0\" nulls last",
        ],
    );
}

#[test]
fn one_row_takes_the_simplest_text() {
    let key = vec![typed("id", "integer")];
    let set = vec![typed("name", "character varying(40)")];
    let returning = vec![Item { expr: column(0, "id"), ty: INT }];
    check(
        Query::Insert(Insert {
            table: table("t"),
            columns: set.clone(),
            rows: vec![vec![Value::text("a")]],
            returning: returning.clone(),
        }),
        [
            "insert into \"t\" as t0 (\"name\") values ($1::character varying) returning t0.\"id\"",
            "insert into `t` (`name`) values (?)",
            "insert into \"t\" as t0 (\"name\") values (?) returning \"id\"",
        ],
    );
    check(
        Query::Update(Update {
            table: table("t"),
            key: key.clone(),
            set,
            rows: vec![(vec![Value::Int(1)], vec![Value::text("a")])],
            guard: Some(Expr::IsNull(boxed(column(0, "owner")), true)),
            returning,
        }),
        [
            "update \"t\" as t0 set \"name\" = $1::character varying where t0.\"id\" = $2::integer \
             and (t0.\"owner\" is null) returning t0.\"id\"",
            "update `t` as t0 set `name` = ? where t0.`id` = ? and (t0.`owner` is null)",
            "update \"t\" as t0 set \"name\" = ? where t0.\"id\" = ? and (t0.\"owner\" is null) returning \"id\"",
        ],
    );
    check(
        Query::Delete(Delete {
            table: table("t"),
            key,
            rows: vec![vec![Value::Int(1)]],
            guard: None,
            returning: vec![],
        }),
        [
            "delete from \"t\" as t0 where t0.\"id\" = $1::integer",
            "delete t0 from `t` as t0 where t0.`id` = ?",
            "delete from \"t\" as t0 where t0.\"id\" = ?",
        ],
    );
}

#[test]
fn many_rows_are_one_statement_where_that_is_faster() {
    let key = vec![typed("id", "integer")];
    let set = vec![typed("price", "numeric(8,2)"), typed("tags", "text[]")];
    let new = || vec![Value::Int(5), Value::text("{a}")];
    check(
        Query::Update(Update {
            table: table("t"),
            key: key.clone(),
            set: set.clone(),
            rows: vec![(vec![Value::Int(1)], new()), (vec![Value::Int(2)], new())],
            guard: None,
            returning: vec![],
        }),
        [
            "update \"t\" as t0 set \"price\" = v.c1, \"tags\" = v.c2::text[] \
             from unnest($1::integer[], $2::numeric[], $3::text[]) as v(c0, c1, c2) where t0.\"id\" = v.c0",
            "update `t` as t0 set `price` = case when t0.`id` = ? then ? when t0.`id` = ? then ? end, \
             `tags` = case when t0.`id` = ? then ? when t0.`id` = ? then ? end where (t0.`id` in (?, ?))",
            "update \"t\" as t0 set \"price\" = ?, \"tags\" = ? where t0.\"id\" = ?\n\
             update \"t\" as t0 set \"price\" = ?, \"tags\" = ? where t0.\"id\" = ?",
        ],
    );
    check(
        Query::Insert(Insert {
            table: table("t"),
            columns: set,
            rows: vec![new(), new()],
            returning: vec![],
        }),
        [
            "insert into \"t\" as t0 (\"price\", \"tags\") select v.c0, v.c1::text[] \
             from unnest($1::numeric[], $2::text[]) as v(c0, c1)",
            "insert into `t` (`price`, `tags`) values (?, ?), (?, ?)",
            "insert into \"t\" as t0 (\"price\", \"tags\") values (?, ?), (?, ?)",
        ],
    );
    let rows = vec![vec![Value::Int(1)], vec![Value::Int(2)], vec![Value::Int(3)]];
    check(
        Query::Delete(Delete { table: table("t"), key, rows, guard: None, returning: vec![] }),
        [
            "delete from \"t\" as t0 where (t0.\"id\" = any($1::integer[]))",
            "delete t0 from `t` as t0 where (t0.`id` in (?, ?, ?, ?))",
            "delete from \"t\" as t0 where (t0.\"id\" in (?, ?, ?, ?))",
        ],
    );
}

#[test]
fn lists_fill_up_to_a_power_of_two_with_their_last_value() {
    let values = [1, 2, 3].map(Value::Int).to_vec();
    let filter = Expr::In(boxed(column(0, "a")), values, SqlType::scalar("integer"));
    let select =
        Select { from: Some((table("t").into(), Alias(0))), filter: Some(filter), ..Select::default() };
    let statements = render(Dialect::Mysql, &Query::Select(select));
    assert_eq!(statements[0].params, [1, 2, 3, 3].map(|n| Param::One(Value::Int(n))));
}

#[test]
fn expressions_are_spelled_by_each_dialect() {
    let types = vec![SqlType::scalar("integer"), SqlType::scalar("text")];
    check_filter(
        Expr::KeyIn(vec![column(0, "a"), column(0, "b")], types, vec![vec![Value::Int(1), Value::text("x")]]),
        [
            "((t0.\"a\", t0.\"b\") in (select * from unnest($1::integer[], $2::text[])))",
            "((t0.`a`, t0.`b`) in ((?, ?)))",
            "((t0.\"a\", t0.\"b\") in (values (?, ?)))",
        ],
    );
    let name = Expr::Param(Value::text("x"), Some(SqlType::scalar("text")));
    check_filter(
        Expr::eq(Expr::Exact(boxed(column(0, "a"))), name.clone()),
        [
            "((t0.\"a\" = $1::text) and ((t0.\"a\")::text collate \"C\") = (($2::text)::text collate \"C\"))",
            "((t0.`a` = ?) and cast(convert(t0.`a` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary))",
            "((t0.\"a\" = ?) and (t0.\"a\" collate binary) = (? collate binary))",
        ],
    );
    check_filter(
        Expr::Like { text: boxed(column(0, "a")), pattern: boxed(name), insensitive: true },
        [
            "((t0.\"a\") ilike ($1::text) escape '\\')",
            "(lower(convert(t0.`a` using utf8mb4)) collate utf8mb4_bin like lower(convert(? using utf8mb4)) escape '\\\\')",
            "rulegate_ilike(t0.\"a\", ?)",
        ],
    );
    check_filter(
        Expr::Distinct(
            boxed(column(0, "a")),
            boxed(Expr::binary(BinaryOp::Div, column(0, "b"), Expr::Number(2))),
            true,
        ),
        [
            "(t0.\"a\" is distinct from round(div((t0.\"b\")::numeric * 1e21, (2)::numeric) * 1e-21, 20))",
            "(not (t0.`a` <=> round(t0.`b` / 2, 20)))",
            "(t0.\"a\" is not rulegate_div(t0.\"b\", 2))",
        ],
    );
    check_filter(
        Expr::And(vec![
            Expr::binary(BinaryOp::Ne, column(0, "b"), Expr::Number(0)),
            Expr::binary(
                BinaryOp::Gt,
                Expr::Decimal(boxed(Expr::binary(BinaryOp::Rem, column(0, "a"), column(0, "b")))),
                Expr::Number(1),
            ),
        ]),
        [
            "((t0.\"b\" <> 0) and case (t0.\"b\" <> 0) when false then false else ((((t0.\"a\" % t0.\"b\"))::numeric > 1)) end)",
            "(case (t0.`b` <> 0) when 0 then 0 else ((t0.`b` <> 0) and \
             ((((t0.`a` % (t0.`b` + (9223372036854775807 + (t0.`b` = 0) - 9223372036854775807))) + 0) \
             + cast(0 as decimal(1,0))) > 1)) end)",
            "((t0.\"b\" <> 0) and case (t0.\"b\" <> 0) when 0 then 0 else ((rulegate_compare(rulegate_rem(t0.\"a\", t0.\"b\"), 1) > 0)) end)",
        ],
    );
    check_filter(
        Expr::Call(Function::Least, vec![column(0, "a"), column(0, "b")]),
        [
            "least(t0.\"a\", t0.\"b\")",
            "least(coalesce(t0.`a`, t0.`b`), coalesce(t0.`b`, t0.`a`))",
            "min(coalesce(t0.\"a\", t0.\"b\"), coalesce(t0.\"b\", t0.\"a\"))",
        ],
    );
    check_filter(
        Expr::And(vec![
            Expr::Bool(true),
            Expr::In(boxed(column(0, "a")), vec![], SqlType::scalar("integer")),
        ]),
        ["(true and false)", "(1 and 0)", "(1 and 0)"],
    );
}

#[test]
fn what_a_column_equals_stands_beside_nothing_that_can_fail_where_it_would_be_believed() {
    let rest = Expr::binary(BinaryOp::Rem, column(0, "a"), column(0, "b"));
    let rest = Expr::binary(BinaryOp::Gt, Expr::Decimal(boxed(rest)), Expr::Number(1));
    let equal = || Expr::Or(vec![Expr::eq(column(0, "c"), int(5))]);
    let sqlite = "(case (t0.\"c\" = ?) when 0 then 0 else ((t0.\"c\" = ?) and \
                  (rulegate_compare(rulegate_rem(t0.\"a\", t0.\"b\"), 1) > 0)) end)";
    check_filter(
        Expr::And(vec![equal(), rest]),
        [
            "((t0.\"c\" = $1::integer) and case (t0.\"c\" = $2::integer) when false then false \
             else ((((t0.\"a\" % t0.\"b\"))::numeric > 1)) end)",
            "(case (t0.`c` = ?) when 0 then 0 else ((t0.`c` = ?) and ((((t0.`a` % (t0.`b` + (9223372036854775807 + \
             (t0.`b` = 0) - 9223372036854775807))) + 0) + cast(0 as decimal(1,0))) > 1)) end)",
            sqlite,
        ],
    );
}

#[test]
fn advisory_locks_are_taken_in_order_on_postgres() {
    check(
        Query::Advisory(Advisory { locks: vec![(2, true), (1, false)] }),
        [
            "select case when v.x then pg_advisory_xact_lock(v.k)::text else pg_advisory_xact_lock_shared(v.k)::text end \
             from unnest($1::int8[], $2::bool[]) with ordinality as v(k, x, n) order by v.n",
            "",
            "",
        ],
    );
}

#[test]
fn more_rows_than_placeholders_are_several_statements() {
    let rows = (0..10_000).map(|n| vec![Value::Int(n)]).collect();
    let query = Query::Insert(Insert {
        table: table("t"),
        columns: vec![typed("a", "integer")],
        rows,
        returning: vec![],
    });
    let counts = DIALECTS.map(|dialect| render(dialect, &query).len());
    assert_eq!(counts, [1, 3, 3]);
}
