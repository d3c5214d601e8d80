//! How many round trips and statements a write costs: never more for more rules or rows.
//!
//! PostgreSQL gets a whole wave in one flush, MariaDB one statement for each table and step.

use dialects::Dialect;
use proxy::state::Limits;
use tests::database::ALL;
use tests::document::{add, remove, update};
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

/// Boxes in boxes in boxes, the innermost weighing on a scale; and lids, which nothing goes with.
const NESTED: Fixture = Fixture {
    sql: |_| {
        "create table lids (id int primary key);
         create table crates (id int primary key, lid_id int, foreign key (lid_id) references lids (id));
         create table boxes (id int primary key, crate_id int not null, foreign key (crate_id) references crates (id) on delete cascade);
         create table tins (id int primary key, box_id int not null, foreign key (box_id) references boxes (id) on delete cascade);
         create table scales (id int primary key, load_sum int not null);
         create table weights (id int primary key, tin_id int not null, scale_id int not null, pieces int not null,
             foreign key (tin_id) references tins (id) on delete cascade, foreign key (scale_id) references scales (id));
         insert into scales values (1, 60);
         insert into lids values (1), (2), (3);
         insert into crates values (1, null), (2, null);
         insert into boxes values (11, 1), (21, 2), (22, 2), (23, 2);
         insert into tins values (111, 11), (211, 21), (212, 21), (221, 22), (222, 22), (231, 23);
         insert into weights values (1, 111, 1, 10), (2, 211, 1, 10), (3, 211, 1, 10), (4, 222, 1, 10), (5, 231, 1, 20);"
            .into()
    },
    rules: &[("nested.yaml", "{derive: {scales.load_sum: sum(weights.pieces)}}")],
};

#[tokio::test]
async fn what_goes_with_a_row_is_listed_level_by_level_however_many_rows_there_are() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let mut database = Database::create(dialect).await;
        database.execute(&(NESTED.sql)(dialect)).await;
        let wire = Wire::before(&mut database).await;
        let nested = Service::serve(database, NESTED.rules).await;
        wire.trips();
        let mut said = Vec::new();
        for (id, left) in [("1", "50"), ("2", "0")] {
            nested.delete(&format!("/api/crates/{id}")).await.expect(204);
            assert_eq!(nested.attribute("/api/scales/1", "load_sum").await, left, "{dialect}");
            said.push(lines(&wire.trips()).join("; "));
        }
        assert_eq!(said[0].matches("read weights").count(), 2, "{dialect}: {}", said[0]);
        assert_eq!(
            said[0].matches("read ").count(),
            said[1].matches("read ").count(),
            "{dialect}: {said:#?}"
        );
    }
}

#[tokio::test]
async fn whether_anything_refers_to_removed_rows_is_one_question_for_all() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let mut database = Database::create(dialect).await;
        database.execute(&(NESTED.sql)(dialect)).await;
        let wire = Wire::before(&mut database).await;
        let nested = Service::serve(database, NESTED.rules).await;
        wire.trips();
        nested.operations(["1", "2", "3"].map(|id| remove("lids", id)).into()).await.expect(204);
        let said = lines(&wire.trips()).join(", ");
        // Once to find out, once under the locks.
        assert_eq!(said.matches("read crates").count(), 2, "{dialect}: {said}");
    }
}

#[tokio::test]
async fn more_rows_than_one_transaction_may_touch_are_refused_however_many_lead_to_them() {
    for dialect in ALL {
        for (most, status) in [(3, 422), (16, 422), (17, 204)] {
            let database = Database::create(dialect).await;
            database.execute(&(NESTED.sql)(dialect)).await;
            let limits = Limits { transaction_rows: most, ..Limits::default() };
            let nested = Service::serve_within(database, NESTED.rules, limits).await;
            // Two crates with four boxes, six tins and four weights; the scale is the seventeenth row.
            nested
                .database
                .execute("delete from weights where id = 5; update scales set load_sum = 40")
                .await;
            let answer = nested.operations(["1", "2"].map(|id| remove("crates", id)).into()).await;
            assert_eq!(answer.status, status, "{dialect} {most}");
        }
    }
}

/// Items that read the price of a product.
const PRICED: Fixture = Fixture {
    sql: |_| {
        let products: Vec<String> = (1..=40).map(|id| format!("({id}, 1)")).collect();
        format!(
            "create table products (id int primary key, price int not null);
             create table items (id int primary key, product_id int not null, amount int not null,
                 foreign key (product_id) references products (id));
             insert into products values {};",
            products.join(", ")
        )
    },
    rules: &[("priced.yaml", "{derive: {items.amount: 2 * product.price}}")],
};

#[tokio::test]
async fn prices_that_change_and_prices_that_are_read_are_locked_by_one_statement() {
    let mut database = Database::create(Dialect::Postgres).await;
    database.execute(&(PRICED.sql)(Dialect::Postgres)).await;
    let wire = Wire::before(&mut database).await;
    let priced = Service::serve(database, PRICED.rules).await;
    let operation = |id: u32| match id % 2 {
        0 => update(Document::of("products").id(&id.to_string()).attribute("price", 3)),
        _ => add(Document::of("items").id(&id.to_string()).to_one("product", "products", &id.to_string())),
    };
    wire.trips();
    priced.operations((1..=40).map(operation).collect()).await.expect(200);
    let said = lines(&wire.trips()).join(", ");
    assert_eq!(said.matches("readers' lock").count(), 1, "{said}");
}
