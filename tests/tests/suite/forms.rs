//! One moment in several texts, and one decimal in several doubles: SQLite keeps what it is given, whoever wrote it. What is shown alike
//! compares alike, as on databases that have one form of each.

use dialects::Dialect;
use http::Method;
use proxy::jsonapi::media::CURSOR_PAGINATION;
use proxy::run::verify::{self, Context, Options};
use serde_json::Value as Json;
use tests::client::{request, with_header};
use tests::database::ALL;
use tests::service::Fixture;
use tests::{Document, Service, on_every_database};

const SITES: Fixture = Fixture {
    sql,
    rules: &[(
        "rules/sites.yaml",
        "
derive:
  sites.last_at:   max(visits.at)
  sites.first_day: min(visits.day)
  sites.dearest:   max(visits.fee where fee <= 0.3)
  sites.early:     count(visits where at = timestamp '2024-05-01 00:00:00')
  visits.is_cheap: fee = 0.3
  visits.copied:   at
",
    )],
};

/// The same rows for all; SQLite has them in every form that it can have them in.
fn sql(dialect: Dialect) -> String {
    let rows = [
        (
            "'2024-05-01 00:00:00'",
            "'2024-05-01'",
            "'2024-05-01'",
            "'2024-05-01 00:00:00'",
            "0.30",
            "0.1 + 0.2",
        ),
        ("'2024-05-01 00:00:00'", "'2024-05-01T00:00:00Z'", "'2024-05-01'", "'2024-05-01'", "0.30", "'0.3'"),
        (
            "'2024-05-01 00:00:00'",
            "'2024-05-01 02:00:00+02:00'",
            "'2024-05-01'",
            "'2024-05-01'",
            "0.30",
            "0.3",
        ),
        (
            "'2024-05-01 00:00:00.5'",
            "'2024-05-01 00:00:00.5'",
            "'2024-05-01'",
            "'2024-05-01T00:00:00'",
            "3.30",
            "1.1 * 3",
        ),
        ("'2024-05-01 00:30:00'", "'2024-04-30T23:30:00-01:00'", "'2024-05-02'", "'2024-05-02'", "7", "7"),
        (
            "'2024-04-30 23:59:00'",
            "'2024-04-30 23:59'",
            "'2024-04-30'",
            "'2024-04-30'",
            "-0.30",
            "-0.1 - 0.2",
        ),
        ("null", "null", "null", "null", "null", "null"),
    ];
    let timestamp = if dialect == Dialect::Mysql { "datetime(6)" } else { "timestamp" };
    let values =
        (1..).zip(rows).map(|(id, (at, sqlite_at, day, sqlite_day, fee, sqlite_fee))| match dialect {
            Dialect::Sqlite => {
                format!("({id}, 1, {sqlite_at}, {sqlite_day}, {sqlite_fee}, {fee} = 0.30, {sqlite_at})")
            }
            _ => format!("({id}, 1, {at}, {day}, {fee}, {fee} = 0.30, {at})"),
        });
    let values = values.collect::<Vec<_>>().join(", ");
    format!(
        "create table sites (id int primary key, last_at {timestamp}, first_day date, dearest decimal(8,2), early int not null default 0);
         create table visits (id int primary key, site_id int references sites (id), at {timestamp}, day date, fee decimal(8,2),
             is_cheap boolean, copied {timestamp}, note varchar(20));
         create index visits_by_site on visits (site_id);
         insert into sites values (1, '2024-05-01 00:30:00', '2024-04-30', 0.30, 3);
         insert into visits (id, site_id, at, day, fee, is_cheap, copied) values {values}"
    )
}

fn ids(answer: &Json) -> String {
    let rows = answer["data"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_shown_alike_is_found_and_sorted_alike() {
    on_every_database(SITES, async |sites| {
        for (query, expected) in [
            ("filter[at]=2024-05-01T00:00:00", "1 2 3"),
            ("filter[at]=2024-05-01", "1 2 3"),
            ("filter[at][in]=2024-05-01T00:00:00,2024-05-01T00:30:00", "1 2 3 5"),
            ("filter[at][ne]=2024-05-01T00:00:00", "4 5 6 7"),
            ("filter[at][nin]=2024-05-01T00:00:00,2024-04-30T23:59:00", "4 5 7"),
            ("filter[at][gt]=2024-05-01T00:00:00", "4 5"),
            ("filter[at][gte]=2024-05-01T00:00:00", "1 2 3 4 5"),
            ("filter[at][lt]=2024-05-01T00:00:00", "6"),
            ("filter[at][lte]=2024-05-01T00:00:00", "1 2 3 6"),
            ("filter[at][between]=2024-05-01T00:00:00,2024-05-01T00:00:01", "1 2 3 4"),
            ("filter[at]=null", "7"),
            ("filter[day]=2024-05-01", "1 2 3 4"),
            ("filter[day][gt]=2024-05-01", "5"),
            ("filter[day][lte]=2024-05-01", "1 2 3 4 6"),
            ("filter[day][in]=2024-05-01,2024-04-30", "1 2 3 4 6"),
            ("filter[fee]=0.3", "1 2 3"),
            ("filter[fee][ne]=0.3", "4 5 6 7"),
            ("filter[fee][gt]=0.3", "4 5"),
            ("filter[fee][gte]=0.3", "1 2 3 4 5"),
            ("filter[fee][lt]=0.3", "6"),
            ("filter[fee][lte]=0.3", "1 2 3 6"),
            ("filter[fee][in]=0.3,3.3,-0.3", "1 2 3 4 6"),
            ("filter[fee][between]=-0.3,3.3", "1 2 3 4 6"),
            ("filter[site.last_at]=2024-05-01T00:30:00", "1 2 3 4 5 6 7"),
            ("sort=at", "6 1 2 3 4 5 7"),
            ("sort=-at", "7 5 4 1 2 3 6"),
            ("sort=day,-id", "6 4 3 2 1 5 7"),
            ("sort=-fee", "7 5 4 1 2 3 6"),
        ] {
            let answer = sites.get(&format!("/api/visits?{query}")).await.expect(200);
            assert_eq!(ids(&answer), expected, "{query}");
        }
    })
    .await;
}

/// The ids, a page of one row after the other.
async fn walked(sites: &Service, sort: &str) -> String {
    let accept = format!("application/vnd.api+json;profile=\"{CURSOR_PAGINATION}\"");
    let (mut found, mut next) = (Vec::new(), Some(format!("/api/visits?sort={sort}&page[size]=1")));
    while let Some(target) = next {
        let page =
            sites.quietly(with_header(request(Method::GET, &target), "accept", &accept)).await.expect(200);
        found.push(ids(&page));
        next = page["links"]["next"].as_str().map(str::to_owned);
        assert!(found.len() < 20, "{sort} never ends: {found:?}");
    }
    found.join(" ")
}

#[tokio::test]
async fn cursors_pass_each_row_once() {
    for dialect in ALL {
        let sites = Service::start(dialect, SITES).await;
        for (sort, expected) in [
            ("at", "6 1 2 3 4 5 7"),
            ("-at", "7 5 4 1 2 3 6"),
            ("day,-id", "6 4 3 2 1 5 7"),
            ("fee", "6 1 2 3 4 5 7"),
            ("-fee", "7 5 4 1 2 3 6"),
        ] {
            assert_eq!(walked(&sites, sort).await, expected, "{dialect}: {sort}");
        }
    }
}

#[tokio::test]
async fn rules_and_their_verification_go_by_what_the_values_are() {
    on_every_database(SITES, async |sites| {
        assert_eq!(differences(sites).await, Vec::<String>::new());
        for (id, expected) in [
            ("5", r#"{"last_at":"2024-05-01T00:00:00.5","first_day":"2024-04-30","dearest":0.30,"early":3}"#),
            ("6", r#"{"last_at":"2024-05-01T00:00:00.5","first_day":"2024-05-01","dearest":0.30,"early":3}"#),
            ("4", r#"{"last_at":"2024-05-01T00:00:00","first_day":"2024-05-01","dearest":0.30,"early":3}"#),
            ("3", r#"{"last_at":"2024-05-01T00:00:00","first_day":"2024-05-01","dearest":0.30,"early":2}"#),
        ] {
            sites.delete(&format!("/api/visits/{id}")).await.expect(204);
            let site = sites.get("/api/sites/1").await.expect(200);
            assert_eq!(site["data"]["attributes"].to_string(), expected, "after {id}");
            assert_eq!(differences(sites).await, Vec::<String>::new());
        }
        let moved = Document::of("visits").id("2").attribute("at", "2024-06-01T12:00:00");
        sites.patch("/api/visits/2", moved).await.expect(200);
        let site = sites.get("/api/sites/1").await.expect(200);
        assert_eq!(site["data"]["attributes"]["early"], 1);
        let unchanged =
            Document::of("visits").id("1").attribute("at", "2024-05-01T00:00:00").attribute("note", "x");
        sites.patch("/api/visits/1", unchanged).await.expect(200);
        assert_eq!(differences(sites).await, Vec::<String>::new());
    })
    .await;
}

async fn differences(sites: &Service) -> Vec<String> {
    let context = Context { pool: &sites.database.pool, snapshot: sites.snapshot() };
    let report =
        verify::run(context, Options::default(), &mut |_| std::ops::ControlFlow::Continue(())).await.unwrap();
    report.rules.iter().flat_map(|rule| &rule.listed).map(|exception| format!("{exception:?}")).collect()
}
