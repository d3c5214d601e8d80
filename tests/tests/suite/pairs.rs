//! What is granted of the rows of a join table holds when pairs are added and removed through a relationship, from either side.

use http::Method;
use serde_json::{Value as Json, json};
use tests::database::ALL;
use tests::{Client, Guarded};

const TABLES: &str = "
create table posts (id integer primary key, title varchar(20) not null, state varchar(10) not null);
create table labels (id integer primary key, word varchar(20) not null);
create table post_labels (post_id integer not null, label_id integer not null, primary key (post_id, label_id),
  foreign key (post_id) references posts(id), foreign key (label_id) references labels(id));
insert into posts values (1, 'open', 'open'), (2, 'closed', 'closed');
insert into labels values (1, 'red'), (2, 'blue'), (3, 'staff'), (4, 'green');
insert into post_labels values (1, 2), (1, 3), (2, 2), (2, 3);
";

const BOTH: &str = "
access:
  - role: '*'
    resource: [posts, labels]
    all: true
";

async fn each(access: &str, case: impl AsyncFn(&Guarded, Client)) {
    for dialect in ALL {
        println!("on {dialect:?}");
        let place = Guarded::open(dialect, TABLES, "{}", &format!("{BOTH}{access}")).await;
        let client = place.client("ann", &["writer"], &[]);
        case(&place, client).await;
    }
}

fn labels(ids: &[u32]) -> Json {
    members("labels", ids)
}

fn members(ty: &str, ids: &[u32]) -> Json {
    ids.iter().map(|id| json!({"type": ty, "id": id.to_string()})).collect()
}

const OF_1: &str = "/api/posts/1/relationships/labels";
const OF_2: &str = "/api/posts/2/relationships/labels";

async fn pairs(place: &Guarded) -> String {
    let query = "select post_id, label_id from post_labels order by 1, 2";
    let rows = place.database.rows(query, 2).await;
    rows.iter().map(|row| row.concat()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_may_be_added_and_removed_is_judged_pair_by_pair() {
    let access = "
  - role: writer
    resource: post_labels
    read: true
    create: post.state = 'open' and label.word <> 'staff'
    delete: post.state = 'open' and label.word <> 'staff'
";
    each(access, async |place, client| {
        let refused = [
            (Method::POST, OF_2, labels(&[1])),
            (Method::POST, OF_2, labels(&[2, 1])),
            (Method::DELETE, OF_2, labels(&[2])),
            (Method::DELETE, OF_1, labels(&[2, 3])),
            (Method::PATCH, OF_1, labels(&[1])),
            (Method::PATCH, OF_2, labels(&[2, 3, 4])),
            (Method::POST, "/api/labels/1/relationships/posts", members("posts", &[1, 2])),
            (Method::DELETE, "/api/labels/3/relationships/posts", members("posts", &[1])),
        ];
        for (method, target, body) in refused {
            client.relate(method, target, body).await.refused(403, "forbidden");
        }
        assert_eq!(pairs(place).await, "12 13 22 23");
        client.relate(Method::POST, OF_1, labels(&[1])).await.expect(204);
        client.relate(Method::POST, OF_2, labels(&[2])).await.expect(204);
        client.relate(Method::PATCH, OF_1, labels(&[3, 4])).await.expect(204);
        client.relate(Method::PATCH, OF_2, labels(&[3, 2])).await.expect(204);
        client.relate(Method::DELETE, OF_2, labels(&[1])).await.expect(204);
        assert_eq!(pairs(place).await, "13 14 22 23");
        let label = json!({"data": {"type": "labels", "id": "9", "attributes": {"word": "staff"},
            "relationships": {"posts": {"data": members("posts", &[1])}}}});
        client.post("/api/labels", label.clone()).await.refused(403, "forbidden");
        let mut red = label;
        red["data"]["attributes"]["word"] = json!("red");
        client.post("/api/labels", red).await.expect(201);
        assert_eq!(pairs(place).await, "13 14 19 22 23");
    })
    .await;
}

#[tokio::test]
async fn a_pair_that_is_hidden_stays() {
    let access = "
  - every_role_but: [admin]
    resource: post_labels
    read: label.word <> 'staff'
    create: label.word <> 'staff'
";
    each(access, async |place, client| {
        client.relate(Method::DELETE, OF_1, labels(&[3])).await.expect(204);
        client.relate(Method::PATCH, OF_1, labels(&[1])).await.expect(204);
        client.relate(Method::PATCH, OF_2, labels(&[])).await.expect(204);
        assert_eq!(pairs(place).await, "11 13 23");
        // Whether it is there or not.
        let staff = "/api/labels/3/relationships/posts";
        client.relate(Method::POST, staff, members("posts", &[1])).await.refused(403, "forbidden");
        client.relate(Method::POST, OF_1, labels(&[3])).await.refused(403, "forbidden");
        client.relate(Method::PATCH, OF_1, labels(&[1, 3])).await.refused(403, "forbidden");
        client
            .relate(Method::PATCH, "/api/labels/3/relationships/posts", members("posts", &[]))
            .await
            .expect(204);
        place.database.execute("delete from post_labels where post_id = 1").await;
        client.relate(Method::POST, OF_1, labels(&[3])).await.refused(403, "forbidden");
        assert_eq!(pairs(place).await, "23");
    })
    .await;
}
