//! The plan of several operations: each with its row, found by id or among those that operations before it add.

use introspect::TableId;
use rules::change::{Action, RowId};

use super::new_rows::NewRows;
use super::{Condition, PlannedOperation, WritePlan, condition, create, delete, expected, key_of, update};
use crate::jsonapi::document::{self, Identifier, Name, OperationDocument, ResourceDocument, Verb};
use crate::plan::names;
use crate::state::Snapshot;
use crate::{Error, ErrorCode, Errors, Result};

/// Builds the plan of a document of operations, or tells everything that is wrong with them, each with its place.
pub fn operations(snapshot: &Snapshot, body: &[u8]) -> Result<WritePlan> {
    let limits = &snapshot.limits;
    let documents = document::operations(body, limits.json_depth, limits.operations)?;
    let mut builder = Builder { snapshot, new_rows: NewRows::default() };
    let (mut operations, mut errors) = (Vec::new(), Vec::new());
    for (n, document) in (0..).zip(&documents) {
        let place = format!("/atomic:operations/{n}");
        match builder.operation(n, document) {
            Ok(operation) => operations.push(PlannedOperation { place, ..operation }),
            Err(refused) => errors.extend(refused.under(&place)),
        }
    }
    Errors::from_vec(errors).map_or(Ok(WritePlan { operations }), Err)
}

struct Builder<'a> {
    snapshot: &'a Snapshot,
    new_rows: NewRows,
}

/// The resource that an operation is about, as it says, and where it says so.
struct Target<'a> {
    ty: &'a str,
    name: Option<Named<'a>>,
    pointer: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Named<'a> {
    Id(&'a str),
    Lid(&'a str),
}

impl Builder<'_> {
    fn operation(&mut self, n: u32, document: &OperationDocument) -> Result<PlannedOperation> {
        match (document.verb, &document.data) {
            (Verb::Add, Some(data)) => self.add(n, data),
            (Verb::Add, None) => Err(lacking("`add` needs `data`.")),
            (Verb::Update, Some(data)) => self.update(document, data),
            (Verb::Update, None) => Err(lacking("`update` needs `data`.")),
            (Verb::Remove, _) => self.remove(document),
        }
    }

    fn add(&mut self, n: u32, data: &ResourceDocument) -> Result<PlannedOperation> {
        let table = self.table(&data.ty, "/data")?;
        let id = RowId::new(table, n);
        if data.etag.is_some() {
            return Err(nothing_to_match("/data/meta/etag"));
        }
        let operation = create::build(self.snapshot, id.clone(), data, &self.new_rows);
        // Later operations may name a row that is refused, too: they have nothing wrong themselves.
        if let Some(lid) = &data.lid
            && !self.new_rows.name(&id, lid)
        {
            let detail = format!("Another operation adds a `{}` with the local id `{lid}`.", data.ty);
            return Err(Error::new(ErrorCode::MalformedDocument, detail).at("/data/lid").into());
        }
        let operation = operation?;
        if let Action::Insert(values) = &operation.action {
            self.new_rows.add(self.snapshot, &operation.id, values);
        }
        Ok(operation)
    }

    fn update(&self, document: &OperationDocument, data: &ResourceDocument) -> Result<PlannedOperation> {
        let target = target(document)?;
        let id = self.row(&target)?;
        let condition = self.condition(&id, document)?;
        let mut operation = update(self.snapshot, id, data, condition, &self.new_rows)?;
        if operation.id.key().is_none() {
            self.unchanged(&mut operation)?;
        }
        Ok(operation)
    }

    /// A new row is not there yet to be compared with: what cannot be changed must be what it was added with.
    fn unchanged(&self, operation: &mut PlannedOperation) -> Result<()> {
        let table = &self.snapshot.schema[operation.id.table];
        for (column, value) in std::mem::take(&mut operation.unchanged) {
            if !self.new_rows.holds(&operation.id, column, &value) {
                let detail = format!("`{}` cannot be changed.", table[column].name);
                let pointer = operation.pointers.get(&column).cloned().unwrap_or_default();
                return Err(Error::new(ErrorCode::ReadOnly, detail)
                    .at(pointer)
                    .about(&table[column].name)
                    .into());
            }
        }
        Ok(())
    }

    fn remove(&self, document: &OperationDocument) -> Result<PlannedOperation> {
        let id = self.row(&target(document)?)?;
        let condition = self.condition(&id, document)?;
        Ok(delete(id, condition))
    }

    fn table(&self, ty: &str, pointer: &str) -> Result<TableId> {
        let place = format!("{pointer}/type");
        let (id, table) = names::table(&self.snapshot.schema, ty)
            .map_err(|errors| errors.map(|error| error.at(place.clone())))?;
        match table.view {
            false => Ok(id),
            true => {
                let detail = format!("`{ty}` is a view: it can be read, not written.");
                Err(Error::new(ErrorCode::Forbidden, detail).at(place).into())
            }
        }
    }

    /// The row that an operation names.
    fn row(&self, target: &Target<'_>) -> Result<RowId> {
        let table = self.table(target.ty, target.pointer)?;
        match target.name {
            Some(Named::Id(id)) => {
                let place = format!("{}/id", target.pointer);
                let key = key_of(self.snapshot, table, id)
                    .map_err(|errors| errors.map(|error| error.at(place.clone())))?;
                Ok(self.new_rows.by_key(table, &key).cloned().unwrap_or_else(|| RowId::existing(table, key)))
            }
            Some(Named::Lid(lid)) => self
                .new_rows
                .by_lid(table, lid)
                .cloned()
                .ok_or_else(|| unknown_lid(target.ty, lid).at(format!("{}/lid", target.pointer)).into()),
            None => {
                let detail = "The operation must name its resource by `id` or `lid`.";
                Err(Error::new(ErrorCode::MalformedDocument, detail).at(target.pointer).into())
            }
        }
    }

    fn condition(&self, id: &RowId, document: &OperationDocument) -> Result<Option<Condition>> {
        let of_data = document.data.as_ref().and_then(|data| data.etag.as_deref());
        let given = match (of_data, document.etag.as_deref()) {
            (Some(etag), _) => Some(expected(etag, "/data/meta/etag")),
            (None, Some(etag)) => Some(expected(etag, "/meta/etag")),
            (None, None) => None,
        };
        match (id.key(), given) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(nothing_to_match("")),
            (Some(_), given) => condition(self.snapshot, given).map_err(required),
        }
    }
}

/// What `ref` names, else `data`; where both do, they must agree.
fn target(document: &OperationDocument) -> Result<Target<'_>> {
    let of_data = document.data.as_ref().map(|data| {
        let name = data.id.as_deref().map(Named::Id).or(data.lid.as_deref().map(Named::Lid));
        Target { ty: &data.ty, name, pointer: "/data" }
    });
    let of_ref = document.target.as_ref().map(|Identifier { ty, name }| {
        let name = match name {
            Name::Id(id) => Named::Id(id),
            Name::Lid(lid) => Named::Lid(lid),
        };
        Target { ty, name: Some(name), pointer: "/ref" }
    });
    match (of_ref, of_data) {
        (Some(of_ref), Some(of_data)) if of_ref.ty != of_data.ty => {
            let detail = format!("`ref` names a `{}`, `data` is a `{}`.", of_ref.ty, of_data.ty);
            Err(Error::new(ErrorCode::TypeConflict, detail).at("/data/type").into())
        }
        (Some(of_ref), Some(of_data)) if of_data.name.is_some() && of_ref.name != of_data.name => {
            let detail = "`ref` and `data` name different resources.";
            Err(Error::new(ErrorCode::IdConflict, detail).at("/data").into())
        }
        (Some(target), _) | (None, Some(target)) => Ok(target),
        (None, None) => Err(lacking("The operation needs `ref`: the resource it is about.")),
    }
}

/// A local id that nothing before gives.
pub(super) fn unknown_lid(ty: &str, lid: &str) -> Error {
    let detail = format!("No operation before this one adds a `{ty}` with the local id `{lid}`.");
    Error::new(ErrorCode::UnknownLocalId, detail)
}

fn lacking(detail: &str) -> Errors {
    Error::new(ErrorCode::MalformedDocument, detail).at("").into()
}

fn nothing_to_match(pointer: &str) -> Errors {
    let detail = "The resource is added by this request: there is no ETag yet that could match.";
    Error::new(ErrorCode::MalformedRequest, detail).at(pointer).into()
}

/// There is no header for one operation of several.
fn required(errors: Errors) -> Errors {
    errors.map(|mut error| {
        error.detail =
            "Send `meta.etag` of the resource that you read, in `data` or in the operation.".into();
        error.at("")
    })
}
