//! Filters, orders, groups and searches lead through visible rows alone: a hidden parent is as if there were none.

use super::each;

/// A target, and the ids that plain SQL finds.
const FOUND: &[(&str, &str)] = &[
    (
        "orders?filter[customer.name]=Lantern Quay",
        "select o.id from {orders} o join {customers} c on c.id = o.customer_id
         where c.name = 'Lantern Quay' order by o.id",
    ),
    (
        "orders?filter[customer.place]=Coast/Saltmarsh",
        "select o.id from {orders} o join {customers} c on c.id = o.customer_id
         where c.name = 'Saltmarsh' order by o.id",
    ),
    (
        "orders?filter[sales_rep.name][null]=true",
        "select o.id from {orders} o left join {employees} e on e.id = o.sales_rep_id where e.id is null
         order by o.id",
    ),
    (
        "orders?filter[sales_rep.manager.name]=Ottilie",
        "select o.id from {orders} o join {employees} e on e.id = o.sales_rep_id
         join {employees} m on m.id = e.manager_id where m.name = 'Ottilie' order by o.id",
    ),
    (
        "orders?filter[sales_rep.manager.name]=Casimir",
        "select o.id from {orders} o join {employees} e on e.id = o.sales_rep_id
         join {employees} m on m.id = e.manager_id where m.name = 'Casimir' order by o.id",
    ),
    (
        "orders?filter[where]=sales_rep.manager.name is null",
        "select o.id from {orders} o left join {employees} e on e.id = o.sales_rep_id left
         join {employees} m on m.id = e.manager_id where m.id is null order by o.id",
    ),
    (
        "items?filter[product.name]=Anchor",
        "select i.id from {items} i join {products} p on p.id = i.product_id where p.name = 'Anchor'
         order by i.id",
    ),
    (
        "items?filter[product.name][ne]=Rope",
        "select i.id from {items} i left join {products} p on p.id = i.product_id
         where not coalesce(p.name = 'Rope', false) order by i.id",
    ),
    (
        "items?filter[where]=coalesce(product.unit_price, 1000) > 500",
        "select i.id from {items} i left join {products} p on p.id = i.product_id
         where coalesce(p.unit_price, 1000) > 500 order by i.id",
    ),
    (
        "items?sort=product.name,id",
        "select i.id from {items} i left join {products} p on p.id = i.product_id
         order by p.name is null, p.name, i.id",
    ),
    (
        "items?sort=-product.name,-id",
        "select i.id from {items} i left join {products} p on p.id = i.product_id
         order by p.name is null desc, p.name desc, i.id desc",
    ),
    (
        "customers?filter[orders.items.product.name]=Anchor",
        "select distinct c.id from {customers} c join {orders} o on o.customer_id = c.id
         join {items} i on i.order_id = o.id join {products} p on p.id = i.product_id
         where p.name = 'Anchor' order by c.id",
    ),
    (
        "customers?filter[orders.items.product.name]=Rope",
        "select distinct c.id from {customers} c join {orders} o on o.customer_id = c.id
         join {items} i on i.order_id = o.id join {products} p on p.id = i.product_id
         where p.name = 'Rope' order by c.id",
    ),
    (
        "employees?filter[orders]=1",
        "select distinct e.id from {employees} e join {orders} o on o.sales_rep_id = e.id where o.id = 1
         order by e.id",
    ),
    (
        "employees?filter[orders][null]=true",
        "select e.id from {employees} e where not exists (select 1 from {orders} o
         where o.sales_rep_id = e.id) order by e.id",
    ),
    (
        "employees?filter[orders.customer.region]=Islands",
        "select distinct e.id from {employees} e join {orders} o on o.sales_rep_id = e.id
         join {customers} c on c.id = o.customer_id where c.region = 'Islands' order by e.id",
    ),
    (
        "products?filter[items][null]=true",
        "select p.id from {products} p where not exists (select 1 from {items} i
         where i.product_id = p.id) order by p.id",
    ),
    (
        "products?filter[items.order.customer.name][ne]=Saltmarsh",
        "select p.id from {products} p where not exists (select 1 from {items} i
         join {orders} o on o.id = i.order_id join {customers} c on c.id = o.customer_id
         where i.product_id = p.id and c.name = 'Saltmarsh') order by p.id",
    ),
    (
        "products?filter[tags]=iron",
        "select p.id from {products} p join product_tags l on l.product_id = p.id
         join {tags} t on t.code = l.tag_code where t.code = 'iron' order by p.id",
    ),
    (
        "products?filter[tags][null]=true",
        "select p.id from {products} p where not exists (select 1 from product_tags l
         join {tags} t on t.code = l.tag_code where l.product_id = p.id) order by p.id",
    ),
    (
        "tags?filter[products.name]=Anchor",
        "select t.code from {tags} t join product_tags l on l.tag_code = t.code
         join {products} p on p.id = l.product_id where p.name = 'Anchor' order by t.code",
    ),
    (
        "customers?filter[search]=a",
        "select c.id from {customers} c
         where lower(c.name) like '%a%' or lower(c.email) like '%a%' or lower(c.region) like '%a%'
         order by c.id",
    ),
    (
        "customers?filter={\"or\":[{\"name\":\"points\",\"op\":\"gt\",\"val\":0},{\"name\":\"vip\",\"op\":\"eq\",\"val\":true}]}",
        "select c.id from {customers} c where c.points > 0 or c.vip order by c.id",
    ),
    // What the operator computes is computed with the operator's authority.
    (
        "items?filter[product_label]=ANCHOR x1",
        "select i.id from {items} i join products p on p.id = i.product_id where p.name = 'Anchor'
         and i.quantity = 1 order by i.id",
    ),
];

#[tokio::test]
async fn filters_and_orders_lead_through_visible_rows() {
    each(async |asker| {
        for (target, sql) in FOUND {
            asker.check(target, sql).await;
        }
    })
    .await;
}

/// A target, and group, count and sum in hundredths.
const GROUPS: &[(&str, &str)] = &[
    (
        "orders?aggregateOf=count(*),sum(item_count)&groupBy=sales_rep.name",
        "select e.name, count(*), sum(o.item_count) from {orders} o left
         join {employees} e on e.id = o.sales_rep_id group by e.name order by e.name is null, e.name",
    ),
    (
        "items?aggregateOf=count(*),sum(quantity)&groupBy=product.name",
        "select p.name, count(*), sum(i.quantity) from {items} i left
         join {products} p on p.id = i.product_id group by p.name order by p.name is null, p.name",
    ),
    (
        "items?aggregateOf=count(*),sum(quantity)&groupBy=order.customer.name&filter[product.tags.label]=On sale",
        "select c.name, count(*), sum(i.quantity) from {items} i left
         join {orders} o on o.id = i.order_id left join {customers} c on c.id = o.customer_id
         where i.product_id in (select p.id from {products} p join product_tags l on l.product_id = p.id
         join {tags} t on t.code = l.tag_code where t.label = 'On sale') group by c.name
         order by c.name is null, c.name",
    ),
    (
        "employees/2/orders?aggregateOf=count(*),sum(item_count)&groupBy=customer.name",
        "select c.name, count(*), sum(o.item_count) from {orders} o left
         join {customers} c on c.id = o.customer_id where o.sales_rep_id = 2 group by c.name
         order by c.name is null, c.name",
    ),
];

#[tokio::test]
async fn aggregates_are_of_visible_rows_in_groups_of_visible_rows() {
    each(async |asker| {
        for (target, sql) in GROUPS {
            let groups = asker.get(target).await["meta"]["aggregates"].clone();
            let text =
                |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let row = |group: &serde_json::Value| -> Vec<String> {
                let name = group["group"].as_object().unwrap().values().next().unwrap();
                let sum =
                    group.as_object().unwrap().iter().find(|(name, _)| name.starts_with("sum")).unwrap().1;
                vec![text(name), text(&group["count(*)"]), text(sum)]
            };
            let found: Vec<Vec<String>> = groups.as_array().unwrap().iter().map(row).collect();
            assert_eq!(found, asker.oracle_of(sql, 3).await, "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_virtual_attribute_may_speak_of_who_reads_it() {
    each(async |asker| {
        let id = asker.ids("orders?page[size]=1").await.remove(0);
        let order = asker.get(&format!("orders/{id}?fields[orders]=reader")).await;
        let reader = order["data"]["attributes"]["reader"].as_str().unwrap().to_owned();
        assert!(reader.ends_with("-1"), "{reader}");
        let found = asker.ids(&format!("orders?filter[reader]={reader}")).await;
        assert_eq!(found, asker.oracle("select o.id from {orders} o order by o.id").await);
    })
    .await;
}
