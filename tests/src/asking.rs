//! Random read requests over any schema: every parameter of the grammar, with names that exist and values that rows have, and now and
//! then with some that make no sense.

use std::collections::HashMap;

use dialects::ValueType;
use fastrand::Rng;
use introspect::schema::{Relationship, RelationshipKind};
use introspect::{Schema, Table};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

/// What requests are made from.
pub struct Asker<'a> {
    schema: &'a Schema,
    /// Of each type, its resources.
    rows: HashMap<String, Vec<Json>>,
    rng: Rng,
}

/// What is asked for.
struct Attribute {
    path: String,
    /// What it is in some rows.
    values: Vec<Json>,
    /// It is no enum: SQLite has none, and orders the words themselves.
    ordered: bool,
}

/// Operators that fit most types, and those of texts.
const COMPARISONS: [&str; 8] = ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"];
const OF_TEXT: [&str; 5] = ["like", "ilike", "contains", "starts", "ends"];

/// What a value may be instead of one that a row has.
const ODD: [&str; 13] =
    ["", "0", "-1", "1.50", "12345", "null", "true", "a%", "_", "ä", "🦊", "2024-02-30", "O'Hara"];

/// Conditions in the language of rules; what stands in braces becomes a path or a value.
const CONDITIONS: [&str; 9] = [
    "{path} = {value}",
    "{path} is null or not {path} > {value}",
    "{path} in ({value}, {value})",
    "coalesce({path}, {path}) <= {value}",
    "not ({path} < {value} and {path} is not null)",
    "{path} = {path}",
    "{path} || 'x' like '%a%'",
    "length({path}) > 3",
    "{path} + 1 > {value} * 2",
];

impl<'a> Asker<'a> {
    /// `rows`: of each type, its resources as they are served.
    pub fn new(schema: &'a Schema, rows: HashMap<String, Vec<Json>>, seed: u64) -> Self {
        Self { schema, rows, rng: Rng::with_seed(seed) }
    }

    /// The types that are served.
    pub fn types(schema: &Schema) -> impl Iterator<Item = &str> {
        schema.tables.iter().filter(|table| table.is_resource()).map(|table| table.name.as_str())
    }

    /// A target: a collection mostly, else a resource, what is related to it, or linkage.
    pub fn target(&mut self) -> String {
        let table = self.table();
        let id = self.id(table);
        match (self.rng.u8(..20), self.relationship(table)) {
            (0..2, _) => self.asking(format!("/api/{}/{id}", table.name), table, false),
            (2..6, Some(it)) => {
                let path = format!("/api/{}/{id}/{}", table.name, it.name);
                self.asking(path, &self.schema[it.target], leads_to_many(it))
            }
            (6, Some(it)) => {
                let path = format!("/api/{}/{id}/relationships/{}", table.name, it.name);
                self.asking(path, &self.schema[it.target], leads_to_many(it))
            }
            _ => self.asking(format!("/api/{}", table.name), table, true),
        }
    }

    /// The path with parameters: `many`, those of a collection.
    fn asking(&mut self, path: String, table: &'a Table, many: bool) -> String {
        let mut query = Vec::new();
        if many {
            for _ in 0..[0, 0, 1, 1, 1, 2, 3][self.rng.usize(..7)] {
                query.push(self.filter(table));
            }
            if self.rng.bool() {
                query.push(format!("sort={}", self.sort(table)));
            }
            query.extend(self.page());
        }
        if self.rng.u8(..4) == 0 {
            let paths: Vec<String> =
                (0..self.rng.usize(1..=2)).map(|_| self.relationship_path(table, 3)).collect();
            query.push(format!("include={}", paths.join(",")));
        }
        if self.rng.u8(..4) == 0 {
            query.push(format!("fields[{}]={}", table.name, self.fields(table)));
        }
        if self.rng.u8(..40) == 0 {
            query.push(self.pick(&[
                "sort=nothing",
                "nothing=1",
                "filter[nothing]=1",
                "include=nothing",
                "page[size]=0",
            ]));
        }
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    fn filter(&mut self, table: &'a Table) -> String {
        match self.rng.u8(..10) {
            0 => format!("filter[search]={}", self.word()),
            1 | 2 => format!("filter={}", encoded(&self.json_filter(table, 2).to_string())),
            3 | 4 => format!("filter[where]={}", encoded(&self.condition(table))),
            _ => self.short_filter(table),
        }
    }

    fn short_filter(&mut self, table: &'a Table) -> String {
        let Attribute { path, values, ordered } = self.attribute(table, true);
        let value = |asker: &mut Self| encoded(&asker.value(&values));
        match self.rng.u8(..6) {
            0 => format!("filter[{path}]={}", value(self)),
            1 => format!("filter[{path}]={},{}", value(self), value(self)),
            2 => format!("filter[{path}][null]={}", self.rng.bool()),
            3 if ordered => format!("filter[{path}][between]={},{}", value(self), value(self)),
            _ => format!("filter[{path}][{}]={}", self.operator(ordered), value(self)),
        }
    }

    fn json_filter(&mut self, table: &'a Table, depth: u8) -> Json {
        match self.rng.u8(..6) {
            0 if depth > 0 => json!({"not": self.json_filter(table, depth - 1)}),
            n @ 1..3 if depth > 0 => {
                let parts: Vec<Json> =
                    (0..self.rng.usize(1..=3)).map(|_| self.json_filter(table, depth - 1)).collect();
                if n == 1 { json!({"and": parts}) } else { json!({"or": parts}) }
            }
            _ => {
                let Attribute { path: name, values, ordered } = self.attribute(table, true);
                let op = self.operator(ordered);
                let one = |asker: &mut Self| match asker.rng.usize(..=values.len()) {
                    n if n < values.len() => values[n].clone(),
                    _ => Json::Null,
                };
                let val = if op.ends_with("in") { json!([one(self), one(self)]) } else { one(self) };
                json!({"name": name, "op": op, "val": val})
            }
        }
    }

    fn condition(&mut self, table: &'a Table) -> String {
        let mut text = self.pick(&CONDITIONS);
        let mut values = Vec::new();
        while let Some(at) = text.find("{path}") {
            let found = self.attribute(table, false);
            values.extend(found.values);
            text.replace_range(at..at + "{path}".len(), &found.path);
        }
        while let Some(at) = text.find("{value}") {
            let value = match values.get(self.rng.usize(..=values.len())) {
                Some(Json::String(text)) => format!("'{}'", text.replace('\'', "''")),
                Some(value) if !value.is_array() && !value.is_object() => value.to_string(),
                _ => "null".into(),
            };
            text.replace_range(at..at + "{value}".len(), &value);
        }
        text
    }

    fn operator(&mut self, ordered: bool) -> String {
        match self.rng.u8(..4) {
            0 => self.pick(&OF_TEXT),
            _ if ordered => self.pick(&COMPARISONS),
            _ => self.pick(&["eq", "ne", "in", "nin"]),
        }
    }

    /// An attribute or the id, of the type itself or through relationships, and the values that it has.
    fn attribute(&mut self, table: &'a Table, many: bool) -> Attribute {
        let (mut path, mut table) = (String::new(), table);
        for _ in 0..[0, 0, 0, 1, 1, 2][self.rng.usize(..6)] {
            let ways: Vec<&Relationship> =
                table.relationships.iter().filter(|it| many || !leads_to_many(it)).collect();
            if let Some(way) = self.rng.choice(ways) {
                path += &format!("{}.", way.name);
                table = &self.schema[way.target];
            }
        }
        let rows = self.rows.get(&table.name).map(Vec::as_slice).unwrap_or_default();
        let mut names: Vec<&String> = rows
            .first()
            .and_then(|row| row["attributes"].as_object())
            .map(|all| all.keys().collect())
            .unwrap_or_default();
        let id = "id".to_owned();
        names.push(&id);
        let name = self.rng.choice(&names).map_or("id", |name| name.as_str());
        let values = rows.iter().map(|row| if name == "id" { &row["id"] } else { &row["attributes"][name] });
        let ordered = table.column(name).is_none_or(|column| table[column].ty != ValueType::Enum);
        Attribute {
            path: path + name,
            values: values.filter(|value| !value.is_null()).cloned().collect(),
            ordered,
        }
    }

    fn value(&mut self, values: &[Json]) -> String {
        match self.rng.choice(values) {
            Some(Json::String(text)) if self.rng.u8(..8) > 0 => text.clone(),
            Some(value) if self.rng.u8(..8) > 0 => value.to_string(),
            _ => self.pick(&ODD),
        }
    }

    /// A part of a text of some row, but of no enum's words: on SQLite they are texts, in which one can search.
    fn word(&mut self) -> String {
        let table = self.table();
        let values = self.attribute(table, false).values;
        let text: String = self.value(&values).chars().skip(self.rng.usize(..3)).take(4).collect();
        let mut words =
            self.schema.tables.iter().flat_map(|table| &table.columns).flat_map(|column| &column.enum_values);
        if words.any(|word| word.contains(&text.to_lowercase())) { "1".into() } else { encoded(&text) }
    }

    fn sort(&mut self, table: &'a Table) -> String {
        let keys: Vec<String> = (0..self.rng.usize(1..=3))
            .map(|_| {
                let sign = if self.rng.bool() { "-" } else { "" };
                let by = Some(self.attribute(table, false)).filter(|by| by.ordered);
                format!("{sign}{}", by.map_or("id".into(), |by| by.path))
            })
            .collect();
        keys.join(",")
    }

    fn page(&mut self) -> Vec<String> {
        let size = self.rng.usize(1..8);
        match self.rng.u8(..8) {
            0 => vec![format!("page[size]={size}")],
            1 => vec![format!("page[size]={size}"), format!("page[number]={}", self.rng.usize(1..5))],
            2 => vec![format!("page[limit]={size}"), format!("page[offset]={}", self.rng.usize(..9))],
            3 => vec![format!("page[size]={size}"), "page[total]=true".into()],
            _ => Vec::new(),
        }
    }

    fn fields(&mut self, table: &Table) -> String {
        let names = table.columns.iter().map(|column| column.name.as_str());
        let all: Vec<&str> = names.chain(table.relationships.iter().map(|it| it.name.as_str())).collect();
        let some: Vec<&str> = all.into_iter().filter(|_| self.rng.u8(..3) == 0).collect();
        some.join(",")
    }

    fn relationship_path(&mut self, table: &'a Table, depth: usize) -> String {
        let (mut path, mut table) = (Vec::new(), table);
        for _ in 0..self.rng.usize(1..=depth) {
            let Some(way) = self.relationship(table) else { break };
            path.push(way.name.as_str());
            table = &self.schema[way.target];
        }
        path.join(".")
    }

    fn table(&mut self) -> &'a Table {
        let served: Vec<&Table> = self.schema.tables.iter().filter(|table| table.is_resource()).collect();
        self.rng.choice(served).unwrap()
    }

    fn relationship(&mut self, table: &'a Table) -> Option<&'a Relationship> {
        self.rng.choice(&table.relationships)
    }

    fn id(&mut self, table: &Table) -> String {
        let rows = self.rows.get(&table.name).map(Vec::as_slice).unwrap_or_default();
        match self.rng.choice(rows) {
            Some(row) if self.rng.u8(..16) > 0 => encoded(row["id"].as_str().unwrap()),
            _ => encoded(&self.pick(&ODD[1..])),
        }
    }

    fn pick(&mut self, words: &[&str]) -> String {
        self.rng.choice(words).map(|word| (*word).to_owned()).unwrap()
    }
}

fn leads_to_many(relationship: &Relationship) -> bool {
    !matches!(relationship.kind, RelationshipKind::ToOne { .. })
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
