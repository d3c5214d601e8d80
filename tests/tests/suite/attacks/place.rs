//! A database with access rules, somebody who asks, and what came through of what they tried.

use dialects::Dialect;
use http::Method;
use serde_json::Value as Json;
use tests::client::{operations_request, request, with_body};
use tests::{Client, Guarded};

/// The forum on SQLite, without rules.
pub(super) async fn forum(access: &str) -> Guarded {
    Guarded::open(Dialect::Sqlite, FORUM, "{}", access).await
}

pub(super) async fn show(place: &Guarded, query: &str, columns: usize) {
    println!("    {query}: {:?}", place.database.rows(query, columns).await);
}

thread_local! {
    static HOLES: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

pub(super) fn hole(what: String) {
    HOLES.with_borrow_mut(|holes| holes.push(what));
}

/// All that came through.
#[track_caller]
pub(super) fn none_came_through() {
    let holes = HOLES.with_borrow_mut(std::mem::take);
    assert!(holes.is_empty(), "came through:\n{}", holes.join("\n"));
}

/// What a title says in brackets is kept: `[!refused]` of what must not succeed, `[!word]` of what must not be told.
pub(super) async fn tell(what: &str, client: &Client, method: Method, target: &str, body: Json) {
    let sent = match (target.ends_with("operations"), body.is_null()) {
        (true, _) => operations_request(body.as_array().unwrap().clone()),
        (_, true) => request(method.clone(), target),
        _ => with_body(request(method.clone(), target), &body),
    };
    let answer = client.quietly(sent).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    if let Some(word) = what.split_once("[!").and_then(|(_, rest)| rest.split_once(']')).map(|(word, _)| word)
    {
        let through =
            if word == "refused" { answer.status < 300 || answer.status == 500 } else { text.contains(word) };
        if through {
            hole(format!("{what}: {method} {target} {body} -> {} {text}", answer.status));
        }
    }
    println!(
        "{what}\n    {method} {target} {body}\n    -> {} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
}

/// Users, posts of theirs, votes on posts, and labels.
pub(super) const FORUM: &str = "
create table users (id integer primary key, name varchar(40) not null, region varchar(10));
create table posts (id integer primary key, author_id integer, reviewer_id integer, title varchar(40) not null, code varchar(10), tenant_id integer, state varchar(10), total integer,
  foreign key (author_id) references users(id), foreign key (reviewer_id) references users(id), unique (tenant_id, code));
create table votes (id integer primary key, post_id integer not null, n integer not null, foreign key (post_id) references posts(id));
create table labels (id integer primary key, word varchar(20) not null);
create table post_labels (post_id integer not null, label_id integer not null, primary key (post_id, label_id),
  foreign key (post_id) references posts(id), foreign key (label_id) references labels(id));
insert into users values (1, 'ann', 'north'), (2, 'bob', 'south');
insert into posts values (1, 1, null, 'mine', 'a', 1, 'new', 0), (2, 2, null, 'theirs', 'b', 1, 'secretst', 31337), (3, 2, null, 'tenant 2', 'c', 2, 'new', 0);
insert into votes values (1, 2, 31337);
insert into labels values (1, 'red'), (2, 'blue');
insert into post_labels values (2, 2);
";
