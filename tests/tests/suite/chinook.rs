//! Chinook on the three databases, without any project: every table is served, and documents are equal but for the spelling of names.

use dialects::Dialect;
use serde_json::Value as Json;
use tests::chinook::{folder, script, snake_case, with_one_spelling};
use tests::database::ALL;
use tests::difference::difference;
use tests::{Database, Document, Service};

const TABLES: [&str; 11] = [
    "album",
    "artist",
    "customer",
    "employee",
    "genre",
    "invoice",
    "invoice_line",
    "media_type",
    "playlist",
    "playlist_track",
    "track",
];

/// What is asked, in PostgreSQL's spelling.
const TARGETS: &[&str] = &[
    "/api/album?include=artist&sort=-title&page[size]=50",
    "/api/album?sort=artist.name,title&page[size]=50&page[number]=3",
    "/api/track?include=album.artist,genre,media_type&sort=-milliseconds,name&page[size]=25",
    "/api/track?sort=unit_price,-composer&page[size]=100&page[number]=4",
    "/api/track?filter[genre.name]=Jazz&filter[milliseconds][gt]=300000&sort=name",
    "/api/track?filter[composer]=null&page[size]=5&page[total]=true",
    "/api/customer?sort=support_rep.last_name,-country&include=support_rep&page[size]=1000",
    "/api/customer?sort=company&fields[customer]=company,email&page[size]=1000",
    "/api/customer?filter[city][starts]=S%C3%A3o&include=invoice",
    "/api/employee?include=employee&sort=hire_date",
    "/api/invoice?filter[invoice_date][gte]=2023-06-01&sort=-total,invoice_date&page[size]=40",
    "/api/invoice/100?include=invoice_line.track.album,customer",
    "/api/invoice_line?page[offset]=2000&page[limit]=300&sort=-track.name",
    "/api/playlist?include=playlist_track&fields[playlist_track]=track&sort=-name",
    "/api/playlist_track?include=track,playlist&page[size]=30&sort=-track",
    "/api/artist/90/album",
    "/api/artist/90/relationships/album",
    "/api/genre?sort=-name",
];

async fn start() -> Option<Vec<Service>> {
    let Some(folder) = folder() else {
        println!("skipped: no Chinook at ../shared/data or RULEGATE_SAMPLE_DATA");
        return None;
    };
    let mut services = Vec::new();
    for dialect in ALL {
        let database = Database::create(dialect).await;
        database.execute(&script(&folder, dialect)).await;
        services.push(Service::serve(database, &[]).await);
    }
    Some(services)
}

/// The target in the spelling of a service.
fn spelled(service: &Service, target: &str) -> String {
    if service.database.dialect() == Dialect::Postgres {
        return target.to_owned();
    }
    let schema = &service.snapshot().schema;
    let mut names: Vec<&str> = Vec::new();
    for table in &schema.tables {
        names.push(&table.name);
        names.extend(table.columns().map(|(_, column)| column.name.as_str()));
        names.extend(table.relationships.iter().map(|relationship| relationship.name.as_str()));
    }
    target
        .split_inclusive('&')
        .map(|part| if part.starts_with("page[") { part.into() } else { respelled(part, &names) })
        .collect()
}

/// Every word that is one of the names in snake case, as that name.
fn respelled(text: &str, names: &[&str]) -> String {
    let mut spelled = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        spelled.push_str(names.iter().find(|name| snake_case(name) == word).unwrap_or(&word.as_str()));
        word.clear();
        spelled.push(c);
    }
    spelled.trim_end_matches('\0').to_owned()
}

#[tokio::test]
async fn every_table_of_chinook_is_served_alike() {
    let Some(services) = start().await else { return };
    let mut first: Vec<Json> = Vec::new();
    for service in &services {
        let mut documents = Vec::new();
        let index = service.get("/api/").await.expect(200);
        let mut served: Vec<String> =
            index["meta"]["resources"].as_object().unwrap().keys().map(|name| snake_case(name)).collect();
        served.sort();
        assert_eq!(served, TABLES);
        let collections = TABLES.iter().map(|table| format!("/api/{table}?page[size]=1000"));
        for target in collections.chain(TARGETS.iter().map(|target| (*target).to_owned())) {
            let answer = service.get(&spelled(service, &target)).await;
            documents.push(with_one_spelling(&answer.expect(200)));
        }
        match first.is_empty() {
            true => first = documents,
            false => alike(service.database.dialect(), &first, &documents),
        }
    }
    playlist_tracks_are_read_made_and_deleted(&services).await;
}

fn alike(dialect: Dialect, expected: &[Json], found: &[Json]) {
    assert_eq!(expected.len(), found.len());
    for (expected, found) in expected.iter().zip(found) {
        if expected != found {
            let place = difference("", expected, found);
            panic!("{dialect:?} answers otherwise than {:?} at {}", ALL[0], place.unwrap_or_default());
        }
    }
}

async fn playlist_tracks_are_read_made_and_deleted(services: &[Service]) {
    for service in services {
        let collection = spelled(service, "/api/playlist_track");
        let of = |name: &str| spelled(service, name);
        let track = || {
            Document::of(&of("playlist_track")).to_one(&of("playlist"), &of("playlist"), "2").to_one(
                &of("track"),
                &of("track"),
                "7",
            )
        };
        let resource = format!("{collection}/2~7");
        service.get(&resource).await.refused(404, "not-found");
        for _ in 0..2 {
            let made = service.post(&collection, track()).await;
            assert_eq!(made.expect(201)["data"]["id"], "2~7");
            service.get(&resource).await.expect(200);
            service.post(&collection, track()).await.refused(409, "duplicate");
            service.delete(&resource).await.expect(204);
            service.get(&resource).await.refused(404, "not-found");
        }
    }
}
