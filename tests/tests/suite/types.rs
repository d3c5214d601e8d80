//! Every type there and back on the database that has it: written, stored, read, sent back, filtered, sorted, as a key, and refused.

mod mysql;
mod postgres;
mod sqlite;

use dialects::Dialect;
use proxy::jsonapi::links::segment;
use serde_json::{Value as Json, json};
use tests::document::add;
use tests::{Database, Document, Service};

const CURSORS: &str =
    "application/vnd.api+json;profile=\"https://jsonapi.org/profiles/ethanresnick/cursor-pagination\"";

/// A type, and what becomes of values of it.
struct Case {
    /// As a column is declared.
    declared: &'static str,
    /// What is sent and what is answered, as JSON, in ascending order.
    values: Vec<(String, String)>,
    /// What is refused, as JSON, and the sentence that says so.
    bad: Vec<(String, &'static str)>,
    sorted: bool,
    filtered: bool,
    key: bool,
}

/// Values that come back as they were sent.
fn case(declared: &'static str, values: &[&str]) -> Case {
    let values = values.iter().map(|value| ((*value).to_owned(), (*value).to_owned())).collect();
    Case { declared, values, bad: Vec::new(), sorted: true, filtered: true, key: false }
}

impl Case {
    /// A value that comes back in another form; it is less than those that follow.
    fn shown(mut self, sent: &str, answered: &str) -> Self {
        self.values.push((sent.into(), answered.into()));
        self
    }

    fn bad(mut self, sent: &str, expected: &'static str) -> Self {
        self.bad.push((sent.into(), expected));
        self
    }

    /// The type can be a key.
    fn key(mut self) -> Self {
        self.key = true;
        self
    }

    /// Values are not told apart by the database.
    fn unfiltered(mut self) -> Self {
        (self.sorted, self.filtered) = (false, false);
        self
    }

    fn unsorted(mut self) -> Self {
        self.sorted = false;
        self
    }
}

/// `v0`, `v1`, … hold a type each, `k0`, … are keyed by it.
fn tables(cases: &[Case]) -> String {
    let table = |(n, case): (usize, &Case)| {
        let declared = case.declared;
        let keyed = format!("create table k{n} (v {declared} primary key, n integer);\n");
        format!(
            "create table v{n} (id integer primary key, v {declared});\n{}",
            if case.key { &keyed } else { "" }
        )
    };
    cases.iter().enumerate().map(table).collect()
}

async fn check(dialect: Dialect, set_up: &str, cases: Vec<Case>) {
    let database = Database::create(dialect).await;
    database.execute(&format!("{set_up}\n{}", tables(&cases))).await;
    let service = Service::serve(database, &[]).await;
    for (n, case) in cases.iter().enumerate() {
        println!("{dialect}: {}", case.declared);
        let table = Checked { service: &service, name: format!("v{n}"), case };
        table.there_and_back().await;
        table.filters().await;
        table.sorts().await;
        table.groups().await;
        table.refuses().await;
        if case.key {
            Checked { name: format!("k{n}"), ..table }.identifies().await;
        }
    }
}

struct Checked<'a> {
    service: &'a Service,
    name: String,
    case: &'a Case,
}

impl Checked<'_> {
    fn answered(&self) -> Vec<Json> {
        self.case.values.iter().map(|(_, answered)| parsed(answered)).collect()
    }

    fn document(&self, id: &str, value: &Json) -> Document {
        Document::of(&self.name).id(id).attribute("v", value.clone())
    }

    fn at(&self, rest: &str) -> String {
        format!("/api/{}{rest}", self.name)
    }

    /// One by one, sent back as it was read, emptied and filled again; then all at once, as rows 100 and on.
    async fn there_and_back(&self) {
        let mut operations = Vec::new();
        for (n, (sent, answered)) in self.case.values.iter().enumerate() {
            let (id, sent, answered) = ((n + 1).to_string(), parsed(sent), parsed(answered));
            let path = self.at(&format!("/{id}"));
            let made = self.service.post(&self.at(""), self.document(&id, &sent)).await.expect(201);
            assert_eq!(made["data"]["attributes"]["v"], answered, "{} made", self.case.declared);
            for value in [&answered, &Json::Null, &sent] {
                let changed = self.service.patch(&path, self.document(&id, value)).await.expect(200);
                let expect = if value.is_null() { value } else { &answered };
                assert_eq!(changed["data"]["attributes"]["v"], *expect, "{} changed", self.case.declared);
            }
            let read = self.service.get(&path).await.expect(200);
            assert_eq!(read["data"]["attributes"]["v"], answered, "{} read", self.case.declared);
            operations.push(add(self.document(&(n + 100).to_string(), &sent)));
        }
        operations.push(add(self.document("99", &Json::Null)));
        let made = self.service.operations(operations).await.expect(200);
        let made: Vec<&Json> = made["atomic:results"].as_array().unwrap().iter().collect();
        for (result, answered) in made.iter().zip(self.answered()) {
            assert_eq!(result["data"]["attributes"]["v"], answered, "{} made at once", self.case.declared);
        }
    }

    async fn filters(&self) {
        let answered = self.answered();
        for value in answered.iter().filter(|_| self.case.filtered) {
            let text = text(value);
            // A URL holds no more than 8 KiB.
            if text.len() > 1000 {
                continue;
            }
            let alike = |offset: usize| {
                let same = answered.iter().enumerate().filter(move |(_, other)| *other == value);
                same.map(move |(n, _)| (n + offset).to_string())
            };
            let expect: Vec<String> = alike(1).chain(alike(100)).collect();
            let target = format!("?filter[v][eq]={}&page[size]=100", segment(&text));
            let found = self.service.get(&self.at(&target)).await.expect(200);
            assert_eq!(ids(&found), expect, "{} = {text:?}", self.case.declared);
        }
        let nulls = self.service.get(&self.at("?filter[v][null]=true")).await.expect(200);
        assert_eq!(ids(&nulls), ["99"], "{} is null", self.case.declared);
    }

    /// Row 99 holds null.
    async fn sorts(&self) {
        if !self.case.sorted {
            return;
        }
        let mut expect: Vec<String> = (1..=self.case.values.len()).map(|n| n.to_string()).collect();
        expect.push("99".into());
        let up = self.service.get(&self.at("?sort=v&filter[id][lt]=100&page[size]=100")).await.expect(200);
        assert_eq!(ids(&up), expect, "{} sorted", self.case.declared);
        let short = self.case.values.iter().all(|(_, answered)| answered.len() < 1000);
        if short {
            assert_eq!(self.paged("v").await, expect, "{} paged", self.case.declared);
        }
        expect.reverse();
        let down = self.service.get(&self.at("?sort=-v&filter[id][lt]=100&page[size]=100")).await.expect(200);
        assert_eq!(ids(&down), expect, "{} sorted down", self.case.declared);
        if short {
            assert_eq!(self.paged("-v").await, expect, "{} paged down", self.case.declared);
        }
    }

    /// Equal values are one group, shown and sorted as the attribute is.
    async fn groups(&self) {
        if !self.case.sorted {
            return;
        }
        let mut expect = self.answered();
        expect.push(Json::Null);
        expect.dedup();
        let target = self.at("?aggregateOf=count(*),count(distinct v)&groupBy=v&page[size]=100");
        let document = self.service.get(&target).await.expect(200);
        let groups = document["meta"]["aggregates"].as_array().unwrap();
        let values: Vec<&Json> = groups.iter().map(|group| &group["group"]["v"]).collect();
        assert_eq!(values, expect.iter().collect::<Vec<_>>(), "{} grouped", self.case.declared);
        let counted: u64 = groups.iter().map(|group| group["count(*)"].as_u64().unwrap()).sum();
        assert_eq!(counted as usize, 2 * self.case.values.len() + 1, "{} grouped", self.case.declared);
        let extremes = self.service.get(&self.at("?aggregateOf=min(v),max(v),count(distinct v)")).await;
        if extremes.status == 200 {
            let told = &extremes.json()["meta"]["aggregates"][0];
            let ends = [&told["min(v)"], &told["max(v)"], &told["count(distinct v)"]];
            let (first, last) = (&expect[0], &expect[expect.len() - 2]);
            assert_eq!(ends, [first, last, &json!(expect.len() - 1)], "{}", self.case.declared);
        }
    }

    /// The ids of all pages between cursors, two rows each. (A cursor holds no very long values.)
    async fn paged(&self, sort: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut next = Some(self.at(&format!("?sort={sort}&filter[id][lt]=100&page[size]=2")));
        while let Some(target) = next {
            let page = self.service.get_with(&target, "accept", CURSORS).await.expect(200);
            found.extend(ids(&page).into_iter().map(str::to_owned));
            next = page["links"]["next"].as_str().map(str::to_owned);
        }
        found
    }

    /// Of what is refused in documents, text is refused in filters too.
    async fn refuses(&self) {
        for (sent, expected) in &self.case.bad {
            let sent = parsed(sent);
            let refused = self.service.post(&self.at(""), self.document("77", &sent)).await;
            let error = refused.refused(422, "invalid-value");
            assert_eq!(error["source"]["pointer"], "/data/attributes/v", "{error}");
            assert_eq!(error["detail"], format!("`v`: {expected}."), "{} {sent}", self.case.declared);
            if let (Some(text), true) =
                (sent.as_str(), self.case.filtered && !expected.contains("of at most"))
            {
                let refused = self.service.get(&self.at(&format!("?filter[v][eq]={}", segment(text)))).await;
                let error = refused.refused(400, "invalid-filter");
                assert_eq!(error["source"]["parameter"], "filter[v][eq]", "{error}");
                assert!(error["detail"].as_str().unwrap().contains(expected), "{error}");
            }
        }
    }

    async fn identifies(&self) {
        for (n, value) in self.answered().iter().enumerate() {
            let id = text(value);
            // No path leads to an empty id.
            if id.is_empty() {
                continue;
            }
            let document = Document::of(&self.name).id(&id).attribute("n", n);
            let made = self.service.post(&self.at(""), document).await.expect(201);
            assert_eq!(made["data"]["id"], id, "{} as a key", self.case.declared);
            let path = made["data"]["links"]["self"].as_str().unwrap();
            assert_eq!(path, self.at(&format!("/{}", segment(&id))), "{}", self.case.declared);
            let read = self.service.get(path).await.expect(200);
            assert_eq!((&read["data"]["id"], &read["data"]["attributes"]["n"]), (&json!(id), &json!(n)));
            let document = Document::of(&self.name).id(&id).attribute("n", n + 1);
            self.service.patch(path, document).await.expect(200);
            let found =
                self.service.get(&self.at(&format!("?filter[id][eq]={}", segment(&id)))).await.expect(200);
            assert_eq!(ids(&found), [id.as_str()], "{} = {id:?}", self.case.declared);
            self.service.delete(path).await.expect(204);
        }
    }
}

fn parsed(json: &str) -> Json {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// A value as a filter or an id says it.
fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string().replace("e+", "e"), str::to_owned)
}

fn ids(document: &Json) -> Vec<&str> {
    document["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// A text of 100,000 characters of several widths.
fn long_text() -> String {
    json!("aä→😀".repeat(25_000)).to_string()
}
