//! How many round trips and statements a write costs: never more for more rules or rows.
//!
//! PostgreSQL gets a whole wave in one flush, MariaDB one statement for each table and step.

use dialects::Dialect;
use tests::service::Fixture;
use tests::shop::{self, SHOP, item};
use tests::{Answer, Database, Document, Service, Wire};

/// The shop with three rules more on its orders and customers, and a check on each.
const STRICTER: Fixture = Fixture {
    sql: |dialect| {
        shop::sql(dialect)
            + "alter table orders add pieces integer not null default 0;
               alter table customers add pieces integer not null default 0;
               alter table customers add shipped_count integer not null default 0;
               update orders set pieces = (select coalesce(sum(quantity), 0) from items where order_id = orders.id);
               update customers set pieces = (select coalesce(sum(pieces), 0) from orders where customer_id = customers.id);"
    },
    rules: &[
        SHOP.rules[0],
        SHOP.rules[1],
        (
            "rules/more.yaml",
            "
             derive:
               orders.pieces: sum(items.quantity)
               customers.pieces: sum(orders.pieces)
               customers.shipped_count: count(orders where date_shipped is not null)
             constrain:
               orders: [{check: pieces < 100000, message: too many}]
               customers: [{check: pieces < 100000, message: too many}]",
        ),
    ],
};

/// A shop, and what goes over its wire. Order 90 has one item, order 91 a hundred.
async fn heard(dialect: Dialect, fixture: Fixture) -> (Service, Wire) {
    let mut database = Database::create(dialect).await;
    database.execute(&(fixture.sql)(dialect)).await;
    let wire = Wire::before(&mut database).await;
    let shop = Service::serve(database, fixture.rules).await;
    for (order, items) in [(90, 1), (91, 100), (92, 1), (93, 100)] {
        shop.database
            .execute(&format!(
                "insert into orders (id, customer_id, order_date) values ({order}, 3, '2026-04-01')"
            ))
            .await;
        let rows = vec![format!("({order}, 3, 1, 0, 0)"); items].join(", ");
        let insert = "insert into items (order_id, product_id, quantity, unit_price, amount) values";
        shop.database.execute(&format!("{insert} {rows}")).await;
    }
    (shop, wire)
}

async fn insert_item(shop: &Service) -> Answer {
    shop.post("/api/items", item("4", "3", 1)).await
}

async fn change_note(shop: &Service, note: &str) -> Answer {
    shop.patch("/api/orders/1", Document::of("orders").id("1").attribute("notes", note)).await
}

/// Every statement is prepared by then, every connection made.
async fn warmed(dialect: Dialect, fixture: Fixture) -> (Service, Wire) {
    let (shop, wire) = heard(dialect, fixture).await;
    for order in [90, 91] {
        shop.delete(&format!("/api/orders/{order}")).await.expect(204);
    }
    insert_item(&shop).await.expect(201);
    change_note(&shop, "by boat").await.expect(200);
    wire.trips();
    (shop, wire)
}

fn lines(trips: &[Vec<String>]) -> Vec<String> {
    trips.iter().map(|trip| trip.join(", ")).collect()
}

#[tokio::test]
async fn inserting_an_item_takes_two_flushes_on_postgres_and_a_statement_a_table_and_step_on_mariadb() {
    for fixture in [SHOP, STRICTER] {
        let (shop, wire) = warmed(Dialect::Postgres, fixture).await;
        insert_item(&shop).await.expect(201);
        assert_eq!(
            lines(&wire.trips()),
            [
                "begin, lock orders, lock customers, read products",
                "insert items, update customers, update orders, commit",
            ]
        );
        let (shop, wire) = warmed(Dialect::Mysql, fixture).await;
        insert_item(&shop).await.expect(201);
        assert_eq!(
            lines(&wire.trips()),
            [
                "begin",
                "lock products",
                "lock orders",
                "lock customers",
                "insert items",
                "update customers",
                "update orders",
                "read items",
                "commit",
            ]
        );
    }
}

#[tokio::test]
async fn changing_a_note_takes_one_flush_on_postgres() {
    for fixture in [SHOP, STRICTER] {
        let (shop, wire) = warmed(Dialect::Postgres, fixture).await;
        change_note(&shop, "by cart").await.expect(200);
        assert_eq!(lines(&wire.trips()), ["begin, update orders, commit"]);
        let (shop, wire) = warmed(Dialect::Mysql, fixture).await;
        change_note(&shop, "by cart").await.expect(200);
        assert_eq!(lines(&wire.trips()), ["begin", "lock orders", "update orders", "read orders", "commit"]);
    }
}

#[tokio::test]
async fn deleting_an_order_takes_three_flushes_on_postgres_however_many_items_and_rules_it_has() {
    for fixture in [SHOP, STRICTER] {
        let (shop, wire) = warmed(Dialect::Postgres, fixture).await;
        for order in [92, 93] {
            shop.delete(&format!("/api/orders/{order}")).await.expect(204);
            assert_eq!(
                lines(&wire.trips()),
                [
                    "read orders, read customers, read items",
                    "begin, lock items, lock orders, lock customers, read items",
                    "update customers, delete items, delete orders, commit",
                ],
                "{order}"
            );
        }
    }
}

#[tokio::test]
async fn deleting_an_order_takes_a_statement_a_table_and_step_on_mariadb_however_many_items_and_rules() {
    for fixture in [SHOP, STRICTER] {
        let (shop, wire) = warmed(Dialect::Mysql, fixture).await;
        for order in [92, 93] {
            shop.delete(&format!("/api/orders/{order}")).await.expect(204);
            assert_eq!(
                lines(&wire.trips()),
                [
                    "read orders",
                    "read items",
                    "read customers",
                    "begin",
                    "lock items",
                    "lock orders",
                    "lock customers",
                    "read items",
                    "update customers",
                    "delete items",
                    "delete orders",
                    "commit",
                ],
                "{order}"
            );
        }
    }
}

#[tokio::test]
async fn a_change_that_goes_up_two_levels_takes_two_flushes_on_postgres() {
    for fixture in [SHOP, STRICTER] {
        let (shop, wire) = warmed(Dialect::Postgres, fixture).await;
        for change in [
            Document::of("items").id("5").attribute("quantity", 4),
            Document::of("items").id("5").attribute("quantity", 5),
        ] {
            wire.trips();
            shop.patch("/api/items/5", change).await.expect(200);
        }
        let trips = wire.trips();
        assert_eq!(trips.len(), 2, "{:?}", lines(&trips));
        assert_eq!(lines(&trips)[0], "begin, lock items, lock orders, lock customers");
    }
}
