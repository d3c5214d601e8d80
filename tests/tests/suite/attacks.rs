//! Attacks on access policies. Those that come through are told at the end of each test.

mod place;

use dialects::{Dialect, Value};
use http::Method;
use proxy::state::ApiSettings;
use serde_json::{Value as Json, json};
use tests::Guarded;
use tests::client::{request, with_body, with_header};

use place::{FORUM, forum, hole, none_came_through, show, tell};

#[tokio::test]
async fn attacks_locked_foreign_keys() {
    let place = forum(
        "
access:
  - role: member
    resource: users
    read: true
    update: true
  - role: member
    resource: posts
    read: true
    create: true
    set: {author_id: actor.claim('user')}
    attributes: {read_only: [reviewer]}
  - role: member
    resource: posts
    update: author_id = actor.claim('user')
    attributes: {read_only: [author, reviewer, labels]}
  - role: member
    resource: labels
    read: true
    update: true
",
    )
    .await;
    let ann = place.client("ann", &["member"], &[("user", Value::Int(1))]);
    let add = json!({"op": "add", "data": {"type": "posts", "lid": "p", "attributes": {"title": "x"}}});
    tell("direct author: must be refused", &ann, Method::POST, "/api/posts", json!({"data": {"type": "posts", "attributes": {"title": "x"}, "relationships": {"author": {"data": {"type": "users", "id": "2"}}}}})).await;
    tell("a read-only foreign key of a new row, by lid [!refused]", &ann, Method::POST, "/api/operations", json!([add, {"op": "add", "ref": {"type": "users", "id": "2", "relationship": "posts_by_reviewer_id"}, "data": [{"type": "posts", "lid": "p"}]}])).await;
    println!("{}", String::from_utf8_lossy(&ann.quietly(request(Method::GET, "/api/users/2")).await.body));
    tell("a preset foreign key of a new row, by lid [!refused]", &ann, Method::POST, "/api/operations", json!([add, {"op": "add", "ref": {"type": "users", "id": "2", "relationship": "posts_by_author_id"}, "data": [{"type": "posts", "lid": "p"}]}])).await;
    show(&place, "select id, author_id, reviewer_id from posts", 3).await;
    tell(
        "labels of own post: refused",
        &ann,
        Method::POST,
        "/api/posts/1/relationships/labels",
        json!({"data": [{"type": "labels", "id": "1"}]}),
    )
    .await;
    tell(
        "labels, read-only for posts, from the other side [!refused]",
        &ann,
        Method::POST,
        "/api/labels/1/relationships/posts",
        json!({"data": [{"type": "posts", "id": "1"}]}),
    )
    .await;
    tell(
        "labels of a post that may not be changed, from the other side [!refused]",
        &ann,
        Method::DELETE,
        "/api/labels/2/relationships/posts",
        json!({"data": [{"type": "posts", "id": "2"}]}),
    )
    .await;
    show(&place, "select post_id, label_id from post_labels", 2).await;
    none_came_through();
}

#[tokio::test]
async fn attacks_what_rules_say_of_hidden_rows() {
    let tables = format!(
        "{FORUM} create table big (id integer primary key, post_id integer, v smallint, foreign key (post_id) references posts(id));"
    );
    for (name, word, rules) in [
        (
            "transition",
            "secretst",
            "
derive:
  posts.total: sum(votes.n)
  posts.state: case when total > 40000 then 'wild' else 'secretst' end
transition:
  posts.state:
    initial: [new, secretst]
    secretst: [new]
    wild: []
",
        ),
        (
            "constraint",
            "theirs",
            "
derive:
  posts.total: sum(votes.n)
constrain:
  posts:
    - check: total < 40000
      message: 'the total {total} of {title} is too much'
",
        ),
        (
            "overflow",
            "nothing at all",
            "
derive:
  posts.total: sum(votes.n)
",
        ),
    ] {
        let tables = if name == "overflow" {
            tables.replace("total integer", "total decimal(6,0)")
        } else {
            tables.clone()
        };
        println!("=== {name}");
        let place = Guarded::open(
            Dialect::Sqlite,
            &tables,
            rules,
            "
access:
  - role: member
    resource: posts
    read: author_id = actor.claim('user')
  - role: member
    resource: votes
    all: true
",
        )
        .await;
        let ann = place.client("ann", &["member"], &[("user", Value::Int(1))]);
        tell("hidden post", &ann, Method::GET, "/api/posts/2", Json::Null).await;
        tell(
            &format!("{name}: vote on a hidden post [!{word}]"),
            &ann,
            Method::PATCH,
            "/api/votes/1",
            json!({"data": {"type": "votes", "id": "1", "attributes": {"n": 50000}}}),
        )
        .await;
        tell(
            &format!("{name}: vote on a hidden post [!{word}]"),
            &ann,
            Method::PATCH,
            "/api/votes/1",
            json!({"data": {"type": "votes", "id": "1", "attributes": {"n": 9999999}}}),
        )
        .await;
    }
    none_came_through();
}

#[tokio::test]
async fn attacks_names_in_errors() {
    let place = forum(
        "
access:
  - role: member
    resource: posts
    read: tenant_id = actor.claim('tenant')
    create: true
    set: {tenant_id: actor.claim('tenant')}
    attributes: {hidden: [tenant_id, reviewer]}
",
    )
    .await;
    let ann = place.client("ann", &["member"], &[("tenant", Value::Int(1))]);
    tell("GET", &ann, Method::GET, "/api/posts/1", Json::Null).await;
    tell(
        "unique with a hidden column [!tenant_id]",
        &ann,
        Method::POST,
        "/api/posts",
        json!({"data": {"type": "posts", "attributes": {"title": "x", "code": "a"}}}),
    )
    .await;
    let traced = ann
        .quietly(with_header(
            with_body(
                request(Method::POST, "/api/posts"),
                &json!({"data": {"type": "posts", "attributes": {"title": "x"}}}),
            ),
            "rulegate-trace",
            "1",
        ))
        .await;
    println!("{}", String::from_utf8_lossy(&traced.body));
    none_came_through();
}

#[tokio::test]
async fn attacks_trace() {
    let api = ApiSettings { trace_roles: vec!["member".into()], ..ApiSettings::default() };
    let place = Guarded::with(
        Dialect::Sqlite,
        FORUM,
        "
derive:
  posts.total: sum(votes.n)
  posts.code: copy(author.region)
constrain:
  posts:
    - check: total < 40000
      message: 'the total {total} of {title} is too much'
",
        "
access:
  - role: member
    resource: posts
    read: author_id = actor.claim('user')
    update: true
    attributes: {hidden: [tenant_id, state]}
  - role: member
    resource: votes
    read: n < 10
    create: n < 10
    update: n < 10
  - role: member
    resource: users
    read: true
",
        api,
    )
    .await;
    let ann = place.client("ann", &["member"], &[("user", Value::Int(1))]);
    let vote = |n: u32, post: &str| {
        let post = json!({"post": {"data": {"type": "posts", "id": post}}});
        json!({"data": {"type": "votes", "attributes": {"n": n}, "relationships": post}})
    };
    let author = |id: &str| {
        json!({"data": {"type": "posts", "id": "1", "attributes": {"title": "given"},
            "relationships": {"author": {"data": {"type": "users", "id": id}}}}})
    };
    let cases = [
        ("of a row that is hidden [!31337]", Method::POST, "/api/votes", vote(1, "2")),
        ("of what is refused [!posts.total]", Method::POST, "/api/votes", vote(100, "1")),
        ("of what rules do to a visible row", Method::POST, "/api/votes", vote(3, "1")),
        ("of a row that gets out of sight [!posts.code]", Method::PATCH, "/api/posts/1", author("2")),
    ];
    for (what, method, target, body) in cases {
        let sent = with_header(with_body(request(method, target), &body), "rulegate-trace", "1");
        let answer = ann.quietly(sent).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        println!("{what}: {} {text}", answer.status);
        match what.split_once("[!") {
            Some((_, word)) if text.contains(word.trim_end_matches(']')) => hole(format!("{what}: {text}")),
            None if !text.contains("posts.total") => hole(format!("too little {what}: {text}")),
            _ => {}
        }
    }
    none_came_through();
}

#[tokio::test]
async fn attacks_several_grants_of_create() {
    let place = forum(
        "
access:
  - role: member
    resource: posts
    read: true
    create: author_id = actor.claim('user')
    attributes: {read_only: [labels, state]}
  - role: editor
    resource: posts
    create: state = 'draft'
  - role: '*'
    resource: [users, labels]
    read: true
",
    )
    .await;
    let ann = place.client("ann", &["member", "editor"], &[("user", Value::Int(1))]);
    let author = json!({"data": {"type": "users", "id": "1"}});
    let labels = json!({"data": [{"type": "labels", "id": "1"}]});
    tell("member only, labels: refused", &place.client("ann", &["member"], &[("user", Value::Int(1))]), Method::POST, "/api/posts", json!({"data": {"type": "posts", "attributes": {"title": "x"}, "relationships": {"author": author, "labels": labels}}})).await;
    tell("editor only, labels: refused", &place.client("ann", &["editor"], &[("user", Value::Int(1))]), Method::POST, "/api/posts", json!({"data": {"type": "posts", "attributes": {"title": "x"}, "relationships": {"author": author, "labels": labels}}})).await;
    tell("both, state: refused", &ann, Method::POST, "/api/posts", json!({"data": {"type": "posts", "attributes": {"title": "x", "state": "done"}, "relationships": {"author": author}}})).await;
    tell("both, labels [!refused]", &ann, Method::POST, "/api/posts", json!({"data": {"type": "posts", "attributes": {"title": "x"}, "relationships": {"author": author, "labels": labels}}})).await;
    show(&place, "select post_id, label_id from post_labels", 2).await;
    none_came_through();
}

#[tokio::test]
async fn attacks_other_spellings_of_new_rows() {
    let tables = "create table notes (id varchar(20) primary key, owner varchar(20), approved integer, text varchar(20));
        insert into notes values ('old', 'ann', 0, 'x');";
    for dialect in [Dialect::Mysql, Dialect::Sqlite] {
        let place = Guarded::open(
            dialect,
            tables,
            "{}",
            "
access:
  - role: member
    resource: notes
    read: true
    create: owner = actor.id
    update: owner = 'nobody'
    attributes: {read_only: [approved]}
  - role: member
    resource: notes
    update: owner = 'nobody'
",
        )
        .await;
        let ann = place.client("ann", &["member"], &[]);
        let add = |id: &str| json!({"op": "add", "data": {"type": "notes", "id": id, "attributes": {"owner": "ann"}}});
        let update = |id: &str| json!({"op": "update", "data": {"type": "notes", "id": id, "attributes": {"approved": 1}}});
        tell("same id: refused", &ann, Method::POST, "/api/operations", json!([add("a"), update("a")])).await;
        tell("other spelling", &ann, Method::POST, "/api/operations", json!([add("b"), update("B")])).await;
        tell("other spelling", &ann, Method::POST, "/api/operations", json!([add("c"), update("c ")])).await;
        tell("old in other spelling", &ann, Method::POST, "/api/operations", json!([update("OLD")])).await;
        show(&place, "select id, owner, approved from notes", 3).await;
    }
    none_came_through();
}

#[tokio::test]
async fn attacks_names_in_errors_of_the_database() {
    let tables = "create table tenants (id integer primary key);
        create table notes (id integer primary key, tenant_id integer not null, secret varchar(5), checked integer check (checked < 5), text varchar(20), foreign key (tenant_id) references tenants(id));
        insert into tenants values (1);";
    for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
        let place = Guarded::open(
            dialect,
            tables,
            "
derive:
  notes.secret: text
",
            "
access:
  - role: member
    resource: notes
    read: true
    create: true
    update: true
    set: {tenant_id: actor.claim('tenant'), checked: actor.claim('checked')}
    attributes: {hidden: [tenant_id, secret, checked]}
",
        )
        .await;
        println!("=== {dialect:?}");
        let post = |text: &str| json!({"data": {"type": "notes", "id": "7", "attributes": {"text": text}}});
        tell(
            "no claim [!tenant]",
            &place.client("ann", &["member"], &[]),
            Method::POST,
            "/api/notes",
            post("x"),
        )
        .await;
        tell(
            "tenant that is not there [!tenant]",
            &place.client("ann", &["member"], &[("tenant", Value::Int(9))]),
            Method::POST,
            "/api/notes",
            post("x"),
        )
        .await;
        tell(
            "check",
            &place.client("ann", &["member"], &[("tenant", Value::Int(1)), ("checked", Value::Int(9))]),
            Method::POST,
            "/api/notes",
            post("x"),
        )
        .await;
        tell(
            "derived and hidden too long",
            &place.client("ann", &["member"], &[("tenant", Value::Int(1))]),
            Method::POST,
            "/api/notes",
            post("too long a text"),
        )
        .await;
    }
    none_came_through();
}

#[tokio::test]
async fn attacks_new_rows_by_a_preset_key() {
    let tables = "create table cases (id integer primary key, secret integer not null);
        create table profiles (user_id varchar(20) primary key, region varchar(10), verified integer, case_id integer, foreign key (case_id) references cases(id));
        insert into cases values (1, 1);";
    for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
        println!("=== {dialect:?}");
        let place = Guarded::open(
            dialect,
            tables,
            "{}",
            "
access:
  - role: '*'
    resource: cases
    read: secret = 0
  - role: '*'
    resource: profiles
    read: true
    create: region is null
    set: {user_id: actor.id}
    attributes: {read_only: [verified]}
  - role: '*'
    resource: profiles
    update: region = actor.claim('moderates')
",
        )
        .await;
        let add = json!({"op": "add", "data": {"type": "profiles", "lid": "p", "attributes": {}}});
        let update = |attributes: Json| json!({"op": "update", "data": {"type": "profiles", "id": "ann", "attributes": attributes}});
        let by_lid = |attributes: Json| json!({"op": "update", "data": {"type": "profiles", "lid": "p", "attributes": attributes}});
        let ann = place.client("ann", &[], &[]);
        tell(
            "verified at once: refused",
            &ann,
            Method::POST,
            "/api/profiles",
            json!({"data": {"type": "profiles", "attributes": {"verified": 1}}}),
        )
        .await;
        tell(
            "by lid: refused",
            &ann,
            Method::POST,
            "/api/operations",
            json!([add, by_lid(json!({"verified": 1}))]),
        )
        .await;
        tell(
            "by preset key [!refused]",
            &ann,
            Method::POST,
            "/api/operations",
            json!([add, update(json!({"verified": 1}))]),
        )
        .await;
        show(&place, "select user_id, region, verified, case_id from profiles", 4).await;
        tell(
            "later: refused",
            &ann,
            Method::PATCH,
            "/api/profiles/ann",
            json!({"data": {"type": "profiles", "id": "ann", "attributes": {"verified": 2}}}),
        )
        .await;
        let bob = place.client("bob", &[], &[]);
        let case = json!({"case": {"data": {"type": "cases", "id": "1"}}});
        let mut link =
            json!({"op": "update", "data": {"type": "profiles", "id": "bob", "relationships": case}});
        tell(
            "a hidden case by preset key [!refused]",
            &bob,
            Method::POST,
            "/api/operations",
            json!([add, link]),
        )
        .await;
        link["data"]["relationships"]["case"]["data"]["id"] = json!("2");
        let cyd = place.client("cyd", &[], &[]);
        link["data"]["id"] = json!("cyd");
        tell("no case by preset key", &cyd, Method::POST, "/api/operations", json!([add, link])).await;
        show(&place, "select user_id, region, verified, case_id from profiles", 4).await;
    }
    none_came_through();
}

#[tokio::test]
async fn attacks_parents_that_are_inserted() {
    let tables = "create table months (name varchar(10) primary key, total integer, tenant integer);
        create table spendings (id integer primary key, month_name varchar(10), amount integer, foreign key (month_name) references months(name));
        insert into months values ('may', 0, 2);";
    let place = Guarded::open(
        Dialect::Sqlite,
        tables,
        "
derive:
  months.total: {as: 'sum(spendings.amount)', insert_parent: true}
",
        "
access:
  - role: member
    resource: months
    read: tenant = 1
  - role: member
    resource: spendings
    all: true
",
    )
    .await;
    let ann = place.client("ann", &["member"], &[]);
    for month in ["may", "june"] {
        tell("a hidden month and none", &ann, Method::POST, "/api/spendings", json!({"data": {"type": "spendings", "attributes": {"amount": 1}, "relationships": {"months": {"data": {"type": "months", "id": month}}}}})).await;
    }
    none_came_through();
}

#[tokio::test]
async fn attacks_messages_of_free_grants() {
    for (kind, votes) in [("free", "all: true"), ("conditional", "all: n > 0")] {
        let place = Guarded::open(
            Dialect::Sqlite,
            FORUM,
            "
derive:
  posts.total: sum(votes.n)
constrain:
  posts:
    - check: total < 40000
      message: 'the total of {title} is {total} and its code {code}'
",
            &format!(
                "
access:
  - role: member
    resource: posts
    read: true
    attributes: {{hidden: [title]}}
  - role: member
    resource: votes
    {votes}
"
            ),
        )
        .await;
        let ann = place.client("ann", &["member"], &[]);
        tell(
            &format!("{kind}: a hidden attribute [!theirs]"),
            &ann,
            Method::PATCH,
            "/api/votes/1",
            json!({"data": {"type": "votes", "id": "1", "attributes": {"n": 50000}}}),
        )
        .await;
        let place = Guarded::open(
            Dialect::Sqlite,
            FORUM,
            "
derive:
  posts.total: sum(votes.n)
  posts.state: case when total > 40000 then 'wild' else 'secretst' end
transition:
  posts.state:
    initial: [new, secretst]
    secretst: [new]
    wild: []
",
            &format!(
                "
access:
  - role: member
    resource: posts
    read: author_id = 77
  - role: member
    resource: votes
    {votes}
"
            ),
        )
        .await;
        let ann = place.client("ann", &["member"], &[]);
        tell(
            &format!("{kind}: the state of a hidden row [!secretst]"),
            &ann,
            Method::PATCH,
            "/api/votes/1",
            json!({"data": {"type": "votes", "id": "1", "attributes": {"n": 50000}}}),
        )
        .await;
    }
    none_came_through();
}

#[tokio::test]
async fn attacks_new_members_from_the_other_side() {
    let place = forum(
        "
access:
  - role: member
    resource: posts
    read: true
    create: true
    attributes: {hidden: [labels]}
  - role: member
    resource: labels
    read: true
    update: true
",
    )
    .await;
    let ann = place.client("ann", &["member"], &[]);
    tell(
        "hidden labels",
        &ann,
        Method::POST,
        "/api/labels/1/relationships/posts",
        json!({"data": [{"type": "posts", "id": "1"}]}),
    )
    .await;
    tell("hidden labels as a filter", &ann, Method::GET, "/api/labels?filter[posts]=2", Json::Null).await;
    none_came_through();
}

#[tokio::test]
async fn attacks_receipts_of_somebody_else_of_the_same_name() {
    let place = forum(
        "
access:
  - role: full
    resource: posts
    all: tenant_id = actor.claim('tenant')
    set: {tenant_id: actor.claim('tenant')}
  - role: less
    resource: posts
    read: author_id = 77
    create: true
    attributes: {hidden: [state]}
",
    )
    .await;
    proxy::run::receipts::create(&place.database.pool).await.unwrap();
    let body = json!({"data": {"type": "posts", "id": "9", "attributes": {"title": "x"}}});
    for (role, tenant, status) in [("full", 1, 201), ("full", 1, 201), ("full", 2, 422), ("less", 1, 422)] {
        let client = place.client("ann", &[role], &[("tenant", Value::Int(tenant))]);
        let sent = with_body(request(Method::POST, "/api/posts"), &body);
        client.quietly(with_header(sent, "idempotency-key", "k")).await.expect(status);
    }
}

#[tokio::test]
async fn attacks_one_to_one_and_self() {
    let tables = "create table users (id integer primary key, name varchar(10), boss_id integer, foreign key (boss_id) references users(id));
        create table files (id integer primary key, user_id integer unique, secret integer, foreign key (user_id) references users(id));
        insert into users values (1, 'ann', null), (2, 'bob', 1), (3, 'cyd', 2);
        insert into files values (77, 1, 1), (78, 2, 0);";
    let place = Guarded::open(
        Dialect::Sqlite,
        tables,
        "{}",
        "
access:
  - role: member
    resource: users
    read: true
    update: boss.name = actor.id
  - role: member
    resource: files
    read: secret = 0
    create: true
    update: true
",
    )
    .await;
    let ann = place.client("ann", &["member"], &[]);
    for target in [
        "/api/users/1",
        "/api/users/1?include=files",
        "/api/users/1/files",
        "/api/users/1/relationships/files",
        "/api/users?filter[files]=77",
        "/api/users?filter[files.id]=77",
        "/api/users/2/relationships/files",
    ] {
        tell("one to one [!\"id\":\"77\"]", &ann, Method::GET, target, Json::Null).await;
    }
    let boss = |id: &str, boss: &str| json!({"op": "update", "data": {"type": "users", "id": id, "relationships": {"boss": {"data": {"type": "users", "id": boss}}}}});
    tell("cyd is bob's", &ann, Method::POST, "/api/operations", json!([boss("3", "1")])).await;
    tell("bob renamed, then cyd [!refused]", &ann, Method::POST, "/api/operations", json!([{"op": "update", "data": {"type": "users", "id": "2", "attributes": {"name": "ann"}}}, boss("3", "1")])).await;
    tell("ann's own row [!refused]", &ann, Method::PATCH, "/api/users/1", json!({"data": {"type": "users", "id": "1", "relationships": {"boss": {"data": {"type": "users", "id": "1"}}}}})).await;
    tell(
        "bob by the members of ann [!refused]",
        &ann,
        Method::PATCH,
        "/api/users/2/relationships/users_by_boss",
        json!({"data": []}),
    )
    .await;
    tell("a file over a hidden one: taken", &ann, Method::PATCH, "/api/files/78", json!({"data": {"type": "files", "id": "78", "relationships": {"user": {"data": {"type": "users", "id": "1"}}}}})).await;
    none_came_through();
}
