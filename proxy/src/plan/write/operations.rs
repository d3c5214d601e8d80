//! The plan of several operations: each with its row, found by id or among those that operations before it add.

use introspect::TableId;
use rules::change::{Action, Membership, RowId};

use super::new_rows::NewRows;
use super::target::Target;
use super::{
    Condition, PlannedOperation, WritePlan, condition, create, delete, expected, key_of, relate, update,
};
use crate::jsonapi::document::{self, Name, OperationDocument, ResourceDocument, Verb};
use crate::plan::{names, restrict};
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
            Ok(parts) => {
                let placed = |operation| PlannedOperation { place: place.clone(), ..operation };
                operations.extend(parts.into_iter().map(placed));
            }
            Err(refused) => errors.extend(refused.under(&place)),
        }
    }
    Errors::from_vec(errors).map_or(Ok(WritePlan { operations }), Err)
}

struct Builder<'a> {
    snapshot: &'a Snapshot,
    new_rows: NewRows,
}

impl Builder<'_> {
    /// One operation; the to-many relationships in its data are further ones.
    fn operation(&mut self, n: u32, document: &OperationDocument) -> Result<Vec<PlannedOperation>> {
        let target = Target::given(&self.snapshot.api, document)?;
        if let Some((target, name)) = target.as_ref().and_then(|t| Some((t, t.relationship.as_ref()?))) {
            return Ok(vec![self.relationship(document, target, name)?]);
        }
        let data = document.resource()?;
        if let (Some(target), Some(data)) = (&target, &data) {
            target.agree(data)?;
        }
        match (document.verb, data) {
            (Verb::Add, Some(data)) => self.add(n, target, &data),
            (Verb::Add, None) => Err(lacking("`add` needs `data`.")),
            (Verb::Update, Some(data)) => {
                let target = target.unwrap_or_else(|| Target::of_data(&data));
                self.update(&target, document, &data)
            }
            (Verb::Update, None) => Err(lacking("`update` needs `data`.")),
            (Verb::Remove, data) => match target.or(data.as_ref().map(Target::of_data)) {
                Some(target) => Ok(vec![self.remove(&target, document, data.as_ref())?]),
                None => Err(lacking("The operation needs `ref` or `href`: the resource it is about.")),
            },
        }
    }

    fn add(
        &mut self,
        n: u32,
        target: Option<Target>,
        data: &ResourceDocument,
    ) -> Result<Vec<PlannedOperation>> {
        let named = target.filter(|target| target.name.is_some() && Target::of_data(data).name.is_none());
        if let Some(target) = named {
            let detail =
                "`add` takes a collection: the resource does not exist yet. Its `data` says what it is.";
            return Err(Error::new(ErrorCode::MalformedDocument, detail).at(target.name_at()).into());
        }
        let table = self.table(&data.ty, "/data/type")?;
        self.may(table, super::Verb::Create)?;
        let id = RowId::new(table, n);
        if data.etag.is_some() {
            return Err(nothing_to_match("/data/meta/etag"));
        }
        let parts = create::build(self.snapshot, id.clone(), data, &self.new_rows);
        // Later operations may name a row that is refused, too: they have nothing wrong themselves.
        if let Some(lid) = &data.lid
            && !self.new_rows.name(&id, lid)
        {
            let detail = format!("Another operation adds a `{}` with the local id `{lid}`.", data.ty);
            return Err(Error::new(ErrorCode::MalformedDocument, detail).at("/data/lid").into());
        }
        let parts = parts?;
        if let Some(PlannedOperation { action: Action::Insert(values), .. }) = parts.first() {
            self.new_rows.add(self.snapshot, &id, values);
        }
        Ok(parts)
    }

    fn update(
        &self,
        target: &Target,
        document: &OperationDocument,
        data: &ResourceDocument,
    ) -> Result<Vec<PlannedOperation>> {
        let id = self.row(target, super::Verb::Update)?;
        let condition = self.condition(&id, document, Some(data))?;
        let mut parts = update(self.snapshot, id, data, condition, &self.new_rows)?;
        for part in parts.iter_mut().filter(|part| part.id.key().is_none()) {
            self.unchanged(part)?;
        }
        Ok(parts)
    }

    /// An operation on a relationship. Of one resource there is nothing to add to, or to remove from.
    fn relationship(
        &self,
        document: &OperationDocument,
        target: &Target,
        name: &str,
    ) -> Result<PlannedOperation> {
        let id = self.row(target, super::Verb::Update)?;
        let found = names::relationship(&self.snapshot.schema, id.table, name);
        let (relationship, there) =
            found.map_err(|detail| Error::new(ErrorCode::NotFound, detail).at(target.relationship_at()))?;
        let how = match document.verb {
            Verb::Update => Membership::Replace,
            _ if there.to_one() => {
                let detail = format!("`{name}` leads to one resource: `update` replaces it.");
                return Err(Error::new(ErrorCode::MalformedDocument, detail).at("/op").into());
            }
            Verb::Add => Membership::Add,
            Verb::Remove => Membership::Remove,
        };
        let condition = self.condition(&id, document, None)?;
        let (linkage, new_rows) = (document.linkage()?, &self.new_rows);
        let mut operation = relate::operation(self.snapshot, id, relationship, how, &linkage, new_rows)?;
        if operation.id.key().is_none() {
            self.unchanged(&mut operation)?;
        }
        Ok(PlannedOperation { condition, ..operation })
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

    fn remove(
        &self,
        target: &Target,
        document: &OperationDocument,
        data: Option<&ResourceDocument>,
    ) -> Result<PlannedOperation> {
        let id = self.row(target, super::Verb::Delete)?;
        let condition = self.condition(&id, document, data)?;
        Ok(delete(id, condition))
    }

    fn table(&self, ty: &str, place: &str) -> Result<TableId> {
        let found = names::table(&self.snapshot.schema, ty);
        let writable = found.and_then(|(id, table)| super::writable(table).map(|()| id));
        writable.map_err(|errors| errors.map(|error| error.at(place)))
    }

    /// The row that an operation names, where what is done to it is granted at all. What is done to a row that the request adds is part of
    /// its addition.
    fn row(&self, target: &Target, verb: super::Verb) -> Result<RowId> {
        let id = self.named(target)?;
        if id.key().is_some() {
            self.may(id.table, verb)?;
        }
        Ok(id)
    }

    fn may(&self, table: TableId, verb: super::Verb) -> Result<()> {
        restrict::may(self.snapshot, table, verb).map_err(|errors| errors.map(|error| error.at("")))
    }

    fn named(&self, target: &Target) -> Result<RowId> {
        let table = self.table(&target.ty, target.ty_at())?;
        match &target.name {
            Some(Name::Id(id)) => {
                let key = key_of(self.snapshot, table, id)
                    .map_err(|errors| errors.map(|error| error.at(target.name_at())))?;
                Ok(self.new_rows.by_key(table, &key).cloned().unwrap_or_else(|| RowId::existing(table, key)))
            }
            Some(Name::Lid(lid)) => self
                .new_rows
                .by_lid(table, lid)
                .cloned()
                .ok_or_else(|| unknown_lid(&target.ty, lid).at(target.name_at()).into()),
            None => {
                let detail = "The operation must name its resource by `id` or `lid`.";
                Err(Error::new(ErrorCode::MalformedDocument, detail).at(target.name_at()).into())
            }
        }
    }

    fn condition(
        &self,
        id: &RowId,
        document: &OperationDocument,
        data: Option<&ResourceDocument>,
    ) -> Result<Option<Condition>> {
        let of_data = data.and_then(|data| data.etag.as_deref());
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
