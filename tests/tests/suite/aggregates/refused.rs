//! What no aggregate or group can be, told with its parameter.

use tests::on_every_database;
use tests::shop::SHOP;

#[tokio::test]
async fn what_cannot_be_told_is_refused_with_its_parameter() {
    on_every_database(SHOP, async |shop| {
        for (query, code, parameter, part) in [
            ("aggregateOf=", "invalid-parameter", "aggregateOf", "is no aggregate"),
            ("aggregateOf=count(*),,", "invalid-parameter", "aggregateOf", "is no aggregate"),
            ("aggregateOf=count(*),count(*)", "invalid-parameter", "aggregateOf", "twice"),
            ("aggregateOf=sun(amount_total)", "invalid-parameter", "aggregateOf", "Did you mean \"sum\"?"),
            (
                "aggregateOf=sum(amount_totl)",
                "invalid-parameter",
                "aggregateOf",
                "Did you mean \"amount_total\"?",
            ),
            (
                "aggregateOf=sum(notes)",
                "invalid-parameter",
                "aggregateOf",
                "takes attributes that are numbers.",
            ),
            (
                "aggregateOf=avg(customer)",
                "invalid-parameter",
                "aggregateOf",
                "takes attributes that are numbers.",
            ),
            (
                "aggregateOf=max(customer.vip)",
                "invalid-parameter",
                "aggregateOf",
                "numbers, texts, dates or times",
            ),
            ("aggregateOf=sum(items.quantity)", "invalid-parameter", "aggregateOf", "leads to many"),
            ("aggregateOf=count(items)", "invalid-parameter", "aggregateOf", "leads to many"),
            ("aggregateOf[a]=count(*)", "unknown-parameter", "aggregateOf[a]", "Write"),
            ("aggregateof=count(*)", "unknown-parameter", "aggregateof", "Did you mean \"aggregateOf\"?"),
            ("groupBy=customer", "invalid-parameter", "groupBy", "goes with aggregateOf"),
            ("aggregateOf=count(*)&groupBy=", "invalid-parameter", "groupBy", "empty"),
            ("aggregateOf=count(*)&groupBy=notes,notes", "invalid-parameter", "groupBy", "twice"),
            (
                "aggregateOf=count(*)&groupBy=custmer.region",
                "invalid-parameter",
                "groupBy",
                "Did you mean \"customer\"?",
            ),
            ("aggregateOf=count(*)&groupBy=items", "invalid-parameter", "groupBy", "leads to many"),
            ("aggregateOf=count(*)&include=customer", "invalid-include", "include", "shows no resources"),
            (
                "aggregateOf=count(*)&fields[orders]=notes",
                "invalid-fields",
                "fields[orders]",
                "shows no resources",
            ),
            ("aggregateOf=count(*)&sort=notes", "invalid-sort", "sort", "add groupBy"),
            ("aggregateOf=count(*)&page[size]=5", "invalid-page", "page[size]", "add groupBy"),
            (
                "aggregateOf=count(*)&groupBy=notes&sort=order_date",
                "invalid-sort",
                "sort",
                "groupBy and aggregateOf name",
            ),
            (
                "aggregateOf=count(*)&groupBy=notes&sort=count(notes)",
                "invalid-sort",
                "sort",
                "groupBy and aggregateOf name",
            ),
            (
                "aggregateOf=count(*)&groupBy=notes&page[after]=x",
                "invalid-page",
                "page[after]",
                "not by cursors",
            ),
            (
                "aggregateOf=count(*)&groupBy=notes&page[total]=true",
                "invalid-page",
                "page[total]",
                "not counted",
            ),
            (
                "aggregateOf=count(*)&groupBy=notes&page[sise]=1",
                "invalid-page",
                "page[sise]",
                "Did you mean \"size\"?",
            ),
            (
                "aggregateOf=count(*)&filter[nots]=x",
                "invalid-filter",
                "filter[nots]",
                "Did you mean \"notes\"?",
            ),
        ] {
            let error = shop.get(&format!("/api/orders?{query}")).await.refused(400, code);
            assert!(error["detail"].as_str().unwrap().contains(part), "{query}: {error}");
            assert_eq!(error["source"]["parameter"], parameter, "{query}");
        }
        for (target, code, part) in [
            ("products?aggregateOf=count(*)&groupBy=details", "invalid-parameter", "has no order"),
            ("products?aggregateOf=count(distinct details)", "invalid-parameter", "can be compared"),
            ("stock?aggregateOf=count(id)", "invalid-parameter", "several parts"),
            ("orders/1?aggregateOf=count(*)", "invalid-parameter", "collections alone"),
            ("orders/1/customer?aggregateOf=count(*)", "invalid-parameter", "collections alone"),
            (
                "orders/1/relationships/customer?aggregateOf=count(*)",
                "invalid-parameter",
                "collections alone",
            ),
        ] {
            let error = shop.get(&format!("/api/{target}")).await.refused(400, code);
            assert!(error["detail"].as_str().unwrap().contains(part), "{target}: {error}");
        }
        shop.get("/api/nothing?aggregateOf=count(*)").await.refused(404, "not-found");
        shop.get("/api/customers/4711/orders?aggregateOf=count(*)").await.refused(404, "not-found");
        shop.get("/api/orders/abc/items?aggregateOf=count(*)").await.refused(404, "not-found");
        let patch = tests::Document::of("orders").id("1");
        shop.patch("/api/orders/1?aggregateOf=count(*)", patch).await.refused(400, "unknown-parameter");
    })
    .await;
}
