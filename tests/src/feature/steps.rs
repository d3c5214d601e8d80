//! The steps: what each sentence sends, and what it expects.

use gherkin::Step;
use http::Method;
use serde_json::{Map, Value as Json, json};

use crate::client::{Answer, request, with_body};
use crate::service::Service;

/// A scenario while it is played.
pub(super) struct Play<'a> {
    service: &'a Service,
    /// The last write, while nobody has said what came of it: it must have been accepted.
    answer: Option<Answer>,
}

type Played = Result<(), String>;

/// A table's rows, each by its head.
type Row = Vec<(String, String)>;

impl<'a> Play<'a> {
    pub(super) fn new(service: &'a Service) -> Self {
        Self { service, answer: None }
    }

    /// Plays one step.
    pub(super) async fn step(&mut self, step: &Step) -> Played {
        let words: Vec<&str> = step.value.split(' ').collect();
        let rows = rows(step);
        match (words.as_slice(), rows.as_slice()) {
            (["it", "is", "refused:", ..], []) => {
                return self.refused("detail", step.value.trim_start_matches("it is refused: "));
            }
            (["it", "is", "refused", "as", code], []) => return self.refused("code", code),
            _ => self.accepted()?,
        }
        match (words.as_slice(), rows.as_slice()) {
            (["I", "add", ty], [_, ..]) => self.add(ty, &rows).await,
            (["I", "change", ty, id], [row]) => self.change(ty, id, row).await,
            (["I", "remove", ty, id], []) => self.remove(ty, id).await,
            (["I", "send", "at", "once"], [_, ..]) => self.send(&rows).await,
            ([ty, id, "has"], [row]) => self.has(ty, id, row).await,
            ([ty, id, "is", "gone"], []) => self.gone(ty, id).await,
            _ => Err("no such step, or not with such a table: tests/features/README.md lists them".into()),
        }
    }

    /// Fails when the last write was refused.
    pub(super) fn accepted(&mut self) -> Played {
        match self.answer.take() {
            Some(answer) if answer.status >= 300 => Err(format!("{}: {}", answer.status, text(&answer))),
            _ => Ok(()),
        }
    }

    /// One of the errors of the last write has this text in this member.
    fn refused(&mut self, member: &str, expected: &str) -> Played {
        let answer = self.answer.take().ok_or("nothing was sent")?;
        if answer.status < 300 {
            return Err(format!("it was accepted: {}", text(&answer)));
        }
        let document = answer.json();
        let errors = document["errors"].as_array().ok_or("no errors")?;
        match errors.iter().any(|error| error[member] == expected) {
            true => Ok(()),
            false => Err(text(&answer)),
        }
    }

    /// One request a row; all but the last must be accepted.
    async fn add(&mut self, ty: &str, rows: &[Row]) -> Played {
        for row in rows {
            self.accepted()?;
            self.write(Method::POST, &format!("/api/{ty}"), resource(self.service, ty, None, row)?).await;
        }
        Ok(())
    }

    async fn change(&mut self, ty: &str, id: &str, row: &Row) -> Played {
        self.write(Method::PATCH, &format!("/api/{ty}/{id}"), resource(self.service, ty, Some(id), row)?)
            .await;
        Ok(())
    }

    async fn remove(&mut self, ty: &str, id: &str) -> Played {
        self.answer = Some(self.service.delete(&format!("/api/{ty}/{id}")).await);
        Ok(())
    }

    /// One request with an operation a row.
    async fn send(&mut self, rows: &[Row]) -> Played {
        let operations = rows.iter().map(|row| operation(self.service, row)).collect::<Result<_, _>>()?;
        self.answer = Some(self.service.operations(operations).await);
        Ok(())
    }

    async fn write(&mut self, method: Method, path: &str, data: Json) {
        let request = with_body(request(method, path), &json!({"data": data}));
        self.answer = Some(self.service.send(request).await);
    }

    async fn has(&self, ty: &str, id: &str, row: &Row) -> Played {
        let answer = self.service.get(&format!("/api/{ty}/{id}")).await;
        if answer.status != 200 {
            return Err(text(&answer));
        }
        let data = &answer.json()["data"];
        for (name, expected) in row {
            let found = member(data, name).ok_or_else(|| format!("no {name}"))?;
            if found != *expected {
                return Err(format!("{name} is {found}, not {expected}"));
            }
        }
        Ok(())
    }

    async fn gone(&self, ty: &str, id: &str) -> Played {
        let answer = self.service.get(&format!("/api/{ty}/{id}")).await;
        if answer.status == 404 { Ok(()) } else { Err(format!("it is there: {}", text(&answer))) }
    }
}

fn rows(step: &Step) -> Vec<Row> {
    let Some((head, rows)) = step.table.as_ref().and_then(|table| table.rows.split_first()) else {
        return Vec::new();
    };
    let row = |cells: &Vec<String>| head.iter().cloned().zip(cells.iter().cloned()).collect();
    rows.iter().map(row).collect()
}

/// A row of `do`, `type`, `id` and `with`, in which values stand as in `quantity: 2, order: A1`.
fn operation(service: &Service, row: &Row) -> Result<Json, String> {
    let cell = |name: &str| {
        row.iter().find(|(head, _)| head == name).map(|(_, cell)| cell.as_str()).ok_or(format!("no {name}"))
    };
    let (ty, id) = (cell("type")?, cell("id")?);
    let with: Row = cell("with")?
        .split(", ")
        .filter_map(|pair| pair.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    match cell("do")? {
        "add" => Ok(json!({"op": "add", "data": resource(service, ty, Some(id), &with)?})),
        "change" => Ok(json!({"op": "update", "data": resource(service, ty, Some(id), &with)?})),
        "remove" => Ok(json!({"op": "remove", "ref": {"type": ty, "id": id}})),
        other => Err(format!("nothing can be done by {other}: add, change, remove")),
    }
}

/// A row as a resource object. An empty cell is not sent.
fn resource(service: &Service, ty: &str, id: Option<&str>, row: &Row) -> Result<Json, String> {
    let schema = &service.snapshot().schema;
    let table = &schema[schema.find(ty).ok_or_else(|| format!("no type {ty}"))?];
    let mut data = json!({"type": ty});
    if let Some(id) = id {
        data["id"] = id.into();
    }
    let (mut attributes, mut relationships) = (Map::new(), Map::new());
    for (name, cell) in row.iter().filter(|(_, cell)| !cell.is_empty()) {
        match table.relationships.iter().find(|r| r.name == *name && r.to_one()) {
            _ if name == "id" => data["id"] = cell.as_str().into(),
            Some(_) if cell == "null" => _ = relationships.insert(name.clone(), json!({"data": null})),
            Some(to_one) => {
                let target = &schema[to_one.target].name;
                relationships.insert(name.clone(), json!({"data": {"type": target, "id": cell}}));
            }
            None => _ = attributes.insert(name.clone(), value(cell)),
        }
    }
    data["attributes"] = attributes.into();
    data["relationships"] = relationships.into();
    Ok(data)
}

/// A cell as JSON: `3`, `2.50`, `true` and `null` are what they look like, everything else is text, as is what stands in quotes.
fn value(cell: &str) -> Json {
    match serde_json::from_str(cell) {
        Ok(value @ (Json::Number(_) | Json::Bool(_) | Json::Null | Json::String(_))) => value,
        _ => cell.into(),
    }
}

/// An attribute as its text; a to-one as the id it leads to.
fn member(data: &Json, name: &str) -> Option<String> {
    if let Some(value) = data["attributes"].get(name) {
        return Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let linkage = data["relationships"].get(name)?.get("data")?;
    Some(linkage["id"].as_str().map_or_else(|| linkage.to_string(), str::to_owned))
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}
