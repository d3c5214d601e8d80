//! Changes of to-many relationships, by foreign key and through join tables.

use dialects::{Dialect, Value};
use introspect::schema::{Action, ColumnDefault, RelationshipKind};
use introspect::{ColumnId, Relationship, RelationshipId, Schema};

use super::declare::{Rules, mul, relate};
use super::drive::{World, check, world};
use super::notation;
use crate::engine::{Hold, Lookup, Phase, Rows};
use crate::fixture::{self, INT, Sketch};

fn totals(rules: Rules<'_>) -> Rules<'_> {
    let amount = mul(rules.col("items", "quantity"), rules.col("items", "unit_price"));
    rules.formula("items.amount", amount).sum("orders.amount_total", "items.amount", None).sum(
        "customers.balance",
        "orders.amount_total",
        None,
    )
}

fn shop() -> World {
    let rows = "
        customers 1 balance=9.00; customers 2 balance=2.00
        orders 1 customer_id=1 amount_total=7.00; orders 2 customer_id=2 amount_total=2.00; orders 3 customer_id=1 amount_total=2.00
        items 1 order_id=1 quantity=3 unit_price=1 amount=3.00; items 2 order_id=1 quantity=4 unit_price=1 amount=4.00
        items 3 order_id=2 quantity=2 unit_price=1 amount=2.00; items 4 order_id=3 quantity=2 unit_price=1 amount=2.00
        items 5 quantity=1 unit_price=1 amount=1.00";
    world(&fixture::shop(), totals, rows)
}

#[test]
fn rows_that_come_and_leave_take_their_contributions_with_them() {
    check(
        &shop(),
        &[
            (
                "orders 1 items:+3",
                &[
                    "customers 1: balance 9.00 > 11.00",
                    "customers 2: balance 2.00 > 0.00",
                    "orders 1: amount_total 7.00 > 9.00",
                    "orders 2: amount_total 2.00 > 0.00",
                    "items 3: order_id 2 > 1",
                ],
            ),
            (
                "orders 1 items:-1,3,99",
                &[
                    "customers 1: balance 9.00 > 6.00",
                    "orders 1: amount_total 7.00 > 4.00",
                    "items 1: order_id 1 > null",
                ],
            ),
            (
                "orders 1 items:=2,5",
                &[
                    "customers 1: balance 9.00 > 7.00",
                    "orders 1: amount_total 7.00 > 5.00",
                    "items 1: order_id 1 > null",
                    "items 5: order_id null > 1",
                ],
            ),
            ("customers 1 orders:=1,3", &[]),
            ("customers 1 orders:+1", &[]),
            ("orders 2 items:-4", &[]),
        ],
    );
}

#[test]
fn operations_follow_each_other() {
    check(
        &shop(),
        &[
            ("orders 1 items:-1; orders 1 items:+1", &[]),
            ("items 5 order_id=1; orders 1 items:=1,2", &[]),
            (
                "orders 1 items:=1,2; items 5 order_id=1",
                &[
                    "customers 1: balance 9.00 > 10.00",
                    "orders 1: amount_total 7.00 > 8.00",
                    "items 5: order_id null > 1",
                ],
            ),
            (
                "-items 1; orders 1 items:=2",
                &["customers 1: balance 9.00 > 6.00", "orders 1: amount_total 7.00 > 4.00", "-items 1"],
            ),
            (
                "+orders customer_id=2; orders #0 items:=5,3",
                &[
                    "+orders amount_total=3.00 customer_id=2",
                    "customers 2: balance 2.00 > 3.00",
                    "orders 2: amount_total 2.00 > 0.00",
                    "items 3: order_id 2 > #0",
                    "items 5: order_id null > #0",
                ],
            ),
            (
                "+items quantity=2 unit_price=5; orders 1 items:+#0",
                &[
                    "+items quantity=2 unit_price=5 amount=10.00 order_id=1",
                    "customers 1: balance 9.00 > 19.00",
                    "orders 1: amount_total 7.00 > 17.00",
                ],
            ),
        ],
    );
}

#[test]
fn rows_that_are_not_there_or_cannot_move_are_named() {
    check(
        &shop(),
        &[
            ("orders 9 items:+1", &["orders 9: not found"]),
            ("orders 1 items:+1,8,9", &["items 8: not found", "items 9: not found"]),
            ("orders 1 items:=1,9", &["items 9: not found"]),
            ("-items 3; orders 1 items:+3", &["items 3: removed before operation 1"]),
            ("-orders 3; orders 3 items:=", &["orders 3: removed before operation 1"]),
            (
                "orders 1 items:=1,3!",
                &["items 2: cannot leave its order", "items 3: cannot come to its order"],
            ),
            ("orders 1 items:=2,1!", &[]),
            ("orders 1 items:+1!", &[]),
            ("orders 1 items:+9!", &["items 9: not found"]),
            ("orders 1 items:-3!", &[]),
        ],
    );
}

#[test]
fn more_rows_than_a_request_may_touch_are_not_replaced() {
    let shop = shop();
    let mut request = notation::request(&shop.schema, "orders 1 items:=1,2");
    request.rows_max = 1;
    assert_eq!(shop.text(&shop.run(&request)), ["orders 1: more than 1 rows"]);
    request.rows_max = 2;
    assert_eq!(shop.text(&shop.run(&request)), Vec::<String>::new());
}

#[test]
fn a_row_that_the_database_finds_under_another_spelling_is_not_the_one_that_is_named() {
    let shop = shop();
    let other = shop.database.clone();
    let mut rows = Rows::default();
    let request = notation::request(&shop.schema, "orders 1 items:+9");
    let (outcome, _) = shop.phase(&request, &mut rows, Phase::Locked, &mut |lookup, rows| match lookup {
        Lookup::Row(row) if row.finder.values == [Value::Int(9)] => {
            let (_, image) = other.table(row.finder.table).next().unwrap();
            rows.add(&shop.schema, Some(row.finder.clone()), row.finder.table, image.clone(), row.hold);
        }
        lookup => other.serve(lookup, rows, None, true),
    });
    assert_eq!(shop.text(&outcome), ["items 9: not found"]);
}

/// Posts and tags, related both ways through a table of nothing but their keys.
fn blog() -> Schema {
    let join = Sketch::new("posts_tags").column("tag_id", INT).with(|table| {
        table.columns[0].name = "post_id".into();
        table.columns[0].default = ColumnDefault::None;
        table.columns[1].nullable = false;
        table.key = vec![ColumnId(0), ColumnId(1)];
        table.join_table = true;
    });
    let posts = Sketch::new("posts").column("tag_count", INT);
    let tags = Sketch::new("tags").column("post_count", INT);
    let mut schema = fixture::schema(Dialect::Postgres, vec![posts, join, tags]);
    relate(&mut schema, "posts_tags.post_id", "posts.id", ("post", "posts_tags"), Action::Cascade);
    relate(&mut schema, "posts_tags.tag_id", "tags.id", ("tag", "posts_tags"), Action::NoAction);
    let through = schema.find("posts_tags").unwrap();
    for (own, other, near, far) in [("posts", "tags", 0, 1), ("tags", "posts", 1, 0)] {
        let (own, target) = (schema.find(own).unwrap(), schema.find(other).unwrap());
        schema.tables[own.0 as usize].relationships.push(Relationship {
            name: other.into(),
            kind: RelationshipKind::ManyToMany {
                through,
                near: RelationshipId(near),
                far: RelationshipId(far),
            },
            target,
            columns: vec![ColumnId(0)],
            target_columns: vec![ColumnId(0)],
            inverse: RelationshipId(1),
            hidden: false,
        });
    }
    schema
}

fn counts(rules: Rules<'_>) -> Rules<'_> {
    rules.count("posts.tag_count", "posts_tags.tag_id", None).count(
        "tags.post_count",
        "posts_tags.tag_id",
        None,
    )
}

const POSTS: &str = "
    posts 1 tag_count=2; posts 2 tag_count=0; tags 1 post_count=1; tags 2 post_count=1; tags 3 post_count=0
    posts_tags 1/1; posts_tags 1/2";

#[test]
fn a_row_that_is_known_to_be_there_is_not_locked() {
    let blog = world(&blog(), counts, POSTS);
    let request = notation::request(&blog.schema, "posts 1 tags:=1,2");
    // What is not known yet is asked for at once.
    let all = "posts_tags 1/1; posts_tags 1/2; tags 1 referenced; tags 2 referenced";
    let (_, waves) = blog.locked(&request, None);
    assert_eq!(waves, [format!("posts 1 change; {all}; posts_tags of post_id=1")]);
    let mut rows = Rows::default();
    blog.phase(&request, &mut rows, Phase::Discover, &mut |lookup, rows| {
        blog.database.serve(lookup, rows, Some(Hold::PLAIN), false);
    });
    rows.unlock();
    let (_, waves) = blog.phase(&request, &mut rows, Phase::Locked, &mut |lookup, rows| {
        blog.database.serve(lookup, rows, None, true);
    });
    assert_eq!(waves, ["posts 1 change; posts_tags of post_id=1"]);
}

#[test]
fn rows_of_a_join_table_come_and_go() {
    check(
        &world(&blog(), counts, POSTS),
        &[
            (
                "posts 1 tags:=2,3",
                &[
                    "+posts_tags post_id=1 tag_id=3",
                    "tags 1: post_count 1 > 0",
                    "tags 3: post_count 0 > 1",
                    "-posts_tags 1/1",
                ],
            ),
            ("posts 1 tags:+2,1", &[]),
            ("posts 1 tags:-3", &[]),
            (
                "tags 3 posts:+1,2",
                &[
                    "+posts_tags post_id=1 tag_id=3",
                    "+posts_tags post_id=2 tag_id=3",
                    "posts 1: tag_count 2 > 3",
                    "posts 2: tag_count 0 > 1",
                    "tags 3: post_count 0 > 2",
                ],
            ),
            (
                "posts 1 tags:=",
                &[
                    "posts 1: tag_count 2 > 0",
                    "tags 1: post_count 1 > 0",
                    "tags 2: post_count 1 > 0",
                    "-posts_tags 1/1",
                    "-posts_tags 1/2",
                ],
            ),
            ("posts 1 tags:-1; posts 1 tags:+1", &[]),
            ("posts 1 tags:+3; posts 1 tags:-3", &[]),
            // A pair that comes back leaves what else is removed as it is.
            ("-tags 2; posts 1 tags:-1; posts 1 tags:+1", &["tags 2: still tag of posts_tags"]),
            ("tags 3 posts:+1; posts 1 tags:=1,2", &[]),
            (
                "posts 2 tags:=1; posts 2 tags:+3",
                &[
                    "+posts_tags post_id=2 tag_id=1",
                    "+posts_tags post_id=2 tag_id=3",
                    "posts 2: tag_count 0 > 2",
                    "tags 1: post_count 1 > 2",
                    "tags 3: post_count 0 > 1",
                ],
            ),
            (
                "+posts; +tags; posts #0 tags:=#1,3",
                &[
                    "+posts tag_count=2",
                    "+tags post_count=1",
                    "+posts_tags post_id=#0 tag_id=3",
                    "+posts_tags post_id=#0 tag_id=#1",
                    "tags 3: post_count 0 > 1",
                ],
            ),
            ("posts 1 tags:+9", &["tags 9: not found"]),
            ("posts 9 tags:+1", &["posts 9: not found"]),
            ("posts 1 tags:=1,2!", &[]),
            (
                "posts 1 tags:=1,3!",
                &["posts_tags 1/2: cannot leave its post", "tags 3: cannot come to its posts"],
            ),
        ],
    );
}
