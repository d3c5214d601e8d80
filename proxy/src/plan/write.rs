//! A write as asked for, with names found in the schema and values typed.
//!
//! [`build`] turns the endpoint and the document into a [`WritePlan`] or into all that is wrong with them, each with its place; [`operations`]
//! does so for several operations at once. What needs the row itself (preconditions, values that must be unchanged) is carried along and
//! judged under its lock.

mod assign;
mod create;
mod new_rows;
mod operations;
mod relate;
mod target;

use std::collections::BTreeMap;

use dialects::Value;
use introspect::{ColumnId, RelationshipId, Table, TableId};
use rules::change::{Action, Key, Membership, RowId};

use crate::jsonapi::document::{self, ResourceDocument};
use crate::jsonapi::etag::{self, Precondition};
use crate::jsonapi::id;
use crate::state::{OptimisticLocking, Snapshot};
use crate::{Error, ErrorCode, Errors, Result};
use assign::Assignments;
pub use assign::related_not_found;
pub use create::{needed_columns, required, required_columns, takes_client_ids};
use new_rows::NewRows;
pub use operations::operations;

/// One transaction: one operation, or several.
#[derive(Clone, Debug)]
pub struct WritePlan {
    /// What is done, in the order of the request.
    pub operations: Vec<PlannedOperation>,
}

/// One write of one resource.
#[derive(Clone, Debug)]
pub struct PlannedOperation {
    /// The row.
    pub id: RowId,
    /// What happens to it.
    pub action: Action,
    /// Where the operation stands in the document: empty where it is the whole document.
    pub place: String,
    /// Where in the operation its data stands.
    pub data: String,
    /// Where in the operation each column was given.
    pub pointers: BTreeMap<ColumnId, String>,
    /// Derived attributes that were sent, and left out.
    pub ignored: Vec<String>,
    /// Columns that cannot be written and were sent all the same: fine when they say what the row holds.
    pub unchanged: Vec<(ColumnId, Value)>,
    /// Something may be set in the client's place.
    pub preset: bool,
    /// What the row must still be.
    pub condition: Option<Condition>,
    /// Where in the operation each row is named that a to-many relationship is to lead to, or no longer.
    pub members: Vec<(RowId, String)>,
    /// What its answer shows.
    pub shows: Shows,
}

/// What the answer to an operation shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The resource.
    Resource,
    /// Nothing: it is about a relationship.
    Nothing,
    /// It is a part of the operation before it, and has no answer of its own.
    Part,
}

impl WritePlan {
    /// The rows that the request names, each once.
    pub fn rows(&self) -> Vec<RowId> {
        let mut rows: Vec<RowId> = self.operations.iter().map(|operation| operation.id.clone()).collect();
        rows.sort();
        rows.dedup();
        rows
    }
}

impl PlannedOperation {
    /// An operation that is the whole document.
    fn new(id: RowId, action: Action) -> Self {
        let data = if matches!(action, Action::Delete) { "" } else { "/data" };
        Self {
            id,
            action,
            place: String::new(),
            data: data.into(),
            pointers: BTreeMap::new(),
            ignored: Vec::new(),
            unchanged: Vec::new(),
            preset: false,
            condition: None,
            members: Vec::new(),
            shows: Shows::Resource,
        }
    }

    /// The operation's document, or what stands for it where there is none.
    pub fn whole(&self) -> String {
        format!("{}{}", self.place, self.data)
    }
}

/// What a client expects of the row as it is.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The ETags.
    pub expected: Precondition,
    /// Where they came from decides how a mismatch is told.
    pub origin: Origin,
}

/// Where an expected ETag was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In `If-Match`: a mismatch is 412.
    Header,
    /// In `meta.etag` of the resource or of the operation: a mismatch is 409. Where in the operation that is.
    Document(&'static str),
}

/// The verb of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Verb {
    Create,
    Update,
    Delete,
}

/// What a write request holds, apart from its verb.
#[derive(Clone, Copy, Debug)]
pub struct WriteRequest<'a> {
    /// The id in the path; empty for a creation.
    pub id: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// `If-Match`.
    pub if_match: Option<&'a str>,
}

/// Whether clients never set a column: rules, the database or nobody does.
pub fn is_read_only(snapshot: &Snapshot, table: TableId, column: ColumnId) -> bool {
    let of = &snapshot.schema[table][column];
    let unwritable = of.is_virtual || of.generated.is_some() || !of.ty.is_writable();
    unwritable || snapshot.schema[table].view || snapshot.facts.is_derived(table, column)
}

/// Refuses a view.
pub fn writable(table: &Table) -> Result<()> {
    match table.view {
        false => Ok(()),
        true => {
            let detail = format!("`{}` is a view: it can be read, not written.", table.name);
            Err(Error::new(ErrorCode::ReadOnly, detail).into())
        }
    }
}

/// Builds the plan of a write to a table.
pub fn build(
    snapshot: &Snapshot,
    table: TableId,
    verb: Verb,
    request: WriteRequest<'_>,
) -> Result<WritePlan> {
    let operations = match verb {
        Verb::Create => {
            refuse_condition(request)?;
            let document = document(snapshot, table, request)?;
            create::build(snapshot, RowId::new(table, 0), &document, &NewRows::default())
        }
        Verb::Update => {
            let document = document(snapshot, table, request)?;
            let key = key_of(snapshot, table, request.id)?;
            same_id(request.id, document.id.as_deref())?;
            let condition = condition(snapshot, given(request, document.etag.as_deref()))?;
            update(snapshot, RowId::existing(table, key), &document, condition, &NewRows::default())
        }
        Verb::Delete => {
            let id = RowId::existing(table, key_of(snapshot, table, request.id)?);
            Ok(vec![delete(id, condition(snapshot, given(request, None))?)])
        }
    };
    Ok(WritePlan { operations: operations? })
}

/// Builds the plan of a write to a relationship of a row, at its own URL.
pub fn linkage(
    snapshot: &Snapshot,
    table: TableId,
    relationship: RelationshipId,
    how: Membership,
    request: WriteRequest<'_>,
) -> Result<WritePlan> {
    let document = document::relationship(request.body, snapshot.limits.json_depth)?;
    let id = RowId::existing(table, key_of(snapshot, table, request.id)?);
    let given = match (request.if_match, document.etag.as_deref()) {
        (None, Some(etag)) => Some(expected(etag, "/meta/etag")),
        _ => given(request, None),
    };
    let condition = condition(snapshot, given)?;
    let (linkage, new_rows) = (&document.linkage, NewRows::default());
    let operation = relate::operation(snapshot, id, relationship, how, linkage, &new_rows)?;
    Ok(WritePlan { operations: vec![PlannedOperation { condition, ..operation }] })
}

fn document(snapshot: &Snapshot, table: TableId, request: WriteRequest<'_>) -> Result<ResourceDocument> {
    let document = document::resource(request.body, snapshot.limits.json_depth)?;
    let expected = &snapshot.schema[table].name;
    match document.ty == *expected {
        true => Ok(document),
        false => {
            let detail =
                format!("This endpoint takes resources of type `{expected}`, not `{}`.", document.ty);
            Err(Error::new(ErrorCode::TypeConflict, detail).at("/data/type").into())
        }
    }
}

fn update(
    snapshot: &Snapshot,
    id: RowId,
    document: &ResourceDocument,
    condition: Option<Condition>,
    new_rows: &NewRows,
) -> Result<Vec<PlannedOperation>> {
    let mut assignments = Assignments::new(snapshot, id.clone(), false, new_rows);
    assignments.document(document);
    let given = assignments.finish()?;
    let nothing = given.values.is_empty() && given.unchanged.is_empty() && given.related.is_empty();
    if nothing && !given.ignored.is_empty() {
        return Err(derived_only(&given.ignored));
    }
    let action = Action::Update(given.values);
    let operation = PlannedOperation {
        pointers: given.pointers,
        ignored: given.ignored,
        unchanged: given.unchanged,
        condition,
        ..PlannedOperation::new(id, action)
    };
    Ok([vec![operation], given.related].concat())
}

fn delete(id: RowId, condition: Option<Condition>) -> PlannedOperation {
    PlannedOperation { condition, ..PlannedOperation::new(id, Action::Delete) }
}

fn key_of(snapshot: &Snapshot, table: TableId, id: &str) -> Result<Key> {
    id::parse(snapshot.schema.dialect, &snapshot.schema[table], id)
        .ok_or_else(|| not_found(snapshot, table, id))
}

/// No row has this id.
pub fn not_found(snapshot: &Snapshot, table: TableId, id: &str) -> Errors {
    let detail =
        format!("There is no resource of type `{}` with the id `{id}`.", snapshot.schema[table].name);
    Error::new(ErrorCode::NotFound, detail).into()
}

fn same_id(path: &str, document: Option<&str>) -> Result<()> {
    match document {
        Some(id) if id == path => Ok(()),
        Some(id) => {
            let detail = format!("The document's id is `{id}`, the URL's is `{path}`.");
            Err(Error::new(ErrorCode::IdConflict, detail).at("/data/id").into())
        }
        None => {
            let detail = "The resource object needs the member `id`, the same as in the URL.";
            Err(Error::new(ErrorCode::MalformedDocument, detail).at("/data").into())
        }
    }
}

/// What a request for one resource expects of it.
fn given(request: WriteRequest<'_>, etag: Option<&str>) -> Option<Condition> {
    match (request.if_match, etag) {
        (Some(header), _) => Some(Condition { expected: etag::precondition(header), origin: Origin::Header }),
        (None, Some(etag)) => Some(expected(etag, "/data/meta/etag")),
        (None, None) => None,
    }
}

fn expected(etag: &str, pointer: &'static str) -> Condition {
    Condition { expected: etag::precondition(etag), origin: Origin::Document(pointer) }
}

/// What is expected, as far as the settings let it count.
fn condition(snapshot: &Snapshot, given: Option<Condition>) -> Result<Option<Condition>> {
    match (snapshot.api.optimistic_locking, given) {
        (OptimisticLocking::Off, _) => Ok(None),
        (OptimisticLocking::Required, None) => {
            let detail = "Send If-Match with the ETag that you read, or `meta.etag` in the resource object.";
            Err(Error::new(ErrorCode::PreconditionRequired, detail).header("If-Match").into())
        }
        (_, given) => Ok(given),
    }
}

/// There is nothing yet that could match.
fn refuse_condition(request: WriteRequest<'_>) -> Result<()> {
    match request.if_match {
        None => Ok(()),
        Some(_) => {
            let detail = "A creation takes no If-Match: there is nothing yet that could match.";
            Err(Error::new(ErrorCode::MalformedRequest, detail).header("If-Match").into())
        }
    }
}

fn derived_only(ignored: &[String]) -> Errors {
    let names = ignored.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let detail = format!("{names}: rules derive this. Change what it is derived from.");
    let pointer =
        format!("/data/attributes/{}", document::escape(ignored.first().map_or("", String::as_str)));
    Error::new(ErrorCode::DerivedOnly, detail).at(pointer).into()
}
