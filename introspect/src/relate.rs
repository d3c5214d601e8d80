//! Foreign keys → relationships both ways, with their names.
//!
//! `orders.customer_id → customers` gives `customer` on orders and `orders` on customers. Names are given in a fixed order: columns,
//! then to-one, to-many and many-to-many, so that the same database always gives the same names. Tables without a key take no part: they
//! are no resources.

mod name;

use std::collections::HashMap;

use crate::naming::Style;
use crate::schema::{
    ColumnId, ForeignKey, Relationship, RelationshipId, RelationshipKind, Schema, Table, TableId,
};

/// A relationship on its way: it has its name, but not yet its place in the table.
pub(crate) struct Draft {
    /// The table it is seen from.
    pub(crate) table: TableId,
    /// Its name.
    pub(crate) name: String,
    way: Way,
    target: TableId,
    columns: Vec<ColumnId>,
    target_columns: Vec<ColumnId>,
    /// The draft of the other direction.
    inverse: usize,
}

/// [`RelationshipKind`], where the relationships of join tables are drafts too.
#[derive(Clone, Copy)]
enum Way {
    ToOne { foreign_key: usize },
    ToMany { foreign_key: usize },
    ManyToMany { through: TableId, near: usize, far: usize },
}

impl Way {
    /// Who chooses a name first.
    fn rank(self) -> u8 {
        match self {
            Self::ToOne { .. } => 0,
            Self::ToMany { .. } => 1,
            Self::ManyToMany { .. } => 2,
        }
    }
}

impl Draft {
    /// What the relationship is called in another schema of the same tables.
    pub(crate) fn default_name(&self, tables: &[Table], plain: &Schema) -> Option<String> {
        let (table, target) = (tables.get(self.table.0 as usize)?, tables.get(self.target.0 as usize)?);
        let same_way = |kind: RelationshipKind| match (self.way, kind) {
            (Way::ToOne { .. }, RelationshipKind::ToOne { .. }) => true,
            (Way::ToMany { .. }, RelationshipKind::ToMany { .. }) => true,
            (
                Way::ManyToMany { through, .. },
                RelationshipKind::ManyToMany { through: plain_through, .. },
            ) => tables.get(through.0 as usize).is_some_and(|table| table.db == plain[plain_through].db),
            _ => false,
        };
        let same = |other: &&Relationship| {
            plain[other.target].db == target.db
                && other.columns == self.columns
                && other.target_columns == self.target_columns
                && same_way(other.kind)
        };
        let of = plain.tables.iter().find(|of| of.db == table.db)?;
        of.relationships.iter().find(same).map(|found| found.name.clone())
    }

    /// The name under which the model file declared this relationship of the table, if it did.
    pub(crate) fn declared_as<'a>(&self, table: &'a Table) -> Option<&'a String> {
        let Way::ToOne { foreign_key } = self.way else { return None };
        table.foreign_keys.get(foreign_key).filter(|key| !key.enforced).map(|key| &key.name)
    }
}

/// Whether a table is a pure join table: its key is exactly two foreign keys and it has no other columns.
pub(crate) fn is_join_table(table: &Table) -> bool {
    let [first, second] = table.foreign_keys.as_slice() else { return false };
    let mut held: Vec<ColumnId> = first.columns.iter().chain(&second.columns).copied().collect();
    let mut key = table.key.clone();
    held.sort_unstable();
    key.sort_unstable();
    held == key && key.len() == table.columns.len()
}

/// All relationships with their default names.
pub(crate) fn drafts(tables: &[Table], style: Style) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let keys = served_foreign_keys(tables);
    for (table, foreign_key, key) in &keys {
        add_both_ways(&mut drafts, *table, *foreign_key, key);
    }
    add_many_to_many(&mut drafts, tables);
    name::give(tables, style, &mut drafts);
    drafts
}

/// Gives the relationships their places: in each table to-one first, then the others, each by name.
pub(crate) fn settle(tables: &mut [Table], drafts: &[Draft]) {
    let places = places(drafts);
    for draft in in_order(drafts).into_iter().filter_map(|n| drafts.get(n)) {
        if let Some(table) = tables.get_mut(draft.table.0 as usize) {
            table.relationships.push(relationship(draft, &places));
        }
    }
}

/// The foreign keys between resources, with their tables.
fn served_foreign_keys(tables: &[Table]) -> Vec<(TableId, usize, &ForeignKey)> {
    let served = |id: TableId| tables.get(id.0 as usize).is_some_and(Table::is_resource);
    (0..)
        .map(TableId)
        .zip(tables)
        .filter(|(id, _)| served(*id))
        .flat_map(|(id, table)| table.foreign_keys.iter().enumerate().map(move |(n, key)| (id, n, key)))
        .filter(|(_, _, key)| served(key.target))
        .collect()
}

fn add_both_ways(drafts: &mut Vec<Draft>, table: TableId, foreign_key: usize, key: &ForeignKey) {
    let to_one = drafts.len();
    drafts.push(Draft {
        table,
        name: String::new(),
        way: Way::ToOne { foreign_key },
        target: key.target,
        columns: key.columns.clone(),
        target_columns: key.target_columns.clone(),
        inverse: to_one + 1,
    });
    drafts.push(Draft {
        table: key.target,
        name: String::new(),
        way: Way::ToMany { foreign_key },
        target: table,
        columns: key.target_columns.clone(),
        target_columns: key.columns.clone(),
        inverse: to_one,
    });
}

fn add_many_to_many(drafts: &mut Vec<Draft>, tables: &[Table]) {
    for (through, _) in (0..).map(TableId).zip(tables).filter(|(_, table)| table.join_table) {
        let ends: Vec<usize> = (0..drafts.len())
            .filter(|n| {
                drafts.get(*n).is_some_and(|d| d.table == through && matches!(d.way, Way::ToOne { .. }))
            })
            .collect();
        if let [first, second] = ends.as_slice() {
            let next = drafts.len();
            let pair = [
                far_side(drafts, through, *first, *second, next + 1),
                far_side(drafts, through, *second, *first, next),
            ];
            drafts.extend(pair.into_iter().flatten());
        }
    }
}

/// What the table at the near end of a join table sees at the far end.
fn far_side(drafts: &[Draft], through: TableId, near: usize, far: usize, inverse: usize) -> Option<Draft> {
    let (near_end, far_end) = (drafts.get(near)?, drafts.get(far)?);
    Some(Draft {
        table: near_end.target,
        name: String::new(),
        way: Way::ManyToMany { through, near, far },
        target: far_end.target,
        columns: near_end.target_columns.clone(),
        target_columns: far_end.target_columns.clone(),
        inverse,
    })
}

/// The drafts in the order of tables and places.
fn in_order(drafts: &[Draft]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|n| drafts.get(*n).map(|d| (d.table, d.way.rank() > 0, d.name.clone())));
    order
}

/// Each draft's place in its table.
fn places(drafts: &[Draft]) -> Vec<RelationshipId> {
    let mut next: HashMap<TableId, u32> = HashMap::new();
    let mut places = vec![RelationshipId(0); drafts.len()];
    for n in in_order(drafts) {
        if let (Some(draft), Some(place)) = (drafts.get(n), places.get_mut(n)) {
            let free = next.entry(draft.table).or_default();
            *place = RelationshipId(*free);
            *free += 1;
        }
    }
    places
}

fn relationship(draft: &Draft, places: &[RelationshipId]) -> Relationship {
    let place = |n: usize| places.get(n).copied().unwrap_or(RelationshipId(0));
    let kind = match draft.way {
        Way::ToOne { foreign_key } => RelationshipKind::ToOne { foreign_key },
        Way::ToMany { foreign_key } => RelationshipKind::ToMany { foreign_key },
        Way::ManyToMany { through, near, far } => {
            RelationshipKind::ManyToMany { through, near: place(near), far: place(far) }
        }
    };
    Relationship {
        name: draft.name.clone(),
        kind,
        target: draft.target,
        columns: draft.columns.clone(),
        target_columns: draft.target_columns.clone(),
        inverse: place(draft.inverse),
        hidden: false,
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::tests::table;
    use crate::{Catalog, Schema, catalog, resolve};
    use dialects::Dialect;

    fn schema(tables: Vec<catalog::Table>) -> Schema {
        resolve(&Catalog { dialect: Dialect::Sqlite, tables }, None).unwrap()
    }

    /// The relationships of a schema as `table.name>target`.
    fn check(tables: Vec<catalog::Table>, expect: &[&str]) {
        let schema = schema(tables);
        let mut found = Vec::new();
        for table in &schema.tables {
            for relationship in &table.relationships {
                found.push(format!(
                    "{}.{}>{}",
                    table.name, relationship.name, schema[relationship.target].name
                ));
            }
        }
        assert_eq!(found, expect);
    }

    #[test]
    fn a_suffix_is_dropped_and_the_other_way_is_the_childs_name() {
        for column in ["customer_id", "customerId", "customerID", "customer_ID"] {
            check(
                vec![
                    table(None, "customers", &["id"], &["id"]),
                    table(None, "orders", &["id", column], &["id"]).referring(
                        &[column],
                        "customers",
                        &["id"],
                    ),
                ],
                &["customers.orders>orders", "orders.customer>customers"],
            );
        }
    }

    #[test]
    fn without_a_suffix_the_parents_name_is_taken_unless_a_column_has_it() {
        check(
            vec![
                table(None, "region", &["code"], &["code"]),
                table(None, "shop", &["id", "place"], &["id"]).referring(&["place"], "region", &["code"]),
                table(None, "staff", &["id", "region"], &["id"]).referring(&["region"], "region", &["code"]),
            ],
            &[
                "region.shop>shop",
                "region.staff>staff",
                "shop.region>region",
                "staff.region_by_region>region",
            ],
        );
    }

    #[test]
    fn self_references_and_several_keys_are_told_apart_by_column() {
        check(
            vec![
                table(None, "flights", &["id", "from_id", "to_id"], &["id"])
                    .referring(&["from_id"], "towns", &["id"])
                    .referring(&["to_id"], "towns", &["id"]),
                table(None, "towns", &["id", "county_id"], &["id"]).referring(
                    &["county_id"],
                    "towns",
                    &["id"],
                ),
            ],
            &[
                "flights.from>towns",
                "flights.to>towns",
                "towns.county>towns",
                "towns.flights_by_from_id>flights",
                "towns.flights_by_to_id>flights",
                "towns.towns_by_county_id>towns",
            ],
        );
    }

    #[test]
    fn composite_keys_take_the_parents_name() {
        check(
            vec![
                table(None, "lines", &["a", "b", "n"], &["a", "b", "n"]).referring(
                    &["a", "b"],
                    "sheets",
                    &["a", "b"],
                ),
                table(None, "sheets", &["a", "b", "lines"], &["a", "b"]),
            ],
            &["lines.sheets>sheets", "sheets.lines_by_a_b>lines"],
        );
    }

    #[test]
    fn a_pure_join_table_relates_both_ends_to_each_other() {
        check(
            vec![
                table(None, "posts", &["id"], &["id"]),
                table(None, "posts_tags", &["post_id", "tag_id"], &["post_id", "tag_id"])
                    .referring(&["post_id"], "posts", &["id"])
                    .referring(&["tag_id"], "tags", &["id"]),
                table(None, "tags", &["id"], &["id"]),
            ],
            &[
                "posts.posts_tags>posts_tags",
                "posts.tags>tags",
                "posts_tags.post>posts",
                "posts_tags.tag>tags",
                "tags.posts>posts",
                "tags.posts_tags>posts_tags",
            ],
        );
    }

    #[test]
    fn a_join_of_a_table_with_itself_has_two_sides() {
        check(
            vec![
                table(None, "friends", &["a_id", "b_id"], &["a_id", "b_id"])
                    .referring(&["a_id"], "people", &["id"])
                    .referring(&["b_id"], "people", &["id"]),
                table(None, "people", &["id"], &["id"]),
            ],
            &[
                "friends.a>people",
                "friends.b>people",
                "people.friends_by_a_id>friends",
                "people.friends_by_b_id>friends",
                "people.people_by_a_id>people",
                "people.people_by_b_id>people",
            ],
        );
    }

    #[test]
    fn a_to_many_gives_way_to_a_to_one() {
        check(
            vec![
                table(None, "order", &["id", "shop_id"], &["id"]).referring(&["shop_id"], "shop", &["id"]),
                table(None, "shop", &["id", "order_id"], &["id"]).referring(&["order_id"], "order", &["id"]),
            ],
            &[
                "order.shop>shop",
                "order.shop_by_order_id>shop",
                "shop.order>order",
                "shop.order_by_shop_id>order",
            ],
        );
    }

    #[test]
    fn tables_without_a_key_have_no_relationships() {
        check(
            vec![
                table(None, "log", &["user_id"], &[]).referring(&["user_id"], "users", &["id"]),
                table(None, "users", &["id"], &["id"]),
            ],
            &[],
        );
    }

    #[test]
    fn each_relationship_knows_its_other_end() {
        let schema = schema(vec![
            table(None, "posts", &["id"], &["id"]),
            table(None, "posts_tags", &["post_id", "tag_id"], &["post_id", "tag_id"])
                .referring(&["post_id"], "posts", &["id"])
                .referring(&["tag_id"], "tags", &["id"]),
            table(None, "tags", &["id"], &["id"]),
        ]);
        for (id, table) in schema.iter() {
            for (own, relationship) in table.relationships() {
                let back = &schema[relationship.target][relationship.inverse];
                assert_eq!((back.target, back.inverse), (id, own));
                assert_eq!(
                    (&back.columns, &back.target_columns),
                    (&relationship.target_columns, &relationship.columns)
                );
            }
        }
    }
}
