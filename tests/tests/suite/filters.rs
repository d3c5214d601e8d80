//! The grammar of filters: which rows each finds, on every database.

use serde_json::Value as Json;
use tests::on_every_database;
use tests::service::Fixture;
use tests::shop::SHOP;

/// What is asked, and the ids of what is found.
const FOUND: &[(&str, &str)] = &[
    // through to-many relationships: whether there is such a row
    ("orders?filter[items.quantity][gt]=9", "1 3 5"),
    ("orders?filter[items.product]=1", "1 4 6"),
    ("orders?filter[items.product_id]=1", "1 4 6"),
    ("orders?filter[items.product.name][contains]=a", "1 4 6"),
    ("orders?filter[items.product.tags.label]=On sale", "1 2 4 6"),
    ("orders?filter[items.quantity][gt]=9&filter[items.product]=2", "1 5"),
    ("orders?filter[sales_rep.employees_by_manager_id]=4", "1 6"),
    ("orders?filter[items.product.weight][null]=true", "3 4"),
    ("customers?filter[orders.items.product.product_tags.tags.label]=Tea", "1 3 4"),
    ("customers?filter[orders.items.product.items.order.customer.orders.items.product]=3", "1 2 3 4"),
    ("employees?filter[employees_by_manager_id.name]=Ignace", "2"),
    ("products?filter[items.order.customer.name]=Saltmarsh", "3"),
    ("products?filter[stock.shelf][starts]=B", "4"),
    // by the ids of related rows, of several parts too
    ("orders?filter[items]=4", "3"),
    ("orders?filter[items][]=4&filter[items][]=8", "3 5"),
    ("orders?filter[items]=null", "7"),
    ("orders?filter[items]=4,null", "3 7"),
    ("orders?filter[items][null]=false", "1 2 3 4 5 6"),
    ("orders?filter[items.id][in]=1,9", "1 6"),
    ("orders?filter[sales_rep.manager]=1", "1 6"),
    ("products?filter[tags]=iron", "2 4"),
    ("products?filter[tags]=null", ""),
    ("products?filter[tags][null]=true", "3 5"),
    ("products?filter[product_tags]=1~tea", "1"),
    ("products?filter[stock]=A1~2,B.7E2.20.C3.A9~4", "2 4"),
    ("products?filter[stock]=null", "3 5"),
    ("stock?filter[id]=A1~1", "A1~1"),
    ("stock?filter[id][ne]=A1~1&filter[product][in]=1,2", "A1~2"),
    // negation gives all that is left out else, rows without a value too
    ("customers?filter[region]=Coast", "1 2"),
    ("customers?filter[region][ne]=Coast", "3 4 5 6"),
    ("customers?filter[region][not_eq]=Coast", "3 4 5 6"),
    ("customers?filter[region][nin]=Coast,Uplands", "3 4 6"),
    ("orders?filter[date_shipped][ne]=2026-01-09", "1 3 4 5 6 7"),
    ("orders?filter[date_shipped][ne]=null", "2 6"),
    ("orders?filter[date_shipped][nin]=2026-01-09,null", "6"),
    ("orders?filter[sales_rep.name][ne]=Casimir", "2 3 4 5 7"),
    ("orders?filter[items.product][ne]=1", "2 3 5 7"),
    ("orders?filter[items.product][nin]=1,2", "2 3 7"),
    ("orders?filter[items][ne]=4", "1 2 4 5 6 7"),
    ("orders?filter[items][ne]=null", "1 2 3 4 5 6"),
    ("orders?filter[items][nin]=4,null", "1 2 4 5 6"),
    ("orders?filter[sales_rep.employees_by_manager_id]=null", "2 3 4 5 7"),
    ("products?filter[tags][ne]=iron", "1 3 5"),
    ("products?filter[product_tags][nin]=1~tea,4~iron", "2 3 5"),
    // the words
    ("items?filter[quantity][ge]=12", "4 8"),
    ("items?filter[quantity][le]=1", "3 5"),
    ("items?filter[quantity][between]=5,10", "1 6 9"),
    ("orders?filter[notes][prefix]=ring", "3"),
    ("orders?filter[notes][suffix]=_", "5"),
    ("orders?filter[notes][match]=%25", "5"),
    ("orders?filter[notes][ilike]=RING%25", "3"),
    ("customers?filter[region][notin]=Coast", "3 4 5 6"),
    ("orders?filter[notes][isnull]=1", "1 4 6"),
    // JSON
    (
        r#"orders?filter={"and":[{"name":"customer.region","op":"eq","val":"Coast"},{"not":{"name":"items.quantity","op":"ge","val":50}}]}"#,
        "1 2",
    ),
    (
        r#"orders?filter={"or":[{"name":"id","op":"in","val":[1,"7"]},{"name":"date_shipped","op":"lt","val":"2026-02-01"}]}"#,
        "1 2 7",
    ),
    (r#"orders?filter={"name":"notes","op":"eq","val":null}"#, "1 4 6"),
    (r#"orders?filter={"name":"notes","op":"ne","val":null}"#, "2 3 5 7"),
    (r#"orders?filter={"name":"notes","op":"eq","val":"null"}"#, ""),
    (r#"orders?filter={"name":"notes","op":"in","val":[null,"by cart"]}"#, "1 2 4 6"),
    (r#"orders?filter={"name":"notes","op":"in","val":[]}"#, ""),
    (r#"orders?filter={"name":"notes","op":"nin","val":[]}"#, "1 2 3 4 5 6 7"),
    (r#"orders?filter={"name":"items","op":"null","val":true}"#, "7"),
    (r#"orders?filter={"not":{"name":"notes","op":"starts","val":"by"}}"#, "1 3 4 5 6 7"),
    (r#"orders?filter={"not":{"not":{"name":"notes","op":"starts","val":"by"}}}"#, "2"),
    (r#"orders?filter={"name":"amount_total","op":"between","val":[84,"146.00"]}"#, "1 5"),
    (r#"customers?filter={"name":"vip","op":"eq","val":true}"#, "1 4"),
    (
        r#"orders?filter=[{"name":"notes","op":"like","val":"by%25"},{"name":"customer_id","op":"eq","val":5}]"#,
        "2 7",
    ),
    (r#"orders?filter=[{"name":"notes","op":"like","val":"by%25"}]&filter[id]=1,2"#, "2"),
    // expressions
    ("orders?filter[where]=customer.region = 'Coast' and date_shipped is null", "1 3"),
    ("orders?filter[where]=amount_total / 2 > 73", "2 4"),
    ("orders?filter[where]=not notes like '%25c%25'", "7"),
    ("orders?filter[where]=lower(customer.name) in ('saltmarsh', 'x')", "3"),
    ("orders?filter[where]='Saltmarsh' = customer.name", "3"),
    ("orders?filter[where]=customer.name >= 'a'", "4 5 6"),
    ("orders?filter[where]=sales_rep.manager.name = 'Casimir' or id = 7", "2 4 7"),
    ("orders?filter[where]=coalesce(date_shipped, today) < order_date %2B 5", "2 6"),
    ("orders?filter[where]=order_date < now() and customer_id in (1, 2)", "1 2 3"),
    ("orders?filter[where]=notes ilike 'RING%25'", "3"),
    ("customers?filter[where]=mood = 'busy' and vip", "4"),
    ("customers?filter[where]=points > 1.5 and points < 9007199254740993", "4"),
    ("orders?filter[where]=id > 2&filter[customer]=3&filter[search]=GLASS", "5"),
    // words
    ("customers?filter[search]=quay", "1"),
    ("customers?filter[search]=Tea ISLANDS", "3"),
    ("customers?filter[search]=ÅRHUS", "3"),
    ("customers?filter[search]=bramble", "4"),
    ("customers?filter[search]=quay islands", ""),
    ("orders?filter[search]=50%25 fragile", "5"),
    ("orders?filter[search]=_", "5"),
    ("tags?filter[search]=sale/now", "on sale/now"),
    // related resources
    ("customers/1/orders?filter[items.product]=4", "2"),
    ("products/1/tags?filter[products]=4", "on sale/now"),
    ("employees/1/employees_by_manager_id?filter[search]=per", "3"),
    ("customers/3/relationships/orders?filter[items.product]=2", "5"),
];

#[tokio::test]
async fn every_form_of_a_filter_finds_what_it_says() {
    on_every_database(SHOP, async |shop| {
        for (target, expect) in FOUND {
            let answer = shop.get(&format!("/api/{}", target.replace(' ', "+"))).await.expect(200);
            assert_eq!(ids(&answer), *expect, "{target}");
        }
    })
    .await;
}

fn ids(document: &Json) -> String {
    let data = document["data"].as_array().unwrap();
    data.iter().map(|resource| resource["id"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// What is asked, and what the refusal says.
const REFUSED: &[(&str, &str)] = &[
    ("filter[items.quantiti]=1", "Did you mean \"quantity\"?"),
    ("filter[item.quantity]=1", "Did you mean \"items\"?"),
    ("filter[items][gt]=1", "eq, ne, in, nin and null apply"),
    ("filter[items]=x", "\"x\" does not fit \"items\""),
    (r#"filter={"and":[{"name":"notez","op":"eq","val":1}]}"#, "At /and/0: orders has no attribute"),
    (r#"filter={"name":"order_date","op":"eq","val":5}"#, "\"5\" does not fit"),
    (r#"filter={"name":"order_date","op":"gt","val":null}"#, "null is compared by"),
    ("filter[where]=notez = 'x'", "At character 1: orders has no column `notez` (did you mean `notes`?)."),
    ("filter[where]=id = 1 and items.quantity > 1", "write filter[items.…] beside this expression"),
    ("filter[where]=id = 'x'", "At character 6: in a comparison"),
    ("filter[where]=id", "a condition is needed"),
    ("filter[where]=", "an expression is missing"),
    ("filter[where]=id = 1 or", "something is missing at the end"),
    ("filter[where]=old.notes = 'x'", "`old.` is not allowed in a filter"),
    ("filter[where]=actor.id = 'x'", "`actor` is not allowed in a filter"),
    ("filter[where]=actor.has_role('x')", "not allowed in a filter"),
    ("filter[where]=changed(notes)", "not allowed in a filter"),
    ("filter[where]=inserting", "not allowed in a filter"),
    ("filter[where]=exists(select 1)", "subqueries"),
    ("filter[where]=pg_sleep(10) is null", "pg_sleep"),
    ("filter[where]=1 / (id - id) > 0", "has no value for some row"),
    ("filter[search]=", "needs words"),
    ("filter[search]=%00", "NUL"),
];

#[tokio::test]
async fn a_filter_that_means_nothing_is_refused_with_its_parameter() {
    on_every_database(SHOP, async |shop| {
        for (query, part) in REFUSED {
            let answer = shop.get(&format!("/api/orders?{}", query.replace(' ', "+"))).await;
            let error = answer.refused(400, "invalid-filter");
            let detail = error["detail"].as_str().unwrap();
            assert!(detail.contains(part), "{query}: {detail}");
            assert_eq!(error["source"]["parameter"], query.split('=').next().unwrap(), "{query}");
        }
        let error =
            shop.get("/api/orders?filter[where]=id=1+and+notez='x'").await.refused(400, "invalid-filter");
        assert_eq!((&error["meta"]["position"], &error["meta"]["length"]), (&9.into(), &5.into()));
        shop.get("/api/items?filter[search]=x").await.refused(400, "invalid-filter");
    })
    .await;
}

#[tokio::test]
async fn the_limit_of_terms_bounds_every_form() {
    let list = |n: usize| (1..=n).map(|n| n.to_string()).collect::<Vec<_>>();
    let values = |n: usize| list(n).join(",");
    let leaves = |n: usize| {
        let leaf = |n: &String| format!(r#"{{"name":"id","op":"eq","val":{n}}}"#);
        list(n).iter().map(leaf).collect::<Vec<_>>().join(",")
    };
    let forms: [&dyn Fn(usize) -> String; 5] = [
        &|n| format!("filter[id]={}", values(n)),
        &|n| format!(r#"filter={{"or":[{}]}}"#, leaves(n)),
        &|n| format!("filter[where]=id+in+({})", values(n)),
        &|n| {
            format!(
                "filter[where]={}",
                list(n).iter().map(|n| format!("id={n}")).collect::<Vec<_>>().join("+or+")
            )
        },
        &|n| format!("filter[search]={}", list(n).join("+")),
    ];
    on_every_database(SHOP, async |shop| {
        for form in forms {
            shop.get(&format!("/api/orders?{}", form(100))).await.expect(200);
            for query in [form(101), format!("{}&filter[customer]=1", form(100))] {
                let error = shop.get(&format!("/api/orders?{query}")).await.refused(400, "invalid-filter");
                assert_eq!(error["meta"]["maximum"], 100, "{error}");
            }
        }
        let hops = |n: usize| format!("/api/employees?filter[{}id]=1", "manager.".repeat(n));
        shop.get(&hops(40)).await.expect(200);
        shop.get(&hops(41)).await.refused(400, "invalid-filter");
        let many = |n: usize| format!("/api/employees?filter[{}id]=1", "employees_by_manager_id.".repeat(n));
        shop.get(&many(10)).await.expect(200);
        shop.get(&many(11)).await.refused(400, "invalid-filter");
        let two = format!("{}&filter[{}name]=x", hops(35), "employees_by_manager_id.".repeat(6));
        shop.get(&two).await.refused(400, "invalid-parameter");
    })
    .await;
}

const ODD: Fixture = Fixture {
    sql: |dialect| {
        let quote = if dialect == dialects::Dialect::Mysql { '`' } else { '"' };
        let sql = "create table pages (id integer primary key, 'search' varchar(20), 'where' varchar(20));
            insert into pages values (1, 'red', 'here'), (2, 'green', 'there');";
        ["search", "where"].iter().fold(sql.to_owned(), |sql, name| {
            sql.replace(&format!("'{name}'"), &format!("{quote}{name}{quote}"))
        })
    },
    rules: &[],
};

#[tokio::test]
async fn columns_called_like_the_forms_are_reached_with_an_operator() {
    on_every_database(ODD, async |pages| {
        for (query, expect) in [
            ("filter[search][eq]=red", "1"),
            ("filter[search][]=green", "2"),
            ("filter[where][contains]=th", "2"),
            ("filter[search]=here", "1 2"),
            ("filter[where]=search = 'red'", "1"),
            (r#"filter={"name":"where","op":"eq","val":"here"}"#, "1"),
        ] {
            let answer = pages.get(&format!("/api/pages?{}", query.replace(' ', "+"))).await.expect(200);
            assert_eq!(ids(&answer), expect, "{query}");
        }
    })
    .await;
}
