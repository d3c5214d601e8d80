//! Requests of somebody who may not read every row, and the statements that they become, in the words of each database.

use std::collections::BTreeMap;

use introspect::Schema;
use rules::expr::resolve::{Context, expression};
use rules::policy::{Actor, Authority, Claim, Grant, Grants, TableAuthority};

use super::*;

/// What may be read of each table: nothing named, nothing; `*`, all.
fn authority(schema: &Schema, read: &[(&str, &str)]) -> Authority {
    Authority::new(readable(schema, read))
}

fn readable(schema: &Schema, read: &[(&str, &str)]) -> Vec<TableAuthority> {
    let tables = schema.iter().map(|(id, table)| {
        let rule = read.iter().find(|(name, _)| *name == table.name).map(|(_, rule)| *rule);
        let rows = |rule: &str| match rule {
            "*" => None,
            rule => Some(expression(schema, id, rule, Context::Virtual).unwrap().0),
        };
        let any = rule.into_iter().map(|rule| Grant { rows: rows(rule), ..Grant::default() }).collect();
        TableAuthority { read: Grants { any, filters: Vec::new() }, ..TableAuthority::default() }
    });
    tables.collect()
}

fn actor() -> Arc<Actor> {
    let claims = [("region", Value::text("north")), ("customer", Value::Int(7))];
    let claims = claims.into_iter().map(|(name, value)| (name.to_owned(), Claim::Value(value)));
    Arc::new(Actor { claims: claims.collect::<BTreeMap<_, _>>(), ..Actor::anonymous() })
}

const OWN: &[(&str, &str)] = &[
    ("customer", "region_name = actor.claim('region')"),
    ("invoice", "customer.region_name = actor.claim('region')"),
    ("tag", "word <> 'secret'"),
    ("invoice_tag", "*"),
    ("region", "*"),
];

async fn statements(url: &str, dialect: Dialect, read: &[(&str, &str)], actor: &Arc<Actor>) -> Vec<String> {
    let mut snapshot = snapshot().await;
    snapshot.schema.dialect = dialect;
    let columns = snapshot.schema.tables.iter_mut().flat_map(|table| &mut table.columns);
    columns.for_each(|column| column.sql_type.text = column.sql_type.text.to_lowercase());
    let snapshot = snapshot.seen_with(authority(&snapshot.schema, read));
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let endpoint = route::endpoint("/api", path).unwrap();
    let plan = build(&snapshot, &endpoint, &query::parse(query).unwrap()).unwrap();
    let plan = restrict::read(&snapshot, plan, Who::new(&snapshot, actor)).unwrap();
    let Primary { rows, rest, origin, total } = primary(&snapshot, &plan).unwrap();
    let selects = [Some(rows.select), rest, origin].into_iter().flatten().map(Query::Select);
    let mut queries: Vec<Query> = selects.chain(total).collect();
    for include in plan.plan().includes.iter().enumerate() {
        let keys = vec![vec![Value::Int(1)], vec![Value::Int(2)]];
        queries.push(Query::Select(super::super::include(&snapshot, &plan, include, keys, 10).select));
    }
    let text = |query: Query| render::render(dialect, &query).remove(0).text.replace(['"', '`'], "");
    queries.into_iter().map(text).collect()
}

async fn check(url: &str, dialect: Dialect, read: &[(&str, &str)], expect: &[&str]) {
    assert_eq!(statements(url, dialect, read, &actor()).await, expect, "{url}");
}

#[tokio::test]
async fn the_first_table_is_restricted_in_the_form_that_an_index_serves() {
    check(
        "/api/customer?fields[customer]=name",
        Dialect::Postgres,
        OWN,
        &["select t0.id, t0.name from customer as t0 where (t0.region_name = $1::text) order by t0.id \
             limit 21"],
    )
    .await;
    check(
        "/api/customer?fields[customer]=name",
        Dialect::Mysql,
        OWN,
        &["select t0.id, t0.name from customer as t0 where ((t0.region_name = ?) and \
             cast(convert(t0.region_name using utf8mb4) as binary) = cast(convert(? using utf8mb4) as \
             binary)) order by t0.id limit 21"],
    )
    .await;
    check(
        "/api/customer?fields[customer]=name",
        Dialect::Sqlite,
        OWN,
        &["select t0.id, t0.name from customer as t0 where ((t0.region_name = ?) and (t0.region_name \
             collate binary) = (? collate binary)) order by t0.id limit 21"],
    )
    .await;
    let read = &[("customer", "id = actor.claim('customer') or actor.id = 'root'")];
    check(
        "/api/customer/7?fields[customer]=name",
        Dialect::Postgres,
        read,
        &["select t0.id, t0.name from customer as t0 where (((t0.id = $1::int8) or (($2::text = \
             $3::text) and (($4::text)::text collate C) = (($5::text)::text collate C))) and (t0.id = \
             $6::integer))"],
    )
    .await;
    check(
        "/api/customer/7?fields[customer]=name",
        Dialect::Sqlite,
        read,
        &["select t0.id, t0.name from customer as t0 where (((t0.id = ?) or ((? = ?) and (? collate \
             binary) = (? collate binary))) and (t0.id = ?))"],
    )
    .await;
}

#[tokio::test]
async fn a_policy_that_follows_paths_joins_apart_from_the_client() {
    check(
        "/api/invoice?fields[invoice]=total&filter[customer.name]=Ada&page[total]=estimate",
        Dialect::Postgres,
        OWN,
        &[
            "select t0.id, t0.total from invoice as t0 left join customer as t1 on (t0.customer_id = \
             t1.id) left join customer as t2 on ((t0.customer_id = t2.id) and (t2.region_name = \
             $1::text)) where ((t1.region_name = $2::text) and (t2.name = $3::text)) order by t0.id limit \
             21",
            "select count(*) from invoice as t0 left join customer as t1 on (t0.customer_id = t1.id) \
             left join customer as t2 on ((t0.customer_id = t2.id) and (t2.region_name = $1::text)) where \
             ((t1.region_name = $2::text) and (t2.name = $3::text))",
        ],
    )
    .await;
    let read = &[("customer", "*"), ("invoice", "customer.region_name = actor.claim('region')")];
    check(
        "/api/invoice?fields[invoice]=total&filter[customer.name]=Ada",
        Dialect::Postgres,
        read,
        &["select t0.id, t0.total from invoice as t0 left join customer as t1 on (t0.customer_id = \
             t1.id) where ((t1.region_name = $1::text) and (t1.name = $2::text)) order by t0.id limit 21"],
    )
    .await;
}

#[tokio::test]
async fn a_joined_row_that_is_hidden_is_as_if_there_were_none() {
    let read =
        &[("customer", "region_name = actor.claim('region')"), ("invoice", "*"), ("region", "code <> 'x'")];
    check(
        "/api/invoice?fields[invoice]=total&sort=customer.name",
        Dialect::Postgres,
        read,
        &["select t0.id, t0.total from invoice as t0 left join customer as t1 on ((t0.customer_id = \
             t1.id) and (t1.region_name = $1::text)) order by t1.name, t0.id limit 21"],
    )
    .await;
    check(
        "/api/invoice?fields[invoice]=total&sort=customer.name",
        Dialect::Mysql,
        read,
        &["select t0.id, t0.total from invoice as t0 left join customer as t1 on ((t0.customer_id = \
             t1.id) and ((t1.region_name = ?) and cast(convert(t1.region_name using utf8mb4) as binary) = \
             cast(convert(? using utf8mb4) as binary))) order by t1.name is null, t1.name, t0.id limit \
             21"],
    )
    .await;
    check(
        "/api/invoice?fields[invoice]=total&sort=customer.name",
        Dialect::Sqlite,
        read,
        &["select t0.id, t0.total from invoice as t0 left join customer as t1 on ((t0.customer_id = \
             t1.id) and ((t1.region_name = ?) and (t1.region_name collate binary) = (? collate binary))) \
             order by t1.name nulls last, t0.id limit 21"],
    )
    .await;
    check(
        "/api/customer?fields[customer]=region",
        Dialect::Postgres,
        read,
        &["select t0.id, t0.region_name, t1.code from customer as t0 left join region as t1 on \
             ((t0.region_name = t1.name) and (((t1.code)::text collate C) <> (($1::text)::text collate \
             C))) where (t0.region_name = $2::text) order by t0.id limit 21"],
    )
    .await;
}

#[tokio::test]
async fn a_policy_with_paths_on_a_joined_row_asks_for_the_row_once_more() {
    let read = &[("customer", "region.code = actor.claim('region')"), ("invoice", "*"), ("region", "*")];
    check(
        "/api/invoice?fields[invoice]=total&filter[customer.name]=Ada",
        Dialect::Postgres,
        read,
        &["select t0.id, t0.total from invoice as t0 left join customer as t1 on ((t0.customer_id = \
             t1.id) and exists (select 1 from customer as t2 left join region as t3 on (t2.region_name = \
             t3.name) where ((t2.id = t1.id) and (t3.code = $1::text)))) where (t1.name = $2::text) order \
             by t0.id limit 21"],
    )
    .await;
}

#[tokio::test]
async fn related_rows_and_includes_are_restricted_each_by_their_own_table() {
    check(
        "/api/customer/7/invoice?fields[invoice]=tag&include=tag&fields[tag]=word",
        Dialect::Postgres,
        OWN,
        &[
            "select t0.id from invoice as t0 left join customer as t1 on (t0.customer_id = t1.id) where \
             ((t1.region_name = $1::text) and (t0.customer_id = $2::integer)) order by t0.id limit 21",
            "select 1 from customer as t0 where ((t0.region_name = $1::text) and (t0.id = $2::integer))",
            "select t0.id, t0.word, t1.invoice_id from tag as t0 join invoice_tag as t1 on (t1.tag_id = \
             t0.id) where ((((t0.word)::text collate C) <> (($1::text)::text collate C)) and \
             (t1.invoice_id = any($2::integer[]))) order by t0.id limit 10",
        ],
    )
    .await;
    check(
        "/api/customer/7/region?fields[region]=name",
        Dialect::Postgres,
        OWN,
        &[
            "select t0.code, t0.name from region as t0 join customer as t1 on ((t0.name = \
             t1.region_name) and (t1.region_name = $1::text)) where (t1.id = $2::integer)",
            "select 1 from customer as t0 where ((t0.region_name = $1::text) and (t0.id = $2::integer))",
        ],
    )
    .await;
    check(
        "/api/customer?fields[customer]=&filter[invoice.tag.word]=new",
        Dialect::Postgres,
        OWN,
        &["select t0.id from customer as t0 where ((t0.region_name = $1::text) and exists (select 1 \
             from invoice as t1 left join customer as t2 on (t1.customer_id = t2.id) where \
             ((t2.region_name = $2::text) and (t1.customer_id = t0.id) and exists (select 1 from tag as \
             t3 join invoice_tag as t4 on (t4.tag_id = t3.id) where ((((t3.word)::text collate C) <> \
             (($3::text)::text collate C)) and (t4.invoice_id = t1.id) and (t3.word = $4::text)))))) \
             order by t0.id limit 21"],
    )
    .await;
}

#[tokio::test]
async fn a_join_table_needs_no_grant_but_what_limits_it_holds() {
    let read = &[("invoice", "*"), ("tag", "*")];
    check(
        "/api/invoice/7/tag?fields[tag]=word",
        Dialect::Postgres,
        read,
        &[
            "select t0.id, t0.word from tag as t0 join invoice_tag as t1 on (t1.tag_id = t0.id) where \
             (t1.invoice_id = $1::integer) order by t0.id limit 21",
            "select 1 from invoice as t0 where (t0.id = $1::integer)",
        ],
    )
    .await;
    let read = &[("invoice", "*"), ("tag", "*"), ("invoice_tag", "tag_id < 5")];
    check(
        "/api/invoice/7/tag?fields[tag]=word",
        Dialect::Postgres,
        read,
        &[
            "select t0.id, t0.word from tag as t0 join invoice_tag as t1 on ((t1.tag_id = t0.id) and \
             (t1.tag_id < $1::int8)) where (t1.invoice_id = $2::integer) order by t0.id limit 21",
            "select 1 from invoice as t0 where (t0.id = $1::integer)",
        ],
    )
    .await;
}

#[tokio::test]
async fn what_can_fail_is_asked_of_visible_rows_alone() {
    let read = &[("customer", "region_name = actor.claim('region')"), ("invoice", "id > 5")];
    check(
        "/api/invoice?fields[invoice]=&filter[where]=1 / total > 2 and id < 9",
        Dialect::Postgres,
        read,
        &["select t0.id from invoice as t0 where ((t0.id > $1::int8) and (t0.id < $2::int8) and case \
             ((t0.id > $3::int8) and (t0.id < $4::int8)) when false then false else ((case when (t0.id > \
             $5::int8) then (round(div((($6::int8)::numeric)::numeric * 1e21, (t0.total)::numeric) * \
             1e-21, 20) > $7::int8) else false end)) end) order by t0.id limit 21"],
    )
    .await;
    let read = &[("customer", "region_name = actor.claim('region')"), ("invoice", "*")];
    check(
        "/api/invoice?fields[invoice]=&filter[where]=1 / customer.id > 2",
        Dialect::Postgres,
        read,
        &["select t0.id from invoice as t0 left join customer as t1 on ((t0.customer_id = t1.id) and \
             (t1.region_name = $1::text)) where (case when ((t1.id is null) or (t1.region_name = \
             $2::text)) then (round(div((($3::int8)::numeric)::numeric * 1e21, \
             ((t1.id)::numeric)::numeric) * 1e-21, 20) > $4::int8) else false end) order by t0.id limit \
             21"],
    )
    .await;
}

#[tokio::test]
async fn the_text_does_not_depend_on_the_claims() {
    for dialect in [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite] {
        let read = &[("customer", "region_name = actor.claim('region') or id = actor.claim('customer')")];
        let known = statements("/api/customer", dialect, read, &actor()).await;
        let nobody = statements("/api/customer", dialect, read, &Arc::default()).await;
        assert_eq!(known, nobody);
        assert!(!known[0].contains("north"), "{known:?}");
    }
}

#[tokio::test]
async fn nothing_is_read_of_a_type_that_may_only_be_written() {
    let snapshot = snapshot().await;
    let mut tables = readable(&snapshot.schema, &[("customer", "*")]);
    let invoice = snapshot.schema.find("invoice").unwrap();
    let any = vec![Grant::default()];
    let written = TableAuthority { create: Grants { any, ..Grants::default() }, ..TableAuthority::nothing() };
    tables[invoice.0 as usize] = written;
    let snapshot = snapshot.seen_with(Authority::new(tables));
    let plan =
        build(&snapshot, &route::endpoint("/api", "/api/invoice").unwrap(), &query::parse("").unwrap());
    let refused = restrict::read(&snapshot, plan.unwrap(), Who::new(&snapshot, &actor())).unwrap_err();
    assert_eq!((refused.status(), refused.iter().next().unwrap().code), (403, crate::ErrorCode::Forbidden));
    assert_eq!(refused.iter().next().unwrap().detail, "Reading invoice is not granted to you.");
}

#[tokio::test]
async fn any_grant_does_where_every_filter_holds() {
    let snapshot = snapshot().await;
    let mut tables = readable(&snapshot.schema, &[("region", "code = 'a'")]);
    let region = snapshot.schema.find("region").unwrap();
    let rule = |text: &str| expression(&snapshot.schema, region, text, Context::Virtual).unwrap().0;
    let reads = &mut tables[region.0 as usize].read;
    reads.any.push(Grant { rows: Some(rule("name = 'b'")), ..Grant::default() });
    reads.filters = vec![rule("code > 'c'"), rule("name < 'd'")];
    let seen = snapshot.seen_with(Authority::new(tables));
    let endpoint = route::endpoint("/api", "/api/region").unwrap();
    let plan = build(&seen, &endpoint, &query::parse("fields[region]=").unwrap()).unwrap();
    let plan = restrict::read(&seen, plan, Who::new(&seen, &actor())).unwrap();
    let text = text(primary(&seen, &plan).unwrap().rows.select);
    let condition = text.split_once(" where ").unwrap().1.split_once(" order by ").unwrap().0;
    let shape: String =
        condition.split(' ').filter(|word| ["and", "or", "<", ">", "="].contains(word)).collect();
    assert_eq!(shape, ">and<and=and=or=and=", "{text}");
}
