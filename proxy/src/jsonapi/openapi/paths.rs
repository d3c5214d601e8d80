//! Paths: what can be done with each type, by the methods that its endpoints answer.

use introspect::{RelationshipId, Table, TableId};
use serde_json::{Map, Value as Json, json};

use super::granted::{Change, Granted};
use super::schemas::arity;
use super::{object, parameters, reference, responses, schema, served};
use crate::jsonapi::media::{JSON_API, JSON_API_ATOMIC};
use crate::jsonapi::{links, shape};
use crate::state::Snapshot;

/// The list of types, and several operations at once where there are any to do.
pub(super) fn shared(snapshot: &Snapshot) -> Map<String, Json> {
    let answers = responses::read(&reference("schemas", "jsonapi.index"), false);
    let index = json!({"get": {
        "operationId": "index", "summary": "The types, with their URLs",
        "responses": guarded(snapshot, answers),
    }});
    let writes = served(snapshot).any(|(id, _)| Granted::of(snapshot, id).writes());
    let operations = writes.then(|| ("/operations".to_owned(), operations(snapshot)));
    [("/".to_owned(), index)].into_iter().chain(operations).collect()
}

fn operations(snapshot: &Snapshot) -> Json {
    let done = json!({
        "description": "A result for each operation, in their order.",
        "content": {JSON_API_ATOMIC: {"schema": reference("schemas", "jsonapi.results")}},
    });
    let answers = vec![("200", done), ("204", responses::empty("Done, and nothing is left to show."))];
    json!({"post": {
        "operationId": "operations",
        "summary": "Several operations in one transaction",
        "description": "[Atomic Operations](https://jsonapi.org/ext/atomic): all are done, or none.",
        "parameters": [reference("parameters", "trace")],
        "requestBody": {"required": true, "content": {JSON_API_ATOMIC: {"schema": reference("schemas", "jsonapi.operations")}}},
        "responses": guarded(snapshot, responses::write(answers)),
    }})
}

/// Where it matters who asks, any request may be refused for that.
fn guarded(snapshot: &Snapshot, mut answers: Json) -> Json {
    if snapshot.is_guarded()
        && let Some(answers) = answers.as_object_mut()
    {
        answers.extend(responses::with_refusals(responses::GUARDED));
    }
    answers
}

/// The paths of a type.
pub(super) fn of(snapshot: &Snapshot, id: TableId) -> Vec<(String, Json)> {
    let table = &snapshot.schema[id];
    let collection = format!("/{}", links::segment(&table.name));
    let item = format!("{collection}/{{id}}");
    let operations = Operations { snapshot, id, table, granted: Granted::of(snapshot, id) };
    let mut paths = vec![(collection, operations.collection()), (item.clone(), operations.item())];
    for relationship in shape::relationships(&snapshot.schema, id) {
        let name = links::segment(&table[relationship].name);
        if operations.granted.reads() {
            paths.push((format!("{item}/{name}"), operations.related(relationship)));
        }
        paths.push((format!("{item}/relationships/{name}"), operations.linkage(relationship)));
    }
    paths.retain(|(_, path)| has_methods(path));
    paths
}

fn has_methods(path: &Json) -> bool {
    path.as_object().is_some_and(|path| path.keys().any(|member| member != "parameters"))
}

/// The operations of one type.
struct Operations<'a> {
    snapshot: &'a Snapshot,
    id: TableId,
    table: &'a Table,
    granted: Granted<'a>,
}

impl Operations<'_> {
    fn collection(&self) -> Json {
        object([
            ("get", self.granted.reads().then(|| self.list())),
            ("post", self.granted.allows(Change::Create).then(|| self.create())),
        ])
    }

    fn item(&self) -> Json {
        object([
            ("parameters", Some(json!([reference("parameters", "id")]))),
            ("get", self.granted.reads().then(|| self.read())),
            ("patch", self.granted.allows(Change::Update).then(|| self.update())),
            ("delete", self.granted.allows(Change::Delete).then(|| self.delete())),
        ])
    }

    fn list(&self) -> Json {
        let answers = responses::collection(&schema(self.table, "collection"));
        self.operation("list", "List", parameters::of_many(self.snapshot, self.id), answers)
    }

    fn read(&self) -> Json {
        let mut taken = parameters::of_one(self.snapshot, self.id);
        taken.push(reference("parameters", "if-none-match"));
        self.operation("read", "Read one", taken, responses::read(&schema(self.table, "document"), true))
    }

    fn create(&self) -> Json {
        let mut made = responses::document("Made.", &schema(self.table, "document"), true);
        if let Some(headers) = made.get_mut("headers").and_then(Json::as_object_mut) {
            headers.insert("Location".into(), reference("headers", "Location"));
        }
        let operation =
            self.operation("create", "Create", self.written(), responses::write(vec![("201", made)]));
        with_body(operation, &schema(self.table, "create"))
    }

    fn update(&self) -> Json {
        let mut taken = self.written();
        taken.push(reference("parameters", "if-match"));
        let changed = responses::document("Changed.", &schema(self.table, "document"), true);
        let operation = self.operation("update", "Change", taken, responses::write(vec![("200", changed)]));
        with_body(operation, &schema(self.table, "update"))
    }

    fn delete(&self) -> Json {
        let taken = ["if-match", "trace"].map(|name| reference("parameters", name)).to_vec();
        let gone = vec![
            ("204", responses::empty("Gone.")),
            ("200", told("Gone, with the trace that was asked for.")),
        ];
        self.operation("delete", "Remove", taken, responses::write(gone))
    }

    fn related(&self, relationship: RelationshipId) -> Json {
        let of = &self.table[relationship];
        let target = &self.snapshot.schema[of.target];
        let (taken, answers) = match of.to_one() {
            true => (
                parameters::of_one(self.snapshot, of.target),
                responses::read(&schema(target, "related"), false),
            ),
            false => (
                parameters::of_many(self.snapshot, of.target),
                responses::collection(&schema(target, "collection")),
            ),
        };
        self.of_item(self.operation(
            &format!("{}.related", of.name),
            &format!("Related: {}", of.name),
            taken,
            answers,
        ))
    }

    fn linkage(&self, relationship: RelationshipId) -> Json {
        let of = &self.table[relationship];
        let many = !of.to_one();
        let change = |verb: &str, summary: &str| {
            let taken = ["if-match", "trace"].map(|name| reference("parameters", name)).to_vec();
            let done = vec![
                ("204", responses::empty("Done.")),
                ("200", told("Done, with the trace that was asked for.")),
            ];
            let name = format!("{}.{verb}", of.name);
            let operation =
                self.operation(&name, &format!("{summary}: {}", of.name), taken, responses::write(done));
            with_body(operation, &schema(&self.snapshot.schema[of.target], arity(of)))
        };
        let shown = schema(&self.snapshot.schema[of.target], arity(of));
        let taken = if many { parameters::of_linkage(self.snapshot, of.target) } else { Vec::new() };
        let read = if many { responses::read_many(&shown) } else { responses::read(&shown, false) };
        let (name, about) = (format!("{}.linkage", of.name), format!("Linkage: {}", of.name));
        let writable = self.granted.allows(Change::Update)
            && !self.granted.locks_relationship(Change::Update, relationship, of);
        object([
            ("parameters", Some(json!([reference("parameters", "id")]))),
            ("get", self.granted.reads().then(|| self.operation(&name, &about, taken, read))),
            ("patch", writable.then(|| change("replace", "Replace"))),
            ("post", (writable && many).then(|| change("add", "Add"))),
            ("delete", (writable && many).then(|| change("remove", "Remove"))),
        ])
    }

    /// A GET below a resource.
    fn of_item(&self, operation: Json) -> Json {
        json!({"parameters": [reference("parameters", "id")], "get": operation})
    }

    /// How the answer to a write is to look.
    fn written(&self) -> Vec<Json> {
        let shown = self.granted.reads().then(|| parameters::of_one(self.snapshot, self.id));
        let mut taken = shown.unwrap_or_default();
        taken.push(reference("parameters", "trace"));
        taken
    }

    fn operation(&self, name: &str, summary: &str, parameters: Vec<Json>, responses: Json) -> Json {
        object([
            ("operationId", Some(format!("{}.{name}", self.table.name).into())),
            ("tags", Some(json!([self.table.name]))),
            ("summary", Some(summary.into())),
            ("parameters", (!parameters.is_empty()).then(|| parameters.into())),
            ("responses", Some(guarded(self.snapshot, responses))),
        ])
    }
}

/// An answer that has nothing but `meta`.
fn told(description: &str) -> Json {
    let schema = json!({"type": "object", "properties": {"meta": {"type": "object"}}});
    responses::document(description, &schema, false)
}

fn with_body(mut operation: Json, schema: &Json) -> Json {
    if let Some(operation) = operation.as_object_mut() {
        let body = json!({"required": true, "content": {JSON_API: {"schema": schema}}});
        operation.insert("requestBody".into(), body);
    }
    operation
}
