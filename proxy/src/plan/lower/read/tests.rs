//! Requests and the statements that they become, in PostgreSQL's spelling.

use std::sync::Arc;

use dialects::sql::Query;
use dialects::{Dialect, Options, Pool, render};

use super::*;
use crate::jsonapi::cursor::Cursor;
use crate::jsonapi::query;
use crate::plan::read::build;
use crate::plan::restrict::{self, Who};
use crate::route;
use crate::state::{ApiSettings, Limits, Snapshot};

const TABLES: &str = "
create table region (code text primary key, name text unique not null);
create table customer (id integer primary key, name text not null, region_name text references region(name));
create table invoice (id integer primary key, customer_id integer not null references customer(id), total decimal(12,2));
create table tag (id integer primary key, word text);
create table invoice_tag (invoice_id integer not null references invoice(id), tag_id integer not null references tag(id), primary key (invoice_id, tag_id));
";

async fn snapshot() -> Snapshot {
    let pool = Pool::open("sqlite::memory:", Options::default()).unwrap();
    pool.execute_script(TABLES).await.unwrap();
    let schema = introspect::introspect(&pool, None).await.unwrap();
    Snapshot::new(schema, rules::RuleSet::default(), ApiSettings::default(), Limits::default())
}

fn plan(snapshot: &Snapshot, url: &str) -> Restricted<ReadPlan> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let endpoint = route::endpoint("/api", path).unwrap();
    let plan = build(snapshot, &endpoint, &query::parse(query).unwrap()).unwrap();
    restrict::read(snapshot, plan, Who::new(snapshot, &Arc::default())).unwrap()
}

fn text(select: Select) -> String {
    query_text(Query::Select(select))
}

fn query_text(query: Query) -> String {
    render::render(Dialect::Postgres, &query).remove(0).text.replace('"', "")
}

async fn check(url: &str, expect: &[&str]) {
    let snapshot = snapshot().await;
    let plan = plan(&snapshot, url);
    let Primary { rows, rest, origin, total } = primary(&snapshot, &plan).unwrap();
    let mut texts: Vec<String> = [Some(rows.select), rest, origin].into_iter().flatten().map(text).collect();
    texts.extend(total.map(query_text));
    for include in plan.plan().includes.iter().enumerate() {
        let keys = vec![vec![Value::Int(1)], vec![Value::Int(2)]];
        texts.push(text(super::include(&snapshot, &plan, include, keys, 10).select));
    }
    assert_eq!(texts, expect, "{url}");
}

#[tokio::test]
async fn a_page_reads_one_row_more_than_it_shows() {
    let page = "select t0.id, t0.customer_id, t0.total from invoice as t0 order by t0.id limit 6 offset $1";
    check("/api/invoice?page[size]=5&page[number]=2", &[page]).await;
}

#[tokio::test]
async fn sparse_fieldsets_read_only_what_they_show_and_what_ties_rows() {
    check(
        "/api/invoice?fields[invoice]=total&include=customer&fields[customer]=",
        &[
            "select t0.id, t0.customer_id, t0.total from invoice as t0 order by t0.id limit 21",
            "select t0.id from customer as t0 where (t0.id = any($1::INTEGER[])) order by t0.id limit 10",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_relationship_in_a_fieldset_reads_its_foreign_key_alone() {
    check(
        "/api/customer?fields[customer]=name,invoice&include=invoice&fields[invoice]=customer",
        &[
            "select t0.id, t0.name from customer as t0 order by t0.id limit 21",
            "select t0.id, t0.customer_id from invoice as t0 where (t0.customer_id = any($1::INTEGER[])) \
             order by t0.id limit 10",
        ],
    )
    .await;
}

#[tokio::test]
async fn paths_are_joined_once_for_filter_and_sort() {
    check("/api/invoice?filter[customer.name]=Ada&sort=-customer.name&fields[invoice]=total&page[total]=true", &[
        "select t0.id, t0.total from invoice as t0 left join customer as t1 on (t0.customer_id = t1.id) \
         where (t1.name = $1::TEXT) order by t1.name desc, t0.id limit 21",
        "select count(*) from invoice as t0 left join customer as t1 on (t0.customer_id = t1.id) where (t1.name = $1::TEXT)",
    ])
    .await;
}

#[tokio::test]
async fn a_join_table_is_passed_through() {
    check(
        "/api/invoice/7/tag?fields[tag]=word",
        &[
            "select t0.id, t0.word from tag as t0 join invoice_tag as t1 on (t1.tag_id = t0.id) \
         where (t1.invoice_id = $1::INTEGER) order by t0.id limit 21",
            "select 1 from invoice as t0 where (t0.id = $1::INTEGER)",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_foreign_key_to_other_columns_than_the_key_is_followed_to_the_key() {
    check("/api/customer/7?fields[customer]=region", &[
        "select t0.id, t0.region_name, t1.code from customer as t0 left join region as t1 on (t0.region_name = t1.name) \
         where (t0.id = $1::INTEGER)",
    ])
    .await;
}

/// A cursor on a row with these values of the order's terms.
fn cursor(snapshot: &Snapshot, table: &str, sort: &str, values: Vec<Value>) -> String {
    let plan = plan(snapshot, &format!("/api/{table}?sort={sort}"));
    let order = crate::plan::sort::fingerprint(snapshot, plan.plan().table, &plan.plan().sort);
    Cursor::Row(values).text(order).unwrap()
}

async fn check_cursor(direction: &str, sort: &str, values: Vec<Value>, expect: &[&str]) {
    let snapshot = snapshot().await;
    let cursor = cursor(&snapshot, "invoice", sort, values);
    let url = format!("/api/invoice?sort={sort}&page[{direction}]={cursor}&page[size]=2&fields[invoice]=");
    let lowered = primary(&snapshot, &plan(&snapshot, &url)).unwrap();
    let statements = [Some(lowered.rows.select), lowered.rest].into_iter().flatten().map(text);
    let conditions: Vec<String> =
        statements.map(|text| text.split_once(" where ").unwrap().1.replace(" limit 3", "")).collect();
    assert_eq!(conditions, expect, "{direction} {sort}");
}

#[tokio::test]
async fn a_cursor_begins_in_the_middle_of_the_key() {
    let seven = || vec![Value::Int(7)];
    check_cursor("after", "id", seven(), &["(t0.id > $1::INTEGER) order by t0.id"]).await;
    check_cursor("before", "id", seven(), &["(t0.id < $1::INTEGER) order by t0.id desc"]).await;
    check_cursor("after", "-id", seven(), &["(t0.id < $1::INTEGER) order by t0.id desc"]).await;
}

#[tokio::test]
async fn later_terms_are_compared_where_those_before_are_equal() {
    let values = vec![Value::Int(1), Value::Int(7)];
    check_cursor(
        "after",
        "-customer,id",
        values.clone(),
        &["((t0.customer_id <= $1::INTEGER) and ((t0.customer_id < $2::INTEGER) or (t0.id > $3::INTEGER))) \
           order by t0.customer_id desc, t0.id"],
    )
    .await;
    check_cursor(
        "before",
        "-customer,id",
        values,
        &["((t0.customer_id >= $1::INTEGER) and ((t0.customer_id > $2::INTEGER) or (t0.id < $3::INTEGER))) \
           order by t0.customer_id, t0.id desc"],
    )
    .await;
}

#[tokio::test]
async fn nulls_before_or_behind_the_values_are_read_by_a_statement_of_their_own() {
    let value = || vec![Value::Int(1), Value::Int(7)];
    let null = || vec![Value::Null, Value::Int(7)];
    let near = "((t0.total >= $1::decimal) and ((t0.total > $2::decimal) or (t0.id > $3::INTEGER))) \
                order by t0.total, t0.id";
    check_cursor("after", "total", value(), &[near, "(t0.total is null) order by t0.total, t0.id"]).await;
    let nulls = "((t0.total is null) and (t0.id > $1::INTEGER)) order by t0.total";
    check_cursor("after", "total", null(), &[&format!("{nulls}, t0.id")]).await;
    check_cursor(
        "after",
        "-total",
        null(),
        &[&format!("{nulls} desc, t0.id"), "(t0.total is not null) order by t0.total desc, t0.id"],
    )
    .await;
    let near = "((t0.total <= $1::decimal) and ((t0.total < $2::decimal) or (t0.id < $3::INTEGER))) \
                order by t0.total desc, t0.id desc";
    check_cursor("before", "total", value(), &[near]).await;
}

#[tokio::test]
async fn a_path_to_many_asks_whether_there_is_such_a_row() {
    check(
        "/api/customer?filter[invoice.total][gt]=5&filter[invoice.tag.word]=new&fields[customer]=name",
        &["select t0.id, t0.name from customer as t0 where (exists (select 1 from invoice as t1 where \
         ((t1.customer_id = t0.id) and (t1.total > $1::decimal))) and exists (select 1 from invoice as t2 where \
         ((t2.customer_id = t0.id) and exists (select 1 from tag as t3 join invoice_tag as t4 on (t4.tag_id = t3.id) where \
         ((t4.invoice_id = t2.id) and (t3.word = $2::TEXT)))))) order by t0.id limit 21"],
    )
    .await;
}

#[tokio::test]
async fn a_path_to_many_starts_where_to_one_relationships_lead() {
    check(
        "/api/invoice?filter[customer.invoice.id]=7&fields[invoice]=total",
        &["select t0.id, t0.total from invoice as t0 left join customer as t1 on (t0.customer_id = t1.id) where \
         exists (select 1 from invoice as t2 where ((t2.customer_id = t1.id) and (t2.id = $1::INTEGER))) order by t0.id limit 21"],
    )
    .await;
}

#[tokio::test]
async fn a_negation_finds_what_the_filter_does_not() {
    check(
        "/api/invoice?filter[tag][null]=true&filter[total][ne]=5&filter[customer_id][ne]=1&fields[invoice]=",
        &["select t0.id from invoice as t0 where ((not exists (select 1 from tag as t1 join invoice_tag as t2 on (t2.tag_id = t1.id) \
         where (t2.invoice_id = t0.id))) and ((t0.total = $1::decimal) is distinct from true) and \
         (not (t0.customer_id = $2::INTEGER))) order by t0.id limit 21"],
    )
    .await;
}

#[tokio::test]
async fn an_expression_is_exact_but_for_texts_beside_constants() {
    check(
        "/api/customer?filter[where]=name > 'Ada' or name || 'x' > 'Eve'&fields[customer]=",
        &["select t0.id from customer as t0 where ((t0.name > $1::TEXT) or \
         ((((t0.name || $2::text))::text collate C) > (($3::text)::text collate C))) order by t0.id limit 21"],
    )
    .await;
}

#[tokio::test]
async fn a_search_looks_for_each_word_in_all_that_is_searchable() {
    check(
        "/api/customer?filter[search]=ada 5%25&fields[customer]=",
        &["select t0.id from customer as t0 where (((t0.name) ilike ($1::text) escape '\\') and \
         ((t0.name) ilike ($2::text) escape '\\')) order by t0.id limit 21"],
    )
    .await;
}

mod policies;
