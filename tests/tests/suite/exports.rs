//! All of a collection as CSV and NDJSON: the same as its pages, whole or broken, and stopped with its reader.

mod broken;
mod soak;

use dialects::Dialect;
use proxy::server::Settings;
use serde_json::Value as Json;
use tests::Database;
use tests::database::ALL;
use tests::server::h2::H2Client;
use tests::server::{Reply, Server, read_all};
use tests::service::Fixture;
use tests::shop::{SHOP, spelled};
use tokio::io::AsyncWriteExt as _;

const CSV: (&str, &str) = ("accept", "text/csv");
const NDJSON: (&str, &str) = ("accept", "application/x-ndjson");

/// Things of every kind, which belong to each other; more than a batch.
const THINGS: Fixture = Fixture { sql: things, rules: &[] };

fn things(dialect: Dialect) -> String {
    let many: Vec<String> = (100..1700)
        .map(|n| format!("({n}, 'thing {n}', {}.2500, {n}00000000000000, {})", n * 7, n % 2))
        .collect();
    let script = format!(
        "create table things (id integer primary key, name varchar(200) not null, note text, amount decimal(14,4),
           big bigint, ratio double precision, made_on date, made_at {{timestamp}}, doc {{json}}, raw {{bytes}}, ok integer,
           parent_id integer references things(id));
         create table codes (code varchar(10) primary key, label varchar(20) not null unique);
         create table uses (thing_id integer not null references things(id), n integer not null, label varchar(20) references codes(label),
           primary key (thing_id, n));
         insert into things (id, name, note, amount, big, ratio, made_on, made_at, doc, raw, parent_id) values
           (1, 'plain', null, 15, 9223372036854775807, 0.1, '2024-02-29', '2024-02-29 01:02:03.45', '{{{{\"a\": [1.10, \"x,y\"]}}}}', {{picture}}, null),
           (2, 'empty', '', -0.5, -1, -1e100, null, null, 'null', null, 1),
           (3, 'say \"tea\", please', 'two\nlines\r\nand a tab\t', null, null, null, null, null, null, null, 1),
           (4, ' padded ', '=1+1', 0, 0, 0, '1999-12-31', '1999-12-31 23:59:59', '\"\"', null, 2),
           (5, 'Zürich 🍵 東京', 'back\\\\slash', 99999999.9999, 42, 1.5, null, null, '[]', null, 1);
         insert into things (id, name, amount, big, ok) values {};
         insert into codes values ('a', 'first'), ('b', 'second, \"quoted\"');
         insert into uses values (1, 1, 'first'), (1, 2, 'second, \"quoted\"'), (1, 3, null), (2, 1, 'first');",
        many.join(", ")
    );
    let sql = spelled(&script, dialect).replace("{{", "{").replace("}}", "}");
    // A backslash is one everywhere but in MySQL's texts.
    if dialect == Dialect::Mysql { sql } else { sql.replace("\\\\", "\\") }
}

async fn serve(dialect: Dialect, fixture: Fixture) -> (Database, Server) {
    let database = Database::create(dialect).await;
    database.execute(&(fixture.sql)(dialect)).await;
    let server = Server::start(&database, fixture, Settings::default()).await;
    (database, server)
}

/// The resources of all pages, each as its text.
async fn pages(server: &Server, url: &str) -> Vec<Json> {
    let mut resources = Vec::new();
    let mut next = Some(format!("{url}{}page[size]=300", if url.contains('?') { "&" } else { "?" }));
    while let Some(url) = next {
        let page = server.ask(&format!("GET {url}"), &[]).await;
        assert_eq!(page.status, 200, "{url}: {}", String::from_utf8_lossy(&page.body));
        let document = page.json();
        resources.extend(document["data"].as_array().unwrap().iter().cloned());
        next = document["links"]["next"].as_str().map(str::to_owned);
    }
    resources
}

const QUERIES: [&str; 9] = [
    "/api/things",
    "/api/things?sort=-amount,note",
    "/api/things?filter[id][lt]=6",
    "/api/things?filter[where]=amount > 700 and ok = 1&sort=-id",
    "/api/things?filter={\"or\":[{\"name\":\"note\",\"op\":\"eq\",\"val\":null},{\"name\":\"parent.name\",\"op\":\"eq\",\"val\":\"plain\"}]}",
    "/api/things?filter[search]=thing&fields[things]=name,parent",
    "/api/things?filter[id]=0",
    "/api/things/1/things_by_parent_id?sort=name",
    "/api/uses",
];

fn encoded(url: &str) -> String {
    url.replace('"', "%22").replace('{', "%7B").replace('}', "%7D").replace(' ', "%20").replace('>', "%3E")
}

#[tokio::test]
async fn ndjson_has_the_resources_of_all_pages_a_line_each() {
    for dialect in ALL {
        let (_database, server) = serve(dialect, THINGS).await;
        for url in QUERIES.map(encoded) {
            let export = server.ask(&format!("GET {url}"), &[NDJSON]).await;
            assert_eq!(export.status, 200, "{url}: {}", String::from_utf8_lossy(&export.body));
            let text = String::from_utf8(export.body).unwrap();
            assert!(text.is_empty() || text.ends_with('\n'));
            let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines, pages(&server, &url).await, "{dialect} {url}");
        }
    }
}

/// What a resource has in the columns of a CSV file: nothing is null.
fn record(header: &csv::StringRecord, resource: &Json) -> Vec<Option<String>> {
    let column = |name: &str| match (name, &resource["relationships"][name]["data"]) {
        ("id", _) => resource["id"].as_str().map(str::to_owned),
        (_, Json::Object(data)) => data["id"].as_str().map(str::to_owned),
        _ => match &resource["attributes"][name] {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
    };
    header.iter().map(column).collect()
}

#[tokio::test]
async fn csv_reads_back_as_the_resources_of_all_pages() {
    for dialect in ALL {
        let (_database, server) = serve(dialect, THINGS).await;
        for url in QUERIES.map(encoded) {
            let export = server.ask(&format!("GET {url}"), &[CSV]).await;
            assert_eq!(export.status, 200, "{url}: {}", String::from_utf8_lossy(&export.body));
            let mut reader = csv::Reader::from_reader(&export.body[..]);
            let header = reader.headers().unwrap().clone();
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            let resources = pages(&server, &url).await;
            assert_eq!(rows.len(), resources.len(), "{dialect} {url}");
            for (row, resource) in rows.iter().zip(&resources) {
                for ((name, read), expect) in header.iter().zip(row).zip(record(&header, resource)) {
                    // A JSON document that is a text, or null, looks here as the JSON that it is.
                    match name {
                        "doc" if !read.is_empty() => {
                            let read: Json = serde_json::from_str(read).unwrap();
                            assert_eq!(read, resource["attributes"]["doc"], "{dialect} {url}");
                        }
                        "doc" => {}
                        "ratio" => {
                            let number = |text: &str| text.parse::<f64>().ok();
                            assert_eq!(number(read), expect.as_deref().and_then(number), "{dialect} {url}");
                        }
                        _ => assert_eq!(read, expect.unwrap_or_default(), "{dialect} {url} {name}"),
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn csv_tells_null_from_empty_and_names_related_rows() {
    for dialect in ALL {
        let (_database, server) = serve(dialect, THINGS).await;
        let url = "/api/things?filter[id][lt]=5&fields[things]=name,note,amount,big,parent";
        let export = server.ask(&format!("GET {url}"), &[CSV]).await;
        let expect = "id,name,note,amount,big,parent\r\n\
                      1,plain,,15.0000,9223372036854775807,\r\n\
                      2,empty,\"\",-0.5000,-1,1\r\n\
                      3,\"say \"\"tea\"\", please\",\"two\nlines\r\nand a tab\t\",,,1\r\n\
                      4,\" padded \",=1+1,0.0000,0,2\r\n";
        assert_eq!(String::from_utf8(export.body).unwrap(), expect, "{dialect}");
        // The foreign key holds the label of a code, not its key.
        let uses = server.ask("GET /api/uses?fields[uses]=n,codes", &[CSV]).await;
        let expect = "id,n,codes\r\n1~1,1,a\r\n1~2,2,b\r\n1~3,3,\r\n2~1,1,a\r\n";
        assert_eq!(String::from_utf8(uses.body).unwrap(), expect, "{dialect}");
    }
}

#[tokio::test]
async fn the_headers_say_what_it_is_and_head_says_the_same() {
    let (_database, server) = serve(Dialect::Sqlite, SHOP).await;
    for (accept, ty, file) in [
        (CSV, "text/csv; charset=utf-8; header=present", "attachment; filename=\"orders.csv\""),
        (NDJSON, "application/x-ndjson", "attachment; filename=\"orders.ndjson\""),
    ] {
        for path in ["/api/orders", "/api/customers/1/orders"] {
            let export = server.ask(&format!("GET {path}"), &[accept]).await;
            assert_eq!((export.status, export.header("content-type")), (200, Some(ty)));
            assert_eq!(export.header("content-disposition"), Some(file));
            assert_eq!(export.header("vary"), Some("Accept, Accept-Encoding"));
            assert_eq!(export.header("transfer-encoding"), Some("chunked"));
            let head = server.ask(&format!("HEAD {path}"), &[accept]).await;
            let own = |reply: &Reply| {
                let mut headers = reply.headers.clone();
                headers.retain(|(name, _)| name != "date" && name != "x-request-id");
                (reply.status, headers)
            };
            assert_eq!(own(&head), own(&export));
            assert!(head.body.is_empty());
        }
    }
}

#[tokio::test]
async fn an_export_leaves_its_connection_to_the_next_request() {
    let (_database, server) = serve(Dialect::Sqlite, SHOP).await;
    let mut stream = server.connect().await;
    let ask = |method: &str, accept: &str, last: &str| {
        format!(
            "{method} /api/orders HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nConnection: {last}\r\n\r\n"
        )
    };
    let requests = [
        ask("HEAD", "text/csv", "keep-alive"),
        ask("GET", "text/csv", "keep-alive"),
        ask("GET", "*/*", "keep-alive"),
        ask("GET", "text/csv", "close"),
    ];
    stream.write_all(requests.concat().as_bytes()).await.unwrap();
    let answers = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 4, "{answers}");
    assert_eq!(answers.matches("id,order_date").count(), 2, "{answers}");
}

#[tokio::test]
async fn an_export_is_coded_while_it_is_sent() {
    let (_database, server) = serve(Dialect::Sqlite, THINGS).await;
    let h2 = H2Client::new(server.connect().await).await;
    for accept in [CSV, NDJSON] {
        let plain = server.ask("GET /api/things", &[accept]).await;
        assert_eq!(h2.ask("GET /api/things", &[accept], b"").await.body, plain.body);
        for coding in ["zstd", "br", "gzip"] {
            let headers = [accept, ("accept-encoding", coding)];
            let coded = server.ask("GET /api/things", &headers).await;
            assert_eq!(coded.header("content-encoding"), Some(coding));
            assert!(coded.body.len() * 3 < plain.body.len(), "{coding}: {}", coded.body.len());
            assert_eq!(coded.plain(), plain.body, "{coding}");
            assert_eq!(h2.ask("GET /api/things", &headers, b"").await.plain(), plain.body, "{coding}");
        }
    }
}

#[tokio::test]
async fn what_an_export_cannot_be_is_refused() {
    let (_database, server) = serve(Dialect::Sqlite, SHOP).await;
    for accept in [CSV, NDJSON] {
        for (url, status, code, parameter) in [
            ("/api/orders?include=items", 400, "invalid-include", Some("include")),
            ("/api/orders?page[size]=5", 400, "invalid-page", Some("page[size]")),
            ("/api/orders?page[after]=x", 400, "invalid-page", Some("page[after]")),
            ("/api/orders?aggregateOf=count(*)", 400, "invalid-parameter", Some("aggregateOf")),
            ("/api/orders?filter[nothing]=1", 400, "invalid-filter", Some("filter[nothing]")),
            ("/api/orders?sort=nothing", 400, "invalid-sort", Some("sort")),
            ("/api/orders?nothing=1", 400, "unknown-parameter", Some("nothing")),
            ("/api/orders?filter[where]=1/(id-1)%3E0", 400, "invalid-filter", Some("filter[where]")),
            ("/api/nothing", 404, "not-found", None),
            ("/api/customers/4711/orders", 404, "not-found", None),
            ("/api/customers/1/nothing", 404, "not-found", None),
            ("/api/orders/1", 406, "not-acceptable", None),
            ("/api/orders/1/customer", 406, "not-acceptable", None),
            ("/api/orders/1/relationships/items", 406, "not-acceptable", None),
            ("/api/", 406, "not-acceptable", None),
        ] {
            let reply = server.ask(&format!("GET {url}"), &[accept]).await;
            reply.refused(status, code);
            let source = reply.json()["errors"][0]["source"]["parameter"].clone();
            if let Some(parameter) = parameter {
                assert_eq!(source, parameter, "{url}");
            }
        }
    }
    server.ask("GET /api/orders?fields[orders]=items", &[CSV]).await.refused(400, "invalid-fields");
    assert_eq!(server.ask("GET /api/orders?fields[orders]=items", &[NDJSON]).await.status, 200);
    server.ask("POST /api/orders", &[CSV]).await.refused(406, "not-acceptable");
    let old = b"GET /api/orders HTTP/1.0\r\nHost: localhost\r\nAccept: text/csv\r\n\r\n";
    let answer = String::from_utf8(server.raw(old).await).unwrap();
    assert!(answer.contains(" 406 ") && answer.contains("HTTP/1.1 or HTTP/2"), "{answer}");
}
