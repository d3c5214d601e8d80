//! The oracle itself: it must see what is wrong, or all that it passes means nothing.

use tests::database::ALL;
use tests::shop::SHOP;
use tests::{Service, oracle};

#[tokio::test]
async fn the_oracle_sees_every_column_that_is_wrong() {
    for dialect in ALL {
        let shop = Service::start(dialect, SHOP).await;
        assert_eq!(oracle::differences(&shop.database).await, Vec::<String>::new());
        for (column, wrong) in [
            (
                "items.unit_price",
                "update items set unit_price = unit_price + 0.01, amount = amount where id = 1",
            ),
            ("items.amount", "update items set amount = amount + 0.01 where id = 2"),
            ("orders.amount_total", "update orders set amount_total = amount_total - 0.01 where id = 7"),
            ("orders.item_count", "update orders set item_count = 1 where id = 7"),
            ("customers.balance", "update customers set balance = 0.01 where id = 6"),
            ("customers.order_count", "update customers set order_count = 1 where id = 6"),
        ] {
            shop.database.execute(wrong).await;
            let found = oracle::differences(&shop.database).await;
            assert!(found.iter().any(|line| line.starts_with(column)), "{column}: {found:?}");
        }
    }
}
