//! Who may read which rows, on every way to a row: each answer against an oracle in plain SQL over the rows that may be seen.

mod asker;
mod attributes;
mod rows;
mod silence;

use asker::{Asker, COAST, ISLANDS, each};
use tests::service::Fixture;
use tests::shop::SHOP;

/// The shop, with attributes that the database computes.
const GUARDED: Fixture = Fixture {
    sql: SHOP.sql,
    rules: &[
        ("rules/check_credit.yaml", include_str!("../../fixtures/check_credit.yaml")),
        ("rules/shop.yaml", include_str!("../../fixtures/shop.yaml")),
        (
            "rules/virtual.yaml",
            r#"
derive:
  items.product_label: {as: "upper(product.name) || ' x' || cast(quantity as text)", virtual: true}
  orders.due:          {as: "order_date + interval '1 month'", virtual: true}
  orders.reader:       {as: "actor.id", virtual: true}
  customers.place:     {as: "region || '/' || name", virtual: true}
  customers.share:     {as: "cast(points * 1000 as integer)", virtual: true}
"#,
        ),
    ],
};
