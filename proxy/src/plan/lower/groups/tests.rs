//! Requests and the statement that they become.

use std::sync::Arc;

use dialects::sql::Query;
use dialects::{Options, Pool, render};

use super::*;
use crate::jsonapi::query;
use crate::plan::aggregate::build;
use crate::plan::restrict::{self, Who};
use crate::route;
use crate::state::{ApiSettings, Limits};

const TABLES: &str = "
create table customer (id integer primary key, name varchar(40) not null);
create table invoice (id integer primary key, customer_id integer references customer(id), total decimal(12,2), days integer not null);
create table item (id integer primary key, invoice_id integer not null references invoice(id), quantity integer);
";

const RULES: &str = "derive: {invoice.later: {as: 'days + 7', virtual: true}}";

async fn check(url: &str, dialect: Dialect, expect: &[&str]) {
    let pool = Pool::open("sqlite::memory:", Options::default()).unwrap();
    pool.execute_script(TABLES).await.unwrap();
    let schema = introspect::introspect(&pool, None).await.unwrap();
    let rules = rules::compile::compile(&schema, &[("rules/a.yaml".into(), RULES.into())]).unwrap();
    let snapshot = Snapshot::new(schema, rules, ApiSettings::default(), Limits::default());
    let (path, query) = url.split_once('?').unwrap();
    let (endpoint, request) = (route::endpoint("/api", path).unwrap(), query::parse(query).unwrap());
    let plan = build(&snapshot, &endpoint, request.aggregate_of.as_ref().unwrap(), &request).unwrap();
    let Lowered { select, origin } = lower(
        &snapshot,
        &restrict::aggregate(&snapshot, plan, Who::new(&snapshot, &Arc::default())).unwrap(),
    )
    .unwrap();
    let texts = [Some(select), origin].into_iter().flatten().map(|select| {
        let statement = render::render(dialect, &Query::Select(select)).remove(0);
        statement.text.replace(['"', '`'], "")
    });
    assert_eq!(texts.collect::<Vec<_>>(), expect, "{url}");
}

#[tokio::test]
async fn all_rows_are_counted_without_reading_any_of_them() {
    let expect = "select count(*) from invoice as t0";
    check("/api/invoice?aggregateOf=count(*)", Dialect::Postgres, &[expect]).await;
}

#[tokio::test]
async fn what_is_named_twice_is_read_once_and_joined_once() {
    check(
        "/api/invoice?aggregateOf=avg(total),sum(total)&groupBy=customer.name&filter[customer.name]=Ada&filter[item.quantity][gt]=1",
        Dialect::Postgres,
        &["select min(((t3.c0)::text collate C)), sum(t3.c1), count(t3.c1), sum(t3.c1) from (select t1.name as c0, t0.total as c1 \
           from invoice as t0 left join customer as t1 on (t0.customer_id = t1.id) where ((t1.name = $1::varchar) \
           and exists (select 1 from item as t2 where ((t2.invoice_id = t0.id) and (t2.quantity > $2::INTEGER))))) as t3 \
           group by t3.c0 order by t3.c0 limit 21"],
    )
    .await;
}

#[tokio::test]
async fn what_is_computed_with_parameters_stands_in_one_place() {
    check(
        "/api/invoice?aggregateOf=max(later),min(total)&groupBy=later&sort=-later",
        Dialect::Postgres,
        &["select t1.c0, max(t1.c0), min(t1.c1) from (select (((t0.days)::numeric + ($1::int8)::numeric))::numeric::int8 as c0, \
           t0.total as c1 from invoice as t0) as t1 group by t1.c0 order by (t1.c0)::numeric desc limit 21"],
    )
    .await;
}

#[tokio::test]
async fn related_rows_are_found_by_their_own_column() {
    check(
        "/api/customer/7/invoice?aggregateOf=max(total)",
        Dialect::Sqlite,
        &[
            "select rulegate_max(t0.total) from invoice as t0 where (t0.customer_id = ?)",
            "select 1 from customer as t0 where (t0.id = ?)",
        ],
    )
    .await;
}
