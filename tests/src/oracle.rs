//! The oracle: every derived column of the shop against its recomputation in plain SQL.

use crate::database::Database;
use crate::service::Service;

/// What is stored and what it should be: a name, and a query for the rows that differ (key, stored, computed). Amounts are compared in
/// hundredths, because SQLite adds up in binary floating point.
const DERIVED: [(&str, &str); 6] = [
    (
        "items.unit_price",
        "select i.id, i.unit_price, p.unit_price from items i join products p on p.id = i.product_id
         where round(i.unit_price * 100) <> round(p.unit_price * 100)",
    ),
    (
        "items.amount",
        "select id, amount, quantity * unit_price from items where round(amount * 100) <> round(quantity * unit_price * 100)",
    ),
    (
        "orders.amount_total",
        "select o.id, o.amount_total, s.total from orders o join
             (select o.id, coalesce(sum(round(i.amount * 100)), 0) as total
              from orders o left join items i on i.order_id = o.id group by o.id) s on s.id = o.id
         where round(o.amount_total * 100) <> s.total",
    ),
    (
        "orders.item_count",
        "select o.id, o.item_count, s.number from orders o join
             (select o.id, count(i.id) as number from orders o left join items i on i.order_id = o.id group by o.id) s on s.id = o.id
         where o.item_count <> s.number",
    ),
    (
        "customers.balance",
        "select c.id, c.balance, s.total from customers c join
             (select c.id, coalesce(sum(round(o.amount_total * 100)), 0) as total
              from customers c left join orders o on o.customer_id = c.id and o.date_shipped is null group by c.id) s on s.id = c.id
         where round(c.balance * 100) <> s.total",
    ),
    (
        "customers.order_count",
        "select c.id, c.order_count, s.number from customers c join
             (select c.id, count(o.id) as number from customers c left join orders o on o.customer_id = c.id group by c.id) s on s.id = c.id
         where c.order_count <> s.number",
    ),
];

/// Every derived value that differs from its recomputation, and every customer over the limit.
pub async fn differences(database: &Database) -> Vec<String> {
    let mut found = Vec::new();
    for (name, query) in DERIVED {
        for row in database.rows(query, 3).await {
            found.push(format!("{name} of {}: {}, not {}", row[0], row[1], row[2]));
        }
    }
    for row in
        database.rows("select id, balance, credit_limit from customers where balance > credit_limit", 3).await
    {
        found.push(format!("customer {} owes {} of {}", row[0], row[1], row[2]));
    }
    found
}

impl Service {
    /// Fails unless every derived column is what it should be.
    pub async fn assert_consistent(&self) {
        let differences = differences(&self.database).await;
        assert!(differences.is_empty(), "{:?}: {differences:#?}", self.database.dialect());
    }
}
