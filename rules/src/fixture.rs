//! Schemas made by hand for tests: the shop of the documentation, and a builder for odder ones.

use dialects::sql::{SqlType, TableName};
use dialects::{Dialect, IntKind, ValueType};
use introspect::schema::{Action, Column, ColumnDefault, RelationshipKind};
use introspect::{ColumnId, ForeignKey, Relationship, RelationshipId, Schema, Table, TableId};

use crate::problem::render;
use crate::{RuleSet, compile};

/// Customers, orders, items and products, as in the five-rule example.
pub(crate) fn shop() -> Schema {
    schema(Dialect::Postgres, shop_tables())
}

/// The five rules of the shop.
pub(crate) const SHOP_RULES: &str = r#"
derive:
  customers.balance:   sum(orders.amount_total where date_shipped is null)
  orders.amount_total: sum(items.amount)
  items.amount:        quantity * unit_price
  items.unit_price:    copy(product.unit_price)
constrain:
  customers:
    - check: balance <= credit_limit
      message: "balance ({balance}) exceeds the credit limit ({credit_limit})"
"#;

/// The five rules, compiled against [`shop`].
pub(crate) fn shop_rules() -> RuleSet {
    rules(&shop(), SHOP_RULES)
}

/// Rules that are known to be right.
pub(crate) fn rules(schema: &Schema, text: &str) -> RuleSet {
    let files = [("rules/test.yaml".to_owned(), text.to_owned())];
    compile(schema, &files).unwrap_or_else(|problems| panic!("{}", render(&problems, &files, false)))
}

/// The shop's tables, to be amended before [`schema`] makes them one.
pub(crate) fn shop_tables() -> Vec<Sketch> {
    vec![
        Sketch::new("customers").column("name", TEXT).column("balance", MONEY).column("credit_limit", MONEY),
        Sketch::new("items")
            .column("quantity", INT)
            .column("unit_price", MONEY)
            .column("amount", MONEY)
            .parent("order_id", "orders", Action::Cascade)
            .parent("product_id", "products", Action::NoAction),
        Sketch::new("orders")
            .column("date_shipped", ValueType::Date)
            .column("amount_total", MONEY)
            .column("notes", TEXT)
            .parent("customer_id", "customers", Action::NoAction),
        Sketch::new("products").column("name", TEXT).column("unit_price", MONEY),
    ]
}

/// numeric(12,2).
pub(crate) const MONEY: ValueType = ValueType::Decimal { precision: Some(12), scale: Some(2) };
/// integer.
pub(crate) const INT: ValueType = ValueType::Int(IntKind::I32);
/// text.
pub(crate) const TEXT: ValueType = ValueType::Text { length: None };

/// A table before the foreign keys of all are known. The first column is its key, `id`, drawn by the database.
pub(crate) struct Sketch {
    /// The table, still without foreign keys and relationships.
    pub(crate) table: Table,
    /// Column, table, `on delete`, declared in the database.
    pub(crate) parents: Vec<(ColumnId, String, Action, bool)>,
}

impl Sketch {
    pub(crate) fn new(name: &str) -> Self {
        let mut id = column("id", INT);
        id.default = ColumnDefault::Generated;
        id.nullable = false;
        let table = Table {
            name: name.into(),
            db: TableName { schema: None, name: name.into() },
            view: false,
            comment: None,
            columns: vec![id],
            key: vec![ColumnId(0)],
            rowid_key: false,
            uniques: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            relationships: Vec::new(),
            triggers: false,
            triggers_trusted: false,
            join_table: false,
            hidden: false,
            denied: false,
        };
        Self { table, parents: Vec::new() }
    }

    /// A nullable column.
    pub(crate) fn column(mut self, name: &str, ty: ValueType) -> Self {
        self.table.columns.push(column(name, ty));
        self
    }

    /// A nullable foreign key column to the other table's `id`.
    pub(crate) fn parent(self, column: &str, table: &str, on_delete: Action) -> Self {
        let mut with = self.column(column, INT);
        let id = ColumnId(with.table.columns.len() as u32 - 1);
        with.parents.push((id, table.into(), on_delete, true));
        with
    }

    /// A change to the table.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Table)) -> Self {
        change(&mut self.table);
        self
    }
}

/// A nullable column without default.
pub(crate) fn column(name: &str, ty: ValueType) -> Column {
    Column {
        name: name.into(),
        db_name: name.into(),
        ty,
        sql_type: SqlType::scalar("?"),
        enum_values: Vec::new(),
        loose: false,
        nullable: true,
        default: ColumnDefault::None,
        renewed: false,
        generated: None,
        comment: None,
        hidden: false,
        label: None,
        searchable: None,
        is_virtual: false,
    }
}

/// One schema of all tables, with relationships both ways: `customer_id` makes `customer`, and `orders` on the other end.
pub(crate) fn schema(dialect: Dialect, mut sketches: Vec<Sketch>) -> Schema {
    sketches.sort_by(|a, b| a.table.name.cmp(&b.table.name));
    let names: Vec<String> = sketches.iter().map(|s| s.table.name.clone()).collect();
    let mut tables: Vec<Table> = sketches.iter().map(|s| s.table.clone()).collect();
    for (child, sketch) in sketches.iter().enumerate() {
        for (column, target, on_delete, enforced) in &sketch.parents {
            let parent = names.iter().position(|n| n == target).unwrap();
            relate(&mut tables, child, *column, parent, *on_delete, *enforced);
        }
    }
    settle_inverses(&mut tables);
    Schema::new(dialect, tables)
}

fn relate(
    tables: &mut [Table],
    child: usize,
    column: ColumnId,
    parent: usize,
    on_delete: Action,
    enforced: bool,
) {
    let (child_id, parent_id) = (TableId(child as u32), TableId(parent as u32));
    let foreign_key = tables[child].foreign_keys.len();
    let name = tables[child][column].name.clone();
    let other = tables[parent].name.clone();
    let own = tables[child].name.clone();
    tables[child].foreign_keys.push(ForeignKey {
        name: format!("{own}_{name}_fkey"),
        columns: vec![column],
        target: parent_id,
        target_columns: vec![ColumnId(0)],
        on_delete,
        on_update: Action::NoAction,
        enforced,
        deferred: false,
        kept_on_delete: Vec::new(),
    });
    let relationship = |name: String, kind, target, columns, target_columns| Relationship {
        name,
        kind,
        target,
        columns,
        target_columns,
        inverse: RelationshipId(0),
        hidden: false,
    };
    let to_one = name.strip_suffix("_id").unwrap_or(&other).to_owned();
    let twice = child == parent || tables[parent].relationships.iter().any(|r| r.name == own);
    let to_many = if twice { format!("{own}_by_{name}") } else { own };
    let key = vec![ColumnId(0)];
    let up =
        relationship(to_one, RelationshipKind::ToOne { foreign_key }, parent_id, vec![column], key.clone());
    let down = relationship(to_many, RelationshipKind::ToMany { foreign_key }, child_id, key, vec![column]);
    tables[child].relationships.push(up);
    tables[parent].relationships.push(down);
}

/// To-one first, by name, each with the place of its other end.
fn settle_inverses(tables: &mut [Table]) {
    for table in tables.iter_mut() {
        table.relationships.sort_by_key(|r| (!r.to_one(), r.name.clone()));
    }
    let all = tables.to_vec();
    for (own, table) in tables.iter_mut().enumerate() {
        for relationship in &mut table.relationships {
            let other = &all[relationship.target.0 as usize];
            let inverse = other.relationships.iter().position(|r| {
                r.target.0 as usize == own
                    && r.to_one() != relationship.to_one()
                    && r.columns == relationship.target_columns
                    && r.target_columns == relationship.columns
            });
            relationship.inverse = RelationshipId(inverse.unwrap() as u32);
        }
    }
}

#[test]
fn the_shop_is_related_both_ways() {
    let shop = shop();
    let names = |table: &str| {
        let table = &shop[shop.find(table).unwrap()];
        table.relationships.iter().map(|r| r.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("orders"), ["customer", "items"]);
    assert_eq!(names("items"), ["order", "product"]);
    let orders = &shop[shop.find("orders").unwrap()];
    let items = &shop[shop.find("items").unwrap()];
    assert_eq!(items[orders.relationships[1].inverse].name, "order");
}
